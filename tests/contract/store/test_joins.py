"""Parts of long messages in a store: in any order, twice, never, and what becomes of them together."""

from collections.abc import Sequence
from typing import Any

import pytest

from smppbridge.errors import StoreError
from smppbridge.model.joining import Collected, GivenUp, Join, Joined, Part
from smppbridge.model.message import Outcome, Receipt, Segment, Stage, State
from smppbridge.store.base import Store
from tests.support.builders.rows import DAY, HOUR, NOW, claim, record_sent, report, segment, sent

LATE = NOW + 61_000


def part(number: int, message_id: int, total: int = 3, **changes: Any) -> Part:
    """Part ``number`` of the message with reference 7; its octets are its number."""
    plain = segment(message_id, text="", stage=int(Stage.COLLECTING), due_at=None, send_at=0)
    of_segment = {name: value for name, value in changes.items() if name in Segment._fields}
    of_part = {name: value for name, value in changes.items() if name in Part._fields}
    whole = Part(plain._replace(**of_segment), 7, 8, total, number, b"\0%d" % number, NOW + 60_000)
    return whole._replace(**of_part)


def joined(join: Join, text: str = "all of it", **changes: Any) -> Joined:
    """It goes on, QUEUED for "lab"."""
    plain = Joined(
        head=join.head,
        missing=join.missing,
        segments=len(join.parts),
        silent=(),
        text=text,
        flash=False,
        data_coding=8,
        route="lab,spare",
        provider="lab",
        stage=int(Stage.QUEUED),
        send_at=0,
        due_at=NOW + HOUR,
    )
    return plain._replace(**changes)


def given_up(join: Join, silent: tuple[int, ...] = ()) -> GivenUp:
    """It ends UNDELIVERABLE."""
    outcome = Outcome(join.head, int(State.UNDELIVERABLE), 241, "", LATE)
    return GivenUp(join.head, join.missing, len(join.parts), silent, outcome)


async def joins(store: Store, now: int = NOW) -> list[Join]:
    return await store.take_joins(now, 100)


async def receipts(store: Store, now: int = LATE) -> dict[str, tuple[int, bool]]:
    claimed: Sequence[Receipt] = await store.claim_receipts("pbx", 0, now, now + HOUR, 100)
    await store.pay_receipts([receipt.id for receipt in claimed])
    return {receipt.wire_id: (receipt.state, receipt.final) for receipt in claimed}


async def three(store: Store, *numbers: int, **changes: Any) -> list[Collected]:
    """Parts with these numbers; the id of part n is 10 n."""
    return await store.add_parts([part(number, number * 10, **changes) for number in numbers])


async def hand_over(store: Store) -> None:
    """Everything queued is SENT, with the references ref-<id>."""
    await record_sent(store, [sent(message) for message in await claim(store)])


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
async def test_the_last_part_makes_it_ready_whatever_the_order(store: Store, order: tuple[int, ...]) -> None:
    assert [one.ready for one in await three(store, *order)] == [False, False, True]
    [join] = await joins(store)
    assert (join.head, join.missing) == (order[0] * 10, 0)
    assert [one.octets for one in join.parts] == [b"\0001", b"\0002", b"\0003"]


async def test_parts_may_come_one_by_one(store: Store) -> None:
    assert not (await three(store, 1))[0].ready
    assert await joins(store) == []
    assert not (await three(store, 3))[0].ready
    assert (await three(store, 2))[0] == Collected("20", True)


async def test_a_joined_message_goes_the_way_of_any(store: Store) -> None:
    await three(store, 2, 1, 3)
    [join] = await joins(store)
    await store.join([joined(join)], [], NOW)
    assert await joins(store) == []
    [message] = await claim(store)
    assert (message.id, message.text, message.octets) == (20, "all of it", None)


@pytest.mark.parametrize(
    "other",
    [
        {"account": "alarm"},
        {"recipient": "375297654321"},
        {"source_addr": "OTHER"},
        {"reference": 8},
        {"width": 16},
        {"total": 4},
    ],
)
async def test_what_tells_two_messages_apart(store: Store, other: dict[str, Any]) -> None:
    await three(store, 1, 2)
    [strange] = await store.add_parts([part(3, 30, **other)])
    assert not strange.ready
    assert (await store.add_parts([part(3, 31)]))[0].ready


async def test_a_part_that_comes_again_gets_its_first_id(store: Store) -> None:
    await three(store, 1, 2)
    [again] = await store.add_parts([part(1, 11)])
    assert again == Collected("10", False)
    await three(store, 3)
    [again] = await store.add_parts([part(3, 31)])  # complete already
    assert again == Collected("30", False)
    [join] = await joins(store)
    await store.join([joined(join)], [], NOW)
    [again] = await store.add_parts([part(2, 21)])  # and on its way
    assert again == Collected("20", False)
    assert [one.id for one in (await claim(store))] == [10]


async def test_a_part_is_known_until_the_time_for_parts_is_over(store: Store) -> None:
    await three(store, 1, 2, 3)
    [join] = await joins(store)
    await store.join([joined(join)], [], NOW)
    assert await store.forget_joins(NOW + 59_000, 100) == 0
    assert await store.forget_joins(LATE, 100) == 1
    [new] = await store.add_parts([part(1, 11)])
    assert new == Collected("11", False)


async def test_another_text_under_the_same_number_begins_another_message(store: Store) -> None:
    await three(store, 1, 2)
    await store.add_parts([part(1, 11, octets=b"\0other"), part(2, 21, octets=b"\0other")])
    assert (await store.add_parts([part(3, 31)]))[0].ready
    [join] = await joins(store)
    assert [one.id for one in join.parts] == [11, 21, 31]
    [before] = [one for one in await joins(store, LATE) if one.missing]
    assert (before.head, before.missing) == (10, 1)


async def test_what_is_missing_is_waited_for_until_its_time(store: Store) -> None:
    await three(store, 3, 1)
    assert await joins(store, NOW + 59_000) == []
    [join] = await joins(store, NOW + 60_000)
    assert (join.head, join.missing, [one.id for one in join.parts]) == (30, 1, [10, 30])


async def test_parts_that_are_given_up_owe_their_receipts(store: Store) -> None:
    await store.add_parts([part(1, 10), part(2, 20, registered_delivery=0)])
    [join] = await joins(store, LATE)
    made = await store.join([], [given_up(join)], LATE)
    assert made.heads == {10}
    assert [(item.state, item.owed) for item in made.settlement.settled] == [(State.UNDELIVERABLE, True)]
    assert await receipts(store) == {"10": (State.UNDELIVERABLE, True)}
    assert await joins(store, LATE) == []
    assert await store.forget_joins(LATE, 100) == 1


async def test_given_up_parts_may_owe_one_receipt_for_all(store: Store) -> None:
    await three(store, 2, 1)
    [join] = await joins(store, LATE)
    await store.join([], [given_up(join, silent=(20,))], LATE)
    assert await receipts(store) == {"10": (State.UNDELIVERABLE, True)}


@pytest.mark.parametrize("sends", [True, False])
async def test_a_part_that_comes_while_the_others_are_given_up_is_not_lost(store: Store, sends: bool) -> None:
    """It is answered already; so what was decided without it is decided anew."""
    await three(store, 1, 2)
    [join] = await joins(store, LATE)
    [last] = await three(store, 3)
    assert last.ready
    made = await store.join([joined(join)] if sends else [], [] if sends else [given_up(join)], LATE)
    assert (made.heads, made.settlement.settled) == (frozenset(), [])
    assert await claim(store) == []
    [whole] = await joins(store)
    assert (await store.join([joined(whole)], [], LATE)).heads == {10}
    assert [message.text for message in await claim(store)] == ["all of it"]


@pytest.mark.parametrize("sends", [True, False])
async def test_a_part_that_comes_after_that_is_new(store: Store, sends: bool) -> None:
    await three(store, 1, 2)
    [join] = await joins(store, LATE)
    await store.join([joined(join)] if sends else [], [] if sends else [given_up(join)], LATE)
    assert await three(store, 3) == [Collected("30", False)]
    [alone] = [one for one in await joins(store, LATE) if one.missing]
    assert (alone.head, alone.missing) == (30, 2)


async def test_a_part_goes_where_its_message_went(store: Store) -> None:
    """The receipts name the provider."""
    await three(store, 1, 2, 3)
    [join] = await joins(store)
    await store.join([joined(join)], [], NOW)
    await store.reroute("lab", ["spare"], 0, 100)
    [message] = await claim(store, provider="spare")
    await record_sent(store, [sent(message)])
    await store.settle("spare", [report(10)], NOW)
    claimed = await store.claim_receipts("pbx", 0, LATE, LATE + HOUR, 100)
    assert [receipt.provider for receipt in claimed] == ["spare"] * 3


# --- one reference for all messages ------------------------------------------------------------------


async def complete(store: Store) -> None:
    """A message of three parts is on its way."""
    await three(store, 1, 2, 3)
    [join] = await joins(store)
    await store.join([joined(join)], [], NOW)
    await claim(store)


async def test_messages_that_begin_alike_are_not_mixed(store: Store) -> None:
    """A part that is the same in both counts as a repetition: rather one message without it than a guess."""
    await complete(store)
    assert await store.add_parts([part(1, 11), part(2, 21)]) == [
        Collected("10", False),
        Collected("20", False),
    ]
    assert await store.add_parts([part(3, 31, octets=b"\0other end")]) == [Collected("31", False)]
    [join] = await joins(store, LATE)
    assert (join.missing, [one.id for one in join.parts]) == (2, [31])


@pytest.mark.parametrize("parts", [1, 3])
async def test_the_next_message_may_come_before_the_first_one_is_joined(store: Store, parts: int) -> None:
    """Both are under one reference, which is the second one's then."""
    await three(store, 1, 2, 3)
    await store.add_parts([part(n, 10 * n + 1, octets=b"\0other") for n in range(1, parts + 1)])
    while found := await joins(store):
        assert (await store.join([joined(one) for one in found], [], NOW)).heads
    assert [message.id for message in await claim(store)] == [10, 11][: 1 + (parts == 3)]
    assert await store.add_parts([part(1, 12, octets=b"\0other")]) == [Collected("11", False)]


async def test_a_repeated_part_is_no_part_of_a_message_that_differs_before_it(store: Store) -> None:
    await complete(store)
    await store.add_parts([part(2, 21)])  # its answer was lost
    [first] = await store.add_parts([part(1, 11, octets=b"\0other")])
    assert first == Collected("11", False)
    [join] = await joins(store, LATE)
    assert [one.id for one in join.parts] == [11]


async def test_one_status_is_a_receipt_for_each_part_that_asked(store: Store) -> None:
    """Kannel asks on the first part only, which need not be the one that came first."""
    await store.add_parts([part(2, 20, registered_delivery=0), part(1, 10), part(3, 30)])
    [join] = await joins(store)
    await store.join([joined(join)], [], NOW)
    await hand_over(store)
    settlement = await store.settle("lab", [report(20)], NOW)
    assert [(item.state, item.owed) for item in settlement.settled] == [(State.DELIVERED, False)]
    assert settlement.notified == {"pbx"}
    assert await receipts(store) == {"10": (State.DELIVERED, True), "30": (State.DELIVERED, True)}
    again = await store.settle("lab", [report(20)], NOW)
    assert (again.settled, again.notified, again.late) == ([], frozenset(), 0)
    assert await store.list_stage(Stage.COLLECTING, 10) == []


async def test_intermediate_notifications_are_each_parts_own(store: Store) -> None:
    await store.add_parts(
        [part(1, 10, total=2, registered_delivery=1), part(2, 20, total=2, registered_delivery=0x11)]
    )
    [join] = await joins(store)
    await store.join([joined(join)], [], NOW)
    await hand_over(store)
    for _ in range(2):
        await store.settle("lab", [report(10, State.ENROUTE, final=False)], NOW)
    assert await receipts(store) == {"20": (State.ENROUTE, False)}
    await store.settle("lab", [report(10)], NOW)
    assert await receipts(store) == {"10": (State.DELIVERED, True), "20": (State.DELIVERED, True)}


async def test_merged_receipts_are_silent_parts(store: Store) -> None:
    await three(store, 1, 2, 3)
    [join] = await joins(store)
    await store.join([joined(join, silent=(20, 30))], [], NOW)
    await hand_over(store)
    await store.settle("lab", [report(10)], NOW)
    assert await receipts(store) == {"10": (State.DELIVERED, True)}


async def test_an_outcome_of_ours_ends_all_parts(store: Store) -> None:
    await three(store, 1, 2, 3)
    [join] = await joins(store)
    await store.join([joined(join)], [], NOW)
    recorded = await store.record([], [], [Outcome(10, int(State.EXPIRED), 0, "", LATE)], LATE)
    assert len(recorded.settled) == 1
    assert set(await receipts(store)) == {"10", "20", "30"}


async def test_joined_messages_are_purged_with_their_parts(store: Store) -> None:
    await three(store, 1, 2, 3)
    [join] = await joins(store)
    await store.join([joined(join)], [], NOW)
    await store.forget_joins(LATE, 100)
    await hand_over(store)
    await store.settle("lab", [report(10)], NOW)
    assert await store.purge(NOW + 1, NOW, NOW + DAY, 100) == 0  # their receipts are owed
    await receipts(store)
    assert await store.purge(NOW + 1, NOW, NOW + DAY, 100) == 3


async def test_all_parts_of_a_call_or_none(store: Store) -> None:
    await store.add_segments([segment(20)])
    with pytest.raises(StoreError, match="same key"):
        await three(store, 1, 2)
    assert not (await store.add_parts([part(1, 11, total=2)]))[0].ready
    assert (await store.add_parts([part(2, 21, total=2)]))[0].ready


async def test_a_hundred_at_a_time(store: Store) -> None:
    await store.add_parts([part(1, n, total=1, reference=n) for n in range(1, 151)])
    first = await store.take_joins(NOW, 100)
    assert len(first) == 100
    await store.join([joined(one) for one in first], [], NOW)
    assert len(await store.take_joins(NOW, 100)) == 50


async def test_parts_that_wait_are_counted(store: Store) -> None:
    assert (await store.gauges(NOW)).collecting == {}
    await three(store, 1, 2)
    await store.add_parts([part(1, 40, account="alarm")])
    assert (await store.gauges(NOW)).collecting == {"pbx": 2, "alarm": 1}
    await three(store, 3)
    [join] = await joins(store)
    await store.join([joined(join)], [], NOW)
    assert (await store.gauges(NOW)).collecting == {"alarm": 1}


@pytest.mark.parametrize(("first", "then"), [(5_000, 5_000), (60_000, 60_000), (600_000, 60_000)])
async def test_after_a_pause_parts_are_waited_for_anew(store: Store, first: int, then: int) -> None:
    await store.add_parts([part(1, 10)._replace(due_at=NOW + first)])
    back = NOW + HOUR
    await store.await_parts(back)
    assert await joins(store, back + then - 1) == []
    assert len(await joins(store, back + then)) == 1


async def test_a_short_pause_makes_the_time_for_parts_no_shorter(store: Store) -> None:
    await store.add_parts([part(1, 10)._replace(due_at=NOW + 600_000)])
    await store.await_parts(NOW + 1_000)
    assert await joins(store, NOW + 599_000) == []


async def test_after_a_pause_parts_that_come_again_are_known_still(store: Store) -> None:
    await complete(store)
    await store.await_parts(NOW + HOUR)
    assert await store.forget_joins(NOW + HOUR, 100) == 0
    assert await store.add_parts([part(2, 21)]) == [Collected("20", False)]


async def test_when_the_clock_was_put_back_parts_are_waited_for_no_longer_than_at_first(store: Store) -> None:
    ahead = NOW + 400 * DAY
    await store.add_parts([part(1, 10, submitted_at=ahead)._replace(due_at=ahead + 60_000)])
    await store.await_parts(NOW)
    assert await joins(store, NOW + 59_999) == []
    assert len(await joins(store, NOW + 60_000)) == 1
