"""smspilot API-2 in JSON: requests as octets, answers as plain records.

Answers are read as leniently as the manual prints them: ids and codes as strings or numbers, fields missing,
JSON slightly broken. Must not know: what a code means, how octets travel.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from smppbridge.model.message import Message
from smppbridge.providers.lenient import parse_lenient

CONTENT_TYPE = "application/json; charset=utf-8"
MAX_TTL_MINUTES = 1440  # API-2 §1: 1..1440

_INTEGER = re.compile(r"-?[0-9]{1,20}")
_FAILURE = re.compile(r'\s*\{\s*"error"\s*:\s*\{.{0,2000}?"code"\s*:\s*"?([0-9]{1,6})\b', re.DOTALL)


class Item(NamedTuple):
    """What an answer says about one message; None or "" where it says nothing that can be read."""

    id: int | None  # ours, echoed; None also for the 0 that stands for "no id"
    ref: str  # server_id
    phone: str
    status: int | None
    error: int
    words: str  # error_en


class Failure(NamedTuple):
    """An error envelope: nothing of the request was carried out."""

    code: int
    reason: str


class Answer(NamedTuple):
    """One answer of any kind; what the kind does not have is empty."""

    failure: Failure | None = None
    packet: str = ""
    balance: float | None = None
    items: tuple[Item, ...] = ()


def encode_send(
    apikey: str, messages: Sequence[Message], *, sender: str, callback_url: str | None, now: int
) -> bytes:
    """Messages to different recipients, all from ``sender`` ("" = the account's default)."""
    packet: dict[str, object] = {"apikey": apikey}
    if sender:
        packet["from"] = sender
    if callback_url:
        packet["callback"] = callback_url
        packet["callback_method"] = "post"
    packet["send"] = [_encode_message(message, now) for message in messages]
    return _encode(packet)


def _encode_message(message: Message, now: int) -> dict[str, object]:
    item: dict[str, object] = {"id": message.id, "to": message.recipient, "text": message.text}
    minutes = max(1, math.ceil((message.deadline - now) / 60_000))
    if minutes < MAX_TTL_MINUTES:  # without ttl a message lives for the whole day anyway
        item["ttl"] = minutes
    return item


def encode_check(apikey: str, refs: Sequence[str]) -> bytes:
    """The status question for server_ids; never empty (an empty list counts as flood)."""
    return _encode({"apikey": apikey, "check": [{"server_id": ref} for ref in refs]})


def encode_balance(apikey: str) -> bytes:
    """The question for the balance in roubles (``rur``; the manual also misspells it)."""
    return _encode({"apikey": apikey, "balance": "rur"})


def _encode(value: Mapping[str, object]) -> bytes:
    # A lone surrogate has no UTF-8 form; one of them must not spoil the whole packet.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def decode(body: bytes) -> Answer:
    """Read an answer. Raises ValueError when it is not one of API-2's."""
    text = body.decode("utf-8-sig", "replace")
    try:
        value = parse_lenient(text)
    except ValueError:
        # Refusals matter most and are printed worst: their code alone is enough.
        found = _FAILURE.match(text)
        if found is None:
            raise
        return Answer(failure=Failure(int(found[1]), ""))
    if not isinstance(value, dict):
        raise ValueError("not an object")
    if isinstance(value.get("error"), dict):
        return Answer(failure=_failure(value["error"]))
    items = value.get("send", value.get("check"))
    balance = _number(value.get("balance"))
    if not isinstance(items, list):
        if balance is None:
            raise ValueError("neither messages nor a balance")
        items = []
    return Answer(None, _text(value.get("server_packet_id")), balance, tuple(map(_item, items)))


def _failure(error: Mapping[str, object]) -> Failure:
    code = integer(error.get("code"))
    if code is None or code <= 0:
        raise ValueError("an error without a code")
    words = (_text(error.get(key)) for key in ("description", "status_ru"))
    return Failure(code, ", ".join(filter(None, words)))


def _item(value: object) -> Item:
    row: Mapping[str, object] = value if isinstance(value, dict) else {}
    return Item(
        id=integer(row.get("id")) or None,
        ref=server_id(row.get("server_id")),
        phone=_text(row.get("phone", row.get("to"))),
        status=integer(row.get("status")),
        error=integer(row.get("error")) or 0,
        words=_text(row.get("error_en")),
    )


def server_id(value: object) -> str:
    """A server_id in its one spelling, "" for 0 (a refused message) and for what is none."""
    number = integer(value)
    return str(number) if number is not None and number > 0 else ""


def integer(value: object) -> int | None:
    """A whole number, also when it comes as a string or as 1.0."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if abs(value) < 10**20 else None
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else None
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
