"""What smspilot sells, and what must not be handed to it: what it refuses, or sells as another service."""

import pytest

from smppbridge.errors import Refused
from smppbridge.model.services import SERVICES
from smppbridge.providers.smspilot.provider import Smspilot, SmspilotOptions
from smppbridge.providers.smspilot.sales import SERVICE_SENDERS, sender_problem
from tests.support.builders.messages import draft

plain = Smspilot("pilot", SmspilotOptions.model_validate({"kind": "smspilot", "apikey": "K"}))


@pytest.mark.parametrize(
    "sender", ["", "abc", "MYSHOP.RU", "Taxi-12.Ru", "A1234567890", "INFORM999", "1-1", "2WAYS"]
)
def test_sender_may_be_used(sender: str) -> None:
    plain.check(draft(sender, "text"))


@pytest.mark.parametrize(
    "sender",
    [
        *("ab", "A12345678901", "Такси", "my shop", "a_b", "375291234567", "abc\n", "Tаxi"),
        *("GOLOS", "GOLOSM", "FLASHCALL", "2WAY", "HLR", "HLRVIP", "PING", "VIBER", "VIBERSMS"),
        *("golos", "FlashCall", "2way", "hlr", "ViberSms"),
    ],
)
def test_sender_is_refused(sender: str) -> None:
    with pytest.raises(Refused) as raised:
        plain.check(draft(sender, "text"))
    assert raised.value.status == 0x0A
    assert sender_problem(sender)


@pytest.mark.parametrize("sender", ["12345", "79021121075"])
def test_a_number_is_a_sender_where_somebody_chose_it(sender: str) -> None:
    """smspilot registers numbers, too (API-1 §9). Where no list names any sender, a number is more often the
    equipment's own."""
    plain.check(draft(sender, "text"))
    with pytest.raises(Refused) as raised:
        plain.check(draft(sender, "text", unlisted=True))
    assert raised.value.status == 0x0A
    assert "senders" in raised.value.reason
    own = SmspilotOptions.model_validate({"kind": "smspilot", "apikey": "K", "default_sender": sender})
    Smspilot("pilot", own).check(draft(sender, "text", unlisted=True))


def test_every_name_that_orders_a_service_is_no_sender() -> None:
    named = {sender for service in plain.services for sender in SERVICES[service].senders}
    assert named | {"VIBER", "VIBERSMS"} == SERVICE_SENDERS
    with pytest.raises(Refused) as raised:
        plain.check(draft("GOLOS", "text"))
    assert "services" in raised.value.reason


def test_a_name_needs_no_list() -> None:
    plain.check(draft("Taxi-12.Ru", "text", unlisted=True))


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
        plain.check(draft("Demo", text))
    assert raised.value.status == 0x4A5


@pytest.mark.parametrize(
    "text", ["a", "HLR?", "PING me", "the HLR", "H\0LR", "a" * 1530, "я" * 670, "€" * 760, "🙂" * 330]
)
def test_text_may_be_sent(text: str) -> None:
    plain.check(draft("Demo", text))


@pytest.mark.parametrize(
    "recipient", ["", "+79001112233", "79001112233,79001112244", "79001112233 ", "nick", "٧٩٠٠١١١٢٢٣٣"]
)
@pytest.mark.parametrize("service", ["", "HLR", "CALL"])
def test_recipient_is_refused(recipient: str, service: str) -> None:
    with pytest.raises(Refused) as raised:
        plain.check(draft(recipient=recipient, service_type=service))
    assert raised.value.status == 0x0B


@pytest.mark.parametrize(
    ("service", "sender", "text"),
    [
        *(("HLR", "", ""), ("PING", "GOLOS", "whatever"), ("HLRV", "Такси", "HLR")),  # neither is used
        *(("CALL", "Такси", "Ждём вас"), ("CALL", "", "Ждём вас"), ("2WAY", "375291234567", "Да или нет?")),
        *(("FLSHC", "", "1234"), ("FLSHC", "Такси", "0000")),
    ],
)
def test_service_may_be_ordered(service: str, sender: str, text: str) -> None:
    assert service in plain.services
    plain.check(draft(sender, text, service_type=service))


@pytest.mark.parametrize(
    ("service", "text", "status"),
    [
        *(("CALL", "", 0x4A5), ("CALL", "HLR", 0x4A5), ("CALL", "ping\0", 0x4A5), ("CALL", "я" * 671, 0x4A5)),
        *(("2WAY", "", 0x4A5), ("2WAY", " hlrvip", 0x4A5), ("2WAY", "я" * 671, 0x4A5)),
        *(("FLSHC", "", 0x4A5), ("FLSHC", "123", 0x4A5), ("FLSHC", "12345", 0x4A5), ("FLSHC", "١٢٣٤", 0x4A5)),
        *(("FLSHC", "1234\n", 0x4A5), ("VIBER", "text", 0x15), ("TG", "1234", 0x15)),
    ],
)
def test_service_is_refused(service: str, text: str, status: int) -> None:
    with pytest.raises(Refused) as raised:
        plain.check(draft("Demo", text, service_type=service))
    assert raised.value.status == status


@pytest.mark.parametrize("service", ["", "HLR", "CALL"])
def test_binary_content_is_refused(service: str) -> None:
    with pytest.raises(Refused) as raised:
        plain.check(draft("Demo", "", octets=b"\0\1", service_type=service))
    assert raised.value.status == 0x4A3
