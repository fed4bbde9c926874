"""What may be said of a provider's words, and the error that a row of its table stands for."""

import pytest

from smppbridge.errors import Disabled, Postponed, ProviderError, Rejected, Throttled, Unavailable
from smppbridge.providers.error_table import (
    MAX_DETAILS,
    MAX_REASON,
    Kind,
    Rule,
    details_of,
    receipt_err,
    safe_reason,
    to_error,
)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("Invalid phone 79001112233", "Invalid phone 7900***"),
        ("line\r\n\ttwo\x00\u2028three", "line two three"),
        ("key K3Y and K3Y", "key *** and ***"),
        ("no +7 921 123-45-67!", "no +7 92***!"),
        ("+7 (921) 123-45-67, +7.921.1234567", "+7 (9***, +7.92***"),
        ("8\u00a0921\u00a01234567", "8 92***"),
        ("code 215, 2 of 3 since 14:35", "code 215, 2 of 3 since 14:35"),
        ("", ""),
    ],
)
def test_safe_reason(text: str, safe: str) -> None:
    assert safe_reason(text, "K3Y", "") == safe


def test_safe_reason_is_short() -> None:
    assert len(safe_reason("long " * 10_000)) == MAX_REASON


def test_secret_at_the_cut_is_not_half_shown() -> None:
    assert "SECRET" not in safe_reason("x" * (MAX_REASON - 3) + "SECRET-KEY", "SECRET-KEY")


@pytest.mark.parametrize(("code", "err"), [(0, 0), (601, 601), (999, 999), (1000, 999), (-5, 999)])
def test_receipt_err(code: int, err: int) -> None:
    assert receipt_err(code) == err


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (Kind.PERM, Rejected),
        (Kind.RETRY, Unavailable),
        (Kind.THROTTLE, Throttled),
        (Kind.ACCOUNT, Disabled),
        (Kind.WINDOW, Postponed),
        (Kind.BUG, Rejected),
    ],
)
def test_errors(kind: Kind, error: type[ProviderError]) -> None:
    made = to_error(Rule(kind, 0x45, pause=77.0), 215, "why")
    assert type(made) is error
    assert (made.reason, made.code, made.status) == ("why", "215", 0x45)


def test_pauses() -> None:
    slower, later, down = (
        to_error(Rule(kind, 0x45, pause=77.0), 1, "") for kind in (Kind.THROTTLE, Kind.WINDOW, Kind.ACCOUNT)
    )
    assert isinstance(slower, Throttled) and isinstance(later, Postponed) and isinstance(down, Disabled)
    assert (slower.after, later.after, down.pause) == (77.0, 77.0, 77.0)


@pytest.mark.parametrize(
    ("fields", "keys", "details"),
    [
        ({"mnc": "01", "imsi": "25701", "other": "x"}, ["imsi", "mcc", "mnc"], "imsi=25701 mnc=01"),
        ({"net": " A1 \t Belarus\n"}, ["net"], "net=A1_Belarus"),
        ({"net": "МТС A1\0\x7f中"}, ["net"], "net=MTS_A1"),
        ({"net": "Объединённая Щука"}, ["net"], "net=Obedinennaya_Shchuka"),
        ({"net": ""}, ["net"], ""),
        ({}, ["net"], ""),
        ({"net": "A1"}, [], ""),
    ],
)
def test_details(fields: dict[str, str], keys: list[str], details: str) -> None:
    assert details_of(fields, keys) == details


def test_details_are_short() -> None:
    assert len(details_of({"a": "x" * 150, "b": "y" * 150}, ["a", "b"])) == MAX_DETAILS
