"""The pace towards an SMSC: none until it complains, half of what passed then, and a steady climb back."""

import pytest

from smppbridge.model.pace import SLOWEST, Pace


def run(
    pace: Pace, begin: float, seconds: float, capacity: float, offered: float = 1000.0
) -> tuple[int, int]:
    """An SMSC that takes ``capacity`` a second and complains beyond: (taken, complaints). Steps of 10 ms."""
    taken = complaints = 0
    allowance = 0.0
    for step in range(round(seconds * 100)):
        now = begin + step / 100
        allowance = min(allowance + capacity / 100, max(1.0, capacity / 10))
        for _ in range(pace.take(round(offered / 100), now)):
            if allowance >= 1.0:
                allowance -= 1.0
                taken += 1
            else:
                complaints += 1
                pace.slower(now)
    return taken, complaints


def test_there_is_no_limit_of_its_own() -> None:
    pace = Pace(0.0, 0.0)
    assert [pace.take(5000, 0.0), pace.take(5000, 0.0)] == [5000, 5000]
    assert (pace.rate, pace.wait(0.0)) == (0.0, 0.0)


def test_the_operators_rate_is_kept_evenly() -> None:
    pace = Pace(50.0, 0.0)
    passed = sum(pace.take(1000, step / 1000) for step in range(10_000))
    assert passed == pytest.approx(500, abs=5)
    assert max(pace.take(1000, 20.0), pace.take(1000, 20.0)) <= 5  # no burst after a silence


def test_a_complaint_halves_what_was_seen_to_pass() -> None:
    pace = Pace(0.0, 0.0)
    for step in range(200):
        pace.take(10, step / 100)
    pace.slower(2.0)
    assert pace.rate == pytest.approx(500, rel=0.05)
    assert pace.take(10, 2.0) == 0
    assert 0 < pace.wait(2.0) < 0.01


def test_complaints_that_come_together_are_one() -> None:
    pace = Pace(100.0, 0.0)
    for step in range(1000):
        pace.take(1, step / 100)
    for _ in range(50):
        pace.slower(10.0)
    once = pace.rate
    pace.slower(10.5)
    assert pace.rate >= once
    pace.slower(11.1)
    assert pace.rate < once


def test_it_never_stands_still() -> None:
    pace = Pace(0.0, 0.0)
    for second in range(1, 50):
        pace.slower(second * 1.5)
    assert pace.rate == pytest.approx(SLOWEST, rel=0.5)
    assert pace.take(1, 100.0) == 1


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.99])
def test_complaints_never_make_it_faster_than_the_operators_rate(rate: float) -> None:
    pace = Pace(rate, 0.0)
    passed = 0
    for second in range(1, 1001):
        passed += pace.take(10, float(second))
        pace.slower(second + 0.5)
        assert pace.rate <= rate
    assert passed <= rate * 1000 + 1


def test_what_was_taken_for_nothing_comes_back() -> None:
    pace = Pace(100.0, 0.0)
    assert pace.take(10, 1.0) == 10
    pace.give_back(7)
    assert pace.take(10, 1.0) == 7
    pace.give_back(7)
    pace.give_back(7)
    assert pace.take(100, 1.0) == 10  # no more than at once anyway


def test_what_comes_back_has_not_passed() -> None:
    pace = Pace(0.0, 0.0)
    for step in range(100):
        assert pace.take(10, step / 100) == 10
        pace.give_back(9)
    pace.slower(1.0)
    assert pace.rate == pytest.approx(50, rel=0.05)
    pace.give_back(1000)
    assert pace.take(1000, 10.0) == 5


def test_it_finds_the_speed_of_the_smsc_and_uses_most_of_it() -> None:
    pace = Pace(0.0, 0.0)
    run(pace, 0.0, 10.0, capacity=100.0)
    taken, complaints = run(pace, 10.0, 60.0, capacity=100.0)
    assert taken > 60 * 60
    assert complaints < taken / 10


def test_it_climbs_back_to_the_operators_rate_and_not_above() -> None:
    pace = Pace(100.0, 0.0)
    run(pace, 0.0, 2.0, capacity=1000.0)
    pace.slower(2.0)
    assert pace.rate <= 60
    run(pace, 2.0, 60.0, capacity=1000.0)
    assert pace.rate == 100.0


def test_without_a_limit_it_is_free_again_when_nobody_complains() -> None:
    pace = Pace(0.0, 0.0)
    run(pace, 0.0, 2.0, capacity=1e6)
    pace.slower(2.0)
    assert pace.rate > 0
    for second in range(3, 200):
        pace.take(1, float(second))
    assert pace.rate == 0.0


def test_a_clock_that_goes_back_gives_nothing() -> None:
    pace = Pace(10.0, 100.0)
    pace.take(1, 100.0)
    assert pace.take(10, 50.0) == 0
