"""The gap between two questions to one account, over restarts and for all who ask."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from smppbridge.errors import StoreError
from smppbridge.flow.health.health import ProviderHealth
from smppbridge.flow.turns import Turns
from smppbridge.metrics import Metrics
from smppbridge.store.base import Store
from tests.support.bridge.scripted_provider import ScriptedProvider
from tests.support.builders.failing import FailingStore
from tests.support.builders.rows import NOW
from tests.support.builders.stores import fast_store

pytestmark = pytest.mark.virtual_time

GAP = 300.0


class Clock:
    """Milliseconds; they move by hand, while the loop's clock stands."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


class Run:
    """One run of the program: ``names`` are entries of one account, each with its status questions."""

    def __init__(self, store: Store, clock: Clock, *names: str, gap: float = GAP) -> None:
        now = asyncio.get_running_loop().time
        metrics = Metrics()
        self.healths = [
            ProviderHealth(ScriptedProvider(name, poll_gap=gap), metrics, now, lambda provider: None)
            for name in names
        ]
        for health in self.healths[1:]:
            health.join(self.healths[0])
        self.turns = [Turns("statuses", store, health, clock) for health in self.healths]
        self.doubts = Turns("doubts", store, self.healths[0], clock)


@asynccontextmanager
async def stored() -> AsyncIterator[tuple[Any, Clock]]:
    async with fast_store() as store:
        yield store, Clock()


async def test_a_question_is_asked_at_once_the_first_time() -> None:
    async with stored() as (store, clock):
        assert await Run(store, clock, "pilot").turns[0].wait() == 0.0


@pytest.mark.parametrize(
    ("later", "left"), [(0, 300.0), (100, 200.0), (299.5, 0.5), (300, 0.0), (9000, 0.0), (-50, 300.0)]
)
async def test_a_restart_does_not_shorten_the_gap(later: float, left: float) -> None:
    """A clock that was set back makes it no longer, either."""
    async with stored() as (store, clock):
        await Run(store, clock, "pilot").turns[0].take()
        clock.now += round(later * 1000)
        run = Run(store, clock, "pilot")
        assert await run.doubts.wait() == pytest.approx(left)
        assert await run.turns[0].wait() == pytest.approx(left or 1.0)  # the doubts came first


async def test_entries_of_one_account_keep_one_gap() -> None:
    async with stored() as (store, clock):
        await Run(store, clock, "one", "two").turns[1].take()
        run = Run(store, clock, "one", "two")
        assert await run.turns[0].wait() == GAP
        other = Run(store, clock, "three")
        assert await other.turns[0].wait() == 0.0


async def test_without_a_gap_nothing_is_stored() -> None:
    async with stored() as (store, clock):
        run = Run(store, clock, "pilot", gap=0.0)
        await run.turns[0].take()
        assert await run.turns[0].wait() == 0.0
        assert await store.mark("questions pilot") is None


async def test_nothing_is_asked_while_the_store_cannot_tell_when_it_was_asked_last() -> None:
    async with stored() as (store, clock):
        await Run(store, clock, "pilot").turns[0].take()
        failing = FailingStore(store)
        run = Run(failing.store, clock, "pilot")
        failing.failing.add("mark")
        with pytest.raises(StoreError):
            await run.turns[0].wait()
        failing.failing.clear()
        assert await run.turns[0].wait() == GAP
