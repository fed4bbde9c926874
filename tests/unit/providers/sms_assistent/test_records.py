"""Periods, dates and numbers as sms-assistent's three formats share them."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from smppbridge.providers.http.lenient import integer
from smppbridge.providers.sms_assistent.records import (
    StatusRow,
    date_send,
    digits,
    message_id,
    status,
    validity_hours,
    validity_seconds,
)
from tests.support.builders.messages import NOW, message

HOUR = 3_600_000  # ms


@pytest.mark.parametrize(
    ("left", "hours", "seconds"),
    [
        (-5000, 1, 60),
        (0, 1, 60),
        (59_999, 1, 60),
        (60_001, 1, 61),
        (HOUR, 1, 3600),
        (HOUR + 1, 2, 3601),
        (24 * HOUR, 24, 86_400),
        (47 * HOUR + 1, 48, 169_201),
        (48 * HOUR - 1000, 48, 172_799),
        (48 * HOUR, 48, 172_800),
        (72 * HOUR, 48, 172_800),
    ],
)
def test_validity(left: int, hours: int, seconds: int) -> None:
    sent = message(1, deadline=NOW + left)
    assert (validity_hours(sent, NOW), validity_seconds(sent, NOW)) == (hours, seconds)


def test_validity_of_a_scheduled_message_begins_when_it_is_sent() -> None:
    sent = message(1, send_at=NOW + 10 * HOUR, deadline=NOW + 15 * HOUR)
    assert (validity_hours(sent, NOW), validity_seconds(sent, NOW)) == (5, 5 * 3600)
    assert validity_hours(sent, NOW + 12 * HOUR) == 3  # its time has come and gone


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        ("2016-12-25 01:59:00", "201612250159"),
        ("2016-12-25 01:58:00.001", "201612250159"),
        ("2026-12-31 23:59:01", "202701010000"),
        ("2026-07-01 12:00:00", "202607011200"),  # no summer time
    ],
)
def test_date_send_is_minsk_time_rounded_up(moment: str, written: str) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo("Europe/Minsk"))
    assert date_send(round(at.timestamp() * 1000)) == written


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5),
        ("-5", -5),
        (" 12 ", 12),
        (1.0, 1),
        (1.5, None),
        (True, None),
        (None, None),
        ("", None),
        ("٣", None),
        ("1e3", None),
        ("9" * 21, None),
        (10**20, None),
        (float("inf"), None),
        ([], None),
    ],
)
def test_integer(value: object, number: int | None) -> None:
    assert integer(value) == number


@pytest.mark.parametrize(
    ("value", "ref"), [(886055815, "886055815"), ("0012", "12"), (0, ""), ("0", ""), (-5, ""), ("x", "")]
)
def test_message_id(value: object, ref: str) -> None:
    assert message_id(value) == ref


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (375297819778, "375297819778"),
        ("+375297819778", "375297819778"),
        ("8(029)671-72-59", "80296717259"),
        (0, ""),
        ("0", ""),
        ("nobody", ""),
        ("٣" * 9, ""),
        ("1" * 31, ""),
        (True, ""),
        (None, ""),
        (1.5, ""),
    ],
)
def test_digits(value: object, number: str) -> None:
    assert digits(value) == number


@pytest.mark.parametrize(
    ("value", "row"),
    [
        ("Delivered", StatusRow("7", "Delivered", 0)),
        ("-11", StatusRow("7", "", -11)),
        (-11, StatusRow("7", "", -11)),
        (2, StatusRow("7", "", 0)),
        (None, StatusRow("7", "", 0)),
        ({}, StatusRow("7", "", 0)),
    ],
)
def test_status_row(value: object, row: StatusRow) -> None:
    assert status("7", value) == row
