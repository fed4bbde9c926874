"""Reports as lines and as JSON: what each value looks like, and that no stranger speaks to the terminal."""

import json
from dataclasses import dataclass, field

import pytest

from smppbridge.commands.explain.found import FoundPdu, Remark
from smppbridge.commands.explain.parameters import header
from smppbridge.commands.explain.printing import MAX_KINDS, ExplainOptions, Printer, as_json, as_text, written
from smppbridge.commands.explain.report import PduReport
from smppbridge.commands.explain.values import INLINE, Hex, Instant, Meant, NamedStatus, Octets, meant
from smppbridge.smpp.codec import encode
from smppbridge.smpp.pdu import EnquireLink, Pdu, SubmitSmResp
from tests.support.esme.esme import submit
from tests.unit.commands.explain.told import told


@dataclass(frozen=True, slots=True)
class Inner:
    first: str
    second: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    before: str
    absent: str | None = None
    inner: Inner | None = field(default=None, metadata=INLINE)
    nothing: int | None  # has no default: it is written even so
    behind: tuple[Inner, ...]


# --- values ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        (5, 5),
        (None, None),
        (b"\1\xff", "01ff"),
        (Hex(0xAB, 2), "0xAB"),
        (Hex(4, 8), "0x00000004"),
        (Octets(b"\1\2"), {"octets": 2, "hex": "0102"}),
        (Instant(1_790_000_000_500), "2026-09-21 14:13:20+00:00"),
        (NamedStatus(0x4A3), {"value": "0x000004A3", "meaning": "ESME_RINVENCODING"}),
        (NamedStatus(0x7F), {"value": "0x0000007F", "meaning": "not in SMPP 3.4"}),
        (Meant(Hex(8, 2), "UCS-2"), {"value": "0x08", "meaning": "UCS-2"}),
        (meant(3, "urgent"), {"value": 3, "meaning": "urgent"}),
        (meant(Hex(3, 2), ""), "0x03"),
        (("a", Hex(1, 2)), ["a", "0x01"]),
        ({"a": Octets(b"")}, {"a": {"octets": 0, "hex": ""}}),
    ],
)
def test_values(value: object, expected: object) -> None:
    assert written(value) == expected


def test_fields_stand_in_their_order_and_may_be_left_out() -> None:
    inner = Inner("one", 2)
    full = written(Outer(before="x", inner=inner, nothing=None, behind=(Inner("two"),)))
    assert list(full.items()) == [
        ("before", "x"),
        ("first", "one"),
        ("second", 2),
        ("nothing", None),
        ("behind", [{"first": "two"}]),
    ]
    assert written(Outer(before="x", nothing=1, behind=())) == {"before": "x", "nothing": 1, "behind": []}


# --- lines -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ("text", ["  key: text"]),
        ("", ["  key:"]),
        (5, ["  key: 5"]),
        ({"value": "0x08", "meaning": "UCS-2"}, ["  key: 0x08 (UCS-2)"]),
        ({"value": 8, "meaning": ""}, ["  key: 8"]),
        ({"octets": 2, "hex": "0102"}, ["  key: 0102 (2 octets)"]),
        ({"octets": 0, "hex": ""}, ["  key: empty"]),
        ({"value": {"octets": 1, "hex": "01"}, "meaning": "x"}, ["  key: 01 (1 octets) (x)"]),
        (["a", "b", 3], ["  key: a, b, 3"]),
        (["a" * 60, "b" * 20], ["  key:", f"    - {'a' * 60}", f"    - {'b' * 20}"]),
        ({"a": "x", "b": {"c": "y"}}, ["  key:", "    a: x", "    b:", "      c: y"]),
        ([{"a": "x", "b": "y"}], ["  key:", "    - a: x", "      b: y"]),
        (
            [{"tag": "0x0204", "name": "reference", "value": 5}],
            ["  key:", "    reference 0x0204: 5"],
        ),
        (
            [{"tag": "0x0005", "name": "subunit", "value": 1, "meaning": "flash"}],
            ["  key:", "    subunit 0x0005: 1 (flash)"],
        ),
        ([{"tag": "0x0204", "name": "reference", "value": None}], ["  key:", "    reference 0x0204: None"]),
    ],
)
def test_lines(value: object, lines: list[str]) -> None:
    assert as_text("title", {"key": value}).split("\n") == ["title", *lines, ""]


async def test_nothing_speaks_to_the_terminal() -> None:
    evil = "\x1b]0;title\x07\x9b2J\u202egnp.exe\ud800\x7f"
    one = {"text": evil, evil: [evil, {"tag": evil, "name": evil, "value": evil}], "x": [{"y": evil}]}
    text = as_text(evil, one)
    assert all(char.isprintable() or char == "\n" for char in text)
    line = as_json(one)
    assert json.loads(line) == one
    assert not {"\x1b", "\x07", "\x9b", "\u202e", "\x7f", "\ud800"} & set(line)
    found = await told(submit("Door\x1b[2J\x9bm"))
    assert "\\x1b[2J\\x9bm" in found.text


# --- the printer -------------------------------------------------------------------------------------


def found(pdu: Pdu) -> FoundPdu:
    return FoundPdu(pdu, encode(pdu), "")


def shown(printer: Printer, one: FoundPdu) -> None:
    if printer.count(one):
        printer.show(one, PduReport(header=header(one.raw)))


def test_a_summary_of_what_there_was() -> None:
    lines: list[str] = []
    printer = Printer(ExplainOptions(limit=2), lines.append, lines.append)
    for pdu in (EnquireLink(), SubmitSmResp(), SubmitSmResp(command_status=0x7F), EnquireLink()):
        shown(printer, found(pdu))
    assert [line.splitlines()[0] for line in lines] == ["1. enquire_link", "2. submit_sm_resp"]
    del lines[:]
    printer.summary()
    assert lines == [
        "4 PDUs, 2 of them shown; --limit shows more",
        "       2 enquire_link",
        "       1 submit_sm_resp 0x0000007F",
        "       1 submit_sm_resp ESME_ROK",
    ]


def test_no_summary_of_a_single_one() -> None:
    lines: list[str] = []
    printer = Printer(ExplainOptions(), lines.append, lines.append)
    shown(printer, found(EnquireLink()))
    del lines[:]
    printer.summary()
    assert lines == []


def test_no_limit() -> None:
    lines: list[str] = []
    printer = Printer(ExplainOptions(limit=0), lines.append, lines.append)
    for _ in range(150):
        shown(printer, found(EnquireLink()))
    printer.summary()
    assert "150 PDUs, 150 of them shown" in lines
    assert len(lines) == 152


def test_kinds_without_end_are_counted_together() -> None:
    lines: list[str] = []
    printer = Printer(ExplainOptions(limit=1), lines.append, lines.append)
    for number in (*range(MAX_KINDS + 3), 0):
        shown(printer, found(SubmitSmResp(command_status=0x10000 + number)))
    printer.summary()
    assert len(lines) == 1 + 1 + MAX_KINDS + 1
    assert lines[2:4] == ["       3 other", "       2 submit_sm_resp 0x00010000"]
    assert lines[-1] == f"       1 submit_sm_resp 0x{0x10000 + MAX_KINDS - 1:08X}"


@pytest.mark.parametrize("as_lines", [False, True])
def test_remarks_up_to_the_limit(as_lines: bool) -> None:
    lines: list[str] = []
    printer = Printer(ExplainOptions(limit=2, json=not as_lines), lines.append, lines.append)
    for number in range(4):
        printer.remark(Remark(f"remark {number}\x1b", "octet 3" if number else ""))
    if as_lines:
        assert lines == ["-- remark 0\\x1b\n", "-- octet 3: remark 1\\x1b\n"]
    else:
        assert [json.loads(line) for line in lines] == [
            {"kind": "remark", "remark": "remark 0\x1b"},
            {"kind": "remark", "place": "octet 3", "remark": "remark 1\x1b"},
        ]
