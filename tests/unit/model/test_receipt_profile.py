"""Settings of receipts: defaults, and what is refused by name."""

from dataclasses import replace
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from smppbridge.flow.deliver.pdus import receipt_style
from smppbridge.model.receipt_profile import ReceiptProfile
from smppbridge.smpp.constants import MessageState
from smppbridge.smpp.receipt import DATES, FIELDS, ReceiptFields, format_receipt


def mistakes(**keys: Any) -> dict[str, str]:
    """What is wrong with these keys: path -> message."""
    with pytest.raises(ValidationError) as caught:
        ReceiptProfile.model_validate(keys)
    return {".".join(map(str, one["loc"])): one["msg"] for one in caught.value.errors()}


def test_defaults() -> None:
    assert ReceiptProfile().model_dump() == {
        "time_zone": "UTC",
        "fields": ("id", "sub", "dlvrd", "submit date", "done date", "stat", "err", "text"),
        "dates": "YYMMDDhhmm",
        "err_digits": 3,
        "text": True,
        "words": "standard",
        "data_coding": 0,
        "esm_class": 4,
        "counts": "one",
        "tlvs": "standard",
        "parts": "each",
        "to": "submitter",
        "keep": 259200.0,
    }


@pytest.mark.parametrize(
    "keys",
    [
        {"fields": ("stat", "id")},
        {"fields": FIELDS[::-1][1:]},
        *({"dates": form} for form in DATES),
        {"err_digits": 1},
        {"err_digits": 8},
        *({"data_coding": coding} for coding in (1, 3, 8)),
        {"esm_class": 0},
        {"esm_class": 0xBF},
        {"counts": "parts"},
        {"parts": "merged"},
        {"to": "any"},
        {"tlvs": True},
        {"tlvs": False},
    ],
)
def test_takes(keys: dict[str, object]) -> None:
    ((name, value),) = keys.items()
    assert getattr(ReceiptProfile.model_validate(keys), name) == value


def test_numbers_and_booleans_from_the_environment_are_text() -> None:
    assert ReceiptProfile.model_validate({"esm_class": "0x04"}).esm_class == 4
    assert ReceiptProfile.model_validate({"data_coding": "0x08"}).data_coding == 8
    assert ReceiptProfile.model_validate({"tlvs": "false"}).tlvs is False
    assert ReceiptProfile.model_validate({"tlvs": "True"}).tlvs is True


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fields", []),
        ("fields", "id"),
        ("fields", ["id", "sub"]),
        ("fields", ["stat"]),
        ("fields", ["id", "stat", "id"]),
        ("fields", ["text", "id", "stat"]),
        ("fields.2", ["id", "stat", "error"]),
        ("dates", "hhmm"),
        ("err_digits", 0),
        ("err_digits", 9),
        ("data_coding", 4),
        ("data_coding", True),
        ("data_coding", False),
        ("esm_class", 256),
        ("esm_class", 0x40),
        ("esm_class", "0x44"),
        ("esm_class", 255),
        ("esm_class", True),
        ("esm_class", "four"),
        ("counts", "all"),
        ("parts", "none"),
        ("to", "all"),
        ("tlvs", "none"),
        ("tlvs", 1),
        ("tlvs", 0),
        ("tlvs", 1.0),
        ("text", "perhaps"),
        ("words", "own"),
        ("keep", "0s"),
        ("form", 1),
    ],
)
def test_refuses(key: str, value: object) -> None:
    assert key in mistakes(**{key.partition(".")[0]: value})


def test_says_what_is_wrong_with_a_layout() -> None:
    assert "must name stat: nobody" in mistakes(fields=["id"])["fields"]
    assert "must name id and stat" in mistakes(fields=["err"])["fields"]
    assert "must have text at the end" in mistakes(fields=["id", "text", "stat"])["fields"]
    assert "the same field twice" in mistakes(fields=["id", "stat", "stat"])["fields"]
    assert "True, False or 'standard'" in mistakes(tlvs="some")["tlvs"]


def test_time_zone() -> None:
    assert ReceiptProfile().zone is UTC
    assert ReceiptProfile(time_zone="Europe/Minsk").zone == ZoneInfo("Europe/Minsk")


@pytest.mark.parametrize("zone", ["Nowhere/Land", "", "../../etc/passwd", "/etc/localtime", "Europe", 3])
def test_refuses_an_unknown_time_zone(zone: object) -> None:
    assert "time_zone" in mistakes(time_zone=zone)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"words": "sms-assistent"},
        {"dates": "YYYYMMDDhhmmss", "err_digits": 8},
        {"fields": ["id", "done date", "stat", "text"]},
        {"fields": ["stat", "id"]},
    ],
)
def test_what_fits_is_written_whole(keys: dict[str, object]) -> None:
    """The longest message_id that is taken for UCS-2 loses nothing; one character more would."""
    own = ReceiptProfile.model_validate(keys | {"data_coding": 8})
    style = receipt_style(own)
    longest = max(length for length in range(1, 128) if own.fits(length))
    for length, whole in ((longest, True), (longest + 1, False)):
        fields = ReceiptFields("9" * length, MessageState.REJECTED, 0, 0, 0, "")
        octets, in_ascii = (format_receipt(fields, replace(style, data_coding=coding)) for coding in (8, 0))
        assert len(octets) <= 254
        assert (octets.decode("utf-16-be") == in_ascii.decode()) is whole


def test_everything_fits_in_one_octet_a_character() -> None:
    assert ReceiptProfile(data_coding=3, dates="YYYYMMDDhhmmss", err_digits=8).fits(64)
