"""Rows of long messages that equipment cut into several submit_sm: on their way in, and once they are joined.

Must not know: SQL, sockets, what the parts say. Times are integer milliseconds since 1970, UTC.
"""

from typing import NamedTuple

from smppbridge.model.message import Outcome, Segment


class Part(NamedTuple):
    """One part, as it is stored: `segment` has its id, its addresses and no text, and is COLLECTING."""

    segment: Segment
    reference: int
    width: int  # of the reference: 8 or 16 bits, 0 = sar_msg_ref_num
    total: int
    number: int  # from 1
    octets: bytes  # user data header (at least its length octet) and text
    due_at: int  # until when the other parts are waited for, where this is the first one


class Collected(NamedTuple):
    """What became of a part that was stored."""

    wire_id: str  # its message_id; of a part that came before, the one that it got then
    ready: bool  # it was the last one that was missing


class JoinPart(NamedTuple):
    """One part of a message to be joined."""

    id: int
    octets: bytes
    data_coding: int
    registered_delivery: int


class Join(NamedTuple):
    """A message whose parts are all there, or are waited for no longer."""

    head: int  # message id of the part that came first: it will carry the text
    account: str
    recipient: str
    sender: str
    flash: bool
    not_before: int  # when it is to be sent, 0 = at once
    deadline: int
    missing: int  # parts that never came
    parts: tuple[JoinPart, ...]  # those that did, in order


class Joined(NamedTuple):
    """A message that was joined: what changes in its head."""

    head: int
    missing: int  # as it was taken: with another part it is another message
    segments: int  # parts that it was joined of
    silent: tuple[int, ...]  # ids of parts that owe no receipt of their own, whatever they asked for
    text: str
    flash: bool
    data_coding: int
    route: str
    provider: str
    stage: int  # QUEUED or WAITING
    send_at: int
    due_at: int


class GivenUp(NamedTuple):
    """A message that is not sent, because of missing parts or of what they say; ``outcome`` of its head."""

    head: int
    missing: int
    segments: int
    silent: tuple[int, ...]
    outcome: Outcome
