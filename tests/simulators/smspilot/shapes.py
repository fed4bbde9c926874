"""A message at smspilot's simulator, and how it is printed: answers to `send` and `check`, callbacks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypedDict
from urllib.parse import parse_qs, urlsplit

from tests.simulators.smspilot.checks import print_moment
from tests.simulators.smspilot.errors import Refusal, error_words
from tests.simulators.smspilot.rules import NUMBER_CHECKS

NO_TIME = "0000-00-00 00:00:00"
COUNTRY, OPERATOR = "RU", "TELE2"
# What a message of a test is said to have become, by its server_id (API-2 §10: nobody tells the algorithm).
TEST_STATUSES = ((2, 0), (1, 0), (-1, 601))

Accepted = TypedDict(
    "Accepted",
    {
        "id": int,
        "to": str,
        "text": str,
        "from": str,
        "server_id": str,
        "packet": str,
        "ttl": int,
        "service": str,  # "" = SMS
    },
)


@dataclass(slots=True)
class Sms:
    """One message of a request, refused ones (status -2) too; a call or a check of a number as well."""

    row: Accepted
    parts: int
    price: float
    callback: str
    method: str
    created: float
    modified: float
    sender_orig: str = ""  # what was asked for, where the gateway put another sender
    send_at: float = 0.0  # seconds since 1970; 0 = at once
    test: bool = False
    status: int = 0
    error: int = 0
    extra: Mapping[str, str] = field(default_factory=dict)  # what HLRVIP has found out


# --- the answer to `send` ----------------------------------------------------------------------------------


def item(sms: Sms) -> dict[str, Any]:
    """One message in the answer of API-2: ids are strings, the rest numbers (API-2 §1.1, §3.1)."""
    row = sms.row
    is_check = row["service"] in NUMBER_CHECKS
    head: dict[str, Any] = {
        "id": row["id"] if is_check else str(row["id"]),
        "server_id": row["server_id"],
        "from": row["from"],
        "to": row["to"],
        "text": row["text"],
        "parts": sms.parts,
        "price": sms.price,
        "status": sms.status,
        "error": sms.error,
    }
    if sms.error:
        head |= error_words(sms.error)
    head["send_datetime"] = _planned(sms, "" if is_check else NO_TIME)
    head["country"] = COUNTRY
    head["operator"] = OPERATOR
    head["ttl"] = row["ttl"]
    return head


def _planned(sms: Sms, none: str) -> str:
    return print_moment(sms.send_at) if sms.send_at else none


# --- statuses ----------------------------------------------------------------------------------------------


def status_row(sms: Sms) -> dict[str, Any]:
    """One message in the answer of API-2 to `check` (§2.2); that of a test lacks its id (§10)."""
    row = sms.row
    found: dict[str, Any] = {
        "id": "0" if sms.test else str(row["id"]),
        "server_id": row["server_id"],
        "phone": row["to"],
    }
    found["status"], error = state(sms)
    if error:
        found |= {"error": error, **error_words(error)}
    found |= sms.extra
    return {**found, "created": print_moment(sms.created), "modified": print_moment(sms.modified)}


def state(sms: Sms) -> tuple[int, int]:
    """Status and error."""
    if sms.test:
        return TEST_STATUSES[int(sms.row["server_id"]) % len(TEST_STATUSES)]
    return sms.status, sms.error


# --- attributes of API-1 (§1, `fields`) --------------------------------------------------------------------

DEFAULT_FIELDS = ("server_id", "phone", "price", "status")
ERROR_FIELDS = ("error", "error_en", "error_ru")
ALL_FIELDS = (
    *DEFAULT_FIELDS,
    *("sender", "sender_orig", "created", "modified", "parts", "country", "operator"),
    *ERROR_FIELDS,
)
SUBSCRIBER_FIELDS = ("imsi", "msc", "mcc", "mnc", "cn", "net", "gcn", "gnet")
_KNOWN_FIELDS = {*ALL_FIELDS, "message", "send_datetime", *SUBSCRIBER_FIELDS}


def field_list(value: str) -> tuple[str, ...]:
    """The columns that were asked for; () = those of the manual's examples. Raises Refusal 275."""
    if not value:
        return ()
    names = tuple(value.split(","))
    if names == ("all",):
        return ALL_FIELDS
    if not _KNOWN_FIELDS.issuperset(names):
        raise Refusal(275)
    return names


def columns(sms: Sms, names: Iterable[str]) -> dict[str, str]:
    """The attributes of one message, every number a string; what it does not have is ""."""
    attributes = _attributes(sms)
    return {name: attributes.get(name, "") for name in names}


def _attributes(sms: Sms) -> dict[str, str]:
    row = sms.row
    status, error = state(sms)
    return {
        "server_id": row["server_id"],
        "phone": row["to"],
        "price": f"{sms.price:.2f}",
        "status": str(status),
        "sender": row["from"],
        "sender_orig": sms.sender_orig,
        "created": print_moment(sms.created),
        "modified": print_moment(sms.modified),
        "parts": str(sms.parts),
        "country": COUNTRY,
        "operator": OPERATOR,
        "message": row["text"],
        "send_datetime": _planned(sms, NO_TIME),
        **{"error": str(error), "error_en": "", "error_ru": ""},
        **error_words(error),
        **sms.extra,
    }


# --- callbacks ---------------------------------------------------------------------------------------------

_CALLBACK_FIELDS = ("message", "sender", "sender_orig", "created", "modified", "country", "operator")


def callback_fields(sms: Sms) -> dict[str, str]:
    """What a callback carries (API-2 §2.1): more, if the address asks for it; with HLRVIP what it found."""
    fields = {
        "server_id": sms.row["server_id"],
        "phone": sms.row["to"],
        "status": str(sms.status),
        "error": str(sms.error),
        **error_words(sms.error),
    }
    wanted = _wanted_fields(sms.callback)
    return {**fields, **(columns(sms, wanted) if wanted else {}), **sms.extra}


@lru_cache(maxsize=1024)
def _wanted_fields(address: str) -> tuple[str, ...]:
    names = ",".join(parse_qs(urlsplit(address).query).get("fields", [])).split(",")
    return _CALLBACK_FIELDS if "all" in names else tuple(n for n in _CALLBACK_FIELDS if n in names)


# --- HLRVIP ------------------------------------------------------------------------------------------------


def subscriber(phone: str, *, roaming: bool) -> dict[str, str]:
    """What HLRVIP finds out about a number that is served (API-2 §3.3); the manual misprints `msc`."""
    home = {"imsi": f"25020{phone[-10:]}", "msc": "79043490000", "mcc": "250", "mnc": "20"}
    abroad = {"gcn": "Belarus", "gnet": "A1"} if roaming else {"gcn": "", "gnet": ""}
    return {**home, "cn": "Russia", "net": "Tele2", **abroad}
