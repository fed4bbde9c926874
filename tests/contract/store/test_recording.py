"""What every store promises about recording what became of attempts (store.base.Store)."""

import pytest

from smppbridge.errors import StoreError
from smppbridge.model.message import Outcome, Settled, Stage, State
from smppbridge.store.base import Store
from smppbridge.store.results import Recorded, Settlement
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
    sent,
    stages,
    unsent,
)


def end(message_id: int, attempt: int, state: State = State.REJECTED) -> Outcome:
    """The end of a message by this attempt."""
    return Outcome(message_id, int(state), 1, "no", NOW, attempt=attempt)


async def test_what_became_of_a_batch_in_one_step(store: Store) -> None:
    await store.add_segments([segment(number) for number in (1, 2, 3, 4)])
    first, second, third, fourth = await claim(store)
    await store.settle("lab", [report(1)], NOW)
    recorded = await store.record(
        [sent(first), sent(second)],
        [unsent(third, Stage.UNCERTAIN, NOW + HOUR)],
        [end(4, fourth.attempt)],
        NOW,
    )
    assert recorded == Recorded(
        Settlement([Settled("pbx", "lab", State.DELIVERED, NOW, True)], frozenset(), 0),
        [Settled("pbx", "lab", State.REJECTED, NOW, True, unsent=True)],
        {"pbx": 2},
    )
    assert await stages(store) == {1: Stage.FINAL, 2: Stage.SENT, 3: Stage.UNCERTAIN, 4: Stage.FINAL}


async def test_nothing_to_record(store: Store) -> None:
    await store.settle("lab", [report(1)], NOW)
    assert await store.record([], [], [], NOW) == Recorded(Settlement([], frozenset(), 0), [])


@pytest.mark.parametrize("bad", ["sent", "unsent", "outcome"])
async def test_all_or_nothing(store: Store, bad: str) -> None:
    """2^63 has no form in the store."""
    await store.add_segments([segment(number) for number in (1, 2, 3)])
    first, second, third = await claim(store)
    await store.settle("lab", [report(1)], NOW)
    good = sent(first)._replace(poll_at=1 << 63 if bad == "sent" else NOW)
    later = unsent(second, Stage.QUEUED, 1 << 63 if bad == "unsent" else NOW)
    no = end(3, third.attempt)._replace(at=1 << 63 if bad == "outcome" else NOW)
    with pytest.raises(StoreError):
        await store.record([good], [later], [no], NOW)
    assert set((await stages(store)).values()) == {Stage.SENDING}
    assert len((await record_sent(store, [sent(first)])).settled) == 1  # its status waits still


# --- the end of an attempt ---------------------------------------------------------------------------


@pytest.mark.parametrize("stage", [Stage.SENDING, Stage.UNCERTAIN])
async def test_an_attempt_ends_its_message(store: Store, stage: Stage) -> None:
    await store.add_segments([segment(1)])
    [message] = await claim(store)
    if stage == Stage.UNCERTAIN:
        await record_unsent(store, [unsent(message, stage, NOW + HOUR)])
    assert len(await finish(store, [end(1, message.attempt)])) == 1
    assert await stages(store) == {1: Stage.FINAL}


async def test_an_attempt_after_which_another_began_ends_nothing(store: Store) -> None:
    await store.add_segments([segment(1)])
    [first] = await claim(store)
    await record_unsent(store, [unsent(first, Stage.QUEUED, NOW + DAY)])
    [second] = await claim(store)
    assert await finish(store, [end(1, first.attempt)]) == []
    assert await stages(store) == {1: Stage.SENDING}
    assert len(await finish(store, [end(1, second.attempt)])) == 1


@pytest.mark.parametrize("stage", [Stage.QUEUED, Stage.WAITING, Stage.SENT])
async def test_an_attempt_ends_nothing_that_is_not_with_its_provider(store: Store, stage: Stage) -> None:
    await store.add_segments([segment(1)])
    [message] = await claim(store)
    if stage == Stage.SENT:
        await record_sent(store, [sent(message)])
    else:
        await record_unsent(store, [unsent(message, stage, NOW + HOUR, provider="spare")])
    assert await finish(store, [end(1, message.attempt)]) == []
    assert await stages(store) == {1: stage}
    assert len(await finish(store, [end(1, 0)])) == 1  # whatever became of the attempt


async def test_what_is_sent_is_not_ended_by_the_same_record(store: Store) -> None:
    await store.add_segments([segment(1), segment(2)])
    first, second = await claim(store)
    ends = [end(1, first.attempt), end(2, second.attempt)]
    recorded = await store.record([sent(first)], [unsent(second, Stage.QUEUED, NOW + DAY)], ends, NOW)
    assert recorded.settled == []
    assert await stages(store) == {1: Stage.SENT, 2: Stage.QUEUED}


@pytest.mark.parametrize("first", [State.EXPIRED, State.REJECTED])
async def test_of_two_outcomes_for_one_message_the_first_counts(store: Store, first: State) -> None:
    await store.add_segments([segment(1)])
    await claim(store)
    both = sorted((State.EXPIRED, State.REJECTED), key=lambda state: state != first)
    settled = await finish(store, [end(1, 0, state) for state in both])
    assert [item.state for item in settled] == [first]
    receipts = await store.claim_receipts("pbx", 7, NOW, NOW, 10)
    assert [(one.wire_id, one.state) for one in receipts] == [("1", first)]


# --- parts of a message that is given up -------------------------------------------------------------


@pytest.mark.parametrize("given_up", [State.UNKNOWN, State.EXPIRED])
@pytest.mark.parametrize(
    ("known", "ends"),
    [
        ([], None),
        ([State.DELIVERED], None),
        ([State.UNDELIVERABLE], State.UNDELIVERABLE),
        ([State.DELIVERED, State.REJECTED], State.REJECTED),
        ([State.UNDELIVERABLE, State.REJECTED], State.REJECTED),
    ],
)
async def test_the_worst_that_is_known_of_its_parts_is_the_end(
    store: Store, known: list[State], ends: State | None, given_up: State
) -> None:
    await store.add_segments([segment(1), segment(2)])
    first, second = await claim(store)
    await record_sent(store, [sent(first)._replace(provider_ref="a", parts=("b", "c")), sent(second)])
    words = [
        report(0, state)._replace(provider_ref=ref, err=9, code="its")
        for ref, state in zip("abc", known, strict=False)
    ]
    passing = report(0, State.REJECTED, final=False)._replace(provider_ref="c")
    await store.settle("lab", [*words, passing], NOW)
    await finish(store, [Outcome(number, int(given_up), 0, "own", NOW) for number in (1, 2)])
    receipts = await store.claim_receipts("pbx", 7, NOW, NOW, 10)
    plain = ("2", given_up, 0, "own")
    assert [(one.wire_id, one.state, one.err, one.code) for one in receipts] == [
        ("1", ends, 9, "its") if ends else ("1", *plain[1:]),
        plain,
    ]


@pytest.mark.parametrize(("among", "expected"), [(0, [1]), (1, [1]), (2, [2]), (3, [2]), (4, [4])])
async def test_a_claim_of_what_was_tried_least_often(store: Store, among: int, expected: list[int]) -> None:
    """Of the first ones in the order of the queue."""
    attempts = {1: 2, 2: 1, 3: 1, 4: 0}
    await store.add_segments([segment(number) for number in attempts])
    for tried in (1, 2):
        claimed = await claim(store)
        back = [one for one in claimed if attempts[one.id] < tried]
        await store.hand_back([(one.id, one.attempt, NOW) for one in back])
        again = [unsent(one, Stage.QUEUED, NOW + DAY) for one in claimed if one not in back]
        await record_unsent(store, again)
        await store.promote("lab", NOW, 10)
    claimed = await store.claim_messages("lab", "pbx", 1, NOW, NOW + HOUR, among)
    assert [message.id for message in claimed] == expected


async def test_a_claim_of_what_is_urgent(store: Store) -> None:
    await store.add_segments([segment(number, priority=number - 1) for number in range(1, 5)])
    for least, among, expected in ((2, 9, [4]), (2, 0, [3]), (2, 0, []), (1, 0, [2]), (0, 0, [1])):
        claimed = await store.claim_messages("lab", "pbx", 1, NOW, NOW + HOUR, among, least)
        assert [message.id for message in claimed] == expected


async def test_what_is_not_urgent_is_put_off(store: Store) -> None:
    await store.add_segments(
        [
            segment(1),
            segment(2, priority=1),
            segment(3, due_at=NOW + HOUR, deadline=NOW + HOUR),
            segment(4, account="door"),
            segment(5, provider="spare"),
            segment(6),
            segment(7, stage=Stage.WAITING, due_at=NOW + 1),
        ]
    )
    assert await store.put_off("lab", "pbx", NOW + 2 * HOUR, 2) == 2
    assert await store.put_off("lab", "pbx", NOW + 2 * HOUR, 2) == 1
    assert await store.put_off("lab", "pbx", NOW + 2 * HOUR, 2) == 0
    assert [one.id for one in await claim(store)] == [2]
    found = {number: (await store.find_messages("pbx", str(number)))[0] for number in (1, 3, 6, 7)}
    assert {number: (one.stage, one.attempt, one.due_at) for number, one in found.items()} == {
        1: (Stage.WAITING, 0, NOW + 2 * HOUR),
        3: (Stage.WAITING, 0, NOW + HOUR),  # nothing waits beyond its deadline
        6: (Stage.WAITING, 0, NOW + 2 * HOUR),
        7: (Stage.WAITING, 0, NOW + 1),
    }
    assert await store.promote("lab", NOW + 2 * HOUR, 10) == {"pbx"}
    assert [one.id for one in await claim(store)] == [1, 6, 7]
