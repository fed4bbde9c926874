"""Content with a user data header, and binary content: octet for octet where the SMSC reads it."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smppbridge.errors import Refused
from smppbridge.providers.upstream.options import SmppOptions
from smppbridge.providers.upstream.wire import Wire
from smppbridge.smpp.codec import encode
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.smpp.tlv import tlv, write_tlvs
from tests.support.builders.messages import NOW, draft, message
from tests.unit.providers.upstream.samples import REFERENCE, assistent, options, refusal, sar_tlvs, submit

PORTS = bytes.fromhex("06050415811581")  # a header for an application


@pytest.mark.parametrize("data_coding", [2, 4, 0x14, 0xF5])
def test_binary_content(data_coding: int) -> None:
    headed = bytes.fromhex("06050415811581") + b"\xff\x00"
    pdu = submit(options(), text="", octets=headed, data_coding=data_coding, flash=True)
    assert (pdu.esm_class, pdu.data_coding, pdu.short_message) == (0x40, data_coding, headed)
    plain = submit(options(), text="", octets=b"\0\xff\x00", data_coding=data_coding)
    assert (plain.esm_class, plain.data_coding, plain.short_message) == (0, data_coding, b"\xff\x00")
    assert refusal(assistent(), text="", octets=headed, data_coding=data_coding) == 0x4A3
    assert refusal(options(binary=False), text="", octets=b"\0\1", data_coding=data_coding) == 0x4A3


@pytest.mark.parametrize("keys", [{"tlvs": "none"}, {"tlvs": "reference"}, {"interface_version": 0x33}])
def test_what_is_for_an_application_never_loses_its_ports(keys: dict[str, Any]) -> None:
    """Neither may a reader get what an application was to get."""
    for to_port in (draft(ports=PORTS[1:]), draft(text="", octets=b"\0\1", data_coding=4, ports=PORTS[1:])):
        Wire(options()).check(to_port)
        with pytest.raises(Refused, match="tlvs: known") as raised:
            Wire(options(**keys)).check(to_port)
        assert raised.value.status == 0x43
    Wire(options(**keys)).check(draft(text="", octets=PORTS + b"x", data_coding=4, ports=PORTS[1:]))


def headed(own: SmppOptions, octets: bytes, data_coding: int, **fields: Any) -> SubmitSm:
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
def test_texts_with_a_header_go_on_octet_for_octet(octets: bytes, data_coding: int, own: SmppOptions) -> None:
    pdu = headed(own, PORTS + octets, data_coding)
    assert (pdu.esm_class, pdu.data_coding, pdu.short_message) == (0x40, data_coding, PORTS + octets)


@pytest.mark.parametrize(
    ("octets", "data_coding", "own", "coding", "sent"),
    [
        (b"a\x00", 0, assistent(), 3, b"a@"),
        (b"\x1be", 0, assistent(), 8, b"\x20\xac"),
        (b"a\x00", 0x11, assistent(), 3, b"a@"),
        (b"a\x00", 0, options(default_encoding="latin-1"), 0, b"a@"),
        (b"a\x00", 0, options(default_encoding="cp1251", data_codings=[8]), 8, b"\0a\0@"),
        (b"\xe9", 3, options(), 0, b"\x05"),
        (b"\xd9", 6, options(), 8, b"\x04\x39"),
        (b"\xe9" * 150, 3, options(), 0, b"\x05" * 150),
        (b"\x04\x39", 8, options(default_encoding="cp1251", data_codings=[0]), 0, b"\xe9"),
        (b"x" * 133, 0, assistent(parts="octets"), 3, b"x" * 133),
        (b"x" * 152, 0, assistent(), 3, b"x" * 152),
        (b"x" * 152, 3, options(data_codings=[0]), 0, b"x" * 152),
    ],
)
def test_texts_with_a_header_in_another_coding(
    octets: bytes, data_coding: int, own: SmppOptions, coding: int, sent: bytes
) -> None:
    pdu = headed(own, PORTS + octets, data_coding)
    assert (pdu.esm_class, pdu.data_coding, pdu.short_message) == (0x40, coding, PORTS + sent)


@pytest.mark.parametrize(
    ("octets", "data_coding", "own", "status"),
    [
        (PORTS + b"x" * 134, 0, assistent(parts="octets"), 0x4A3),  # 134 octets of Latin-1 do not fit
        (PORTS + b"x" * 153, 0, assistent(), 0x4A3),
        (PORTS + b"\x1be" * 68, 0, assistent(), 0x4A3),
        (PORTS + b"x" * 153, 3, options(data_codings=[0]), 0x4A3),
        (PORTS + b"a\x1b", 0, assistent(), 0x4A3),  # half of a character cannot be read
        (PORTS + b"\xff", 0, assistent(), 0x4A3),
        (PORTS + b"\x04\x39", 8, options(data_codings=[0]), 0x4A3),
        (PORTS + b"\x04", 8, options(data_codings=[0]), 0x4A5),
        (PORTS + b"ab", 5, options(), 0x4A3),
        (bytes.fromhex("03240101") + b"a", 0, assistent(), 0x4A3),  # Turkish letters
        (bytes.fromhex("080003070201250101") + b"a", 0, assistent(), 0x4A3),
        (PORTS + b"x" * 248, 0, options(), 0x4A5),
        (b"\0" + b"x" * 255, 0, options(), 0x4A5),
    ],
)
def test_texts_with_a_header_that_cannot_go_there(
    octets: bytes, data_coding: int, own: SmppOptions, status: int
) -> None:
    assert refusal(own, text="", octets=octets, data_coding=data_coding) == status


def test_a_part_with_ports_may_be_transcoded() -> None:
    head = bytes.fromhex("0b05040b8423f00003070201")
    assert headed(assistent(), head + b"a\x00", 0).short_message == head + b"a@"


REFERENCED = (tlv(Tag.USER_MESSAGE_REFERENCE, 7),)
RAW = write_tlvs((*sar_tlvs(REFERENCE, 2, 1), *REFERENCED))


@pytest.mark.parametrize("tlvs", ["known", "all"])
@pytest.mark.parametrize(("octets", "data_coding"), [(PORTS + b"a", 0), (b"\0" + b"\xff" * 140, 4)])
def test_how_an_esme_cut_is_never_passed_on(tlvs: str, octets: bytes, data_coding: int) -> None:
    pdu = headed(options(tlvs=tlvs), octets, data_coding, tlvs=RAW)
    assert pdu.short_message == octets.removeprefix(b"\0")
    assert pdu.tlvs == REFERENCED


@given(st.binary(max_size=80), st.binary(min_size=1, max_size=260), st.integers(0, 255), st.booleans())
@example(RAW, b"\0" + b"\xff" * 140, 4, False)
def test_what_may_go_there_does(raw: bytes, octets: bytes, data_coding: int, dialect: bool) -> None:
    own = assistent() if dialect else options(tlvs="all")
    sent = message(1, text="", octets=octets, data_coding=data_coding, tlvs=raw)
    try:
        Wire(own).check(draft(text="", octets=octets, data_coding=data_coding))
    except Refused as refused:
        assert refused.status in (0x4A3, 0x4A5)
        with pytest.raises(Refused):
            Wire(own).submits(sent, NOW, REFERENCE)
        return
    for pdu in Wire(own).submits(sent, NOW, REFERENCE):
        encode(pdu)


@pytest.mark.parametrize("octets", [None, PORTS + b"Hi"])
def test_flash_that_cannot_be_may_be_refused(octets: bytes | None) -> None:
    fields = {"text": "" if octets else "Hi", "octets": octets, "data_coding": 0}
    own = options(flash="none", flash_unsupported="reject")
    assert refusal(own, **fields, flash=True) == 0x4A3
    submit(own, **fields)
    submit(options(flash="subunit", flash_unsupported="reject"), **fields, flash=True)
    submit(own, text="", octets=b"\0\1", data_coding=4, flash=True)  # no text
