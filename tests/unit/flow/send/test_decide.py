"""What becomes of a message: each class of error, each policy, each stage that ran out."""

import pytest

from smppbridge.errors import (
    Disabled,
    Postponed,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
    Uncertain,
)
from smppbridge.flow.send.decide import (
    ASKED_IN_VAIN,
    Situation,
    after_error,
    after_question,
    result_word,
    when_overdue,
)
from smppbridge.model.message import Doubt, Message, Outcome, Overdue, Stage, State, Unsent
from tests.support.builders import messages
from tests.support.builders.choice import Available

NOW = 1_000_000
DEADLINE = NOW + 600_000


def message(provider: str = "a", tries: int = 0) -> Message:
    return messages.message(
        7, route="a,b,c", provider=provider, tries=tries, submitted_at=NOW - 1000, deadline=DEADLINE
    )


def situation(
    down: str = "", uncertain: str = "hold", ask_after: float = 0.0, waited: bool = False
) -> Situation:
    return Situation(NOW, Available(down), uncertain, 0.0, ask_after, waited)


def unsent(decision: Unsent | Outcome | None) -> Unsent:
    assert isinstance(decision, Unsent)
    return decision


def outcome(decision: Unsent | Outcome | None) -> Outcome:
    assert isinstance(decision, Outcome)
    return decision


def test_providers_that_are_down_are_left_out() -> None:
    assert unsent(after_error(message(), Unavailable("x"), situation(down="b"))).provider == "c"


def test_after_the_last_provider_the_message_backs_off_and_begins_anew() -> None:
    decision = unsent(after_error(message("c", tries=2), Unavailable("x"), situation(down="a")))
    assert (decision.stage, decision.provider, decision.tries) == (Stage.WAITING, "b", 3)
    assert NOW < decision.due_at <= DEADLINE


@pytest.mark.parametrize("policy", ["hold", "resend", "fail"])
def test_an_uncertain_message_is_asked_about_first_where_that_can_be_done(policy: str) -> None:
    here = situation(uncertain=policy, ask_after=60.0)
    for decision in (
        unsent(after_error(message(tries=3), Uncertain("read timeout", code="unreadable"), here)),
        unsent(when_overdue(overdue(Stage.SENDING), here)),
    ):
        assert (decision.stage, decision.provider, decision.due_at) == (Stage.UNCERTAIN, "a", NOW + 60_000)
        assert (decision.tried, decision.result) == ("a", "uncertain")


# --- messages whose ESME waits -----------------------------------------------------------------------

TAKEN_BY_NOBODY: list[ProviderError] = [
    Unavailable("no route to host", code="7"),
    Disabled("no money", code="7"),
    Postponed("at night", after=3600.0, code="7"),
]


@pytest.mark.parametrize("error", TAKEN_BY_NOBODY)
def test_with_another_provider_the_esme_waits_on(error: ProviderError) -> None:
    decision = unsent(after_error(message(), error, situation(down="b", waited=True)))
    assert (decision.stage, decision.provider, decision.tries) == (Stage.QUEUED, "c", 0)


@pytest.mark.parametrize("error", TAKEN_BY_NOBODY)
@pytest.mark.parametrize(("provider", "down"), [("c", ""), ("a", "bc")])
def test_without_another_provider_it_is_refused(error: ProviderError, provider: str, down: str) -> None:
    end = outcome(after_error(message(provider), error, situation(down=down, waited=True)))
    assert (end.state, end.err, end.code, end.silent) == (State.REJECTED, 0, "7", True)


def test_a_message_that_came_too_fast_waits_its_turn_while_its_esme_waits() -> None:
    decision = unsent(after_error(message("c"), Throttled("slow down", after=7.0), situation(waited=True)))
    assert (decision.stage, decision.provider, decision.due_at) == (Stage.WAITING, "c", NOW + 7000)


@pytest.mark.parametrize("waited", [True, False])
def test_only_who_waits_is_told_of_a_refusal_in_silence(waited: bool) -> None:
    here = situation(waited=waited)
    assert outcome(after_error(message(), Rejected("bad number"), here)).silent == waited


@pytest.mark.parametrize("waited", [True, False])
def test_what_a_provider_may_have_is_never_refused(waited: bool) -> None:
    here = situation(uncertain="fail", waited=waited)
    for decision in (
        after_error(message(), Uncertain("read timeout"), here),
        after_question(doubt(asked=ASKED_IN_VAIN - 1), here, missing=False),
        when_overdue(overdue(Stage.SENDING), here),
    ):
        end = outcome(decision)
        assert (end.state, end.silent) == (State.UNDELIVERABLE, False)


@pytest.mark.parametrize("policy", ["hold", "resend"])
def test_a_doubt_refuses_nobody_where_the_account_does_not_say_so(policy: str) -> None:
    here = situation(uncertain=policy, waited=True)
    assert unsent(after_error(message(), Uncertain("read timeout"), here)).id == 7


def test_what_is_certainly_not_there_is_refused_after_the_last_provider() -> None:
    end = outcome(after_question(doubt(misses=1, provider="c"), situation(waited=True), missing=True))
    assert (end.state, end.silent) == (State.REJECTED, True)


@pytest.mark.parametrize("stage", [Stage.WAITING, Stage.QUEUED, Stage.UNCERTAIN, Stage.SENT])
def test_a_time_that_ran_out_is_no_refusal(stage: Stage) -> None:
    assert not outcome(when_overdue(overdue(stage), situation(waited=True))).silent


# --- whose end it is -----------------------------------------------------------------------------------


@pytest.mark.parametrize("waited", [True, False])
def test_the_end_of_a_hand_over_is_of_no_other(waited: bool) -> None:
    here = situation(uncertain="fail", waited=waited)
    third = message("c")._replace(attempt=3)
    ends = [
        after_error(third, Rejected("bad number"), here),
        after_error(third, Uncertain("read timeout"), here),
        after_question(messages.doubt(third, asked=ASKED_IN_VAIN - 1), here, missing=False),
        when_overdue(overdue(Stage.SENDING)._replace(attempt=3), here),
        when_overdue(overdue(Stage.UNCERTAIN)._replace(attempt=3), here),
    ]
    if waited:
        ends.append(after_error(third, Unavailable("no route to host"), here))
    assert [outcome(end).attempt for end in ends] == [3] * len(ends)


def test_result_words() -> None:
    assert [result_word(None), result_word(Uncertain("x"))] == ["sent", "uncertain"]


# --- what a provider says when it is asked about a doubt ---------------------------------------------


def doubt(asked: int = 0, misses: int = 0, provider: str = "a") -> Doubt:
    return messages.doubt(message(provider), asked=asked, misses=misses)


@pytest.mark.parametrize("policy", ["hold", "resend", "fail"])
def test_a_first_miss_is_not_certain(policy: str) -> None:
    here = situation(uncertain=policy, ask_after=60.0)
    assert after_question(doubt(asked=99), here, missing=True) is None


@pytest.mark.parametrize("policy", ["hold", "resend", "fail"])
def test_what_is_certainly_not_there_goes_out_again(policy: str) -> None:
    here = situation(uncertain=policy, ask_after=60.0)
    decision = unsent(after_question(doubt(misses=1), here, missing=True))
    assert (decision.stage, decision.provider, decision.result) == (Stage.QUEUED, "b", "unavailable")
    last = unsent(after_question(doubt(misses=1, provider="c"), here, missing=True))
    assert (last.stage, last.provider, last.tries) == (Stage.WAITING, "a", 1)


def test_what_nobody_can_tell_is_held_where_the_account_says_so() -> None:
    assert after_question(doubt(asked=1000), situation(ask_after=60.0), missing=False) is None


@pytest.mark.parametrize("policy", ["resend", "fail"])
def test_what_nobody_can_tell_is_asked_about_again_a_few_times(policy: str) -> None:
    here = situation(uncertain=policy, ask_after=60.0)
    for asked in range(ASKED_IN_VAIN - 1):
        assert after_question(doubt(asked=asked, misses=1), here, missing=False) is None
    end = after_question(doubt(asked=ASKED_IN_VAIN - 1), here, missing=False)
    if policy == "fail":
        assert outcome(end).state == State.UNDELIVERABLE
    else:
        assert (unsent(end).stage, unsent(end).provider, unsent(end).tries) == (Stage.WAITING, "a", 1)


# --- stages that ran out -----------------------------------------------------------------------------


def overdue(stage: Stage) -> Overdue:
    return Overdue(7, "pbx", stage, "a,b,c", "a", 1, 0, False, DEADLINE)


def test_a_lease_that_ran_out_is_resent_where_the_account_says_so() -> None:
    assert unsent(when_overdue(overdue(Stage.SENDING), situation(uncertain="resend"))).stage == Stage.WAITING
