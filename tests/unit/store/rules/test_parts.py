"""smppbridge.store.rules.parts: what parts of a message say about all of it."""

from collections.abc import Iterable
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.model.message import State
from smppbridge.store.rules.parts import Noted, PartState, ends, given_up, note
from smppbridge.store.rules.verdicts import Verdict, Word, Words
from tests.unit.store.rules.said import AT, ENDS, end, part, passing, row, verdicts


def final(state: State, err: int = 0, code: str = "its") -> PartState:
    return PartState(1, int(state), err, code)


OPEN = PartState(0, int(State.REJECTED), 9, "open")  # whatever it says: it is on its way
WORST_FIRST = [
    State.REJECTED,
    State.UNDELIVERABLE,
    State.DELETED,
    State.EXPIRED,
    State.UNKNOWN,
    State.ACCEPTED,  # stands for all that are not named
    State.DELIVERED,
]

# --- noting what is said of parts --------------------------------------------------------------------


def test_nothing_is_said() -> None:
    assert note([]) == Noted([], [], {}, 0)


def test_a_state_on_the_way_is_noted_and_told_to_the_message() -> None:
    word = (part("a"), passing(State.ACCEPTED, err=3, code="taken"))
    assert note([word]) == Noted(
        [(State.ACCEPTED, False, 3, "taken", "lab", "a", 1)], follows=[word], ended={}, late=0
    )


def test_the_end_of_a_part_is_noted_and_may_end_the_message() -> None:
    word = (part("a"), end(State.EXPIRED, err=3, code="late"))
    assert note([word]) == Noted(
        [(State.EXPIRED, True, 3, "late", "lab", "a", 1)], follows=[], ended={1: word}, late=0
    )


def test_the_last_word_that_ended_a_part_stands_for_the_message() -> None:
    words = [(part("a"), end()), (part("b"), end(State.EXPIRED)), (part("x", 2), end())]
    assert note(words).ended == {1: words[1], 2: words[2]}


@pytest.mark.parametrize(
    ("again", "late"),
    [(end(), 0), (passing(State.DELIVERED), 0), (end(State.EXPIRED), 1), (passing(), 1)],
)
def test_the_end_of_a_part_stays(again: Verdict, late: int) -> None:
    first = note([(part("a"), end())])
    assert note([(part("a"), end()), (part("a"), again)]) == first._replace(late=late)
    ended = part("a", state=int(State.DELIVERED), final=1)
    assert note([(ended, again)]) == Noted([], [], {}, late)


def test_after_a_state_on_the_way_comes_the_end() -> None:
    words = [(part("a"), passing()), (part("a"), end()), (part("a"), end())]
    noted = note(words)
    assert [change[0] for change in noted.changes] == [State.ENROUTE, State.DELIVERED]
    assert (noted.follows, noted.ended, noted.late) == (words[:1], {1: words[1]}, 0)


def test_parts_are_told_apart_by_message_reference_and_provider() -> None:
    words = [
        (part("a"), end()),
        (part("b"), end(State.EXPIRED)),
        (part("a", 2), end(State.EXPIRED)),
        (part("a")._replace(provider="spare"), end(State.EXPIRED)),
    ]
    noted = note(words)
    assert [change[4:] for change in noted.changes] == [
        ("lab", "a", 1),
        ("lab", "b", 1),
        ("lab", "a", 2),
        ("spare", "a", 1),
    ]
    assert noted.late == 0


words_of_parts = st.lists(
    st.tuples(st.builds(part, st.sampled_from("ab"), st.integers(1, 2)), verdicts), max_size=8
)


def known_since(words: Words, noted: Noted) -> Words:
    """The same words about parts of which ``noted`` has been written."""
    known = {(ref, message_id): (state, final) for state, final, _, _, _, ref, message_id in noted.changes}
    return [
        (one._replace(part_state=known[one.ref, one.id][0], part_final=known[one.ref, one.id][1]), verdict)
        if (one.ref, one.id) in known
        else (one, verdict)
        for one, verdict in words
    ]


@given(words_of_parts, st.integers(0, 8))
def test_words_do_together_what_they_do_apart(words: Words, cut: int) -> None:
    whole, first = note(words), note(words[:cut])
    second = note(known_since(words[cut:], first))
    assert first.changes + second.changes == whole.changes
    assert first.late + second.late == whole.late
    assert verdicts_of(first.follows + second.follows) == verdicts_of(whole.follows)
    ended = {**first.ended, **second.ended}
    assert verdicts_of(ended.values()) == verdicts_of(whole.ended.values())


def verdicts_of(words: Iterable[Word]) -> list[tuple[int, Verdict]]:
    return [(one.id, verdict) for one, verdict in words]


# --- the end of the message --------------------------------------------------------------------------

LAST: Word = (row(1), end(State.EXPIRED, at=AT + 5, details="imsi=257", err=1, code="last"))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_worst_part_is_the_end_of_the_message(order: tuple[int, ...]) -> None:
    parts = [
        final(State.DELIVERED),
        final(State.UNDELIVERABLE, 21, "absent"),
        final(State.EXPIRED, 3, "late"),
    ]
    [(one, verdict)] = ends({1: LAST}, {1: [parts[n] for n in order]})
    assert one == LAST[0]
    assert verdict == Verdict(State.UNDELIVERABLE, True, 21, "absent", AT + 5)


@pytest.mark.parametrize("parts", [[OPEN], [final(State.DELIVERED), OPEN], [OPEN, final(State.REJECTED)]])
def test_a_part_on_its_way_keeps_the_message_open(parts: list[PartState]) -> None:
    assert ends({1: LAST}, {1: parts}) == []


@pytest.mark.parametrize(("worse", "better"), list(pairwise(WORST_FIRST)))
def test_the_order_of_badness(worse: State, better: State) -> None:
    for parts in permutations((final(worse, 1), final(better, 2))):
        [(_, verdict)] = ends({1: LAST}, {1: list(parts)})
        assert (verdict.state, verdict.err) == (worse, 1)


def test_of_parts_as_bad_as_each_other_the_first_speaks() -> None:
    parts = [final(State.EXPIRED, 1), final(State.EXPIRED, 2)]
    [(_, verdict)] = ends({1: LAST}, {1: parts})
    assert verdict.err == 1


def test_messages_end_each_by_its_own_parts() -> None:
    other: Word = (row(2), end(at=AT + 9))
    found = ends({1: LAST, 2: other, 3: (row(3), end())}, {2: [final(State.REJECTED)], 1: [OPEN]})
    assert found == [(other[0], Verdict(State.REJECTED, True, 0, "its", AT + 9))]


@given(st.lists(st.sampled_from(ENDS), min_size=1, max_size=5))
def test_the_order_of_parts_does_not_matter(states: list[State]) -> None:
    parts = [final(state) for state in states]
    [(_, straight)] = ends({1: LAST}, {1: parts})
    [(_, backwards)] = ends({1: LAST}, {1: parts[::-1]})
    assert straight == backwards
    assert straight.state == min(states, key=WORST_FIRST.index)


# --- a message that is given up ----------------------------------------------------------------------

GIVEN_UP: Word = (row(1), end(State.EXPIRED, err=4, code="own", silent=True))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], None),
        ([OPEN], None),
        ([final(State.DELIVERED, 1)], None),
        ([final(State.EXPIRED, 1)], None),  # as bad: the bridge says it in its own words
        ([final(State.DELETED, 1)], (State.DELETED, 1, "its")),
        ([OPEN, final(State.UNDELIVERABLE, 2), final(State.DELETED, 1)], (State.UNDELIVERABLE, 2, "its")),
    ],
)
def test_a_part_that_is_worse_off_speaks_for_its_message(
    parts: list[PartState], expected: tuple[State, int, str] | None
) -> None:
    state, err, code = expected or (State.EXPIRED, 4, "own")
    verdict = Verdict(state, True, err, code, AT, silent=True)
    assert given_up([GIVEN_UP], {1: parts}) == [(GIVEN_UP[0], verdict)]


def test_a_message_that_has_no_parts_ends_as_the_bridge_says() -> None:
    other: Word = (row(2), end())
    assert given_up([GIVEN_UP, other], {2: [final(State.REJECTED)]}) == [
        GIVEN_UP,
        (other[0], end(State.REJECTED, code="its")),
    ]
    assert given_up([], {1: [OPEN]}) == []


@given(
    st.sampled_from(ENDS), st.lists(st.sampled_from(ENDS), max_size=4), st.lists(st.just(OPEN), max_size=2)
)
def test_giving_up_again_changes_nothing(own: State, states: list[State], way: list[PartState]) -> None:
    parts = {1: [final(state) for state in states] + way}
    once = given_up([(row(1), end(own))], parts)
    assert given_up(once, parts) == once
    assert once[0][1].state == min([own, *states], key=WORST_FIRST.index)
