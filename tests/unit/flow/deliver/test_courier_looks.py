"""When the courier looks for what nobody told it of."""

import asyncio

import pytest

from tests.unit.flow.deliver.scene import ids, scene

pytestmark = pytest.mark.virtual_time

IDLE = 30.0  # seconds between two looks without being woken


async def test_receipts_that_nobody_told_of_are_found_at_the_next_look() -> None:
    async with scene() as now:
        bound = await now.bind()
        await asyncio.sleep(1.0)
        now.outcomes._owed = lambda account: None
        message_ids = await now.receipts(1)
        await asyncio.sleep(IDLE)
        assert ids(bound) == message_ids
        assert now.at(bound) == [IDLE]


async def test_messages_from_phones_that_nobody_told_of_are_found_too() -> None:
    async with scene() as now:
        bound = await now.bind()
        await asyncio.sleep(1.0)
        now.inbound._owed = lambda account: None
        await now.phone("yes")
        await asyncio.sleep(IDLE)
        assert bound.texts == ["yes"]
        assert now.at(bound) == [IDLE]


async def test_the_pause_between_looks_may_be_another() -> None:
    async with scene(idle=3.0) as now:
        bound = await now.bind()
        now.inbound._owed = lambda account: None
        await now.phone("yes")
        await asyncio.sleep(3.0)
        assert now.at(bound) == [3.0]


async def test_receipts_do_not_cost_a_look_for_messages_from_phones() -> None:
    async with scene() as now:
        await now.bind()
        now.failing.fail_at(0)
        for _ in range(10):
            await now.receipts(1)
            await asyncio.sleep(1.0)
        assert len(now.called("claim_receipts")) >= 10
        assert now.called("claim_inbound") == []
        await asyncio.sleep(3 * IDLE)
        assert len(now.called("claim_inbound")) == 3


async def test_two_binds_look_for_messages_from_phones_no_more_often_than_one() -> None:
    async with scene() as now:
        await now.bind()
        await now.bind()
        now.failing.fail_at(0)
        await asyncio.sleep(10 * IDLE + 1.0)
        assert len(now.called("claim_inbound")) == 10
