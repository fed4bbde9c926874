"""Queues of providers that may not be used: who walks them, and where their messages go."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from smppbridge.errors import Disabled
from smppbridge.flow.accounts import Accounts
from smppbridge.flow.send.fleet import Fleet
from smppbridge.flow.send.rerouter import Rerouter
from smppbridge.model.message import Stage
from smppbridge.model.route import Route
from smppbridge.store.base import Store
from tests.support.builders.rows import segment
from tests.support.system.virtual_time import moment
from tests.unit.flow.send.rig import Lab, Rig, rigged

pytestmark = pytest.mark.virtual_time

WRONG_KEY = Disabled("wrong key", pause=3600.0)


class SpiedFleet(Fleet):
    """Notes who is woken, and wakes nobody."""

    def __init__(self, accounts: Accounts) -> None:
        super().__init__(accounts)
        self.wakes: list[tuple[str, str]] = []

    def wake(self, provider: str, account: str, count: int = 1) -> None:
        self.wakes.append((provider, account))


class SpiedRerouter(Rerouter):
    """Notes which queues it is to walk."""

    def __init__(self, store: Store, fleet: Fleet, routes: Sequence[Route], chunk: int) -> None:
        super().__init__(store, fleet, routes, chunk=chunk)
        self.asked: list[str] = []

    def soon(self, provider: str) -> None:
        self.asked.append(provider)
        super().soon(provider)


class Desk:
    """A rerouter over queues that nobody sends from."""

    def __init__(self, rig: Rig, routes: Sequence[str], chunk: int) -> None:
        self.rig = rig
        fleet = SpiedFleet(rig.accounts)
        self.wakes = fleet.wakes
        for dispatcher in rig.fleet.values():
            fleet.add(dispatcher)
        self.rerouter = SpiedRerouter(rig.store.store, fleet, routes_of(*routes), chunk)

    async def queue(
        self, *numbers: int, provider: str = "lab", route: str = "", account: str = "pbx"
    ) -> None:
        await self.rig.disk.add_segments(
            [
                segment(number, provider=provider, route=route or f"{provider},spare", account=account)
                for number in numbers
            ]
        )

    async def queues(self) -> dict[str, list[int]]:
        """The messages of each provider."""
        queued: dict[str, list[int]] = {}
        for row in await self.rig.disk.list_stage(Stage.QUEUED, 10_000):
            queued.setdefault(row.provider, []).append(row.id)
        return queued

    def down(self, *providers: str) -> None:
        for provider in providers:
            self.rig.fleet[provider].health.record_failure(WRONG_KEY)

    def low(self, *providers: str) -> None:
        """They are to be spared."""
        for provider in providers:
            self.rig.fleet[provider].health.record_balance(1.0)

    @property
    def walks(self) -> int:
        return len(self.rig.store.called)


def routes_of(*routes: str) -> list[Route]:
    return [Route(to=tuple(route.split(","))) for route in routes]


@asynccontextmanager
async def rerouting(*routes: str, chunk: int = 500, started: bool = True) -> AsyncIterator[Desk]:
    labs = [Lab(name, low_balance=100.0, leave_when_low=True) for name in ("lab", "spare", "other")]
    async with rigged(*labs) as rig:
        desk = Desk(rig, routes or ["lab,spare"], chunk)
        if started:
            desk.rerouter.start()
        await asyncio.sleep(10)
        yield desk
        await desk.rerouter.stop()


async def test_messages_of_a_provider_that_is_down_go_to_the_next_one_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with rerouting() as desk:
        await desk.queue(1, 2)
        await desk.queue(3, account="crm")
        desk.down("lab")
        desk.rerouter.soon("lab")
        await moment()
        assert await desk.queues() == {"spare": [1, 2, 3]}
        assert sorted(desk.wakes) == [("spare", "crm"), ("spare", "pbx")]
        [line] = [record for record in caplog.records if record.message == "messages rerouted"]
        assert line.__dict__["fields"] == {"provider": "lab", "count": 3, "to": "spare"}


@pytest.mark.parametrize("count", [3, 4, 5, 8, 9])
async def test_a_long_queue_is_walked_to_its_end(count: int, caplog: pytest.LogCaptureFixture) -> None:
    async with rerouting(chunk=4) as desk:
        await desk.queue(*range(1, count + 1))
        desk.down("lab")
        desk.rerouter.soon("lab")
        await moment()
        assert await desk.queues() == {"spare": list(range(1, count + 1))}
        lines = [record for record in caplog.records if record.message == "messages rerouted"]
        assert [line.__dict__["fields"]["count"] for line in lines] == [count]


async def test_more_than_one_look_by_default() -> None:
    async with rigged(Lab("lab"), Lab("spare")) as rig:
        await rig.disk.add_segments([segment(number, route="lab,spare") for number in range(1, 603)])
        rig.fleet["lab"].health.record_failure(WRONG_KEY)
        rerouter = Rerouter(rig.store.store, rig.fleet, routes_of("lab,spare"))
        rerouter.start()
        rerouter.soon("lab")
        await moment()
        assert {row.provider for row in await rig.disk.list_stage(Stage.QUEUED, 1000)} == {"spare"}
        assert (
            rig.store.called == ["reroute"] * 3
        )  # 500, 102, and once more to a provider that is to be spared
        await rerouter.stop()


async def test_who_is_to_be_spared_is_second_best() -> None:
    async with rerouting("lab,spare,other") as desk:
        await desk.queue(1, route="lab,spare,other")
        await desk.queue(2, route="lab,spare")
        desk.down("lab")
        desk.low("spare")
        desk.rerouter.soon("lab")
        await moment()
        assert await desk.queues() == {"other": [1], "spare": [2]}


async def test_a_provider_that_works_but_is_to_be_spared_leaves_nothing_to_another_such_one() -> None:
    async with rerouting("lab,spare,other") as desk:
        await desk.queue(1, route="lab,spare")
        await desk.queue(2, route="lab,spare,other")
        desk.low("lab", "spare")
        desk.rerouter.soon("lab")
        await moment()
        assert await desk.queues() == {"lab": [1], "other": [2]}


async def test_without_another_way_messages_stay(caplog: pytest.LogCaptureFixture) -> None:
    async with rerouting("lab", "spare,other") as desk:
        await desk.queue(1, route="lab")
        desk.down("lab")
        desk.rerouter.soon("lab")
        await moment()
        assert (await desk.queues(), desk.walks, desk.wakes) == ({"lab": [1]}, 0, [])
        assert "messages rerouted" not in caplog.text


async def test_nobody_is_told_of_a_walk_that_moved_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with rerouting("lab,spare") as desk:
        desk.down("lab")
        desk.rerouter.soon("lab")
        await moment()
        assert (desk.walks > 0, desk.wakes) == (True, [])
        assert "messages rerouted" not in caplog.text


async def test_another_provider_that_is_down_takes_nothing() -> None:
    async with rerouting("lab,spare,other") as desk:
        await desk.queue(1, route="lab,spare,other")
        desk.down("lab", "spare")
        desk.rerouter.soon("lab")
        await moment()
        assert await desk.queues() == {"other": [1]}


async def test_messages_of_a_provider_that_is_no_longer_configured_go_anywhere_in_their_route() -> None:
    async with rerouting("spare", "other") as desk:  # nobody knows its routes any more
        await desk.queue(1, provider="gone", route="gone,other,spare")
        await desk.queue(2, provider="gone", route="gone")
        desk.rerouter.soon("gone")
        await moment()
        assert await desk.queues() == {"other": [1], "gone": [2]}
        assert ("other", "pbx") in desk.wakes


async def test_only_routes_that_name_a_provider_say_who_takes_its_place() -> None:
    async with rerouting("lab,spare", "spare,other") as desk:
        desk.down("lab")
        await desk.queue(1, route="lab,other,spare")  # by routes of earlier days
        desk.rerouter.soon("lab")
        await moment()
        assert await desk.queues() == {"spare": [1]}


async def test_routes_may_change() -> None:
    async with rerouting("lab,spare") as desk:
        await desk.queue(1, route="lab,spare,other")
        desk.down("lab")
        desk.rerouter.routes = routes_of("lab,other")
        desk.rerouter.soon("lab")
        await moment()
        assert await desk.queues() == {"other": [1]}


# --- who is walked when ------------------------------------------------------------------------------


def walked(desk: Desk, changed: str) -> list[str]:
    """The providers that are walked because this one changed."""
    desk.rerouter.asked.clear()
    desk.rerouter.provider_changed(changed)
    return list(desk.rerouter.asked)


async def test_a_provider_that_went_down_is_walked() -> None:
    async with rerouting() as desk:
        desk.down("lab")
        assert walked(desk, "lab") == ["lab"]


async def test_a_provider_that_is_back_helps_those_that_are_not() -> None:
    async with rerouting() as desk:
        desk.down("spare")
        assert walked(desk, "lab") == ["spare"]
        desk.low("other")
        assert walked(desk, "lab") == ["spare", "other"]


async def test_a_provider_that_is_to_be_spared_is_walked_and_helps() -> None:
    async with rerouting() as desk:
        desk.low("lab")
        desk.down("other")
        assert walked(desk, "lab") == ["lab", "other"]


async def test_a_provider_that_went_down_helps_nobody() -> None:
    async with rerouting() as desk:
        desk.down("lab", "spare", "other")
        assert walked(desk, "lab") == ["lab"]


async def test_a_queue_is_walked_once_however_often_it_is_asked_for() -> None:
    async with rerouting() as desk:
        await desk.queue(1)
        desk.down("lab")
        for _ in range(5):
            desk.rerouter.soon("lab")
        await moment()
        assert (await desk.queues(), desk.walks) == (
            {"spare": [1]},
            2,
        )  # the second look: who is to be spared


async def test_messages_that_come_during_a_walk_are_walked_too() -> None:
    async with rerouting(chunk=1) as desk:
        await desk.queue(11, 12)
        desk.down("lab")
        desk.rerouter.soon("lab")
        while not desk.walks:
            await asyncio.sleep(0)
        await desk.queue(10)  # the walk is beyond it
        desk.rerouter.soon("lab")
        await moment()
        assert await desk.queues() == {"spare": [10, 11, 12]}


async def test_a_walk_that_the_store_breaks_off_is_made_again() -> None:
    async with rerouting(chunk=1) as desk:
        desk.rig.store.failing = {"reroute"}
        await desk.queue(1, 2)
        desk.down("lab")
        desk.rerouter.soon("lab")
        await asyncio.sleep(5)
        assert await desk.queues() == {"lab": [1, 2]}
        desk.rig.store.failing = set()
        await asyncio.sleep(1.1)
        assert await desk.queues() == {"spare": [1, 2]}


async def test_a_walk_that_broke_off_keeps_its_place_before_later_ones() -> None:
    async with rerouting("lab,spare", "other,spare") as desk:
        await desk.queue(1)
        await desk.queue(2, provider="other")
        desk.down("lab", "other")
        desk.rig.store.fail_at(1)
        desk.rerouter.soon("lab")
        desk.rerouter.soon("other")
        await asyncio.sleep(2)
        assert await desk.queues() == {"spare": [1, 2]}


async def test_nothing_is_walked_before_the_start_and_after_the_stop() -> None:
    async with rerouting(started=False) as desk:
        await desk.queue(1)
        desk.down("lab")
        desk.rerouter.soon("lab")
        await asyncio.sleep(100)
        assert desk.walks == 0
        desk.rerouter.start()
        await moment()
        assert await desk.queues() == {"spare": [1]}
        await desk.rerouter.stop()
        await desk.queue(2)
        desk.rerouter.soon("lab")
        await asyncio.sleep(100)
        assert await desk.queues() == {"lab": [2], "spare": [1]}
