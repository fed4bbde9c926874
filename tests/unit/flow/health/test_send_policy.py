"""Each limit of a provider, by itself."""

from typing import Any

import pytest

from smppbridge.errors import Disabled, Postponed, Rejected, Throttled, Unavailable, Uncertain
from smppbridge.flow.health.send_policy import REMEMBERED, Questions, SendPolicy
from smppbridge.providers.base import Limits, SendResult, Taken
from tests.support.builders.messages import message

PHONE = "375291234567"
REFUSED = Rejected("no such number", code="215")


def send_policy(remembered: int = REMEMBERED, **limits: Any) -> SendPolicy:
    return SendPolicy(Limits(batch=10, parallel=1, **limits), 0.0, remembered=remembered)


def test_without_limits_nothing_waits() -> None:
    free = send_policy()
    assert [free.hold_back(message(1), 0.0) for _ in range(100)] == [0.0] * 100
    assert free.count_refusals([REFUSED] * 100, 0.0) is None


# --- the same text to the same number --------------------------------------------------------------


def test_the_same_text_to_the_same_number_waits_for_the_rest_of_the_gap() -> None:
    rules = send_policy(same_text_gap=60.0)
    first, again = message(1, text="door"), message(2, text="door", recipient=message(1).recipient)
    assert rules.hold_back(first, 100.0) == 0.0
    assert rules.hold_back(again, 115.0) == 45.0
    assert rules.hold_back(again, 159.0) == 1.0  # waiting does not make it longer
    assert rules.hold_back(again, 160.0) == 0.0
    assert rules.hold_back(again, 161.0) == 59.0  # counted from the last one that went


@pytest.mark.parametrize(
    "other",
    [{"text": "gate"}, {"recipient": PHONE}, {"octets": b"\0\1"}, {"service_type": "CALL"}],
    ids=["text", "number", "data", "service"],
)
def test_what_differs_does_not_wait(other: dict[str, Any]) -> None:
    rules = send_policy(same_text_gap=60.0)
    assert rules.hold_back(message(1), 0.0) == 0.0
    assert rules.hold_back(message(1, **other), 0.0) == 0.0


# --- floods ----------------------------------------------------------------------------------------


def test_after_so_many_messages_to_one_number_there_is_a_pause() -> None:
    rules = send_policy(flood_count=3, flood_gap=60.0)
    to_one = [message(number, recipient=PHONE) for number in range(1, 9)]
    assert [rules.hold_back(one, 10.0 * number) for number, one in enumerate(to_one[:4])] == [0, 0, 0, 50.0]
    assert rules.hold_back(message(9), 30.0) == 0.0  # another number
    assert rules.hold_back(to_one[3], 79.0) == 1.0
    assert [rules.hold_back(one, 80.0) for one in to_one[3:7]] == [0, 0, 0, 60.0]  # counted anew


def test_messages_with_long_gaps_are_no_flood() -> None:
    rules = send_policy(flood_count=2, flood_gap=60.0)
    assert [rules.hold_back(message(1), 60.0 * number) for number in range(9)] == [0.0] * 9


def test_what_one_rule_holds_back_does_not_count_for_the_other() -> None:
    rules = send_policy(flood_count=2, flood_gap=60.0, same_text_gap=300.0)
    assert rules.hold_back(message(1, text="a"), 0.0) == 0.0
    assert [rules.hold_back(message(1, text="a"), 1.0) for _ in range(5)] == [299.0] * 5
    assert rules.hold_back(message(1, text="b"), 1.0) == 0.0
    assert rules.hold_back(message(1, text="c"), 1.0) == 60.0
    assert rules.hold_back(message(1, text="a"), 1.0) == 299.0  # the longer one of both


def test_only_so_many_are_remembered() -> None:
    rules = send_policy(2, same_text_gap=60.0, flood_count=1)
    assert [rules.hold_back(message(number), 0.0) for number in (1, 2, 3)] == [0.0] * 3
    assert rules.hold_back(message(1), 0.0) == 0.0  # forgotten, the oldest first
    assert rules.hold_back(message(3), 0.0) == 60.0


def test_who_came_last_is_forgotten_last() -> None:
    rules = send_policy(2, same_text_gap=60.0)
    assert [rules.hold_back(message(number), now) for number, now in ((1, 0.0), (2, 1.0), (1, 60.0))] == [
        0.0
    ] * 3
    assert rules.hold_back(message(3), 60.5) == 0.0
    assert [rules.hold_back(message(number), 60.5) for number in (1, 3, 2)] == [59.5, 60.0, 0.0]
    rules = send_policy(2, flood_count=1, flood_gap=60.0)
    assert [rules.hold_back(message(number), now) for number, now in ((1, 0.0), (2, 1.0), (1, 60.0))] == [
        0.0
    ] * 3
    assert rules.hold_back(message(3), 60.5) == 0.0
    assert [rules.hold_back(message(number), 60.5) for number in (1, 3, 2)] == [59.5, 60.0, 0.0]


# --- what was not taken ----------------------------------------------------------------------------

NOT_TAKEN = [Unavailable("x"), Throttled("x", after=1.0), Postponed("x", after=1.0), Disabled("x", pause=1.0)]
MAYBE_TAKEN = [Taken("ref"), Uncertain("x"), REFUSED]


@pytest.mark.parametrize(
    ("result", "counts"), [(one, False) for one in NOT_TAKEN] + [(one, True) for one in MAYBE_TAKEN]
)
def test_what_was_not_taken_does_not_count(result: SendResult, counts: bool) -> None:
    rules = send_policy(same_text_gap=60.0)
    assert rules.hold_back(message(1), 0.0) == 0.0
    rules.release([message(1)], [result])
    assert rules.hold_back(message(1), 1.0) == (59.0 if counts else 0.0)

    rules = send_policy(flood_count=2, flood_gap=60.0)
    assert [rules.hold_back(message(1), now) for now in (0.0, 1.0)] == [0.0, 0.0]
    rules.release([message(1), message(1)], [Taken("ref"), result])
    assert rules.hold_back(message(1), 2.0) == (59.0 if counts else 0.0)
    assert rules.hold_back(message(1), 3.0) > 50.0


def test_each_message_of_a_batch_counts_by_itself() -> None:
    rules = send_policy(same_text_gap=60.0, flood_count=1, flood_gap=60.0)
    one, other = message(1), message(2)
    assert [rules.hold_back(item, 0.0) for item in (one, other)] == [0.0, 0.0]
    rules.release([one, other], [Taken("ref"), Unavailable("x")])
    assert [rules.hold_back(item, 1.0) for item in (one, other)] == [59.0, 0.0]


def test_results_without_limits_leave_no_trace() -> None:
    free = send_policy()
    free.release([message(1)] * 9, [Unavailable("x")] * 9)
    assert free.hold_back(message(1), 0.0) == 0.0


# --- refusals --------------------------------------------------------------------------------------


def test_so_many_refusals_in_a_row_pause_the_provider_for_the_window() -> None:
    rules = send_policy(refusals_in_row=3, refusals_window=600.0)
    assert rules.count_refusals([REFUSED, REFUSED], 0.0) is None
    pause = rules.count_refusals([REFUSED], 10.0)
    assert isinstance(pause, Disabled)
    assert pause.pause == 600.0
    assert "3 messages in a row" in pause.reason
    assert rules.count_refusals([REFUSED, REFUSED], 20.0) is None  # counted anew


@pytest.mark.parametrize(
    ("between", "still_in_row"),
    [
        (Taken("ref"), False),
        (Unavailable("connection refused"), True),
        (Uncertain("timeout"), True),
        (Postponed("not at night", after=60.0), True),
    ],
)
def test_only_a_success_ends_the_row(between: SendResult, still_in_row: bool) -> None:
    rules = send_policy(refusals_in_row=3)
    assert rules.count_refusals([REFUSED, REFUSED, between], 0.0) is None
    assert (rules.count_refusals([REFUSED], 0.0) is not None) is still_in_row


def test_after_a_success_the_row_begins_anew() -> None:
    rules = send_policy(refusals_in_row=3)
    assert rules.count_refusals([REFUSED, REFUSED, Taken("ref"), REFUSED, REFUSED], 0.0) is None
    assert rules.count_refusals([REFUSED], 0.0) is not None


def test_refusals_without_a_code_count_too() -> None:
    assert send_policy(refusals_in_row=2).count_refusals([Rejected("no")] * 2, 0.0) is not None


def test_a_row_does_not_reach_beyond_the_window() -> None:
    rules = send_policy(refusals_in_row=3, refusals_window=600.0)
    assert rules.count_refusals([REFUSED, REFUSED], 0.0) is None
    assert rules.count_refusals([REFUSED], 601.0) is None
    assert rules.count_refusals([REFUSED], 602.0) is None
    assert rules.count_refusals([REFUSED], 1201.0) is not None


# --- questions -------------------------------------------------------------------------------------


def test_questions_keep_their_gap() -> None:
    questions = Questions(20.0)
    assert questions.wait("statuses", 100.0) == 0.0
    questions.asked("statuses", 100.0)
    assert questions.wait("statuses", 101.0) == 19.0
    assert questions.wait("doubts", 110.0) == 10.0
    assert questions.wait("statuses", 120.0) == 0.0


def test_who_waits_longest_asks_next() -> None:
    questions = Questions(20.0)
    questions.wait("statuses", 0.0)
    questions.asked("statuses", 0.0)
    questions.wait("doubts", 1.0)
    questions.wait("statuses", 2.0)
    assert questions.wait("statuses", 20.0) == 1.0  # soon again, not now
    assert questions.wait("doubts", 20.0) == 0.0
    questions.asked("doubts", 20.0)
    questions.wait("doubts", 21.0)
    assert questions.wait("doubts", 40.0) == 1.0
    assert questions.wait("statuses", 40.0) == 0.0


def test_who_has_nothing_to_ask_lets_the_others() -> None:
    questions = Questions(20.0)
    assert questions.wait("doubts", 0.0) == 0.0
    assert questions.wait("statuses", 1.0) > 0.0
    questions.withdraw("doubts")
    assert questions.wait("statuses", 1.0) == 0.0


def test_without_a_gap_nobody_waits() -> None:
    questions = Questions(0.0)
    for now in (1.0, 1.0, 2.0):
        assert questions.wait("statuses", now) == 0.0
        questions.asked("statuses", now)


# --- money -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("balance", "low", "diverts"), [(None, False, False), (100.0, False, False), (99.9, True, True)]
)
def test_low_balance(balance: float | None, low: bool, diverts: bool) -> None:
    rules = send_policy(low_balance=100.0, leave_when_low=True)
    rules.balance = balance
    assert (rules.is_low, rules.diverts) == (low, diverts)


@pytest.mark.parametrize("balance", [-10.0, 0.0, 10.0])
def test_without_a_threshold_no_balance_is_low(balance: float) -> None:
    rules = send_policy(leave_when_low=True)  # an account on credit may always be below zero
    rules.balance = balance
    assert not rules.is_low
    assert not rules.diverts


def test_a_low_balance_alone_moves_nothing() -> None:
    rules = send_policy(low_balance=100.0)
    rules.balance = 1.0
    assert rules.is_low
    assert not rules.diverts
