"""What a person is told of refusals, and what smspilot tells of messages besides."""

from typing import Any

import pytest

from smppbridge.errors import Disabled, ProviderError, Rejected
from smppbridge.model.message import UNTOLD, Particulars, State, StatusReport
from smppbridge.providers.base import Taken
from smppbridge.providers.smspilot.codes import CODES
from smppbridge.providers.smspilot.meanings import MEANINGS, meaning_of
from smppbridge.providers.smspilot.records import PilotAnswer, PilotFailure, item_of
from smppbridge.providers.smspilot.results import PilotResults
from tests.support.builders.messages import message

RESULTS = PilotResults("smspilot.ru", lambda words: words.replace("SECRET", "***"))


def taken(row: dict[str, Any], results: PilotResults = RESULTS, **changes: Any) -> Particulars:
    item = item_of({"status": 0, "server_id": "5", **row})
    result = results.of_packet([message(1, **changes)], {1: item}, PilotAnswer(items=(item,)))[1]
    assert isinstance(result, Taken)
    return result.told


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


# --- what is told besides --------------------------------------------------------------------------

TELE2 = {"operator": "TELE2", "country": "RU"}
WHERE = "operator=TELE2 country=RU"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({}, UNTOLD),
        (
            {"from": "Demo", "parts": 2, "price": 2.58, **TELE2},  # API-2 §1.1
            Particulars(2_580_000, "RUB", 2, WHERE, "Demo"),
        ),
        (
            {"sender": "INFORM", "sender_orig": "Demo", "parts": "1", "price": "1.31"},  # API-1 §1.1
            Particulars(1_310_000, "RUB", 1, "", "INFORM"),
        ),
        ({"price": 0, "parts": 0, "operator": "", "country": None}, UNTOLD),
        ({"price": "0.00", "parts": "x", "operator": 5}, Particulars(operator="operator=5")),
        ({"price": -1.5}, UNTOLD),
        ({"price": "1e300"}, UNTOLD),
        ({"price": "nan"}, UNTOLD),
        ({"parts": 10**9}, UNTOLD),
    ],
)
def test_what_is_told_of_a_message(row: dict[str, Any], told: Particulars) -> None:
    assert taken(row) == told


def test_a_test_costs_nothing() -> None:
    free = PilotResults("smspilot.ru", str, free=True)
    row = {"price": 1.29, "parts": 1, "server_id": "5", "status": 2}
    assert taken(row, free) == Particulars(parts=1)
    report = free.report(item_of(row))
    assert report is not None
    assert report.told == Particulars(parts=1)


@pytest.mark.parametrize("service", ["HLR", "PING", "HLRV", "CALL", "FLSHC", "2WAY"])
def test_a_service_has_a_sender_of_its_own(service: str) -> None:
    """It is none that smspilot put in the place of ours."""
    assert taken({"from": "GOLOS", "price": 0.5}, service_type=service) == Particulars(500_000, "RUB")


@pytest.mark.parametrize(("row", "nothing"), [({}, True), ({"sender": "INFORM"}, True), (TELE2, False)])
def test_a_status_tells_no_sender_again(row: dict[str, Any], nothing: bool) -> None:
    """What says nothing is not written to the store."""
    report = RESULTS.report(item_of({"server_id": "5", "status": 2, **row}))
    assert report is not None
    assert (report.told == UNTOLD) == nothing
    assert not report.told.sender


def test_a_status_tells_where_the_phone_is() -> None:
    found = {"mcc": "250", "mnc": "20", "cn": "Россия", "net": "Tele2"}  # by HLRVIP (API-2 §3.3)
    for row, operator in (
        ({**TELE2, "price": "1.31"}, WHERE),
        (found, "operator=Tele2 country=Rossiya mccmnc=25020"),
        ({**TELE2, **found}, f"{WHERE} mccmnc=25020"),
        ({"mcc": "250"}, ""),
    ):
        report = RESULTS.report(item_of({"server_id": "5", "status": 2, **row}))
        assert report is not None
        assert report.told.operator == operator
