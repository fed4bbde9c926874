"""Binary content, and parts of long messages that an ESME made: octet for octet where the SMSC reads them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.errors import Refused
from smppbridge.providers.smpp_options import SmppOptions
from smppbridge.providers.smpp_wire import Wire
from smppbridge.smpp.codec import encode
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.smpp.tlv import Tlv, tlv, write_tlvs
from tests.support.messages import NOW, draft, message
from tests.unit.providers.smpp_samples import REFERENCE, assistent, options, refusal, sar_tlvs, submit

PART = bytes.fromhex("050003070201")  # header of part 1 of 2


@pytest.mark.parametrize("data_coding", [2, 4, 0x14, 0xF5])
def test_binary_content(data_coding: int) -> None:
    headed = bytes.fromhex("06050415811581") + b"\xff\x00"
    pdu = submit(options(), text="", octets=headed, data_coding=data_coding, flash=True)
    assert (pdu.esm_class, pdu.data_coding, pdu.short_message) == (0x40, data_coding, headed)
    plain = submit(options(), text="", octets=b"\0\xff\x00", data_coding=data_coding)
    assert (plain.esm_class, plain.data_coding, plain.short_message) == (0, data_coding, b"\xff\x00")
    assert refusal(assistent(), text="", octets=headed, data_coding=data_coding) == 0x4A3
    assert refusal(options(binary=False), text="", octets=b"\0\1", data_coding=data_coding) == 0x4A3


def part(own: SmppOptions, octets: bytes, data_coding: int, **fields: Any) -> SubmitSm:
    Wire(own).check(draft(text="", octets=octets, data_coding=data_coding))
    return submit(own, text="", octets=octets, data_coding=data_coding, **fields)


@pytest.mark.parametrize(
    ("octets", "data_coding", "own"),
    [
        (b"a\x00\x1b", 0, options()),  # an escape that the ESME cut off
        (b"\xd8\x3d", 8, options()),  # half of a pair, too
        (b"\xe9", 3, assistent()),
        (b"a", 1, options(data_codings=[1])),
        (b"x" * 153, 0, options()),
        (b"x" * 200, 0, options()),
    ],
)
def test_parts_go_on_octet_for_octet(octets: bytes, data_coding: int, own: SmppOptions) -> None:
    pdu = part(own, PART + octets, data_coding)
    assert (pdu.esm_class, pdu.data_coding, pdu.short_message) == (0x40, data_coding, PART + octets)


@pytest.mark.parametrize(
    ("octets", "data_coding", "own", "coding", "sent"),
    [
        (b"a\x00", 0, assistent(), 3, b"a@"),
        (b"\x1be", 0, assistent(), 8, b"\x20\xac"),
        (b"a\x00", 0x11, assistent(), 3, b"a@"),
        (b"a\x00", 0, options(default_encoding="latin-1"), 0, b"a@"),
        (b"a\x00", 0, options(default_encoding="cp1251", data_codings=[8]), 8, b"\0a\0@"),
        (b"\xe9", 3, options(), 0, b"\x05"),
        (b"\xe9" * 150, 3, options(), 0, b"\x05" * 150),
        (b"\x04\x39", 8, options(default_encoding="cp1251", data_codings=[0]), 0, b"\xe9"),
        (b"x" * 134, 0, assistent(), 3, b"x" * 134),
        (b"x" * 153, 3, options(data_codings=[0]), 0, b"x" * 153),
    ],
)
def test_parts_in_another_coding(
    octets: bytes, data_coding: int, own: SmppOptions, coding: int, sent: bytes
) -> None:
    pdu = part(own, PART + octets, data_coding)
    assert (pdu.esm_class, pdu.data_coding, pdu.short_message) == (0x40, coding, PART + sent)


@pytest.mark.parametrize(
    ("octets", "data_coding", "own", "status"),
    [
        (PART + b"x" * 135, 0, assistent(), 0x4A3),  # 135 octets of Latin-1 do not fit
        (PART + b"\x1be" * 68, 0, assistent(), 0x4A3),
        (PART + b"x" * 154, 3, options(data_codings=[0]), 0x4A3),
        (PART + b"a\x1b", 0, assistent(), 0x4A3),  # half of a character cannot be read
        (PART + b"\xff", 0, assistent(), 0x4A3),
        (PART + b"\x04\x39", 8, options(data_codings=[0]), 0x4A3),
        (PART + b"\x04", 8, options(data_codings=[0]), 0x4A5),
        (PART + b"ab", 5, options(), 0x4A3),
        (bytes.fromhex("03240101") + b"a", 0, assistent(), 0x4A3),  # Turkish letters
        (bytes.fromhex("080003070201250101") + b"a", 0, assistent(), 0x4A3),
        (PART + b"x" * 249, 0, options(), 0x4A5),
        (b"\0" + b"x" * 255, 0, options(), 0x4A5),
    ],
)
def test_parts_that_cannot_go_there(octets: bytes, data_coding: int, own: SmppOptions, status: int) -> None:
    assert refusal(own, text="", octets=octets, data_coding=data_coding) == status


def test_a_part_with_ports_may_be_transcoded() -> None:
    head = bytes.fromhex("0b05040b8423f00003070201")
    assert part(assistent(), head + b"a\x00", 0).short_message == head + b"a@"


SAR = write_tlvs((*sar_tlvs(REFERENCE, 2, 1), tlv(Tag.USER_MESSAGE_REFERENCE, 7)))
REFERENCED = (tlv(Tag.USER_MESSAGE_REFERENCE, 7),)


@pytest.mark.parametrize("tlvs", ["known", "all"])
def test_parts_with_tlvs_keep_them(tlvs: str) -> None:
    pdu = part(options(tlvs=tlvs), b"\0" + b"x" * 160, 0, tlvs=SAR)
    assert (pdu.esm_class, pdu.short_message) == (0, b"x" * 160)
    assert pdu.tlvs == (*sar_tlvs(REFERENCE, 2, 1), *REFERENCED)


@pytest.mark.parametrize(
    ("own", "left"),
    [
        (options(tlvs="reference"), REFERENCED),
        (options(tlvs="none"), ()),
        (options(interface_version=0x33, bind="pair"), ()),
    ],
)
def test_parts_with_tlvs_get_a_header_where_those_are_not_passed_on(
    own: SmppOptions, left: tuple[Tlv, ...]
) -> None:
    pdu = part(own, b"\0" + b"x" * 153, 0, tlvs=SAR)
    assert (pdu.esm_class, pdu.short_message) == (0x40, bytes.fromhex("050003ab0201") + b"x" * 153)
    assert pdu.tlvs == left
    assert refusal(own, text="", octets=b"\0" + b"x" * 154, data_coding=0, tlvs=SAR) == 0x4A5
    data = submit(own, text="", octets=b"\0" + b"x" * 134, data_coding=4, tlvs=SAR)
    assert (data.esm_class, data.short_message[:6]) == (0x40, bytes.fromhex("050003ab0201"))


def test_parts_with_tlvs_in_another_coding_leave_room_for_their_header() -> None:
    own = assistent(tlvs="known")
    assert part(own, b"\0" + b"x" * 134, 0, tlvs=SAR).short_message == b"x" * 134
    assert refusal(own, text="", octets=b"\0" + b"x" * 135, data_coding=0, tlvs=SAR) == 0x4A3
    assert part(assistent(), b"\0a\x00", 0, tlvs=SAR).short_message == bytes.fromhex("050003ab0201") + b"a@"


def test_where_a_part_has_both_the_header_counts() -> None:
    pdu = part(options(), PART + b"x", 0, tlvs=SAR)
    assert (pdu.short_message, pdu.tlvs) == (PART + b"x", REFERENCED)


@pytest.mark.parametrize(
    "tlvs", [sar_tlvs(1, 1, 1), sar_tlvs(1, 2, 3), sar_tlvs(1, 2, 0), sar_tlvs(1, 2, 1)[1:]]
)
def test_tlvs_that_make_no_part_make_no_header(tlvs: tuple[Tlv, ...]) -> None:
    pdu = submit(options(tlvs="none"), text="", octets=b"\0x", data_coding=0, tlvs=write_tlvs(tlvs))
    assert (pdu.esm_class, pdu.short_message, pdu.tlvs) == (0, b"x", ())


@given(st.binary(max_size=80), st.binary(min_size=1, max_size=140), st.integers(0, 255), st.booleans())
def test_nothing_that_an_esme_sends_is_a_problem(
    raw: bytes, octets: bytes, data_coding: int, dialect: bool
) -> None:
    own = assistent() if dialect else options(tlvs="all")
    sent = message(1, text="", octets=octets, data_coding=data_coding, tlvs=raw)
    try:
        pdus = Wire(own).submits(sent, NOW, REFERENCE)
    except Refused as refused:
        assert refused.status in (0x4A3, 0x4A5)
        return
    for pdu in pdus:
        encode(pdu)
