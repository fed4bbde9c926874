"""Shares: what an account may take of a limit that all have together."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from smppbridge.model.shares import Shares

NAMES = ("a", "b", "c")
STEPS = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(-20, 40)), max_size=60)


def test_one_may_take_all_that_is_free() -> None:
    shares = Shares(10, NAMES)
    assert (shares.share, shares.room("a")) == (3, 10)
    shares.add("a", 7)
    assert [shares.room(name) for name in NAMES] == [3, 3, 3]
    shares.add("a", 3)
    assert [shares.room(name) for name in NAMES] == [0, 3, 3]


def test_behind_that_each_has_its_share() -> None:
    shares = Shares(10, NAMES)
    shares.add("a", 10)
    shares.add("b", 2)
    assert [shares.room(name) for name in NAMES] == [-2, 1, 3]
    shares.add("a", -8)
    assert [shares.room(name) for name in NAMES] == [6, 6, 6]


def test_the_limit_and_the_accounts_may_change() -> None:
    accounts = ["a"]
    shares = Shares(10, accounts)
    shares.add("a", 10)
    assert shares.room("a") == 0
    shares.most = 12
    assert shares.room("a") == 2
    accounts.append("b")
    assert (shares.share, shares.room("b")) == (6, 6)


def test_where_there_are_more_accounts_than_places_each_has_one() -> None:
    shares = Shares(2, NAMES)
    shares.add("a", 2)
    assert [shares.room(name) for name in NAMES] == [0, 1, 1]
    assert Shares(2, ()).share == 2


@given(STEPS, st.integers(1, 50))
def test_nobody_below_its_share_is_ever_refused(steps: Sequence[tuple[str, int]], most: int) -> None:
    """Whoever takes as much as there is room for, and gives back what it likes."""
    shares = Shares(most, NAMES)
    for name, wanted in steps:
        if wanted > 0:
            shares.add(name, max(0, min(wanted, shares.room(name))))
        else:
            shares.add(name, -min(-wanted, shares.held[name]))
        assert shares.total == sum(shares.held.values())
        assert shares.total < max(2 * most, most + len(NAMES))
        for each in NAMES:
            assert shares.room(each) >= shares.share - shares.held[each]
