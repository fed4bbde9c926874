"""Settings of `kind: smsc`: what is taken, what is a mistake, what earns a warning."""

from typing import Any

import pytest
from pydantic import ValidationError

from smppbridge.providers.smsc_ru.options import SmscRuOptions

LOGIN = {"kind": "smsc", "login": "alex", "password": "SECRET"}


def options(**keys: Any) -> SmscRuOptions:
    return SmscRuOptions.model_validate({**LOGIN, **keys})


def mistake(**keys: Any) -> str:
    with pytest.raises(ValidationError) as raised:
        options(**keys)
    told = str(raised.value)
    assert "SECRET" not in told
    return told


def test_defaults() -> None:
    plain = options()
    assert (plain.url, plain.api, plain.format) == ("https://smsc.ru", "form", "json")
    assert (plain.parallel, plain.batch, plain.service_texts) == (4, 1, "escape")
    assert plain.callback_query() == "?charset=utf-8&md5"


@pytest.mark.parametrize(
    ("keys", "bases"),
    [
        ({}, ("https://smsc.ru", "https://www2.smsc.ru")),
        ({"url": "https://smsc.ru/"}, ("https://smsc.ru", "https://www2.smsc.ru")),
        ({"url": "https://smsc.kz"}, ("https://smsc.kz",)),
        ({"backup_urls": []}, ("https://smsc.ru",)),
        (
            {"url": "https://smsc.kz", "backup_urls": ["https://www2.smsc.kz/", "https://smsc.kz"]},
            ("https://smsc.kz", "https://www2.smsc.kz"),
        ),
    ],
)
def test_addresses(keys: dict[str, Any], bases: tuple[str, ...]) -> None:
    assert options(**keys).bases == bases


@pytest.mark.parametrize(
    "url", ["smsc.ru", "ftp://smsc.ru", "https://alex:x@smsc.ru", "https://smsc.ru/?a=b"]
)
def test_backup_addresses_are_as_strict_as_the_first(url: str) -> None:
    assert "backup_urls" in mistake(backup_urls=[url])


def test_login_and_password_or_apikey() -> None:
    by_login = options(callback_secret="C")
    assert by_login.rights == {"login": "alex", "psw": "SECRET"}
    assert (by_login.credential(), by_login.secrets) == ("SECRET", ("SECRET", "C"))
    by_key = SmscRuOptions.model_validate({"kind": "smsc", "apikey": "KEY"})
    assert by_key.rights == {"apikey": "KEY"}
    assert (by_key.credential(), by_key.secrets) == ("KEY", ("KEY",))
    assert "SECRET" not in repr(by_login) + repr(by_key)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"login": "alex"},
        {"password": "SECRET"},
        {"login": "alex", "password": "SECRET", "apikey": "SECRET"},
        {"login": "alex", "apikey": "SECRET"},
        {"login": "alex", "password": ""},
        {"apikey": ""},
    ],
)
def test_anything_but_one_whole_credential_is_a_mistake(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as raised:
        SmscRuOptions.model_validate({"kind": "smsc", **keys})
    assert "SECRET" not in str(raised.value)


@pytest.mark.parametrize("parallel", [5, 64])
def test_too_many_requests_at_once(parallel: int) -> None:
    assert "smsc.ru counts the requests" in mistake(parallel=parallel)


def test_one_message_in_a_request() -> None:
    assert options(batch=1).batch == 1
    assert "share one id" in mistake(batch=2)


@pytest.mark.parametrize("format_", ["xml", "numbers", "text"])
def test_rest_is_json(format_: str) -> None:
    assert options(format=format_).format == format_
    assert "JSON only" in mistake(api="rest", format=format_)
    assert options(api="rest", format="json").api == "rest"


GOOD = [
    *(("voice", voice) for voice in ("m", "m2", "m3", "m4", "w", "w2", "w3", "w4", "m,en", "w2,fr")),
    *(("param", param) for param in ("20,10,3", "0,0,0", "99,3600,9", "10,10,1")),
    *(("translit", number) for number in (0, 1, 2)),
    *(("fileurl", url) for url in ("", "http://mysite.com/voice.wav", "https://a.b/%D0%B0?x=1")),
    *[("bot", "@our_bot"), ("mail_sender", "us@example.org"), ("maxsms", 15), ("default_sender", "Demo")],
]
BAD = [
    *(("fileurl", url) for url in ("voice.wav", "ftp://a.b/c", "http://", "http://a b", "https://я.рф")),
    *(("voice", voice) for voice in ("m1", "m5", "x", "m,", "m,english", "M", "w 2")),
    *(
        ("param", param)
        for param in ("20", "20,10", "100,10,3", "20,3601,3", "20,10,10", "a,b,c", "20, 10, 3")
    ),
    *[
        ("callback_signature", "sha256"),
        ("translit", 3),
        ("maxsms", 256),
        ("maxsms", -1),
        ("service_texts", "send"),
        ("api", "soap"),
    ],
    *[("bot", "our_bot"), ("bot", "@a b"), ("mail_sender", "us"), ("mail_sender", "a@b.c,d@e.f")],
    *[("default_sender", "Пример"), ("default_sender", "TwelveLetter"), ("format", "csv"), ("sender", "x")],
]


@pytest.mark.parametrize(("key", "value"), GOOD)
def test_value(key: str, value: object) -> None:
    given = options(**{key: value})
    assert getattr(given, key) == value
    assert getattr(given.wishes, key) == value


@pytest.mark.parametrize(("key", "value"), BAD)
def test_wrong_value(key: str, value: object) -> None:
    assert key in mistake(**{key: value})


def test_wishes_hold_what_services_need() -> None:
    assert options().wishes.services.isdisjoint({"MAIL", "BOT"})
    assert {"MAIL", "BOT"} <= options(bot="@our_bot", mail_sender="us@example.org").wishes.services


@pytest.mark.parametrize(
    ("keys", "callbacks", "words"),
    [
        ({}, True, ["callback_secret"]),
        ({"callback_secret": "C"}, True, []),
        ({"callback_secret": "C", "poll_interval": 0}, True, []),
        ({}, False, ["at most 50 statuses"]),
        ({"poll_interval": 0}, False, ["no status will ever be known"]),
        (
            {"callback_secret": "C", "poll_interval": "59s", "poll_first": 10},
            True,
            ["poll_first", "poll_interval"],
        ),
        ({"callback_secret": "C", "poll_interval": 60, "poll_first": 60}, True, []),
        ({"callback_secret": "C", "balance_interval": 5}, True, ["balance_interval"]),
        ({"callback_secret": "C", "balance_interval": 0}, True, []),
        ({"callback_secret": "C", "format": "numbers"}, True, ["error 9"]),
        ({"callback_secret": "C", "callback_signature": "sha1"}, True, []),
        ({"callback_secret": "C", "callback_signature": "crc32"}, True, ["callback_signature"]),
        ({"callback_signature": "crc32"}, True, ["callback_secret"]),
        ({"callback_secret": "C", "format": "xml"}, True, []),
    ],
)
def test_warnings(keys: dict[str, Any], callbacks: bool, words: list[str]) -> None:
    found = options(**keys).warnings(callbacks=callbacks)
    assert len(found) == len(words)
    assert all(word in line for word, line in zip(words, found, strict=True))


@pytest.mark.parametrize("kind", ["md5", "sha1", "crc32"])
def test_the_callback_address_asks_for_the_signature(kind: str) -> None:
    assert options(callback_signature=kind).callback_query() == f"?charset=utf-8&{kind}"
    assert options().callback_query() == "?charset=utf-8&md5"
