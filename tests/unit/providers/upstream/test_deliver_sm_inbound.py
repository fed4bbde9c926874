"""Messages from phones that an SMSC delivers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.model.message import Inbound
from smppbridge.providers.upstream.deliver_sm import Reader
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.gsm import encode_gsm
from smppbridge.smpp.pdu import DataSm
from smppbridge.smpp.tlv import Tlv, tlv
from tests.support.builders.messages import NOW
from tests.unit.providers.upstream.samples import PHONE, deliver, inbound_of, options, sar_tlvs


def test_a_message_from_a_phone() -> None:
    pdu = deliver(b"Hi \x00", source_addr="+375296717259", destination_addr="+1234")
    first, second = inbound_of(pdu), inbound_of(pdu)
    assert first._replace(ref="") == Inbound("", PHONE, "1234", "Hi @", NOW)
    assert len(first.ref) == 32
    assert first.ref != second.ref


@pytest.mark.parametrize(
    ("octets", "data_coding", "default", "text"),
    [
        (b"\x1be\x00", 0, "gsm", "€@"),
        (b"\xe9", 0, "latin-1", "é"),
        (b"\xe9", 0, "cp1251", "й"),
        ("й".encode(), 0, "utf-8", "й"),
        (b"\xe9", 3, "gsm", "é"),
        (b"ab", 1, "gsm", "ab"),
        ("й😀".encode("utf-16-be"), 8, "gsm", "й😀"),
        (b"\x00", 0x11, "gsm", "@"),
        (b"\x04\x39", 0x19, "gsm", "й"),
        (b"", 0, "gsm", ""),
        (b"", 4, "gsm", ""),
    ],
)
def test_texts(octets: bytes, data_coding: int, default: str, text: str) -> None:
    for pdu in (
        deliver(octets, data_coding=data_coding),
        deliver(data_coding=data_coding, tlvs=(tlv(Tag.MESSAGE_PAYLOAD, octets),)),
        DataSm(data_coding=data_coding, tlvs=(tlv(Tag.MESSAGE_PAYLOAD, octets),)),
    ):
        news = inbound_of(pdu, default_encoding=default)
        assert (news.text, news.octets, news.data_coding, news.esm_class) == (text, None, 0, 0)


@pytest.mark.parametrize(
    ("octets", "data_coding"),
    [
        *((b"\x01\x02", 4), (b"\x01", 2), (b"\x01", 0xF5), (b"\xff", 0), (b"a\x1b", 0)),
        *((b"abc", 8), (b"\xd8\x00", 8), (b"\x80", 1), (b"ab", 5), (b"ab", 0x0E)),
    ],
)
def test_data_and_what_is_no_text_go_on_as_they_came(octets: bytes, data_coding: int) -> None:
    news = inbound_of(deliver(octets, data_coding=data_coding, esm_class=0x03))
    assert (news.text, news.octets, news.data_coding, news.esm_class) == ("", octets, data_coding, 0)


def test_parts_go_on_as_they_came() -> None:
    octets = bytes.fromhex("050003070201") + b"Hel"
    news = inbound_of(deliver(octets, data_coding=3, esm_class=0x43))
    assert (news.text, news.octets, news.data_coding, news.esm_class) == ("", octets, 3, 0x40)
    ports = inbound_of(deliver(bytes.fromhex("06050415811581") + b"x", data_coding=4, esm_class=0x40))
    assert (ports.octets, ports.esm_class) == (bytes.fromhex("06050415811581") + b"x", 0x40)


def test_parts_with_tlvs_get_a_header() -> None:
    news = inbound_of(deliver(b"\x04\x39", data_coding=8, tlvs=sar_tlvs(0x1AB, 3, 2)))
    assert (news.text, news.data_coding, news.esm_class) == ("", 8, 0x40)
    assert news.octets == bytes.fromhex("050003ab0302 0439")
    headed = deliver(bytes.fromhex("050003070201") + b"x", esm_class=0x40, tlvs=sar_tlvs(9, 3, 2))
    assert inbound_of(headed).octets == headed.short_message  # the header counts


@pytest.mark.parametrize(
    "tlvs",
    [
        *(sar_tlvs(1, 1, 1), sar_tlvs(1, 0, 0), sar_tlvs(1, 2, 3), sar_tlvs(1, 2, 0), sar_tlvs(1, 2, 1)[:2]),
        (sar_tlvs(1, 2, 1)[0], (Tag.SAR_TOTAL_SEGMENTS, b""), (Tag.SAR_SEGMENT_SEQNUM, b"\x01")),
        (sar_tlvs(1, 2, 1)[0], (Tag.SAR_TOTAL_SEGMENTS, b"\x01\x00"), (Tag.SAR_SEGMENT_SEQNUM, b"\x01")),
    ],
)
def test_tlvs_that_make_no_part(tlvs: tuple[Tlv, ...]) -> None:
    news = inbound_of(deliver(b"Hi", tlvs=tlvs))
    assert (news.text, news.octets) == ("Hi", None)


def test_a_header_that_is_longer_than_the_message_is_text() -> None:
    news = inbound_of(deliver(b"\x05ab", esm_class=0x40, data_coding=3))
    assert (news.text, news.octets, news.esm_class) == ("\x05ab", None, 0)


def test_content_that_no_short_message_holds() -> None:
    data = (tlv(Tag.MESSAGE_PAYLOAD, b"\x01" * 255),)
    with pytest.raises(ValueError, match="longer than a short message"):
        Reader(options()).read(deliver(data_coding=4, tlvs=data), NOW)
    text = (tlv(Tag.MESSAGE_PAYLOAD, b"a" * 5000),)
    assert inbound_of(deliver(tlvs=text)).text == "a" * 5000


@given(st.text(st.sampled_from("aZ@€[]{}^\\~|\fñΔ"), max_size=120))
def test_no_text_is_altered(text: str) -> None:
    octets = encode_gsm(text)
    assert octets is not None
    assert inbound_of(deliver(octets)).text == text
    assert inbound_of(deliver(text.encode("utf-16-be"), data_coding=8)).text == text
