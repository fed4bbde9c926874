"""The fields that templates of `kind: webhook` may name, and their values."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from smppbridge.model.message import Doubt, Message, Poll
from smppbridge.smpp.gsm import encode_gsm
from smppbridge.smpp.text import parts

SECRET = "secret."
HEADER = "header."
REFS_SEPARATOR = ","


class SendingContext(NamedTuple):
    """A message and what else its request may tell."""

    message: Message
    sender: str
    now: int  # ms
    validity_max: float  # seconds
    callback_url: str


def _seconds_left(sending: SendingContext) -> int:
    begin = max(sending.now, sending.message.send_at)
    left = -(-(sending.message.deadline - begin) // 1000)
    return max(1, min(left, int(sending.validity_max)))


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if ms else ""


def _send_at(sending: SendingContext) -> int:
    """When the provider is to send it, ms; 0 = at once."""
    return sending.message.send_at if sending.message.send_at > sending.now else 0


def _deadline(sending: SendingContext) -> int:
    return max(sending.now, sending.message.send_at) + _seconds_left(sending) * 1000


def _header_length(octets: bytes) -> int:
    return 1 + octets[0] if octets and octets[0] else 0


def _udh(message: Message) -> bytes:
    octets = message.octets or b""
    return octets[: _header_length(octets)]


def _data(message: Message) -> bytes:
    octets = message.octets or b""
    return octets[max(1, _header_length(octets)) :]


MESSAGE_FIELDS: dict[str, Callable[[SendingContext], str]] = {
    "text": lambda s: s.message.text,
    "text_utf16_hex": lambda s: s.message.text.encode("utf-16-be").hex().upper(),
    "udh_hex": lambda s: _udh(s.message).hex().upper(),  # with its length octet; "" = none
    "data_hex": lambda s: _data(s.message).hex().upper(),  # binary content without the UDH
    "recipient": lambda s: s.message.recipient,  # digits
    "plus": lambda s: f"+{s.message.recipient}",
    "sender": lambda s: s.sender,
    "id": lambda s: str(s.message.id),  # the same at every attempt
    "attempt": lambda s: str(s.message.attempt),
    "parts": lambda s: str(parts(s.message.text)),
    "unicode": lambda s: "unicode" if encode_gsm(s.message.text) is None else "",
    "flash": lambda s: "1" if s.message.flash else "",
    "priority": lambda s: str(s.message.priority),
    "ttl_seconds": lambda s: str(_seconds_left(s)),
    "ttl_minutes": lambda s: str(-(-_seconds_left(s) // 60)),
    "deadline_unix": lambda s: str(_deadline(s) // 1000),
    "deadline_iso": lambda s: _iso(_deadline(s)),
    "send_at_unix": lambda s: str(_send_at(s) // 1000 or ""),
    "send_at_iso": lambda s: _iso(_send_at(s)),
    "callback_url": lambda s: s.callback_url,
}
"""In `send`. Numbers are whole, times UTC, rounded up."""

SCHEDULE_FIELDS = frozenset({"send_at_unix", "send_at_iso"})
BINARY_FIELDS = frozenset({"udh_hex", "data_hex"})
NUMBER_FIELDS = frozenset(
    {"id", "attempt", "parts", "priority", "recipient", "ttl_seconds", "ttl_minutes"}
    | {"deadline_unix", "send_at_unix"}
)
BOOL_FIELDS = frozenset({"flash", "unicode"})

STATUS_FIELDS = frozenset({"ref", "refs", "packet", "recipient"})
FIND_FIELDS = frozenset({"id", "recipient", "sender"})
SIGNATURE_FIELDS = frozenset({"url", "body", "form_sorted"})


def poll_fields(poll: Poll) -> dict[str, str]:
    """Those of a question about one message."""
    return {"ref": poll.provider_ref, "packet": poll.packet_ref, "recipient": poll.recipient}


def doubt_fields(doubt: Doubt) -> dict[str, str]:
    """Those of a question what became of a message."""
    return {"id": str(doubt.id), "recipient": doubt.recipient, "sender": doubt.sender}


def lookup_in(values: Mapping[str, str], secrets: Mapping[str, str]) -> Callable[[str], str]:
    """Finds fields in ``values``, and secrets."""
    return lambda name: (
        secrets[name.removeprefix(SECRET)] if name.startswith(SECRET) else values.get(name, "")
    )


def lookup_of(sending: SendingContext, secrets: Mapping[str, str]) -> Callable[[str], str]:
    """Finds the fields of a message, and secrets."""
    return lambda name: (
        secrets[name.removeprefix(SECRET)] if name.startswith(SECRET) else MESSAGE_FIELDS[name](sending)
    )
