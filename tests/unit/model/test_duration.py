"""Durations: what may be written, and what it means in seconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from smppbridge.model.duration import Duration, PositiveDuration, parse_duration, write_duration

DURATION: TypeAdapter[float] = TypeAdapter(Duration)
POSITIVE: TypeAdapter[float] = TypeAdapter(PositiveDuration)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("30s", 30.0),
        ("5m", 300.0),
        ("2h", 7200.0),
        ("3d", 259200.0),
        ("250ms", 0.25),
        ("1.5h", 5400.0),
        (" 10 s ", 10.0),
        ("45", 45.0),
        (45, 45.0),
        (0.5, 0.5),
        (0, 0.0),
    ],
)
def test_reads(written: object, seconds: float) -> None:
    value = DURATION.validate_python(written)
    assert value == pytest.approx(seconds)
    assert isinstance(value, float)


@pytest.mark.parametrize(
    "written",
    ["", "s", "5 minutes", "-1s", "1h30m", "5M", "٣s", True, None, [], -1, float("nan"), float("inf")],
)
def test_refuses_with_examples(written: object) -> None:
    with pytest.raises(ValidationError, match="must be a duration such as 30s, 5m"):
        DURATION.validate_python(written)


def test_positive_refuses_zero() -> None:
    assert POSITIVE.validate_python("1ms") == pytest.approx(0.001)
    with pytest.raises(ValidationError, match="greater than 0"):
        POSITIVE.validate_python("0s")


@pytest.mark.parametrize("written", ["30d", "36h", "90m", "1d", "61s", "0.25s", "0s"])
def test_writes(written: str) -> None:
    assert write_duration(parse_duration(written)) == written


@given(st.text())
def test_any_text_is_read_or_refused(written: str) -> None:
    try:
        assert parse_duration(written) >= 0
    except ValueError as error:
        assert "must be a duration" in str(error)


def test_schema_takes_text_and_numbers() -> None:
    types = {option["type"] for option in DURATION.json_schema()["anyOf"]}
    assert types == {"string", "number"}
