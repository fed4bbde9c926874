"""Profiles of equipment: each is valid, goes below what the account says, and says what its clients need."""

from typing import Any

import pytest
from pydantic import ValidationError

from smppbridge.model.profiles import PROFILES, fill_in
from tests.support.builders.accounts import account


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_is_what_the_account_has(name: str) -> None:
    one = account(profile=name).model_dump()
    for key, value in PROFILES[name].items():
        assert one[key] == (one[key] | dict(value) if isinstance(value, dict) else value)


@pytest.mark.parametrize(
    ("name", "keys", "receipt"),
    [
        (
            "kannel",
            {"default_encoding": "gsm", "status_codes": "standard"},
            {"parts": "each", "tlvs": "standard"},
        ),
        ("php-smpp", {}, {"err_digits": 3, "words": "standard"}),
        ("smpplib", {"default_encoding": "gsm"}, {"tlvs": "standard"}),
        ("aiosmpplib", {"status_codes": "standard"}, {"dates": "YYMMDDhhmm", "esm_class": 4}),
        ("smpp.pdu", {"status_codes": "standard"}, {"esm_class": 4, "tlvs": "standard"}),
        ("node-smpp", {"default_encoding": "gsm", "encodings": {1: "gsm"}}, {}),
        ("ruby-smpp", {}, {"esm_class": 4}),
        ("libsmpp34", {"status_codes": "standard"}, {"tlvs": "standard"}),
        ("jsmpp", {"mode": "queued"}, {"words": "standard", "data_coding": 0, "esm_class": 4}),
        ("cloudhopper", {"default_encoding": "gsm"}, {"err_digits": 3, "words": "standard"}),
        ("gosmpp", {"default_encoding": "gsm", "encodings": {1: "utf-8"}}, {}),
        ("go-smpp", {"default_encoding": "gsm", "mode": "queued"}, {}),
        ("smpp3.3", {"message_id": "hex", "message_id_length": 8}, {"tlvs": False}),
        (
            "sms-assistent",
            {"status_codes": "sms-assistent"},
            {"words": "sms-assistent", "time_zone": "Europe/Minsk"},
        ),
        ("utf-8", {"default_encoding": "utf-8"}, {}),
        ("cp1251", {"default_encoding": "cp1251", "encodings": {1: "cp1251", 3: "cp1251"}}, {}),
    ],
)
def test_what_a_profile_sets(name: str, keys: dict[str, object], receipt: dict[str, object]) -> None:
    one = account(profile=name)
    assert {key: getattr(one, key) for key in keys} == keys
    assert {key: getattr(one.receipt, key) for key in receipt} == receipt


def test_what_smpp_3_4_does_not_name_is_for_those_who_ask_for_it() -> None:
    accounts = {name: account(profile=name) for name in (None, *PROFILES)}
    assert [name for name, one in accounts.items() if one.status_codes != "standard"] == ["sms-assistent"]
    assert not any(one.receipt.tlvs is True for one in accounts.values())


def test_a_receipt_of_sms_assistent_has_no_text() -> None:
    assert "text" not in account(profile="sms-assistent").receipt.fields


def test_the_account_goes_before_its_profile() -> None:
    one = account(
        profile="smpp3.3", message_id="decimal", message_id_length=None, receipt={"tlvs": "standard"}
    )
    assert (one.message_id, one.message_id_length, one.receipt.tlvs) == ("decimal", None, "standard")
    assert one.status_codes == "standard"


def test_receipts_are_merged_key_by_key() -> None:
    one = account(profile="sms-assistent", receipt={"time_zone": "UTC", "err_digits": 1}).receipt
    assert (one.time_zone, one.err_digits, one.words) == ("UTC", 1, "sms-assistent")


def test_an_unknown_profile_names_the_known_ones() -> None:
    for profile in ("nokia", ["kannel"], 7):
        with pytest.raises(ValidationError) as caught:
            account(profile=profile)
        assert [one["loc"] for one in caught.value.errors()] == [("profile",)]
    with pytest.raises(ValidationError, match="must be one of kannel, php-smpp, smpplib, aiosmpplib"):
        account(profile="nokia")


def test_a_mistake_stays_where_it_was_made() -> None:
    with pytest.raises(ValidationError) as caught:
        account(profile="sms-assistent", receipt=["tlvs"])
    assert [one["loc"] for one in caught.value.errors()] == [("receipt",)]


def test_no_profile_changes_nothing() -> None:
    keys: dict[str, Any] = {"binds": 2, "receipt": {"text": False}}
    assert fill_in(keys) == keys
    assert account(**keys, profile=None) == account(**keys)
