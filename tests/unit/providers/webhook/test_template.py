"""kind: webhook, template: fields are found, and no value can break out of the place where it lands."""

import json
import xml.etree.ElementTree as ET
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.providers.webhook import template as module
from smppbridge.providers.webhook.template import (
    Field,
    Template,
    compile_tree,
    escape_for,
    fits_xml,
    render_tree,
    templates_in,
)

VALUES = {"text": "Привет", "empty": "", "id": "42", "flag": "1", "secret.key": "k"}


def lookup(name: str) -> str:
    return VALUES[name]


@pytest.mark.parametrize(
    ("text", "rendered", "fields"),
    [
        ("", "", []),
        ("plain", "plain", []),
        ("{text}", "Привет", ["text"]),
        ("a {id} b {text}!", "a 42 b Привет!", ["id", "text"]),
        ("Bearer {secret.key}", "Bearer k", ["secret.key"]),
        ("{{text}}", "{text}", []),
        ('{{"id": {id}}}', '{"id": 42}', ["id"]),
        ("{header.X-Time}", None, ["header.X-Time"]),
        ("{id:number}", "42", ["id"]),
    ],
)
def test_fields_are_found(text: str, rendered: str | None, fields: list[str]) -> None:
    template = Template(text)
    assert [field.name for field in template.fields] == fields
    if rendered is not None:
        assert template.render(lookup) == rendered


@pytest.mark.parametrize(
    "text", ["{", "}", "{ text }", "{text", "text}", "{1}", "{id:float}", '{"a": 1}', "{}"]
)
def test_braces_that_are_no_field_are_a_mistake(text: str) -> None:
    with pytest.raises(ValueError, match="twice"):
        Template(text)


def test_too_long_a_template_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="10000"):
        Template("x" * 10_001)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{id:number}", 42),
        ("{empty:number}", None),
        ("{flag:bool}", True),
        ("{empty:bool}", False),
        ("{id}", "42"),
        ("{empty}", None),
        ("{empty}{empty}", None),
        ("{empty}.", "."),
        ("", ""),
    ],
)
def test_values_have_types_and_empty_ones_are_left_out(text: str, value: object) -> None:
    assert Template(text).value(lookup) == value


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError):
        Template("{text:number}").value(lookup)


def test_a_tree_loses_what_is_empty() -> None:
    tree = compile_tree(
        {
            "to": ["{id}", "{empty}"],
            "from": "{empty}",
            "hook": {"url": "{empty}"},
            "nothing": None,
            "kept": {},
            "n": 1.5,
            "yes": True,
        }
    )
    assert render_tree(tree, lookup) == {"to": ["42"], "nothing": None, "kept": {}, "n": 1.5, "yes": True}
    assert [path for path, _ in templates_in(tree, "json")] == [
        "json.to[0]",
        "json.to[1]",
        "json.from",
        "json.hook.url",
    ]


@pytest.mark.parametrize("value", [{"a": object()}, [b"octets"]])
def test_what_is_not_json_is_a_mistake(value: object) -> None:
    with pytest.raises(ValueError):
        compile_tree(value)


def test_deep_json_is_a_mistake() -> None:
    value: object = "x"
    for _ in range(30):
        value = [value]
    with pytest.raises(ValueError, match="deep"):
        compile_tree(value)


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(WORDS)
def test_a_value_stays_inside_json(value: str) -> None:
    body = Template('{{"text": "{text}"}}').render(lambda _: value, module.in_json)
    assert json.loads(body) == {"text": value}


@given(WORDS)
def test_a_value_stays_inside_a_form(value: str) -> None:
    body = Template("a={text}&b=1").render(lambda _: value, module.in_form)
    assert parse_qsl(body, keep_blank_values=True) == [("a", value), ("b", "1")]


@given(WORDS)
def test_a_value_stays_inside_xml(value: str) -> None:
    body = Template('<m to="{text}"><t>{text}</t></m>').render(lambda _: value, module.in_xml)
    root = ET.fromstring(body)
    kept = "".join(char for char in value if fits_xml(char))
    assert (root.get("to"), root.findtext("t") or "", len(root)) == (kept, kept, 1)


@given(WORDS)
def test_a_value_stays_one_segment_of_a_path(value: str) -> None:
    url = urlsplit(Template("http://h/a/{text}/b").render(lambda _: value, module.in_path))
    assert (url.netloc, url.query, url.fragment) == ("h", "", "")
    first, segment, last = url.path.removeprefix("/").split("/")
    assert (first, unquote(segment), last) == ("a", value, "b")
    assert segment not in (".", "..")


@pytest.mark.parametrize("value", [".", "..", "..."])
def test_dots_do_not_lead_upwards(value: str) -> None:
    assert module.in_path(value) == "%2E" * len(value)


@given(WORDS)
def test_a_header_is_one_line_of_ascii(value: str) -> None:
    header = module.in_header(value)
    assert header.isascii()
    assert header.isprintable()


@pytest.mark.parametrize(
    ("content_type", "escape"),
    [
        ("application/json; charset=utf-8", module.in_json),
        ("application/vnd.api+json", module.in_json),
        ("text/xml", module.in_xml),
        ("application/soap+xml", module.in_xml),
        ("application/x-www-form-urlencoded", module.in_form),
        ("text/plain; charset=utf-8", None),
        ("image/png", None),
        ("", None),
    ],
)
def test_the_type_of_a_body_says_how_values_are_escaped(content_type: str, escape: object) -> None:
    assert escape_for(content_type) is escape


def test_a_field_is_its_name() -> None:
    assert Template("{id}").fields == (Field("id"),)
