"""Octets that go to send.php as they are: binary content, and text behind a user data header."""

import pytest

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
