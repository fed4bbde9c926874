"""What smspilot sells, and what must not be handed to it: the same words can be a text or order a service."""

import re
from functools import lru_cache
from typing import NamedTuple

from smppbridge.errors import Refused
from smppbridge.model.message import Doubt, Draft, Message
from smppbridge.smpp.constants import Status
from smppbridge.smpp.text import parts

MAX_PARTS = 10  # API-2 §1


class Sale(NamedTuple):
    """How a service is ordered. "" = as the message says."""

    text: str = ""
    sender: str = ""
    check: bool = False  # of a number: takes neither sender nor ttl, and cannot be scheduled (API-2 §2, §3)
    alone: bool = False  # one number in a request, over API-1 (API-1 §5)


SALES: dict[str, Sale] = {
    "": Sale(),
    "HLR": Sale(text="HLR", check=True),
    "PING": Sale(text="PING", check=True),
    "HLRV": Sale(text="HLRVIP", check=True),
    "CALL": Sale(sender="GOLOS"),
    "FLSHC": Sale(sender="FLASHCALL", alone=True),
    "2WAY": Sale(sender="2WAY"),
}
SERVICES = frozenset(SALES) - {""}

# Texts and senders that would buy another service than an SMS (API-2 §3, §4, §6)
SERVICE_TEXTS = frozenset({"HLR", "PING", "HLRVIP"})
SERVICE_SENDERS = SERVICE_TEXTS | {"GOLOS", "GOLOSM", "FLASHCALL", "2WAY", "VIBER", "VIBERSMS"}
_LONGEST_SERVICE_TEXT = max(map(len, SERVICE_TEXTS))
_SENDER = re.compile(r"[A-Za-z0-9.-]{3,11}")
_PHONE = re.compile(r"[0-9]{5,20}")
_CODE = re.compile(r"[0-9]{4}")
# No shorter text can have too many parts: 67 UTF-16 units each, two for a character beyond the basic plane.
_SURELY_SHORT = MAX_PARTS * 67 // 2


def check_draft(draft: Draft) -> None:
    """Raise Refused (0x0A, 0x0B, 0x15, 0x4A3, 0x4A5) for what smspilot does not take, or takes amiss."""
    sale = SALES.get(draft.service_type)
    if sale is None:
        raise Refused(Status.ESME_RINVSERTYP, "smspilot does not sell this service")
    if draft.octets is not None:
        raise Refused(Status.ESME_RINVENCODING, "smspilot carries texts only")
    if not _PHONE.fullmatch(draft.recipient):
        raise Refused(Status.ESME_RINVDSTADR, "the recipient is not one telephone number")
    if sale.check:
        return
    problem = "" if sale.sender else sender_problem(draft.sender)
    if draft.unlisted and not sale.sender and draft.sender.isdigit():
        problem = problem or "a number as sender must be one of the account's senders, or a default_sender"
    if problem:
        raise Refused(Status.ESME_RINVSRCADR, problem)
    if draft.text is None:  # a part of it: the whole text is checked when it is there
        return
    if sale.alone and not _CODE.fullmatch(draft.text):
        raise Refused(Status.ESME_RINVTEXT, "the code must be four digits")
    _check_text(draft.text)


def _check_text(text: str) -> None:
    if not text:
        raise Refused(Status.ESME_RINVTEXT, "the text is empty")
    if is_service_text(text):
        raise Refused(Status.ESME_RINVTEXT, "smspilot would take this text for a number check")
    if len(text) > _SURELY_SHORT and _too_long(text):
        raise Refused(Status.ESME_RINVTEXT, f"the text needs more than {MAX_PARTS} parts")


def wire_text(message: Message | Doubt) -> str:
    """The text that orders the service, or that the message has."""
    sale = SALES.get(message.service_type)
    return sale.text if sale is not None and sale.text else message.text


@lru_cache(maxsize=4096)
def sender_problem(sender: str) -> str:
    """Why smspilot would not take this sender, or would sell another service for it; "" if it may be used."""
    if not sender:
        return ""  # the account's default
    if not _SENDER.fullmatch(sender):
        return "sender must be 3 to 11 of A-Z a-z 0-9 . -"
    if sender.upper() in SERVICE_SENDERS:
        return "sender is the name of a paid service, which the account's services do not allow"
    return ""


def is_service_text(text: str) -> bool:
    """Whether smspilot takes the whole text for the name of a number check."""
    word = text.replace("\0", " ").strip()  # PHP's trim() takes NUL away, too
    return len(word) <= _LONGEST_SERVICE_TEXT and word.upper() in SERVICE_TEXTS


def _too_long(text: str) -> bool:
    try:
        return parts(text) > MAX_PARTS
    except ValueError:
        return True  # a lone surrogate: no text that a phone can show
