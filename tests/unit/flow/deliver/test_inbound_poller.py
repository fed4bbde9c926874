"""When a provider is asked for messages from phones, from which time on, and what becomes of its answers."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from smppbridge.errors import UNREADABLE, Disabled, ProviderError, Throttled, Unavailable
from smppbridge.flow.accounts import Accounts
from smppbridge.flow.deliver.inbound import InboundRouter
from smppbridge.flow.deliver.inbound_poller import InboundPoller
from smppbridge.flow.health.health import ProviderHealth
from smppbridge.metrics import Metrics
from smppbridge.model.inbound import InboundRule
from smppbridge.model.message import Inbound
from tests.support.bridge.scripted_provider import ScriptedProvider
from tests.support.builders.accounts import account
from tests.support.builders.clock import Clock
from tests.support.builders.failing import FailingStore
from tests.support.builders.metrics import value
from tests.support.builders.rows import HOUR, NOW
from tests.support.builders.stores import fast_store
from tests.support.esme.phones import from_phone

pytestmark = pytest.mark.virtual_time

AFTER_START = 15.0  # seconds until the first question
TO_PBX = [InboundRule.model_validate({"to": "pbx"})]


class Asked(ScriptedProvider):
    """Notes when it is asked."""

    def __init__(self, interval: float) -> None:
        super().__init__("lab", inbound_interval=interval)
        self.began = asyncio.get_running_loop().time()
        self.at: list[float] = []

    async def inbound(self, since: int | None) -> list[Inbound]:
        self.at.append(round(asyncio.get_running_loop().time() - self.began, 3))
        return await super().inbound(since)


class Rig:
    """A poller, and all that it knows."""

    def __init__(self, failing: FailingStore, interval: float, **pauses: Any) -> None:
        self.failing = failing
        self.store = failing.store
        self.metrics = Metrics()
        self.clock = Clock()
        self.owed: list[str] = []
        self.provider = Asked(interval)
        self.health = ProviderHealth(
            self.provider, self.metrics, asyncio.get_running_loop().time, lambda provider: None
        )
        accounts = Accounts({"pbx": account()})
        self.router = InboundRouter(self.store, self.metrics, self.clock, TO_PBX, accounts, self.owed.append)
        self.poller = self.new_poller(**pauses)

    def new_poller(self, **pauses: Any) -> InboundPoller:
        """As after a restart."""
        return InboundPoller(self.provider, self.store, self.router, self.clock, self.health, **pauses)

    async def texts(self) -> list[str]:
        """What is owed, in order."""
        parts = await self.store.claim_inbound("pbx", self.clock(), self.clock(), 1000)
        return [part.octets.decode("latin-1") for part in parts]


@asynccontextmanager
async def rigged(interval: float = 60.0, **pauses: Any) -> AsyncIterator[Rig]:
    async with fast_store() as store:
        rig = Rig(FailingStore(store), interval, **pauses)
        try:
            yield rig
        finally:
            rig.failing.failing.clear()
            await rig.poller.stop()


def ms(seconds: float) -> int:
    return NOW + round(seconds * 1000)


# --- when ------------------------------------------------------------------------------------------


async def test_it_is_asked_in_its_interval() -> None:
    async with rigged() as rig:
        rig.poller.start()
        await asyncio.sleep(200.0)
        assert rig.provider.at == [15.0, 75.0, 135.0, 195.0]


async def test_a_short_interval_begins_sooner() -> None:
    async with rigged(4.0) as rig:
        rig.poller.start()
        await asyncio.sleep(10.0)
        assert rig.provider.at == [4.0, 8.0]


async def test_a_provider_without_an_interval_is_never_asked() -> None:
    async with rigged(0.0) as rig:
        rig.poller.start()
        await asyncio.sleep(1000.0)
        assert rig.provider.at == []


async def test_pauses_may_be_others() -> None:
    async with rigged(after_start=2.0, look=3.0) as rig:
        rig.router.rules = []
        rig.poller.start()
        await asyncio.sleep(4.0)
        rig.router.rules = TO_PBX
        await asyncio.sleep(2.0)
        assert rig.provider.at == [5.0]


async def test_nobody_is_asked_where_nobody_wants_messages_from_phones() -> None:
    """A reload may change that."""
    async with rigged() as rig:
        rig.router.rules = []
        rig.poller.start()
        await asyncio.sleep(59.0)
        assert rig.provider.at == []
        rig.router.rules = TO_PBX
        await asyncio.sleep(10.0)
        assert rig.provider.at == [65.0]


async def test_nobody_is_asked_while_the_provider_is_to_be_left_alone() -> None:
    async with rigged() as rig:
        rig.health.record_failure(Disabled("wrong key", pause=37.5))
        rig.poller.start()
        await asyncio.sleep(60.0)
        assert rig.provider.at == [37.5]


async def test_who_works_again_sooner_is_asked_at_the_next_look() -> None:
    async with rigged() as rig:
        rig.health.record_failure(Disabled("wrong key", pause=3600.0))
        rig.poller.start()
        await asyncio.sleep(31.0)
        rig.health.breaker.retry_now()
        await asyncio.sleep(10.0)
        assert rig.provider.at == [35.0]


# --- from when on ----------------------------------------------------------------------------------


async def test_a_new_installation_begins_now_and_then_asks_for_what_is_new() -> None:
    async with rigged() as rig:
        rig.provider.phones = [from_phone("before its time", "0", at=ms(14.0))]
        rig.poller.start()
        await asyncio.sleep(20.0)
        rig.provider.phones.append(from_phone("yes", "1", at=ms(20.0)))
        await asyncio.sleep(200.0)
        assert rig.provider.inbound_asked == [ms(15.0), None, None, None]
        assert await rig.texts() == ["yes"]
        assert (rig.owed, value(rig.metrics, "inbound_messages_total", provider="lab", account="pbx")) == (
            ["pbx"],
            1,
        )


@pytest.mark.parametrize(("ran", "since"), [(0.0, 15.0), (3600.0, 15.0), (7140.0, 7155.0 - 3600.0)])
async def test_after_a_restart_it_asks_for_the_hour_before_its_last_answer(ran: float, since: float) -> None:
    """But for nothing that came before its first question."""
    async with rigged() as rig:
        rig.poller.start()
        await asyncio.sleep(AFTER_START + ran + 1.0)
        await rig.poller.stop()
        rig.provider.phones.append(from_phone("meanwhile", "1", at=rig.clock()))
        await asyncio.sleep(86400.0)
        rig.provider.inbound_asked.clear()
        rig.poller = rig.new_poller()
        rig.poller.start()
        await asyncio.sleep(100.0)
        assert rig.provider.inbound_asked == [ms(since), None]
        assert await rig.texts() == ["meanwhile"]


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (Unavailable("connection refused"), 60.0),
        (Throttled("slow down", after=95.0), 95.0),
        (Disabled("wrong key", pause=1000.0), 1000.0),
    ],
)
async def test_after_a_question_that_failed_it_asks_by_time(
    error: ProviderError, again: float, caplog: pytest.LogCaptureFixture
) -> None:
    async with rigged() as rig:
        rig.poller.start()
        await asyncio.sleep(7300.0)
        asked = len(rig.provider.at)
        rig.provider.inbound_fails.append(error)
        rig.provider.phones.append(from_phone("yes", "1", at=rig.clock()))
        await asyncio.sleep(100.0 + again)
        failed = rig.provider.at[asked]
        assert rig.provider.inbound_asked[asked : asked + 3] == [None, ms(failed - 60.0) - HOUR, None]
        assert rig.provider.at[asked + 1] == failed + again
        assert await rig.texts() == ["yes"]
    told = [one for one in caplog.records if one.getMessage() == "messages from phones: no answer"]
    assert [one.levelno for one in told] == [logging.WARNING]
    assert getattr(told[0], "fields", None) == {"provider": "lab", "reason": error.reason}


async def test_an_answer_that_makes_no_sense_is_counted() -> None:
    async with rigged() as rig:
        rig.provider.inbound_fails.append(Unavailable("no JSON", code=UNREADABLE))
        rig.poller.start()
        await asyncio.sleep(20.0)
        assert value(rig.metrics, "unreadable_answers_total", provider="lab") == 1


# --- a store that fails ----------------------------------------------------------------------------


async def test_what_cannot_be_saved_is_not_asked_for_again() -> None:
    """The provider may have forgotten it by now."""
    async with rigged() as rig:
        rig.provider.phones = [from_phone("yes", at=ms(16.0))]
        rig.failing.failing.add("add_inbound")
        rig.poller.start()
        await asyncio.sleep(200.0)
        assert (rig.provider.at, rig.owed) == ([15.0], [])
        rig.failing.failing.clear()
        await asyncio.sleep(10.0)
        assert (rig.provider.at, rig.owed, await rig.texts()) == ([15.0], ["pbx"], ["yes"])


CALLS = ["mark", "set_mark", "set_mark", "add_inbound", "set_mark", "add_inbound", "set_mark"]


async def ask_twice(rig: Rig) -> None:
    """And be told something the first and the second time, and by time again after a restart."""
    rig.provider.phones = [
        from_phone("before its time", "0", at=ms(14.0)),
        from_phone("one", "1", at=ms(16.5)),
    ]
    rig.poller.start()
    await asyncio.sleep(50.0)
    rig.provider.phones.append(from_phone("two", "2", at=ms(50.0)))
    await asyncio.sleep(40.0)


async def test_what_is_asked_of_the_store() -> None:
    async with rigged() as rig:
        rig.failing.fail_at(0)
        await ask_twice(rig)
        assert rig.failing.called == CALLS


@pytest.mark.parametrize("nth", range(1, len(CALLS) + 1))
async def test_a_store_that_fails_once(nth: int) -> None:
    """Everything is taken once, and nothing from before the first question; it is never asked more often."""
    async with rigged() as rig:
        rig.failing.fail_at(nth)
        await ask_twice(rig)
        assert rig.failing.failed == [CALLS[nth - 1]]
        assert await rig.texts() == ["one", "two"]
        assert value(rig.metrics, "inbound_messages_total", provider="lab", account="pbx") == 2
        assert len(rig.provider.at) == 2
        await rig.poller.stop()
        rig.provider.inbound_asked.clear()
        rig.poller = rig.new_poller()
        rig.poller.start()
        await asyncio.sleep(20.0)
        (since,) = rig.provider.inbound_asked
        assert since is not None and ms(15.0) <= since <= ms(16.1)
        assert await rig.texts() == ["one", "two"]


async def test_a_clock_that_was_ahead_once_hides_no_messages() -> None:
    async with rigged() as rig:
        rig.poller.start()
        rig.clock.jump(400 * 86400.0)
        await asyncio.sleep(20.0)
        await rig.poller.stop()
        rig.clock.jump(-400 * 86400.0)
        rig.provider.inbound_asked.clear()
        poller = rig.new_poller()
        poller.start()
        await asyncio.sleep(20.0)
        await poller.stop()
        assert rig.provider.inbound_asked == [ms(35.0)]
