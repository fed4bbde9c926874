"""The 16-character time of SMPP: absolute, relative, refused, written."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.smpp.times import format_absolute, format_relative, full_year, parse_time
from tests.support.system.vectors import vectors

NOW = datetime(2024, 1, 31, 12, 0, 0, tzinfo=UTC)


def test_empty_is_no_time() -> None:
    assert parse_time("", NOW) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("020610233429000+", "2002-06-10T23:34:29+00:00"),
        ("020610233429900-", "2002-06-10T23:34:29.900000+00:00"),
        ("260301000000012+", "2026-02-28T21:00:00+00:00"),  # Minsk is 12 quarters ahead
        ("260228210000012-", "2026-03-01T00:00:00+00:00"),
        ("070927233429848+", "2007-09-27T11:34:29.800000+00:00"),
        ("371231235959000+", "2037-12-31T23:59:59+00:00"),
        ("380101000000000+", "1938-01-01T00:00:00+00:00"),
        ("240229000000000+", "2024-02-29T00:00:00+00:00"),
    ],
)
def test_absolute(value: str, expected: str) -> None:
    parsed = parse_time(value, NOW)
    assert parsed is not None
    assert parsed.isoformat() == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("000000000000000R", "2024-01-31T12:00:00+00:00"),
        ("000000001000000R", "2024-01-31T12:10:00+00:00"),
        ("000000000000999R", "2024-01-31T12:00:00+00:00"),  # tenths and quarters do not count here
        ("000100000000000R", "2024-02-29T12:00:00+00:00"),
        ("010100000000000R", "2025-02-28T12:00:00+00:00"),
        ("001100000000000R", "2024-12-31T12:00:00+00:00"),
        ("001200000000000R", "2025-01-31T12:00:00+00:00"),
        ("000101000000000R", "2024-03-01T12:00:00+00:00"),
        ("020610233429000R", "2026-08-11T11:34:29+00:00"),
        ("000028000000000R", "2024-02-28T12:00:00+00:00"),
    ],
)
def test_relative(value: str, expected: str) -> None:
    parsed = parse_time(value, NOW)
    assert parsed is not None
    assert parsed.isoformat() == expected


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("070927233429800", "15"),
        ("0709272334298000+", "17"),
        ("nonsense", "8"),
        ("07092723342984x+", "digits"),
        ("07092723342984²+", "digits"),
        ("070927233429849+", "49"),
        ("070927233429800Z", "end in"),
        ("070027233429800+", "month"),
        ("230229000000000+", "day"),
        ("070927243429800+", "hour"),
        ("070927236029800+", "minute"),
        ("070927233460800+", "second"),
    ],
)
def test_refused_with_the_reason(value: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_time(value, NOW)


@given(st.text(st.sampled_from("0123456789+-R"), min_size=16, max_size=16) | st.text(max_size=20))
def test_arbitrary_text_gives_a_time_in_utc_or_value_error(value: str) -> None:
    try:
        parsed = parse_time(value, NOW)
    except ValueError:
        return
    assert parsed is None or parsed.utcoffset() == timedelta(0)


@given(st.datetimes(datetime(1938, 1, 2), datetime(2037, 12, 30)), st.integers(-48, 48))
def test_absolute_round_trip(moment: datetime, quarters: int) -> None:
    local = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=15 * quarters)))
    assert parse_time(format_absolute(local), NOW) == local


@given(st.datetimes(datetime(1938, 1, 2), datetime(2037, 12, 30)), st.integers(0, 48), st.sampled_from("+-"))
def test_quarters_are_the_distance_from_utc(moment: datetime, quarters: int, direction: str) -> None:
    offset = timedelta(minutes=15 * quarters) * (1 if direction == "+" else -1)
    local = moment.replace(microsecond=0, tzinfo=timezone(offset))
    value = f"{local:%y%m%d%H%M%S}0{quarters:02}{direction}"
    assert parse_time(value, NOW) == local


@given(st.integers(0, 32 * 86400 - 1))
def test_relative_round_trip(seconds: int) -> None:
    assert parse_time(format_relative(seconds), NOW) == NOW + timedelta(seconds=seconds)


def test_written_forms() -> None:
    assert (
        format_absolute(datetime(2026, 3, 1, 0, 0, 5, 999_999, timezone(timedelta(hours=3))))
        == "260228210005000+"
    )
    assert format_relative(90061) == "000001010101000R"


@pytest.mark.parametrize("seconds", [-1, 32 * 86400])
def test_relative_out_of_range(seconds: int) -> None:
    with pytest.raises(ValueError, match="0 to 31 days"):
        format_relative(seconds)


@pytest.mark.parametrize("year", [1937, 2038])
def test_absolute_out_of_range(year: int) -> None:
    with pytest.raises(ValueError, match=str(year)):
        format_absolute(datetime(year, 6, 1, tzinfo=UTC))


@pytest.mark.parametrize(("digits", "year"), [(0, 2000), (37, 2037), (38, 1938), (99, 1999)])
def test_century(digits: int, year: int) -> None:
    assert full_year(digits) == year


def test_shared_vectors(subtests: pytest.Subtests) -> None:
    for vector in vectors("time"):
        with subtests.test(vector["name"]):
            check(vector)


def check(vector: dict[str, Any]) -> None:
    value, expect = bytes.fromhex(vector["hex"]).decode("ascii"), vector["expect"]
    if "error" in expect:
        with pytest.raises(ValueError, match=r"time|quarters"):
            parse_time(value, NOW)
    elif "utc" in expect:
        assert parse_time(value, NOW) == datetime.fromisoformat(expect["utc"])
    else:
        relative = dict(expect["relative"])
        months = relative.pop("years") * 12 + relative.pop("months")
        shifted = datetime(2024 + months // 12, 1 + months % 12, 10, 12, tzinfo=UTC)
        assert parse_time(value, datetime(2024, 1, 10, 12, tzinfo=UTC)) == shifted + timedelta(**relative)
