"""smppbridge.store.rules.matching: which message a provider means by a reference."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.model.message import Stage, State
from smppbridge.store.rules.matching import (
    Candidate,
    Match,
    Rank,
    StatusKey,
    adopters,
    is_sure,
    rank,
    same_phone,
    surest,
    unless_ended,
)
from smppbridge.store.rules.verdicts import Row
from tests.unit.store.rules.said import OTHER, PHONE, end, part, passing, row, told, verdicts

# --- phones ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("375291234567", "375291234567", True),
        ("375291234567", "80291234567", True),  # the last nine digits
        ("375291234567", "291234567", True),
        ("375291234567", "75291234568", False),
        ("375281234567", "375291234567", False),  # the ninth digit
        ("375391234567", "375291234567", False),
        ("1375291234567", "9375291234567", True),  # the tenth does not count
        ("91234567", "375291234567", True),  # all of a shorter number
        ("234567", "375291234567", True),
        ("334567", "375291234567", False),
        ("34567", "375291234567", False),  # too short to tell one phone from another
        ("34567", "34567", True),
        ("34567", "4567", False),
        ("1", "1", True),
        ("", "", False),
        ("", "375291234567", False),
    ],
)
def test_numbers_of_one_phone(one: str, other: str, same: bool) -> None:
    assert same_phone(one, other) is same
    assert same_phone(other, one) is same


numbers = st.text("0123456789", max_size=15)


@given(numbers, numbers)
def test_which_number_comes_first_does_not_matter(one: str, other: str) -> None:
    assert same_phone(one, other) == same_phone(other, one)
    assert same_phone(one, one) == bool(one)


# --- ranks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "phone", "expected"),
    [
        (0, PHONE, Rank(False, 0, -5, True)),
        (0, "80291234567", Rank(False, 0, -5, True)),
        (0, "", Rank(False, 0, -5, True)),
        (0, OTHER, Rank(True, 0, -5, True)),
        (1, PHONE, Rank(False, 1, -5, True)),
        (2, PHONE, Rank(False, 2, -5, True)),
        (1, "", None),
        (1, OTHER, None),
    ],
)
def test_how_surely_a_message_is_meant(place: int, phone: str, expected: Rank | None) -> None:
    assert rank(place, phone, row(5)) == expected


def test_how_surely_a_part_is_meant() -> None:
    assert rank(0, PHONE, part("ref", 5)) == Rank(False, 0, -5, False)


def test_the_reference_of_a_message_to_nobody_in_particular() -> None:
    """Neither side says which phone: that is no contradiction."""
    assert rank(0, "", row(5, recipient="")) == Rank(False, 0, -5, True)
    assert rank(1, "", row(5, recipient="")) is None


IN_ORDER = [
    (0, PHONE, part("ref", 5)),
    (0, PHONE, row(5)),
    (0, PHONE, part("ref", 4)),
    (0, PHONE, row(4)),
    (1, PHONE, row(5)),
    (1, PHONE, row(4)),
    (2, PHONE, row(9)),
    (0, OTHER, row(9)),
    (0, OTHER, row(8)),
]


def test_the_order_of_ranks() -> None:
    ranks = [rank(place, phone, one) for place, phone, one in IN_ORDER]
    found = [one for one in ranks if one is not None]
    assert found == sorted(found)
    assert len(set(found)) == len(IN_ORDER)


# --- the message that is meant -----------------------------------------------------------------------


def owners(*rows: Row) -> dict[str | None, list[Row]]:
    found: dict[str | None, list[Row]] = {}
    for one in rows:
        found.setdefault(one.ref, []).append(one)
    return found


A, B = row(1, ref="a"), row(2, ref="b")
STRANGE = row(3, ref="a", recipient=OTHER)


def test_nobody_has_the_reference() -> None:
    assert surest(told("x", "y"), owners(A, B)) is None
    assert surest(told("x"), {}) is None
    assert surest(told(""), {None: [row(ref=None)]}) is None


def test_the_reference_itself_comes_first() -> None:
    assert surest(told("a", "b"), owners(A, B)) == (Rank(False, 0, -1, True), A)
    assert surest(told("b", "a"), owners(A, B)) == (Rank(False, 0, -2, True), B)


def test_the_likelier_notation_comes_first() -> None:
    assert surest(told("x", "b", "a"), owners(A, B)) == (Rank(False, 1, -2, True), B)


def test_a_phone_that_agrees_comes_before_the_reference() -> None:
    assert surest(told("a", "b"), owners(STRANGE, B)) == (Rank(False, 1, -2, True), B)
    assert surest(told("a"), owners(STRANGE, A)) == (Rank(False, 0, -1, True), A)


def test_without_any_phone_that_agrees_the_reference_counts() -> None:
    assert surest(told("a", "c"), owners(STRANGE, B)) == (Rank(True, 0, -3, True), STRANGE)


def test_the_latest_message_is_meant_by_a_reference_that_is_used_again() -> None:
    again = row(9, ref="a")
    assert surest(told("a"), owners(A, again)) == surest(told("a"), owners(again, A))
    assert surest(told("a"), owners(A, again)) == (Rank(False, 0, -9, True), again)


def test_the_part_is_meant_where_its_message_has_the_reference_too() -> None:
    whole, first = row(1, ref="a"), part("a", 1)
    assert surest(told("a"), owners(whole, first)) == (Rank(False, 0, -1, False), first)
    assert surest(told("a"), owners(first, whole)) == (Rank(False, 0, -1, False), first)


rows = st.builds(
    row,
    st.integers(1, 9),
    ref=st.sampled_from("abc"),
    recipient=st.sampled_from([PHONE, OTHER, ""]),
    part_state=st.sampled_from([None, 0]),
)
keys = st.lists(rows, unique_by=lambda one: (one.id, one.part_state), max_size=4)


@given(keys.flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))), st.permutations("abc"))
def test_the_order_in_which_messages_are_found_does_not_matter(
    found: tuple[list[Row], list[Row]], refs: list[str]
) -> None:
    first, second = found
    assert surest(told(*refs), owners(*first)) == surest(told(*refs), owners(*second))


@pytest.mark.parametrize(
    ("match", "sure"),
    [
        (None, False),
        ((Rank(False, 0, -1, True), A), True),
        ((Rank(True, 0, -1, True), A), False),
        ((Rank(False, 1, -1, True), A), False),
    ],
)
def test_no_other_notation_can_be_surer(match: Match | None, sure: bool) -> None:
    assert is_sure(match) is sure


@given(keys, st.permutations("abc"))
def test_what_is_sure_stays_so_with_every_further_notation(found: list[Row], refs: list[str]) -> None:
    alone = surest(told(refs[0]), owners(*found))
    if is_sure(alone):
        assert surest(told(*refs), owners(*found)) == alone


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("stage", [Stage.SENDING, Stage.SENT, Stage.FINAL])
def test_an_early_status_is_for_no_message_that_has_ended(stage: Stage, early: bool) -> None:
    one = row(stage=int(stage))
    its = rank(0, PHONE, one)
    assert its is not None
    expected = None if early and stage == Stage.FINAL else one
    assert unless_ended(told("ref", early=early), (its, one)) == expected
    assert unless_ended(told("ref", early=early), None) is None


# --- statuses that waited ----------------------------------------------------------------------------


def waiting(
    one: Row, first: int, place: int = 0, *, phone: str = PHONE, state: State | None = None
) -> Candidate:
    """The status whose first row is ``first`` waits under the reference of ``one``."""
    verdict = passing() if state is None else end(state)
    return one, (first, 3), phone, place, verdict


def test_a_status_is_for_the_message_that_is_surest() -> None:
    found = [waiting(STRANGE, 10), waiting(B, 10, 1), waiting(A, 10, 2)]
    assert adopters(found) == ([(10, 3)], [(B, passing())])
    assert adopters(reversed(found)) == ([(10, 3)], [(B, passing())])


def test_a_status_for_nobody_waits_on() -> None:
    assert adopters([]) == ([], [])
    assert adopters([waiting(STRANGE, 10, 1), waiting(A, 10, 1, phone="")]) == ([], [])


def test_a_message_that_has_ended_adopts_nothing() -> None:
    ended = row(9, ref="a", stage=int(Stage.FINAL))
    assert adopters([waiting(ended, 10)]) == ([], [])
    assert adopters([waiting(ended, 10), waiting(A, 10)]) == ([(10, 3)], [(A, passing())])


def test_statuses_of_one_time_are_told_apart_by_their_number_of_rows() -> None:
    one, other = waiting(A, 10), waiting(B, 10)
    other = (other[0], (10, 1), *other[2:])
    assert adopters([one, other]) == ([(10, 3), (10, 1)], [(A, passing()), (B, passing())])


def test_final_statuses_come_last_and_the_surest_first() -> None:
    found = [
        waiting(A, 10, phone=OTHER, state=State.EXPIRED),
        waiting(A, 20, 2, state=State.DELETED),
        waiting(A, 30, 1, state=State.DELIVERED),
        waiting(A, 40, 2),
        waiting(A, 50, 1),
        waiting(B, 60, state=State.REJECTED),
        waiting(B, 70),
    ]
    keys, words = adopters(found)
    assert keys == [(first, 3) for first in (10, 20, 30, 40, 50, 60, 70)]
    assert [(one.id, verdict.state) for one, verdict in words] == [
        (1, State.ENROUTE),
        (1, State.ENROUTE),
        (1, State.DELIVERED),
        (1, State.DELETED),
        (1, State.EXPIRED),
        (2, State.ENROUTE),
        (2, State.REJECTED),
    ]


def test_of_two_statuses_as_sure_as_each_other_the_earlier_comes_first() -> None:
    found = [waiting(A, 20, state=State.EXPIRED), waiting(A, 10, state=State.DELETED)]
    assert [verdict.state for _, verdict in adopters(found)[1]] == [State.DELETED, State.EXPIRED]


statuses = st.tuples(st.integers(1, 4), st.just(2))
candidates = st.lists(
    st.tuples(rows, statuses, st.sampled_from([PHONE, OTHER, ""]), st.integers(0, 2), verdicts),
    unique_by=lambda one: (one[1], one[3], one[0].id, one[0].part_state),
    max_size=5,
)


@given(candidates.flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
def test_the_order_of_what_waits_does_not_matter(found: tuple[list[Candidate], list[Candidate]]) -> None:
    """A status says the same in all its rows."""
    said: dict[StatusKey, Candidate] = {}
    first, second = ([(*one[:4], said.setdefault(one[1], one)[4]) for one in order] for order in found)
    assert sorted(adopters(first)[0]) == sorted(adopters(second)[0])
    assert adopters(first)[1] == adopters(second)[1]
