"""What the verbs of a store give back."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from smppbridge.model.message import (
    Inbound,
    InboundPart,
    Particulars,
    Settled,
)

# Marks whose values are times (ms): at which the bridge ran, and `flow.wall_clock.WallClock.certain_from`.
CLOCK, CERTAIN_FROM = "clock", "clock certain from"


class Backlog(NamedTuple):
    """What was there at the start: whom to wake."""

    queued: frozenset[tuple[str, str]]  # (provider, account) with QUEUED messages
    providers: frozenset[str]  # every provider that a message not yet FINAL waits for
    last_id: int  # the highest message id in the store, 0 when empty
    inbound: frozenset[str]  # accounts that are owed messages from phones
    latest: int  # the latest time (ms) known: the newest message's, or the mark CLOCK; 0 when empty


class Files(NamedTuple):
    """What a store that is a file takes on its disk."""

    log_octets: int = 0  # of the write-ahead log
    log_held_up: float = 0.0  # seconds for which somebody who reads has kept the log from beginning anew
    disk_free: int = 0  # octets


class Gauges(NamedTuple):
    """Counts of the queues, and the times (ms) of their oldest entries, for metrics."""

    # provider -> messages WAITING or QUEUED; submitted_at of the oldest that is QUEUED or WAITING for at most
    # 10 minutes, the time of the count where there is none
    queued: dict[str, tuple[int, int]]
    uncertain: dict[str, int]  # provider -> messages UNCERTAIN
    owed: dict[str, tuple[int, int]]  # account -> receipts owed, oldest "at"
    inbound: dict[str, int]  # account -> parts of messages from phones owed
    collecting: dict[str, int]  # account -> parts of long messages that wait for the others
    # provider -> statuses that have waited a minute for a message with their reference, of the oldest 10,000
    unknown: dict[str, int]
    files: Files = Files()


class Settlement(NamedTuple):
    """What a batch of statuses did."""

    settled: list[Settled]  # became final now
    # Accounts that are owed something besides receipts for `settled`: notifications, and receipts for parts.
    notified: frozenset[str]
    late: int  # statuses that contradict a final state: ignored
    alerted: frozenset[str] = frozenset()  # accounts that are owed an alert by it
    refused: tuple[tuple[str, str], ...] = ()  # code and reason of each message that did not arrive
    spent: Mapping[str, int] = MappingProxyType({})  # currency -> millionths: prices that were told now
    # Senders of messages that ended: the one asked for, and the one that the phone shows.
    replaced: tuple[tuple[str, str], ...] = ()


class Recorded(NamedTuple):
    """What one `record` did."""

    settlement: Settlement  # by statuses that had waited for what was sent; `notified` by all of it
    settled: list[Settled]  # became final by outcomes
    sent: Mapping[str, int] = MappingProxyType({})  # account -> messages that became SENT


class Cancelled(NamedTuple):
    """What a cancellation did."""

    found: int  # messages that were named
    ids: list[int]  # of these, the messages that are cancelled now
    settlement: Settlement  # what their ends did


class Kept(NamedTuple):
    """A message that got new content in place of a new message."""

    id: int
    wire_id: str


class Made(NamedTuple):
    """What one `join` did."""

    heads: frozenset[int]  # of the messages that were joined, or given up
    settlement: Settlement  # by the outcomes of messages that were given up


class Attempt(NamedTuple):
    """A hand-over to a provider that failed, or why a message that was handed over did not arrive."""

    number: int
    provider: str
    result: str  # "unavailable", "uncertain" ..., or the word of the final state: "rejected" ...
    code: str
    reason: str
    at: int


class Story(NamedTuple):
    """What is kept of a message for people."""

    provider: str
    state: int
    code: str
    told: Particulars  # without its sender
    attempts: list[Attempt]  # in order


class Arrival(NamedTuple):
    """A message from a phone, and the deliver_sm by which its accounts get it (their ``id`` is not used)."""

    provider: str
    message: Inbound
    parts: Sequence[InboundPart]


class Rerouted(NamedTuple):
    """What one look at the queue of a paused provider did."""

    accounts: frozenset[str]  # whose messages moved
    moved: int  # how many messages
    last: int  # the last id looked at, to go on after; 0 when the end was reached


class Reached(NamedTuple):
    """How far `Housekeeping.hasten` has come."""

    stage: int = 0
    due_at: int = 0
    id: int = 0


HASTENED = Reached(-1)
"""It has come to the end."""
