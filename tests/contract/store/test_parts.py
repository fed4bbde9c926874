"""What every store promises about messages that a provider got in parts (store.base.Store)."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from smppbridge.model.message import Message, Outcome, Receipt, Sent, Settled, Stage, State, StatusReport
from smppbridge.store.base import Store
from smppbridge.store.results import Settlement
from tests.support.builders.rows import (
    DAY,
    HOUR,
    NOW,
    claim,
    finish,
    record_sent,
    record_unsent,
    segment,
    sent,
    stages,
    unsent,
)

NOTHING = Settlement([], frozenset(), 0)


def in_parts(message: Message, first: str, *others: str) -> Sent:
    """The good end of an attempt that handed the message over in parts."""
    return sent(message)._replace(provider_ref=first, parts=others)


def word(ref: str, state: State = State.DELIVERED, err: int = 0, code: str = "") -> StatusReport:
    """A final status of a part."""
    return StatusReport(ref, int(state), True, err, code)


def passing(ref: str, state: State = State.ENROUTE) -> StatusReport:
    """A status of a part that is not final."""
    return StatusReport(ref, int(state), False, 0, "")


async def send(store: Store, *refs: tuple[str, ...], registered_delivery: int = 1) -> list[Message]:
    """Messages 1, 2, ... SENT with these references each."""
    numbers = range(1, len(refs) + 1)
    await store.add_segments([segment(n, registered_delivery=registered_delivery) for n in numbers])
    messages = await claim(store, 1000)
    await record_sent(
        store, [in_parts(*pair[:1], *pair[1]) for pair in zip(messages, refs, strict=True)], NOW
    )
    return messages


async def settle(store: Store, *words: StatusReport, now: int = NOW) -> Settlement:
    return await store.settle("lab", words, now)


async def states(store: Store, *words: StatusReport) -> list[int]:
    """The final states that these words bring."""
    return [item.state for item in (await settle(store, *words)).settled]


async def owed(store: Store) -> list[Receipt]:
    return await store.claim_receipts("pbx", 99, NOW + DAY, NOW + DAY, 1000)


# --- the end of a message ----------------------------------------------------------------------------


async def test_a_message_is_delivered_when_all_its_parts_are(store: Store) -> None:
    await send(store, ("a", "b", "c"))
    assert await settle(store, word("b"), now=NOW + 1) == NOTHING
    assert await settle(store, word("a"), now=NOW + 2) == NOTHING
    assert await stages(store) == {1: Stage.SENT}
    settlement = await settle(store, word("c"), now=NOW + 3)
    assert settlement.settled == [Settled("pbx", "lab", State.DELIVERED, NOW, True)]
    assert [(receipt.state, receipt.final, receipt.at) for receipt in await owed(store)] == [
        (State.DELIVERED, True, NOW + 3)
    ]
    assert await stages(store) == {1: Stage.FINAL}


async def test_the_status_of_the_first_part_alone_ends_nothing(store: Store) -> None:
    await send(store, ("a", "b"))
    for _ in range(2):
        assert await settle(store, word("a", State.REJECTED)) == NOTHING
    assert await stages(store) == {1: Stage.SENT}


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("turn", [0, 1, 2])
async def test_the_worst_part_speaks_for_the_message(store: Store, turn: int, together: bool) -> None:
    await send(store, ("a", "b", "c"))
    words = [word("a"), word("b", State.UNDELIVERABLE, 21, "absent"), word("c", State.EXPIRED, 3, "late")]
    words = words[turn:] + words[:turn]
    for batch in [words] if together else [[one] for one in words]:
        await settle(store, *batch)
    [receipt] = await owed(store)
    assert (receipt.state, receipt.err, receipt.code) == (State.UNDELIVERABLE, 21, "absent")


WORSE = [State.REJECTED, State.UNDELIVERABLE, State.DELETED, State.EXPIRED, State.UNKNOWN, State.DELIVERED]


@pytest.mark.parametrize(("bad", "better"), list(pairwise(WORSE)))
async def test_the_order_of_badness(store: Store, bad: State, better: State) -> None:
    await send(store, ("a", "b"), ("c", "d"))
    assert await states(store, word("a", bad), word("b", better)) == [bad]
    assert await states(store, word("c", better), word("d", bad)) == [bad]


async def test_messages_in_one_part_and_in_several_settle_together(store: Store) -> None:
    await send(store, ("a",), ("b", "c"), ("d",), ("e", "f", "g"))
    words = [word(ref) for ref in "gabcdf"]
    settlement = await settle(store, *words)
    assert len(settlement.settled) == 3
    assert await stages(store) == {1: Stage.FINAL, 2: Stage.FINAL, 3: Stage.FINAL, 4: Stage.SENT}


async def test_very_many_in_one_call(store: Store) -> None:
    numbers = range(600)
    await send(store, *((f"a{n}", f"b{n}") for n in numbers))
    settlement = await settle(store, *(word(f"{part}{n}") for part in "ab" for n in numbers))
    assert len(settlement.settled) == 600


async def test_parts_under_one_reference_are_one(store: Store) -> None:
    await send(store, ("a", "a", "b", ""))
    assert await states(store, word("a"), word("b")) == [State.DELIVERED]


async def test_parts_last_over_a_restart(make_store: Callable[[], Store]) -> None:
    store = make_store()
    await store.open()
    await send(store, ("a", "b"))
    await settle(store, word("a", State.EXPIRED))
    await store.close()
    store = make_store()
    await store.open()
    assert await states(store, word("b")) == [State.EXPIRED]
    await store.close()


# --- on the way there --------------------------------------------------------------------------------


async def test_a_state_on_the_way_is_notified_once_for_all_parts(store: Store) -> None:
    await send(store, ("a", "b"), registered_delivery=0x11)
    assert (await settle(store, passing("b"))).notified == {"pbx"}
    assert (await settle(store, passing("a"), passing("b"))).notified == frozenset()
    assert (await settle(store, passing("a", State.ACCEPTED))).notified == {"pbx"}
    await settle(store, word("a"), word("b"))
    assert [receipt.state for receipt in await owed(store)] == [
        State.ENROUTE,
        State.ACCEPTED,
        State.DELIVERED,
    ]


async def test_a_state_on_the_way_of_one_part_is_an_answer_about_the_message(store: Store) -> None:
    await send(store, ("a", "b"), ("c", "d"))
    await settle(store, passing("b"), word("c"))
    rows = await store.overdue("lab", NOW + DAY, 10)
    assert sorted((row.id, row.answered) for row in rows) == [(1, True), (2, False)]


@pytest.mark.parametrize("together", [True, False])
async def test_a_final_part_does_not_change(store: Store, together: bool) -> None:
    await send(store, ("a", "b"))
    words = [
        word("a"),
        word("a"),  # a repetition
        word("a", State.EXPIRED),  # and contradictions
        passing("a"),
    ]
    batches = [words] if together else [[one] for one in words]
    settlements = [await settle(store, *batch) for batch in batches]
    assert sum(done.late for done in settlements) == 2
    assert await states(store, word("b")) == [State.DELIVERED]


async def test_words_about_parts_after_the_end(store: Store) -> None:
    await send(store, ("a", "b"))
    await settle(store, word("a"), word("b", State.EXPIRED))
    assert await settle(store, word("a"), word("b", State.EXPIRED)) == NOTHING
    assert (await settle(store, word("a", State.EXPIRED), word("b"))).late == 2
    assert len(await owed(store)) == 1


@pytest.mark.parametrize(("state", "late"), [(State.EXPIRED, 0), (State.DELIVERED, 1)])
async def test_a_message_that_was_given_up_stays_so(store: Store, state: State, late: int) -> None:
    await send(store, ("a", "b"))
    await settle(store, word("a", state))
    await finish(store, [Outcome(1, int(State.EXPIRED), 0, "", NOW)])
    assert await settle(store, word("b", state)) == Settlement([], frozenset(), late)
    assert len(await owed(store)) == 1


# --- whose parts they are ----------------------------------------------------------------------------


async def test_parts_are_of_one_provider(store: Store) -> None:
    await send(store, ("a", "b"))
    assert await store.settle("spare", [word("a"), word("b")], NOW) == NOTHING
    assert await states(store, word("a"), word("b")) == [State.DELIVERED]


async def test_a_late_hand_over_in_parts_is_of_the_provider_of_its_attempt(store: Store) -> None:
    await store.add_segments([segment(1)])
    [message] = await claim(store)
    await record_unsent(store, [unsent(message, Stage.QUEUED, NOW + HOUR, provider="spare")])
    await record_sent(store, [in_parts(message, "a", "b")], NOW)
    assert await states(store, word("a"), word("b")) == [State.DELIVERED]


async def test_only_the_attempt_that_counts_brings_parts(store: Store) -> None:
    [message] = await send(store, ("a", "b"))
    await record_sent(store, [in_parts(message, "a", "b", "c")], NOW)  # it is SENT already
    await record_sent(store, [in_parts(message, "a", "d")._replace(attempt=2)], NOW)
    assert await states(store, word("a"), word("b")) == [State.DELIVERED]


async def test_a_message_handed_over_whole_does_not_get_parts_later(store: Store) -> None:
    await store.add_segments([segment(1)])
    [message] = await claim(store)
    await record_sent(store, [in_parts(message, "a")], NOW)
    await record_sent(store, [in_parts(message, "a", "b")], NOW)
    assert await states(store, word("a")) == [State.DELIVERED]


@pytest.mark.parametrize(("first", "second"), [(("x",), ("a", "x")), (("x", "y"), ("a", "x"))])
async def test_a_reference_used_again_means_the_latest_message(
    store: Store, first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    await send(store, first, second)
    assert await states(store, word("a")) == []
    assert await states(store, word("x")) == [State.DELIVERED]
    assert await stages(store) == {1: Stage.SENT, 2: Stage.FINAL}


async def test_a_reference_of_a_part_used_again_for_a_whole_message(store: Store) -> None:
    await send(store, ("a", "x"), ("x",))
    assert await states(store, word("x")) == [State.DELIVERED]
    assert await stages(store) == {1: Stage.SENT, 2: Stage.FINAL}


async def test_a_part_is_found_in_another_notation(store: Store) -> None:
    [message] = await send(store, ("1E", "1F"))
    words = [
        StatusReport("", int(State.DELIVERED), True, 0, "", also=(told, ref), recipient=message.recipient)
        for told, ref in (("30", "1E"), ("31", "1F"))
    ]
    wrong = [one._replace(recipient="375440000000") for one in words]
    assert await states(store, *wrong) == []
    assert await states(store, *words) == [State.DELIVERED]


async def test_references_of_parts_are_known(store: Store) -> None:
    await send(store, ("a", "b"), ("c",))
    assert await store.known_refs("lab", ["a", "b", "c", "d"]) == {"a", "b", "c"}
    assert await store.known_refs("spare", ["a", "b", "c"]) == frozenset()


# --- statuses before their reference -----------------------------------------------------------------


@pytest.mark.parametrize("early", ["a", "b", "ab"])
async def test_early_statuses_of_parts_wait_for_them(store: Store, early: str) -> None:
    await store.add_segments([segment(1)])
    [message] = await claim(store)
    assert await settle(store, *map(word, early)) == NOTHING
    done = await record_sent(store, [in_parts(message, "a", "b")], NOW)
    assert [item.state for item in done.settled] == [State.DELIVERED] * (early == "ab")
    assert await states(store, *[word(ref) for ref in "ab" if ref not in early]) == [State.DELIVERED] * (
        early != "ab"
    )
    assert (await store.gauges(NOW + DAY)).unknown == {}


async def test_early_statuses_of_parts_in_other_notations(store: Store) -> None:
    await store.add_segments([segment(1, registered_delivery=0x11), segment(2)])
    messages = await claim(store)
    early = StatusReport("", int(State.ENROUTE), False, 0, "", also=("30", "1E"), recipient="80291234567")
    last = early._replace(also=("31", "1F"), state=int(State.EXPIRED), final=True)
    await settle(store, early, last)
    pairs = zip(messages, (("1E", "1F"), ("g",)), strict=True)
    done = await record_sent(store, [in_parts(message, *refs) for message, refs in pairs], NOW)
    assert done == Settlement([], frozenset({"pbx"}), 0)
    assert await states(store, word("1E"), word("g")) == [State.DELIVERED, State.EXPIRED]


# --- keeping house -----------------------------------------------------------------------------------


async def test_purge_deletes_parts_with_their_message(store: Store) -> None:
    await send(store, ("a", "b"), ("c", "d"), registered_delivery=0)
    await settle(store, word("a"), word("b"))
    assert await store.purge(NOW + 1, 0, NOW + DAY, 10) == 1
    assert await store.known_refs("lab", ["a", "b", "c", "d"]) == {"c", "d"}


async def test_a_message_in_parts_is_asked_about_by_its_first_reference(store: Store) -> None:
    await send(store, ("a", "b"))
    [poll] = await store.claim_polls("lab", NOW + HOUR, 10, HOUR, HOUR)
    assert poll.provider_ref == "a"
