"""What every store promises about finding, cancelling and replacing messages (store.base.Store)."""

from collections.abc import Callable
from typing import Any

import pytest

from smppbridge.errors import StoreError
from smppbridge.model.joining import Joined, Part
from smppbridge.model.message import Found, Message, Outcome, Replacement, Segment, Stage, State
from smppbridge.store.base import Kept, Store
from smppbridge.store.lookups import CANCEL_CHUNK
from tests.support.rows import (
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

LATER = NOW + HOUR
ALL = 1_000_000  # above every id
NEW = Replacement(
    text="Дверь закрыта",
    octets=None,
    flash=True,
    tlvs=b"\x02\x0a\0\x02\0\xff",
    registered_delivery=2,
    route="spare,lab",
    provider="spare",
    deadline=NOW + 2 * DAY,
    stage=None,
    send_at=0,
    due_at=None,
)


def waiting(message_id: int, **changes: Any) -> Segment:
    """A message that is scheduled for an hour later."""
    return segment(message_id, **{"stage": int(Stage.WAITING), "due_at": LATER, **changes})


async def in_stage(store: Store, stage: Stage) -> None:
    """Message 1 in a stage, by the way that messages come there."""
    if stage == Stage.WAITING:
        await store.add_segments([waiting(1)])
    elif stage in (Stage.SENT, Stage.FINAL):
        await send(store, segment(1))
        if stage == Stage.FINAL:
            await store.settle("lab", [report(1)], NOW + 5)
    else:
        await store.add_segments([segment(1)])
        if stage != Stage.QUEUED:
            [message] = await claim(store)
            if stage == Stage.UNCERTAIN:
                await record_unsent(store, [unsent(message, stage, LATER)])


async def only(store: Store, wire_id: str = "1") -> Found:
    [found] = await store.find_messages("pbx", wire_id)
    return found


async def owed(store: Store, account: str = "pbx") -> list[tuple[str, int]]:
    """wire_id and state of all receipts that any bind may have."""
    receipts = await store.claim_receipts(account, 0, NOW + DAY, NOW + DAY, 5000)
    return [(one.wire_id, one.state) for one in receipts]


async def long_message(store: Store) -> None:
    """Messages 1 and 2 are the parts of one, which is joined and QUEUED in the first."""
    parts = [
        Part(
            segment(number, stage=int(Stage.COLLECTING), due_at=None, text=""), 9, 8, 2, number, b"\0x", LATER
        )
        for number in (1, 2)
    ]
    await store.add_parts(parts)
    joined = Joined(1, 0, 2, (), "xx", False, 3, "lab", "lab", int(Stage.QUEUED), 0, NOW + DAY)
    await store.join([joined], [], NOW)


# --- finding -----------------------------------------------------------------------------------------


async def test_a_message_is_found_as_it_was_submitted(store: Store) -> None:
    one = waiting(
        5, octets=b"\0\xff", protocol_id=3, tlvs=b"\x02\x0a\0\x02\0\xff", data_coding=4, priority=2,
        service_type="HLR", send_at=LATER,
    )  # fmt: skip
    await store.add_segments([one, segment(6)])
    found = await only(store, "5")
    same = {name: getattr(one, name) for name in Found._fields if hasattr(one, name)}
    assert found == Found(**{**same, "state": 0, "err": 0, "done_at": 0, "attempt": 0})


async def test_a_final_message_is_found_with_its_end(store: Store) -> None:
    await send(store, segment(1))
    await finish(store, [Outcome(1, State.UNDELIVERABLE, 601, "x", NOW + 9)])
    found = await only(store)
    assert (found.stage, found.state, found.err, found.done_at, found.attempt) == (
        Stage.FINAL, State.UNDELIVERABLE, 601, NOW + 9, 1,
    )  # fmt: skip


async def test_all_destinations_of_one_id_are_found_in_order(store: Store) -> None:
    to = ["375291234567", "375297654321"]
    await store.add_segments([segment(n, wire_id="a", destination_addr=to[n - 1]) for n in (2, 1)])
    assert [one.destination_addr for one in await store.find_messages("pbx", "a")] == to


async def test_nobody_finds_what_others_sent(store: Store) -> None:
    await store.add_segments([segment(1)])
    assert await store.find_messages("alarm", "1") == []
    assert await store.find_messages("pbx", "2") == []


async def test_a_part_is_found_where_its_message_is(store: Store) -> None:
    await long_message(store)
    part = await only(store, "2")
    assert (part.id, part.stage, part.data_coding) == (1, Stage.QUEUED, 3)
    assert await only(store, "1") == part


# --- cancelling by id --------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", [Stage.WAITING, Stage.QUEUED])
async def test_what_waits_is_cancelled_and_owes_its_receipt(store: Store, stage: Stage) -> None:
    await in_stage(store, stage)
    cancelled = await store.cancel("pbx", "1", "ALARM", "", NOW + 7)
    assert (cancelled.found, cancelled.ids) == (1, [1])
    [settled] = cancelled.settlement.settled
    assert (settled.state, settled.provider, settled.owed) == (State.DELETED, "lab", True)
    found = await only(store)
    assert (found.stage, found.state, found.done_at) == (Stage.FINAL, State.DELETED, NOW + 7)
    assert await owed(store) == [("1", State.DELETED)]
    assert await claim(store) == []


@pytest.mark.parametrize("stage", [Stage.SENDING, Stage.UNCERTAIN, Stage.SENT, Stage.FINAL])
async def test_nothing_else_is(store: Store, stage: Stage) -> None:
    await in_stage(store, stage)
    before = await only(store)
    assert before.stage == stage
    receipts = await owed(store)
    cancelled = await store.cancel("pbx", "1", "ALARM", "", NOW)
    assert (cancelled.found, cancelled.ids, cancelled.settlement.settled) == (1, [], [])
    assert await only(store) == before
    assert await owed(store) == receipts == ([("1", State.DELIVERED)] if stage == Stage.FINAL else [])


async def test_cancelling_again_changes_nothing(store: Store) -> None:
    await store.add_segments([segment(1)])
    await store.cancel("pbx", "1", "ALARM", "", NOW)
    again = await store.cancel("pbx", "1", "ALARM", "", NOW + 1)
    assert (again.found, again.ids) == (1, [])
    assert (await only(store)).done_at == NOW
    assert await owed(store) == [("1", State.DELETED)]


async def test_no_receipt_where_none_was_asked_for(store: Store) -> None:
    await store.add_segments([segment(1, registered_delivery=0)])
    cancelled = await store.cancel("pbx", "1", "ALARM", "", NOW)
    assert not cancelled.settlement.settled[0].owed
    assert await owed(store) == []


@pytest.mark.parametrize(
    ("account", "wire_id", "source", "destination"),
    [
        ("alarm", "1", "ALARM", ""),
        ("pbx", "2", "ALARM", ""),
        ("pbx", "1", "OTHER", ""),
        ("pbx", "1", "", ""),
        ("pbx", "1", "ALARM", "375290000000"),
    ],
)
async def test_everything_given_must_agree(
    store: Store, account: str, wire_id: str, source: str, destination: str
) -> None:
    await store.add_segments([segment(1)])
    cancelled = await store.cancel(account, wire_id, source, destination, NOW)
    assert (cancelled.found, cancelled.ids) == (0, [])
    assert (await only(store)).stage == Stage.QUEUED


async def test_one_destination_of_several(store: Store) -> None:
    to = ["375291234567", "375297654321", "375331112233"]
    await store.add_segments([segment(n, wire_id="a", destination_addr=to[n]) for n in range(3)])
    assert (await store.cancel("pbx", "a", "ALARM", to[1], NOW)).ids == [1]
    cancelled = await store.cancel("pbx", "a", "ALARM", "", NOW)
    assert (cancelled.found, cancelled.ids) == (3, [0, 2])


async def test_any_part_cancels_the_message_and_all_owe_their_receipts(store: Store) -> None:
    await long_message(store)
    cancelled = await store.cancel("pbx", "2", "ALARM", "", NOW)
    assert cancelled.ids == [1]
    assert [one.state for one in cancelled.settlement.settled] == [State.DELETED]
    assert await stages(store) == {1: Stage.FINAL, 2: Stage.FINAL}
    assert sorted(await owed(store)) == [("1", State.DELETED), ("2", State.DELETED)]


async def test_a_part_that_is_still_alone_is_not_cancelled(store: Store) -> None:
    part = segment(1, stage=int(Stage.COLLECTING), due_at=None, text="")
    await store.add_parts([Part(part, 9, 8, 2, 1, b"\0x", LATER)])
    assert (await store.cancel("pbx", "1", "ALARM", "", NOW)).ids == []
    assert (await only(store)).stage == Stage.COLLECTING


async def test_a_claim_and_a_cancellation_do_not_both_get_it(store: Store) -> None:
    """All verbs of one turn share a transaction, in their order."""
    await store.add_segments([segment(1), segment(2)])
    first = store.cancel("pbx", "1", "ALARM", "", NOW)
    claimed = store.claim_messages("lab", "pbx", 10, NOW, LATER)
    second = store.cancel("pbx", "2", "ALARM", "", NOW)
    assert (await first).ids == [1]
    assert [message.id for message in await claimed] == [2]
    assert (await second).ids == []
    assert await stages(store) == {1: Stage.FINAL, 2: Stage.SENDING}


async def test_a_late_result_does_not_bring_it_back(store: Store) -> None:
    """Handed over, back in the queue because nobody knew what came of it, cancelled."""
    await store.add_segments([segment(1)])
    [message] = await claim(store)
    await record_unsent(store, [unsent(message, Stage.QUEUED, NOW + DAY)])
    await store.cancel("pbx", "1", "ALARM", "", NOW)
    await store.record([sent(message)], (), (), NOW)
    found = await only(store)
    assert (found.stage, found.state) == (Stage.FINAL, State.DELETED)


async def test_a_cancellation_outlives_a_restart(make_store: Callable[[], Store]) -> None:
    first = make_store()
    await first.open()
    await first.add_segments([segment(1)])
    await first.cancel("pbx", "1", "ALARM", "", NOW)
    await first.close()
    second = make_store()
    assert (await second.open()).queued == frozenset()
    assert await owed(second) == [("1", State.DELETED)]
    await second.close()


# --- cancelling by address ---------------------------------------------------------------------------


async def test_all_between_two_addresses_in_chunks(store: Store) -> None:
    count = CANCEL_CHUNK + 20
    await store.add_segments([segment(n) if n % 2 else waiting(n) for n in range(1, count + 1)])
    seen: list[int] = []
    sizes: list[int] = []
    while (cancelled := await store.cancel_pending("pbx", "375291234567", "ALARM", None, ALL, NOW)).found:
        assert len(cancelled.settlement.settled) == len(cancelled.ids) == cancelled.found
        seen += cancelled.ids
        sizes.append(cancelled.found)
    assert sizes == [CANCEL_CHUNK, 20]
    assert sorted(seen) == list(range(1, count + 1))
    assert len(await owed(store)) == count


async def test_only_those_between_them(store: Store) -> None:
    others = [
        segment(1, account="alarm"),
        segment(2, recipient="375297654321"),
        segment(3, source_addr="OTHER"),
    ]
    await store.add_segments([*others, segment(4), segment(5, destination_addr="+375 29 1234567")])
    await in_hand(store, 6)
    assert sorted((await store.cancel_pending("pbx", "375291234567", "ALARM", None, ALL, NOW)).ids) == [4, 5]
    assert (await store.cancel_pending("pbx", "375291234567", "ALARM", None, ALL, NOW)).found == 0
    assert {one: stage for one, stage in (await stages(store)).items() if stage == Stage.FINAL}.keys() == {
        4,
        5,
    }


async def test_not_those_that_came_later(store: Store) -> None:
    await store.add_segments([segment(1), segment(2, service_type="HLR"), segment(3), segment(4)])
    assert (await store.cancel_pending("pbx", "375291234567", "ALARM", None, 2, NOW)).ids == [1]
    assert (await store.cancel_pending("pbx", "375291234567", "ALARM", "", 4, NOW)).ids == [3]


async def in_hand(store: Store, message_id: int) -> None:
    """A message that a provider is being given."""
    await store.add_segments([segment(message_id, provider="spare")])
    await claim(store, provider="spare")


async def test_only_those_of_a_service(store: Store) -> None:
    await store.add_segments([segment(1), segment(2, service_type="HLR"), segment(3)])
    assert (await store.cancel_pending("pbx", "375291234567", "ALARM", "HLR", ALL, NOW)).ids == [2]
    assert sorted((await store.cancel_pending("pbx", "375291234567", "ALARM", "", ALL, NOW)).ids) == [1, 3]


# --- replacing by id ---------------------------------------------------------------------------------


async def test_a_queued_message_is_sent_with_its_new_content(store: Store) -> None:
    await store.add_segments([segment(1)])
    assert await store.replace(1, NEW, NOW)
    assert await claim(store) == []
    [message] = await claim(store, provider="spare")
    same = {name: getattr(NEW, name) for name in Message._fields if hasattr(NEW, name)}
    assert message == message._replace(**same)
    assert (message.recipient, message.sender, message.data_coding) == ("375291234567", "ALARM", 8)


async def test_its_receipt_is_the_one_that_is_asked_for_now(store: Store) -> None:
    await store.add_segments([segment(1)])
    await store.replace(1, NEW, NOW)  # failures only
    await finish(store, [Outcome(1, State.DELIVERED, 0, "", NOW)])
    assert await owed(store) == []


async def test_what_is_scheduled_keeps_its_time(store: Store) -> None:
    await store.add_segments([waiting(1)])
    assert await store.replace(1, NEW, NOW)
    found = await only(store)
    assert (found.stage, found.due_at, found.deadline) == (Stage.WAITING, LATER, NEW.deadline)
    assert await store.promote("spare", LATER, 10) == {"pbx"}


async def test_nothing_waits_beyond_its_deadline(store: Store) -> None:
    await store.add_segments([waiting(1), segment(2)])
    for message_id in (1, 2):
        assert await store.replace(message_id, NEW._replace(deadline=NOW + 1), NOW)
        assert (await only(store, str(message_id))).due_at == NOW + 1
    overdue = await store.overdue("spare", NOW + 2, 10)
    assert sorted(one.id for one in overdue) == [1, 2]


@pytest.mark.parametrize("before", [Stage.WAITING, Stage.QUEUED])
@pytest.mark.parametrize(
    ("stage", "send_at", "due_at"), [(Stage.WAITING, 0, LATER + 5), (Stage.QUEUED, LATER + 5, NOW + 2 * DAY)]
)
async def test_a_new_time(store: Store, before: Stage, stage: Stage, send_at: int, due_at: int) -> None:
    await in_stage(store, before)
    assert await store.replace(1, NEW._replace(stage=int(stage), send_at=send_at, due_at=due_at), NOW)
    found = await only(store)
    assert (found.stage, found.send_at, found.due_at) == (stage, send_at, due_at)


@pytest.mark.parametrize("stage", [Stage.SENDING, Stage.UNCERTAIN, Stage.SENT, Stage.FINAL])
async def test_what_a_provider_may_have_is_not_replaced(store: Store, stage: Stage) -> None:
    await in_stage(store, stage)
    before = await only(store)
    assert not await store.replace(1, NEW, NOW)
    assert await only(store) == before


async def test_nor_is_what_a_provider_is_to_keep(store: Store) -> None:
    await store.add_segments([segment(1, send_at=LATER)])
    assert not await store.replace(1, NEW, NOW)


async def test_nor_what_is_about_to_expire_or_unknown(store: Store) -> None:
    await store.add_segments([segment(1, deadline=NOW)])
    assert not await store.replace(1, NEW, NOW)
    assert not await store.replace(2, NEW, NOW)


async def test_a_claim_gets_the_old_content_or_the_new(store: Store) -> None:
    await store.add_segments([segment(1), segment(2)])
    new = NEW._replace(provider="lab", route="lab")
    first = store.replace(1, new, NOW)
    claimed = store.claim_messages("lab", "pbx", 10, NOW, LATER)
    second = store.replace(2, new, NOW)
    assert (await first, await second) == (True, False)
    assert [message.text for message in await claimed] == [NEW.text, segment(2).text]


# --- replacing what is there -------------------------------------------------------------------------


async def test_the_latest_that_waits_gets_the_new_content(store: Store) -> None:
    await store.add_segments([segment(1), waiting(2), segment(3, service_type="HLR")])
    new = segment(
        9, text="Дверь закрыта", provider="spare", route="spare", submitted_at=NOW + 5, registered_delivery=2,
        origin=8, priority=3, data_coding=0, user_message_reference=7, deadline=NOW + 2 * DAY,
    )  # fmt: skip
    assert await store.add_or_replace([new], {9}) == {9: Kept(2, "2")}
    [message] = await claim(store, provider="spare")
    assert (message.id, message.text, message.priority, message.submitted_at) == (2, new.text, 3, NOW)
    assert message.deadline == new.deadline
    assert await stages(store) == {1: Stage.QUEUED, 2: Stage.SENDING, 3: Stage.QUEUED}
    assert await store.find_messages("pbx", "9") == []


async def test_the_new_one_is_tried_from_the_beginning(store: Store) -> None:
    await store.add_segments([segment(1)])
    [message] = await claim(store)
    await record_unsent(store, [unsent(message, Stage.WAITING, LATER)])
    await store.add_or_replace([segment(9)], {9})
    [again] = await claim(store)
    assert (again.id, again.attempt, again.tries) == (1, 2, 0)


@pytest.mark.parametrize(
    "other",
    [
        segment(1, account="alarm"),
        segment(1, recipient="375297654321"),
        segment(1, source_addr="OTHER"),
        segment(1, service_type="HLR"),
        segment(1, deadline=NOW),
    ],
)
async def test_where_there_is_none_it_is_added(store: Store, other: Segment) -> None:
    await store.add_segments([other])
    assert await store.add_or_replace([segment(9)], {9}) == {}
    assert (await only(store, "9")).stage == Stage.QUEUED
    assert (await stages(store))[1] == Stage.QUEUED


@pytest.mark.parametrize("stage", [Stage.SENDING, Stage.UNCERTAIN, Stage.SENT, Stage.FINAL])
async def test_what_has_left_stays_as_it_is(store: Store, stage: Stage) -> None:
    await in_stage(store, stage)
    before = await only(store)
    assert await store.add_or_replace([segment(9)], {9}) == {}
    assert await only(store) == before
    assert (await only(store, "9")).stage == Stage.QUEUED


async def test_those_that_must_not_replace_do_not(store: Store) -> None:
    await store.add_segments([segment(1)])
    assert await store.add_or_replace([segment(8), segment(9)], {9}) == {9: Kept(8, "8")}
    assert await stages(store) == {1: Stage.QUEUED, 8: Stage.QUEUED}


async def test_one_after_the_other(store: Store) -> None:
    """Of several in one call the last one's content is sent, under the first one's id."""
    texts = [segment(n, text=f"text {n}") for n in (1, 2, 3)]
    assert await store.add_or_replace(texts, {1, 2, 3}) == {2: Kept(1, "1"), 3: Kept(1, "1")}
    assert [(message.id, message.text) for message in await claim(store)] == [(1, "text 3")]


async def test_all_or_none(store: Store) -> None:
    await store.add_segments([segment(1), segment(5, recipient="375297654321")])
    clash = segment(5, recipient="375297654321", source_addr="OTHER")
    with pytest.raises(StoreError, match="same key"):
        await store.add_or_replace([segment(9, text="new"), clash], {9})
    assert [message.text for message in await claim(store)] == [segment(1).text, segment(5).text]


async def test_a_message_being_claimed_is_replaced_or_another_one_is_made(store: Store) -> None:
    await store.add_segments([segment(1)])
    first = store.add_or_replace([segment(8, text="first")], {8})
    claimed = store.claim_messages("lab", "pbx", 10, NOW, LATER)
    second = store.add_or_replace([segment(9, text="second")], {9})
    assert (await first, await second) == ({8: Kept(1, "1")}, {})
    assert [(message.id, message.text) for message in await claimed] == [(1, "first")]
    assert [(message.id, message.text) for message in await claim(store)] == [(9, "second")]


# --- what may not be changed -------------------------------------------------------------------------


async def doubtful(store: Store) -> None:
    """Message 1 waits to be sent once more; its provider may have it already."""
    await store.add_segments([segment(1)])
    [message] = await claim(store)
    await record_unsent(store, [unsent(message, Stage.WAITING, NOW, result="uncertain")])


async def test_what_waits_after_a_doubt_is_not_replaced(store: Store) -> None:
    """Its late answer would be about the old text."""
    await doubtful(store)
    [found] = await store.find_messages("pbx", "1")
    assert found.stage == Stage.WAITING
    assert not await store.replace(1, NEW, NOW)
    assert await store.add_or_replace([segment(2)], {2}) == {}


async def test_a_part_that_is_replaced_changes_the_text_only(store: Store) -> None:
    """What each part asked for is its own."""
    await long_message(store)
    assert await store.replace(1, NEW._replace(registered_delivery=0), NOW)
    [message] = await claim(store, provider="spare")
    assert message.text == NEW.text
    await record_sent(store, [sent(message)])
    await store.settle("spare", [report(1)], NOW)
    assert await owed(store) == [("1", State.DELIVERED), ("2", State.DELIVERED)]


async def test_of_ids_that_come_again_the_latest_is_meant(store: Store) -> None:
    await store.add_segments([waiting(1, wire_id="7"), waiting(2, wire_id="7", submitted_at=NOW + 5)])
    assert [one.id for one in await store.find_messages("pbx", "7")] == [2]
    assert (await store.cancel("pbx", "7", "ALARM", "", NOW)).ids == [2]
