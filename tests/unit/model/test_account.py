"""Accounts: defaults, limits, and what is refused by name."""

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from smppbridge.model.account import Account
from smppbridge.model.tls_settings import Tls
from tests.support.builders.accounts import account

# Of "secret12", with little work.
HASH = "scrypt$1024$8$1$c2FsdHNhbHRzYWx0c2FsdA==$SAdy4gDbD5wr24EKGao7pH2Jt3IED6r+zSWqDccv6ls="


def mistakes(**keys: Any) -> dict[str, str]:
    """What is wrong with an account of these keys: path -> message."""
    with pytest.raises(ValidationError) as caught:
        account(**keys)
    return {".".join(map(str, one["loc"])): one["msg"] for one in caught.value.errors()}


def test_defaults() -> None:
    one = account()
    assert one.model_dump(exclude={"password", "receipt"}) == {
        "name": "pbx",
        "profile": None,
        "password_hash": None,
        "allow_from": None,
        "binds": 4,
        "window": 100,
        "rate": 0.0,
        "burst": 200,
        "max_queued": None,
        "default_encoding": "latin-1",
        "encodings": {},
        "septets": "unpacked",
        "use_latin_when_it_fits": False,
        "gsm_language": None,
        "join": {"timeout": 60.0, "incomplete": "fail"},
        "country": None,
        "senders": None,
        "default_sender": None,
        "replace_sender": False,
        "services": frozenset(),
        "default_service": None,
        "mode": "queued",
        "uncertain": "hold",
        "horizon": 2_592_000.0,
        "validity": 86400.0,
        "quiet": None,
        "quiet_time_zone": None,
        "message_id": "decimal",
        "message_id_length": None,
        "message_id_upper": True,
        "status_codes": "standard",
        "outbind": None,
    }


def test_the_password_is_not_shown() -> None:
    assert "secret12" not in repr(account())
    assert "secret12" not in str(account().model_dump())


def test_exactly_one_of_password_and_hash() -> None:
    one = account(password=None, password_hash=HASH)
    assert one.password is None
    for known in (one, account(password="secret12")):
        assert [known.takes(word) for word in ("secret12", "secret1", "")] == [True, False, False]
    assert "exactly one" in mistakes(password=None)[""]
    assert "exactly one" in mistakes(password_hash=HASH)[""]


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
        ("max_queued", 0),
        ("default_encoding", "koi8"),
        ("encodings", {3: "cp1251", "0x03": "gsm"}),
        ("encodings.3", {3: "windows-1251"}),
        ("encodings.x.[key]", {"x": "cp1251"}),
        ("encodings.256.[key]", {256: "cp1251"}),
        ("encodings.1.[key]", {True: "cp1251"}),
        ("encodings", ["cp1251"]),
        ("septets", "septets"),
        ("gsm_language", "klingon"),
        ("join.timeout", {"timeout": "500ms"}),
        ("join.timeout", {"timeout": "11m"}),
        ("join.incomplete", {"incomplete": "drop"}),
        ("message_id_length", 5),
        ("message_id_length", 20),
        ("message_id_upper", "perhaps"),
        ("profile", "nokia"),
        ("outbind.host", {"password": "x"}),
        ("outbind.host", {"host": "smpp://esme", "password": "x"}),
        ("outbind.host", {"host": "esme:2775", "password": "x"}),
        ("outbind.host", {"host": "999.1.1.1", "password": "x"}),
        ("outbind.port", {"host": "esme", "port": 0, "password": "x"}),
        ("outbind.system_id", {"host": "esme", "system_id": "x" * 16, "password": "x"}),
        ("outbind.password", {"host": "esme"}),
        ("outbind.password", {"host": "esme", "password": "two words"}),
        ("outbind.password", {"host": "esme", "password": "x" * 65}),
        ("uncertain", "drop"),
        ("mode", "async"),
        ("horizon", "0s"),
        ("validity", "0s"),
        ("message_id", "octal"),
        ("status_codes", "own"),
        ("country", "Belarus"),
        ("country", "by"),
        ("country", "ZZ"),
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
    assert key in mistakes(**{key.partition(".")[0]: value})


def test_no_message_is_tried_beyond_the_horizon() -> None:
    assert account(validity="30d").validity == account().horizon
    assert account(validity="60d", horizon="60d").validity == account(horizon="60d").horizon
    too_long = {"validity": "must be at most horizon (30d); shorten it, or raise horizon"}
    assert mistakes(validity="31d") == too_long
    assert mistakes(horizon="1h") == {"validity": too_long["validity"].replace("30d", "1h")}
    assert set(mistakes(validity="31d", horizon="never")) == {"horizon"}


def test_encodings() -> None:
    one = account(encodings={"3": "cp1251", "0xF0": "gsm", 4: "utf-8"}, default_encoding="koi8-r")
    assert one.encodings == {3: "cp1251", 0xF0: "gsm", 4: "utf-8"}
    assert one.default_encoding == "koi8-r"
    assert "cp866" in mistakes(default_encoding="dos")["default_encoding"]


def test_gsm() -> None:
    one = account(septets="packed", gsm_language="turkish", default_encoding="gsm")
    assert (one.septets, one.gsm_language) == ("packed", "turkish")
    assert "turkish, spanish" in mistakes(gsm_language="english")["gsm_language"]


@pytest.mark.parametrize(("key", "value"), [("septets", "packed"), ("gsm_language", "turkish")])
def test_what_only_gsm_has_needs_gsm(key: str, value: str) -> None:
    for keys in ({}, {"default_encoding": "cp1251"}, {"encodings": {3: "cp1251"}}):
        (found,) = mistakes(**keys, **{key: value}).items()
        assert found == (key, "is for GSM 03.38 only: set default_encoding: gsm, or leave it out")
    for keys in ({"default_encoding": "gsm"}, {"encodings": {0: "gsm"}}, {"profile": "kannel"}):
        assert getattr(account(**keys, **{key: value}), key) == value
    assert account(septets="unpacked", gsm_language=None) == account()
    assert set(mistakes(default_encoding="dos", **{key: value})) == {"default_encoding"}


@pytest.mark.parametrize(("written", "seconds"), [("1s", 1.0), ("10m", 600.0), (90, 90.0)])
def test_joining(written: object, seconds: float) -> None:
    one = account(join={"timeout": written, "incomplete": "send"}).join
    assert (one.timeout, one.incomplete) == (seconds, "send")


@pytest.mark.parametrize(
    ("form", "length"), [("decimal", 6), ("decimal", 19), ("hex", 6), ("hex", 16), ("uuid", None)]
)
def test_lengths_of_message_ids(form: str, length: int | None) -> None:
    assert account(message_id=form, message_id_length=length).message_id_length == length


def test_refuses_lengths_that_no_message_id_has() -> None:
    key = "message_id_length"
    assert "must be 16 at most" in mistakes(message_id="hex", message_id_length=17)[key]
    assert "a uuid has 36 characters" in mistakes(message_id="uuid", message_id_length=8)[key]
    assert set(mistakes(message_id="octal", message_id_length=8)) == {"message_id"}


def test_every_country() -> None:
    assert [account(country=code).country for code in ("BY", "RU", "PL", "NO")] == ["BY", "RU", "PL", "NO"]


@pytest.mark.parametrize("host", ["esme", "pbx-1.example.org", "192.0.2.7", "2001:db8::7"])
def test_outbind(host: str) -> None:
    one = account(outbind={"host": host, "password": "word"}).outbind
    assert one is not None
    assert (one.host, one.port, one.system_id, one.tls) == (host, 2775, None, None)
    assert one.password.get_secret_value() == "word"
    assert "word" not in repr(one).replace("password", "")


def test_outbind_over_tls() -> None:
    keys = {"host": "esme", "port": 3550, "system_id": "centre", "password": "x"}
    for tls, expected in ((True, Tls()), (False, None), ({"ca": "ca.pem"}, Tls(ca=Path("ca.pem")))):
        one = account(outbind=keys | {"tls": tls}).outbind
        assert one is not None
        assert (one.port, one.system_id, one.tls) == (3550, "centre", expected)
    assert "belong together" in mistakes(outbind=keys | {"tls": {"cert": "a.pem"}})["outbind.tls"]


@pytest.mark.parametrize(
    ("status", "standard"),
    [(0x22, 0x45), (0x4A3, 0x45), (0x4A4, 0x08), (0x4A5, 0x01), (0x0B, 0x0B), (0x4FF, 0x4FF), (0, 0)],
)
def test_statuses_for_clients_that_know_the_standard_only(status: int, standard: int) -> None:
    assert account().status_for(status) == standard
    assert account(status_codes="sms-assistent").status_for(status) == status


def test_numbers_as_senders_need_no_quotes() -> None:
    one = account(senders=["ALARM", 375291234567], default_sender=375291234567)
    assert one.senders == frozenset({"ALARM", "375291234567"})
    assert one.default_sender == "375291234567"


def test_quiet_hours_are_those_of_their_zone_else_of_receipts() -> None:
    evening = 1_773_165_600_000  # 2026-03-10 18:00 UTC
    hour = 3_600_000
    zones: list[tuple[dict[str, Any], int]] = [
        ({}, 0),
        ({"quiet": "22-8"}, 0),
        ({"quiet": "18-8"}, 14),
        ({"quiet": "21-8", "quiet_time_zone": "Europe/Minsk"}, 11),
        ({"quiet": "21-8", "receipt": {"time_zone": "Europe/Minsk"}}, 11),
        ({"quiet": "18-8", "quiet_time_zone": "UTC", "receipt": {"time_zone": "Europe/Minsk"}}, 14),
    ]
    for keys, hours in zones:
        one = account(**keys)
        assert one.quiet_over(evening) == evening + hours * hour
        assert one.quiet_ends(evening + hours * hour) == bool(hours)
    assert "hours such as" in mistakes(quiet="night")["quiet"]
    assert "IANA" in mistakes(quiet="22-8", quiet_time_zone="Minsk")["quiet_time_zone"]


def test_services() -> None:
    assert account(services=["HLR", "2WAY"]).services == frozenset({"HLR", "2WAY"})
    assert "one of HLR, PING" in mistakes(services=["SMS"])["services.0"]


def test_a_default_service_is_one_that_the_account_may_use() -> None:
    assert account(services=["HLR", "CALL"], default_service="CALL").default_service == "CALL"
    assert "one of HLR, PING" in mistakes(services=["HLR"], default_service="SMS")["default_service"]
    assert mistakes(services=["HLR"], default_service="CALL") == {
        "default_service": "must be one of the account's services; add CALL to services"
    }
    assert mistakes(default_service="CALL") == {
        "default_service": "must be one of the account's services; add CALL to services"
    }
    assert list(mistakes(services=["SMS"], default_service="CALL")) == ["services.0"]  # said once


def test_replace_sender_needs_a_default_sender() -> None:
    assert "needs a default_sender" in mistakes(replace_sender=True)[""]
    assert account(replace_sender=True, default_sender="ALARM").replace_sender


def test_a_receipt_in_ucs2_must_fit() -> None:
    """It has 127 characters there, and 254 otherwise."""
    long = {"data_coding": 8, "dates": "YYYYMMDDhhmmss"}
    assert account(receipt=long)
    assert "the fields do not fit" in mistakes(message_id="uuid", receipt=long)["receipt"]
    assert set(mistakes(message_id="hex", message_id_length=17, receipt=long)) == {"message_id_length"}
    short = long | {
        "dates": "YYMMDDhhmm",
        "fields": ["id", "submit date", "done date", "stat", "err", "text"],
    }
    assert account(message_id="uuid", receipt=short)
    assert account(message_id="uuid", receipt=long | {"data_coding": 0})


def test_the_schema() -> None:
    schema = Account.model_json_schema()
    keys = schema["properties"]
    assert "name" not in keys
    assert set(keys) == set(Account.model_fields) - {"name"}
    assert "HLR" in keys["services"]["items"]["enum"]
    assert "kannel" in keys["profile"]["anyOf"][0]["enum"]
    assert "cp866" in keys["encodings"]["additionalProperties"]["enum"]
    assert schema["$defs"]["ReceiptProfile"]["properties"]["esm_class"]["maximum"] == 255
    assert {"type": "boolean"} in schema["$defs"]["CallOut"]["properties"]["tls"]["anyOf"]
