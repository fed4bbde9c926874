"""The events of a session.

They are not frozen, because Received and Answered are made for each message, and frozen ones take longer.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from smppbridge.smpp.pdu import Pdu


class FaultKind(StrEnum):
    """Kinds of protocol errors. The words are labels of a metric."""

    FRAMING = "framing"  # an impossible command_length: the connection ends
    MALFORMED = "malformed"  # the body of a request cannot be read
    UNKNOWN_COMMAND = "unknown_command"
    BEFORE_BIND = "before_bind"  # more than a peer may send before it binds: the connection ends
    WRONG_STATE = "wrong_state"  # a request that may not be sent in this state, or not by the peer's role
    UNMATCHED = "unmatched"  # a response without a request: late, doubled, or of the wrong kind
    GENERIC_NACK = "generic_nack"  # a generic_nack that belongs to no request of ours


class CloseReason(StrEnum):
    """Why a session is over."""

    FRAMING = "framing"  # or too much before the bind
    BIND_TIMEOUT = "bind_timeout"
    ENQUIRE_LINK_TIMEOUT = "enquire_link_timeout"
    RESPONSE_TIMEOUT = "response_timeout"  # our bind was not answered
    INACTIVITY = "inactivity"
    UNBOUND = "unbound"


@dataclass(slots=True)
class Received:
    """A request that the application must answer, or an outbind or alert_notification."""

    pdu: Pdu


@dataclass(slots=True)
class Answered:
    """The response, or generic_nack, to a request of ours."""

    request: Pdu
    response: Pdu
    context: Any


@dataclass(slots=True)
class Unanswered:
    """A request of ours got no response in time, or can get none any more. The peer may have acted on it."""

    request: Pdu
    context: Any
    at: float = 0.0  # when the request was sent


@dataclass(slots=True)
class Fault:
    """The peer broke the protocol. The answer, if SMPP wants one, is in the output already."""

    kind: FaultKind
    detail: str
    command_id: int  # of the wrong PDU; 0 where it could not be read


@dataclass(slots=True)
class Unbound:
    """The peer sent unbind. unbind_resp is in the output: answer open requests, then close."""


@dataclass(slots=True)
class Closing:
    """The session is over: write what `drain()` gives, then close the transport."""

    reason: CloseReason


Event = Received | Answered | Unanswered | Fault | Unbound | Closing
