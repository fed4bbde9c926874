"""What a person is told of refusals, and what smspilot tells of messages besides."""

from typing import Any

import pytest

from smppbridge.errors import Disabled, ProviderError, Rejected
from smppbridge.model.message import State, StatusReport
from smppbridge.providers.smspilot.codes import CODES
from smppbridge.providers.smspilot.meanings import MEANINGS, meaning_of
from smppbridge.providers.smspilot.records import PilotAnswer, PilotFailure, item_of
from smppbridge.providers.smspilot.results import PilotResults
from tests.support.builders.messages import message

RESULTS = PilotResults("smspilot.ru", lambda words: words.replace("SECRET", "***"))


def refused(row: dict[str, Any], **changes: Any) -> ProviderError:
    item = item_of({"status": -2, **row})
    result = RESULTS.of_packet([message(1, **changes)], {1: item}, PilotAnswer(items=(item,)))[1]
    assert isinstance(result, ProviderError)
    return result


def test_every_code_means_something() -> None:
    assert {str(code) for code in MEANINGS} == CODES
    words = [meaning_of(code, "Demo", "1.2.3.4") for code in MEANINGS]
    assert all(one.isprintable() and "{" not in one and "  " not in one for one in words)


def test_a_refusal_in_our_words_and_in_smspilots() -> None:
    row = {"error": 204, "error_en": "FROM not found", "error_ru": "Отправитель не найден"}
    error = refused(row, sender="ALARM")
    assert error.reason == (
        "204: sender ALARM is not registered at smspilot: FROM not found, Отправитель не найден"
    )


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"error": 212}, "212: the telephone number is in the black list of smspilot"),
        ({}, "-2: smspilot refused the message without a reason"),
        ({"error_en": "No"}, "-2: smspilot refused the message without a reason: No"),
        ({"error": 299, "error_en": "X SECRET"}, "299: an error of smspilot that no list holds: X ***"),
        ({"error": 220, "error_en": "Нет", "error_ru": "Нет"}, "220: the text is missing: Нет"),
    ],
)
def test_reasons_of_one_message(row: dict[str, Any], reason: str) -> None:
    error = refused(row)
    assert error.reason == reason
    assert isinstance(error, Rejected)
    assert error.code == reason.partition(":")[0]


@pytest.mark.parametrize(
    ("ip", "address"),
    [("11.222.222.111", " 11.222.222.111"), ("2001:db8::1", " 2001:db8::1"), ("<b>", ""), ("", "")],
)
def test_our_address_where_smspilot_does_not_allow_it(ip: str, address: str) -> None:
    error = RESULTS.unanswered(PilotFailure(113, "IP, Адрес", address=ip))
    assert isinstance(error, Disabled)
    assert error.reason == f"113: requests from our address{address} are not allowed at smspilot: IP, Адрес"


@pytest.mark.parametrize("code", [14, 240, 275])
def test_a_mistake_of_ours_is_to_be_reported(code: int) -> None:
    assert "please report this" in RESULTS.unanswered(PilotFailure(code, "")).reason


@pytest.mark.parametrize(
    ("row", "state", "reason"),
    [
        ({"status": 1}, State.ENROUTE, ""),
        ({"status": 2, "error": 601}, State.DELIVERED, ""),
        ({"status": -1}, State.UNDELIVERABLE, "-1: the message was not delivered"),
        (
            {"status": -1, "error": 601, "error_en": "Undeliverable", "error_ru": "Невозможно доставить"},
            State.UNDELIVERABLE,
            "601: the number is blocked, or takes no SMS: Undeliverable, Невозможно доставить",
        ),
    ],
)
def test_why_a_message_did_not_arrive(row: dict[str, Any], state: State, reason: str) -> None:
    report = RESULTS.report(item_of({"server_id": "5", **row}))
    assert isinstance(report, StatusReport)
    assert (report.state, report.reason) == (state, reason)
