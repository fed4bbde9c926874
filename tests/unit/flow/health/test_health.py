"""How the bridge stands with a provider, told by whoever asked it something."""

import pytest

from smppbridge.errors import (
    UNFIT,
    UNREADABLE,
    Disabled,
    Postponed,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
    Uncertain,
)
from smppbridge.flow.health.health import PROBES_BEFORE_TRIAL
from smppbridge.providers.base import SendResult
from smppbridge.smpp.constants import Status
from tests.unit.flow.health.rig import NO_MONEY, TAKEN, WRONG_KEY, Rig

UNFIT_ONE = Rejected("not one of its services", code=UNFIT)
HARMLESS = [
    Unavailable("connection refused"),
    Uncertain("read timeout"),
    Rejected("no", code="300"),
    Postponed("too soon", after=60.0),
]


# --- what a hand-over says -------------------------------------------------------------------------


def test_in_the_beginning_it_works() -> None:
    rig = Rig()
    assert (rig.health.name, rig.health.working, rig.health.usable, rig.open) == (
        "lab",
        True,
        True,
        True,
    )
    assert rig.health.breaker.on_trial
    assert (rig.value("provider_up"), rig.value("provider_low_balance"), rig.changes) == (1, 0, [])


@pytest.mark.parametrize("result", [TAKEN, Rejected("no such number", code="215")])
def test_an_answer_about_a_message_proves_that_it_works(result: SendResult) -> None:
    rig = Rig()
    rig.health.record_results([Unavailable("x"), result])
    assert not rig.health.breaker.on_trial
    assert rig.changes == []


def test_an_answer_at_the_first_moment_of_the_clock_counts() -> None:
    rig = Rig()
    rig.health.record_results([TAKEN], began=0.0)
    assert not rig.health.breaker.on_trial


def test_what_began_before_a_failure_proves_nothing_about_now() -> None:
    rig = Rig()
    rig.health.record_failure(WRONG_KEY)
    rig.now += 600.0
    rig.health.record_results([TAKEN], began=99.9)
    assert (rig.health.breaker.works, rig.changes) == (False, ["lab"])
    rig.health.record_results([TAKEN], began=100.0)
    assert (rig.health.breaker.works, rig.changes) == (True, ["lab", "lab"])


def test_throttling_is_no_failure_that_an_older_answer_could_not_disprove() -> None:
    rig = Rig()
    rig.health.record_failure(Throttled("slow", after=1.0))
    rig.health.record_results([TAKEN], began=50.0)
    assert not rig.health.breaker.on_trial


def test_what_was_not_even_sent_says_nothing() -> None:
    rig = Rig(refusals_in_row=2)
    rig.health.record_results([UNFIT_ONE] * 9)
    assert rig.health.breaker.on_trial
    assert rig.health.working
    rig.health.record_failure(WRONG_KEY)
    rig.health.record_results([UNFIT_ONE])
    assert not rig.health.breaker.works
    assert rig.changes == ["lab"]
    rig.health.record_results([UNFIT_ONE, TAKEN])
    assert rig.health.breaker.works


def test_what_was_not_even_sent_hides_no_failure_and_ends_no_row() -> None:
    rig = Rig(refusals_in_row=2, refusals_window=600.0)
    for _ in range(3):
        rig.health.record_results([UNFIT_ONE, Unavailable("connection refused")])
    assert not rig.health.working
    rig = Rig(refusals_in_row=2, refusals_window=600.0)
    rig.health.record_results([Rejected("no", code="215"), UNFIT_ONE, Rejected("no")])
    assert rig.health.pause() == 600.0
    assert "2 messages in a row" in rig.health.breaker.reason


def test_one_message_for_which_we_were_too_fast_is_enough() -> None:
    rig = Rig()
    rig.health.record_results([TAKEN, Throttled("slow", after=600.0), TAKEN])
    assert (rig.health.pause(), rig.health.breaker.works, rig.value("provider_up")) == (600.0, True, 1)


@pytest.mark.parametrize("results", [[WRONG_KEY], [WRONG_KEY] * 3, [Rejected("no", code="215"), WRONG_KEY]])
def test_an_answer_about_us_takes_it_down(results: list[SendResult]) -> None:
    rig = Rig()
    rig.health.record_results(results)
    assert (rig.health.pause(), rig.health.breaker.works, rig.value("provider_up")) == (600.0, False, 0)
    assert rig.changes == ["lab"]


def test_a_success_that_began_after_the_trouble_opens_it_at_once() -> None:
    rig = Rig()
    rig.health.record_failure(WRONG_KEY)
    rig.health.record_results([TAKEN], began=99.0)
    assert (rig.health.pause(), rig.health.works, rig.value("provider_up")) == (600.0, False, 0)
    rig.health.record_results([TAKEN], began=100.0)
    assert (rig.health.pause(), rig.health.works, rig.value("provider_up")) == (0.0, True, 1)
    rig.health.record_failure(Throttled("slow", after=600.0))
    rig.health.record_results([TAKEN])
    assert rig.health.pause() == 600.0


def test_hand_overs_that_fail_in_a_row_take_it_down_and_a_success_brings_it_back() -> None:
    rig = Rig()
    for _ in range(2):
        rig.health.record_results([Unavailable("connection refused")] * 5)
    assert rig.health.working
    rig.health.record_results([Uncertain("read timeout")])
    assert (rig.health.working, rig.health.usable, rig.value("provider_up")) == (False, False, 0)
    assert rig.changes == ["lab"]
    rig.now += rig.health.pause()
    assert rig.health.working  # a trial may begin
    rig.health.record_results([Unavailable("connection refused")])
    assert rig.changes == ["lab", "lab"]  # what came meanwhile may have another way
    rig.now += rig.health.pause()
    rig.health.record_results([TAKEN])
    assert (rig.value("provider_up"), rig.changes) == (1, ["lab"] * 3)


def test_messages_that_have_to_wait_say_nothing() -> None:
    rig = Rig()
    for _ in range(9):
        rig.health.record_results([Postponed("not at night", after=60.0)])
    assert (rig.open, rig.health.breaker.on_trial, rig.changes) == (True, True, [])


# --- what other questions say ------------------------------------------------------------------------


@pytest.mark.parametrize("error", HARMLESS, ids=lambda error: type(error).__name__)
def test_a_question_that_fails_is_no_reason_to_stop(error: ProviderError) -> None:
    rig = Rig()
    for _ in range(99):
        rig.health.question_failed(error)
    assert (rig.open, rig.health.breaker.works, rig.changes) == (True, True, [])


@pytest.mark.parametrize("error", [WRONG_KEY, Throttled("slow down", after=600.0)])
def test_a_question_whose_answer_is_about_us_is_one(error: ProviderError) -> None:
    rig = Rig()
    rig.health.question_failed(error)
    assert rig.health.pause() == 600.0
    assert rig.health.breaker.works is isinstance(error, Throttled)


def test_unreadable_answers_are_counted_whoever_asked() -> None:
    rig = Rig()
    unreadable = Uncertain("not JSON", code=UNREADABLE)
    rig.health.question_failed(unreadable)
    rig.health.record_results([unreadable])
    rig.health.question_failed(Uncertain("read timeout"))
    assert rig.value("unreadable_answers_total") == 2


# --- money -------------------------------------------------------------------------------------------


def test_a_balance_below_the_threshold_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig(low_balance=100.0, leave_when_low=True)
    for balance in (None, 500.0, 99.0, 98.0, None):
        rig.health.record_balance(balance)
    assert (rig.value("provider_balance"), rig.value("provider_low_balance")) == (98, 1)
    assert (rig.health.working, rig.health.usable) == (True, False)
    assert rig.changes == ["lab"]
    assert caplog.text.count("balance is low") == 1
    rig.health.record_balance(100.0)
    assert (rig.value("provider_low_balance"), rig.health.usable, rig.changes) == (0, True, ["lab"] * 2)
    assert caplog.text.count("balance is well again") == 1


def test_a_provider_that_is_not_to_be_left_stays_usable() -> None:
    rig = Rig(low_balance=100.0)
    rig.health.record_balance(1.0)
    assert (rig.value("provider_low_balance"), rig.health.usable, rig.changes) == (1, True, [])


# --- connections that a provider keeps -----------------------------------------------------------------


def test_a_provider_that_cannot_be_reached_is_down_until_it_can(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    rig.health.record_results([TAKEN])
    rig.health.linked("nobody there")
    assert (rig.health.works, rig.health.working, rig.health.usable) == (False, False, False)
    assert (rig.health.reason, rig.open, rig.value("provider_up")) == ("nobody there", False, 0)
    rig.now += 1e6
    assert (rig.health.working, rig.open) == (False, False)
    rig.health.linked("nobody there at all")
    assert rig.health.reason == "nobody there at all"
    rig.health.linked("")
    assert (rig.health.works, rig.health.working, rig.health.usable) == (True, True, True)
    assert (rig.health.reason, rig.open, rig.value("provider_up")) == ("", True, 1)
    assert rig.changes == ["lab"] * 3
    assert (caplog.text.count("provider is down"), caplog.text.count("works again")) == (1, 1)


def test_after_a_reconnection_one_message_is_tried_alone() -> None:
    rig = Rig()
    rig.health.record_results([TAKEN])
    rig.health.linked("")
    assert not rig.health.breaker.on_trial  # it was never gone
    rig.health.linked("nobody there")
    rig.health.linked("")
    assert rig.health.breaker.on_trial
    rig.health.record_results([TAKEN])
    assert not rig.health.breaker.on_trial


def test_what_could_not_be_sent_without_a_connection_is_no_failure() -> None:
    rig = Rig()
    rig.health.linked("nobody there")
    for _ in range(9):
        rig.health.record_results([Unavailable("nobody there"), Uncertain("no answer")])
    rig.health.linked("")
    assert (rig.health.working, rig.open, rig.health.reason) == (True, True, "")


@pytest.mark.parametrize("error", [NO_MONEY, WRONG_KEY])
def test_what_a_person_must_mend_stays_though_connections_come_and_go(error: Disabled) -> None:
    rig = Rig()
    rig.health.record_results([error])
    for why in ("", "nobody there", "", "nobody there", ""):
        rig.health.linked(why)
        assert rig.health.reason == (why or error.reason)
        assert not rig.health.working
    assert rig.health.pause() == 600.0
    assert (rig.health.breaker.status, rig.value("provider_up")) == (error.status, 0)
    rig.now += 600.0
    assert rig.health.working  # a trial may begin
    rig.health.record_results([TAKEN])
    assert (rig.health.works, rig.value("provider_up")) == (True, 1)


def test_an_answer_about_us_counts_without_a_connection_too() -> None:
    rig = Rig()
    rig.health.linked("nobody there")
    rig.health.record_results([NO_MONEY])
    assert rig.health.reason == "nobody there"
    rig.health.linked("")
    assert (rig.health.reason, rig.health.pause()) == ("no money", 600.0)


# --- questions before a trial ------------------------------------------------------------------------


async def test_a_balance_that_can_be_had_allows_a_trial() -> None:
    rig = Rig()
    rig.health.record_failure(WRONG_KEY)
    rig.lab.money = 7.0
    assert await rig.health.probe()
    assert rig.value("provider_balance") == 7
    assert not rig.health.breaker.works  # a message has to prove it


async def test_after_some_questions_in_vain_a_trial_is_allowed() -> None:
    rig = Rig()
    rig.health.record_failure(WRONG_KEY)
    rig.lab.money = Unavailable("connection refused")
    allowed = [await rig.health.probe() for _ in range(2 * PROBES_BEFORE_TRIAL)]
    assert allowed == [*[False] * (PROBES_BEFORE_TRIAL - 1), True] * 2


async def test_only_an_answer_about_us_changes_why_it_is_down() -> None:
    rig = Rig()
    rig.health.record_failure(WRONG_KEY)
    rig.lab.money = Unavailable("connection refused")
    for _ in range(2 * PROBES_BEFORE_TRIAL):
        await rig.health.probe()
        assert rig.health.reason == "wrong key"
    rig.lab.money = NO_MONEY
    await rig.health.probe()
    assert (rig.health.reason, rig.health.status) == ("no money", Status.ESME_RNOMONEY)


async def test_questions_in_vain_are_counted_in_a_row() -> None:
    rig = Rig()
    rig.lab.money = Uncertain("read timeout")
    for _ in range(PROBES_BEFORE_TRIAL - 1):
        assert not await rig.health.probe()
    rig.lab.money = 1.0
    assert await rig.health.probe()
    rig.lab.money = Uncertain("read timeout")
    assert not await rig.health.probe()


@pytest.mark.parametrize("error", [WRONG_KEY, Throttled("slow down", after=600.0)])
async def test_an_answer_about_us_never_allows_a_trial(error: ProviderError) -> None:
    rig = Rig()
    rig.lab.money = error
    assert not any([await rig.health.probe() for _ in range(2 * PROBES_BEFORE_TRIAL)])
    assert rig.health.pause() == 600.0


@pytest.mark.parametrize(("balance", "allowed"), [(99.0, False), (None, True), (500.0, True)])
async def test_without_money_there_is_no_trial(balance: float | None, allowed: bool) -> None:
    rig = Rig(low_balance=100.0)
    rig.health.record_failure(NO_MONEY)
    rig.now += 600.0
    rig.lab.money = balance
    assert await rig.health.probe() is allowed
    assert (rig.open, rig.health.breaker.lacks_money) == (allowed, True)


async def test_a_low_balance_alone_forbids_no_trial() -> None:
    rig = Rig(low_balance=100.0)
    rig.health.record_failure(WRONG_KEY)
    rig.lab.money = 1.0
    assert await rig.health.probe()
