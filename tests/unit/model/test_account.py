"""Accounts: defaults, limits, and what is refused by name."""

from datetime import UTC
from ipaddress import ip_network
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from smppbridge.model.account import Account, ReceiptProfile
from smppbridge.model.passwords import hash_password


def account(**keys: Any) -> Account:
    return Account.model_validate({"name": "pbx", "password": "secret12"} | keys)


def mistakes(**keys: Any) -> dict[str, str]:
    """What is wrong with an account of these keys: path -> message."""
    with pytest.raises(ValidationError) as caught:
        account(**keys)
    return {".".join(map(str, one["loc"])): one["msg"] for one in caught.value.errors()}


def test_defaults() -> None:
    one = account()
    assert one.model_dump(exclude={"password", "receipt"}) == {
        "name": "pbx",
        "password_hash": None,
        "allow_from": None,
        "binds": 4,
        "window": 100,
        "rate": 0.0,
        "burst": 200,
        "default_encoding": "latin-1",
        "country": None,
        "senders": None,
        "default_sender": None,
        "replace_sender": False,
        "services": frozenset(),
        "mode": "queued",
        "uncertain": "hold",
        "validity": 86400.0,
        "message_id": "decimal",
        "status_codes": "sms-assistent",
    }
    assert one.receipt.model_dump() == {
        "time_zone": "UTC",
        "dates": "YYMMDDhhmm",
        "text": True,
        "tlvs": True,
        "words": "standard",
        "keep": 259200.0,
    }


def test_the_password_is_not_shown() -> None:
    assert "secret12" not in repr(account())
    assert "secret12" not in str(account().model_dump())


def test_exactly_one_of_password_and_hash() -> None:
    one = account(password=None, password_hash=hash_password("secret12"))
    assert one.password is None
    assert "exactly one" in mistakes(password=None)[""]
    assert "exactly one" in mistakes(password_hash=hash_password("x"))[""]


@pytest.mark.parametrize("password", ["", "two words", "пароль", "tab\t", 12345678, True])
def test_refuses_a_password_that_smpp_cannot_carry(password: object) -> None:
    assert "password" in mistakes(password=password)


def test_refuses_a_malformed_hash_without_showing_it() -> None:
    message = mistakes(password=None, password_hash="plain-secret")["password_hash"]
    assert "hash-password" in message
    assert "plain-secret" not in message


@pytest.mark.parametrize("name", ["", "a name", "sixteen_octets__", "имя"])
def test_refuses_a_name_that_is_no_system_id(name: str) -> None:
    assert "1 to 15 printable" in mistakes(name=name)["name"]


@pytest.mark.parametrize(
    ("allow_from", "ip", "allowed"),
    [
        (None, "203.0.113.9", True),
        (["127.0.0.0/8", "10.0.0.0/8"], "10.255.0.1", True),
        (["127.0.0.0/8", "10.0.0.0/8"], "11.0.0.1", False),
        (["127.0.0.0/8"], "::1", False),
        (["127.0.0.0/8"], "::ffff:127.0.0.1", True),
        (["192.0.2.7"], "192.0.2.7", True),
        (["192.0.2.7"], "192.0.2.8", False),
        (["2001:db8::/32"], "2001:db8::1", True),
        (["fe80::/10"], "fe80::1%eth0", True),
        (["2001:db8::/32"], "10.0.0.1", False),
    ],
)
def test_allows(allow_from: list[str] | None, ip: str, allowed: bool) -> None:
    assert account(allow_from=allow_from).allows(ip) is allowed


@pytest.mark.parametrize("networks", [["10.0.0.1/8"], ["everywhere"], [7], [], "10.0.0.0/8"])
def test_refuses_what_is_no_list_of_networks(networks: object) -> None:
    assert any(path.startswith("allow_from") for path in mistakes(allow_from=networks))


def test_takes_ready_networks() -> None:
    assert account(allow_from=[ip_network("10.0.0.0/8")]).allows("10.1.1.1")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("binds", 0),
        ("window", 0),
        ("window", 10001),
        ("rate", -1),
        ("rate", float("inf")),
        ("burst", 0),
        ("default_encoding", "koi8-r"),
        ("uncertain", "drop"),
        ("mode", "async"),
        ("validity", "0s"),
        ("message_id", "octal"),
        ("status_codes", "own"),
        ("country", "Belarus"),
        ("replace_sender", "perhaps"),
        ("senders", []),
        ("senders.0", ["a sender longer than 20"]),
        ("default_sender", ""),
        ("services", None),
        ("services", "HLR"),
        ("services.0", ["SMS"]),
        ("services.0", [""]),
        ("services.0", ["hlr"]),
        ("windw", 5),
    ],
)
def test_refuses(key: str, value: object) -> None:
    assert key in mistakes(**{key.removesuffix(".0"): value})


def test_refuses_by_name_what_is_not_built() -> None:
    message = mistakes(country="PL")["country"]
    assert "not available in this version" in message
    assert 'use "BY" or "RU"' in message


@pytest.mark.parametrize(
    ("status", "standard"),
    [(0x22, 0x45), (0x4A3, 0x45), (0x4A4, 0x08), (0x4A5, 0x01), (0x0B, 0x0B), (0x4FF, 0x4FF), (0, 0)],
)
def test_statuses_for_clients_that_know_the_standard_only(status: int, standard: int) -> None:
    assert account(status_codes="standard").status_for(status) == standard
    assert account().status_for(status) == status


def test_numbers_as_senders_need_no_quotes() -> None:
    one = account(senders=["ALARM", 375291234567], default_sender=375291234567)
    assert one.senders == frozenset({"ALARM", "375291234567"})
    assert one.default_sender == "375291234567"


def test_services() -> None:
    assert account(services=["HLR", "2WAY"]).services == frozenset({"HLR", "2WAY"})
    assert "one of HLR, PING" in mistakes(services=["SMS"])["services.0"]


def test_replace_sender_needs_a_default_sender() -> None:
    assert "needs a default_sender" in mistakes(replace_sender=True)[""]
    assert account(replace_sender=True, default_sender="ALARM").replace_sender


def test_receipt_time_zone() -> None:
    assert ReceiptProfile().zone is UTC
    assert ReceiptProfile(time_zone="Europe/Minsk").zone == ZoneInfo("Europe/Minsk")


@pytest.mark.parametrize("zone", ["Nowhere/Land", "", "../../etc/passwd", "/etc/localtime", "Europe", 3])
def test_refuses_an_unknown_time_zone(zone: object) -> None:
    assert "receipt.time_zone" in mistakes(receipt={"time_zone": zone})


def test_schema_shows_no_name() -> None:
    keys = Account.model_json_schema()["properties"]
    assert "name" not in keys
    assert "HLR" in keys["services"]["items"]["enum"]
    assert "window" in keys
