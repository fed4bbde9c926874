"""Backoff: grows, stays within its bounds, spreads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.model.backoff import backoff


@pytest.mark.parametrize(
    ("tries", "low", "high"), [(0, 5, 5), (1, 5, 10), (2, 10, 20), (3, 20, 40), (5, 80, 160), (7, 150, 300)]
)
def test_ceiling_doubles_and_jitter_takes_the_upper_half(tries: int, low: float, high: float) -> None:
    assert backoff(tries, jitter=0.0) == low
    assert backoff(tries, jitter=1.0) == high
    assert low <= backoff(tries, jitter=0.5) <= high


@given(st.integers(-5, 10**9), st.floats(0, 1), st.floats(0.001, 100), st.floats(0.001, 1e6))
def test_always_within_first_and_last(tries: int, jitter: float, first: float, span: float) -> None:
    last = first + span
    assert first <= backoff(tries, first=first, last=last, jitter=jitter) <= last * (1 + 1e-12)


@given(st.integers(0, 100), st.floats(0, 1))
def test_never_shorter_after_more_tries(tries: int, jitter: float) -> None:
    assert backoff(tries, jitter=jitter) <= backoff(tries + 1, jitter=jitter)


def test_last_below_first_is_the_limit() -> None:
    assert backoff(3, first=10, last=2, jitter=0.7) == 2
