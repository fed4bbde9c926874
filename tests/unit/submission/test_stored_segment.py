"""What an appraisal is stored as: each field of a segment."""

from typing import Any

import pytest

from smppbridge.model.account import Account
from smppbridge.model.message import Segment, Stage
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.smpp.times import format_relative
from smppbridge.smpp.tlv import tlv
from smppbridge.submission.appraisal import segment_of
from tests.support.builders.accounts import account
from tests.support.esme.esme import PHONE, submit
from tests.unit.submission.checkers import HOUR, NOW, FakeChecker, appraiser
from tests.unit.submission.contents import PLAIN, UDH

LATER = format_relative(3600)


def stored(pdu: SubmitSm, *checkers: FakeChecker, owner: Account = PLAIN, **how: Any) -> Segment:
    made = appraiser(*checkers or (FakeChecker(),), **how)
    return segment_of(made.appraise(owner, pdu, NOW, made.paths()), 7, "0007", 3)


EVERYTHING = SubmitSm(
    service_type="CALL",
    source_addr_ton=5,
    source_addr_npi=6,
    source_addr="+ALARM",
    dest_addr_ton=1,
    dest_addr_npi=9,
    destination_addr="+375 29 1234567",
    esm_class=0x03,
    protocol_id=0x41,
    priority_flag=2,
    schedule_delivery_time=LATER,
    registered_delivery=0x11,
    data_coding=0x10,
    short_message=b"Door",
    tlvs=(tlv(Tag.USER_MESSAGE_REFERENCE, 77), (0x1500, b"\1")),
)


def test_every_field_is_in_its_place() -> None:
    lab = FakeChecker(services=frozenset({"CALL"}), keeps=True)
    assert stored(EVERYTHING, lab, owner=account(services=["CALL"])) == Segment(
        id=7,
        account="pbx",
        wire_id="0007",
        origin=3,
        source_addr_ton=5,
        source_addr_npi=6,
        source_addr="+ALARM",
        dest_addr_ton=1,
        dest_addr_npi=9,
        destination_addr="+375 29 1234567",
        recipient=PHONE,
        sender="ALARM",
        text="Door",
        octets=None,
        flash=True,
        protocol_id=0x41,
        tlvs=b"\x02\x04\0\x02\0\x4d\x15\0\0\1\1",
        data_coding=0x10,
        registered_delivery=0x11,
        priority=2,
        service_type="CALL",
        user_message_reference=77,
        route="lab",
        provider="lab",
        stage=Stage.QUEUED,
        send_at=NOW + HOUR,
        submitted_at=NOW,
        due_at=NOW + 25 * HOUR,
        deadline=NOW + 25 * HOUR,
    )


def test_a_message_that_waits_here() -> None:
    segment = stored(submit(schedule_delivery_time=LATER), FakeChecker("a"), FakeChecker("b"))
    assert (segment.stage, segment.send_at) == (Stage.WAITING, 0)
    assert (segment.due_at, segment.deadline) == (NOW + HOUR, NOW + 25 * HOUR)
    assert (segment.route, segment.provider) == ("a,b", "a")
    assert (segment.tlvs, segment.user_message_reference) == (None, None)


def test_binary_content() -> None:
    segment = stored(submit(b"\1\2", data_coding=4))
    assert (segment.text, segment.octets, segment.data_coding) == ("", b"\0\1\2", 4)


def test_a_part_waits_for_the_others() -> None:
    segment = stored(
        submit(UDH + b"Door", esm_class=0x40, schedule_delivery_time=LATER), FakeChecker(keeps=True)
    )
    assert (segment.text, segment.octets) == ("", None)  # they are stored beside it
    assert (segment.stage, segment.send_at, segment.due_at) == (Stage.COLLECTING, NOW + HOUR, None)
    assert segment.deadline == NOW + 25 * HOUR
    assert (segment.route, segment.provider) == ("lab", "lab")


@pytest.mark.parametrize(
    ("esm_class", "asked", "kept"),
    [(0, 0xFF, 0x13), (3, 2, 2), (2, 1, 1), (1, 0xFF, 0), (0x41, 1, 0)],
)
def test_receipts_that_are_owed(esm_class: int, asked: int, kept: int) -> None:
    pdu = submit(b"\0Door" if esm_class & 0x40 else b"Door", esm_class=esm_class, registered_delivery=asked)
    assert stored(pdu).registered_delivery == kept
