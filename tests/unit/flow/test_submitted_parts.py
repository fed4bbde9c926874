"""Parts of long messages and optional parameters, as they go on to an SMSC."""

from typing import Any

import pytest

from smppbridge.errors import Refused
from smppbridge.flow.submitted import Content, coding_of, content_of, is_part, tlvs_of
from smppbridge.model.account import Account
from smppbridge.smpp.constants import Status, Tag
from smppbridge.smpp.tlv import Tlv, read_tlvs, tlv
from tests.support.esme import submit

UDH = bytes.fromhex("050003010201")
SAR = (tlv(Tag.SAR_MSG_REF_NUM, 7), tlv(Tag.SAR_TOTAL_SEGMENTS, 2), tlv(Tag.SAR_SEGMENT_SEQNUM, 1))


def account(**keys: Any) -> Account:
    return Account.model_validate({"name": "pbx", "password": "secret12", **keys})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"esm_class": 0x40}, True),
        ({"esm_class": 0x43, "data_coding": 8}, True),
        ({"esm_class": 0x40, "data_coding": 4}, False),  # binary with a header of its own
        ({"tlvs": SAR}, True),
        ({"tlvs": (tlv(Tag.SAR_TOTAL_SEGMENTS, 1),)}, False),
        ({}, False),
    ],
)
def test_what_is_a_part(changes: dict[str, Any], expected: bool) -> None:
    assert is_part(submit(**changes)) is expected


def test_a_part_keeps_its_octets() -> None:
    pdu = submit(UDH + b"\x1b\x65", data_coding=0, esm_class=0x40)
    assert content_of(account(), pdu, "") == Content("", UDH + b"\x1b\x65", False)
    assert content_of(account(), submit("half", tlvs=SAR), "") == Content("", b"\0half", False)


@pytest.mark.parametrize("octets", [b"", b"\6\x08\x04", UDH + b"x" * 249])
def test_a_part_that_no_short_message_holds(octets: bytes) -> None:
    pdu = submit(b"", esm_class=0x40, tlvs=(tlv(Tag.MESSAGE_PAYLOAD, octets),))
    with pytest.raises(Refused) as caught:
        content_of(account(), pdu, "")
    assert caught.value.status == Status.ESME_RINVTEXT


@pytest.mark.parametrize("changes", [{"esm_class": 0x40, "short_message": UDH + b"x"}, {"tlvs": SAR}])
def test_a_service_takes_no_parts(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        content_of(account(services=["CALL"]), submit(**changes), "CALL")
    assert caught.value.status == Status.ESME_RINVESMCLASS


@pytest.mark.parametrize(
    ("encoding", "data_coding", "expected"),
    [
        ("gsm", 0, 0),
        ("gsm", 0x10, 0x10),
        ("latin-1", 0, 3),
        ("ascii", 0, 1),
        ("latin-1", 8, 8),
        ("cp1251", 3, 3),
    ],
)
def test_the_coding_of_a_part_goes_by_its_own_name(encoding: str, data_coding: int, expected: int) -> None:
    owner = account(default_encoding=encoding)
    pdu = submit(UDH + b"x", data_coding=data_coding, esm_class=0x40)
    assert coding_of(owner, pdu, content_of(owner, pdu, "")) == expected


def test_a_coding_without_a_name_cannot_go_on() -> None:
    owner = account(default_encoding="cp1251")
    pdu = submit(UDH + b"x", data_coding=0, esm_class=0x40)
    with pytest.raises(Refused) as caught:
        coding_of(owner, pdu, content_of(owner, pdu, ""))
    assert caught.value.status == Status.ESME_RINVENCODING
    whole = submit(b"x", data_coding=0)
    assert coding_of(owner, whole, content_of(owner, whole, "")) == 0


def test_optional_parameters_besides_the_text_are_kept_as_they_came() -> None:
    kept: tuple[Tlv, ...] = (tlv(Tag.USER_MESSAGE_REFERENCE, 9), (0x2153, b"\1\2"), (0x2153, b"\3"))
    pdu = submit(b"", tlvs=(kept[0], tlv(Tag.MESSAGE_PAYLOAD, b"text" * 500), *kept[1:]))
    raw = tlvs_of(pdu)
    assert raw is not None
    assert read_tlvs(raw, 0, tolerant=False) == kept
    assert tlvs_of(submit(b"", tlvs=(tlv(Tag.MESSAGE_PAYLOAD, b"text"),))) is None


def test_too_many_octets_of_them_are_left_out() -> None:
    small = tlv(Tag.USER_MESSAGE_REFERENCE, 9)
    raw = tlvs_of(submit("x", tlvs=(small, (0x2153, b"x" * 1100))))
    assert raw is not None
    assert read_tlvs(raw, 0, tolerant=False) == (small,)
