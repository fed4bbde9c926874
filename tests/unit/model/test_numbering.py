"""Numbering plans of countries other than Belarus and Russia, and international numbers that are short."""

import subprocess
import sys

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.errors import Refused
from smppbridge.model import numbering
from smppbridge.model.numbers import COUNTRIES, normalise

BAD_ADDRESS, BAD_TON = 0x0B, 0x50
WITHOUT_NUMBERS = {"AQ", "BV", "GS", "HM", "PN", "TF", "UM"}  # nobody lives there, or by a neighbour's plan


def refused(number: str, ton: int, country: str | None) -> bool:
    try:
        normalise(number, ton, country)
    except Refused as refusal:
        assert refusal.status == BAD_ADDRESS
        return True
    return False


def test_countries_are_those_of_the_library() -> None:
    assert COUNTRIES - WITHOUT_NUMBERS == phonenumbers.SUPPORTED_REGIONS
    assert COUNTRIES >= WITHOUT_NUMBERS


# --- national forms ---------------------------------------------------------------------------------


@pytest.mark.parametrize("ton", [0, 2])
@pytest.mark.parametrize(
    ("country", "number", "expected"),
    [
        ("PL", "601 234 567", "48601234567"),
        ("PL", "48601234567", "48601234567"),  # with its own code, and nothing that says so
        ("PL", "22 123 45 67", "48221234567"),  # no long-distance prefix: land lines are whole, too
        ("UA", "050 123 45 67", "380501234567"),
        ("UA", "501234567", "380501234567"),
        ("UA", "380501234567", "380501234567"),
        ("KZ", "8 (701) 123-45-67", "77011234567"),
        ("KZ", "7011234567", "77011234567"),
        ("LT", "8 612 34567", "37061234567"),
        ("LV", "21234567", "37121234567"),
        ("DE", "0171 1234567", "491711234567"),
        ("DE", "1711234567", "491711234567"),
        ("DE", "491711234567", "491711234567"),
        ("DE", "030 12345678", "493012345678"),
        ("GB", "07911 123456", "447911123456"),
        ("GB", "+44 (0)7911 123456", "447911123456"),
        ("IT", "333 123 4567", "393331234567"),
        ("IT", "06 1234 5678", "390612345678"),  # the 0 is part of the number
        ("US", "(212) 555-2368", "12125552368"),
        ("US", "1-212-555-2368", "12125552368"),
        ("IS", "611 1234", "3546111234"),
        ("LU", "621 123 456", "352621123456"),
        ("AR", "011 15-2345-6789", "5491123456789"),  # mobile: another number abroad than at home
        ("BR", "(79) 98765-4321", "5579987654321"),  # eleven digits with a 7, and not Russian
        ("IN", "7902123456", "917902123456"),
        # other exits than 00
        ("US", "011 48 601 234 567", "48601234567"),
        ("AU", "0011 48 601 234 567", "48601234567"),
        ("JP", "010 48 601 234 567", "48601234567"),
        ("BR", "00 21 48 601 234 567", "48601234567"),
        # 00 everywhere, even where it is not dialled
        ("US", "0048601234567", "48601234567"),
        ("DE", "0048601234567", "48601234567"),
        ("DE", "+48601234567", "48601234567"),
        ("DE", "+4733378901", "4733378901"),
        # whole numbers of Russia, Kazakhstan and Belarus, as for all accounts
        ("PL", "79021234567", "79021234567"),
        ("PL", "375296717259", "375296717259"),
    ],
)
def test_national(country: str, number: str, expected: str, ton: int) -> None:
    assert normalise(number, ton, country) == expected


@pytest.mark.parametrize(
    ("country", "number"),
    [
        ("PL", "60123456"),
        ("PL", "6012345678"),
        ("PL", "29781977"),
        ("PL", "112"),
        ("PL", "491711234567"),  # foreign, and nothing says so
        ("PL", "80296717259"),  # Belarusian at home only
        ("PL", "0"),
        ("DE", "29781977"),  # Berlin from inside Berlin, and Dissen from elsewhere
        ("US", "5552368"),  # an area code is missing
        ("US", "911"),
        ("US", "2125552"),
        ("BR", "0021261234567"),  # Madagascar through carrier 21, or Morocco without one
        ("AQ", "601234567"),
        ("GB", "07911 123456 ext 5"),
        ("PL", "+601234567"),  # said to be international, and not in use there
        ("PL", "+95081791046"),  # short once the 0 is left out, and not in use
        ("US", "1-800-FLOWERS"),
        ("GB", "tel:+447911123456"),
    ],
)
@pytest.mark.parametrize("ton", [0, 2])
def test_refused(country: str, number: str, ton: int) -> None:
    assert refused(number, ton, country)


@pytest.mark.parametrize(
    ("country", "number", "expected"),
    [
        ("PL", "491711234567", "491711234567"),
        ("PL", "601234567", "48601234567"),  # national all the same: there is no such number in Malaysia
        ("PL", "3546111234", "3546111234"),
        ("IS", "6111234", "3546111234"),
        ("CN", "13123456789", "13123456789"),  # eleven digits: ton is believed
        ("AQ", "48601234567", "48601234567"),
    ],
)
def test_ton_says_international(country: str, number: str, expected: str) -> None:
    assert normalise(number, 1, country) == expected


def test_two_ways_to_read_it_are_none() -> None:
    """A mobile number of Colombia, or one of the Netherlands."""
    assert normalise("3212345678", 0, "CO") == "573212345678"
    assert normalise("+3212345678", 0, "CO") == "3212345678"
    assert refused("3212345678", 1, "CO")


@pytest.mark.parametrize("country", sorted(phonenumbers.SUPPORTED_REGIONS - {"BY", "RU", "TA"}))
def test_a_mobile_number_of_every_country(country: str) -> None:
    example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    assert example is not None
    expected = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")
    national = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL)
    assert normalise(national, 0, country) == expected
    assert normalise(national, 2, country) == expected
    assert normalise(expected, 0, country) == expected
    for account in (country, None, "DE"):
        assert normalise(expected, 1, account) == expected
    for account in (country, "BY", "RU", None, "DE"):
        assert normalise("+" + expected, 0, account) == expected
        assert normalise("00" + expected, 0, account) == expected


# --- short international numbers --------------------------------------------------------------------


@pytest.mark.parametrize("country", ["BY", "RU", None, "PL"])
@pytest.mark.parametrize(
    "number",
    [
        "3546111234",  # Iceland
        "35227123456",  # Luxembourg
        "4740612345",  # Norway
        "4534412345",  # Denmark
        "6581234567",  # Singapore
        "5351234567",  # Cuba
        "376312345",  # Andorra
        "6834000",  # Niue
        "50051234",  # Falkland Islands
    ],
)
def test_short(number: str, country: str | None) -> None:
    assert normalise(number, 1, country) == number
    assert normalise("+" + number, 0, country) == number
    assert normalise("00" + number, 2, country) == number


@pytest.mark.parametrize("country", ["BY", "RU", None, "PL"])
@pytest.mark.parametrize(
    "number",
    [
        "354611123",
        "+474061234",
        "4960",
        "112",
        "+112",
        "+4911",
        "0048601",
        "7962048864",
        "+65812345",
        "+5350",
    ],
)
def test_short_and_not_whole(number: str, country: str | None) -> None:
    assert refused(number, 1, country)
    assert refused(number, 0, country)


def test_short_without_a_mark() -> None:
    assert refused("3546111234", 0, None)
    assert refused("3546111234", 2, "BY")
    assert normalise("3546111234", 0, "IS") == "3546111234"


# --- whatever comes ---------------------------------------------------------------------------------


@given(
    st.text("0123456789+ ()-x", max_size=24) | st.text("0123456789", max_size=65),
    st.integers(0, 6),
    st.sampled_from(sorted(COUNTRIES)),
)
def test_result_is_international_or_refused(number: str, ton: int, country: str) -> None:
    try:
        digits = normalise(number, ton, country)
    except Refused as refusal:
        assert refusal.status in (BAD_ADDRESS, BAD_TON)
    else:
        assert digits.isascii()
        assert digits.isdigit()
        assert 7 <= len(digits) <= 15
        assert not digits.startswith("0")
        assert normalise("+" + digits, 1, country) == digits


def test_the_library_is_not_loaded_where_nobody_needs_it() -> None:
    code = """
import sys
from smppbridge.model.numbers import COUNTRIES, normalise
for country in ("BY", "RU", None):
    for number in ("375291234567", "+79021234567", "0048601234567"):
        normalise(number, 1, country)
normalise("80291234567", 0, "BY")
normalise("89021234567", 2, "RU")
assert "phonenumbers" not in sys.modules
normalise("+3546111234", 0, None)
assert "phonenumbers" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_what_is_remembered_has_an_end() -> None:
    for remembered in (numbering.readings, numbering.abroad):
        size = remembered.cache_info().maxsize
        assert size is not None
        assert size <= 10_000
