"""Octets that go to send.php as they are: binary content, and text behind a user data header."""

from typing import Any

import pytest

from smppbridge.smpp.constants import Tag
from smppbridge.smpp.tlv import tlv, write_tlvs
from tests.unit.providers.smsc_ru.test_order import asked, refusal

EMS = bytes.fromhex("050A0307056048656C6C6F2C20576F726C6421")  # the manual's example


@pytest.mark.parametrize(
    ("data_coding", "protocol_id", "suffix"),
    [
        (2, 0, ""),
        (4, 0, ""),
        (0, 0, ""),
        (0x14, 0, "\n~~~\npid: 0, dcs: 20"),
        (0x17, 0, "\n~~~\npid: 0, dcs: 23"),
        (0xF4, 0, "\n~~~\npid: 0, dcs: 244"),
        (0xF7, 0, "\n~~~\npid: 0, dcs: 247"),
        (0x08, 0, "\n~~~\npid: 0, dcs: 8"),
        (0xF0, 0, ""),  # text of class 0 becomes octets like any others
        (4, 0x40, "\n~~~\npid: 64, dcs: 4"),
        (2, 0x7F, "\n~~~\npid: 127, dcs: 4"),
        (0xF5, 0x40, "\n~~~\npid: 64, dcs: 245"),
    ],
)
def test_binary(data_coding: int, protocol_id: int, suffix: str) -> None:
    fields = asked(text="", octets=EMS, data_coding=data_coding, protocol_id=protocol_id, flash=True)
    assert fields["mes"] == "050A0307056048656C6C6F2C20576F726C6421" + suffix
    assert fields["bin"] == "2"
    assert "flash" not in fields


@pytest.mark.parametrize(
    "octets", [EMS, b"\0a", b"\0" + bytes(140), b"\2\1\0" + bytes(137), bytes([6, 5, 4, 11, 132, 35, 240])]
)
def test_binary_content_that_is_taken(octets: bytes) -> None:
    assert refusal(text="", octets=octets) == 0


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\0",
        b"\0" + bytes(141),
        b"\2\1\0" + bytes(138),
        b"\x05ab",
        b"\x03\x00\x05a",
        b"\x02\x00",
        b"\x01\x00a",
        b"\xff" * 20,
    ],
)
def test_binary_content_that_is_not_whole(octets: bytes) -> None:
    assert refusal(text="", octets=octets) == 0x4A5


@pytest.mark.parametrize(
    ("data_coding", "text", "suffix"),
    [
        (0, b"Hello", ""),  # the manual's example has no suffix
        (0, b"\0 \x1b\x65", "\n~~~\npid: 0, dcs: 0"),  # @ and the euro sign are no ASCII
        (1, b"Hello", ""),
        (3, b"Hello", ""),
        (8, "Привет".encode("utf-16-be"), "\n~~~\npid: 0, dcs: 8"),
        (0xE8, "Привет".encode("utf-16-be"), "\n~~~\npid: 0, dcs: 232"),  # a message waits
    ],
)
def test_text_behind_a_header(data_coding: int, text: bytes, suffix: str) -> None:
    octets = EMS[:6] + text
    assert refusal(text="", octets=octets, data_coding=data_coding) == 0
    fields = asked(text="", octets=octets, data_coding=data_coding)
    assert (fields["bin"], fields["mes"]) == ("2", octets.hex().upper() + suffix)


@pytest.mark.parametrize("data_coding", [0, 3, 6, 0x10, 13])
def test_text_behind_a_header_that_no_scheme_names(data_coding: int) -> None:
    assert refusal(text="", octets=EMS[:6] + b"\xe9", data_coding=data_coding) == 0x4A3


def test_services_take_no_binary_content() -> None:
    assert refusal(text="", octets=EMS, service_type="VIBER") == 0x4A3


# --- ports that TLVs name --------------------------------------------------------------------------

PORTS = bytes.fromhex("050415B30000")
TLVS = write_tlvs((tlv(Tag.DESTINATION_PORT, 5555),))
ANY = {"text": "", "octets": b"\0\1\2", "data_coding": 4}


@pytest.mark.parametrize(
    ("content", "mes"),
    [
        ({"text": "Hi", "data_coding": 3}, "06050415B300004869"),
        ({"text": "é", "data_coding": 3}, "06050415B3000005\n~~~\npid: 0, dcs: 0"),
        ({"text": "Ы", "data_coding": 3}, "06050415B30000042B\n~~~\npid: 0, dcs: 8"),
        ({"text": "Hi", "protocol_id": 127}, "06050415B300004869\n~~~\npid: 127, dcs: 4"),
        (ANY, "06050415B300000102"),
        (ANY | {"octets": b"\5\0\3\1\2\1\x41"}, "0B050415B3000000030102014" + "1"),
        (ANY | {"octets": b"\6\5\4\0\1\0\2\x41"}, "0605040001000241"),  # its own ports count
    ],
)
def test_ports_go_in_the_header(content: dict[str, Any], mes: str) -> None:
    fields = asked(**{"tlvs": TLVS, "octets": None, **content})
    assert (fields["bin"], fields["mes"]) == ("2", mes)
    assert "flash" not in fields


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ({"text": "x" * 133}, 0),
        ({"text": "x" * 134}, 0x4A5),  # longer than one message
        ({"text": "ы" * 66}, 0),
        ({"text": "ы" * 67}, 0x4A5),
        ({"text": "\ud800"}, 0x4A5),
        ({"text": "", "octets": b"\0" + bytes(133)}, 0),
        ({"text": "", "octets": b"\0" + bytes(134)}, 0x4A5),
        ({"text": "", "octets": b"\xff" * 300}, 0x4A5),
        ({"text": "__CALL__: x"}, 0),  # hexadecimal digits are no command
    ],
)
def test_what_fits_beside_ports(content: dict[str, Any], status: int) -> None:
    assert refusal(ports=PORTS, **content) == status


def test_services_have_no_ports() -> None:
    assert "bin" not in asked(tlvs=TLVS, service_type="VIBER")
