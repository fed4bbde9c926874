"""What a session tells its owner. Must not know: how the session came to it.

Not frozen, because Received and Answered are made once per message.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from smppbridge.smpp.pdu import Pdu


class FaultKind(StrEnum):
    """The closed set of protocol errors; each word is a metric label."""

    FRAMING = "framing"  # command_length impossible: the connection ends
    MALFORMED = "malformed"  # a request whose body cannot be read
    UNKNOWN_COMMAND = "unknown_command"
    WRONG_STATE = "wrong_state"  # a request that may not be sent now, or not by this side
    UNMATCHED = "unmatched"  # a response to nothing: late, doubled, or of the wrong kind
    GENERIC_NACK = "generic_nack"  # the peer could not read something of ours, and does not say what


class CloseReason(StrEnum):
    """Why a session is over."""

    FRAMING = "framing"
    BIND_TIMEOUT = "bind_timeout"
    ENQUIRE_LINK_TIMEOUT = "enquire_link_timeout"
    RESPONSE_TIMEOUT = "response_timeout"  # our bind was not answered
    INACTIVITY = "inactivity"
    UNBOUND = "unbound"


@dataclass(slots=True)
class Received:
    """A request that the application must answer; outbind and alert_notification have no answer."""

    pdu: Pdu


@dataclass(slots=True)
class Answered:
    """The response (or generic_nack) to a request of ours; `response.command_status` says how it went."""

    request: Pdu
    response: Pdu
    context: Any


@dataclass(slots=True)
class Unanswered:
    """No response came in time, or none will come. The peer may have acted all the same. ``at``: when the
    request went out."""

    request: Pdu
    context: Any
    at: float = 0.0


@dataclass(slots=True)
class Fault:
    """The peer broke the protocol; the answer that SMPP wants, if any, is already in the output."""

    kind: FaultKind
    detail: str
    command_id: int  # of the offending PDU; 0 where it could not be read


@dataclass(slots=True)
class Unbound:
    """The peer said unbind, and unbind_resp is in the output: answer what it has asked, then close."""


@dataclass(slots=True)
class Closing:
    """The session is over: write what `drain()` gives, then close the transport."""

    reason: CloseReason


Event = Received | Answered | Unanswered | Fault | Unbound | Closing
