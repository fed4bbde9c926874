"""Paid services besides SMS, which equipment asks for by service_type.

An account must be allowed each of them by name. No service may be bought by mistake, above all not by the
text of an ordinary message.
"""

import re
from typing import NamedTuple

from smppbridge.errors import Refused
from smppbridge.smpp.constants import Status

PLAIN_SMS = "CMT"
ORDINARY = frozenset({"", PLAIN_SMS})  # service_types that are a plain SMS (SMPP 3.4 §5.2.11)

PING = "PING"  # the check that a message which no phone shows can be bought as

_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_NICK = re.compile(r"@?[A-Za-z][A-Za-z0-9_]{3,19}|#[0-9]{1,19}")


class Service(NamedTuple):
    """One service."""

    title: str
    address: re.Pattern[str] | None = None  # what destination_addr must match; None = a telephone number
    or_phone: bool = False  # besides `address`, a telephone number is taken too
    text: re.Pattern[str] | None = None  # what the whole text must match; None = any text, not empty
    without_text: bool = False  # the text is not used
    senders: tuple[str, ...] = ()  # names of senders that order it too, as at smspilot


SERVICES: dict[str, Service] = {
    "HLR": Service("number check in the home location register", without_text=True, senders=("HLR",)),
    PING: Service("check by a message that the phone does not show", without_text=True, senders=("PING",)),
    "HLRV": Service("number check by both ways", without_text=True, senders=("HLRVIP",)),
    "CALL": Service("voice call that reads the text", senders=("GOLOS", "GOLOSM")),
    "FLSHC": Service(
        "call whose last digits are the code", text=re.compile(r"[0-9]{4}"), senders=("FLASHCALL",)
    ),
    "VIBER": Service("Viber message"),
    "2WAY": Service("SMS that the phone may answer", senders=("2WAY",)),
    "WAPP": Service("WhatsApp message"),
    "SOC": Service("message in a social network"),
    "TG": Service("Telegram code", text=re.compile(r"[0-9]{4,8}")),
    "BOT": Service("message of a Telegram bot", address=_NICK, or_phone=True),
    "MAIL": Service("e-mail", address=_EMAIL),
    "PUSH": Service("WAP push: address, new line, title"),
}

_BY_SENDER = {sender: name for name, service in SERVICES.items() for sender in service.senders}


def named_by(sender: str) -> str:
    """The service that the name of a sender stands for; "" for none."""
    return _BY_SENDER.get(sender.upper(), "")


def check_text(name: str, text: str) -> None:
    """Raises Refused (0x4A5) when the service ``name`` cannot use this text."""
    service = SERVICES[name]
    if service.without_text:
        return
    if not text:
        raise Refused(Status.ESME_RINVTEXT, "the text is empty")
    if service.text is not None and not service.text.fullmatch(text):
        raise Refused(Status.ESME_RINVTEXT, f"service_type {name} takes other texts")


def special_address(name: str, address: str) -> bool:
    """Whether ``address`` is of the service's own kind. False = it is to be read as a telephone number.

    Raises Refused (0x0B) when it is not, and the service takes no telephone numbers.
    """
    service = SERVICES[name]
    if service.address is None:
        return False
    if service.address.fullmatch(address):
        return True
    if service.or_phone:
        return False
    raise Refused(Status.ESME_RINVDSTADR, f"destination_addr is not an address of service_type {name}")
