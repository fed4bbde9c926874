"""Every row of smspilot's error and status tables."""

import pytest

from smppbridge.errors import Disabled, ProviderError, Rejected, Throttled, Unavailable
from smppbridge.model.message import State
from smppbridge.providers.error_table import to_error
from smppbridge.providers.smspilot.codes import ERRORS, rule_for, rule_of_row, state_of

# codes, what becomes of the message, command_status, pause in seconds (0: no pause)
ERROR_ROWS: list[tuple[tuple[int, ...], type[ProviderError], int, float]] = [
    ((110, 260), Unavailable, 0x08, 0),
    ((118,), Throttled, 0x58, 5),
    ((106, 107, 122), Disabled, 0x08, 300),
    ((100, 101, 102, 103, 104, 113, 400, 401), Disabled, 0x08, 1800),
    ((105, 112, 241), Disabled, 0x4A4, 300),
    ((117, 226), Disabled, 0x08, 300),
    ((108, 111, 215), Rejected, 0x0B, 0),
    ((212, 605), Rejected, 0x45, 0),
    ((213, 602), Rejected, 0x22, 0),
    ((214,), Rejected, 0x45, 0),
    ((115, 116, 200, 201, 204, 224), Rejected, 0x0A, 0),
    ((220, 221, 248), Rejected, 0x4A5, 0),
    ((223, 225, 227, 247), Rejected, 0x45, 0),
    ((243,), Rejected, 0x45, 0),
    ((250,), Rejected, 0x61, 0),
    ((270,), Rejected, 0x62, 0),
    ((10, 11, 12, 13, 14, 230, 231, 240, 275, 500), Rejected, 0x08, 0),
    ((300, 301, 302, 303, 304), Rejected, 0x67, 0),
    ((119, 150, 199), Disabled, 0x08, 300),  # not listed: by the hundred
    ((205, 249, 299), Rejected, 0x45, 0),
    ((600, 601, 603, 604), Rejected, 0x45, 0),
    ((310, 715, 5000), Unavailable, 0x08, 0),
]
EACH_ERROR = [(code, *row[1:]) for row in ERROR_ROWS for code in row[0]]


@pytest.mark.parametrize(("code", "expected", "status", "pause"), EACH_ERROR)
def test_error(code: int, expected: type[ProviderError], status: int, pause: float) -> None:
    error = to_error(rule_for(code), code, "reason")
    assert type(error) is expected
    assert (error.status, error.code, error.reason) == (status, str(code), "reason")
    if isinstance(error, Disabled):
        assert error.pause == pause
    if isinstance(error, Throttled):
        assert error.after == pause
    if isinstance(error, Rejected):
        assert error.err == code


def test_every_listed_code_is_in_a_row() -> None:
    assert set(ERRORS) <= {row[0] for row in EACH_ERROR}


def test_a_code_of_no_hundred_may_be_an_outage() -> None:
    assert type(to_error(rule_for(715), 715, "")) is Unavailable


@pytest.mark.parametrize("code", [310, 606, 699, 715, 5000])
def test_of_one_message_a_code_of_no_list_is_final_at_once(code: int) -> None:
    """Status -2 is final whatever the code (API-2 §2)."""
    error = to_error(rule_of_row(code), code, "")
    assert (type(error), error.status) == (Rejected, 0x45)


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_of_one_message_a_listed_code_says_the_same(code: int) -> None:
    assert rule_of_row(code) == rule_for(code)


def test_only_errors_about_single_messages_split_a_packet() -> None:
    splitting = {code for code, rule in ERRORS.items() if rule.about_message}
    assert {108, 111, 212, 214, 215, 220, 223, 243, 248, 204, 230, 250, 270} <= splitting
    assert splitting.isdisjoint(
        {10, 13, 14, 100, 102, 105, 106, 110, 112, 113, 118, 241, 115, 200, 201, 240, 260}
    )


STATUS_ROWS = [
    (0, 0, "", State.ACCEPTED, False, 0),
    (3, 0, "", State.ACCEPTED, False, 0),
    (1, 0, "", State.ENROUTE, False, 0),
    (2, 0, "", State.DELIVERED, True, 0),
    (2, 601, "", State.DELIVERED, True, 0),  # delivered is delivered
    (-1, 601, "Undeliverable", State.UNDELIVERABLE, True, 601),
    (-1, 0, "", State.UNDELIVERABLE, True, 1),
    (-1, 600, "Expired", State.EXPIRED, True, 600),
    (-1, 602, "", State.UNDELIVERABLE, True, 602),
    (-1, 603, "", State.REJECTED, True, 603),
    (-1, 604, "Cancelled", State.DELETED, True, 604),
    (-1, 604, "message CANCELED by user", State.DELETED, True, 604),
    (-1, 604, "Undeliverable", State.UNDELIVERABLE, True, 604),
    (-1, 604, "", State.UNDELIVERABLE, True, 604),
    (-1, 605, "", State.REJECTED, True, 605),
    (-1, 699, "", State.UNDELIVERABLE, True, 699),
    (-1, 12345, "", State.UNDELIVERABLE, True, 999),  # err has three digits
    (-2, 212, "Phone in black list", State.REJECTED, True, 212),
    (-2, 601, "", State.REJECTED, True, 601),
    (-2, 0, "", State.REJECTED, True, 1),
]


@pytest.mark.parametrize(("status", "error", "words", "state", "final", "err"), STATUS_ROWS)
def test_status(status: int, error: int, words: str, state: State, final: bool, err: int) -> None:
    assert state_of(status, error, words) == (state, final, err)


@pytest.mark.parametrize("status", [-3, 4, 100])
def test_status_that_no_manual_names(status: int) -> None:
    assert state_of(status, 0, "") is None
