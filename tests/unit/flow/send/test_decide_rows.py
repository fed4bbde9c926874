"""The rows that a decision comes to, field by field. See test_decide for the rules."""

import pytest

from smppbridge.errors import Disabled, Postponed, Rejected, Throttled, Unavailable, Uncertain
from smppbridge.flow.send.decide import (
    ASKED_IN_VAIN,
    LEASE_OVER,
    Situation,
    after_error,
    after_question,
    in_doubt,
    when_overdue,
)
from smppbridge.model.message import Outcome, Overdue, Stage, State, Unsent
from tests.support.builders import messages
from tests.support.builders.choice import Available

NOW = 1_000_000
DEADLINE = NOW + 600_000
MESSAGE = messages.message(7, route="a,b,c", provider="a", attempt=3, tries=2, deadline=DEADLINE)
HERE = Situation(NOW, Available(), "hold", 0.5, 0.0, False)
# Two rounds failed before this one: the pause is 10 to 20 s, and the jitter chooses the middle.
BACKED_OFF = NOW + 15_000


def row(
    stage: Stage, provider: str, due_at: int, tries: int, result: str, reason: str, code: str = ""
) -> Unsent:
    """The end of the third attempt of message 7."""
    return Unsent(7, 3, stage, provider, due_at, tries, "a", result, code, reason, NOW)


def test_passed_on_to_the_next_provider() -> None:
    for error in (Unavailable("no route", code="7"), Disabled("no route", code="7")):
        word = type(error).__name__.lower()
        expected = row(Stage.QUEUED, "b", DEADLINE, 2, word, "no route", "7")
        assert after_error(MESSAGE, error, HERE) == expected


def test_begun_anew_after_a_pause() -> None:
    here = HERE._replace(choice=Available(down="bc"))
    expected = row(Stage.WAITING, "a", BACKED_OFF, 3, "unavailable", "no route", "7")
    assert after_error(MESSAGE, Unavailable("no route", code="7"), here) == expected


@pytest.mark.parametrize("kind", [Throttled, Postponed])
def test_waiting_for_its_provider(kind: type[Throttled] | type[Postponed]) -> None:
    error = kind("later", after=7.5, code="7")
    expected = row(Stage.WAITING, "a", NOW + 7_500, 2, kind.__name__.lower(), "later", "7")
    for attempt in (1, 2):
        message = MESSAGE._replace(attempt=attempt)
        assert after_error(message, error, HERE) == expected._replace(attempt=attempt)


@pytest.mark.parametrize(("attempt", "longer"), [(3, 5.0), (4, 7.5), (5, 15.0), (90, 225.0)])
def test_throttled_again_and_again(attempt: int, longer: float) -> None:
    """Perhaps it is the message that is not liked: others must have their turn."""
    message = MESSAGE._replace(attempt=attempt)
    decision = after_error(message, Throttled("later", after=7.5), HERE)
    assert isinstance(decision, Unsent)
    assert decision.due_at == NOW + round((7.5 + longer) * 1000)
    decision = after_error(message, Throttled("we stop", after=0.0), HERE)
    assert isinstance(decision, Unsent)
    assert decision.due_at == NOW


@pytest.mark.parametrize("waited", [True, False])
def test_rejected(waited: bool) -> None:
    error = Rejected("no such number", code="215", err=15)
    expected = Outcome(7, State.REJECTED, 15, "215", NOW, silent=waited, attempt=3, reason="no such number")
    assert after_error(MESSAGE, error, HERE._replace(waited=waited)) == expected


def test_refused_to_who_waits() -> None:
    here = HERE._replace(choice=Available(down="bc"), waited=True)
    expected = Outcome(7, State.REJECTED, 0, "7", NOW, silent=True, attempt=3, reason="no route")
    assert after_error(MESSAGE, Unavailable("no route", code="7"), here) == expected


def test_in_doubt() -> None:
    timeout = Uncertain("read timeout", code="9")
    held = row(Stage.UNCERTAIN, "a", DEADLINE, 2, "uncertain", "read timeout", "9")
    assert after_error(MESSAGE, timeout, HERE) == held
    for policy in ("hold", "resend", "fail"):
        here = HERE._replace(uncertain=policy, ask_after=20.0)
        assert after_error(MESSAGE, timeout, here) == held._replace(due_at=NOW + 20_000)
    again = row(Stage.WAITING, "a", BACKED_OFF, 3, "uncertain", "read timeout", "9")
    assert after_error(MESSAGE, timeout, HERE._replace(uncertain="resend")) == again
    failed = Outcome(7, State.UNDELIVERABLE, 0, "9", NOW, silent=False, attempt=3)
    assert after_error(MESSAGE, timeout, HERE._replace(uncertain="fail")) == failed
    assert in_doubt(MESSAGE, HERE, "9", "read timeout") == held


def test_after_a_question() -> None:
    doubt = messages.doubt(MESSAGE, asked=ASKED_IN_VAIN - 1, misses=1)
    here = HERE._replace(uncertain="resend", ask_after=20.0)
    missing = row(Stage.QUEUED, "b", DEADLINE, 2, "unavailable", "the provider does not have it")
    assert after_question(doubt, here, missing=True) == missing
    untold = row(Stage.WAITING, "a", BACKED_OFF, 3, "uncertain", "the provider cannot tell")
    assert after_question(doubt, here, missing=False) == untold


@pytest.mark.parametrize(
    ("stage", "answered", "end"),
    [
        (Stage.WAITING, False, Outcome(7, State.EXPIRED, 0, "", NOW)),
        (Stage.QUEUED, False, Outcome(7, State.EXPIRED, 0, "", NOW)),
        (Stage.QUEUED, True, Outcome(7, State.EXPIRED, 0, "", NOW)),
        (Stage.UNCERTAIN, False, Outcome(7, State.UNKNOWN, 0, "", NOW, attempt=3)),
        (Stage.SENT, False, Outcome(7, State.UNKNOWN, 0, "", NOW)),
        (Stage.SENT, True, Outcome(7, State.EXPIRED, 0, "", NOW)),
        (Stage.SENDING, False, row(Stage.UNCERTAIN, "a", DEADLINE, 2, "uncertain", LEASE_OVER)),
    ],
)
def test_out_of_time(stage: Stage, answered: bool, end: Outcome | Unsent) -> None:
    overdue = Overdue(7, "pbx", stage, "a,b,c", "a", 3, 2, answered, DEADLINE)
    assert when_overdue(overdue, HERE) == end


def test_no_pause_passes_the_deadline() -> None:
    soon = MESSAGE._replace(deadline=NOW + 10)
    here = HERE._replace(uncertain="resend", choice=Available(down="bc"))
    for message, error in (
        (soon, Unavailable("x")),
        (soon._replace(tries=50), Unavailable("x")),
        (soon, Throttled("x", after=9.0)),
        (soon, Postponed("x", after=86400.0)),
        (soon, Uncertain("x")),
    ):
        decision = after_error(message, error, here)
        assert isinstance(decision, Unsent)
        assert (decision.stage, decision.due_at) == (Stage.WAITING, NOW + 10)
    over = MESSAGE._replace(deadline=NOW - 10)
    held = after_error(over, Uncertain("x"), HERE)
    assert isinstance(held, Unsent)
    assert (held.stage, held.due_at) == (Stage.UNCERTAIN, NOW - 10)
