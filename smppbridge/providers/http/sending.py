"""How a batch goes out over HTTP, whatever the provider: one request after the other.

1. Messages that share a request are a `SubBatch`. Sub-batches go out in order.
2. A sub-batch that is refused as a whole, perhaps for one message, is halved until it is clear for which.
3. An error that the next requests would meet as well ends the run: the messages left get that error.
4. A run begins requests for a limited time. The messages left then are Unavailable.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeVar

from smppbridge.errors import Disabled, ProviderError, Throttled, Unavailable, Uncertain
from smppbridge.model.message import Message
from smppbridge.providers.base import SendResult

SENDING_TIME = 120.0  # seconds in which one send() may begin requests


@dataclass(frozen=True, slots=True)
class SubBatch:
    """Messages that go in one request; at least one. Providers add what else the request needs."""

    messages: Sequence[Message]

    def halves(self) -> tuple[Self, Self]:
        """The first half of the messages and the second; only for two messages or more."""
        middle = len(self.messages) // 2
        return replace(self, messages=self.messages[:middle]), replace(self, messages=self.messages[middle:])


AnySubBatch = TypeVar("AnySubBatch", bound=SubBatch)


class RequestRun:
    """The requests of one call of a provider: how long they may begin, their results, and what ended them.

    ``now`` is the time of the call in ms. ``seconds`` bounds the time in which requests begin. ``units`` is
    what the reasons of errors call the requests. Needs a running loop.
    """

    def __init__(self, now: int = 0, *, seconds: float = SENDING_TIME, units: str = "requests") -> None:
        self._clock = asyncio.get_running_loop().time
        self._began = self._clock()
        self._now = now
        self._units = units
        self.deadline = self._began + seconds  # of the loop's clock
        self.results: dict[int, SendResult] = {}  # by our id
        self.stop: ProviderError | None = None  # set: no further request begins, the messages left get it

    @property
    def is_over(self) -> bool:
        """Whether the time to begin requests is over."""
        return self._clock() >= self.deadline

    def now(self) -> int:
        """Milliseconds since 1970, by the caller's clock."""
        return self._now + int((self._clock() - self._began) * 1000)

    def too_late(self) -> Unavailable:
        """The error of messages whose request did not begin in time."""
        return Unavailable(f"not sent: the {self._units} before it took too long")

    def note(self, results: Mapping[int, SendResult]) -> None:
        """Keep results, by our id. The first error that the next requests would meet as well ends the run."""
        self.results.update(results)
        for result in results.values():
            if isinstance(result, ProviderError):
                self.stop = self.stop or stops_batch(result)

    def fail(self, messages: Iterable[Message], error: ProviderError) -> None:
        """`note` the same error for each of these messages."""
        self.note({message.id: error for message in messages})

    async def send(
        self, batches: Iterable[AnySubBatch], hand_over: Callable[[AnySubBatch], Awaitable[bool]]
    ) -> None:
        """Hand over the sub-batches, one after the other.

        ``hand_over`` makes one request and notes the results of its messages. It returns True, and notes
        nothing, for several messages that were refused as a whole: their halves are handed over next.
        """
        pending = deque(batches)
        while pending:
            batch = pending.popleft()
            if self.stop is None and self.is_over:
                self.stop = self.too_late()
            if self.stop is not None:
                self.fail(batch.messages, self.stop)
            elif await hand_over(batch):
                pending.extendleft(reversed(batch.halves()))

    def in_order(self, messages: Iterable[Message]) -> list[SendResult]:
        """The result of each message."""
        return [self.results[message.id] for message in messages]


def stops_batch(error: ProviderError) -> ProviderError | None:
    """The error of the requests behind one that ended with ``error``; None where they may go on."""
    if error.about_message:
        return None
    if isinstance(error, Disabled | Throttled | Unavailable):
        return error
    if isinstance(error, Uncertain):
        return Unavailable("not sent: it is uncertain what became of the request before it")
    return None
