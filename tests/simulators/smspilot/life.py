"""The messages that smspilot's simulator holds, and how they live: a status, a callback, the next status."""

import asyncio
import contextlib
import heapq
import time
from bisect import bisect_left

from tests.simulators.smspilot.rules import NUMBER_CHECKS, Rules
from tests.simulators.smspilot.shapes import Sms, callback_fields, subscriber
from tests.support.http.callbacks import Call, CallbackSender

SCHEDULED = 3
_AT_ONCE = 1000  # changes between two looks at the network


class Messages:
    """Every message taken, by id, by packet and by time. Nothing here looks through all of them."""

    def __init__(self) -> None:
        self.by_id: dict[str, Sms] = {}
        self.by_packet: dict[str, list[Sms]] = {}
        self._in_order: list[Sms] = []

    def add(self, sms: Sms) -> None:
        """Messages of a test can be asked for by id, but stand in no list."""
        self.by_id[sms.row["server_id"]] = sms
        self.by_packet.setdefault(sms.row["packet"], []).append(sms)
        if not sms.test:
            self._in_order.append(sms)

    def since(self, moment: float, limit: int, offset: int) -> list[Sms]:
        """Messages taken since ``moment``, the newest first: ``limit`` at most, behind ``offset`` others."""
        first = bisect_left(self._in_order, moment, key=lambda sms: sms.created)
        end = max(first, len(self._in_order) - offset)
        return self._in_order[max(first, end - limit) : end][::-1]


class Life:
    """Moves messages on while its owner's `async with` lasts: (3,) 0, 1, outcome."""

    def __init__(self, rules: Rules, callbacks: CallbackSender) -> None:
        self._rules = rules
        self._callbacks = callbacks
        self._changes: list[tuple[float, int, Sms]] = []  # a heap
        self._changed = asyncio.Event()
        self._count = 0
        self._clock: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._clock = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._clock

    def begin(self, sms: Sms) -> None:
        """Let a message that was just taken live."""
        if sms.status == SCHEDULED:
            self._schedule(sms, max(0.0, sms.send_at - time.time()))
        else:
            self._schedule(sms, self._rules.delay)

    def move_on(self) -> None:
        """Every message takes its next step now."""
        changes, self._changes = sorted(self._changes), []
        for _, _, sms in changes:
            self._step(sms)

    def _schedule(self, sms: Sms, delay: float) -> None:
        self._count += 1
        change = (time.monotonic() + delay, self._count, sms)
        heapq.heappush(self._changes, change)
        if self._changes[0] is change:  # sooner than what the clock waits for
            self._changed.set()

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            pause = self._changes[0][0] - time.monotonic() if self._changes else None
            if pause is None or pause > 0:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._changed.wait()
            else:
                self._step_due()
                await asyncio.sleep(0.001)  # so that changes gather, and requests are heard meanwhile

    def _step_due(self) -> None:
        now = time.monotonic()
        for _ in range(_AT_ONCE):
            if not self._changes or self._changes[0][0] > now:
                return
            self._step(heapq.heappop(self._changes)[2])

    def _step(self, sms: Sms) -> None:
        """A refused message (-2) never reaches the operator."""
        outcome = self._rules.outcomes.get(sms.row["to"], self._rules.outcome)
        if sms.status == SCHEDULED:
            self._move(sms, 0)
        elif sms.status == 0 and outcome[0] != -2:
            self._move(sms, 1)
        else:
            sms.status, sms.error = outcome
            if sms.row["service"] == NUMBER_CHECKS[2] and sms.status == 2:
                sms.extra = subscriber(sms.row["to"], roaming=sms.row["to"] in self._rules.roaming)
        sms.modified = time.time()
        if sms.callback:
            self._callbacks.push(Call(sms.callback, self._verb(sms.method), callback_fields(sms)))

    def _verb(self, method: str) -> str:
        """``sloppy``: the words of an error stand in the address as they are (API-1 §2.1)."""
        if method == "post":
            return "multipart post" if self._rules.multipart else method
        return "raw get" if self._rules.sloppy else method

    def _move(self, sms: Sms, status: int) -> None:
        sms.status = status
        self._schedule(sms, self._rules.delay)
