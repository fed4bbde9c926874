"""Optional parameters: values of every width, and runs of them as honest and other peers write them."""

import pytest

from smppbridge.errors import PduError
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.tlv import MAX_TLV_OCTETS, Tlv, read_tlvs, tlv, tlv_value, write_tlvs

REFERENCE: Tlv = (Tag.USER_MESSAGE_REFERENCE, b"\x00\x07")
UNKNOWN: Tlv = (0x3FFF, b"abc")
PAIRS = (REFERENCE, UNKNOWN, REFERENCE, (Tag.ALERT_ON_MESSAGE_DELIVERY, b""))
OCTETS = bytes.fromhex("0204 0002 0007  3fff 0003 616263  0204 0002 0007  130c 0000")


@pytest.mark.parametrize(
    ("tag", "octets", "value"),
    [
        (Tag.USER_MESSAGE_REFERENCE, b"\x07", 7),  # one octet instead of two
        (Tag.SAR_TOTAL_SEGMENTS, b"\x00\x00\x02", 2),
        (Tag.MESSAGE_STATE, b"", None),
        (Tag.RECEIPTED_MESSAGE_ID, b"no NUL", "no NUL"),
        (Tag.RECEIPTED_MESSAGE_ID, b"7\0\0\0", "7"),
        (Tag.RECEIPTED_MESSAGE_ID, b"", ""),
        (Tag.ADDITIONAL_STATUS_INFO_TEXT, b"\xe9\0", "é"),
    ],
)
def test_tlvs_of_wrong_length_have_values_too(tag: Tag, octets: bytes, value: int | str | None) -> None:
    assert tlv_value(tag, octets) == value


@pytest.mark.parametrize(
    ("tag", "value", "octets"),
    [
        (Tag.MESSAGE_STATE, 2, b"\x02"),
        (Tag.QOS_TIME_TO_LIVE, 60, b"\x00\x00\x00\x3c"),
        (Tag.RECEIPTED_MESSAGE_ID, "42", b"42\0"),
        (Tag.MESSAGE_PAYLOAD, b"hi", b"hi"),
        (Tag.ALERT_ON_MESSAGE_DELIVERY, b"", b""),
        (Tag.ADDITIONAL_STATUS_INFO_TEXT, "", b"\0"),
        (0x3FFF, b"\x01", b"\x01"),
        (Tag.MESSAGE_STATE, b"\x02\x02", b"\x02\x02"),
    ],
)
def test_a_tlv_is_written_in_the_type_of_its_tag(tag: int, value: int | str | bytes, octets: bytes) -> None:
    assert tlv(tag, value) == (tag, octets)


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        (Tag.MESSAGE_STATE, 256),
        (Tag.MESSAGE_STATE, -1),
        (Tag.MESSAGE_STATE, "2"),
        (Tag.RECEIPTED_MESSAGE_ID, "7" * 65),
        (Tag.RECEIPTED_MESSAGE_ID, "7\0"),
        (Tag.RECEIPTED_MESSAGE_ID, "№"),
        (Tag.RECEIPTED_MESSAGE_ID, 7),
        (Tag.NETWORK_ERROR_CODE, b"\x03"),
        (Tag.MESSAGE_PAYLOAD, "text"),
        (0x3FFF, 1),
    ],
)
def test_a_value_that_a_tag_cannot_hold_is_refused(tag: int, value: int | str | bytes) -> None:
    with pytest.raises(ValueError, match=f"0x{int(tag):04X}|latin-1"):
        tlv(tag, value)


def test_pairs_keep_their_order_and_their_repetitions() -> None:
    assert write_tlvs(PAIRS) == OCTETS
    assert read_tlvs(b"body" + OCTETS, 4, tolerant=False) == PAIRS
    assert (write_tlvs(()), read_tlvs(b"body", 4, tolerant=False)) == (b"", ())


@pytest.mark.parametrize("pair", [(0x10000, b""), (-1, b""), (1, bytes(MAX_TLV_OCTETS + 1))])
def test_what_does_not_fit_16_bits_is_not_written(pair: Tlv) -> None:
    with pytest.raises(ValueError, match="16 bits"):
        write_tlvs((pair,))


@pytest.mark.parametrize("octets", [b"", b"no NUL", b"a\0b", bytes(range(256))])
@pytest.mark.parametrize("tag", [Tag.PROVIDER, Tag.PROVIDER_CODE, Tag.DETAILS, 0x1400, 0x2000, 0x3FFF])
def test_what_vendors_send_is_their_own_affair(tag: int, octets: bytes) -> None:
    """Whatever is in the TLVs of our receipts, a peer may mean anything by these tags."""
    pair = (int(tag), octets)
    assert read_tlvs(write_tlvs((pair,)), 0, tolerant=False) == (pair,)
    assert tlv_value(tag, octets) == octets


def test_the_longest_value() -> None:
    longest = ((Tag.MESSAGE_PAYLOAD, bytes(MAX_TLV_OCTETS)),)
    assert read_tlvs(write_tlvs(longest), 0, tolerant=False) == longest


@pytest.mark.parametrize("stray", [b"\0", b"\x02", b"\x02\x04\x00"])
def test_stray_octets_at_the_end_are_passed_over(stray: bytes) -> None:
    assert read_tlvs(OCTETS + stray, 0, tolerant=False) == PAIRS
    assert read_tlvs(stray, 0, tolerant=False) == ()


def test_a_nul_in_front_is_passed_over() -> None:
    """As php-smpp writes it."""
    assert read_tlvs(b"\0" + OCTETS, 0, tolerant=False) == PAIRS


def test_a_tag_that_begins_with_0_is_no_nul_in_front() -> None:
    subunit = ((Tag.DEST_ADDR_SUBUNIT, b"\x01"),)
    assert read_tlvs(bytes.fromhex("0005 0001 01"), 0, tolerant=False) == subunit


@pytest.mark.parametrize("cut", ["0204 0003 0007", "0204 ffff", OCTETS.hex() + "0204 0001"])
def test_a_value_that_runs_past_the_end(cut: str) -> None:
    octets = bytes.fromhex(cut)
    with pytest.raises(PduError) as caught:
        read_tlvs(octets, 0, tolerant=False)
    assert caught.value.status == 0xC0
    assert read_tlvs(octets, 0, tolerant=True) == (PAIRS if octets.startswith(OCTETS) else ())


@pytest.mark.parametrize(
    ("tag", "length", "fits"),
    [
        (Tag.NETWORK_ERROR_CODE, 2, False),
        (Tag.NETWORK_ERROR_CODE, 3, True),
        (Tag.NETWORK_ERROR_CODE, 4, False),
        (Tag.RECEIPTED_MESSAGE_ID, 0, False),
        (Tag.RECEIPTED_MESSAGE_ID, 65, True),
        (Tag.RECEIPTED_MESSAGE_ID, 66, False),
        (Tag.CALLBACK_NUM, 3, False),
        (Tag.CALLBACK_NUM, 19, True),
        (Tag.USER_MESSAGE_REFERENCE, 0, True),  # integers of any width are taken
        (Tag.USER_MESSAGE_REFERENCE, 9, True),
        (0x3FFF, 300, True),
    ],
)
def test_lengths_that_a_tag_allows(tag: int, length: int, fits: bool) -> None:
    pairs = ((int(tag), bytes(length)),)
    octets = write_tlvs(pairs)
    assert read_tlvs(octets, 0, tolerant=True) == pairs
    if fits:
        assert read_tlvs(octets, 0, tolerant=False) == pairs
    else:
        with pytest.raises(PduError) as caught:
            read_tlvs(octets, 0, tolerant=False)
        assert caught.value.status == 0xC2
