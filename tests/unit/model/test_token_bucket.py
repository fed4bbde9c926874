"""The token bucket: burst at once, rate for long, and it says when to come back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.model.token_bucket import TokenBucket


def test_burst_then_rate() -> None:
    bucket = TokenBucket(rate=10, burst=20, now=100.0)
    assert bucket.take(50, 100.0) == 20
    assert bucket.take(1, 100.0) == 0
    assert bucket.take(50, 100.5) == 5
    assert bucket.take(500, 1000.0) == 20


def test_fewer_asked_than_there() -> None:
    bucket = TokenBucket(rate=1, burst=5, now=0.0)
    assert bucket.take(2, 0.0) == 2
    assert bucket.take(0, 0.0) == 0
    assert bucket.take(5, 0.0) == 3


def test_put_back_can_be_taken_again_but_never_exceeds_burst() -> None:
    bucket = TokenBucket(rate=1, burst=5, now=0.0)
    assert bucket.take(4, 0.0) == 4
    bucket.put_back(3)
    assert bucket.take(9, 0.0) == 4
    bucket.put_back(9)
    assert bucket.take(9, 0.0) == 5


def test_rate_zero_lets_all_pass() -> None:
    bucket = TokenBucket(rate=0, burst=1, now=0.0)
    assert bucket.take(10**6, 0.0) == 10**6
    assert bucket.wait(0.0) == 0.0


def test_wait_is_the_time_until_one_may_pass() -> None:
    bucket = TokenBucket(rate=4, burst=1, now=0.0)
    assert bucket.wait(0.0) == 0.0
    assert bucket.take(1, 0.0) == 1
    assert bucket.wait(0.0) == pytest.approx(0.25)
    assert bucket.wait(0.2) == pytest.approx(0.05)
    assert bucket.take(1, 0.2) == 0
    assert bucket.take(1, 0.25) == 1


def test_burst_below_one_still_lets_single_ones_pass() -> None:
    bucket = TokenBucket(rate=0.5, burst=0, now=0.0)
    assert bucket.take(3, 0.0) == 1
    assert bucket.take(3, 2.0) == 1


def test_a_clock_that_goes_back_gives_nothing_twice() -> None:
    bucket = TokenBucket(rate=1, burst=10, now=100.0)
    assert bucket.take(10, 100.0) == 10
    assert bucket.take(10, 50.0) == 0
    assert bucket.take(10, 101.0) == 1


def test_negative_rate_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="rate"):
        TokenBucket(rate=-1, burst=1, now=0.0)


@given(
    st.floats(0.1, 10_000),
    st.floats(1, 1000),
    st.lists(st.tuples(st.floats(0, 10), st.integers(0, 500)), max_size=50),
)
def test_never_more_than_burst_plus_rate_times_time(
    rate: float, burst: float, calls: list[tuple[float, int]]
) -> None:
    start = now = 1_000_000.0
    bucket, passed = TokenBucket(rate, burst, start), 0
    for pause, n in calls:
        now += pause
        took = bucket.take(n, now)
        assert 0 <= took <= n
        passed += took
    assert passed <= burst + rate * (now - start) + 0.01


@given(st.floats(0.01, 10_000), st.integers(1, 100))
def test_after_waiting_one_passes(rate: float, burst: int) -> None:
    now = 1_000_000.0
    bucket = TokenBucket(rate, burst, now)
    assert bucket.take(burst, now) == burst
    for _ in range(20):
        pause = bucket.wait(now)
        assert pause > 0
        now += pause
        assert bucket.take(2, now) == 1
