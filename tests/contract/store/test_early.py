"""What every store promises about whom a status is for, be it early or late (store.base.Store)."""

from collections.abc import Sequence

import pytest

from smppbridge.model.message import Message, Outcome, Stage, State, StatusReport
from smppbridge.store.base import Store
from smppbridge.store.results import Settlement
from tests.support.builders.rows import DAY, HOUR, NOW, claim, finish, record_sent, segment, sent, stages

P = "375291234567"
Q = "375447654321"


def told(
    *refs: str, recipient: str = P, state: int = State.DELIVERED, final: bool = True, early: bool = False
) -> StatusReport:
    """A status by the first of ``refs``, and by the others as further notations of it."""
    return StatusReport(refs[0], int(state), final, 0, "word", "", refs[1:], recipient, early)


async def claimed(store: Store, *phones: str) -> list[Message]:
    """Messages 1, 2, ... to these phones, being handed over."""
    await store.add_segments([segment(n, recipient=phone) for n, phone in enumerate(phones, start=1)])
    return await claim(store, 1000)


async def record(store: Store, *pairs: tuple[Message, str]) -> Settlement:
    """SENT under these references."""
    return await record_sent(store, [sent(message)._replace(provider_ref=ref) for message, ref in pairs])


async def final(store: Store) -> list[int]:
    """The ids of the messages that have ended."""
    return [number for number, stage in (await stages(store)).items() if stage == Stage.FINAL]


# --- one order for both ways -------------------------------------------------------------------------

MEANT = {
    "its phone, in another notation": ([("10", Q), ("16", P)], told("10", "16"), 2),
    "the reference before other notations": ([("10", P), ("16", P)], told("10", "16"), 1),
    "the reference, by a phone of the provider's own": ([("10", Q), ("17", P)], told("10", "16"), 1),
    "the likeliest notation": ([("16", P), ("10", P)], told("", "10", "16"), 2),
    "the likeliest notation is the older message": ([("16", P), ("10", P)], told("", "16", "10"), 1),
    "the likeliest notation with its phone": ([("16", P), ("10", Q)], told("", "10", "16"), 1),
    "no phone agrees": ([("16", Q), ("10", Q)], told("", "10", "16"), 0),
    "nobody said which phone": ([("x", P), ("y", Q)], told("x", recipient=""), 1),
    "other notations need a phone": ([("16", P), ("10", P)], told("", "10", "16", recipient=""), 0),
    "used again": ([("x", P), ("x", P)], told("x"), 2),
    "used again, nobody said for which phone": ([("x", P), ("x", Q)], told("x", recipient=""), 2),
    "used again, for another phone": ([("x", P), ("x", Q)], told("x"), 1),
    "used again, in another notation": ([("x", P), ("x", P), ("x", Q)], told("", "x"), 2),
}


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize(("messages", "status", "meant"), MEANT.values(), ids=list(MEANT))
async def test_a_status_is_for_one_message(
    store: Store, messages: Sequence[tuple[str, str]], status: StatusReport, meant: int, early: bool
) -> None:
    items = await claimed(store, *[phone for _, phone in messages])
    pairs = list(zip(items, [ref for ref, _ in messages], strict=True))
    if early:
        await store.settle("lab", [status], NOW)
        done = await record(store, *pairs)
    else:
        await record(store, *pairs)
        done = await store.settle("lab", [status], NOW)
    assert (len(done.settled), done.late) == (meant > 0, 0)
    assert await final(store) == [meant] * (meant > 0)
    assert (await store.gauges(NOW + DAY)).unknown == ({} if meant else {"lab": 1})


@pytest.mark.parametrize("status", [told("", "16", "10"), told("16", "10"), told("10", "16", recipient="")])
async def test_an_early_status_is_for_the_first_that_comes(store: Store, status: StatusReport) -> None:
    first, second, third = await claimed(store, P, P, P)
    await store.settle("lab", [status], NOW)
    assert len((await record(store, (first, "10"))).settled) == 1
    assert await record(store, (second, "16"), (third, "10")) == Settlement([], frozenset(), 0)


async def test_an_early_status_of_a_part_and_of_a_whole_message(store: Store) -> None:
    first, second = await claimed(store, P, P)
    await store.settle("lab", [told("x"), told("y")], NOW)
    items = [
        sent(first)._replace(provider_ref="x", parts=("y",)),
        sent(second)._replace(provider_ref="x"),
    ]
    assert len((await record_sent(store, items)).settled) == 1
    assert await final(store) == [2]
    assert [item.state for item in (await store.settle("lab", [told("x", early=True)], NOW)).settled] == []


async def test_an_early_status_is_for_no_message_that_has_ended(store: Store) -> None:
    """It was recorded twice: the status is for the next message with that reference."""
    first, second = await claimed(store, P, P)
    await record(store, (first, "x"))
    await finish(store, [Outcome(1, int(State.UNKNOWN), 0, "", NOW)])
    await store.settle("lab", [told("x", early=True)], NOW)
    assert (await record(store, (first, "x"))).settled == []
    assert len((await record(store, (second, "x"))).settled) == 1


# --- several early statuses for one message ----------------------------------------------------------


PASSING = told("", "y", "x", state=State.ENROUTE, final=False)


@pytest.mark.parametrize(
    ("passing", "last"),
    [
        (PASSING, told("", "y", "x", recipient="80291234567")),  # the phone is written in another way
        (PASSING._replace(recipient="80291234567"), told("", "y", "x")),
        (PASSING, told("x")),
    ],
)
async def test_what_is_final_comes_last(store: Store, passing: StatusReport, last: StatusReport) -> None:
    [message] = await claimed(store, P)
    await store.settle("lab", [passing, last], NOW)
    done = await record(store, (message, "x"))
    assert ([item.state for item in done.settled], done.late) == ([State.DELIVERED], 0)


async def test_the_surest_final_status_counts(store: Store) -> None:
    """The phone that agrees, then the likelier notation."""
    messages = await claimed(store, P, P)
    words = [
        told("x", recipient=Q, state=State.EXPIRED),
        told("", "y", "x", state=State.DELETED),
        told("", "a", "z", state=State.DELETED),
        told("", "z", state=State.EXPIRED),
    ]
    await store.settle("lab", words, NOW)
    await record(store, *zip(messages, "xz", strict=True))
    receipts = await store.claim_receipts("pbx", 7, NOW, NOW, 10)
    assert [(one.wire_id, one.state) for one in receipts] == [("1", State.DELETED), ("2", State.EXPIRED)]


# --- forgetting --------------------------------------------------------------------------------------


async def test_a_reference_may_have_blanks(store: Store) -> None:
    first, second = await claimed(store, P, P)
    await store.settle("lab", [told("", "1", "2 3"), told("", "2"), told("", f"3 {P}")], NOW)
    await record(store, (first, "1"))
    assert len((await record(store, (second, "2"))).settled) == 1
    assert (await store.gauges(NOW + DAY)).unknown == {"lab": 1}


async def test_forgetting_a_status_keeps_those_that_came_after(store: Store) -> None:
    messages = await claimed(store, P, P, P)
    await store.settle("lab", [told("", "x", "y", state=State.ENROUTE, final=False)], NOW)
    await store.settle("lab", [told("", "z", "y")], NOW)  # takes its place under y
    assert len((await record(store, (messages[0], "z"))).settled) == 1
    await store.settle("lab", [told("", "w")], NOW)
    await record(store, (messages[1], "x"))
    assert len((await record(store, (messages[2], "w"))).settled) == 1


async def test_purge_goes_by_the_last_word(store: Store) -> None:
    [message] = await claimed(store, P)
    for at, ref in ((NOW, "a"), (NOW + 1, "b"), (NOW + 2, "a")):
        await store.settle("lab", [told(ref, state=State.ENROUTE, final=False)], at)
    assert await store.purge(0, NOW + 2, NOW + DAY, 10) == 1
    await record(store, (message, "a"))
    [row] = await store.overdue("lab", NOW + DAY, 10)
    assert row.answered


async def test_so_many_unknown_references_are_not_counted(store: Store) -> None:
    await store.settle("lab", [told(f"x{number}") for number in range(10_001)], NOW)
    assert (await store.gauges(NOW + HOUR)).unknown == {"lab": 10_000}
