"""When a provider may be used."""

from smppbridge.errors import Disabled, Postponed, Throttled, Unavailable
from smppbridge.flow.health.breaker import FAILURES_BEFORE_PAUSE, CircuitBreaker


def test_a_new_gate_is_open() -> None:
    breaker = CircuitBreaker()
    assert breaker.is_open(0.0)
    assert breaker.works


def test_only_one_hand_over_at_a_time_until_the_first_success() -> None:
    breaker = CircuitBreaker()
    assert breaker.on_trial
    breaker.succeeded()
    assert not breaker.on_trial


def test_throttling_closes_it_for_the_time_asked_but_does_not_make_it_fail() -> None:
    breaker = CircuitBreaker()
    breaker.failed(Throttled("429", after=3.0), now=10.0)
    assert not breaker.is_open(12.9)
    assert breaker.is_open(13.0)
    assert breaker.works


def test_a_disabled_account_closes_it_at_once() -> None:
    breaker = CircuitBreaker()
    breaker.failed(Disabled("wrong key", pause=1800.0), now=10.0)
    assert breaker.wait(10.0) == 1800.0
    assert breaker.reason == "wrong key"
    assert not breaker.works


def test_failures_in_a_row_close_it_for_longer_and_longer() -> None:
    breaker = CircuitBreaker()
    for _ in range(FAILURES_BEFORE_PAUSE - 1):
        breaker.failed(Unavailable("refused"), now=0.0)
    assert breaker.is_open(0.0)
    breaker.failed(Unavailable("refused"), now=0.0)
    first = breaker.wait(0.0)
    breaker.failed(Unavailable("refused"), now=0.0)
    assert 0 < first < breaker.wait(0.0)


def test_after_a_failure_it_is_on_trial_until_a_success() -> None:
    breaker = CircuitBreaker()
    breaker.failed(Disabled("no money", pause=1.0), now=0.0)
    assert breaker.on_trial
    assert breaker.is_open(1.0)
    breaker.succeeded()
    assert breaker.works
    assert not breaker.on_trial


def test_a_success_between_failures_starts_the_count_again() -> None:
    breaker = CircuitBreaker()
    for _ in range(10):
        breaker.failed(Unavailable("refused"), now=0.0)
        breaker.succeeded()
    assert breaker.is_open(0.0)


def test_a_postponed_message_says_nothing_about_the_provider() -> None:
    breaker = CircuitBreaker()
    breaker.succeeded()
    for _ in range(10):
        breaker.failed(Postponed("night", after=3600.0), now=0.0)
    assert breaker.is_open(0.0)
    assert breaker.works
    assert not breaker.on_trial


def test_a_doubt_lets_one_hand_over_find_out_and_takes_nothing_back() -> None:
    breaker = CircuitBreaker()
    breaker.succeeded()
    breaker.doubt()
    assert (breaker.on_trial, breaker.works, breaker.is_open(0.0)) == (True, True, True)
    breaker.succeeded()
    assert not breaker.on_trial
    breaker.failed(Disabled("no money", pause=60.0), now=0.0)
    breaker.doubt()
    assert (breaker.works, breaker.reason, breaker.wait(0.0)) == (False, "no money", 60.0)
