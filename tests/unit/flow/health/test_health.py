"""How the bridge stands with a provider, told by whoever asked it something."""

from typing import Any

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
from smppbridge.flow.health.health import PROBES_BEFORE_TRIAL, Standing
from smppbridge.metrics import Metrics
from smppbridge.providers.base import SendResult, Taken
from smppbridge.providers.http.client import UNREADABLE
from smppbridge.providers.http.provider import UNFIT
from smppbridge.smpp.constants import Status
from tests.support.bridge.scripted_provider import ScriptedProvider

TAKEN = Taken("ref-1")
WRONG_KEY = Disabled("wrong key", pause=600.0)
NO_MONEY = Disabled("no money", pause=600.0, status=Status.ESME_RNOMONEY)
UNFIT_ONE = Rejected("not one of its services", code=UNFIT)
HARMLESS = [
    Unavailable("connection refused"),
    Uncertain("read timeout"),
    Rejected("no", code="300"),
    Postponed("too soon", after=60.0),
]


class Rig:
    """A standing, its provider, the time, and what was announced."""

    def __init__(self, **limits: Any) -> None:
        self.now = 100.0
        self.lab = ScriptedProvider("lab", **limits)
        self.metrics = Metrics()
        self.changes: list[str] = []
        self.standing = Standing(self.lab, self.metrics, lambda: self.now, self.changes.append)

    def value(self, name: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"smppbridge_{name}", {"provider": "lab"})

    @property
    def open(self) -> bool:
        return self.standing.pause() == 0.0


# --- what a hand-over says -------------------------------------------------------------------------


def test_in_the_beginning_it_works() -> None:
    rig = Rig()
    assert (rig.standing.name, rig.standing.working, rig.standing.usable, rig.open) == (
        "lab",
        True,
        True,
        True,
    )
    assert rig.standing.gate.on_trial
    assert (rig.value("provider_up"), rig.changes) == (1, [])


@pytest.mark.parametrize("result", [TAKEN, Rejected("no such number", code="215")])
def test_an_answer_about_a_message_proves_that_it_works(result: SendResult) -> None:
    rig = Rig()
    rig.standing.judge([Unavailable("x"), result])
    assert not rig.standing.gate.on_trial
    assert rig.changes == []


def test_what_was_not_even_sent_says_nothing() -> None:
    rig = Rig(refusals_in_row=2)
    rig.standing.judge([UNFIT_ONE] * 9)
    assert rig.standing.gate.on_trial
    assert rig.standing.working
    rig.standing.trouble(WRONG_KEY)
    rig.standing.judge([UNFIT_ONE])
    assert not rig.standing.gate.works
    assert rig.changes == ["lab"]
    rig.standing.judge([UNFIT_ONE, TAKEN])
    assert rig.standing.gate.works


def test_what_was_not_even_sent_hides_no_failure_and_ends_no_row() -> None:
    rig = Rig(refusals_in_row=2, refusals_window=600.0)
    for _ in range(3):
        rig.standing.judge([UNFIT_ONE, Unavailable("connection refused")])
    assert not rig.standing.working
    rig = Rig(refusals_in_row=2, refusals_window=600.0)
    rig.standing.judge([Rejected("no", code="215"), UNFIT_ONE, Rejected("no")])
    assert rig.standing.pause() == 600.0
    assert "2 messages in a row" in rig.standing.gate.reason


@pytest.mark.parametrize(("error", "works"), [(WRONG_KEY, False), (Throttled("slow", after=600.0), True)])
def test_one_message_that_met_an_answer_about_us_is_enough(error: ProviderError, works: bool) -> None:
    rig = Rig()
    rig.standing.judge([TAKEN, error, TAKEN])
    assert (rig.standing.pause(), rig.standing.gate.works) == (600.0, works)
    assert rig.value("provider_up") == int(works)
    assert rig.changes == ([] if works else ["lab"])


def test_hand_overs_that_fail_in_a_row_take_it_down_and_a_success_brings_it_back() -> None:
    rig = Rig()
    for _ in range(2):
        rig.standing.judge([Unavailable("connection refused")] * 5)
    assert rig.standing.working
    rig.standing.judge([Uncertain("read timeout")])
    assert (rig.standing.working, rig.standing.usable, rig.value("provider_up")) == (False, False, 0)
    assert rig.changes == ["lab"]
    rig.now += rig.standing.pause()
    assert rig.standing.working  # a trial may begin
    rig.standing.judge([Unavailable("connection refused")])
    assert rig.changes == ["lab", "lab"]  # what came meanwhile may have another way
    rig.now += rig.standing.pause()
    rig.standing.judge([TAKEN])
    assert (rig.value("provider_up"), rig.changes) == (1, ["lab"] * 3)


def test_messages_that_have_to_wait_say_nothing() -> None:
    rig = Rig()
    for _ in range(9):
        rig.standing.judge([Postponed("not at night", after=60.0)])
    assert (rig.open, rig.standing.gate.on_trial, rig.changes) == (True, True, [])


# --- what other questions say ------------------------------------------------------------------------


@pytest.mark.parametrize("error", HARMLESS, ids=lambda error: type(error).__name__)
def test_a_question_that_fails_is_no_reason_to_stop(error: ProviderError) -> None:
    rig = Rig()
    for _ in range(99):
        rig.standing.question_failed(error)
    assert (rig.open, rig.standing.gate.works, rig.changes) == (True, True, [])


@pytest.mark.parametrize("error", [WRONG_KEY, Throttled("slow down", after=600.0)])
def test_a_question_whose_answer_is_about_us_is_one(error: ProviderError) -> None:
    rig = Rig()
    rig.standing.question_failed(error)
    assert rig.standing.pause() == 600.0
    assert rig.standing.gate.works is isinstance(error, Throttled)


def test_unreadable_answers_are_counted_whoever_asked() -> None:
    rig = Rig()
    unreadable = Uncertain("not JSON", code=UNREADABLE)
    rig.standing.question_failed(unreadable)
    rig.standing.judge([unreadable])
    rig.standing.question_failed(Uncertain("read timeout"))
    assert rig.value("unreadable_answers_total") == 2


# --- money -------------------------------------------------------------------------------------------


def test_a_balance_below_the_threshold_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig(low_balance=100.0, leave_when_low=True)
    for balance in (None, 500.0, 99.0, 98.0, None):
        rig.standing.note_balance(balance)
    assert (rig.value("provider_balance"), rig.value("provider_low_balance")) == (98, 1)
    assert (rig.standing.working, rig.standing.usable) == (True, False)
    assert rig.changes == ["lab"]
    assert caplog.text.count("balance is low") == 1
    rig.standing.note_balance(100.0)
    assert (rig.value("provider_low_balance"), rig.standing.usable, rig.changes) == (0, True, ["lab"] * 2)
    assert caplog.text.count("balance is well again") == 1


def test_a_provider_that_is_not_to_be_left_stays_usable() -> None:
    rig = Rig(low_balance=100.0)
    rig.standing.note_balance(1.0)
    assert (rig.value("provider_low_balance"), rig.standing.usable, rig.changes) == (1, True, [])


# --- connections that a provider keeps -----------------------------------------------------------------


def test_a_provider_that_cannot_be_reached_is_down_until_it_can(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    rig.standing.judge([TAKEN])
    rig.standing.linked("nobody there")
    assert (rig.standing.works, rig.standing.working, rig.standing.usable) == (False, False, False)
    assert (rig.standing.reason, rig.open, rig.value("provider_up")) == ("nobody there", False, 0)
    rig.now += 1e6
    assert (rig.standing.working, rig.open) == (False, False)
    rig.standing.linked("nobody there at all")
    assert rig.standing.reason == "nobody there at all"
    rig.standing.linked("")
    assert (rig.standing.works, rig.standing.working, rig.standing.usable) == (True, True, True)
    assert (rig.standing.reason, rig.open, rig.value("provider_up")) == ("", True, 1)
    assert rig.changes == ["lab"] * 3
    assert (caplog.text.count("provider is down"), caplog.text.count("works again")) == (1, 1)


def test_after_a_reconnection_one_message_is_tried_alone() -> None:
    rig = Rig()
    rig.standing.judge([TAKEN])
    rig.standing.linked("")
    assert not rig.standing.gate.on_trial  # it was never gone
    rig.standing.linked("nobody there")
    rig.standing.linked("")
    assert rig.standing.gate.on_trial
    rig.standing.judge([TAKEN])
    assert not rig.standing.gate.on_trial


def test_what_could_not_be_sent_without_a_connection_is_no_failure() -> None:
    rig = Rig()
    rig.standing.linked("nobody there")
    for _ in range(9):
        rig.standing.judge([Unavailable("nobody there"), Uncertain("no answer")])
    rig.standing.linked("")
    assert (rig.standing.working, rig.open, rig.standing.reason) == (True, True, "")


@pytest.mark.parametrize("error", [NO_MONEY, WRONG_KEY])
def test_what_a_person_must_mend_stays_though_connections_come_and_go(error: Disabled) -> None:
    rig = Rig()
    rig.standing.judge([error])
    for why in ("", "nobody there", "", "nobody there", ""):
        rig.standing.linked(why)
        assert rig.standing.reason == (why or error.reason)
        assert not rig.standing.working
    assert rig.standing.pause() == 600.0
    assert (rig.standing.gate.status, rig.value("provider_up")) == (error.status, 0)
    rig.now += 600.0
    assert rig.standing.working  # a trial may begin
    rig.standing.judge([TAKEN])
    assert (rig.standing.works, rig.value("provider_up")) == (True, 1)


def test_an_answer_about_us_counts_without_a_connection_too() -> None:
    rig = Rig()
    rig.standing.linked("nobody there")
    rig.standing.judge([NO_MONEY])
    assert rig.standing.reason == "nobody there"
    rig.standing.linked("")
    assert (rig.standing.reason, rig.standing.pause()) == ("no money", 600.0)


# --- questions before a trial ------------------------------------------------------------------------


async def test_a_balance_that_can_be_had_allows_a_trial() -> None:
    rig = Rig()
    rig.standing.trouble(WRONG_KEY)
    rig.lab.money = 7.0
    assert await rig.standing.probe()
    assert rig.value("provider_balance") == 7
    assert not rig.standing.gate.works  # a message has to prove it


async def test_after_some_questions_in_vain_a_trial_is_allowed() -> None:
    rig = Rig()
    rig.standing.trouble(WRONG_KEY)
    rig.lab.money = Unavailable("connection refused")
    allowed = [await rig.standing.probe() for _ in range(2 * PROBES_BEFORE_TRIAL)]
    assert allowed == [*[False] * (PROBES_BEFORE_TRIAL - 1), True] * 2


async def test_questions_in_vain_are_counted_in_a_row() -> None:
    rig = Rig()
    rig.lab.money = Uncertain("read timeout")
    for _ in range(PROBES_BEFORE_TRIAL - 1):
        assert not await rig.standing.probe()
    rig.lab.money = 1.0
    assert await rig.standing.probe()
    rig.lab.money = Uncertain("read timeout")
    assert not await rig.standing.probe()


@pytest.mark.parametrize("error", [WRONG_KEY, Throttled("slow down", after=600.0)])
async def test_an_answer_about_us_never_allows_a_trial(error: ProviderError) -> None:
    rig = Rig()
    rig.lab.money = error
    assert not any([await rig.standing.probe() for _ in range(2 * PROBES_BEFORE_TRIAL)])
    assert rig.standing.pause() == 600.0


@pytest.mark.parametrize(("balance", "allowed"), [(99.0, False), (None, True), (500.0, True)])
async def test_without_money_there_is_no_trial(balance: float | None, allowed: bool) -> None:
    rig = Rig(low_balance=100.0)
    rig.standing.trouble(NO_MONEY)
    rig.now += 600.0
    rig.lab.money = balance
    assert await rig.standing.probe() is allowed
    assert (rig.open, rig.standing.gate.lacks_money) == (allowed, True)


async def test_a_low_balance_alone_forbids_no_trial() -> None:
    rig = Rig(low_balance=100.0)
    rig.standing.trouble(WRONG_KEY)
    rig.lab.money = 1.0
    assert await rig.standing.probe()
