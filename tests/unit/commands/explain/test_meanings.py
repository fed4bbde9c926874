"""What the values of PDUs mean, in words."""

import pytest

from smppbridge.commands.explain import meanings

NOW = 1_790_000_000_000  # 2026-09-21 14:13:20 UTC, in ms


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0x00, "default mode"),
        (0x01, "datagram"),
        (0x02, "transaction"),
        (0x03, "store and forward"),
        (0x04, "default mode, delivery receipt"),
        (0x08, "default mode, delivery acknowledgement"),
        (0x10, "default mode, manual acknowledgement"),
        (0x18, "default mode, conversation abort"),
        (0x20, "default mode, intermediate notification"),
        (0x0C, "default mode, reserved type"),
        (0xC3, "store and forward, user data header (UDHI), reply path"),
    ],
)
def test_esm_class(value: int, words: str) -> None:
    assert meanings.esm_class(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "no receipt"),
        (1, "receipt"),
        (2, "receipt of a failure only"),
        (3, "receipt of a success only"),
        (0x15, "receipt, acknowledgement of the phone, intermediate notification"),
    ],
)
def test_registered_delivery(value: int, words: str) -> None:
    assert meanings.registered_delivery(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3, "Latin-1"),
        (4, "8-bit data"),
        (8, "UCS-2"),
        (12, "reserved"),
        (0x10, "GSM 03.38, class 0 (flash)"),
        (0x08 | 0x10, "UCS-2, class 0 (flash)"),
        (0x24, "8-bit data, compressed"),
        (0x3C, "reserved alphabet, compressed, class 0 (flash)"),
        (0x80, "reserved"),
        (0xC8, "GSM 03.38, message waiting (voicemail) on"),
        (0xD1, "GSM 03.38, message waiting (fax) off"),
        (0xEA, "UCS-2, message waiting (e-mail) on"),
        (0xF1, "GSM 03.38, class 1 (phone)"),
        (0xF6, "8-bit data, class 2 (SIM)"),
    ],
)
def test_data_coding(value: int, words: str) -> None:
    assert meanings.data_coding(value) == words


def test_small_numbers() -> None:
    assert [meanings.priority_flag(value) for value in (0, 3, 4)] == ["normal", "emergency", "reserved"]
    versions = [meanings.interface_version(value) for value in (0x00, 0x33, 0x34, 0x50)]
    assert versions == ["SMPP 3.3 or older", "SMPP 3.3 or older", "SMPP 3.4", "SMPP 5.0"]
    assert meanings.FIELDS["dest_addr_ton"](5) == "alphanumeric"
    assert meanings.FIELDS["dest_addr_npi"](99) == "reserved"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", ""),
        ("261121120000000+", "2026-11-21 12:00:00+00:00"),
        ("000000010000000R", "2026-09-21 15:13:20+00:00"),
    ],
)
def test_moments(value: str, words: str) -> None:
    assert meanings.moment(value, NOW) == words


@pytest.mark.parametrize("value", ["tomorrow", "261399000000000+"])
def test_what_is_no_time(value: str) -> None:
    assert meanings.moment(value, NOW).startswith("no time: ")


def test_network_error_codes() -> None:
    said = [meanings.network_error_code(octets) for octets in (b"\3\1\2", b"\1\0\5", b"\7\0\1", b"\3\1")]
    assert said == ["GSM 258", "ANSI-136 5", "network 1", ""]


def test_a_moment_beyond_all_calendars() -> None:
    assert meanings.instant(NOW) == "2026-09-21 14:13:20+00:00"
    assert meanings.instant(9_110_000_000_000_000) == "9110000000000000 ms after 1970"
