"""What may be set of an sms-assistent account, and what it may not carry."""

import pytest
from pydantic import ValidationError

from smppbridge.errors import Refused
from smppbridge.providers.base import Callback
from smppbridge.providers.sms_assistent.options import sender_problem
from smppbridge.providers.sms_assistent.provider import SmsAssistent
from tests.support.builders.messages import NOW, draft
from tests.unit.providers.sms_assistent.steps import SECRET, options

MINUTE = 60_000  # ms
plain = SmsAssistent("assist", options())


def test_defaults() -> None:
    limits = plain.limits
    assert (limits.batch, limits.batch_wait, limits.parallel) == (100, 0.2, 4)
    assert (limits.poll_first, limits.poll_interval, limits.poll_slowest) == (60, 240, 600)
    assert (limits.poll_gap, limits.poll_batch) == (0, 100)
    assert limits.poll_early == (10, 30)
    assert SmsAssistent("assist", options(poll_first="1m")).limits.poll_early == ()
    assert (limits.find_interval, limits.inbound_interval) == (0, 0)
    assert (limits.validity_max, plain.services) == (172_800, frozenset())
    assert limits.lease > 120 + options().timeout
    chosen = options()
    assert (chosen.url, chosen.api, chosen.rejected_as) == (
        "https://userarea.sms-assistent.by",
        "json",
        "UNDELIV",
    )
    assert (chosen.plain_per_minute, chosen.default_sender) == (20, "")


def test_a_slow_poll_interval_is_never_above_the_slowest() -> None:
    assert SmsAssistent("assist", options(poll_interval="1h")).limits.poll_slowest == 3600


def test_the_password_is_not_shown() -> None:
    assert SECRET not in repr(options())
    with pytest.raises(ValidationError) as raised:
        options(api="soap")
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "keys",
    [
        {"login": ""},
        {"password": ""},
        {"api": "soap"},
        {"batch": 1001},
        {"batch": 0},
        {"rejected_as": "DELIVRD"},
        {"plain_per_minute": -1},
        {"apikey": "x"},
        {"default_sender": "12345"},
        {"default_sender": "twelve chars"},
    ],
)
def test_mistakes(keys: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        options(**keys)


def test_a_name_in_cyrillic_letters_is_refused_by_its_reason() -> None:
    with pytest.raises(ValidationError, match="Cyrillic letters that look like Latin ones"):
        options(default_sender="СМС")
    assert options(default_sender="CMC").default_sender == "CMC"


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, []),
        ({"api": "xml"}, []),
        ({"api": "plain"}, ["bulk in PLAIN"]),
        ({"api": "plain", "plain_per_minute": 60}, ["bulk in PLAIN"]),
        ({"plain_per_minute": 21}, ["plain_per_minute"]),
        ({"batch_wait": 0}, ["batch_wait"]),
        ({"api": "xml", "batch_wait": 0}, ["batch_wait"]),
        ({"api": "plain", "batch_wait": 0}, ["bulk in PLAIN"]),
        ({"poll_interval": 0}, ["no status"]),
        ({"url": "https://h/api/v1"}, []),
        ({"url": "https://h/api/v1/xml"}, []),
        ({"url": "https://h/api/v1/jsn"}, ["url: messages go to https://h/api/v1/jsn/api/v1/json; "]),
        ({"url": "https://h/api/v1/jsn", "urls": {"json": "https://h/api/v1/jsn"}}, []),
        ({"api": "plain", "poll_interval": 0}, ["bulk in PLAIN", "no status"]),
    ],
)
@pytest.mark.parametrize("callbacks", [True, False])
def test_warnings(keys: dict[str, object], words: list[str], callbacks: bool) -> None:
    warnings = options(**keys).warnings(callbacks=callbacks)
    assert len(warnings) == len(words)
    assert all(word in warning for word, warning in zip(words, warnings, strict=True))


# --- check -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sender", ["", "CMC", "a", "A_%#@!*()-.", ";?'&<>+=:", "2GIS", "24-7", "1.1", "Shop1234567"]
)
def test_sender_may_be_used(sender: str) -> None:
    plain.check(draft(sender))


@pytest.mark.parametrize(
    "sender",
    [
        *("СМС", "Mаg", "Магазин", "my shop", "twelve.chars", "a\n", "a/b", "a,b", 'a"b', "a[b", "café"),
        *("1", "1234", "375296717259", "+375291234", "+1", "\uff11", "a\x00"),
    ],
)
def test_sender_is_refused(sender: str) -> None:
    assert sender_problem(sender)
    with pytest.raises(Refused) as raised:
        plain.check(draft(sender))
    assert raised.value.status == 0x0A


@pytest.mark.parametrize("letter", "АВЕЅІЈКМНОРСТУХаеѕіјорсух")
def test_every_letter_that_looks_latin(letter: str) -> None:
    assert "Cyrillic" in sender_problem(f"ab{letter}")


@pytest.mark.parametrize(
    "text", ["", " ", "\r\n\t", "a" * 1531, "я" * 671, "🙂" * 336, "€" * 766, "\ud83d" * 400]
)
def test_text_is_refused(text: str) -> None:
    with pytest.raises(Refused) as raised:
        plain.check(draft(text=text))
    assert raised.value.status == 0x4A5


@pytest.mark.parametrize("text", ["x", "a" * 1530, "я" * 670, "€" * 760, "🙂" * 330, "HLR", "__CALL__:x"])
def test_text_may_be_sent(text: str) -> None:
    plain.check(draft(text=text))


def test_binary_content_is_refused_and_flash_is_not() -> None:
    plain.check(draft(flash=True))
    with pytest.raises(Refused) as raised:
        plain.check(draft(text="", octets=b"\x00\x01"))
    assert raised.value.status == 0x4A3


@pytest.mark.parametrize(
    "recipient",
    [
        "",
        "29781977",
        "+375296717259",
        "0375296717259",
        "3752967172590000",
        "375296717259,375296717258",
        "٣" * 12,
    ],
)
def test_recipient_is_refused(recipient: str) -> None:
    with pytest.raises(Refused) as raised:
        plain.check(draft(recipient=recipient))
    assert raised.value.status == 0x0B


# --- schedules, callbacks --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "ahead", "kept_there"),
    [
        ("local", 60 * MINUTE, False),
        ("provider", 60 * MINUTE, True),
        ("provider", 12 * MINUTE, True),
        ("provider", 12 * MINUTE - 1, False),
        ("provider", 0, False),
        ("provider", -60 * MINUTE, False),
    ],
)
def test_schedules(schedule: str, ahead: int, kept_there: bool) -> None:
    provider = SmsAssistent("assist", options(schedule=schedule))
    assert provider.schedules(NOW + ahead, NOW) is kept_there


def test_nothing_calls_back() -> None:
    with pytest.raises(ValueError, match="no callbacks"):
        plain.parse_callback(Callback("POST", {}, {}, {"sms_id": "1", "sms_status": "Delivered"}))
