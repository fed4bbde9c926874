"""PDUs in hexadecimal text and in runs of octets."""

import pytest

from smppbridge.commands.explain.found import read_hex
from smppbridge.smpp.codec import encode
from smppbridge.smpp.pdu import (
    EnquireLink,
)
from tests.support.esme.esme import submit
from tests.unit.commands.explain.told import told


async def test_lost_limits_and_incomplete_ends() -> None:
    found = await told(EnquireLink(sequence_number=1), b"\0\0\0\x05abcdefghijklmnop")
    assert found.pdus[1]["malformed"]["answer"]["pdu"] == "generic_nack"
    assert found.pdus[1]["place"] == "octet 16"
    found = await told(EnquireLink(), encode(submit())[:-3])
    assert "3 are missing" in found.remarks[0]
    assert found.pdus[1]["malformed"]["reason"].startswith("sm_length 13")
    found = await told(EnquireLink(), b"\0\0\0\x10\0")
    assert found.remarks == ["5 octets are left, too few for a header: 0000001000"]


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("00010203", b"\0\1\2\3"),
        (" 00 01\n02\t03\r\n", b"\0\1\2\3"),
        ("0x00, 0x01, 0X02,0x03", b"\0\1\2\3"),
        ("00:01:02:FF", b"\0\1\2\xff"),
        (r"\x00\x01\xfe", b"\0\1\xfe"),
    ],
)
def test_hexadecimal_text(text: str, octets: bytes) -> None:
    assert read_hex(text) == octets


@pytest.mark.parametrize("text", ["", "  ", "0", "00 0g", "Привет", "0x"])
def test_no_hexadecimal_text(text: str) -> None:
    with pytest.raises(ValueError, match=r"hexadecimal|octets|digits"):
        read_hex(text)
