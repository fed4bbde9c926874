"""What "Relay", the imaginary provider of this simulator, takes and says: shapes, codes, keys."""

import hashlib
import hmac
import json
import re
from typing import Any

MAX_MESSAGES = 100
WRONG_TOKEN, ACCOUNT_BLOCKED, MAINTENANCE, NO_MONEY = 1001, 1002, 1003, 1004
MALFORMED, BAD_RECIPIENT, BAD_TEXT, BAD_SENDER = 1101, 1102, 1103, 1104
BLACK_LIST, NOT_AT_NIGHT, OPERATOR_DOWN = 1201, 1202, 1203
NOT_FOUND = 1404
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_SENDER = re.compile(r"[A-Za-z0-9]{3,11}")
_HEX = re.compile(r"(?:[0-9A-F]{2})*")


class Refused(Exception):
    """A request, or one message of it, that is not carried out."""

    def __init__(self, code: int, status: int = 400) -> None:
        super().__init__(str(code))
        self.code = code
        self.status = status

    def as_json(self) -> dict[str, Any]:
        """As answers have it."""
        return {"code": self.code, "message": f"refused with {self.code}"}


def strict_object(
    value: object, required: dict[str, type], optional: dict[str, type] | None = None
) -> list[Any]:
    """The required values of an object that has no others than these; all but booleans as the type says."""
    known = {**required, **(optional or {})}
    if not isinstance(value, dict) or not set(required) <= set(value) <= set(known):
        raise Refused(MALFORMED)
    for name, one in value.items():
        if not isinstance(one, known[name]) or isinstance(one, bool):
            raise Refused(MALFORMED)
    return [value[name] for name in required]


def _json(body: bytes) -> Any:
    try:
        return json.loads(body.decode())
    except ValueError:
        raise Refused(MALFORMED) from None


def messages_of(body: bytes) -> dict[str, Any]:
    """A packet of text messages, every rule of it kept."""
    packet: dict[str, Any] = _json(body)
    (rows,) = strict_object(packet, {"messages": list}, {"sender": str, "callback": str})
    if not 1 <= len(rows) <= MAX_MESSAGES:
        raise Refused(MALFORMED)
    if not _SENDER.fullmatch(packet.get("sender", "RELAY")):
        raise Refused(BAD_SENDER)
    for row in rows:
        to, text, ref, ttl = strict_object(row, {"to": str, "text": str, "ref": str, "ttl": int})
        if not _PHONE.fullmatch(to):
            raise Refused(BAD_RECIPIENT)
        if not text:
            raise Refused(BAD_TEXT)
        if not ref or not 1 <= ttl <= 1440:
            raise Refused(MALFORMED)
    if len({row["to"] for row in rows}) < len(rows) or len({row["ref"] for row in rows}) < len(rows):
        raise Refused(BAD_RECIPIENT)
    return packet


def binary_of(body: bytes) -> dict[str, Any]:
    """A binary message."""
    row: dict[str, Any] = _json(body)
    to, data, _ = strict_object(row, {"to": str, "data": str, "ref": str}, {"udh": str, "sender": str})
    if not _PHONE.fullmatch(to):
        raise Refused(BAD_RECIPIENT)
    if not _HEX.fullmatch(data) or not _HEX.fullmatch(row.get("udh", "")):
        raise Refused(MALFORMED)
    return row


def callback_headers(key: str, body: bytes, moment: int) -> dict[str, str]:
    """How Relay signs: HMAC-SHA256 of the Unix time, a dot and the body."""
    digest = hmac.new(key.encode(), str(moment).encode() + b"." + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-Relay-Time": str(moment),
        "X-Relay-Signature": f"sha256={digest}",
    }
