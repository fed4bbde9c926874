"""JSON with the mistakes that providers' manuals print."""

import contextlib
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.providers.http.lenient import MAX_NESTED, MAX_REPAIRED, counted, millionths, parse_lenient

MISPRINTS = [
    # an escape that JSON does not know
    (r'{"d": "спам\ошибки"}', {"d": r"спам\ошибки"}),
    (r'{"d": "a\"b\\c\/d\u0041\n \q"}', {"d": 'a"b\\c/dA\n ' + r"\q"}),
    (r'{"d": "\uZZ"}', {"d": r"\uZZ"}),
    # a comma too many
    ('{"a": 1, "ttl": 0,}', {"a": 1, "ttl": 0}),
    ('{"send": [{"a": 1,\n},\n{"a": 2},\n],\n}', {"send": [{"a": 1}, {"a": 2}]}),
    # a comma too few
    (
        '{"created": "2020-10-09 14:35:00" "modified": "x"}',
        {"created": "2020-10-09 14:35:00", "modified": "x"},
    ),
    (
        '{"text": "HLR"\n "send": [{"to": "1"} {"to": "2"}]}',
        {"text": "HLR", "send": [{"to": "1"}, {"to": "2"}]},
    ),
    ('{"a": 1 "b": true "c": [1 2] "d": null}', {"a": 1, "b": True, "c": [1, 2], "d": None}),
    # lines broken inside strings
    ('{"created":\n"2020-10-09\n14:35:00"}', {"created": "2020-10-09\n14:35:00"}),
    # marks inside strings are text
    ('{"a": "x,} \\" y: [" "b": ","}', {"a": 'x,} " y: [', "b": ","}),
    ("  {}  \n", {}),
]


@pytest.mark.parametrize(("text", "value"), MISPRINTS)
def test_misprint(text: str, value: object) -> None:
    assert parse_lenient(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "OK",
        "<html>",
        '{"a": 1',  # cut short
        '{"a": "b',
        '{"a": "b"} trailing',
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a" 1}',
        '{"a":: 1}',
        "{'a': 1}",
        '{"a": 1}}',
        "\x00\x01",
        "[" * 100_000,
        '{"a": ' + "9" * 10_000 + "}",
    ],
)
def test_not_clear(text: str) -> None:
    with pytest.raises(ValueError):
        parse_lenient(text)


scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text()
inside = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
values = st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=8), inside, max_size=4)


@given(values, st.booleans(), st.sampled_from([None, 1]))
def test_correct_json_is_read_as_it_is(value: object, ascii_only: bool, indent: int | None) -> None:
    assert parse_lenient(json.dumps(value, ensure_ascii=ascii_only, indent=indent)) == value


@given(st.dictionaries(st.text(), st.text(), min_size=1))
def test_commas_do_not_matter(value: dict[str, str]) -> None:
    printed = json.dumps(value, indent=1)
    without = re.sub(r'",\n', '"\n', printed)
    with_more = re.sub(r'"\n}', '",\n}', printed)
    assert parse_lenient(without) == parse_lenient(with_more) == value


@given(st.text(alphabet='{}[]:,"\\ \n\u043e1eE.-+truefalsn'))
def test_anything_is_a_value_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        parse_lenient(text)


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("1.40", 1_400_000),
        (1.4, 1_400_000),
        ("0.000001", 1),
        (3, 3_000_000),
        ("999999999", 999_999_999_000_000),
        *((none, 0) for none in ("", "1,40", "-1.4", "0", None, True, "nan", "inf", "1e9", 10**300, [1])),
    ],
)
def test_millionths(value: object, amount: int) -> None:
    assert millionths(value) == amount


@pytest.mark.parametrize(("parts", "told"), [(1, 1), (255, 255), (256, 0), (0, 0), (-1, 0), (None, 0)])
def test_counted(parts: int | None, told: int) -> None:
    assert counted(parts) == told


@pytest.mark.parametrize("unit", ["{},", "[],", '{"a":[{"b":1}]},'])
def test_more_objects_than_any_honest_answer_has_are_not_even_read(unit: str) -> None:
    """Eight megabytes of them were a gigabyte in memory, and 20 s of work."""
    braces = unit.count("{") + unit.count("[")
    most = (MAX_NESTED - 1) // braces
    assert len(parse_lenient("[" + unit * most + "0]")) == most + 1  # type: ignore[arg-type]  # it is a list
    with pytest.raises(ValueError, match="too many"):
        parse_lenient("[" + unit * (most + 1) + "0]")


def test_a_text_larger_than_any_honest_answer_is_not_repaired() -> None:
    """One of 8 MB took 12 s."""
    broken = '{"a": 1, "b": "%s"}'
    room = MAX_REPAIRED - len(broken) + 2
    assert parse_lenient((broken % ("x" * room)).replace(", ", "  ")) == {"a": 1, "b": "x" * room}
    with pytest.raises(ValueError, match="not JSON"):
        parse_lenient((broken % ("x" * (room + 1))).replace(", ", "  "))
