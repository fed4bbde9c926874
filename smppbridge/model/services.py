"""The paid services besides SMS that equipment may ask for by service_type, and what each one sends to whom.

An account must be allowed each of them by name: none may ever be bought by mistake, let alone by the text of
an ordinary message. Must not know: which provider sells what, sessions.
"""

import re
from typing import NamedTuple

from smppbridge.errors import Refused
from smppbridge.smpp.constants import Status

ORDINARY = frozenset({"", "CMT"})  # service_types that are a plain SMS (SMPP 3.4 §5.2.11)

_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_NICK = re.compile(r"@?[A-Za-z][A-Za-z0-9_]{3,19}|#[0-9]{1,19}")


class Service(NamedTuple):
    """One service. ``address``: what destination_addr must match, None = a telephone number."""

    title: str
    address: re.Pattern[str] | None = None
    or_phone: bool = False  # a telephone number will do as well
    text: re.Pattern[str] | None = None  # the whole text; None = any that is not empty
    without_text: bool = False  # a text is not used


SERVICES: dict[str, Service] = {
    "HLR": Service("number check in the home location register", without_text=True),
    "PING": Service("check by a message that the phone does not show", without_text=True),
    "HLRV": Service("number check by both ways", without_text=True),
    "CALL": Service("voice call that reads the text"),
    "FLSHC": Service("call whose last digits are the code", text=re.compile(r"[0-9]{4}")),
    "VIBER": Service("Viber message"),
    "2WAY": Service("SMS that the phone may answer"),
    "WAPP": Service("WhatsApp message"),
    "SOC": Service("message in a social network"),
    "TG": Service("Telegram code", text=re.compile(r"[0-9]{4,8}")),
    "BOT": Service("message of a Telegram bot", address=_NICK, or_phone=True),
    "MAIL": Service("e-mail", address=_EMAIL),
    "PUSH": Service("WAP push: address, new line, title"),
}


def check_text(name: str, text: str) -> None:
    """Raise Refused (0x4A5) when the service ``name`` cannot use this text."""
    service = SERVICES[name]
    if service.without_text:
        return
    if not text:
        raise Refused(Status.ESME_RINVTEXT, "the text is empty")
    if service.text is not None and not service.text.fullmatch(text):
        raise Refused(Status.ESME_RINVTEXT, f"service_type {name} takes other texts")


def special_address(name: str, address: str) -> bool:
    """Whether ``address`` is one that only this service knows. False = read it as a telephone number.

    Raises Refused (0x0B) when the service takes no telephone numbers and this is not its own kind either.
    """
    service = SERVICES[name]
    if service.address is None:
        return False
    if service.address.fullmatch(address):
        return True
    if service.or_phone:
        return False
    raise Refused(Status.ESME_RINVDSTADR, f"destination_addr is not an address of service_type {name}")
