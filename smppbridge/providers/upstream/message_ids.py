"""Message ids of an upstream SMSC: many write the same id in one notation in submit_sm_resp and in another in
the receipt."""

import re
from collections.abc import Callable
from typing import NamedTuple

MAX_REFERENCE = 255  # characters; no message has a longer id
_ID_MAX = 65  # octets of a message_id (SMPP 3.4 §4.4.2): what is longer is no number to convert
_DECIMAL = re.compile(r"[0-9]+")
_HEX = re.compile(r"[0-9A-Fa-f]+")
_HEX_OR_DASHES = re.compile(r"[0-9A-Fa-f-]+")


class Reference(NamedTuple):
    """The id of a receipt as `StatusReport` has it: ``ref`` is its provider_ref."""

    ref: str
    also: tuple[str, ...] = ()


def stored_id(rule: str, message_id: str) -> str:
    """The form in which the id of a submit_sm_resp is stored; ``rule``: SmppOptions.message_id.

    1. "hex" and "decimal": a number in that notation is stored in decimal without leading zeros.
    2. "auto": an id of hexadecimal digits is stored in small letters without leading zeros.
    3. Any other id is stored as it came, without blanks and NULs around it.
    4. An id of more than 255 characters counts as none: "".
    """
    message_id = trimmed(message_id)
    if len(message_id) > MAX_REFERENCE:
        return ""
    if rule == "hex":
        return _from_hex(message_id) or message_id
    if rule == "decimal":
        return _from_decimal(message_id) or message_id
    return _canonical(message_id) if rule == "auto" else message_id


def receipt_reference(rule: str, message_id: str) -> Reference:
    """The id of a receipt in the form of stored ids.

    1. "hex" and "decimal": the receipt has the other one of these notations.
    2. "as-is": the receipt has the same notation.
    3. "auto": the notation is unknown, so each possible reading counts.
    """
    message_id = trimmed(message_id)
    if rule in {"hex", "decimal"}:
        number = _from_decimal(message_id) if rule == "hex" else _from_hex(message_id)
        return Reference("", (number,)) if number else Reference(message_id)
    if rule == "as-is":
        return Reference(message_id)
    ref = _canonical(message_id)
    # Answers in hexadecimal with receipts in decimal are by far the more frequent mixture.
    others = (_to_hex(ref), _from_hex(ref))
    return Reference(ref, tuple(other for other in others if other and other != ref))


def trimmed(message_id: str) -> str:
    """The id without blanks and NULs around it."""
    return message_id.strip(" \t\r\n\0")


def _canonical(message_id: str) -> str:
    if len(message_id) > _ID_MAX or not _HEX_OR_DASHES.fullmatch(message_id):
        return message_id
    return message_id.lower().lstrip("0") or "0"


def _from_hex(digits: str) -> str:
    return _converted(digits, _HEX, lambda: str(int(digits, 16)))


def _from_decimal(digits: str) -> str:
    return _converted(digits, _DECIMAL, lambda: str(int(digits)))


def _to_hex(digits: str) -> str:
    return _converted(digits, _DECIMAL, lambda: f"{int(digits):x}")


def _converted(digits: str, pattern: re.Pattern[str], convert: Callable[[], str]) -> str:
    """The converted number; "" when ``digits`` are no number in the notation of ``pattern``."""
    return convert() if len(digits) <= _ID_MAX and pattern.fullmatch(digits) else ""
