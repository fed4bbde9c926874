"""The limits of one account at a provider, kept in one place, so that the bridge never earns a ban.

Entries of the configuration that use the same account share it.

Everything that talks to the provider asks here first:

1. pauses, and whether the provider works: the circuit breaker;
2. messages per second: a token bucket;
3. the same text to the same number, and floods to one number: `SendPolicy.hold_back`;
4. refusals in a row: `SendPolicy.count_refusals`;
5. status questions one after another: `Questions`; early ones: `SendPolicy.asks_early`;
6. the money that is left: `SendPolicy.is_low` and `SendPolicy.diverts`.

Pure state. The clock is an argument: seconds that do not jump.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from smppbridge.errors import UNFIT, Disabled, Postponed, Rejected, Throttled, Unavailable
from smppbridge.flow.health.breaker import CircuitBreaker
from smppbridge.model.message import Message
from smppbridge.model.token_bucket import TokenBucket
from smppbridge.providers.base import Limits, SendResult, Taken

Key = TypeVar("Key")
Value = TypeVar("Value")

_EARLY_SHARE = 4  # each message is asked about early some two times: that takes half of a question
_EARLY_WINDOW = 10.0  # seconds, where questions may follow each other faster
REMEMBERED = 100_000  # recipients, and as many texts, of the last minutes


class SendPolicy:
    """What is remembered of one account to keep its limits. `slots` are its requests at once.

    ``remembered``: recipients and texts, each, that the limits of `hold_back` are kept for. Of more the
    oldest are forgotten.
    """

    def __init__(self, limits: Limits, now: float, *, remembered: int = REMEMBERED) -> None:
        self.breaker = CircuitBreaker()
        self.bucket = TokenBucket(limits.rate, limits.rate, now)
        self.questions = Questions(limits.poll_gap)
        self._early = _early_bucket(limits, now)
        self.slots = Slots(limits.parallel)
        self._limits = limits
        self._leave_below = limits.low_balance if limits.leave_when_low else 0.0
        self._remembered = remembered
        # The oldest first:
        self._texts: OrderedDict[int, float] = OrderedDict()  # hash of number and text -> last sent
        self._floods: OrderedDict[str, _Flood] = OrderedDict()  # by number
        self._refusals = 0
        self._refusing_since = 0.0
        self.balance: float | None = None
        self.spent: float | None = None  # the balance when there was not enough of it

    def tighten(self, limits: Limits, now: float) -> None:
        """Another entry uses this account, too: of its limits and ours the narrower ones hold."""
        own = self._limits
        self.slots.most = min(self.slots.most, limits.parallel)
        self.questions.gap = max(self.questions.gap, limits.poll_gap)
        rate = min(filter(None, (own.rate, limits.rate)), default=0.0)
        if rate != own.rate:
            self.bucket = TokenBucket(rate, rate, now)
        self._leave_below = max(self._leave_below, limits.low_balance if limits.leave_when_low else 0.0)
        self._limits = replace(own, rate=rate, low_balance=max(own.low_balance, limits.low_balance))

    # --- messages ------------------------------------------------------------------------------

    def hold_back(self, message: Message, now: float) -> float:
        """Seconds for which this message must wait; 0 = it goes now, and counts as sent.

        A message waits until ``same_text_gap`` after the last equal text to its number, and, after
        ``flood_count`` messages to its number, until ``flood_gap`` after the last of them.
        """
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
            self._remember(self._texts, key, now)
        if limits.flood_count:
            self._count_flood(message.recipient, now)
        return 0.0

    def release(self, messages: Sequence[Message], results: Sequence[SendResult]) -> None:
        """Count messages that `hold_back` let go, but that the provider did not see, as not sent."""
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
        self._remember(self._floods, recipient, _Flood(flood.messages + 1 if flood and again else 1, now))

    def _remember(self, memory: "OrderedDict[Key, Value]", key: Key, value: Value) -> None:
        memory[key] = value
        memory.move_to_end(key)
        if len(memory) > self._remembered:
            memory.popitem(last=False)

    # --- questions -----------------------------------------------------------------------------

    def asks_early(self, now: float) -> bool:
        """Whether the provider is to be asked early about a message that it took now. True of so few that
        what is asked early neither grows with the traffic nor fills the questions about all the others."""
        return bool(self._early.take(1, now))

    # --- refusals ------------------------------------------------------------------------------

    def count_refusals(self, results: Iterable[SendResult], now: float) -> Disabled | None:
        """Count the messages that were refused in a row, in order of ``results``.

        An error when they are ``refusals_in_row`` within ``refusals_window``: the provider may take us for an
        attacker, and is to be left alone. Only a message that was taken ends a row.
        """
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
    def low_balance(self) -> float:
        """Below this a person is told; 0 = never."""
        return self._limits.low_balance

    @property
    def is_low(self) -> bool:
        """Whether the balance is below the operator's threshold."""
        return self._is_below(self.low_balance)

    @property
    def diverts(self) -> bool:
        """Whether messages are diverted to another provider because the money is running out."""
        return self._is_below(self._leave_below)

    def _is_below(self, threshold: float) -> bool:
        return threshold > 0 and self.balance is not None and self.balance < threshold


def _early_bucket(limits: Limits, now: float) -> TokenBucket:
    """A quarter of the messages of one question, each time that one may be asked."""
    share = limits.poll_batch / _EARLY_SHARE
    return TokenBucket(share / max(_EARLY_WINDOW, limits.poll_gap), share, now)


class Slots:
    """Hand-overs at once: at most ``most``, and fewer while the account is on trial."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._taken = 0  # by hand-overs that still have messages to send
        self._answering = 0  # hand-overs that only wait for their last answers
        self._missed: dict[Callable[[], None], None] = {}  # the one that waits longest first

    def take(self, trials: int, wake: Callable[[], None]) -> bool:
        """Take a slot for a hand-over. False where none is free: then ``wake`` is called as soon as there may
        be one again. ``trials``: on trial, how many hand-overs may be without their last answers; else 0."""
        if self._taken < self.most and (not trials or self._taken + self._answering < trials):
            self._taken += 1
            return True
        self._missed[wake] = None
        return False

    def release(self) -> None:
        """The hand-over has ended, or was none."""
        self._taken -= 1
        self._wake()

    def sent(self) -> None:
        """The hand-over has no messages to send any more: it gives its slot back, and waits for answers."""
        self._taken -= 1
        self._answering += 1
        self._wake()

    def answered(self) -> None:
        """A hand-over that was `sent` has ended."""
        self._answering -= 1
        self._wake()

    def _wake(self) -> None:
        missed, self._missed = self._missed, {}
        for wake in missed:
            wake()


class _Flood(NamedTuple):
    messages: int  # with short gaps between them
    last: float


class Questions:
    """The order of questions to a provider: ``gap`` seconds apart, and the ``kind`` that waits longest next.

    A kind is the name of a worker that asks, such as "statuses".
    """

    def __init__(self, gap: float) -> None:
        self.gap = gap
        self._next = 0.0
        self._waiting: dict[str, float] = {}

    def wait(self, kind: str, now: float) -> float:
        """Seconds until ``kind`` may ask; 0 = now. After 0 the caller must call `asked` or `withdraw`."""
        self._waiting.setdefault(kind, now)
        if now < self._next:
            return self._next - now
        longest = min(self._waiting, key=lambda one: self._waiting[one])
        return 0.0 if longest == kind else min(1.0, self.gap)

    def asked(self, kind: str, now: float) -> None:
        """A question of this kind goes out."""
        self._waiting.pop(kind, None)
        self._next = now + self.gap

    def hold(self, until: float) -> None:
        """Nobody asks before then."""
        self._next = max(self._next, until)

    def withdraw(self, kind: str) -> None:
        """This kind has nothing to ask: it keeps the others waiting no longer."""
        self._waiting.pop(kind, None)


def _key(message: Message) -> int:
    return hash((message.recipient, message.text, message.octets, message.service_type))
