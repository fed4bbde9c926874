"""Tables of codes and states: the operator's tables, and what HTTP says by itself."""

from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from smppbridge.errors import Disabled, Postponed, ProviderError, Rejected, Throttled, Unavailable, Uncertain
from smppbridge.model.message import State
from smppbridge.providers.webhook.codes import (
    NO_CODE,
    STATUSES,
    ErrorTable,
    StateTable,
    StatusWord,
    error_for,
    http_rule,
    receipt_number,
    state_for,
)

errors: TypeAdapter[Any] = TypeAdapter(ErrorTable)
states: TypeAdapter[Any] = TypeAdapter(StateTable)


@pytest.mark.parametrize(
    ("rule", "expected", "status"),
    [
        ("perm", Rejected, 0x45),
        ("bug", Rejected, 0x08),
        ("retry", Unavailable, 0x08),
        ("throttle", Throttled, 0x58),
        ("account", Disabled, 0x08),
        ("window", Postponed, 0x45),
        ("uncertain", Uncertain, 0x45),
        ("duplicate", Rejected, 0x45),
        ({"class": "perm", "status": "invalid_destination"}, Rejected, 0x0B),
        ({"class": "account", "status": "no_money"}, Disabled, 0x4A4),
    ],
)
def test_a_class_becomes_an_error(rule: object, expected: type[ProviderError], status: int) -> None:
    table = errors.validate_python({17: rule})
    error = error_for(table["17"], "17", "reason", attempt=1)
    assert (type(error), error.code, error.status, error.reason) == (expected, "17", status, "reason")


def test_a_duplicate_of_a_later_attempt_may_be_our_own() -> None:
    rule = errors.validate_python({"E": "duplicate"})["E"]
    assert type(error_for(rule, "E", "reason", attempt=2)) is Uncertain


def test_pauses() -> None:
    table = errors.validate_python(
        {
            "a": {"class": "account", "pause": "30m"},
            "b": {"class": "window", "pause": "1h"},
            "c": {"class": "throttle", "pause": 2},
        }
    )
    disabled, postponed, throttled = (error_for(table[code], code, "", 1) for code in "abc")
    assert isinstance(disabled, Disabled)
    assert isinstance(postponed, Postponed)
    assert isinstance(throttled, Throttled)
    assert (disabled.pause, postponed.after, throttled.after) == (1800, 3600, 2)


@pytest.mark.parametrize(
    "rule", ["unknown", {"class": "perm", "status": "bad"}, {"status": "refused"}, 5, None]
)
def test_other_classes_are_mistakes(rule: object) -> None:
    with pytest.raises(ValidationError):
        errors.validate_python({"1": rule})


def test_every_status_word_has_a_status() -> None:
    assert set(STATUSES) == set(get_args(StatusWord))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, "account") for status in (401, 402, 403, 404, 405, 407, 410)),
        *((status, "perm") for status in (400, 406, 411, 413, 414, 415, 422, 451)),
        (503, "retry"),
        *((status, None) for status in (200, 204, 301, 302, 408, 409, 425, 500, 501, 502, 504, 599)),
    ],
)
def test_what_http_says_by_itself(status: int, kind: str | None) -> None:
    rule = http_rule(status)
    assert (rule and rule.kind) == kind


def test_a_refused_key_is_not_tried_again_soon() -> None:
    rule = http_rule(401)
    assert rule is not None
    assert rule.pause == 1800


@pytest.mark.parametrize(
    ("code", "number"),
    [("0", 0), ("7", 7), ("999", 999), ("1000", NO_CODE), ("E7", NO_CODE), ("", NO_CODE), ("٣", NO_CODE)],
)
def test_codes_in_a_receipt(code: str, number: int) -> None:
    assert receipt_number(code) == number


@pytest.mark.parametrize(
    ("word", "code", "expected"),
    [
        ("delivered", "", (State.DELIVERED, True, 0)),
        ("DELIVERED", "5", (State.DELIVERED, True, 0)),
        ("Failed", "42", (State.UNDELIVERABLE, True, 42)),
        ("failed", "", (State.UNDELIVERABLE, True, NO_CODE)),
        ("failed", "0", (State.UNDELIVERABLE, True, NO_CODE)),
        ("5", "", (State.EXPIRED, True, NO_CODE)),
        ("queued", "", (State.ENROUTE, False, 0)),
        ("accepted", "9", (State.ACCEPTED, False, 0)),
        ("draft", "", None),
        ("other", "", None),
    ],
)
def test_states(word: str, code: str, expected: object) -> None:
    table = states.validate_python(
        {
            "Delivered": "DELIVRD",
            "failed": "UNDELIV",
            5: "EXPIRED",
            "queued": "ENROUTE",
            "accepted": "ACCEPTD",
            "draft": "ignore",
        }
    )
    assert state_for(table, word, code) == expected


@pytest.mark.parametrize("table", [{"a": "DONE"}, {"a": "ENROUTE", "A": "DELIVRD"}, {"a": None}, ["a"]])
def test_other_states_are_mistakes(table: object) -> None:
    with pytest.raises(ValidationError):
        states.validate_python(table)
