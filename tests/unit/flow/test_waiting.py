"""How many messages of each account wait, and how many may."""

from collections.abc import Mapping
from typing import Any

from smppbridge.flow.accounts import Accounts
from smppbridge.flow.waiting import MAX_UNSAVED, Waiting
from smppbridge.model.account import Account
from tests.support.builders.accounts import account


def waiting(most: int, keys: Mapping[str, dict[str, Any]], max_unsaved: int = MAX_UNSAVED) -> Waiting:
    """Of accounts with these keys."""
    accounts = Accounts({name: account(name, **keys[name]) for name in keys})
    return Waiting(most, accounts, max_unsaved=max_unsaved)


A, B = account("a"), account("b")
TWO: dict[str, dict[str, Any]] = {"a": {}, "b": {}}


def stored(counts: Waiting, name: str, count: int) -> None:
    counts.save(name, count)
    counts.saved(name, count, count)


def rooms(counts: Waiting, *accounts: Account) -> list[int]:
    return [counts.room(one) for one in accounts]


def test_what_comes_and_leaves() -> None:
    counts = waiting(10, TWO)
    stored(counts, "a", 4)
    assert (counts.messages.total, rooms(counts, A, B)) == (4, [6, 6])
    counts.left("a", 3)
    assert (counts.messages.held["a"], rooms(counts, A, B)) == (1, [9, 9])


def test_what_is_being_saved_counts_from_the_beginning() -> None:
    counts = waiting(10, TWO)
    counts.save("a", 6)
    assert (counts.stored(), rooms(counts, A, B)) == ({"a": 0}, [4, 5])
    counts.saved("a", 6, 2)  # the others took the place of messages, or failed
    assert (counts.stored(), counts.unsaved.total, rooms(counts, A, B)) == ({"a": 2}, 0, [8, 8])


def test_what_is_being_saved_has_a_limit_of_its_own() -> None:
    counts = waiting(100, TWO, max_unsaved=10)
    counts.save("a", 10)
    assert rooms(counts, A, B) == [0, 5]
    assert counts.why_full(A) == "too many submit_sm of a wait until they are on disk; the disk is slow"


def test_a_full_store_is_shared() -> None:
    counts = waiting(10, TWO)
    stored(counts, "a", 10)
    assert rooms(counts, A, B) == [0, 5]
    assert counts.limit(A) == 5
    told = "store.max_queued is reached, and a has its share; see why messages wait, or raise it"
    assert counts.why_full(A) == told


def test_max_queued_holds_whatever_others_have() -> None:
    counts = waiting(10, {**TWO, "own": {"max_queued": 4}})
    own = account("own", max_queued=4)
    stored(counts, "a", 10)
    stored(counts, "b", 3)
    assert (counts.limit(own), rooms(counts, A, B, own)) == (4, [-3, 0, 4])
    stored(counts, "own", 4)
    assert counts.room(own) == 0
    assert (
        counts.why_full(own) == "accounts.own.max_queued is reached; see why its messages wait, or raise it"
    )


def test_max_queued_holds_in_an_empty_store() -> None:
    counts = waiting(10, TWO)
    one = account("a", max_queued=1)
    stored(counts, "a", 1)
    assert counts.room(one) == 0
    assert counts.room(account("a", max_queued=30)) == 29


def test_a_count_of_the_store_corrects_what_is_known_of_that_moment() -> None:
    counts = waiting(100, TWO)
    stored(counts, "a", 7)
    stored(counts, "gone", 2)
    counts.save("a", 3)  # not on disk at that moment
    then = counts.stored()
    counts.saved("a", 3, 3)
    counts.left("a", 5)
    stored(counts, "b", 1)
    counts.correct(then, {"a": 6, "b": 4})
    assert counts.stored() == {"a": 6 + 3 - 5, "b": 4 + 1, "gone": 0}
    assert counts.messages.total == 9
