"""What every store promises when the clock was put back (store.base.Store)."""

from typing import Any

import pytest

from smppbridge.model.message import Stage, State
from smppbridge.store.base import Store
from smppbridge.store.results import HASTENED, Reached
from tests.contract.store.lookups import NEW
from tests.support.builders.rows import (
    ASKS_FOR_AN_ALERT,
    DAY,
    HOUR,
    NOW,
    arrival,
    claim,
    inbound_part,
    record_sent,
    record_unsent,
    report,
    segment,
    send,
    sent,
    unsent,
)

BACK = HOUR  # the clock shows NOW, and showed NOW + BACK
MINUTE = 60_000


async def hasten(store: Store, limit: int = 100, provider: str = "lab") -> int:
    """The whole walk; how many steps it took."""
    steps, place = 0, Reached()
    while place != HASTENED:
        place = await store.hasten(provider, NOW, place, limit)
        steps += 1
    return steps


async def due(store: Store) -> set[int]:
    """Which messages are queued now, asked about as doubts, or polled."""
    await store.promote("lab", NOW, 100)
    messages = await claim(store)
    doubts = await store.claim_doubts("lab", NOW, 100, NOW + HOUR)
    polls = await store.claim_polls("lab", NOW, 100, HOUR, HOUR)
    return {one.id for one in messages} | {one.id for one in doubts} | {one.id for one in polls}


async def waiting(store: Store, stage: Stage, due_at: int, *numbers: int, **changes: Any) -> None:
    """Messages with an attempt that are due in this stage."""
    await store.add_segments([segment(number, **changes) for number in numbers])
    messages = await claim(store)
    if stage is Stage.SENT:
        await record_sent(store, [sent(one, poll_at=due_at) for one in messages])
    else:
        await record_unsent(store, [unsent(one, stage, due_at) for one in messages])


@pytest.mark.parametrize("stage", [Stage.WAITING, Stage.UNCERTAIN, Stage.SENT])
@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_what_waits_by_a_pause_of_the_bridge_is_due(store: Store, stage: Stage, limit: int) -> None:
    await waiting(store, stage, NOW + BACK + MINUTE, 1, 2)
    await waiting(store, stage, NOW + BACK + 2 * MINUTE, 3)
    assert await due(store) == set()
    assert await hasten(store, limit, "spare") == 3
    assert await due(store) == set()
    assert await hasten(store, limit) <= 7
    assert await due(store) == {1, 2, 3}


@pytest.mark.parametrize("stage", [Stage.WAITING, Stage.UNCERTAIN, Stage.SENT])
async def test_what_waits_for_its_deadline_or_for_its_provider_stays(store: Store, stage: Stage) -> None:
    if stage is not Stage.WAITING:  # then it was put off for longer than it lives
        await waiting(store, stage, NOW + DAY, 1)
    await waiting(store, stage, NOW + BACK, 2, send_at=NOW + BACK)
    assert await hasten(store) == 3
    assert await due(store) == set()


async def test_what_was_handed_back_or_put_off_is_due(store: Store) -> None:
    """Even where it would wait until its deadline."""
    await store.add_segments([segment(1), segment(2)])
    [message] = await claim(store, 1)
    await store.hand_back([(message.id, message.attempt, NOW + BACK)])
    await store.put_off("lab", "pbx", NOW + 2 * DAY, 10)
    assert await due(store) == set()
    await hasten(store)
    assert await due(store) == {1, 2}


async def test_what_is_scheduled_keeps_its_time(store: Store) -> None:
    await store.add_segments(
        [segment(1, stage=int(Stage.WAITING), due_at=NOW + BACK), segment(2), segment(3)]
    )
    await store.put_off("lab", "pbx", NOW + BACK, 10)
    there = NEW._replace(provider="lab")
    assert await store.replace(2, there._replace(stage=Stage.WAITING, due_at=NOW + 2 * BACK), NOW)
    assert await store.replace(3, there, NOW)
    await hasten(store)
    assert await due(store) == {3}


@pytest.mark.parametrize("limit", [1, 100])
async def test_all_that_is_owed_is_due(store: Store, limit: int) -> None:
    later = NOW + BACK
    await send(
        store, *(segment(number, tlvs=ASKS_FOR_AN_ALERT) for number in (1, 2, 3)), segment(4, account="log")
    )
    await store.claim_receipts("pbx", 7, NOW, NOW, 1)  # the bind 7 is there
    await store.settle("lab", [report(1, State.UNDELIVERABLE), report(2), report(4)], later)
    [tried] = await store.claim_receipts("pbx", 7, later, later, 1)
    await store.defer_receipts([(tried.id, later + MINUTE, 1)])
    await store.add_inbound([arrival("1", inbound_part())], later)
    count = 0
    while step := await store.hasten_owed("pbx", NOW, limit):
        assert step <= limit
        count += step
    assert count == 4
    receipts = await store.claim_receipts("pbx", 7, NOW, NOW + HOUR, 9)
    assert {one.wire_id for one in receipts} == {"1", "2"}
    assert len(await store.claim_inbound("pbx", NOW, NOW + HOUR, 9)) == 1
    assert len(await store.claim_alerts("pbx", NOW, NOW + HOUR, 9)) == 1
    assert await store.claim_receipts("log", 0, NOW, NOW + HOUR, 9) == []
