"""Quiet hours: how they are written, and when they are over."""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from smppbridge.model.quiet import Quiet, QuietHours

QUIET: TypeAdapter[QuietHours] = TypeAdapter(Quiet)
MINSK, BERLIN, HAVANA = ZoneInfo("Europe/Minsk"), ZoneInfo("Europe/Berlin"), ZoneInfo("America/Havana")
NIGHT = QuietHours(22 * 60, 8 * 60)


def ms(text: str, zone: tzinfo = UTC, fold: int = 0) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp() * 1000)


@pytest.mark.parametrize(
    ("written", "minutes", "shown"),
    [
        ("22-8", (1320, 480), "22:00-08:00"),
        ("22:30-8:15", (1350, 495), "22:30-08:15"),
        (" 22:30 - 08 ", (1350, 480), "22:30-08:00"),
        ("1-5", (60, 300), "01:00-05:00"),
        ("20-24", (1200, 0), "20:00-00:00"),
        ("0-7", (0, 420), "00:00-07:00"),
        ("24-7", (0, 420), "00:00-07:00"),
    ],
)
def test_how_they_are_written(written: str, minutes: tuple[int, int], shown: str) -> None:
    found = QUIET.validate_python(written)
    assert (found, str(found)) == (minutes, shown)
    assert QUIET.validate_python(found) == found


@pytest.mark.parametrize("written", ["", "22", 22, 22.8, None, "22-8-9", "22-25", "22:60-8", "25-8", "-22-8"])
def test_what_they_are_not(written: object) -> None:
    with pytest.raises(ValidationError, match='must be hours such as "22-8"'):
        QUIET.validate_python(written)


@pytest.mark.parametrize("written", ["8-8", "0-24", "24-0", "8:00-8", "22-24:30"])
def test_they_are_a_part_of_the_day(written: str) -> None:
    with pytest.raises(ValidationError, match="must be a part of the day"):
        QUIET.validate_python(written)


@pytest.mark.parametrize(
    ("hours", "at", "over"),
    [
        (NIGHT, "2026-03-10T21:59:59.999", "2026-03-10T21:59:59.999"),
        (NIGHT, "2026-03-10T22:00", "2026-03-11T08:00"),
        (NIGHT, "2026-03-10T23:59:59.999", "2026-03-11T08:00"),
        (NIGHT, "2026-12-31T23:00", "2027-01-01T08:00"),
        (NIGHT, "2026-03-11T00:00", "2026-03-11T08:00"),
        (NIGHT, "2026-03-11T07:59:59.999", "2026-03-11T08:00"),
        (NIGHT, "2026-03-11T08:00", "2026-03-11T08:00"),
        (QuietHours(60, 300), "2026-03-11T00:59", "2026-03-11T00:59"),
        (QuietHours(60, 300), "2026-03-11T01:00", "2026-03-11T05:00"),
        (QuietHours(60, 300), "2026-03-11T05:00", "2026-03-11T05:00"),
        (QuietHours(1200, 0), "2026-03-11T20:00", "2026-03-12T00:00"),
        (QuietHours(1200, 0), "2026-03-12T00:00", "2026-03-12T00:00"),
    ],
)
def test_when_they_are_over(hours: QuietHours, at: str, over: str) -> None:
    assert hours.over(ms(at, MINSK), MINSK) == ms(over, MINSK)


def test_the_clock_hangs_in_its_zone() -> None:
    assert NIGHT.over(ms("2026-03-10T19:00"), MINSK) == ms("2026-03-11T05:00")
    assert NIGHT.over(ms("2026-03-10T19:00"), UTC) == ms("2026-03-10T19:00")


def test_nights_in_which_the_clock_is_changed() -> None:
    """One is an hour shorter, the other an hour longer; they end at eight."""
    assert NIGHT.over(ms("2026-03-28T22:00", BERLIN), BERLIN) == ms("2026-03-29T06:00")
    assert NIGHT.over(ms("2026-10-24T22:00", BERLIN), BERLIN) == ms("2026-10-25T07:00")


def test_an_end_that_the_clock_passes_over() -> None:
    """2:00 to 3:00 are missing on this day."""
    jump = ms("2026-03-29T01:00")
    assert QuietHours(22 * 60, 2 * 60 + 30).over(ms("2026-03-29T00:30"), BERLIN) == jump
    assert QuietHours(22 * 60, 2 * 60).over(ms("2026-03-29T00:30"), BERLIN) == jump
    # And with them all the time that is not quiet: they last until the next day.
    assert QuietHours(2 * 60 + 30, 2 * 60 + 15).over(jump - 1, BERLIN) == ms("2026-03-30T00:15")
    # 0:00 to 1:00 are missing on this one.
    assert QuietHours(20 * 60, 0).over(ms("2026-03-07T23:00", HAVANA), HAVANA) == ms("2026-03-08T05:00")
    assert QuietHours(20 * 60, 15).over(ms("2026-03-07T23:00", HAVANA), HAVANA) == ms("2026-03-08T05:00")
    assert QuietHours(10, 7 * 60).over(ms("2026-03-08T05:00"), HAVANA) == ms("2026-03-08T11:00")


def test_an_end_that_the_clock_shows_twice() -> None:
    """2:00 to 3:00 come twice on this day, and so does the end."""
    hours = QuietHours(22 * 60, 2 * 60 + 30)
    assert hours.over(ms("2026-10-25T02:10", BERLIN), BERLIN) == ms("2026-10-25T00:30")
    between = ms("2026-10-25T02:40", BERLIN)
    assert hours.over(between, BERLIN) == between
    assert hours.over(ms("2026-10-25T02:10", BERLIN, fold=1), BERLIN) == ms("2026-10-25T01:30")


@given(
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
    st.sampled_from([UTC, MINSK, BERLIN, HAVANA]),
)
def test_they_are_over_within_a_day_and_not_before(
    begin: int, end: int, moment: datetime, zone: tzinfo
) -> None:
    if begin == end:
        end = (end + 1) % 1440
    hours, at = QuietHours(begin, end), round(moment.replace(tzinfo=UTC).timestamp() * 1000)
    over = hours.over(at, zone)
    assert hours.over(over, zone) == over
    assert 0 <= over - at <= timedelta(days=1, hours=1) / timedelta(milliseconds=1)
    if over > at:
        assert hours.end_at(over, zone)


def test_when_they_end() -> None:
    end = ms("2026-03-11T08:00", MINSK)
    assert [NIGHT.end_at(end + more, MINSK) for more in (-1, 0, 1)] == [False, True, False]
