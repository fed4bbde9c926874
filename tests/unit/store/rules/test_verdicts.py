"""smppbridge.store.rules.verdicts: what verdicts do to messages, and what is owed for it."""

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.model.message import Outcome, Particulars, Settled, Stage, State
from smppbridge.store.results import Settlement
from smppbridge.store.rules.verdicts import (
    Binds,
    Changes,
    Ended,
    Row,
    Verdict,
    by_message,
    end_of,
    first_outcomes,
    phones,
    unreached,
)
from tests.unit.store.rules.said import AT, PHONE, end, passing, row, verdicts

NOBODY: frozenset[str] = frozenset()
PBX = frozenset({"pbx"})


def changed(one: Row, *said: Verdict, live: Binds = ()) -> Changes:
    """What these verdicts do to one message."""
    changes = Changes(live)
    changes.add(one, said)
    return changes


def settled(changes: Changes) -> Settlement:
    return changes.settlement(NOBODY)


# --- one verdict -------------------------------------------------------------------------------------


def test_a_final_verdict_ends_its_message() -> None:
    word = end(State.UNDELIVERABLE, err=21, code="absent", details="imsi=257")
    changes = changed(row(5), word)
    assert changes.finals == [(State.UNDELIVERABLE, 21, "absent", AT, "imsi=257", 5)]
    assert changes.receipts == [
        ("pbx", 0, 5, State.UNDELIVERABLE, True, 21, "absent", AT, AT, "imsi=257"),
    ]
    assert changes.ended == [(5, "pbx", PHONE, State.UNDELIVERABLE, AT)]
    assert (changes.notes, changes.carried) == ([], [])
    assert settled(changes) == Settlement(
        [Settled("pbx", "lab", State.UNDELIVERABLE, AT - 500, True)], NOBODY, 0, NOBODY, (("absent", ""),)
    )


def test_a_verdict_on_the_way_is_noted_and_notified() -> None:
    changes = changed(row(5), passing(State.ACCEPTED, err=3, code="taken", details="seen"))
    assert changes.notes == [(State.ACCEPTED, 3, "taken", 1 << State.ACCEPTED, 5)]
    assert changes.receipts == [("pbx", 0, 5, State.ACCEPTED, False, 3, "taken", AT, AT, "seen")]
    assert (changes.finals, changes.ended, changes.carried) == ([], [], [])
    assert settled(changes) == Settlement([], PBX, 0, NOBODY)


@pytest.mark.parametrize(
    ("asked", "shown", "replaced"),
    [("ALARM", "SMSC.RU", 1), ("ALARM", "ALARM", 0), ("ALARM", "", 0), ("", "SMSC.RU", 0)],
)
def test_a_sender_that_was_replaced_is_told_once(asked: str, shown: str, replaced: int) -> None:
    told = Particulars(sender=shown)
    changes = changed(row(sender=asked), passing(told=told), end(told=told), end(told=told))
    assert settled(changes).replaced == ((asked, shown),) * replaced


def test_whoever_is_owed_an_alert_is_told() -> None:
    assert changed(row(), end()).settlement(PBX).alerted == PBX


@pytest.mark.parametrize(
    ("registered_delivery", "word", "owed"),
    [
        (0, end(), False),
        (1, end(), True),
        (1, passing(), False),
        (1, end(silent=True), False),
        (2, end(), False),
        (2, end(State.EXPIRED), True),
        (3, end(), True),
        (3, end(State.EXPIRED), False),
        (0x10, end(), False),
        (0x10, passing(), True),
        (0x11, passing(silent=True), False),
    ],
)
def test_a_receipt_is_owed_as_it_was_registered(registered_delivery: int, word: Verdict, owed: bool) -> None:
    changes = changed(row(registered_delivery=registered_delivery), word)
    assert len(changes.receipts) == owed
    done = settled(changes)
    assert [one.owed for one in done.settled] == [owed] * word.final
    assert done.notified == (PBX if owed and not word.final else NOBODY)


@pytest.mark.parametrize(
    ("live", "origin"),
    [
        ((), 0),
        ({("pbx", 7)}, 7),
        ({("pbx", 8), ("log", 7)}, 0),
    ],
)
def test_a_receipt_is_for_the_bind_that_submitted_as_long_as_it_is_there(live: Binds, origin: int) -> None:
    assert [receipt[1] for receipt in changed(row(), end(), live=live).receipts] == [origin]


# --- several verdicts about one message --------------------------------------------------------------


@pytest.mark.parametrize(
    "again", [end(State.EXPIRED), passing(State.ENROUTE), end(State.EXPIRED, silent=True)]
)
def test_the_first_end_stays_and_a_contradiction_is_late(again: Verdict) -> None:
    first = changed(row(), end())
    both = changed(row(), end(), again)
    assert (both.finals, both.receipts, both.ended, both.notes) == (
        first.finals,
        first.receipts,
        first.ended,
        [],
    )
    assert settled(both) == settled(first)._replace(late=1)


@pytest.mark.parametrize("again", [end(), passing(State.DELIVERED), end(err=5)])
def test_a_repetition_of_the_end_is_not_late(again: Verdict) -> None:
    assert settled(changed(row(), end(), again)) == settled(changed(row(), end()))


@pytest.mark.parametrize(("state", "late"), [(State.DELIVERED, 0), (State.EXPIRED, 1)])
def test_a_message_that_has_ended_does_not_change(state: State, late: int) -> None:
    ended = row(stage=Stage.FINAL, state=int(State.DELIVERED))
    changes = changed(ended, end(state), passing(state))
    assert (changes.finals, changes.receipts, changes.ended, changes.notes) == ([], [], [], [])
    assert settled(changes) == Settlement([], NOBODY, 2 * late, NOBODY)


def test_each_state_on_the_way_is_notified_once() -> None:
    words = [passing(State.ACCEPTED), passing(), passing(State.ACCEPTED), passing()]
    changes = changed(row(), *words)
    assert [receipt[3] for receipt in changes.receipts] == [State.ACCEPTED, State.ENROUTE]
    assert [note[0] for note in changes.notes] == [word.state for word in words]  # the last one stands


def test_the_state_that_a_message_has_is_not_noted_again() -> None:
    assert len(changed(row(), passing(), passing()).notes) == 1
    there = row(state=int(State.ENROUTE), seen=1 << State.ENROUTE)
    changes = changed(there, passing())
    assert (changes.notes, changes.receipts) == ([], [])
    assert settled(changes) == Settlement([], NOBODY, 0, NOBODY)


def test_a_state_that_was_seen_before_is_noted_and_not_notified() -> None:
    before = row(state=int(State.ACCEPTED), seen=1 << State.ACCEPTED | 1 << State.ENROUTE)
    changes = changed(before, passing())
    assert (len(changes.notes), changes.receipts) == (1, [])
    assert settled(changes).notified == NOBODY


def after(one: Row, changes: Changes) -> Row:
    """The message as a store has it when it has written these changes."""
    for state, _, _, bit, _ in changes.notes:
        one = one._replace(state=state, seen=one.seen | bit)
    for state, *_ in changes.finals:
        one = one._replace(state=state, stage=int(Stage.FINAL))
    return one


def together(one: Row, batches: Iterable[Sequence[Verdict]]) -> tuple[Row, list[object], Settlement]:
    """A message after several batches: (as it is then, the receipts and ends, what was told)."""
    rows: list[object] = []
    told = Settlement([], NOBODY, 0)
    for batch in batches:
        changes = changed(one, *batch)
        one = after(one, changes)
        done = settled(changes)
        rows += [*changes.finals, *changes.receipts]
        told = Settlement(told.settled + done.settled, told.notified | done.notified, told.late + done.late)
    return one, sorted(rows, key=repr), told


@given(st.lists(verdicts, max_size=8), st.integers(0, 0x1F))
def test_verdicts_do_together_what_they_do_one_by_one(said: list[Verdict], registered_delivery: int) -> None:
    one = row(registered_delivery=registered_delivery)
    assert together(one, [said]) == together(one, [[word] for word in said])


@given(st.lists(verdicts, max_size=8))
def test_the_same_verdicts_again_bring_nothing_new(said: list[Verdict]) -> None:
    once, _, _ = together(row(), [said])
    again, rows, done = together(once, [said])
    assert again == once
    assert (rows, done.settled, done.notified) == ([], [], NOBODY)


# --- the other parts of a message that was joined ----------------------------------------------------


def followed(head: Row, follower: Row, *said: Verdict, live: Binds = ()) -> Changes:
    changes = changed(head, *said, live=live)
    changes.follow(follower, head, said)
    return changes


def test_a_part_shares_the_end_and_is_counted_with_its_message() -> None:
    head, follower = row(1, segments=2), row(2, stage=Stage.COLLECTING, origin=8, submitted_at=AT - 400)
    changes = followed(head, follower, passing(), end(), end(State.EXPIRED), live={("pbx", 8)})
    assert [final[-1] for final in changes.finals] == [1, 2]
    assert [note[-1] for note in changes.notes] == [1, 2]
    assert [(receipt[2], receipt[1], receipt[3]) for receipt in changes.receipts] == [
        (1, 0, State.ENROUTE),
        (1, 0, State.DELIVERED),
        (2, 8, State.ENROUTE),
        (2, 8, State.DELIVERED),
    ]
    assert [one[0] for one in changes.ended] == [1]
    assert settled(changes) == Settlement(
        [Settled("pbx", "lab", State.DELIVERED, AT - 500, True)], PBX, 1, NOBODY
    )


@pytest.mark.parametrize(("registered_delivery", "notified"), [(1, PBX), (0, NOBODY)])
def test_the_account_hears_of_receipts_for_parts(registered_delivery: int, notified: frozenset[str]) -> None:
    """Its message may owe none, and so wake nobody."""
    head = row(1, segments=2, registered_delivery=0)
    changes = followed(head, row(2, registered_delivery=registered_delivery), end())
    assert len(changes.receipts) == registered_delivery
    assert settled(changes).notified == notified


@pytest.mark.parametrize(("provider", "carried"), [("lab", []), ("spare", [("lab", 2)])])
def test_a_part_is_of_the_provider_that_carried_its_message(
    provider: str, carried: list[tuple[str, int]]
) -> None:
    changes = followed(row(1, segments=2), row(2, provider=provider), end())
    assert changes.carried == carried


def test_several_messages_are_told_of_in_their_order() -> None:
    changes = Changes(())
    changes.add(row(2), [end()])
    changes.add(row(1, account="log", registered_delivery=0x10), [passing()])
    assert [one[-1] for one in changes.finals] == [2]
    assert [(one[0], one[2]) for one in changes.receipts] == [("pbx", 2), ("log", 1)]
    assert settled(changes).notified == {"log"}


# --- words about several messages --------------------------------------------------------------------


def test_words_come_together_by_their_messages() -> None:
    first, second = row(1), row(2)
    a, b, c = end(), passing(), end(State.EXPIRED)
    assert list(by_message([(first, a), (second, b), (first, c)])) == [(first, [a, c]), (second, [b])]
    assert list(by_message([])) == []


@given(st.lists(st.tuples(st.integers(1, 3).map(row), verdicts), max_size=8))
def test_no_word_is_lost_and_the_order_of_each_message_stays(words: list[tuple[Row, Verdict]]) -> None:
    found = list(by_message(words))
    assert [one.id for one, _ in found] == list(dict.fromkeys(one.id for one, _ in words))
    for one, said in found:
        assert said == [word for other, word in words if other.id == one.id]


# --- outcomes that the bridge decides ----------------------------------------------------------------


def outcome(message_id: int = 1, state: State = State.EXPIRED, attempt: int = 0) -> Outcome:
    return Outcome(message_id, int(state), 7, "late", AT, attempt=attempt)


def test_the_first_of_two_outcomes_counts() -> None:
    first, second, other = outcome(), outcome(state=State.REJECTED), outcome(2)
    assert first_outcomes([first, other, second]) == {1: first, 2: other}
    assert first_outcomes([second, first]) == {1: second}
    assert first_outcomes([]) == {}


@pytest.mark.parametrize("silent", [False, True])
def test_an_outcome_is_a_final_verdict(silent: bool) -> None:
    verdict = end_of(row(), 1, outcome()._replace(silent=silent))
    assert verdict == Verdict(State.EXPIRED, True, 7, "late", AT, silent=silent)


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("attempt", [0, 2, 3])
def test_the_end_of_an_attempt_is_void_once_the_message_has_gone_on(stage: Stage, attempt: int) -> None:
    verdict = end_of(row(stage=int(stage)), 2, outcome(attempt=attempt))
    with_its_provider = stage in (Stage.SENDING, Stage.UNCERTAIN)
    assert (verdict is not None) == (attempt == 0 or (attempt == 2 and with_its_provider))


# --- alerts ------------------------------------------------------------------------------------------


def ended(message_id: int, state: State) -> Ended:
    return (message_id, "pbx", PHONE, int(state), AT)


ALL_ENDS = [ended(int(state), state) for state in State]


def test_who_did_not_reach_the_phone() -> None:
    assert unreached(ALL_ENDS) == [State.EXPIRED, State.UNDELIVERABLE]


def test_what_messages_say_about_their_phones() -> None:
    asking = {State.UNDELIVERABLE, 99}
    assert list(phones(reversed(ALL_ENDS), asking)) == [
        (ended(State.UNDELIVERABLE, State.UNDELIVERABLE), False),
        (ended(State.DELIVERED, State.DELIVERED), True),
    ]
