"""What the flow asks of a provider. One file per provider implements it.

A provider turns a batch of messages into as few requests as its API allows, and its answers into our
errors and states. Must not know: SMPP sessions, the store, other providers.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from smppbridge.errors import ProviderError
from smppbridge.model.message import Message, Poll, StatusReport


class Taken(NamedTuple):
    """The provider took a message under ``ref`` (unique within the provider); ``packet``: its request id."""

    ref: str
    packet: str = ""


SendResult = Taken | ProviderError
"""One per message, in the order of the batch."""

Report = Callable[[Sequence[StatusReport]], Awaitable[None]]
"""Handed to a provider that learns statuses by itself (the sandbox, an SMPP link): returns after COMMIT."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Rules of conduct of one provider entry. Seconds, messages, requests."""

    batch: int  # messages in one call of send()
    parallel: int  # calls of send() at once
    rate: float = 0.0  # messages per second, 0 = no limit
    batch_wait: float = 0.0  # how long to wait for a batch to fill
    poll_first: float = 300.0  # from accepted to the first status question
    poll_interval: float = 300.0  # between two status questions of the whole entry; 0 = never ask
    poll_batch: int = 500  # messages in one status question
    validity_max: float = 86400.0  # the provider gives up by itself after this
    lease: float = 120.0  # send() certainly returned after this


@dataclass(frozen=True, slots=True)
class Callback:
    """An HTTP request of the provider to us, its token already checked. Values are decoded text."""

    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    form: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Provider(Protocol):
    """A way to send messages."""

    name: str
    limits: Limits
    last_balance: float | None  # money left as the last answer told, None where that is unknown

    async def start(self, report: Report) -> None:
        """Open what sending needs. Called once, before any other call, inside the running loop."""

    def stop(self) -> None:
        """Begin no further request: what a send() under way has not sent yet becomes Unavailable.

        Called at shutdown, before close().
        """

    async def close(self) -> None:
        """Close it. Called after the last send() has returned."""

    def check(self, sender: str, text: str) -> None:
        """Raise Refused when this message can never be sent here. Cheap: called for every submit_sm."""

    async def send(self, messages: Sequence[Message], now: int) -> Sequence[SendResult]:
        """Hand over a batch; one result per message, in order. Raising a ProviderError is the same as that
        error for each message. ``now`` in milliseconds."""

    async def status(self, polls: Sequence[Poll]) -> Sequence[StatusReport]:
        """Ask for statuses. Messages that the provider does not know are left out. Raises ProviderError."""

    def parse_callback(self, callback: Callback) -> Sequence[StatusReport]:
        """Statuses pushed to us. Raises ValueError when it is not one of this provider's callbacks."""

    async def balance(self) -> float | None:
        """Money left, in the provider's currency; None where it has no such call. Raises ProviderError."""
