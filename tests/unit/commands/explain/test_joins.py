"""The parts of long messages, until they are whole."""

import json

import pytest

from smppbridge.commands.explain.joins import MAX_JOINS, Joins, Whole
from smppbridge.smpp.concat import Concat
from smppbridge.smpp.tlv import tlv
from smppbridge.submission.content import Content
from tests.support.builders.accounts import account
from tests.support.esme.esme import submit
from tests.unit.commands.explain.told import config, part, told
from tests.unit.submission.contents import PLAIN


async def test_parts_are_joined_when_all_are_there() -> None:
    """A surrogate pair is cut in two, and the parts come in another order."""
    octets = ("Длинное сообщение " * 5 + "😀").encode("utf-16-be")
    cut = len(octets) - 2
    found = await told(part(2, 2, octets[cut:]), part(2, 2, octets[cut:]), part(1, 2, octets[:cut]))
    second, again, first = found.pdus
    assert second["part"] == {
        "number": 2,
        "total": 2,
        "reference": 7,
        "told_by": "user data header, 8-bit reference",
    }
    assert second["joined"] == "1 of 2 parts are still missing"
    assert "was here before" in again["joined"]
    assert "60s" in second["outcome"]["answer"]["then"]
    assert "request" not in second["outcome"]
    joined = first["joined"]
    assert joined["text"] == octets.decode("utf-16-be")
    assert json.loads(joined["request"]["body"])["message"]["msg"][0]["sms_text"] == joined["text"]
    assert joined["route"]["providers"] == ["assist", "link"]


async def test_parts_that_never_come_or_make_no_text() -> None:
    found = await told(part(1, 3, b"\0a"), part(3, 3, b"\0c"))
    assert found.remarks == ["long message with reference 7: part 2 of 3 was not found"]
    found = await told(part(1, 2, b"\0a"), part(2, 2, b"\0b\0"))
    assert found.pdus[1]["joined"]["unreadable"]
    sar = [
        submit(b"abc", tlvs=(tlv(0x020C, 9), tlv(0x020E, 2), tlv(0x020F, number)), data_coding=3)
        for number in (1, 2)
    ]
    found = await told(*sar)
    assert found.pdus[0]["part"]["told_by"] == "sar_* TLVs"
    assert found.pdus[1]["joined"]["text"] == "abcabc"


async def test_the_parts_of_an_unknown_account_are_joined_but_not_routed() -> None:
    found = await told(part(1, 2, b"\0a"), part(2, 2, b"\0b"), name="gate")
    assert found.pdus[1]["joined"].keys() == {"text", "characters", "alphabet", "short_messages"}
    assert found.pdus[1]["joined"]["text"] == "ab"


async def test_a_long_message_that_nobody_carries() -> None:
    parts = [part(number, 12, ("\u044b" * 67).encode("utf-16-be")) for number in range(1, 13)]
    found = await told(*parts, settings=config(routes=[{"to": ["assist"]}]))
    joined = found.pdus[-1]["joined"]
    assert joined["refused"]["command_status"]["meaning"] == "ESME_RINVTEXT"
    assert joined["then"] == "its receipts say REJECTD"
    assert found.pdus[-1]["verdict"].startswith("would be answered ESME_ROK; joined, it would be REJECTD: ")


NOW = 1_800_000_000_000  # ms

# --- which parts belong together ---------------------------------------------------------------------


def content(number: int, total: int = 2, reference: int = 7) -> Content:
    return Content("", b"%d" % number, False, Concat(reference, 8, total, number))


def test_parts_belong_together_by_account_addresses_reference_and_total() -> None:
    joins = Joins()
    first = submit("x", sequence_number=1)
    assert joins.add(PLAIN, first, content(1), NOW) == "1 of 2 parts are still missing"
    others = [
        (account(name="gate"), submit(), content(2)),
        (PLAIN, submit(source_addr="OTHER"), content(2)),
        (PLAIN, submit(to="375291234568"), content(2)),
        (PLAIN, submit(), content(2, reference=8)),
        (PLAIN, submit(), Content("", b"2", False, Concat(7, 16, 2, 2))),
    ]
    for owner, pdu, other in others:
        assert joins.add(owner, pdu, other, NOW) == "1 of 2 parts are still missing"
    assert joins.add(PLAIN, submit(), content(2, total=3), NOW) == "2 of 3 parts are still missing"
    assert joins.add(PLAIN, submit(), content(2), NOW) == Whole(first, [b"1", b"2"])


@pytest.mark.parametrize("whole", [False, True])
def test_a_part_that_comes_again(whole: bool) -> None:
    """With the same octets it keeps its id, also when all are there; with others it begins a new message."""
    joins = Joins()
    joins.add(PLAIN, submit(), content(1), NOW)
    if whole:
        assert isinstance(joins.add(PLAIN, submit(), content(2), NOW), Whole)
    again = joins.add(PLAIN, submit(), content(1), NOW + 59_999)
    assert again == "this part was here before: it is answered with the message_id that it got then"
    other = Content("", b"other", False, Concat(7, 8, 2, 1))
    anew = (
        "another part with this number was here before: a new message begins; 1 of 2 parts are still missing"
    )
    assert joins.add(PLAIN, submit(), other, NOW) == anew
    assert joins.add(PLAIN, submit(), content(2), NOW) == Whole(submit(), [b"other", b"2"])
    lost = [] if whole else ["long message with reference 7: part 2 of 2 was not found"]
    assert [remark.text for remark in joins.end()] == lost


def test_a_part_that_comes_too_late_begins_a_new_message() -> None:
    joins = Joins()
    joins.add(PLAIN, submit(), content(1), NOW)
    assert joins.add(PLAIN, submit(), content(1), NOW + 60_000) == "1 of 2 parts are still missing"
    assert joins.add(PLAIN, submit(), content(2), NOW + 119_999) == Whole(submit(), [b"1", b"2"])
    assert [remark.text for remark in joins.end()] == [
        "long message with reference 7: part 2 of 2 was not found"
    ]


def test_what_is_no_part_is_not_joined() -> None:
    joins = Joins()
    assert joins.add(PLAIN, submit(), Content("text", None, False), NOW) is None
    assert joins.add(PLAIN, submit(), Content("", b"\0\1", False), NOW) is None
    assert list(joins.end()) == []


def test_the_oldest_long_message_is_forgotten_where_there_are_too_many() -> None:
    joins = Joins()
    for reference in range(MAX_JOINS + 1):
        joins.add(PLAIN, submit(), content(1, reference=reference), NOW)
    assert joins.add(PLAIN, submit(), content(2, reference=1), NOW) == Whole(submit(), [b"1", b"2"])
    assert joins.add(PLAIN, submit(), content(2, reference=0), NOW) == "1 of 2 parts are still missing"
    assert len(list(joins.end())) == MAX_JOINS
