"""The plan that a declaration compiles to, and what it makes of good and bad bodies."""

from dataclasses import dataclass

import pytest

from smppbridge.errors import PduError
from smppbridge.smpp.fields import Layout, cstring, octets, read_body, read_cstring, secret, u1, write_cstring


@dataclass(slots=True)
class Sheet:
    """A body with every wire type, integers in front and between."""

    first: int = u1()
    name: str = cstring(5, error=0x0A)
    second: int = u1()
    third: int = u1()
    word: str = secret(4, error=0x0E)
    text: bytes = octets()
    last: int = u1()


@dataclass(slots=True)
class Tail:
    """A body whose last text may be missing."""

    kind: int = u1()
    name: str = cstring(5, omissible=True)


SHEET = Layout(Sheet)
HEADER = bytes(16)  # a body is read from behind the header of its PDU
BODY = b"\x01abcd\0\x02\x03xyz\0\x02hi\x04"


def read(body: bytes, *, lenient: bool = False) -> tuple[list[object], int]:
    values: list[object] = []
    pos = read_body(SHEET.plan(lenient=lenient), HEADER + body, values)
    return values, pos - len(HEADER)


def test_a_step_takes_one_text_and_the_integers_behind_it() -> None:
    steps = [(step.limit, step.ints, step.read is not None) for step in SHEET.plan()]
    assert steps == [(0, 1, False), (5, 2, False), (4, 0, True), (0, 1, False)]


def test_values_come_in_wire_order_and_what_follows_is_left() -> None:
    assert read(BODY + b"rest") == ([1, "abcd", 2, 3, "xyz", b"hi", 4], len(BODY))


def test_writing_is_the_reverse_of_reading() -> None:
    assert SHEET.write(Sheet(1, "abcd", 2, 3, "xyz", b"hi", 4)) == BODY
    assert SHEET.write(Sheet()) == bytes(7)


@pytest.mark.parametrize("length", range(len(BODY)))
def test_a_body_cut_anywhere_is_refused_and_its_whole_values_are_kept(length: int) -> None:
    values: list[object] = []
    with pytest.raises(PduError) as caught:
        read_body(SHEET.plan(), HEADER + BODY[:length], values)
    assert caught.value.status in (0x02, 0x01)
    assert values == [1, "abcd", 2, 3, "xyz", b"hi", 4][: len(values)]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"\x01abcde\0" + BODY[6:], 0x0A),  # one character too many
        (b"\x01abcde", 0x0A),  # as long as the limit, without a NUL
        (b"\x01abcd", 0x02),  # shorter than the limit: cut off
        (BODY[:8] + b"xyzz\0" + BODY[12:], 0x0E),
        (BODY[:12] + b"\x09hi\x04", 0x01),
    ],
)
def test_the_status_says_which_parameter_is_wrong(body: bytes, status: int) -> None:
    with pytest.raises(PduError) as caught:
        read(body)
    assert caught.value.status == status


def test_a_lenient_plan_has_no_limits() -> None:
    values, _ = read(b"\x01abcdefgh\0" + BODY[6:], lenient=True)
    assert values[1] == "abcdefgh"


def test_limits_can_be_replaced_by_name() -> None:
    plan = SHEET.plan(limits={"name": 3})
    with pytest.raises(PduError):
        read_body(plan, HEADER + BODY, [])


def test_an_omissible_text_may_be_missing_but_not_cut() -> None:
    plan = Layout(Tail).plan()
    values: list[object] = []
    read_body(plan, HEADER + b"\x07", values)
    assert Tail(*values) == Tail(7, "")  # type: ignore[arg-type]  # a list of unknown length
    with pytest.raises(PduError):
        read_body(plan, HEADER + b"\x07ab", [])
    with pytest.raises(PduError):
        read_body(plan, HEADER, [])


def test_every_octet_is_a_character() -> None:
    text = bytes(range(1, 256)).decode("latin-1")
    raw = write_cstring("name", text, 256)
    assert read_cstring(raw, 0, 256, 0x0A) == (text, 256)


@pytest.mark.parametrize(
    ("sheet", "culprit"),
    [
        (Sheet(first=256), "first"),
        (Sheet(third=-1), "third"),
        (Sheet(name="abcde"), "name"),
        (Sheet(name="a\0"), "name"),
        (Sheet(word="Й"), "word"),
        (Sheet(text=bytes(255)), "text"),
        (Sheet(last=0x110000), "last"),
    ],
)
def test_a_value_that_does_not_fit_is_named(sheet: Sheet, culprit: str) -> None:
    with pytest.raises(ValueError, match=culprit):
        SHEET.write(sheet)


def test_a_layout_knows_its_defaults() -> None:
    assert SHEET.is_default(Sheet())
    assert not SHEET.is_default(Sheet(last=1))


def test_secrets_stay_out_of_repr() -> None:
    assert "xyz" not in repr(Sheet(word="xyz"))
