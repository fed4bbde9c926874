"""destination_addr in every form that people write, to the digits that providers take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.errors import Refused
from smppbridge.model.numbers import normalise

BAD_ADDRESS, BAD_TON = 0x0B, 0x50
ACCOUNTS = ("BY", "RU", None, "PL", "DE", "US")


@pytest.mark.parametrize("ton", [0, 1, 2])
@pytest.mark.parametrize(
    "number",
    [
        "8(029)671-72-59",
        "(29)671-72-59",
        "296717259",
        "+375296717259",
        "375296717259",
        "80296717259",
        "029 671 72 59",
        "8296717259",
        "00375296717259",
        "810375296717259",
        "8.029.671.72.59",
        "\u00a0+375 (29) 671-72-59 ",
    ],
)
def test_belarus(number: str, ton: int) -> None:
    assert normalise(number, ton, "BY") == "375296717259"


@pytest.mark.parametrize("operator", ["24", "25", "29", "33", "44"])
def test_every_belarusian_operator(operator: str) -> None:
    for written in (
        f"80{operator}1234567",
        f"0{operator}1234567",
        f"{operator}1234567",
        f"8{operator}1234567",
    ):
        assert normalise(written, 0, "BY") == f"375{operator}1234567"


@pytest.mark.parametrize("ton", [0, 1, 2])
@pytest.mark.parametrize(
    "number",
    ["8 (902) 123-45-67", "+7-902-123-45-67", "9021234567", "79021234567", "89021234567", "0079021234567"],
)
def test_russia(number: str, ton: int) -> None:
    assert normalise(number, ton, "RU") == "79021234567"


@pytest.mark.parametrize(
    ("number", "ton", "country", "expected"),
    [
        ("296717259", 0, "RU", "375296717259"),  # no Russian number has nine digits
        ("80296717259", 0, "RU", "375296717259"),
        ("84951234567", 0, "RU", "74951234567"),
        ("88002000600", 0, "RU", "78002000600"),
        ("83321234567", 0, "RU", "73321234567"),
        ("79021234567", 0, "BY", "79021234567"),
        ("77011234567", 0, "RU", "77011234567"),  # Kazakhstan
        ("79021234567", 0, None, "79021234567"),
        ("375296717259", 0, None, "375296717259"),
        ("375296717259", 2, "PL", "375296717259"),
        ("+84951234567", 0, "RU", "84951234567"),  # said to be international: Vietnam, not Moscow
        ("84951234567", 1, "RU", "84951234567"),
        ("+48601234567", 0, "BY", "48601234567"),
        ("0048601234567", 0, None, "48601234567"),
        ("81048601234567", 0, "RU", "48601234567"),
        ("48601234567", 1, None, "48601234567"),
        ("4915123456789", 1, "RU", "4915123456789"),
        ("+375172000000", 0, "RU", "375172000000"),
        ("+299491234", 0, "BY", "299491234"),  # said to be international: Greenland
        ("299491234", 0, "BY", "375299491234"),
        ("299491234", 1, "BY", "375299491234"),  # ton alone is not believed of so few digits
    ],
)
def test_other_cases(number: str, ton: int, country: str | None, expected: str) -> None:
    assert normalise(number, ton, country) == expected


@pytest.mark.parametrize("country", ACCOUNTS)
@pytest.mark.parametrize("ton", [0, 1, 2])
@pytest.mark.parametrize(
    "number",
    [
        "G777",
        "29781977",
        "7962048864",
        "79991234567,79991234568",
        "a@b.c",
        "#112233",
        "",
        "+",
        "00",
        "810",
        "+296717259",  # said to be international, so not Belarusian; no country has 296
        "+9021234567",
        "+790212345678",
        "+3752967172590",
        "+0375296717259",
        "79021234567x",
        "7902123456７",
        "*100#",
        "1234567890123456",
        "7902+1234567",
    ],
)
def test_refused_everywhere(number: str, ton: int, country: str | None) -> None:
    with pytest.raises(Refused) as refused:
        normalise(number, ton, country)
    assert refused.value.status == BAD_ADDRESS


@pytest.mark.parametrize(
    ("number", "ton", "country"),
    [
        ("80296717259", 0, None),
        ("296717259", 0, None),
        ("029 671 72 59", 0, "RU"),
        ("8296717259", 0, "RU"),  # could be a Russian land line
        ("89021234567", 0, "BY"),
        ("9021234567", 0, "BY"),
        ("9021234567", 2, None),
        ("48601234567", 0, "BY"),  # foreign, and nothing says so
        ("48601234567", 2, None),
        ("375172000000", 1, "BY"),  # a land line in Minsk
        ("80172000000", 0, "BY"),
    ],
)
def test_refused_here(number: str, ton: int, country: str | None) -> None:
    with pytest.raises(Refused) as refused:
        normalise(number, ton, country)
    assert refused.value.status == BAD_ADDRESS


@pytest.mark.parametrize("number", ["375296717259", "INFO", ""])
def test_alphanumeric_destination(number: str) -> None:
    with pytest.raises(Refused) as refused:
        normalise(number, 5, "BY")
    assert refused.value.status == BAD_TON


def test_the_reason_does_not_hold_the_number() -> None:
    with pytest.raises(Refused) as refused:
        normalise("7962048864", 0, "RU")
    assert "7962048864" not in refused.value.reason


@given(
    st.text("0123456789+ ()-x", max_size=24) | st.text(max_size=24),
    st.integers(0, 6),
    st.sampled_from(ACCOUNTS),
)
def test_result_is_international_or_refused(number: str, ton: int, country: str | None) -> None:
    try:
        digits = normalise(number, ton, country)
    except Refused as refused:
        assert refused.status in (BAD_ADDRESS, BAD_TON)
    else:
        assert digits.isascii()
        assert digits.isdigit()
        assert 7 <= len(digits) <= 15
        assert not digits.startswith("0")
        assert normalise("+" + digits, 1, country) == digits
