"""What every store promises about replacing messages (store.base.Store)."""

import pytest

from smppbridge.errors import StoreError
from smppbridge.model.message import Message, Outcome, Segment, Stage, State
from smppbridge.store.base import Store
from smppbridge.store.results import Kept
from tests.contract.store.lookups import LATER, NEW, in_stage, long_message, only, owed, waiting
from tests.support.builders.rows import (
    DAY,
    NOW,
    claim,
    finish,
    record_sent,
    record_unsent,
    report,
    segment,
    sent,
    stages,
    unsent,
)

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


async def test_what_was_there_before_the_first_question_is_found(store: Store) -> None:
    """Queued, scheduled, or with a provider that gives it back later."""
    await store.add_segments([segment(1)])
    [message] = await claim(store)
    await store.add_segments([segment(2), waiting(3), segment(4, account="alarm")])
    first = await store.cancel_pending("pbx", "375291234567", "ALARM", None, 100, NOW)
    assert sorted(first.ids) == [2, 3]
    await store.hand_back([(message.id, message.attempt, NOW)])
    assert (await store.cancel_pending("pbx", "375291234567", "ALARM", None, 100, NOW)).ids == [1]
    await store.add_segments([segment(5)])
    assert (await store.cancel_pending("pbx", "375291234567", "ALARM", None, 100, NOW)).ids == [5]
    assert [message.id for message in await claim(store, account="alarm")] == [4]
