"""What may be set of an upstream SMSC, what a profile sets, and what its manual excludes."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from smppbridge.model.tls_settings import Tls
from smppbridge.providers.upstream.hosts import parse_address
from smppbridge.providers.upstream.options import (
    PROFILES,
    SENDING_TIME,
    SMS_ASSISTENT,
    OutbindTls,
    SmppOptions,
    sender_problem,
)
from tests.unit.providers.upstream.samples import SECRET, assistent, options

LOGIN = {"system_id": "user", "password": SECRET}
LISTENER = {"port": 2900, "allow_from": ["192.0.2.7"], "password": "other"}


def mistake_of(**keys: Any) -> str:
    with pytest.raises(ValidationError) as raised:
        options(**keys)
    assert SECRET not in str(raised.value)
    return str(raised.value)


def test_defaults() -> None:
    own = options()
    assert own.hosts == (("127.0.0.1", 2775),)
    assert (own.tls, own.outbind, own.bind, own.binds, own.window) == (None, None, "transceiver", 1, 10)
    assert (own.enquire_link, own.response_timeout, own.reconnect_max) == (20, 30, 60)
    assert (own.interface_version, own.takes_tlvs) == (0x34, True)
    assert (own.data_codings, own.default_encoding, own.long) == ((0, 8), "gsm", "udh")
    assert (own.binary, own.flash, own.tlvs, own.max_parts) == (True, "data_coding", "known", 10)
    assert (own.numeric_ton, own.numeric_npi, own.short_ton, own.short_npi) == (1, 1, 3, 0)
    assert (own.message_id, own.receipts_by_text, own.intermediate, own.errors) == ("auto", True, False, {})


def test_the_profile_of_sms_assistent() -> None:
    own = SmppOptions.model_validate({"kind": "smpp", "profile": "sms-assistent", **LOGIN})
    assert own.hosts == (("smpp.sms-assistent.by", 2776),)
    assert (own.data_codings, own.binary, own.flash, own.tlvs) == ((3, 8), False, "none", "reference")
    assert (own.alpha_ton, own.alpha_npi, own.numeric_ton, own.numeric_npi) == (5, 0, 1, 0)
    assert (own.short_ton, own.short_npi, own.dest_ton, own.dest_npi) == (1, 0, 1, 1)


def test_a_profile_only_fills_in_what_is_not_set() -> None:
    own = assistent(host="127.0.0.1:3000", tlvs="none", data_codings=[8], flash="subunit")
    assert own.hosts == (("127.0.0.1", 3000),)
    assert (own.tlvs, own.data_codings, own.flash, own.port) == ("none", (8,), "subunit", 2776)


def test_the_example_of_the_documentation() -> None:
    keys = {"kind": "smpp", "host": "smpp.sms-assistent.by", "port": 2776, "binds": 1, "window": 10}
    own = SmppOptions.model_validate({**keys, "profile": "sms-assistent", **LOGIN})
    assert own.hosts == (("smpp.sms-assistent.by", 2776),)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("smsc.example.org", ("smsc.example.org", None)),
        ("smsc.example.org:3000", ("smsc.example.org", 3000)),
        ("192.0.2.7:1", ("192.0.2.7", 1)),
        ("localhost", ("localhost", None)),
        ("[2001:db8::1]:65535", ("2001:db8::1", 65535)),
        ("[::1]", ("::1", None)),
        ("2001:DB8::1", ("2001:db8::1", None)),
    ],
)
def test_addresses(text: str, address: tuple[str, int | None]) -> None:
    assert parse_address(text) == address
    assert options(host=text).hosts == ((address[0], address[1] or 2775),)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "host:",
            "host:0",
            "host:65536",
            "host:1:2",
            "smpp://host",
            "host/path",
            "ho st",
            "-host",
            "999.1.1.1",
            "1.2.3:5",
        ),
        *("[::1", "[]:1", "[host]:1", "[::1]x", "user@host", "host\n", ":2775", "хост", "::g"),
    ],
)
def test_addresses_that_are_none(text: str) -> None:
    assert '"host:port"' in mistake_of(host=text)


def test_several_hosts_are_tried_in_order() -> None:
    own = options(host=["a.example.org", "[::1]:3000", "b.example.org:1"], port=2000)
    assert own.hosts == (("a.example.org", 2000), ("::1", 3000), ("b.example.org", 1))


@pytest.mark.parametrize(
    "keys",
    [
        {"host": []},
        {"host": ["a"] * 9},
        {"port": 0},
        {"system_id": ""},
        {"system_id": "x" * 16},
        {"system_id": "a b"},
        {"password": ""},
        {"password": "x" * 65},
        {"password": "пароль"},
        {"password": "a\tb"},
        {"system_type": "x" * 13},
        {"system_type": "тип"},
        {"address_range": "x" * 41},
        {"service_type": "x" * 6},
        {"addr_ton": 256},
        {"interface_version": 0x35},
        {"interface_version": "0x"},
        {"bind": "transmitter"},
        {"binds": 0},
        {"binds": 65},
        {"window": 0},
        {"window": 1001},
        {"rate": -1},
        {"rate": "nan"},
        {"enquire_link": 0},
        {"response_timeout": "121s"},
        {"data_codings": []},
        {"data_codings": [4]},
        {"data_codings": [0, 0]},
        {"default_encoding": "koi8-r"},
        {"long": "cut"},
        {"max_parts": 0},
        {"max_parts": 256},
        {"tls": "yes"},
        {"tls": {"cert": "a.pem"}},
        {"tls": {"key": "a.pem"}},
        {"tls": {"verify": False}},
        {"outbind": {**LISTENER, "allow_from": []}},
        {"outbind": {**LISTENER, "password": ""}},
        {"outbind": {"port": 2900, "allow_from": ["192.0.2.7"]}},
        {"outbind": {**LISTENER, "tls": {"cert": "a.pem"}}},
        {"outbind": {**LISTENER, "tls": {"key": "a.key"}}},
        {"outbind": {**LISTENER, "tls": True}},
        {"errors": {"0x45": "ignore"}},
        {"errors": {"0": "retry"}},
        {"errors": {"ESME": "retry"}},
        {"errors": {"0x100000000": "retry"}},
        {"default_sender": "Магазин"},
        {"default_sender": "twelve chars"},
        {"profile": "other"},
        {"profile": ["sms-assistent"]},
        {"apikey": "x"},
    ],
)
def test_mistakes(keys: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as raised:
        options(**keys)
    assert SECRET not in str(raised.value)


def test_a_host_is_required_without_a_profile() -> None:
    with pytest.raises(ValidationError, match="host: is required"):
        SmppOptions.model_validate({"kind": "smpp", **LOGIN})


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"interface_version": "0x50"}, "3.4 only"),
        ({"interface_version": 0x33}, "3.4 only"),
        ({"data_codings": [0, 8]}, r"UCS-2 \(8\) only"),
        ({"data_codings": [3, 8, 1]}, r"UCS-2 \(8\) only"),
        ({"long": "payload"}, "not in message_payload"),
        ({"binary": True}, "texts only"),
        ({"flash": "data_coding"}, "no other data_coding"),
        ({"alpha_ton": 0}, "ton 5, npi 0"),
        ({"alpha_npi": 1}, "ton 5, npi 0"),
        ({"numeric_ton": 0}, "ton 1, npi 0"),
        ({"numeric_npi": 1}, "ton 1, npi 0"),
        ({"short_ton": 3}, "ton 1, npi 0"),
        ({"short_npi": 1}, "ton 1, npi 0"),
        ({"dest_ton": 0}, "ton 1, npi 1"),
        ({"dest_npi": 0}, "ton 1, npi 1"),
        ({"default_sender": "СМС"}, "Cyrillic letters that look like Latin ones"),
    ],
)
def test_what_the_manual_of_sms_assistent_excludes(keys: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=f"{next(iter(keys))}: .*{words}"):
        assistent(**keys)


@pytest.mark.parametrize(
    ("keys", "word"),
    [({"long": "sar"}, "long"), ({"long": "payload"}, "long"), ({"flash": "subunit"}, "flash")],
)
def test_smpp_3_3_has_no_optional_parameters(keys: dict[str, object], word: str) -> None:
    assert f"{word}: " in mistake_of(**keys, interface_version=0x33)
    assert not options(interface_version="0x33").takes_tlvs
    assert options(interface_version="0x50").takes_tlvs
    assert options(interface_version=0x33, long="udh16").long == "udh16"


def test_tls() -> None:
    assert options(tls=False).tls is None
    assert options(tls=True).tls == Tls()
    own = options(tls={"ca": "ca.pem", "cert": "a.pem", "key": "a.key", "server_name": "smsc"})
    assert own.tls == Tls(ca=Path("ca.pem"), cert=Path("a.pem"), key=Path("a.key"), server_name="smsc")


def test_outbind() -> None:
    own = options(outbind=LISTENER)
    assert own.outbind is not None
    assert (own.outbind.host, own.outbind.port, own.outbind.system_id) == ("0.0.0.0", 2900, None)
    assert own.secrets == (SECRET, "other")


def test_outbind_over_tls() -> None:
    listener = {**LISTENER, "tls": {"cert": "a.pem", "key": "a.key"}}
    for tls in (True, False):
        own = options(outbind=listener, tls=tls)
        assert own.outbind is not None
        assert own.outbind.tls == OutbindTls(cert=Path("a.pem"), key=Path("a.key"))


def test_with_tls_the_password_is_not_shown_in_clear_to_whoever_says_outbind() -> None:
    words = mistake_of(outbind=LISTENER, tls={"ca": "ca.pem"})
    assert "outbind.tls: is required where tls is on" in words
    assert "in clear" in words


def test_values_as_yaml_hands_them_over() -> None:
    own = options(
        system_id=12345, errors={"0x45": "retry", "8": "account", 0x58: "permanent"}, data_codings=3
    )
    assert (own.system_id, own.data_codings) == ("12345", (3,))
    assert own.errors == {0x45: "retry", 8: "account", 0x58: "permanent"}


@pytest.mark.parametrize(
    ("keys", "batch"), [({}, 20), ({"window": 100, "binds": 4}, 800), ({"window": 1000, "binds": 64}, 1000)]
)
def test_limits(keys: dict[str, object], batch: int) -> None:
    limits = options(rate=7, **keys).limits()
    assert (limits.batch, limits.parallel, limits.rate) == (batch, 2, 7)
    assert (limits.poll_interval, limits.inbound_interval, limits.balance_interval) == (0, 0, 0)
    assert (limits.find_interval, limits.validity_max) == (0, 7 * 86400)
    slow = options(response_timeout=120, **keys)
    assert slow.limits().lease > SENDING_TIME + slow.response_timeout


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, []),
        ({"host": "localhost"}, []),
        ({"host": "[::1]:2775"}, []),
        ({"host": "192.0.2.7"}, ["travel in clear"]),
        ({"host": ["127.0.0.1", "smsc.example.org"]}, ["travel in clear"]),
        ({"host": "192.0.2.7", "tls": True}, []),
        ({"host": "192.0.2.7", "profile": SMS_ASSISTENT}, []),  # it offers none
        ({"password": "x" * 8}, []),
        ({"password": "x" * 9}, ["longer than the 8 characters"]),
        ({"enquire_link": "30s"}, []),
        ({"enquire_link": "29s", "profile": SMS_ASSISTENT}, []),
        ({"enquire_link": "30s", "profile": SMS_ASSISTENT}, ["silent for 30s"]),
        ({"window": 100}, []),
        ({"window": 101}, ["101 unanswered"]),
        ({"interface_version": 0x33}, ["use pair"]),
        ({"interface_version": 0x33, "bind": "pair"}, []),
        ({"outbind": LISTENER}, []),
        ({"outbind": {**LISTENER, "allow_from": ["10.0.0.0/8", "::/0"]}}, ["everybody"]),
    ],
)
@pytest.mark.parametrize("callbacks", [True, False])
def test_warnings(keys: dict[str, object], words: list[str], callbacks: bool) -> None:
    warnings = options(**keys).warnings(callbacks=callbacks)
    assert len(warnings) == len(words)
    assert all(word in warning for word, warning in zip(words, warnings, strict=True))


def test_no_secret_is_shown_and_no_callback_derived() -> None:
    own = options(outbind=LISTENER)
    assert SECRET not in repr(own)
    assert "other" not in repr(own)
    assert own.credential() == ""


def test_the_schema_for_editors() -> None:
    schema = SmppOptions.model_json_schema()
    keys = schema["properties"]
    assert set(schema["required"]) == {"kind", "system_id", "password"}
    assert {option.get("type") for option in keys["tls"]["anyOf"]} >= {"boolean"}
    assert {option["type"] for option in keys["host"]["anyOf"]} == {"string", "array"}
    assert "0x34" in keys["interface_version"]["enum"]
    assert keys["errors"]["additionalProperties"]["enum"] == ["permanent", "retry", "throttle", "account"]
    assert all(key in keys for profile in PROFILES.values() for key in profile)
    json.dumps(schema)


@pytest.mark.parametrize(
    "sender", ["", "ALARM", "My Shop", "a", "twelve-char", "112", "375291234567", "9" * 15]
)
def test_sender_may_be_used(sender: str) -> None:
    assert sender_problem(sender, "standard") == ""


@pytest.mark.parametrize(
    "sender", ["   ", "twelve.chars", "9" * 16, "Магазин", "café", "a\n", "a\0", "٣٣٣", "+3752912345678"]
)
def test_sender_is_refused(sender: str) -> None:
    assert sender_problem(sender, "standard")


@pytest.mark.parametrize(
    ("sender", "usable"),
    [
        *(("", True), ("CMC", True), ("Shop_24", True), ("1234", True), ("375291234567", True)),
        *(("9" * 16, False), ("my shop", False), ("СМС", False), ("twelve.chars", False), ("a/b", False)),
    ],
)
def test_sender_of_sms_assistent(sender: str, usable: bool) -> None:
    """Its rules for names, but numbers are taken (§5.3.8)."""
    assert (sender_problem(sender, SMS_ASSISTENT) == "") is usable
