"""What becomes of a message: each class of error, each policy, each stage that ran out."""

import pytest

from smppbridge.errors import Disabled, ProviderError, Rejected, Throttled, Unavailable, Uncertain
from smppbridge.flow.decide import Situation, after_error, first_usable, next_provider, when_overdue
from smppbridge.model.message import Message, Outcome, Overdue, Stage, State, Unsent

NOW = 1_000_000
DEADLINE = NOW + 600_000


def message(provider: str = "a", tries: int = 0) -> Message:
    return Message(
        id=7,
        account="pbx",
        recipient="375291234567",
        sender="ALARM",
        text="door",
        data_coding=0,
        priority=0,
        service_type="",
        route="a,b,c",
        provider=provider,
        attempt=1,
        tries=tries,
        submitted_at=NOW - 1000,
        deadline=DEADLINE,
    )


def situation(down: str = "", uncertain: str = "hold") -> Situation:
    return Situation(NOW, lambda name: name not in down, uncertain, 0.0)


def unsent(decision: Unsent | Outcome) -> Unsent:
    assert isinstance(decision, Unsent)
    return decision


def outcome(decision: Unsent | Outcome) -> Outcome:
    assert isinstance(decision, Outcome)
    return decision


@pytest.mark.parametrize("error", [Unavailable("no route to host"), Disabled("no money", code="112")])
def test_a_provider_that_took_nothing_hands_over_to_the_next_at_once(error: ProviderError) -> None:
    decision = unsent(after_error(message(), error, situation()))
    assert (decision.stage, decision.provider, decision.tries) == (Stage.QUEUED, "b", 0)
    assert decision.due_at == DEADLINE
    assert (decision.tried, decision.result) == ("a", type(error).__name__.lower())


def test_providers_that_are_down_are_left_out() -> None:
    assert unsent(after_error(message(), Unavailable("x"), situation(down="b"))).provider == "c"


def test_after_the_last_provider_the_message_backs_off_and_begins_anew() -> None:
    decision = unsent(after_error(message("c", tries=2), Unavailable("x"), situation(down="a")))
    assert (decision.stage, decision.provider, decision.tries) == (Stage.WAITING, "b", 3)
    assert NOW < decision.due_at <= DEADLINE


def test_a_backoff_never_passes_the_deadline() -> None:
    decision = unsent(
        after_error(message("c", tries=50)._replace(deadline=NOW + 10), Unavailable("x"), situation())
    )
    assert decision.due_at == NOW + 10


def test_a_throttled_message_stays_with_its_provider_and_loses_no_try() -> None:
    decision = unsent(after_error(message(), Throttled("slow down", after=7.0), situation()))
    assert (decision.stage, decision.provider, decision.tries) == (Stage.WAITING, "a", 0)
    assert decision.due_at == NOW + 7000


def test_a_rejected_message_is_final_with_the_provider_s_code() -> None:
    decision = outcome(after_error(message(), Rejected("bad number", code="215", err=215), situation()))
    assert (decision.state, decision.err, decision.code) == (State.REJECTED, 215, "215")


def test_an_uncertain_message_is_held_until_its_deadline() -> None:
    decision = unsent(after_error(message(), Uncertain("read timeout"), situation()))
    assert (decision.stage, decision.due_at, decision.result) == (Stage.UNCERTAIN, DEADLINE, "uncertain")


def test_an_uncertain_message_is_resent_where_the_account_says_so() -> None:
    decision = unsent(after_error(message(), Uncertain("read timeout"), situation(uncertain="resend")))
    assert (decision.stage, decision.provider) == (Stage.WAITING, "a")
    assert decision.due_at > NOW


def test_an_uncertain_message_fails_where_the_account_says_so() -> None:
    decision = outcome(after_error(message(), Uncertain("read timeout"), situation(uncertain="fail")))
    assert decision.state == State.UNDELIVERABLE


def overdue(stage: Stage, answered: bool = False) -> Overdue:
    return Overdue(7, "pbx", stage, "a,b,c", "a", 1, 0, answered, DEADLINE)


@pytest.mark.parametrize(
    ("stage", "answered", "state"),
    [
        (Stage.WAITING, False, State.EXPIRED),
        (Stage.QUEUED, False, State.EXPIRED),
        (Stage.UNCERTAIN, False, State.UNKNOWN),
        (Stage.SENT, False, State.UNKNOWN),
        (Stage.SENT, True, State.EXPIRED),
    ],
)
def test_a_stage_that_ran_out_has_its_final_state(stage: Stage, answered: bool, state: State) -> None:
    assert outcome(when_overdue(overdue(stage, answered), situation())).state == state


def test_a_lease_that_ran_out_is_a_doubt() -> None:
    assert unsent(when_overdue(overdue(Stage.SENDING), situation())).stage == Stage.UNCERTAIN
    assert unsent(when_overdue(overdue(Stage.SENDING), situation(uncertain="resend"))).stage == Stage.WAITING


def test_the_first_usable_provider_is_the_first_of_all_when_none_is() -> None:
    assert first_usable("a,b", lambda name: name == "b") == "b"
    assert first_usable("a,b", lambda name: False) == "a"


def test_a_provider_no_longer_in_the_route_has_no_next_one() -> None:
    assert next_provider("a,b", "gone", lambda name: True) is None
