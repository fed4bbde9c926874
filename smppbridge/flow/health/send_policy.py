"""The rules of conduct towards one provider, all in one place, so that the bridge never earns a ban.

Everything that talks to a provider asks here first: pauses and breaker (`gate`), messages per second, the
same text to the same number, floods to one number, refusals in a row, status questions one after another, and
the money that is left. Pure state, the clock is an argument (seconds that do not jump). Must not know:
the store, requests, which provider it is.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from smppbridge.errors import Disabled, Postponed, Rejected, Throttled, Unavailable
from smppbridge.flow.health.breaker import CircuitBreaker
from smppbridge.model.message import Message
from smppbridge.model.token_bucket import TokenBucket
from smppbridge.providers.base import Limits, SendResult, Taken
from smppbridge.providers.http.provider import UNFIT

Key = TypeVar("Key")
Value = TypeVar("Value")

REMEMBERED = 100_000  # recipients and texts of the last minutes, at most


class SendPolicy:
    """What is remembered of one provider entry to keep its limits."""

    def __init__(self, limits: Limits, now: float) -> None:
        self.breaker = CircuitBreaker()
        self.bucket = TokenBucket(limits.rate, max(limits.rate, 1.0), now)
        self.questions = Questions(limits.poll_gap)
        self._limits = limits
        self._texts: OrderedDict[int, float] = OrderedDict()  # hash of number and text -> last sent
        self._floods: OrderedDict[str, _Flood] = OrderedDict()  # by number
        self._refusals = 0
        self._refusing_since = 0.0
        self.balance: float | None = None

    # --- messages ------------------------------------------------------------------------------

    def hold_back(self, message: Message, now: float) -> float:
        """Seconds for which this message must wait; 0 = it goes now, and counts as sent."""
        limits = self._limits
        wait = 0.0
        key = _key(message)
        if limits.same_text_gap:
            wait = self._texts.get(key, float("-inf")) + limits.same_text_gap - now
        if limits.flood_count:
            wait = max(wait, self._flood_wait(message.recipient, now))
        if wait > 0:
            return wait
        if limits.same_text_gap:
            _remember(self._texts, key, now)
        if limits.flood_count:
            self._count_flood(message.recipient, now)
        return 0.0

    def count(self, messages: Sequence[Message], results: Sequence[SendResult]) -> None:
        """How messages that `hold_back` let go fared: those that were not taken do not count."""
        for message, result in zip(messages, results, strict=True):
            unsent = isinstance(result, Unavailable | Throttled | Postponed | Disabled)
            if unsent or (isinstance(result, Rejected) and result.code == UNFIT):
                self._forget(message)

    def _forget(self, message: Message) -> None:
        self._texts.pop(_key(message), None)
        flood = self._floods.get(message.recipient)
        if flood is not None:
            self._floods[message.recipient] = flood._replace(messages=flood.messages - 1)

    def _flood_wait(self, recipient: str, now: float) -> float:
        flood = self._floods.get(recipient)
        if flood is None or flood.messages < self._limits.flood_count:
            return 0.0
        return flood.last + self._limits.flood_gap - now

    def _count_flood(self, recipient: str, now: float) -> None:
        flood = self._floods.get(recipient)
        again = flood is not None and now - flood.last < self._limits.flood_gap
        _remember(self._floods, recipient, _Flood(flood.messages + 1 if flood and again else 1, now))

    # --- refusals ------------------------------------------------------------------------------

    def count_refusals(self, results: Iterable[SendResult], now: float) -> Disabled | None:
        """Note how messages fared, in order. An error when so many were refused in a row that the provider
        may take us for an attacker: then it is to be left alone."""
        limit = self._limits.refusals_in_row
        if not limit:
            return None
        for result in results:
            if isinstance(result, Taken):
                self._refusals = 0
            elif isinstance(result, Rejected):
                if not self._refusals or now - self._refusing_since > self._limits.refusals_window:
                    self._refusals, self._refusing_since = 0, now
                self._refusals += 1
        if self._refusals < limit:
            return None
        self._refusals = 0
        reason = f"{limit} messages in a row were refused; more could get us banned"
        return Disabled(reason, pause=self._limits.refusals_window)

    # --- money ---------------------------------------------------------------------------------

    @property
    def is_low(self) -> bool:
        """Whether the balance is below the operator's threshold."""
        threshold = self._limits.low_balance
        return threshold > 0 and self.balance is not None and self.balance < threshold

    def leaves(self) -> bool:
        """Whether messages should go to another provider because the money is running out."""
        return self._limits.leave_when_low and self.is_low


class _Flood(NamedTuple):
    messages: int  # with short gaps between them
    last: float


class Questions:
    """One status question after another, ``gap`` seconds apart, whoever asks (`kind`): who waits longest."""

    def __init__(self, gap: float) -> None:
        self._gap = gap
        self._next = 0.0
        self._waiting: dict[str, float] = {}

    def wait(self, kind: str, now: float) -> float:
        """Seconds until ``kind`` may ask; 0 = now. It must then call `asked` or `withdraw`."""
        self._waiting.setdefault(kind, now)
        if now < self._next:
            return self._next - now
        longest = min(self._waiting, key=lambda one: self._waiting[one])
        return 0.0 if longest == kind else min(1.0, self._gap)

    def asked(self, kind: str, now: float) -> None:
        """A question goes out."""
        self._waiting.pop(kind, None)
        self._next = now + self._gap

    def withdraw(self, kind: str) -> None:
        """There is nothing to ask."""
        self._waiting.pop(kind, None)


def _key(message: Message) -> int:
    return hash((message.recipient, message.text, message.octets, message.service_type))


def _remember(memory: "OrderedDict[Key, Value]", key: Key, value: Value) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > REMEMBERED:
        memory.popitem(last=False)
