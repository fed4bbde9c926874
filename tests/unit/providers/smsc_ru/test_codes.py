"""Every row of smsc.ru's error, status and err tables."""

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
from smppbridge.model.message import State
from smppbridge.providers.smsc_ru.codes import (
    CODES,
    ERRORS,
    refused_at_once,
    rule_for,
    state_of,
    to_send_error,
    word_of,
    words_of_error,
    words_of_status,
)

# code, words, what becomes of the message, command_status, err of a receipt or seconds of a pause
ERROR_ROWS: list[tuple[int, str, type[ProviderError], int, float]] = [
    (1, "parameters error", Rejected, 0x08, 0),
    (2, "authorise error", Disabled, 0x08, 1800),
    (3, "no money", Disabled, 0x4A4, 300),
    (4, "ip is blocked", Disabled, 0x08, 1800),
    (4, "ip is blocked: too many wrong send requests", Disabled, 0x08, 600),
    (4, "IP заблокирован: ошибки при отправке", Disabled, 0x08, 600),
    (4, "blocked for 10 min", Disabled, 0x08, 600),
    (5, "invalid date format", Rejected, 0x61, 0),
    (6, "message is denied", Rejected, 0x45, 253),
    (6, "sender is not registered", Rejected, 0x0A, 254),
    (6, "имя отправителя запрещено", Rejected, 0x0A, 254),
    (6, "message is denied (by text or sender name)", Rejected, 0x45, 253),
    (7, "invalid number", Rejected, 0x0B, 249),
    (8, "message to this number cannot be delivered", Rejected, 0x22, 248),
    (9, "duplicate request, wait a minute", Postponed, 0x58, 61),
    (9, "", Postponed, 0x58, 61),
    (9, "Too many CONCURRENT requests", Throttled, 0x58, 1),
    (10, "", Unavailable, 0x08, 0),  # not listed
    (99, "", Unavailable, 0x08, 0),
]


@pytest.mark.parametrize(("code", "words", "expected", "status", "number"), ERROR_ROWS)
def test_error(code: int, words: str, expected: type[ProviderError], status: int, number: float) -> None:
    error = to_send_error(code, words, "reason")
    assert type(error) is expected
    assert (error.status, error.code, error.reason) == (status, str(code), "reason")
    if isinstance(error, Disabled):
        assert error.pause == number
    if isinstance(error, Throttled | Postponed):
        assert error.after == number
    if isinstance(error, Rejected):
        assert error.err == number


def test_every_listed_code_is_in_a_row() -> None:
    assert set(ERRORS) == {row[0] for row in ERROR_ROWS} - {10, 99}
    assert [rule_for(code) for code in ERRORS] == list(ERRORS.values())


@pytest.mark.parametrize(
    ("words", "attempt", "expected"),
    [
        ("duplicate", 1, Postponed),
        ("duplicate", 2, Uncertain),  # the first attempt may be the one it repeats
        ("duplicate", 7, Uncertain),
        ("too many concurrent requests", 2, Throttled),  # says that nothing was taken
    ],
)
def test_error_9_is_told_apart(words: str, attempt: int, expected: type[ProviderError]) -> None:
    error = to_send_error(9, words, "reason", attempt=attempt)
    assert (type(error), error.code, error.status) == (expected, "9", 0x58)


@pytest.mark.parametrize(
    ("tries", "expected"), [(0, Unavailable), (2, Unavailable), (3, Rejected), (9, Rejected)]
)
def test_a_code_that_no_list_holds_is_tried_three_times(tries: int, expected: type[ProviderError]) -> None:
    assert type(to_send_error(77, "", "", tries=tries)) is expected


@pytest.mark.parametrize(
    ("code", "words", "sender", "meaning"),
    [
        (1, "parameters error", "Demo", "our request is wrong, please report this"),
        (3, "no money", "", "there is less money than this costs"),
        (6, "message is denied", "Demo", "the text, or the sender Demo, is forbidden"),
        (6, "sender is not registered", "Demo", "the sender Demo is not registered at smsc.ru"),
        (6, "имя отправителя запрещено", "", "the sender of the account is not registered"),
        (9, "duplicate request", "", "the same was asked within a minute"),
        (9, "too many concurrent requests", "", "too many requests at once under this login"),
        (77, "", "", "no list holds this code"),
    ],
)
def test_words_of_an_error(code: int, words: str, sender: str, meaning: str) -> None:
    assert words_of_error(code, words, sender).startswith(meaning)


@pytest.mark.parametrize(
    ("status", "err", "words"),
    [
        (20, 0, "it cannot be delivered"),
        (20, 6, "it cannot be delivered; the phone is off or out of reach"),
        (20, 77, "it cannot be delivered; err 77"),
        (22, 249, "the number is wrong"),  # once
        (-3, 0, "no such message is known there"),
    ],
)
def test_words_of_a_status(status: int, err: int, words: str) -> None:
    assert words_of_status(status, err) == words


def test_every_code_has_words() -> None:
    assert all(words_of_error(code, "") != words_of_error(77, "") for code in ERRORS)
    failing = [status for status in range(1, 30) if refused_at_once(status, 0, "")]
    assert all(words_of_status(status, 0) != words_of_status(77, 0) for status in failing)
    assert {str(code) for code in (*ERRORS, *failing)} <= CODES
    assert [err for err in ERRS if words_of_status(20, err).endswith(f"err {err}")] == []


STATUS_ROWS = [
    (-3, 0, State.UNKNOWN, False, 0),
    (-2, 0, State.ENROUTE, False, 0),
    (-1, 0, State.ACCEPTED, False, 0),
    (-1, 6, State.ACCEPTED, False, 0),  # nothing can have failed yet
    (0, 0, State.ENROUTE, False, 0),
    (0, 6, State.ENROUTE, False, 6),
    (1, 0, State.DELIVERED, True, 0),
    (1, 6, State.DELIVERED, True, 0),  # delivered is delivered
    (1, 200, State.DELIVERED, True, 200),  # test mode
    (2, 0, State.DELIVERED, True, 0),
    (4, 0, State.DELIVERED, True, 0),
    (3, 0, State.EXPIRED, True, 0),
    (3, 6, State.EXPIRED, True, 6),
    (20, 1, State.UNDELIVERABLE, True, 1),
    (20, 0, State.UNDELIVERABLE, True, 0),
    (22, 0, State.UNDELIVERABLE, True, 249),
    (22, 1, State.UNDELIVERABLE, True, 1),
    (23, 254, State.REJECTED, True, 254),
    (23, 0, State.REJECTED, True, 0),
    (24, 0, State.REJECTED, True, 0),
    (24, 247, State.REJECTED, True, 247),
    (25, 0, State.UNDELIVERABLE, True, 248),
    (25, 11, State.UNDELIVERABLE, True, 11),
    (20, 12345, State.UNDELIVERABLE, True, 999),  # err has three digits
    (20, -5, State.UNDELIVERABLE, True, 999),
]


@pytest.mark.parametrize(("status", "err", "state", "final", "told"), STATUS_ROWS)
def test_status(status: int, err: int, state: State, final: bool, told: int) -> None:
    assert state_of(status, err) == (state, final, told)


@pytest.mark.parametrize("status", [-4, 5, 19, 21, 26, 1000])
def test_status_that_no_list_names(status: int) -> None:
    assert state_of(status, 0) is None
    assert refused_at_once(status, 0, "") is None


ERRS = [1, 6, 11, 12, 13, 21, 219, 220, *range(237, 256)]


@pytest.mark.parametrize("err", ERRS)
def test_each_err_reaches_the_receipt(err: int) -> None:
    assert state_of(20, err) == (State.UNDELIVERABLE, True, err)


@pytest.mark.parametrize(("status", "err", "word"), [(1, 0, "1"), (20, 1, "20/1"), (-1, 0, "-1")])
def test_word(status: int, err: int, word: str) -> None:
    assert word_of(status, err) == word


@pytest.mark.parametrize(
    ("status", "err", "command_status", "told"),
    [
        (3, 0, 0x45, 0),
        (20, 1, 0x45, 1),
        (22, 0, 0x0B, 249),
        (23, 254, 0x45, 254),
        (24, 0, 0x4A4, 0),
        (25, 0, 0x22, 248),
    ],
)
def test_status_in_which_a_message_never_goes_out(
    status: int, err: int, command_status: int, told: int
) -> None:
    error = refused_at_once(status, err, "reason")
    assert error is not None
    assert (error.status, error.err, error.code) == (command_status, told, word_of(status, err))


@pytest.mark.parametrize("status", [-3, -2, -1, 0, 1, 2, 4])
def test_status_in_which_a_message_may_go_out(status: int) -> None:
    assert refused_at_once(status, 0, "") is None
