"""What every store promises about restarts, retention and what is shown of it (store.base.Store)."""

import asyncio
from collections.abc import Callable

import pytest

from smppbridge.errors import StoreError
from smppbridge.model.message import Message, Outcome, Stage, State
from smppbridge.store.base import Store
from smppbridge.store.results import CLOCK
from tests.support.builders.rows import (
    DAY,
    HOUR,
    NOW,
    claim,
    finish,
    record_sent,
    record_unsent,
    report,
    segment,
    send,
    sent,
    stages,
    unsent,
)

# --- after a restart ---------------------------------------------------------------------------------


async def test_a_restart_finds_everything_and_frees_what_was_held(make_store: Callable[[], Store]) -> None:
    store = make_store()
    empty = await store.open()
    assert empty == (frozenset(), frozenset(), 0, frozenset(), 0)
    await store.claim_receipts("pbx", 7, NOW, NOW + HOUR, 10)
    await send(store, segment(1), segment(2, account="alarm"))
    await store.settle("lab", [report(1), report(2)], NOW)
    assert await store.claim_receipts("pbx", 7, NOW, NOW + HOUR, 10)
    await store.add_segments([segment(3), segment(4, account="alarm", provider="spare")])
    await claim(store)
    await store.close()

    store = make_store()
    backlog = await store.open()
    assert backlog.queued == {("spare", "alarm")}
    assert backlog.providers == {"lab", "spare"}
    assert (backlog.last_id, backlog.latest) == (4, NOW)
    [held] = await store.overdue("lab", NOW, 10)
    assert (held.id, held.stage) == (3, Stage.SENDING)
    [receipt] = await store.claim_receipts("pbx", 99, NOW, NOW + HOUR, 10)
    assert (receipt.wire_id, receipt.origin) == ("1", 0)
    await store.close()


@pytest.mark.parametrize(("mark", "latest"), [(NOW - 1, NOW), (NOW + 1, NOW + 1)])
async def test_a_start_says_when_the_store_was_at_work_last(
    make_store: Callable[[], Store], mark: int, latest: int
) -> None:
    """The newest message counts, whatever was said to older ones; and the mark."""
    store = make_store()
    await store.open()
    await store.add_segments([segment(1, submitted_at=NOW + DAY), segment(2)])
    await store.set_mark(CLOCK, mark)
    await store.close()
    store = make_store()
    assert (await store.open()).latest == latest
    await store.close()


async def test_calls_before_open_and_after_close_raise(make_store: Callable[[], Store]) -> None:
    store = make_store()
    with pytest.raises(StoreError):
        await store.probe()
    await store.open()
    with pytest.raises(StoreError):
        await store.open()
    await store.close()
    await store.close()
    with pytest.raises(StoreError):
        await store.add_segments([segment(1)])
    with pytest.raises(StoreError):
        await store.gauges(NOW)
    with pytest.raises(StoreError):
        await store.waiting()


async def test_close_finishes_what_was_begun(make_store: Callable[[], Store]) -> None:
    store = make_store()
    await store.open()
    begun = [store.add_segments([segment(number)]) for number in range(1, 6)]
    await store.close()
    await asyncio.gather(*begun)
    store = make_store()
    assert (await store.open()).last_id == 5
    await store.close()


# --- keeping house -----------------------------------------------------------------------------------


async def test_purge_deletes_old_final_messages_only(store: Store) -> None:
    await store.add_segments([segment(number, registered_delivery=0) for number in (1, 2, 3)])
    await store.add_segments([segment(4, submitted_at=NOW + HOUR, registered_delivery=0)])
    one, *_ = await claim(store, 1)
    await record_unsent(store, [unsent(one, Stage.QUEUED, NOW + DAY)])
    await finish(store, [Outcome(number, int(State.DELETED), 0, "", NOW) for number in (1, 2, 4)])
    assert await store.purge(NOW, NOW, NOW + DAY, 10) == 0
    assert await store.purge(NOW + 1, NOW, NOW + DAY, 1) == 1
    assert await store.purge(NOW + 1, NOW, NOW + DAY, 10) == 1
    assert await store.purge(NOW + 1, NOW, NOW + DAY, 10) == 0
    assert await stages(store) == {3: Stage.QUEUED, 4: Stage.FINAL}
    assert await store.purge(NOW + HOUR + 1, NOW, NOW + DAY, 10) == 1


async def test_purge_keeps_a_message_whose_receipt_is_owed(store: Store) -> None:
    await send(store, segment(1))
    await store.settle("lab", [report(1)], NOW)
    assert await store.purge(NOW + 1, NOW, NOW + DAY, 10) == 0
    [receipt] = await store.claim_receipts("pbx", 7, NOW, NOW, 10)
    await store.pay_receipts([receipt.id])
    assert await store.purge(NOW + 1, NOW, NOW + DAY, 10) == 1


async def test_purge_comes_past_rows_that_have_to_stay(store: Store) -> None:
    await store.add_segments([segment(number, registered_delivery=0) for number in range(1, 101)])
    await finish(store, [Outcome(100, int(State.DELETED), 0, "", NOW)])
    assert sum([await store.purge(NOW + 1, NOW, NOW + DAY, 2) for _ in range(10)]) == 1


async def test_purge_comes_past_rows_of_a_clock_that_was_ahead(store: Store) -> None:
    """They stay as long as what was stored before and after them."""
    ahead = NOW + 400 * DAY
    days = {1: NOW - DAY, 2: ahead, 3: ahead, 4: NOW - HOUR, 5: ahead, 6: NOW}
    await store.add_segments(
        [segment(number, submitted_at=at, registered_delivery=0) for number, at in days.items()]
    )
    await finish(store, [Outcome(number, int(State.DELETED), 0, "", NOW) for number in days])
    before = NOW - HOUR + 1
    assert [await store.purge(before, 0, NOW, 10) for _ in range(3)] == [2, 2, 0]
    assert set(await stages(store)) == {5, 6}


async def test_purge_comes_past_many_rows_from_the_future_in_bounded_steps(
    store: Store,
) -> None:
    ahead = NOW + 400 * DAY
    rows = [segment(number, submitted_at=ahead, registered_delivery=0) for number in range(1, 101)]
    await store.add_segments([*rows, segment(101, submitted_at=NOW - DAY, registered_delivery=0)])
    await finish(store, [Outcome(101, int(State.DELETED), 0, "", NOW)])
    assert sum([await store.purge(NOW, 0, NOW, 2) for _ in range(10)]) == 1


async def test_purge_forgets_statuses_from_the_future(store: Store) -> None:
    """They came by a clock that was ahead, and must not keep later ones from going."""
    await store.settle("lab", [report(1), report(2)], NOW + 400 * DAY)
    await store.settle("lab", [report(3)], NOW)
    await store.settle("lab", [report(4)], NOW + HOUR)
    assert await store.purge(0, NOW + 1, NOW + HOUR, 10) == 3
    assert await store.purge(0, NOW + HOUR, NOW + HOUR, 10) == 0


async def test_purge_forgets_old_statuses_for_unknown_references(store: Store) -> None:
    await store.settle("lab", [report(1)], NOW)
    await store.settle("lab", [report(2)], NOW + HOUR)
    assert await store.purge(NOW, NOW + 1, NOW + DAY, 10) == 1
    messages = await claim_after_adding(store, 1, 2)
    settlement = await record_sent(store, [sent(message) for message in messages], NOW)
    assert len(settlement.settled) == 1


async def claim_after_adding(store: Store, *numbers: int) -> list[Message]:
    await store.add_segments([segment(number) for number in numbers])
    return await claim(store)


async def test_probe_writes(store: Store) -> None:
    await asyncio.gather(store.probe(), store.probe())


async def test_gauges(store: Store) -> None:
    await store.add_segments(
        [
            segment(1, submitted_at=NOW - 9),
            segment(2),
            segment(3, stage=int(Stage.WAITING), provider="spare", submitted_at=NOW - 3, due_at=NOW),
            segment(4, provider="spare", account="alarm"),
        ]
    )
    await send(store, segment(5, account="busy"), segment(6, account="busy"))
    await store.settle("lab", [report(5)], NOW + 5)
    await store.settle("lab", [report(6)], NOW + 6)
    await send(store, segment(7, account="removed", provider="gone"))
    await store.settle("gone", [report(7)], NOW + 7)
    [uncertain] = await claim(store, provider="spare", account="alarm")
    await record_unsent(store, [unsent(uncertain, Stage.UNCERTAIN, NOW + DAY)])
    gauges = await store.gauges(NOW)
    assert gauges.queued == {"lab": (2, NOW - 9), "spare": (1, NOW - 3)}
    assert gauges.uncertain == {"spare": 1}
    assert gauges.owed == {"busy": (2, NOW + 5), "removed": (1, NOW + 7)}  # in the configuration or not


async def test_list_stage_is_oldest_first_and_limited(store: Store) -> None:
    await store.add_segments([segment(number, account=f"a{number}") for number in (3, 1, 2)])
    assert [row.id for row in await store.list_stage(Stage.QUEUED, 2)] == [1, 2]
    assert await store.list_stage(Stage.UNCERTAIN, 2) == []


async def test_what_waits_for_a_far_time_is_not_late(store: Store) -> None:
    """Scheduled messages, and those of quiet hours: they count, but say nothing of how the provider does."""
    await store.add_segments(
        [
            segment(1, stage=Stage.WAITING, due_at=NOW + HOUR),
            segment(2, provider="spare", stage=Stage.WAITING, due_at=NOW + HOUR),
            segment(3, stage=Stage.WAITING, due_at=NOW + 600_000, submitted_at=NOW + 3),
            segment(4, submitted_at=NOW + 4),
        ]
    )
    assert (await store.gauges(NOW - 1)).queued == {"lab": (3, NOW + 4), "spare": (1, NOW - 1)}
    assert (await store.gauges(NOW)).queued == {"lab": (3, NOW + 3), "spare": (1, NOW)}
    assert (await store.gauges(NOW + HOUR)).queued == {"lab": (3, NOW), "spare": (1, NOW)}
