"""When a provider may be used."""

from smppbridge.errors import Disabled, Postponed, Throttled, Unavailable
from smppbridge.flow.health.breaker import FAILURES_BEFORE_PAUSE, Gate


def test_a_new_gate_is_open() -> None:
    gate = Gate()
    assert gate.is_open(0.0)
    assert gate.works


def test_only_one_hand_over_at_a_time_until_the_first_success() -> None:
    gate = Gate()
    assert gate.on_trial
    gate.succeeded()
    assert not gate.on_trial


def test_throttling_closes_it_for_the_time_asked_but_does_not_make_it_fail() -> None:
    gate = Gate()
    gate.failed(Throttled("429", after=3.0), now=10.0)
    assert not gate.is_open(12.9)
    assert gate.is_open(13.0)
    assert gate.works


def test_a_disabled_account_closes_it_at_once() -> None:
    gate = Gate()
    gate.failed(Disabled("wrong key", pause=1800.0), now=10.0)
    assert gate.wait(10.0) == 1800.0
    assert gate.reason == "wrong key"
    assert not gate.works


def test_failures_in_a_row_close_it_for_longer_and_longer() -> None:
    gate = Gate()
    for _ in range(FAILURES_BEFORE_PAUSE - 1):
        gate.failed(Unavailable("refused"), now=0.0)
    assert gate.is_open(0.0)
    gate.failed(Unavailable("refused"), now=0.0)
    first = gate.wait(0.0)
    gate.failed(Unavailable("refused"), now=0.0)
    assert 0 < first < gate.wait(0.0)


def test_after_a_failure_it_is_on_trial_until_a_success() -> None:
    gate = Gate()
    gate.failed(Disabled("no money", pause=1.0), now=0.0)
    assert gate.on_trial
    assert gate.is_open(1.0)
    gate.succeeded()
    assert gate.works
    assert not gate.on_trial


def test_a_success_between_failures_starts_the_count_again() -> None:
    gate = Gate()
    for _ in range(10):
        gate.failed(Unavailable("refused"), now=0.0)
        gate.succeeded()
    assert gate.is_open(0.0)


def test_a_postponed_message_says_nothing_about_the_provider() -> None:
    gate = Gate()
    gate.succeeded()
    for _ in range(10):
        gate.failed(Postponed("night", after=3600.0), now=0.0)
    assert gate.is_open(0.0)
    assert gate.works
    assert not gate.on_trial


def test_a_doubt_lets_one_hand_over_find_out_and_takes_nothing_back() -> None:
    gate = Gate()
    gate.succeeded()
    gate.doubt()
    assert (gate.on_trial, gate.works, gate.is_open(0.0)) == (True, True, True)
    gate.succeeded()
    assert not gate.on_trial
    gate.failed(Disabled("no money", pause=60.0), now=0.0)
    gate.doubt()
    assert (gate.works, gate.reason, gate.wait(0.0)) == (False, "no money", 60.0)
