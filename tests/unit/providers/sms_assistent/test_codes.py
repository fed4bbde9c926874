"""Every row of sms-assistent's code and status tables."""

import pytest

from smppbridge.errors import Disabled, Postponed, ProviderError, Rejected, Unavailable
from smppbridge.model.message import State
from smppbridge.providers.sms_assistent.codes import (
    ERRORS,
    WORDS,
    rule_for,
    state_of,
    to_error,
    words_of,
    words_of_status,
)

# codes, what becomes of the message, command_status, pause in seconds (0: no pause)
ERROR_ROWS: list[tuple[tuple[int, ...], type[ProviderError], int, float]] = [
    ((-1,), Disabled, 0x4A4, 300),
    ((-2,), Disabled, 0x08, 1800),
    ((-3,), Rejected, 0x4A5, 0),
    ((-4,), Rejected, 0x0B, 0),
    ((-5,), Rejected, 0x0A, 0),
    ((-6, -7), Rejected, 0x08, 0),
    ((-10,), Unavailable, 0x08, 0),
    ((-11,), Rejected, 0x0C, 0),
    ((-12,), Unavailable, 0x08, 0),
    ((-13,), Disabled, 0x08, 300),
    ((-14,), Postponed, 0x45, 900),
    ((-15,), Rejected, 0x61, 0),
    ((-17, -27), Disabled, 0x08, 300),
    ((-16, -18, -19, -20, -21, -22, -23, -24, -25, -26), Rejected, 0x08, 0),
    ((-8, -9, -28, -100, -101, -12345), Unavailable, 0x08, 0),  # in no list
]
EACH_ERROR = [(code, *row[1:]) for row in ERROR_ROWS for code in row[0]]


@pytest.mark.parametrize(("code", "expected", "status", "pause"), EACH_ERROR)
def test_error(code: int, expected: type[ProviderError], status: int, pause: float) -> None:
    error = to_error(rule_for(code, 0), code, "reason")
    assert type(error) is expected
    assert (error.status, error.code, error.reason) == (status, str(code), "reason")
    if isinstance(error, Disabled):
        assert error.pause == pause
    if isinstance(error, Postponed):
        assert error.after == pause
    if isinstance(error, Rejected):
        assert error.err == 400 - code


def test_every_listed_code_is_in_a_row_and_has_words() -> None:
    assert set(ERRORS) <= {row[0] for row in EACH_ERROR}
    assert set(ERRORS) == set(WORDS)


@pytest.mark.parametrize(
    ("code", "sender", "words"),
    [
        (-5, "ALARM", "sender ALARM is not registered at sms-assistent"),
        (-5, "{x}", "sender {x} is not registered at sms-assistent"),
        (-5, "", "sender of the account is not registered at sms-assistent"),
        (-4, "ALARM", "sms-assistent does not take this recipient's number"),
        (-99, "ALARM", "a code that no manual names"),
    ],
)
def test_words(code: int, sender: str, words: str) -> None:
    assert words_of(code, sender) == words


def test_each_status_of_a_message_that_did_not_arrive_has_words() -> None:
    failed = {word for word, _, state, final, _ in STATUS_ROWS if final and state is not State.DELIVERED}
    assert {
        word for word in ("Delivered", "Queued", "Sent", "Unknown", *failed) if words_of_status(word)
    } == failed
    assert all(words_of_status(word).startswith(f"{word}: ") for word in failed)


@pytest.mark.parametrize(
    ("code", "kinds"),
    [
        (-10, [Unavailable] * 5),
        (-12, [Unavailable, Unavailable, Disabled, Disabled, Disabled]),
        (-99, [Unavailable, Unavailable, Unavailable, Rejected, Rejected]),
        (-1, [Disabled] * 5),
    ],
)
def test_what_is_tried_again_and_how_often(code: int, kinds: list[type[ProviderError]]) -> None:
    assert [type(to_error(rule_for(code, tries), code, "")) for tries in range(5)] == kinds


@pytest.mark.parametrize(("code", "err"), [(-6, 406), (-599, 999), (-12345, 999)])
def test_err_of_a_receipt_has_three_digits(code: int, err: int) -> None:
    error = to_error(rule_for(code, 9), code, "")
    assert isinstance(error, Rejected)
    assert error.err == err


STATUS_ROWS = [
    ("Queued", "UNDELIV", State.ACCEPTED, False, 0),
    ("Sent", "UNDELIV", State.ENROUTE, False, 0),
    ("Delivered", "UNDELIV", State.DELIVERED, True, 0),
    ("Expired", "UNDELIV", State.EXPIRED, True, 451),
    ("Rejected", "UNDELIV", State.UNDELIVERABLE, True, 452),
    ("Rejected", "REJECTD", State.REJECTED, True, 452),
    ("Failed", "UNDELIV", State.REJECTED, True, 453),
    ("Unknown", "UNDELIV", State.UNKNOWN, False, 454),
]


@pytest.mark.parametrize(("word", "rejected_as", "state", "final", "err"), STATUS_ROWS)
def test_status(word: str, rejected_as: str, state: State, final: bool, err: int) -> None:
    for written in (word, word.upper(), word.lower(), f" {word}\n"):
        assert state_of(written, rejected_as) == (word, state, final, err)


@pytest.mark.parametrize("word", ["", "Delivery", "Отправлено", "-11", "Sent Sent"])
def test_status_that_no_manual_names(word: str) -> None:
    assert state_of(word, "UNDELIV") is None
