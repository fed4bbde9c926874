"""What every store promises about accepting and sending (store.base.Store)."""

import asyncio
from collections.abc import Callable

import pytest

from smppbridge.errors import StoreError
from smppbridge.model.message import Message, Outcome, Stage, State
from smppbridge.store.base import Store
from smppbridge.store.results import Rerouted
from tests.support.builders.messages import claimed
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


def ids(rows: list[Message]) -> list[int]:
    return [row.id for row in rows]


# --- accepting ---------------------------------------------------------------------------------------


async def test_a_claimed_message_is_what_was_added(store: Store) -> None:
    plain = segment(5, text="Ångström 😀\0\n", priority=2, service_type="HLR", data_coding=3)
    binary = segment(
        6, text="", octets=b"\0\xff\x00", flash=True, protocol_id=0x7F, tlvs=b"\x02\x0a\0\x02\0\xff",
        data_coding=4, send_at=NOW + HOUR,
    )  # fmt: skip
    await store.add_segments([binary, plain])
    for added, message in zip([plain, binary], await claim(store), strict=True):
        assert message == claimed(added)


async def test_a_duplicate_stores_nothing_of_its_batch(store: Store) -> None:
    await store.add_segments([segment(1)])
    with pytest.raises(StoreError, match="same key"):
        await store.add_segments([segment(2), segment(1, wire_id="other"), segment(3)])
    assert ids(await claim(store)) == [1]


async def test_messages_may_share_a_wire_id(store: Store) -> None:
    """As all destinations of one submit_multi do."""
    await store.add_segments([segment(1, wire_id="a"), segment(2, wire_id="a")])
    assert ids(await claim(store)) == [1, 2]


async def test_the_guilty_one_fails_alone_when_calls_share_a_turn(store: Store) -> None:
    good, bad, also_good = (
        store.add_segments([segment(1)]),
        store.add_segments([segment(1)]),
        store.add_segments([segment(2)]),
    )
    results = await asyncio.gather(good, bad, also_good, return_exceptions=True)
    assert results[0] is None and results[2] is None
    assert isinstance(results[1], StoreError)
    assert ids(await claim(store)) == [1, 2]


async def test_a_value_that_cannot_be_stored_is_a_store_error(store: Store) -> None:
    with pytest.raises(StoreError):
        await store.add_segments([segment(2**70)])
    with pytest.raises(StoreError):
        await store.add_segments([segment(1, text="\ud800")])
    assert await claim(store) == []


async def test_short_ids_are_reserved_once_and_wrap(store: Store) -> None:
    first = await store.take_short_ids(10)
    second = await store.take_short_ids(2**31 - 1 - 20)
    third = await store.take_short_ids(10)
    assert (first, second, third) == (1, 11, 2**31 - 10)
    assert await store.take_short_ids(3) == 1


async def test_short_ids_do_not_cross_the_end(store: Store) -> None:
    await store.take_short_ids(2**31 - 1 - 4)
    assert await store.take_short_ids(5) == 1


async def test_short_ids_go_on_after_a_restart(make_store: Callable[[], Store]) -> None:
    for first in (1, 101):
        store = make_store()
        await store.open()
        assert await store.take_short_ids(100) == first
        await store.close()


@pytest.mark.parametrize("count", [0, -1, 2**31])
async def test_a_senseless_count_of_short_ids_is_refused(store: Store, count: int) -> None:
    with pytest.raises(ValueError, match="count"):
        await store.take_short_ids(count)


# --- claiming ----------------------------------------------------------------------------------------


async def test_claims_go_by_priority_then_by_id(store: Store) -> None:
    await store.add_segments(
        [segment(1), segment(4, priority=3), segment(2, priority=1), segment(3, priority=3)]
    )
    assert ids(await claim(store, 3)) == [3, 4, 2]
    assert ids(await claim(store, 3)) == [1]
    assert await claim(store) == []


async def test_claims_are_of_one_provider_and_one_account(store: Store) -> None:
    await store.add_segments([segment(1), segment(2, account="alarm"), segment(3, provider="spare")])
    assert ids(await claim(store)) == [1]
    assert ids(await claim(store, account="alarm")) == [2]
    assert ids(await claim(store, provider="spare")) == [3]


async def test_a_message_past_its_deadline_is_not_claimed(store: Store) -> None:
    await store.add_segments(
        [segment(1, deadline=NOW, due_at=NOW), segment(2, deadline=NOW + 1, due_at=NOW + 1)]
    )
    assert ids(await claim(store)) == [2]


async def test_claims_of_one_turn_do_not_overlap(store: Store) -> None:
    await store.add_segments([segment(number) for number in range(1, 11)])
    first, second = await asyncio.gather(claim(store, 6), claim(store, 6))
    assert ids(first) + ids(second) == list(range(1, 11))


# --- the ends of an attempt --------------------------------------------------------------------------


async def test_record_sent_needs_the_last_attempt(store: Store) -> None:
    await store.add_segments([segment(1)])
    [first] = await claim(store)
    await record_unsent(store, [unsent(first, Stage.QUEUED, NOW + DAY)])
    [second] = await claim(store)
    assert (second.attempt, second.tries) == (2, 1)
    await record_sent(store, [sent(first)._replace(provider_ref="of the first")], NOW)
    assert await stages(store) == {1: Stage.SENDING}
    await record_sent(store, [sent(second)], NOW)
    assert await stages(store) == {1: Stage.SENT}
    assert (await store.settle("lab", [report(1)], NOW)).settled


async def test_an_uncertain_message_may_turn_out_sent(store: Store) -> None:
    await store.add_segments([segment(1)])
    [message] = await claim(store)
    await record_unsent(store, [unsent(message, Stage.UNCERTAIN, NOW + HOUR)])
    assert await stages(store) == {1: Stage.UNCERTAIN}
    await record_sent(store, [sent(message)], NOW)
    assert await stages(store) == {1: Stage.SENT}


async def test_a_late_sent_counts_as_long_as_no_newer_attempt_began(store: Store) -> None:
    await store.add_segments([segment(1), segment(2)])
    late, too_late = await claim(store)
    back = [unsent(late, Stage.WAITING, NOW), unsent(too_late, Stage.WAITING, NOW)]
    await record_unsent(store, back)
    await record_sent(store, [sent(late)], NOW)
    assert await stages(store) == {1: Stage.SENT, 2: Stage.WAITING}
    await store.promote("lab", NOW, 10)
    [newer] = await claim(store)
    assert (newer.id, newer.attempt) == (2, 2)
    await record_sent(store, [sent(too_late)], NOW)
    await record_unsent(store, back)
    assert await stages(store) == {1: Stage.SENT, 2: Stage.SENDING}


async def test_a_late_sent_takes_a_message_out_of_the_queue(store: Store) -> None:
    await store.add_segments([segment(1)])
    [message] = await claim(store)
    await record_unsent(store, [unsent(message, Stage.WAITING, NOW)])
    await store.promote("lab", NOW, 10)
    assert await stages(store) == {1: Stage.QUEUED}
    await record_sent(store, [sent(message, poll_at=NOW, deadline=NOW + HOUR)], NOW)
    assert await stages(store) == {1: Stage.SENT}
    assert await claim(store) == []
    assert [poll.id for poll in await store.claim_polls("lab", NOW, 10, 1, 1)] == [1]
    assert [row.id for row in await store.overdue("lab", NOW + HOUR, 10)] == [1]


@pytest.mark.parametrize("stage", [Stage.WAITING, Stage.QUEUED, Stage.UNCERTAIN])
async def test_a_late_sent_is_of_the_provider_of_its_attempt(store: Store, stage: Stage) -> None:
    await store.add_segments([segment(1)])
    [message] = await claim(store)
    await record_unsent(store, [unsent(message, stage, NOW + HOUR, provider="spare")])
    await store.settle("lab", [report(1, State.ENROUTE, final=False)], NOW)
    await record_sent(store, [sent(message)], NOW)
    [row] = await store.list_stage(Stage.SENT, 10)
    assert (row.provider, row.answered) == ("lab", True)
    assert await claim(store, provider="spare") == []
    assert (await store.settle("lab", [report(1)], NOW)).settled


async def test_a_late_sent_is_found_after_a_reroute(store: Store) -> None:
    await store.add_segments([segment(1)])
    [message] = await claim(store)
    await record_unsent(store, [unsent(message, Stage.QUEUED, NOW + DAY)])
    assert (await store.reroute("lab", ["spare"], 0, 10)).moved == 1
    await record_sent(store, [sent(message)], NOW)
    assert (await store.settle("spare", [report(1)], NOW)).settled == []
    assert (await store.settle("lab", [report(1)], NOW)).settled


async def test_record_sent_does_not_bring_back_a_final_message(store: Store) -> None:
    await store.add_segments([segment(1)])
    [message] = await claim(store)
    await finish(store, [Outcome(1, int(State.REJECTED), 1, "no", NOW)])
    await record_sent(store, [sent(message)], NOW)
    assert await stages(store) == {1: Stage.FINAL}


async def test_record_unsent_moves_on_to_the_next_provider(store: Store) -> None:
    await store.add_segments([segment(1), segment(2)])
    one, two = await claim(store)
    await record_unsent(
        store,
        [
            unsent(one, Stage.QUEUED, NOW + DAY, provider="spare", tries=0),
            unsent(two, Stage.WAITING, NOW + HOUR, tries=4),
        ],
    )
    [moved] = await claim(store, provider="spare")
    assert (moved.id, moved.attempt, moved.tries) == (1, 2, 0)
    assert await stages(store) == {1: Stage.SENDING, 2: Stage.WAITING}


@pytest.mark.parametrize("stale", ["another attempt", "not claimed", "final"])
async def test_record_unsent_of_a_stale_attempt_changes_nothing(store: Store, stale: str) -> None:
    await store.add_segments([segment(1)])
    [message] = await claim(store)
    expected = Stage.SENDING
    if stale == "another attempt":
        message = message._replace(attempt=2)
    else:
        await record_unsent(store, [unsent(message, Stage.QUEUED, NOW + DAY)])
        expected = Stage.QUEUED
        if stale == "final":
            await finish(store, [Outcome(1, int(State.DELETED), 0, "", NOW)])
            expected = Stage.FINAL
    await record_unsent(store, [unsent(message, Stage.WAITING, NOW)])
    assert await stages(store) == {1: expected}


async def test_promote_takes_what_is_due_and_not_past_its_deadline(store: Store) -> None:
    waiting = int(Stage.WAITING)
    await store.add_segments(
        [
            segment(1, stage=waiting, due_at=NOW),
            segment(2, stage=waiting, due_at=NOW + 1, account="later"),
            segment(3, stage=waiting, due_at=NOW - 5, deadline=NOW, account="expired"),
            segment(4, stage=waiting, due_at=NOW - 1, account="alarm"),
            segment(5, stage=waiting, due_at=NOW, provider="spare", account="elsewhere"),
        ]
    )
    assert await claim(store) == []
    assert await store.promote("lab", NOW, 10) == {"pbx", "alarm"}
    assert ids(await claim(store)) == [1]
    assert await store.promote("lab", NOW, 10) == frozenset()


async def test_promote_takes_the_longest_waiting_first(store: Store) -> None:
    await store.add_segments(
        [segment(number, stage=int(Stage.WAITING), due_at=NOW - number) for number in range(1, 6)]
    )
    await store.promote("lab", NOW, 2)
    assert ids(await claim(store)) == [4, 5]


async def test_a_promoted_message_is_overdue_at_its_deadline(store: Store) -> None:
    await store.add_segments([segment(1, stage=int(Stage.WAITING), due_at=NOW - 1)])
    await store.promote("lab", NOW, 10)
    assert await store.overdue("lab", NOW + DAY - 1, 10) == []
    assert [row.stage for row in await store.overdue("lab", NOW + DAY, 10)] == [Stage.QUEUED]


# --- rerouting ---------------------------------------------------------------------------------------


async def test_reroute_walks_the_queue_in_order_of_id(store: Store) -> None:
    await store.add_segments(
        [
            segment(1),
            segment(2, account="alarm", priority=3),
            segment(3, route="lab"),
            segment(4, priority=1),
            segment(5, provider="spare"),
            segment(6, account="alarm", route="lab,third,spare"),
            segment(7, stage=int(Stage.WAITING)),
        ]
    )
    assert await store.reroute("lab", ["third", "spare"], 0, 3) == Rerouted(frozenset({"pbx", "alarm"}), 2, 3)
    assert await store.reroute("lab", ["third", "spare"], 3, 3) == Rerouted(frozenset({"pbx", "alarm"}), 2, 0)
    assert ids(await claim(store)) == [3]
    assert ids(await claim(store, provider="spare")) == [4, 1, 5]
    assert ids(await claim(store, provider="spare", account="alarm")) == [2]
    [third] = await claim(store, provider="third", account="alarm")
    assert (third.id, third.attempt, third.deadline) == (6, 1, NOW + DAY)


async def test_reroute_goes_to_the_first_of_the_route_that_is_usable(store: Store) -> None:
    await store.add_segments([segment(1, route="lab,a,b"), segment(2, account="stays", route="lab,c")])
    assert await store.reroute("lab", ["x", "lab", "b", "a"], 0, 10) == Rerouted(frozenset({"pbx"}), 1, 0)
    assert ids(await claim(store, provider="a")) == [1]
    assert ids(await claim(store, account="stays")) == [2]


async def test_reroute_of_an_empty_queue_is_at_the_end(store: Store) -> None:
    assert await store.reroute("lab", ["spare"], 0, 10) == Rerouted(frozenset(), 0, 0)


# --- overdue -----------------------------------------------------------------------------------------


async def test_overdue_by_stage(store: Store) -> None:
    await store.add_segments([segment(1), segment(2, deadline=NOW + 2 * HOUR), segment(3)])
    sending, uncertain, handed_over = await claim(store)
    await record_unsent(store, [unsent(uncertain, Stage.UNCERTAIN, NOW)])  # questions do not end it
    await record_sent(store, [sent(handed_over, poll_at=NOW + 1, deadline=NOW + 3 * HOUR)], NOW)
    await store.add_segments(
        [
            segment(4, deadline=NOW + 4 * HOUR, due_at=NOW + 4 * HOUR),
            segment(5, stage=int(Stage.WAITING), due_at=NOW + 5 * HOUR, deadline=NOW + 5 * HOUR),
        ]
    )
    assert sending.id == 1
    seen: list[tuple[int, int]] = []
    for hours in range(6):
        rows = await store.overdue("lab", NOW + hours * HOUR, 100)
        assert await store.overdue("lab", NOW + hours * HOUR - 1, 100) == [
            row for row in rows if row.id != hours
        ]
        seen += [(row.id, row.stage) for row in rows if row.id == hours]
    assert seen == [
        (1, Stage.SENDING),
        (2, Stage.UNCERTAIN),
        (3, Stage.SENT),
        (4, Stage.QUEUED),
        (5, Stage.WAITING),
    ]
    assert len(await store.overdue("lab", NOW + DAY, 3)) == 3
    assert await store.overdue("spare", NOW + DAY, 100) == []


async def test_a_waiting_message_is_overdue_by_its_deadline_not_by_its_turn(store: Store) -> None:
    await store.add_segments([segment(1, stage=int(Stage.WAITING), due_at=NOW)])
    assert await store.overdue("lab", NOW + HOUR, 10) == []


async def test_overdue_finds_a_deadline_behind_very_many_that_are_due_earlier(store: Store) -> None:
    many = range(1, 1502)
    await store.add_segments([segment(number) for number in many])
    await record_sent(
        store,
        [
            sent(message, poll_at=NOW + message.id, deadline=NOW + (HOUR if message.id == 1501 else DAY))
            for message in await claim(store, 2000)
        ],
        NOW,
    )
    waiting = int(Stage.WAITING)
    await store.add_segments([segment(2000 + number, stage=waiting, due_at=NOW + number) for number in many])
    await store.add_segments([segment(5000, stage=waiting, due_at=NOW + HOUR, deadline=NOW + HOUR)])
    assert await store.overdue("lab", NOW + HOUR - 1, 10) == []
    assert [row.id for row in await store.overdue("lab", NOW + HOUR, 10)] == [1501, 5000]


async def test_a_question_put_off_does_not_put_off_the_deadline(store: Store) -> None:
    await send(store, segment(1))
    await store.claim_polls("lab", NOW + HOUR, 10, 9 * DAY, 9 * DAY)
    assert [row.id for row in await store.overdue("lab", NOW + DAY, 10)] == [1]


async def test_overdue_says_whether_the_provider_has_answered(store: Store) -> None:
    await send(store, segment(1), segment(2))
    await store.settle("lab", [report(2, State.ENROUTE, final=False)], NOW)
    rows = await store.overdue("lab", NOW + DAY, 10)
    assert sorted((row.id, row.answered, row.attempt, row.route) for row in rows) == [
        (1, False, 1, "lab,spare"),
        (2, True, 1, "lab,spare"),
    ]
