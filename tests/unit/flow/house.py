"""A housekeeper with two providers and all that it knows: their dispatchers are at work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from smppbridge.flow.accounts import Accounts
from smppbridge.flow.housekeeper import Housekeeper
from smppbridge.flow.remarks import Remarks
from smppbridge.flow.send.dispatcher import Dispatcher
from smppbridge.flow.send.fleet import Fleet
from smppbridge.flow.send.rerouter import Rerouter
from smppbridge.flow.settle.outcomes import Outcomes
from smppbridge.flow.settle.pending import PendingResponses
from smppbridge.flow.settle.recorder import Recorder
from smppbridge.flow.waiting import Waiting
from smppbridge.flow.wall_clock import WallClock
from smppbridge.metrics import Metrics
from smppbridge.model.message import Segment, Stage, State
from smppbridge.model.route import Route
from smppbridge.store.base import Store
from tests.support.bridge.scripted_provider import ScriptedProvider
from tests.support.builders.accounts import account
from tests.support.builders.clock import Clock
from tests.support.builders.failing import FailingStore
from tests.support.builders.metrics import value
from tests.support.builders.rows import segment
from tests.support.builders.stores import fast_store
from tests.unit.flow.fleets import stop_all

KEEP_DAYS = 10
KEEP = 7200.0  # seconds that receipts of "pbx" are kept


class House:
    """The housekeeper's own calls of the store may fail; everybody else has the store itself.

    Messages go to "lab", else to "spare"; "gone" is a provider that is no longer configured.
    """

    def __init__(self, store: Store, lab: ScriptedProvider | None = None, **pauses: Any) -> None:
        self._loop = asyncio.get_running_loop()
        self.began = self._loop.time()
        self.store = store
        self.failing = FailingStore(store)
        self.metrics = Metrics()
        self.machine = Clock()
        self.clock = WallClock(self.machine, self.machine.elapsed)
        self.owed: list[tuple[str, float]] = []  # accounts, and when they were owed something
        self.accounts = Accounts({"pbx": account("pbx", receipt={"keep": KEEP}), "door": account("door")})
        self.waiting = Waiting(100, self.accounts)
        self.lab, self.spare = lab or ScriptedProvider("lab"), ScriptedProvider("spare")
        self.fleet = Fleet(self.accounts)
        self.rerouting = FailingStore(store)
        routes = [Route.model_validate({"to": ["lab", "spare"]})]
        self.rerouter = Rerouter(self.rerouting.store, self.fleet, routes)
        recorder = self._recorder(store)
        for provider in (self.lab, self.spare):
            changed = self.rerouter.provider_changed
            self.fleet.add(
                Dispatcher(
                    provider,
                    store,
                    recorder,
                    self.fleet,
                    self.accounts,
                    self.metrics,
                    Remarks(self.metrics, {}),
                    self.clock,
                    changed,
                )
            )
        self.housekeeper = Housekeeper(
            self.failing.store,
            self._recorder(self.failing.store),
            self.fleet,
            self.rerouter,
            self.accounts,
            self.waiting,
            self.metrics,
            self.clock,
            providers=["spare", "lab", "gone"],
            keep_days=KEEP_DAYS,
            **pauses,
        )

    def _recorder(self, store: Store) -> Recorder:
        outcomes = Outcomes(
            store,
            self.metrics,
            self.clock,
            Remarks(self.metrics, {}),
            self.waiting,
            lambda account: self.owed.append((account, self.now)),
        )
        return Recorder(store, outcomes, PendingResponses(self.accounts))

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return round(self._loop.time() - self.began, 3)

    def at(self, seconds: float) -> int:
        """That time, in ms of the bridge's clock; now is the beginning."""
        return self.clock() + round(seconds * 1000)

    def sent(self, provider: ScriptedProvider) -> list[tuple[int, float]]:
        """What it was handed over, and when."""
        times = [round(at - self.began, 3) for at in provider.sent_at]
        return [(message.id, at) for message, at in zip(provider.sent, times, strict=True)]

    def ended(self, state: State, provider: str = "lab") -> float:
        return value(self.metrics, "outcomes_total", provider=provider, state=state.name)

    def gauge(self, name: str, **labels: str) -> float:
        return value(self.metrics, name, **labels)

    def start(self) -> None:
        self.fleet.start()
        self.rerouter.start()
        self.housekeeper.start()

    async def stop(self) -> None:
        await self.housekeeper.stop()
        await stop_all(self.fleet, 1.0)
        await self.rerouter.stop()


def waiting(now: House, number: int, due: float, **changes: Any) -> Segment:
    """A message that is scheduled: to be queued in so many seconds."""
    return segment(number, stage=int(Stage.WAITING), due_at=now.at(due), **changes)


@asynccontextmanager
async def house(**pauses: Any) -> AsyncIterator[House]:
    async with fast_store() as store:
        this = House(store, **pauses)
        try:
            yield this
        finally:
            this.failing.failing.clear()
            await this.stop()
