"""When a provider is asked for its balance, and what is done about the answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from smppbridge.errors import Disabled, ProviderError, Rejected, Throttled, Unavailable, Uncertain
from smppbridge.flow.health.balance import BalancePoller
from smppbridge.flow.health.health import ProviderHealth
from smppbridge.metrics import Metrics
from tests.support.bridge.scripted_provider import ScriptedProvider
from tests.support.builders.clock import Clock

pytestmark = pytest.mark.virtual_time


class Lab(ScriptedProvider):
    """Remembers when it was asked."""

    def __init__(self, **limits: Any) -> None:
        super().__init__("lab", **limits)
        self.asked_at: list[float] = []
        self._clock = Clock()

    async def balance(self) -> float | None:
        self.asked_at.append(self._clock.seconds)
        return await super().balance()


@asynccontextmanager
async def polled(lab: Lab) -> AsyncIterator[ProviderHealth]:
    loop = asyncio.get_running_loop()
    health = ProviderHealth(lab, Metrics(), loop.time, lambda provider: None)
    poller = BalancePoller(lab, health)
    poller.start()
    yield health
    await poller.stop()


@pytest.mark.parametrize(
    ("interval", "asked_at"),
    [
        (600.0, [5.0, 605.0, 1205.0]),
        (400.0, [5.0, 405.0, 805.0, 1205.0]),
        (3.0, [3.0 * n for n in range(1, 434)]),
    ],
)
async def test_it_is_asked_soon_after_the_start_and_then_in_its_interval(
    interval: float, asked_at: list[float]
) -> None:
    lab = Lab(balance_interval=interval)
    async with polled(lab):
        await asyncio.sleep(1300)
        assert lab.asked_at == asked_at


async def test_a_provider_without_an_interval_is_never_asked() -> None:
    lab = Lab(balance_interval=0)
    async with polled(lab):
        await asyncio.sleep(10_000)
        assert lab.asked_at == []


async def test_the_answer_is_the_balance() -> None:
    lab = Lab(low_balance=100.0, leave_when_low=True, balance_interval=60.0)
    lab.money = 99.0
    async with polled(lab) as health:
        await asyncio.sleep(6)
        assert (health.send_policy.balance, health.usable, health.working) == (99.0, False, True)
        lab.money = None  # it does not say: the last one counts
        await asyncio.sleep(60)
        assert (health.send_policy.balance, len(lab.asked_at)) == (99.0, 2)
        lab.money = 100.0
        await asyncio.sleep(60)
        assert health.usable


@pytest.mark.parametrize("error", [Disabled("wrong key", pause=100.0), Throttled("slow down", after=100.0)])
async def test_a_provider_that_refuses_us_is_left_alone_for_its_pause(error: ProviderError) -> None:
    lab = Lab(balance_interval=8.0)
    lab.money = error
    async with polled(lab) as health:
        await asyncio.sleep(7)
        assert (health.pause(), health.works) == (98.0, isinstance(error, Throttled))
        lab.money = 7.0
        await asyncio.sleep(93)
        assert lab.asked_at == [5.0]
        await asyncio.sleep(10)  # it looks every ten seconds whether the pause is over
        assert lab.asked_at == [5.0, 105.0]


async def test_a_pause_that_a_person_ends_is_noticed_within_ten_seconds() -> None:
    lab = Lab(balance_interval=60.0)
    async with polled(lab) as health:
        health.record_failure(Disabled("wrong key", pause=3600.0))
        await asyncio.sleep(30)
        assert lab.asked_at == []
        health.breaker.retry_now()
        await asyncio.sleep(10)
        assert lab.asked_at == [35.0]


@pytest.mark.parametrize(
    "error", [Unavailable("unavailable"), Uncertain("not HTML"), Rejected("not in this contract", code="300")]
)
async def test_a_question_that_fails_is_asked_again_and_harms_nobody(error: ProviderError) -> None:
    lab = Lab(balance_interval=60.0)
    lab.money = error
    async with polled(lab) as health:
        await asyncio.sleep(300)
        assert len(lab.asked_at) == 5
        assert (health.working, health.pause()) == (True, 0.0)
