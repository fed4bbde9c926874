"""kind: webhook, extract: values are found where the operator says, and hostile documents do no harm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from smppbridge.providers.http.lenient import parse_lenient
from smppbridge.providers.webhook import extract as extract_module
from smppbridge.providers.webhook.extract import Document, Extract, as_text, compile_path, walk

ANSWER = {
    "id": 17,
    "ok": True,
    "price": 1.5,
    "none": None,
    "messages": [{"message-id": "A", "to": "1"}, {"message-id": "B"}],
    "sms": {"7900": {"code": 100}, "7901": {"code": 207}},
    "a.b": "dotted",
}


def extract(**where: str) -> Extract:
    return Extract.model_validate(where)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", [ANSWER]),
        ("$.id", [17]),
        ("$.messages[0]['message-id']", ["A"]),
        ("$.messages[0].message-id", ["A"]),
        ("$.messages[-1]['message-id']", ["B"]),
        ('$["a.b"]', ["dotted"]),
        ("$.messages[*]['message-id']", ["A", "B"]),
        ("$.messages[*].to", ["1"]),
        ("$.sms.*.code", [100, 207]),
        ("$.sms['7901'].code", [207]),
        ("$.messages[2]", []),
        ("$.id.deeper", []),
        ("$.id[0]", []),
        ("$.messages.id", []),
        ("$.missing", []),
    ],
)
def test_json_paths(path: str, found: list[object]) -> None:
    assert walk(ANSWER, compile_path(path)) == found


@pytest.mark.parametrize(
    "path", ["", "id", "$id", "$.", "$..id", "$.a[?(@.b)]", "$.a[1:2]", "$.a b", "$[a]", "$.a["]
)
def test_other_paths_are_mistakes(path: str) -> None:
    with pytest.raises(ValueError):
        compile_path(path)
    with pytest.raises(ValidationError):
        extract(json=path)


def test_what_a_path_finds_is_bounded() -> None:
    wide = [[{"a": 1}] * 100] * 1000
    assert len(walk(wide, compile_path("$[*][*].a"))) <= 2000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (17, "17"),
        (1.5, "1.5"),
        ("x ", "x "),
        (None, ""),
        ([], ""),
        ({}, ""),
    ],
)
def test_values_as_text(value: object, text: str) -> None:
    assert as_text(value) == text


XML = b"""<?xml version="1.0" encoding="utf-8"?>
<reply code="0"><message id="7"><state> sent </state></message><message id="8"/></reply>"""


@pytest.mark.parametrize(
    ("where", "body", "word"),
    [
        ({"json": "$.id"}, b'{"id": " x1 "}', "x1"),
        ({"json": "$.id"}, b'\xef\xbb\xbf{"id": "x1",}', "x1"),
        ({"json": "$.id"}, b'{"id": null}', ""),
        ({"json": "$.id"}, b'{"id": "' + b"x" * 201 + b'"}', ""),
        ({"xpath": "message/state"}, XML, "sent"),
        ({"xpath": "message/@id"}, XML, "7"),
        ({"xpath": "message[@id='8']/@id"}, XML, "8"),
        ({"xpath": "@code"}, XML, "0"),
        ({"xpath": ".//state"}, XML, "sent"),
        ({"xpath": "nothing"}, XML, ""),
        ({"regex": r"^OK - (\d+) SMS"}, b"OK - 3 SMS, 1 failed", "3"),
        ({"regex": r"ERROR"}, b"ERROR = 5", "ERROR"),
        ({"regex": r"id=(\d+)"}, b"nothing", ""),
    ],
)
def test_words_of_a_body(where: dict[str, str], body: bytes, word: str) -> None:
    assert extract(**where).word(Document(body)) == word


def test_words_beside_the_body() -> None:
    document = Document(b"", headers={"x-sign": "h"}, query={"id": "q"}, form={"id": "f", "state": "s"})
    assert extract(header="X-Sign").word(document) == "h"
    assert extract(query="id").word(document) == "q"
    assert extract(form="id").word(document) == "f"
    assert [extract(param=name).word(document) for name in ("id", "state", "none")] == ["f", "s", ""]
    assert extract(param="id").word(Document(b"", query={"id": "q"})) == "q"


def test_content_is_not_touched() -> None:
    text = " \tПривет \n" * 100
    assert extract(param="text").content(Document(b"", form={"text": text})) == text


@pytest.mark.parametrize(
    ("where", "body"),
    [
        ({"json": "$.a"}, b""),
        ({"json": "$.a"}, b"\xff\xfe"),
        ({"json": "$.a"}, b"<html/>"),
        ({"json": "$.a"}, b"[" * 100_000),
        ({"json": "$.a"}, b'{"a":' * 9000),
        ({"xpath": "a"}, b""),
        ({"xpath": "a"}, b"{}"),
        ({"xpath": "a"}, b"<a>" * 100),
        ({"xpath": "a"}, b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
        ({"xpath": "a"}, b'<?xml version="1.0"?><!doctype a><a/>'),
        ({"xpath": "a"}, '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode("utf-16")),
        ({"xpath": "a"}, b"<a>" + b" " * 1024 * 1024 + b"</a>"),
        ({"regex": "a"}, b"\xff"),
    ],
)
def test_a_hostile_body_is_refused(where: dict[str, str], body: bytes) -> None:
    with pytest.raises(ValueError):
        extract(**where).word(Document(body))


def test_an_xml_that_lies_about_its_encoding_is_read_as_it_was_searched() -> None:
    body = b"<?xml version='1.0' encoding='utf-7'?><a><b>+ADwAIQ-</b></a>"
    assert extract(xpath="b").word(Document(body)) == "+ADwAIQ-"


@given(st.binary(max_size=300))
def test_any_octets_are_read_or_refused(body: bytes) -> None:
    for place in (extract(json="$.a.*"), extract(xpath=".//a"), extract(regex="a(.)")):
        try:
            assert isinstance(place.word(Document(body)), str)
        except ValueError:
            continue


def test_a_regex_sees_only_the_beginning() -> None:
    assert extract(regex="x").word(Document(b" " * 1023 + b"x")) == "x"
    assert extract(regex="x").word(Document(b" " * 1024 + b"x")) == ""


@pytest.mark.parametrize(
    "where",
    [
        {},
        {"json": "$.a", "xpath": "a"},
        {"jsom": "$.a"},
        {"xpath": "/root/a"},
        {"xpath": "a["},
        {"xpath": "a[foo(]"},
        {"regex": "("},
    ],
)
def test_mistakes_are_found_when_loading(where: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        extract(**where)


def test_a_part_is_a_document_of_its_own() -> None:
    part = Document(b"{}", form={"a": "b"}).part({"id": "x"})
    assert extract(json="$.id").word(part) == "x"
    assert extract(form="a").word(part) == "b"


def test_a_body_without_sense_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken one of megabytes takes most of a second."""
    parsed = []

    def counted(text: str) -> object:
        parsed.append(text)
        return parse_lenient(text)

    monkeypatch.setattr(extract_module, "parse_lenient", counted)
    document = Document(b"<html>")
    for _ in range(3):
        with pytest.raises(ValueError):
            extract(json="$.a").word(document)
    assert len(parsed) == 1
