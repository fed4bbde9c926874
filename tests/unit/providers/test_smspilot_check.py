"""What must not be handed to smspilot: what it refuses, or sells as another service."""

import pytest

from smppbridge.errors import Refused
from smppbridge.providers.smspilot import Smspilot, SmspilotOptions, sender_problem

plain = Smspilot("pilot", SmspilotOptions.model_validate({"kind": "smspilot", "apikey": "K"}))


@pytest.mark.parametrize(
    "sender", ["", "abc", "MYSHOP.RU", "Taxi-12.Ru", "A1234567890", "INFORM999", "1-1", "2WAYS"]
)
def test_sender_may_be_used(sender: str) -> None:
    plain.check(sender, "text")


@pytest.mark.parametrize(
    "sender",
    [
        *("ab", "A12345678901", "Такси", "my shop", "a_b", "12345", "375291234567", "abc\n", "Tаxi"),
        *("GOLOS", "GOLOSM", "FLASHCALL", "2WAY", "HLR", "HLRVIP", "PING", "VIBER", "VIBERSMS"),
        *("golos", "FlashCall", "2way", "hlr", "ViberSms"),
    ],
)
def test_sender_is_refused(sender: str) -> None:
    with pytest.raises(Refused) as raised:
        plain.check(sender, "text")
    assert raised.value.status == 0x0A
    assert sender_problem(sender)


@pytest.mark.parametrize(
    "text",
    [
        *("", "HLR", "PING", "HLRVIP", "hlr", "Ping", " HLR ", "\nping\t", "\u00a0hlrvip"),
        *("HLR\0", "\0\0 PING\0", "\x0bPING", "\r\nHLR\0\t"),
        *("a" * 1531, "я" * 671, "🙂" * 336, "€" * 766),
    ],
)
def test_text_is_refused(text: str) -> None:
    with pytest.raises(Refused) as raised:
        plain.check("Demo", text)
    assert raised.value.status == 0x4A5


@pytest.mark.parametrize(
    "text", ["a", "HLR?", "PING me", "the HLR", "H\0LR", "a" * 1530, "я" * 670, "€" * 760, "🙂" * 330]
)
def test_text_may_be_sent(text: str) -> None:
    plain.check("Demo", text)
