"""What the flow asks of a provider. One file per provider implements it.

A provider turns a batch of messages into as few requests as its API allows, and its answers into our
errors and states.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

from smppbridge.errors import ProviderError
from smppbridge.model.message import UNTOLD, Doubt, Draft, Inbound, Message, Particulars, Poll, StatusReport


class Taken(NamedTuple):
    """The provider took a message under ``ref`` (unique within the provider); ``packet``: its request id.

    ``parts``: the references of further parts of the same message, where each has a status of its own.
    """

    ref: str
    packet: str = ""
    parts: tuple[str, ...] = ()
    told: Particulars = UNTOLD


SendResult = Taken | ProviderError
"""One per message, in the order of the batch."""

News = StatusReport | Inbound
"""What a callback may tell."""


class Upcalls:
    """What a provider calls that speaks first (the sandbox, an SMPP link). Here nobody listens."""

    async def report(self, news: Sequence[News]) -> None:
        """Tell statuses and messages from phones; returns after COMMIT. Raises StoreError when nothing was
        saved: it has to be told again."""

    def linked(self, why: str) -> None:
        """The provider can be reached (""), or cannot for the time being, for this reason."""

    def binds(self, count: int) -> None:
        """So many binds are up."""

    def tried(self, status: str) -> None:
        """A bind was tried; ``status`` is the name of the answer."""

    def unreadable(self) -> None:
        """Something came that makes no sense."""


class Trace(NamedTuple):
    """What a provider knows about a message in doubt. ``id`` is ours.

    ``refs``: the provider's messages that are this one, the likeliest first, unless another of ours owns
    them. ``unlikely``: its messages that could be this one, although their time speaks against it.
    ``complete``: the list that was searched cannot lack the message. Then, without any reference, the
    provider certainly does not have it. Otherwise (the list was cut) nothing follows from silence.
    """

    id: int
    refs: tuple[str, ...] = ()
    complete: bool = True
    unlikely: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """Rules of conduct of one provider entry, which `flow.health.send_policy` keeps. Seconds, messages,
    requests."""

    batch: int  # messages in one call of send()
    parallel: int  # calls of send() at once
    unproven: int = 1  # calls, of one message each, without an answer before the first message is taken
    rate: float = 0.0  # messages per second, 0 = no limit
    batch_wait: float = 0.0  # how long to wait for a batch to fill
    poll_first: float = 300.0  # from accepted to the first status question
    # Ages at which it may be asked about a few messages before `poll_first`, ascending; () = it may not.
    poll_early: tuple[float, ...] = ()
    poll_interval: float = 300.0  # until the same message is asked about again, at least; 0 = never ask
    poll_slowest: float = 0.0  # and at most: in between, as long as the message is under way
    poll_gap: float = 0.0  # between two status questions of the whole entry
    poll_batch: int = 500  # messages in one status question
    poll_max_age: float = 70 * 86400.0  # older messages are not asked about
    find_first: float = 60.0  # from a doubt to the first question about it
    find_interval: float = 0.0  # between two questions about the same doubt; 0 = it cannot be asked
    find_batch: int = 100  # messages in one call of find()
    inbound_interval: float = 0.0  # between two questions for messages from phones; 0 = never ask
    balance_interval: float = 600.0  # between two looks at the balance; 0 = none
    low_balance: float = 0.0  # below this a person is told
    leave_when_low: bool = False  # and messages with another provider in their route go there
    same_text_gap: float = 0.0  # between two equal texts to one number
    flood_count: int = 0  # so many messages to one number with gaps below flood_gap, then a pause; 0 = any
    flood_gap: float = 60.0
    refusals_in_row: int = 0  # so many refused messages in a row within refusals_window, then a pause
    refusals_window: float = 600.0
    validity_max: float = 86400.0  # the provider gives up by itself after this
    lease: float = 120.0  # send() certainly returned after this


@dataclass(frozen=True, slots=True)
class Callback:
    """An HTTP request of the provider to us, its token already checked. Values are decoded text."""

    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    form: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    charset: str = "utf-8"  # the one that the values were decoded from, and in which the body is

    @property
    def text(self) -> str:
        """The body."""
        return self.body.decode(self.charset, "replace")


class Progress(Protocol):
    """A hand-over whose results come one by one."""

    @property
    def done(self) -> bool:
        """Whether all results were told."""

    @property
    def holding(self) -> bool:
        """Whether some of the messages have not begun their way: no other hand-over takes its place yet."""

    @property
    def began(self) -> float:
        """When the messages whose results `more` told last began their way (loop's clock): the last of those
        that say that the provider works, if there are any, else the last of all; 0 where that is unknown."""

    async def more(self) -> Sequence[tuple[int, SendResult]]:
        """The next results, with the places of their messages in the batch; perhaps none. Returns when
        there are some, or when `holding` or `done` changed."""


class Provider(Protocol):
    """A way to send messages."""

    name: str
    limits: Limits
    services: frozenset[str]  # service_types that it sells besides SMS: keys of model.services.SERVICES
    takes_parts: bool  # texts with a user data header, and those for a port, go there as they are
    takes_protocol_id: bool  # texts go there with the protocol_id of the submit_sm
    last_balance: float | None  # money left as the last answer told, None where that is unknown
    codes: frozenset[str]  # codes of its refusals that become labels of a metric; others are counted together

    async def start(self, upcalls: Upcalls) -> None:
        """Open what sending needs. Called once, before any other call, inside the running loop."""

    def stop(self) -> None:
        """Begin no further request: what a send() under way has not sent yet becomes Unavailable.

        Called at shutdown, before close().
        """

    async def close(self) -> None:
        """Close it. Called after the last send() has returned."""

    def check(self, draft: Draft) -> None:
        """Raise Refused when this message can never be sent here. Cheap: called for every submit_sm.

        ``draft.service_type`` is "" or one of `services`; its text and address are checked already.
        ``draft.text`` is None where only a part of a long message is there: the joined text comes here later.
        """

    def schedules(self, send_at: int, now: int) -> bool:
        """Whether the provider itself is to keep a message until ``send_at`` (ms); else it is kept here."""

    async def send(self, messages: Sequence[Message], now: int) -> Sequence[SendResult]:
        """Hand over a batch; one result per message, in order. Raising a ProviderError is the same as that
        error for each message. ``now`` in milliseconds."""

    async def status(self, polls: Sequence[Poll]) -> Sequence[StatusReport]:
        """Ask for statuses. Messages that the provider does not know are left out. Raises ProviderError."""

    async def find(self, doubts: Sequence[Doubt], now: int) -> Sequence[Trace]:
        """Ask what became of messages whose hand-over ended without a clear answer. Doubts left out count
        as not complete. Called only where limits.find_interval > 0. Raises ProviderError."""

    async def inbound(self, since: int | None) -> Sequence[Inbound]:
        """Messages from phones since ``since`` (ms). None asks for what is new since the last call,
        whose messages are saved by now. The same message may be returned again.

        Called only where limits.inbound_interval > 0. Raises ProviderError.
        """

    def parse_callback(self, callback: Callback) -> Sequence[News]:
        """Statuses and messages pushed to us. Raises ValueError when it is not one of this provider's
        callbacks, WrongSignature when it may be somebody else's."""

    async def balance(self) -> float | None:
        """Money left, in the provider's currency; None where it has no such call. Raises ProviderError."""


@runtime_checkable
class Stream(Protocol):
    """A provider whose answers come message by message: none must wait for the slowest of its batch."""

    def begin(self, messages: Sequence[Message], now: int) -> Progress:
        """Like `Provider.send`, but returns at once. Never raises a ProviderError."""


@runtime_checkable
class LimitKeeper(Protocol):
    """A provider that keeps limits of its account which are not in `Limits`."""

    def share_limits(self, first: Provider) -> None:
        """This is another entry of the account of ``first``: from now on they keep these limits together.
        Called before `Provider.start`."""
