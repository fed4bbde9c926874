"""What smspilot's APIs and formats have in common: requests and answers as plain records.

Numbers are read as leniently as the manuals print them: as numbers or as strings, or not at all.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from smppbridge.model.message import UNTOLD, Particulars
from smppbridge.providers.error_table import OPERATOR, details_of
from smppbridge.providers.http.lenient import counted, integer, millionths, text_of

MAX_TTL_MINUTES = 1440  # API-2 §1: 1..1440
# What a number check finds out (API-2 §3.3, where the service centre is misprinted as a second `mnc`).
DETAILS = ("imsi", "msc", "mcc", "mnc", "cn", "net", "gcn", "gnet")

CURRENCY = "RUB"  # of all prices, since 2.4.10 of API-2
_PLACES = frozenset({"operator", "net", "country", "cn", "mnc"})

_BETWEEN_DIGITS = re.compile(r"[\s+().-]")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", re.ASCII)


class PacketLine(NamedTuple):
    """One message of a packet."""

    id: int  # ours; API-1 has no place for it
    to: str
    text: str = ""  # "" = the packet's
    ttl: int = 0  # minutes, 0 = the whole day


class Packet(NamedTuple):
    """One request to send."""

    lines: tuple[PacketLine, ...]
    sender: str = ""  # "" = the account's default, or none at all
    text: str = ""  # of all lines, "" = each its own
    send_at: int = 0  # seconds since 1970, 0 = at once
    callback: str = ""
    callback_method: str = "post"
    test: bool = False  # nothing goes to operators


class Item(NamedTuple):
    """What an answer says about one message; None or "" where it says nothing that can be read."""

    id: int | None  # ours, echoed; None also for the 0 that stands for "no id"
    ref: str  # server_id
    phone: str
    status: int | None
    error: int
    words: str  # error_en
    text: str | None = None
    created: int | None = None  # ms, read as if it were UTC: the manuals do not name its time zone
    details: str = ""  # what a number check has found out
    words_ru: str = ""  # error_ru
    told: Particulars = UNTOLD


class PhoneMessage(NamedTuple):
    """A message from a phone."""

    id: str
    phone: str
    num: str
    text: str
    created: int | None  # ms (API-2 §5.2: UTC)


class PilotFailure(NamedTuple):
    """An error envelope: nothing of the request was carried out."""

    code: int
    words: str
    status: int | None = None  # of the account, where it is blocked (API-2 §7)
    address: str = ""  # ours, as smspilot sees it


class PilotAnswer(NamedTuple):
    """One answer of any kind; what the kind does not have is empty."""

    failure: PilotFailure | None = None
    packet: str = ""
    balance: float | None = None
    items: tuple[Item, ...] = ()
    arrivals: tuple[PhoneMessage, ...] = ()
    senseless: int = 0  # rows that are no messages from phones


class Question(NamedTuple):
    """A request, and how its answer is read: ``decode`` raises ValueError for what is no answer."""

    path: str
    content: bytes
    content_type: str
    decode: Callable[[bytes], PilotAnswer]


class PilotWire(Protocol):
    """One API in one format, with the key of one account."""

    def encode_send(self, packet: Packet) -> Question:
        """Messages to different recipients."""

    def encode_check(self, refs: Sequence[str]) -> Question:
        """The status question for server_ids; never empty (an empty list counts as flood)."""

    def encode_check_packet(self, ref: str) -> Question:
        """The status question for a whole packet, by its server_packet_id."""

    def encode_balance(self) -> Question:
        """The question for the balance in roubles (``rur``; both manuals also misspell it)."""

    def encode_inbound(self, since: str) -> Question:
        """The question for messages from phones: "new", or since a UNIX time."""


def item_of(row: Mapping[str, object]) -> Item:
    """A message as an object of JSON, as the attributes of an element, or as columns."""
    status = integer(row.get("status"))
    return Item(
        id=integer(row.get("id")) or None,
        ref=server_id(row.get("server_id")),
        phone=text_of(row.get("phone", row.get("to"))),
        status=status,
        error=integer(row.get("error")) or 0,
        words=text_of(row.get("error_en")),
        text=text_of(row["message"]) if "message" in row else None,
        created=moment_of(row.get("created")),
        details=found_out(row),
        words_ru=text_of(row.get("error_ru")),
        told=_told(row),
    )


def _told(row: Mapping[str, object]) -> Particulars:
    """What a row tells of a message besides its status. Most rows of statuses tell nothing."""
    price = millionths(row.get("price"))
    return Particulars(
        price=price,
        currency=CURRENCY if price else "",
        parts=counted(integer(row.get("parts"))),
        operator="" if _PLACES.isdisjoint(row) else _where(row),
        sender=text_of(row.get("sender", row.get("from"))),
    )


def _where(row: Mapping[str, object]) -> str:
    """The operator and the country of the phone."""
    places = {
        "operator": text_of(row.get("operator")) or text_of(row.get("net")),
        "country": text_of(row.get("country")) or text_of(row.get("cn")),
        "mccmnc": text_of(row.get("mcc")) + text_of(row.get("mnc")) if row.get("mnc") else "",
    }
    return details_of(places, OPERATOR)


def arrival_of(row: Mapping[str, object]) -> PhoneMessage | None:
    """A message from a phone, or from whoever has a name instead of a number; None without that or without
    an id."""
    ref, phone = server_id(row.get("id")), _address(row.get("phone"))
    if not ref or not phone:
        return None
    created = moment_of(row.get("created"))
    return PhoneMessage(ref, phone, _address(row.get("num")), text_of(row.get("text")), created)


def arrivals_of(rows: Sequence[Mapping[str, object]]) -> "PilotAnswer":
    """An answer of messages from phones."""
    found = [arrival for row in rows if (arrival := arrival_of(row)) is not None]
    return PilotAnswer(arrivals=tuple(found), senseless=len(rows) - len(found))


def _address(value: object) -> str:
    """A number as its digits, however it is written; a name as it is."""
    text = text_of(value).strip()
    digits = _BETWEEN_DIGITS.sub("", text)
    return digits if not digits or (digits.isascii() and digits.isdigit()) else text


def found_out(row: Mapping[str, object]) -> str:
    """What a number check has found out (API-2 §3.3; API-1 v1.12 prints gscn for gcn)."""
    fields = {"gcn": text_of(row.get("gscn"))}
    fields.update((key, text_of(row[key])) for key in DETAILS if key in row)
    return details_of(fields, DETAILS)


def failure_of(error: Mapping[str, object]) -> PilotFailure:
    """An error envelope. Raises ValueError without a code."""
    code = integer(error.get("code"))
    if code is None or code <= 0:
        raise ValueError("an error without a code")
    said = (text_of(error.get(key)).strip() for key in ("description", "description_ru", "status_ru"))
    return PilotFailure(code, once(said), integer(error.get("status")), text_of(error.get("ip")))


def once(said: Iterable[str]) -> str:
    """What is said in one language or the other, each thing once."""
    return ", ".join(dict.fromkeys(filter(None, said)))


def server_id(value: object) -> str:
    """A server_id in its one spelling; "" for 0 (a refused message) and for anything that is no id."""
    number = integer(value)
    return str(number) if number is not None and number > 0 else ""


def moment_of(value: object) -> int | None:
    """``YYYY-MM-DD HH:MM``, with or without seconds, as ms since 1970; None for what is no such time."""
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    try:
        moment = datetime.strptime(found[0] + ("" if found[1] else ":00"), "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return None  # 0000-00-00 00:00:00 stands for "never"
    return int(moment.replace(tzinfo=UTC).timestamp()) * 1000
