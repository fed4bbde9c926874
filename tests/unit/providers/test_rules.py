"""What may be said of a provider's words."""

import pytest

from smppbridge.providers.rules import MAX_REASON, receipt_err, safe_reason


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
