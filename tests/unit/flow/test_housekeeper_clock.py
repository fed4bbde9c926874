"""A wrong clock: nothing is ended, put in doubt or deleted by it, and nothing waits because of it."""

import asyncio
from typing import Any

import pytest

from smppbridge.errors import Disabled, Throttled
from smppbridge.model.message import Outcome, Stage, State
from tests.support.builders.rows import (
    NOW,
    claim,
    finish,
    record_sent,
    report,
    segment,
    send,
    sent,
    stages,
    unsent,
)
from tests.unit.flow.house import KEEP, House, house
from tests.unit.flow.send.rig import Lab

pytestmark = pytest.mark.virtual_time

HOUR, DAY = 3600.0, 86400.0  # seconds
SETTLED = 600.0


async def running(now: House) -> None:
    """The bridge works for so long that it knows which time is right."""
    now.start()
    await asyncio.sleep(SETTLED + 1.0)


async def everything(now: House) -> None:
    """A message of each kind that time ends, a receipt and a final message, all of them young."""
    now.fleet["lab"].health.record_failure(Disabled("wrong key", pause=7 * DAY))
    until = now.at(2 * HOUR)
    here: dict[str, Any] = {"route": "lab", "due_at": until, "deadline": until, "submitted_at": now.clock()}
    await now.store.add_segments([segment(1, **here), segment(2, **here), segment(3, **here)])
    doubtful, gone, over = await claim(now.store)
    await now.store.record([], [unsent(doubtful, Stage.UNCERTAIN, until)], [], now.clock())
    await record_sent(now.store, [sent(gone, deadline=until), sent(over, deadline=until)], now.clock())
    await now.store.settle("lab", [report(3)], now.clock())
    await now.store.add_segments([segment(4, **here), segment(5, **here | {"stage": int(Stage.WAITING)})])
    await now.store.add_segments([segment(6, registered_delivery=0, submitted_at=now.clock())])
    await finish(now.store, [Outcome(6, int(State.DELETED), 0, "", now.clock())])


YOUNG = {
    1: Stage.UNCERTAIN,
    2: Stage.SENT,
    3: Stage.FINAL,
    4: Stage.QUEUED,
    5: Stage.WAITING,
    6: Stage.FINAL,
}


@pytest.mark.parametrize("jump", [26 * HOUR, 400 * DAY])
async def test_a_jump_that_is_taken_back_ends_and_deletes_nothing(jump: float) -> None:
    async with house() as now:
        await running(now)
        await everything(now)
        now.machine.jump(jump)
        await asyncio.sleep(SETTLED - 1.0)
        assert now.gauge("clock_suspect") == 1
        now.machine.jump(-jump)
        await asyncio.sleep(SETTLED + 61.0)
        assert now.gauge("clock_suspect") == 0
        assert await stages(now.store) == YOUNG
        assert now.gauge("owed_receipts", account="pbx") == 1


async def test_a_jump_that_stays_counts_after_ten_minutes() -> None:
    async with house() as now:
        await running(now)
        await everything(now)
        now.machine.jump(400 * DAY)
        await asyncio.sleep(SETTLED - 1.0)
        assert await stages(now.store) == YOUNG
        await asyncio.sleep(62.0)
        assert set((await stages(now.store)).values()) <= {Stage.FINAL}
        assert now.ended(State.EXPIRED) == 2


async def test_what_waits_to_be_sent_is_sent_while_the_clock_is_suspect() -> None:
    async with house() as now:
        await running(now)
        now.lab.answers.append(Throttled("slow down", after=5.0))
        here: dict[str, Any] = {"due_at": now.at(HOUR), "deadline": now.at(HOUR)}
        await now.store.add_segments([segment(1, **here)])
        now.machine.jump(26 * HOUR)
        now.fleet.wake("lab", "pbx")
        began = now.now
        await asyncio.sleep(10.0)
        assert [round(at - began) for _, at in now.sent(now.lab)] == [0, 5]


async def test_a_hand_over_under_way_is_not_put_in_doubt_by_any_jump() -> None:
    lab = Lab(delay=3 * SETTLED, lease=4 * SETTLED)
    async with house(lab=lab) as now:
        await running(now)
        await now.store.add_segments([segment(1, due_at=now.at(DAY), deadline=now.at(9 * DAY))])
        now.fleet.wake("lab", "pbx")
        await asyncio.sleep(1.0)
        now.machine.jump(26 * HOUR)
        await asyncio.sleep(2 * SETTLED)
        assert (now.clock() - NOW > 26 * HOUR * 1000, now.gauge("clock_suspect")) == (True, 0)
        assert await stages(now.store) == {1: Stage.SENDING}
        await asyncio.sleep(SETTLED)
        assert await stages(now.store) == {1: Stage.SENT}


async def test_a_hand_over_that_hangs_is_put_in_doubt_when_its_lease_is_over() -> None:
    lab = Lab(delay=DAY, lease=100.0)
    async with house(lab=lab) as now:
        now.start()
        await now.store.add_segments([segment(1)])
        now.fleet.wake("lab", "pbx")
        await asyncio.sleep(99.0)
        assert await stages(now.store) == {1: Stage.SENDING}
        await asyncio.sleep(2.0)
        assert await stages(now.store) == {1: Stage.UNCERTAIN}


# --- put back --------------------------------------------------------------------------------------


async def test_what_was_to_be_tried_again_waits_no_hour_longer_when_the_clock_is_put_back() -> None:
    async with house() as now:
        await running(now)
        now.machine.jump(-HOUR)
        await asyncio.sleep(SETTLED - 10.0)
        now.lab.answers.append(Throttled("slow down", after=60.0))
        far = now.at(9 * DAY)
        await now.store.add_segments([segment(1, due_at=far, deadline=far)])
        now.fleet.wake("lab", "pbx")
        began = now.now
        await asyncio.sleep(100.0)
        assert now.clock() == now.machine()
        assert [number for number, at in now.sent(now.lab) if at - began <= 61.0] == [1, 1]


async def test_what_is_scheduled_keeps_its_time_when_the_clock_is_put_back() -> None:
    async with house(tick=30.0) as now:
        await running(now)
        at = now.at(HOUR)
        await now.store.add_segments(
            [segment(1, stage=int(Stage.WAITING), due_at=at, deadline=at + 9_000_000)]
        )
        now.machine.jump(-HOUR)
        began = now.now
        await asyncio.sleep(3 * HOUR)
        ((number, at_last),) = now.sent(now.lab)
        assert (number, 7200 <= at_last - began < 7230) == (1, True)


async def test_receipts_are_due_although_the_clock_was_put_back() -> None:
    async with house() as now:
        await running(now)
        await send(now.store, segment(1))
        await now.store.settle("lab", [report(1)], now.clock())
        now.machine.jump(-HOUR)
        await asyncio.sleep(SETTLED + 2.0)
        assert now.clock() == now.machine()
        (receipt,) = await now.store.claim_receipts("pbx", 0, now.clock(), now.clock() + 1, 10)
        assert receipt.wire_id == "1"


async def test_what_waits_is_looked_through_again_when_the_store_failed_meanwhile() -> None:
    async with house() as now:
        await running(now)
        await send(now.store, segment(1))
        await now.store.settle("lab", [report(1)], now.clock())
        now.failing.failing.add("hasten_owed")
        now.machine.jump(-HOUR)
        await asyncio.sleep(SETTLED + 5.0)
        now.failing.failing.clear()
        await asyncio.sleep(2.0)
        assert len(await now.store.claim_receipts("pbx", 0, now.clock(), now.clock() + 1, 10)) == 1


# --- at the start ----------------------------------------------------------------------------------


async def test_a_start_with_a_clock_far_ahead_deletes_nothing_before_it_can_be_set_right() -> None:
    async with house() as now:
        await everything(now)
        await being_held(now)
        latest = now.clock()
        now.machine.jump(4 * DAY)
        now.clock.compare(latest)
        now.start()
        await asyncio.sleep(SETTLED - 1.0)
        now.machine.jump(-4 * DAY)
        await asyncio.sleep(HOUR)
        assert await stages(now.store) == {**YOUNG, 7: Stage.UNCERTAIN}
        assert now.gauge("owed_receipts", account="pbx") == 1


async def being_held(now: House) -> None:
    """A message that was being handed over when the bridge was killed: the next start ends its lease."""
    await now.store.add_segments([segment(7, provider="spare", deadline=now.at(9 * DAY))])
    await now.store.claim_messages("spare", "pbx", 1, now.clock(), 0)


async def test_after_a_start_that_was_off_for_long_everything_ends_a_little_later() -> None:
    async with house() as now:
        await everything(now)
        latest = now.clock()
        now.machine.jump(KEEP + DAY)
        now.clock.compare(latest)
        now.start()
        await asyncio.sleep(SETTLED - 1.0)
        assert await stages(now.store) == YOUNG
        await asyncio.sleep(62.0)
        assert set((await stages(now.store)).values()) == {Stage.FINAL}


async def test_the_store_knows_when_the_bridge_ran_last() -> None:
    async with house() as now:
        await running(now)
        assert await now.store.mark("clock") == now.at(-1.0)
        now.machine.jump(26 * HOUR)
        await asyncio.sleep(SETTLED - 1.0)
        assert await now.store.mark("clock") == now.at(-SETTLED)
