"""Quiet hours of an account: no provider gets a message without priority then, whatever way it takes."""

import asyncio
from typing import Any

import pytest

from smppbridge.errors import Disabled, Unavailable
from smppbridge.model.message import Stage
from tests.support.builders.rows import NOW, segment
from tests.support.system.virtual_time import moment
from tests.unit.flow.send.rig import Lab, Rig, sending, times

pytestmark = pytest.mark.virtual_time

QUIET: dict[str, Any] = {"quiet": "8-12"}  # NOW is 8:53:20 UTC
OVER = 11_200.0  # seconds until noon
NOON = NOW + 11_200_000


async def promote(rig: Rig, *providers: str) -> None:
    """What the housekeeper does."""
    for name in providers:
        for account in await rig.disk.promote(name, rig.clock(), 1000):
            rig.fleet.wake(name, account)


async def test_what_is_queued_waits_until_they_are_over_and_what_is_urgent_goes() -> None:
    lab = Lab(batch=10)
    async with sending(lab, **QUIET) as rig:
        await rig.queue(segment(1), segment(2, priority=1), segment(3), segment(4, priority=3))
        await moment()
        assert lab.batches == [[4, 2]]
        for number in (1, 3):
            held = await rig.found(number)
            assert (held.stage, held.attempt, held.due_at) == (Stage.WAITING, 0, NOON)
        await asyncio.sleep(OVER - 1.0)
        await promote(rig, "lab")
        await moment()
        assert lab.batches == [[4, 2]]
        await asyncio.sleep(1.0)
        await promote(rig, "lab")
        await moment()
        assert lab.batches == [[4, 2], [1, 3]]


async def test_a_retry_waits_for_their_end_too() -> None:
    lab = Lab()
    lab.answers.append(Unavailable("connection refused"))
    async with sending(lab, quiet="9-12") as rig:
        await asyncio.sleep(399.0)  # 8:59:59
        await rig.queue(segment(1, route="lab"))
        await moment()
        assert lab.batches == [[1]]
        for _ in range(60):
            await asyncio.sleep(1.0)
            await promote(rig, "lab")
        assert lab.batches == [[1]]
        held = await rig.found(1)
        assert (held.stage, held.attempt, held.due_at) == (Stage.WAITING, 1, NOON)


async def test_another_provider_is_no_way_around_them() -> None:
    lab, spare = Lab(), Lab("spare")
    async with sending(lab, spare, **QUIET) as rig:
        await rig.queue(segment(1, provider="spare"), segment(2, provider="spare", priority=1))
        await moment()
        assert (lab.batches, spare.batches) == ([], [[2]])
        assert (await rig.found(1)).due_at == NOON


async def test_nothing_waits_beyond_its_deadline() -> None:
    lab = Lab()
    async with sending(lab, **QUIET) as rig:
        await rig.queue(segment(1, due_at=NOW + 5000, deadline=NOW + 5000))
        await moment()
        held = await rig.found(1)
        assert (held.stage, held.due_at) == (Stage.WAITING, NOW + 5000)
        [overdue] = await rig.disk.overdue("lab", NOW + 5000, 10)
        assert overdue.id == 1


async def test_accounts_without_them_are_not_concerned() -> None:
    lab = Lab(batch=10)
    async with sending(lab, **QUIET) as rig:
        await rig.queue(segment(1), segment(2, account="gone"))
        await moment()
        assert lab.batches == [[2]]


@pytest.mark.parametrize(
    "account", [{}, {"quiet": "12-8"}, {"quiet": "8-12", "quiet_time_zone": "Asia/Tokyo"}]
)
async def test_outside_of_them_everything_goes(account: dict[str, Any]) -> None:
    lab = Lab(batch=10)
    async with sending(lab, **account) as rig:
        await rig.queue(segment(1), segment(2))
        await moment()
        assert lab.batches == [[1, 2]]


async def test_a_provider_that_is_down_is_asked_once_for_all_that_has_to_wait() -> None:
    """Not once for each message of a long queue."""
    lab = Lab(batch=10)
    lab.money = 5.0
    async with sending(lab, **QUIET) as rig:
        rig.fleet["lab"].health.record_failure(Disabled("wrong key", pause=30.0))
        await rig.queue(*(segment(number) for number in range(1, 1101)))
        await asyncio.sleep(60.0)
        assert (lab.batches, lab.balances_asked) == ([], 1)
        assert await rig.disk.put_off("lab", "pbx", NOON, 1) == 0
        await rig.queue(segment(2000, priority=1))
        await moment()
        assert lab.batches == [[2000]]


async def test_a_store_that_fails_lets_nothing_out(caplog: pytest.LogCaptureFixture) -> None:
    lab = Lab()
    async with sending(lab, **QUIET) as rig:
        rig.store.failing = {"put_off"}
        await rig.queue(segment(1), segment(2, priority=1))
        await asyncio.sleep(3.5)
        assert lab.batches == []
        rig.store.failing = set()
        await asyncio.sleep(1.0)
        assert (lab.batches, times(lab)) == ([[2]], [4.0])
        assert (await rig.found(1)).due_at == NOON
    assert "worker step failed" in caplog.text
