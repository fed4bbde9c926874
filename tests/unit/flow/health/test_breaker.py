"""When a provider may be used."""

import pytest

from smppbridge.errors import Disabled, Postponed, Throttled, Unavailable
from smppbridge.flow.health.breaker import FAILURES_BEFORE_PAUSE, CircuitBreaker
from smppbridge.smpp.constants import Status


def test_a_new_breaker_is_closed_but_on_trial() -> None:
    breaker = CircuitBreaker()
    assert breaker.allows(0.0)
    assert breaker.works
    assert breaker.on_trial


def test_throttling_opens_it_for_the_time_asked_but_does_not_make_it_fail() -> None:
    breaker = CircuitBreaker()
    breaker.record_failure(Throttled("429", after=3.0), now=10.0)
    assert not breaker.allows(12.9)
    assert breaker.allows(13.0)
    assert breaker.works


def test_a_disabled_account_opens_it_at_once() -> None:
    breaker = CircuitBreaker()
    breaker.record_failure(Disabled("wrong key", pause=1800.0), now=10.0)
    assert breaker.wait(10.0) == 1800.0
    assert breaker.reason == "wrong key"
    assert not breaker.works


def test_after_a_failure_it_is_on_trial_until_a_success() -> None:
    breaker = CircuitBreaker()
    breaker.record_failure(Disabled("no money", pause=1.0), now=0.0)
    assert breaker.on_trial
    assert breaker.allows(1.0)
    breaker.record_success()
    assert breaker.works
    assert not breaker.on_trial


def test_a_success_between_failures_starts_the_count_again() -> None:
    breaker = CircuitBreaker()
    for _ in range(10):
        breaker.record_failure(Unavailable("refused"), now=0.0)
        breaker.record_success()
    assert breaker.allows(0.0)


def test_a_postponed_message_says_nothing_about_the_provider() -> None:
    breaker = CircuitBreaker()
    breaker.record_success()
    for _ in range(10):
        breaker.record_failure(Postponed("night", after=3600.0), now=0.0)
    assert breaker.allows(0.0)
    assert breaker.works
    assert not breaker.on_trial


def test_a_trial_that_is_required_takes_nothing_back() -> None:
    breaker = CircuitBreaker()
    breaker.record_success()
    breaker.require_trial()
    assert (breaker.on_trial, breaker.works, breaker.allows(0.0)) == (True, True, True)
    breaker.record_success()
    assert not breaker.on_trial
    breaker.record_failure(Disabled("no money", pause=60.0), now=0.0)
    breaker.require_trial()
    assert (breaker.works, breaker.reason, breaker.wait(0.0)) == (False, "no money", 60.0)


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    breaker = CircuitBreaker()
    breaker.record_failure(Disabled("wrong key", pause=1800.0), now=0.0)
    breaker.record_failure(Throttled("429", after=5.0), now=1.0)
    assert breaker.wait(1.0) == 1799.0
    breaker.record_failure(Throttled("429", after=3600.0), now=2.0)
    assert breaker.wait(2.0) == 3600.0


def test_a_retry_now_ends_the_pause_but_proves_nothing() -> None:
    breaker = CircuitBreaker()
    breaker.record_success()
    breaker.record_failure(Disabled("wrong key", pause=1800.0), now=0.0)
    breaker.retry_now()
    assert breaker.allows(0.0)
    assert (breaker.works, breaker.on_trial) == (False, True)


@pytest.mark.parametrize("status", [Status.ESME_RNOMONEY, Status.ESME_RINVPASWD])
def test_money_lacks_only_while_that_is_why_it_is_down(status: Status) -> None:
    breaker = CircuitBreaker()
    assert not breaker.lacks_money
    breaker.record_failure(Disabled("refused", pause=1.0, status=status), now=0.0)
    assert breaker.lacks_money is (status == Status.ESME_RNOMONEY)
    assert breaker.status == status
    breaker.record_success()
    assert (breaker.lacks_money, breaker.status) == (False, Status.ESME_RSYSERR)


def test_the_last_failure_in_a_row_says_why() -> None:
    breaker = CircuitBreaker()
    for number in range(1, FAILURES_BEFORE_PAUSE + 1):
        breaker.record_failure(Unavailable(f"failure {number}", status=Status.ESME_RTHROTTLED), now=0.0)
    assert breaker.reason == f"failure {FAILURES_BEFORE_PAUSE}"
    assert breaker.status == Status.ESME_RTHROTTLED


def test_the_pause_after_failures_counts_from_the_last_and_doubles() -> None:
    breaker = CircuitBreaker()
    for _ in range(FAILURES_BEFORE_PAUSE):
        assert breaker.allows(100.0)
        breaker.record_failure(Unavailable("refused"), now=100.0)
    assert breaker.wait(100.0) == 5.0
    assert breaker.wait(104.0) == 1.0
    assert breaker.wait(106.0) == 0.0
    breaker.record_failure(Unavailable("refused"), now=105.0)
    assert breaker.wait(105.0) == 10.0


def test_what_was_under_way_when_the_pause_began_does_not_prolong_it() -> None:
    breaker = CircuitBreaker()
    for _ in range(FAILURES_BEFORE_PAUSE + 4):  # one connection that is cut ends them all
        breaker.record_failure(Unavailable("cut"), now=0.0)
    assert breaker.wait(0.0) == 5.0
    breaker.record_failure(Unavailable("cut again"), now=5.0)
    assert breaker.wait(5.0) == 10.0


def test_failures_without_a_reason_are_a_trial_all_the_same() -> None:
    breaker = CircuitBreaker()
    breaker.record_success()
    for _ in range(FAILURES_BEFORE_PAUSE):
        assert not breaker.on_trial
        breaker.record_failure(Unavailable(""), now=0.0)
    assert (breaker.on_trial, breaker.allows(0.0)) == (True, False)
