"""A provider without a network: takes everything and reports outcomes after a delay.

The reference of a message says when it becomes final and how, so status questions are answered even after
a restart, with nothing stored.
"""

import asyncio
import contextlib
import logging
import re
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from itertools import accumulate
from typing import Literal, NamedTuple

from pydantic import Field, field_validator

from smppbridge.errors import StoreError, Unavailable
from smppbridge.model.duration import Duration
from smppbridge.model.message import Doubt, Draft, Inbound, Message, Poll, State, StatusReport
from smppbridge.model.services import SERVICES
from smppbridge.providers.base import Callback, Limits, SendResult, Taken, Trace, Upcalls
from smppbridge.providers.kind import ProviderKind, without_callbacks
from smppbridge.providers.options import ProviderOptions

logger = logging.getLogger(__name__)

OUTCOMES: dict[str, State] = {
    "DELIVRD": State.DELIVERED,
    "UNDELIV": State.UNDELIVERABLE,
    "EXPIRED": State.EXPIRED,
    "REJECTD": State.REJECTED,
    "DELETED": State.DELETED,
    "UNKNOWN": State.UNKNOWN,
}
FAILED_ERR = 1  # err of every receipt that is not DELIVRD

MAX_WAITING = 200_000  # outcomes kept for pushing; those beyond are found by status questions
PUSH_BATCH = 2_000
PUSH_PAUSE = 0.005  # seconds between pushes, so that they come in batches
RETRY_PAUSE = 1.0  # seconds after a push failed
POLL_LATER = 10.0  # seconds by which status questions come behind pushes

_REF = re.compile(r"([0-9a-f]+)\.([0-9]+)\.([A-Z]{7})")
_SCATTER, _WORD = 0x9E3779B97F4A7C15, 2**64  # Fibonacci hashing: neighbouring ids get unrelated outcomes


class SandboxOptions(ProviderOptions):
    """`providers.<name>` with `kind: sandbox`."""

    kind: Literal["sandbox"]
    """A provider that takes everything and sends nothing."""
    delay: Duration = 1.0
    """Until the receipt."""
    outcomes: dict[str, float] = Field(default={"DELIVRD": 95.0, "UNDELIV": 5.0})
    """Weights of what becomes of messages, by the word of the receipt."""
    batch: int = Field(default=1000, ge=1, le=10_000)
    """Messages taken at once."""
    parallel: int = Field(default=4, ge=1, le=256)
    """Batches at once."""

    def calls_back(self) -> bool:
        """It tells what became of messages by itself."""
        return False

    def sells(self) -> frozenset[str]:
        """Everything, so that equipment can be tried with it."""
        return frozenset(SERVICES)

    def connections(self) -> int:
        """None."""
        return 0

    @field_validator("outcomes")
    @classmethod
    def _weights(cls, outcomes: dict[str, float]) -> dict[str, float]:
        if not outcomes.keys() <= OUTCOMES.keys():
            raise ValueError(f"names must be among {', '.join(OUTCOMES)}")
        if not all(0 <= weight < float("inf") for weight in outcomes.values()) or not sum(outcomes.values()):
            raise ValueError("weights must be 0 or more, and not all 0")
        return outcomes


class _Due(NamedTuple):
    """An outcome to push when the loop's clock says ``at``."""

    at: float
    report: StatusReport


class Sandbox:
    """One sandbox entry. Takes every service, so that equipment can be tried with it."""

    services = frozenset(SERVICES)
    takes_parts = False
    takes_protocol_id = True
    codes = frozenset(OUTCOMES)

    def __init__(
        self,
        name: str,
        options: SandboxOptions,
        *,
        retry_pause: float = RETRY_PAUSE,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        """``retry_pause``: seconds after a push failed. ``max_waiting``: outcomes kept for pushing."""
        self.name = name
        self._retry_pause = retry_pause
        self._max_waiting = max_waiting
        self.last_balance: float | None = None  # no money here
        self.limits = Limits(
            batch=options.batch,
            parallel=options.parallel,
            poll_first=options.delay + POLL_LATER,
            poll_interval=POLL_LATER,
            poll_batch=5_000,
            balance_interval=0,
        )
        self._delay = options.delay
        self._words = list(options.outcomes)
        self._bounds = list(accumulate(options.outcomes.values()))
        # One delay for all: the order of sending is the order of pushing.
        self._waiting: deque[_Due] = deque()
        self._awake = asyncio.Event()
        self._pusher: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self, upcalls: Upcalls) -> None:
        """Begin to push outcomes."""
        self._pusher = asyncio.create_task(self._push(upcalls), name=f"sandbox {self.name}")

    def stop(self) -> None:
        """Take nothing more. Outcomes are pushed until close()."""
        self._stopping = True

    async def close(self) -> None:
        """Stop pushing; what was not pushed is found by status questions after the next start."""
        if self._pusher is not None:
            self._pusher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pusher
            self._pusher = None

    def check(self, draft: Draft) -> None:
        """Everything may be sent."""

    def schedules(self, send_at: int, now: int) -> bool:
        """Whatever is scheduled is kept by the bridge."""
        return False

    async def send(self, messages: Sequence[Message], now: int) -> list[SendResult]:
        """Take all of them; none after stop()."""
        if self._stopping:
            return [Unavailable("not sent: stopping")] * len(messages)
        due = now + int(self._delay * 1000)
        at = asyncio.get_running_loop().time() + self._delay
        room = self._max_waiting - len(self._waiting)
        results: list[SendResult] = []
        for number, message in enumerate(messages):
            word = self._outcome(message.id)
            ref = f"{message.id:x}.{due}.{word}"
            results.append(Taken(ref))
            if number < room:
                self._waiting.append(_Due(at, _final(ref, word)))
        self._awake.set()
        return results

    async def status(self, polls: Sequence[Poll]) -> list[StatusReport]:
        """What the references themselves say; those of no sandbox are left out."""
        now = time.time() * 1000
        reports = []
        for poll in polls:
            parts = _REF.fullmatch(poll.provider_ref)
            if parts is None or parts[3] not in OUTCOMES:
                continue
            if int(parts[2]) <= now:
                reports.append(_final(poll.provider_ref, parts[3]))
            else:
                reports.append(StatusReport(poll.provider_ref, State.ENROUTE, False, 0, "ENROUTE"))
        return reports

    async def find(self, doubts: Sequence[Doubt], now: int) -> list[Trace]:
        """Nothing is ever in doubt here."""
        return []

    async def inbound(self, since: int | None) -> list[Inbound]:
        """No phone answers a sandbox."""
        return []

    def parse_callback(self, callback: Callback) -> list[StatusReport]:
        """Nobody calls back for a sandbox: always ValueError."""
        raise ValueError("the sandbox has no callbacks")

    async def balance(self) -> float | None:
        """No money here."""
        return None

    def _outcome(self, message_id: int) -> str:
        """The outcome of a message: always the same for one id, and over many ids as often as the weights
        say."""
        point = message_id * _SCATTER % _WORD / _WORD * self._bounds[-1]
        # "min": rounding can put the point on the last bound
        return self._words[min(bisect_right(self._bounds, point), len(self._words) - 1)]

    async def _push(self, upcalls: Upcalls) -> None:
        while True:
            try:
                await self._push_due(upcalls)
            except Exception:  # whatever it was: later outcomes must not wait for it
                logger.exception(
                    "provider %s: outcomes could not be reported; status questions will find them", self.name
                )
                await asyncio.sleep(self._retry_pause)

    async def _push_due(self, upcalls: Upcalls) -> None:
        clock = asyncio.get_running_loop().time
        if not self._waiting:
            self._awake.clear()
            await self._awake.wait()
        await asyncio.sleep(max(self._waiting[0].at - clock(), PUSH_PAUSE))
        batch = self._take_due(clock())
        while batch:
            try:
                await upcalls.report(batch)
                break
            except StoreError:
                await asyncio.sleep(self._retry_pause)

    def _take_due(self, now: float) -> list[StatusReport]:
        batch: list[StatusReport] = []
        while self._waiting and self._waiting[0].at <= now and len(batch) < PUSH_BATCH:
            batch.append(self._waiting.popleft().report)
        return batch


def _final(ref: str, word: str) -> StatusReport:
    return StatusReport(ref, OUTCOMES[word], True, 0 if word == "DELIVRD" else FAILED_ERR, word)


KIND = ProviderKind(SandboxOptions, without_callbacks(Sandbox))
