"""What every store promises about messages in doubt (store.base.Store)."""

import pytest

from smppbridge.model.message import Doubt, Message, Outcome, Stage, State
from smppbridge.store.base import Store
from smppbridge.store.sqlite.messages import ASK_GRACE_MS
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

AGAIN = NOW + 60_000


async def in_doubt(
    store: Store, *numbers: int, due_at: int = NOW, deadline: int = NOW + DAY
) -> list[Message]:
    """Messages whose only hand-over ended UNCERTAIN."""
    await store.add_segments([segment(number, deadline=deadline, due_at=deadline) for number in numbers])
    messages = await claim(store)
    await record_unsent(store, [unsent(message, Stage.UNCERTAIN, due_at, tries=0) for message in messages])
    return messages


async def asked(store: Store, now: int = AGAIN, limit: int = 100) -> list[Doubt]:
    """The doubts due at ``now``; they stay due."""
    return await store.claim_doubts("lab", now, limit, now)


# --- claiming ----------------------------------------------------------------------------------------


async def test_a_doubt_is_what_was_handed_over(store: Store) -> None:
    await store.add_segments(
        [segment(5, text="Дверь", service_type="CALL", sender="CASTLE", send_at=NOW + 9)]
    )
    [message] = await store.claim_messages("lab", "pbx", 1, NOW + 7, NOW + HOUR)
    await record_unsent(store, [unsent(message, Stage.UNCERTAIN, NOW + 9, tries=3)])
    assert await store.claim_doubts("lab", NOW + 8, 10, AGAIN) == []
    [doubt] = await store.claim_doubts("lab", NOW + 9, 10, AGAIN)
    assert doubt == Doubt(
        id=5,
        account="pbx",
        recipient=message.recipient,
        sender="CASTLE",
        text="Дверь",
        service_type="CALL",
        send_at=NOW + 9,
        route="lab,spare",
        provider="lab",
        attempt=1,
        tries=3,
        tried_at=NOW + 7,
        asked=0,
        misses=0,
        deadline=NOW + DAY,
    )


async def test_each_claim_is_a_question_and_the_next_one_comes_later(store: Store) -> None:
    await in_doubt(store, 1)
    assert [doubt.asked for doubt in await store.claim_doubts("lab", NOW, 10, AGAIN)] == [0]
    assert await store.claim_doubts("lab", AGAIN - 1, 10, AGAIN + 1) == []
    assert [doubt.asked for doubt in await store.claim_doubts("lab", AGAIN, 10, AGAIN + 1)] == [1]


async def test_doubts_are_claimed_longest_overdue_first(store: Store) -> None:
    for number, due_at in ((1, NOW + 30), (2, NOW + 10), (3, NOW + 20), (4, NOW + 99)):
        await in_doubt(store, number, due_at=due_at)
    assert [doubt.id for doubt in await store.claim_doubts("lab", NOW + 30, 2, AGAIN)] == [2, 3]
    assert [doubt.id for doubt in await store.claim_doubts("lab", NOW + 30, 2, AGAIN)] == [1]


async def test_only_doubts_of_this_provider_that_may_still_be_solved(store: Store) -> None:
    await in_doubt(store, 1, deadline=NOW + HOUR)
    await send(store, segment(2))
    await store.add_segments([segment(3)])
    assert await store.claim_doubts("spare", AGAIN, 10, AGAIN) == []
    assert [doubt.asked for doubt in await asked(store, NOW + HOUR - 1)] == [0]
    assert await asked(store, NOW + HOUR) == []
    assert [doubt.asked for doubt in await asked(store, NOW + HOUR - 1)] == [1]


async def test_a_doubt_is_asked_about_once_though_its_deadline_comes_first(store: Store) -> None:
    await in_doubt(store, 1, due_at=NOW + HOUR, deadline=NOW + 1)
    assert await asked(store, NOW + HOUR - 1) == []
    assert await store.overdue("lab", NOW + HOUR + ASK_GRACE_MS - 1, 10) == []
    assert [doubt.asked for doubt in await asked(store, NOW + HOUR)] == [0]
    assert await asked(store, NOW + HOUR + 1) == []
    assert [row.id for row in await store.overdue("lab", NOW + HOUR + 1, 10)] == [1]


async def test_a_question_that_nobody_asks_is_waited_for_so_long(store: Store) -> None:
    await in_doubt(store, 1, due_at=NOW + HOUR, deadline=NOW + 1)
    await in_doubt(store, 2, due_at=NOW + HOUR + 1, deadline=NOW + 1)
    await in_doubt(store, 3, due_at=NOW + 1, deadline=NOW + DAY)  # its deadline is still to come
    [row] = await store.overdue("lab", NOW + HOUR + ASK_GRACE_MS, 10)
    assert (row.id, row.stage) == (1, Stage.UNCERTAIN)


async def test_a_question_due_just_before_the_deadline_is_waited_for_too(store: Store) -> None:
    await in_doubt(store, 1, due_at=NOW + HOUR - 1, deadline=NOW + HOUR)
    assert await store.overdue("lab", NOW + HOUR, 10) == []
    assert [doubt.id for doubt in await store.claim_doubts("lab", NOW + HOUR, 10, AGAIN)] == [1]
    assert [row.id for row in await store.overdue("lab", NOW + HOUR, 10)] == [1]


async def test_a_doubt_that_nobody_can_ask_about_ends_at_its_deadline(store: Store) -> None:
    await in_doubt(store, 1, due_at=NOW + HOUR, deadline=NOW + HOUR)
    assert await store.overdue("lab", NOW + HOUR - 1, 10) == []
    assert [row.id for row in await store.overdue("lab", NOW + HOUR, 10)] == [1]


# --- what was said -----------------------------------------------------------------------------------


async def test_misses_in_a_row_are_counted(store: Store) -> None:
    await in_doubt(store, 1, 2)
    await store.note_doubts([1], [2])
    await store.note_doubts([1, 2], [])
    assert [(doubt.id, doubt.misses) for doubt in await asked(store)] == [(1, 2), (2, 1)]
    await store.note_doubts([], [1])
    assert [(doubt.id, doubt.misses) for doubt in await asked(store)] == [(1, 0), (2, 1)]


async def test_what_is_no_doubt_any_more_is_not_noted(store: Store) -> None:
    await in_doubt(store, 1)
    await finish(store, [Outcome(1, int(State.UNKNOWN), 0, "", NOW)])
    await store.note_doubts([1, 99], [1, 99])
    assert await asked(store) == []
    assert await stages(store) == {1: Stage.FINAL}


async def test_known_references_are_of_one_provider(store: Store) -> None:
    await send(store, segment(1), segment(2), segment(3, provider="spare"))
    await store.settle("lab", [report(2)], NOW)  # FINAL ones count as well
    refs = ["ref-3", "ref-2", "ref-1", "ref-9", ""]
    assert await store.known_refs("lab", refs) == {"ref-1", "ref-2"}
    assert await store.known_refs("spare", refs) == {"ref-3"}
    assert await store.known_refs("lab", []) == frozenset()


async def test_what_a_provider_is_being_given(store: Store) -> None:
    await store.add_segments(
        [
            segment(1, text="door"),
            segment(2, text="gate"),
            segment(3, text="lamp"),
            segment(4, text="door", provider="spare"),
        ]
    )
    assert await store.in_flight("lab") == frozenset()
    door, gate, lamp = await claim(store)
    await claim(store, provider="spare")
    assert await store.in_flight("lab") == {(one.recipient, one.text) for one in (door, gate, lamp)}
    assert await store.in_flight("spare") == {(door.recipient, "door")}
    await record_sent(store, [sent(door)], NOW)
    await record_unsent(store, [unsent(gate, Stage.UNCERTAIN, NOW)])
    assert await store.in_flight("lab") == {(lamp.recipient, "lamp")}
    await store.hand_back([(lamp.id, lamp.attempt, NOW)])
    assert await store.in_flight("lab") == frozenset()


async def test_very_many_known_references(store: Store) -> None:
    numbers = range(1, 1001)
    await send(store, *(segment(number) for number in numbers))
    assert len(await store.known_refs("lab", [f"ref-{number}" for number in range(2000)])) == 1000


# --- the end of a doubt ------------------------------------------------------------------------------


async def test_a_doubt_that_is_found_is_sent_and_settled(store: Store) -> None:
    [message] = await in_doubt(store, 1)
    await store.settle("lab", [report(1)], NOW)
    await record_sent(store, [sent(message)], NOW)
    assert await stages(store) == {1: Stage.FINAL}
    assert await asked(store) == []


@pytest.mark.parametrize("stage", [Stage.QUEUED, Stage.UNCERTAIN])
async def test_another_hand_over_begins_with_no_questions(store: Store, stage: Stage) -> None:
    [message] = await in_doubt(store, 1)
    await asked(store)
    await store.note_doubts([1], [])
    await record_unsent(store, [unsent(message, stage, NOW)])
    if stage == Stage.QUEUED:
        [message] = await claim(store)
        assert message.attempt == 2
        await record_unsent(store, [unsent(message, Stage.UNCERTAIN, NOW)])
    [doubt] = await asked(store)
    assert (doubt.attempt, doubt.asked, doubt.misses) == (message.attempt, 0, 0)


async def test_a_doubt_is_overdue_by_its_deadline_not_by_its_questions(store: Store) -> None:
    await in_doubt(store, 1, due_at=NOW - 1, deadline=NOW + HOUR)
    await store.claim_doubts("lab", NOW, 10, NOW + DAY)
    assert await store.overdue("lab", NOW + HOUR - 1, 10) == []
    [row] = await store.overdue("lab", NOW + HOUR, 10)
    assert (row.id, row.stage) == (1, Stage.UNCERTAIN)


async def test_doubts_survive_a_restart_with_their_counts(store: Store) -> None:
    await in_doubt(store, 1)
    await asked(store)
    await store.note_doubts([1], [])
    await store.close()
    await store.open()
    [doubt] = await asked(store)
    assert (doubt.asked, doubt.misses) == (1, 1)
