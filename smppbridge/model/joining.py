"""Rows of long messages that equipment sends in several submit_sm: the parts, and the joined message.

Times are integer milliseconds since 1970, UTC.
"""

from enum import Enum
from typing import NamedTuple

from smppbridge.model.message import Outcome, Segment


class Part(NamedTuple):
    """One part as it is stored. Its `segment` is COLLECTING, and has no text."""

    segment: Segment
    reference: int
    width: int  # of the reference: 8 or 16 bits, 0 = sar_msg_ref_num
    total: int
    number: int  # from 1
    octets: bytes  # user data header (at least its length octet) and text
    due_at: int  # how long to wait for the other parts; counts for the part that comes first


class PartPlace(Enum):
    """What a part is to the message that its reference names."""

    FREE = "a part that was missing"
    AGAIN = "a part that is there already"
    OTHER = "a part of another message, which begins with it"


def place_of(octets: bytes, known: bytes | None) -> PartPlace:
    """``known``: the octets of the part with the same number that is there; None: it is missing.

    Equipment repeats a part whose answer was lost, and uses its references anew after a while."""
    if known is None:
        return PartPlace.FREE
    return PartPlace.AGAIN if octets == known else PartPlace.OTHER


class Collected(NamedTuple):
    """What became of a part that was to be stored."""

    wire_id: str  # its message_id; a part that comes again keeps the message_id that it got first
    ready: bool  # no part is missing any more


class JoinPart(NamedTuple):
    """One part of a message to be joined."""

    id: int
    octets: bytes
    data_coding: int
    registered_delivery: int


class Join(NamedTuple):
    """A message that is to be joined, because all parts are there or the time for them is over."""

    head: int  # message id of the part that came first: this row will carry the whole text
    account: str
    recipient: str
    sender: str
    flash: bool
    not_before: int  # when it is to be sent, 0 = at once
    deadline: int
    missing: int  # parts that never came
    parts: tuple[JoinPart, ...]  # the parts that came, by their number


class Joined(NamedTuple):
    """A message that was joined: what changes in the row of its head."""

    head: int
    missing: int  # as in the Join: if a further part has come since, this result is void
    segments: int  # how many parts were joined
    silent: tuple[int, ...]  # ids of parts that get no receipt of their own, whatever they asked for
    text: str
    flash: bool
    data_coding: int
    route: str
    provider: str
    stage: int  # QUEUED or WAITING
    send_at: int
    due_at: int


class GivenUp(NamedTuple):
    """A message that is not sent, because parts are missing or their content is refused.

    ``outcome`` is the outcome of the head.
    """

    head: int
    missing: int
    segments: int
    silent: tuple[int, ...]
    outcome: Outcome
