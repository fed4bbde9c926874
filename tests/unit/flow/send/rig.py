"""What sending needs, put together without an App: a fleet over a store in memory, in virtual time."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from smppbridge.flow.accounts import Accounts
from smppbridge.flow.remarks import Remarks
from smppbridge.flow.send.dispatcher import Dispatcher
from smppbridge.flow.send.fleet import Fleet
from smppbridge.flow.settle.outcomes import Outcomes
from smppbridge.flow.settle.pending import PendingResponses
from smppbridge.flow.settle.recorder import Recorder
from smppbridge.flow.waiting import Waiting
from smppbridge.flow.wall_clock import WallClock
from smppbridge.metrics import Metrics
from smppbridge.model.account import Account
from smppbridge.model.message import Found, Message, Overdue, Segment, Stage
from smppbridge.providers.base import Provider, SendResult
from smppbridge.store.sqlite.store import SqliteStore
from tests.support.bridge.scripted_provider import ScriptedProvider
from tests.support.builders.clock import Clock
from tests.support.builders.failing import FailingStore
from tests.support.builders.metrics import value
from tests.support.builders.stores import fast_store
from tests.unit.flow.fleets import stop_all


class Lab(ScriptedProvider):
    """Takes ``delay`` seconds for each request, and remembers the ids of each."""

    def __init__(self, name: str = "lab", *, delay: float = 0.0, **limits: Any) -> None:
        super().__init__(name, **limits)
        self.delay = delay
        self.batches: list[list[int]] = []
        self.ended: list[list[int]] = []  # those of requests that were not cancelled
        self.errors: deque[Exception] = deque()  # raised instead of an answer
        self.extra: list[SendResult] = []  # results of messages that nobody sent
        self.stopped = False

    def stop(self) -> None:
        self.stopped = True

    async def send(self, messages: Sequence[Message], now: int) -> list[SendResult]:
        ids = [message.id for message in messages]
        self.batches.append(ids)
        results = await super().send(messages, now)
        await asyncio.sleep(self.delay)
        self.ended.append(ids)
        if self.errors:
            raise self.errors.popleft()
        return results + self.extra


class Rig:
    """A fleet of these providers, and what it tells others. ``store`` may fail; ``disk`` is the real one."""

    def __init__(self, store: SqliteStore, providers: Sequence[Provider], **account: Any) -> None:
        self.disk = store
        self.store = FailingStore(store)
        self.machine = Clock()
        self.clock = WallClock(self.machine, self.machine.elapsed)
        self.metrics = Metrics()
        self.owed: list[str] = []  # accounts that are owed a receipt
        self.changes: list[str] = []  # providers that went up or down
        settings = {"name": "pbx", "password": "secret", **account}
        self.accounts = Accounts({"pbx": Account.model_validate(settings)})
        self.pending = PendingResponses(self.accounts)
        self.remarks = Remarks(self.metrics, {provider.name: provider.codes for provider in providers})
        self.waiting = Waiting(1000, self.accounts)
        outcomes = Outcomes(
            self.store.store, self.metrics, self.clock, self.remarks, self.waiting, self.owed.append
        )
        self.recorder = Recorder(self.store.store, outcomes, self.pending)
        self.fleet = Fleet(self.accounts)
        for provider in providers:
            self.fleet.add(self._dispatcher(provider))

    def _dispatcher(self, provider: Provider) -> Dispatcher:
        return Dispatcher(
            provider,
            self.store.store,
            self.recorder,
            self.fleet,
            self.accounts,
            self.metrics,
            self.remarks,
            self.clock,
            self.changes.append,
        )

    async def queue(self, *segments: Segment) -> None:
        """Store messages and tell the fleet, as intake does."""
        await self.disk.add_segments(segments)
        queued = Counter((item.provider, item.account) for item in segments if item.stage == Stage.QUEUED)
        for (provider, account), count in queued.items():
            self.fleet.wake(provider, account, count)

    async def row(self, message_id: int) -> Overdue:
        """Where a message is."""
        for stage in Stage:
            for row in await self.disk.list_stage(stage, 1000):
                if row.id == message_id:
                    return row
        raise KeyError(message_id)

    async def found(self, message_id: int, account: str = "pbx") -> Found:
        """The same, with its times."""
        [message] = await self.disk.find_messages(account, str(message_id))
        return message

    def attempts(self, provider: str, result: str) -> float:
        """attempts_total."""
        return self.value("attempts_total", provider=provider, result=result)

    def value(self, name: str, **labels: str) -> float:
        """The value of one series, 0 when it has none yet."""
        return value(self.metrics, name, **labels)


def prove(rig: Rig) -> None:
    """All providers have worked before: nothing is on trial."""
    for dispatcher in rig.fleet.values():
        dispatcher.health.breaker.record_success()


@asynccontextmanager
async def rigged(*providers: Provider, **account: Any) -> AsyncIterator[Rig]:
    """A fleet that has not started. ``account``: settings of the account "pbx"."""
    async with fast_store() as store:
        rig = Rig(store, providers, **account)
        try:
            yield rig
        finally:
            await stop_all(rig.fleet, 0.1)


@asynccontextmanager
async def sending(*providers: Provider, proven: bool = True, **account: Any) -> AsyncIterator[Rig]:
    """A fleet at work. ``proven``: its providers have worked before, so that none is on trial."""
    async with rigged(*providers, **account) as rig:
        if proven:
            prove(rig)
        rig.fleet.start()
        yield rig


def times(lab: ScriptedProvider) -> list[float]:
    """When each message was sent, in seconds since the loop began."""
    return [round(at - 1000.0, 3) for at in lab.sent_at]
