"""A poller with a provider that notes its questions."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from smppbridge.errors import ProviderError, Rejected
from smppbridge.flow.health.health import ProviderHealth
from smppbridge.flow.remarks import Remarks
from smppbridge.flow.settle.outcomes import Outcomes
from smppbridge.flow.settle.poller import Poller
from smppbridge.flow.waiting import Waiting
from smppbridge.flow.wall_clock import WallClock
from smppbridge.metrics import Metrics
from smppbridge.model.message import Poll, Stage, StatusReport
from tests.support.bridge.scripted_provider import ScriptedProvider
from tests.support.builders.clock import Clock
from tests.support.builders.failing import FailingStore
from tests.support.builders.rows import DAY, claim, record_sent, report, segment, sent, stages
from tests.support.builders.stores import fast_store

LOOK = 10.0  # seconds between two looks


class Asked(ScriptedProvider):
    """Notes its questions; ``spoilers`` are messages about which it rejects any question."""

    def __init__(self, limits: dict[str, Any]) -> None:
        super().__init__("lab", **limits)
        self.began = asyncio.get_running_loop().time()
        self.questions: list[list[int]] = []
        self.sent_at_told: list[int] = []
        self.at: list[float] = []  # when, in seconds from the beginning
        self.spoilers: set[int] = set()
        self.errors: deque[ProviderError] = deque()
        self.answer_at_once = True  # that each is delivered

    async def status(self, polls: Sequence[Poll]) -> list[StatusReport]:
        self.questions.append([poll.id for poll in polls])
        self.sent_at_told = [poll.sent_at for poll in polls]  # in the last question
        self.at.append(round(asyncio.get_running_loop().time() - self.began, 3))
        if self.errors:
            raise self.errors.popleft()
        if self.spoilers & {poll.id for poll in polls}:
            raise Rejected("one of these is nobody's")
        return [report(poll.id) for poll in polls if self.answer_at_once]


class Rig:
    """A poller, and all that it knows."""

    def __init__(self, failing: FailingStore, **limits: Any) -> None:
        self.failing = failing
        self.store = failing.store
        self.metrics = Metrics()
        self.owed: list[float] = []  # when a receipt was announced
        self.provider = Asked({"poll_interval": 60.0, **limits})
        self.machine = Clock()
        self.clock = WallClock(self.machine, self.machine.elapsed)
        self.begin()

    def begin(self) -> None:
        """Make a poller that remembers nothing but what is in the store."""
        loop = asyncio.get_running_loop()
        self.health = ProviderHealth(self.provider, self.metrics, loop.time, lambda provider: None)
        outcomes = Outcomes(
            self.store,
            self.metrics,
            self.clock,
            Remarks(self.metrics, {}),
            Waiting(1000, {}),
            lambda account: self.owed.append(round(loop.time() - self.provider.began, 3)),
        )
        self.poller = Poller(self.provider, self.store, outcomes, self.clock, self.health)

    async def sent(self, count: int, *, first: int = 1, due: float = 0.0) -> None:
        """The provider has messages ``first``, ``first`` + 1 …, each to be asked about in so many seconds."""
        await self.store.add_segments([segment(first + n) for n in range(count)])
        messages = await claim(self.store, count)
        poll_at = self.clock() + round(due * 1000)
        deadline = self.clock() + 100 * DAY
        await record_sent(
            self.store, [sent(one, poll_at=poll_at, deadline=deadline) for one in messages], self.clock()
        )

    async def final(self) -> list[int]:
        found = await stages(self.store)
        return [number for number, stage in found.items() if stage == Stage.FINAL]


@asynccontextmanager
async def rigged(**limits: Any) -> AsyncIterator[Rig]:
    async with fast_store() as store:
        rig = Rig(FailingStore(store), **limits)
        try:
            yield rig
        finally:
            await rig.poller.stop()
