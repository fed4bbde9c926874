"""What smsc.ru posts to us: statuses and messages from phones, signed where a secret is set.

The callback address at smsc.ru chooses the charset (windows-1251 unless it says ``charset=utf-8``), the form
(``fmt=2`` XML, ``fmt=3`` JSON, else a form) and the signature (``md5``, ``sha1`` or ``crc32``), which is made
of the octets in that charset. Only the kind that the operator chose is taken: whoever has seen a few CRCs can
write one. Calls for confirmation (``waitcall``) are not understood: nothing here asks for them.
"""

import hashlib
import hmac
import time
import zlib
from collections.abc import Mapping
from typing import NamedTuple

from smppbridge.errors import WrongSignature
from smppbridge.model.message import Inbound
from smppbridge.providers.base import Callback
from smppbridge.providers.smsc_ru import wire


class Told(NamedTuple):
    """A status as a callback tells it."""

    ref: str
    phone: str  # digits
    status: int
    err: int
    fields: Mapping[str, str]


def parse(callback: Callback, secret: str, kind: str = "md5") -> Told | Inbound | None:
    """A status, or a message from a phone; None for a message that did not come from a telephone number.

    ``secret``: signs callbacks in the way ``kind``; "" = they are not signed. Raises ValueError for anything
    else (a call for confirmation, too), and WrongSignature.
    """
    fields = _fields(callback)
    if "mes" in fields:
        _verify(fields, ("phone", "mes", "to"), secret, kind, callback.charset)
        return inbound_of(fields, text=fields["mes"], destination=fields.get("to", ""))
    if "waitcall" in fields:
        raise ValueError("a smsc.ru call for confirmation: nothing here asks for such calls")
    ref, phone = fields.get("id", ""), fields.get("phone", "")
    status = wire.integer_of(fields.get("status"))
    if not ref or not phone or status is None:
        raise ValueError("not a smsc.ru status: id, phone or status is missing")
    _verify(fields, ("id", "phone", "status"), secret, kind, callback.charset)
    return Told(ref, phone.removeprefix("+"), status, wire.integer_of(fields.get("err")) or 0, fields)


def inbound_of(fields: Mapping[str, str], *, text: str, destination: str) -> Inbound | None:
    """A message from a phone, told by a callback or by a list; None without the number of a phone.

    The same message may come both ways, and more than once. No manual says that a callback has an ``id``, or
    that it is the one of the list. So the reference is made of what both have: sender, recipient, text, and
    the minute (seconds may differ). The price: a text written twice in a minute is one message.
    """
    source = fields.get("phone", "").removeprefix("+")
    if not (source.isascii() and source.isdigit()):
        return None
    seconds = wire.integer_of(fields.get("ts"))
    clock = (wire.moment_of(fields.get(name, "")) for name in ("received", "time", "sent"))
    at = next((moment for moment in clock if moment is not None), None)
    if seconds is not None and 0 < seconds < 10**11:
        at = seconds * 1000
    destination = destination.removeprefix("+")
    # Never our own clock: a callback that is repeated must keep its reference.
    minute = fields.get("id", "") if at is None else str(at // 60_000)
    ref = _digest("\n".join((source, destination, minute, text)))
    return Inbound(ref, source, destination, text, time.time_ns() // 1_000_000 if at is None else at)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _fields(callback: Callback) -> dict[str, str]:
    """The fields of a callback however they came; the address's own parameters are among them."""
    body = callback.text.lstrip("\ufeff \t\r\n")
    if not callback.form and body[:1] in ("{", "<"):
        return {**callback.query, **wire.decode_fields(body)}
    return {**callback.query, **callback.form}


# --- signatures ------------------------------------------------------------------------------------


def _verify(fields: Mapping[str, str], names: tuple[str, ...], secret: str, kind: str, charset: str) -> None:
    """The signature of this ``kind`` must be there and right; others are not looked at.

    Raises WrongSignature. What is signed are the fields ``names`` and the secret, joined by colons.
    """
    if not secret:
        return
    signed = ":".join((*(fields.get(name, "") for name in names), secret)).encode(charset, "replace")
    if not _is_one_of(fields.get(kind, "").strip().lower(), _EXPECTED[kind](signed)):
        raise WrongSignature("the callback is not signed with callback_secret")


def _is_one_of(given: str, expected: tuple[str, ...]) -> bool:
    matches = [hmac.compare_digest(given.encode("utf-8", "replace"), one.encode("ascii")) for one in expected]
    return any(matches)


def _crc32(signed: bytes) -> tuple[str, ...]:
    """The manual does not say how the checksum is printed: unsigned, signed or hexadecimal, in PHP's ways."""
    value = zlib.crc32(signed)
    return str(value), str(value - 2**32 if value >= 2**31 else value), f"{value:x}", f"{value:08x}"


_EXPECTED = {
    "md5": lambda signed: (hashlib.md5(signed, usedforsecurity=False).hexdigest(),),
    "sha1": lambda signed: (hashlib.sha1(signed, usedforsecurity=False).hexdigest(),),
    "crc32": _crc32,
}
