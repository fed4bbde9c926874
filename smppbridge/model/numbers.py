"""destination_addr -> the international digits that providers take.

Equipment sends numbers as people dial them: with a national prefix, with brackets, without a country. Each
national form is listed here with the country whose accounts use it. A guess that could reach a stranger is
refused instead. Must not know: accounts, routes, providers.
"""

import re
from typing import NamedTuple

from smppbridge.errors import Refused
from smppbridge.smpp.constants import Status, Ton

_SEPARATORS = str.maketrans("", "", " \t\u00a0()-./")
_INTERNATIONAL = re.compile(r"[1-9][0-9]{10,14}")
_BY_OPERATORS = "(?:24|25|29|33|44)"
_BY_MOBILE = re.compile(rf"375{_BY_OPERATORS}[0-9]{{7}}")
_COUNTRY_CODE = re.compile(
    # E.164 country codes in use; a number that starts with none of them cannot be international.
    "1|7|2[07]|21[1-368]|22|23|24|25|26[0-9]|29[0179]|3[0-469]|35|37|38[0-35-79]|4[013-9]|42[013]"
    "|5[1-8]|50|59|6[0-6]|67[02-9]|68[0-35-9]|69[0-2]|8[1246]|80[08]|85[02356]|87[08]|88[0-368]"
    "|9[0-58]|96[0-8]|97[0-79]|99[2-68]"
)
_LONG_DISTANCE_EXIT = "810"  # how Belarus and Russia dial abroad
_MIN_INTERNATIONAL, _MAX_INTERNATIONAL = 11, 15


class _Form(NamedTuple):
    """A national way to write a number: ``prefix`` and the pattern's group are the international digits."""

    countries: frozenset[str]
    pattern: re.Pattern[str]
    prefix: str


_BY, _RU, _BOTH = frozenset({"BY"}), frozenset({"RU"}), frozenset({"BY", "RU"})
_BY_NUMBER = f"({_BY_OPERATORS}[0-9]{{7}})"
_NATIONAL_FORMS = (
    _Form(_BOTH, re.compile(f"80{_BY_NUMBER}"), "375"),  # no Russian area code starts with 0
    _Form(_BY, re.compile(f"0{_BY_NUMBER}"), "375"),
    _Form(_BOTH, re.compile(_BY_NUMBER), "375"),  # Russia has no numbers of nine digits
    _Form(_BY, re.compile(f"8{_BY_NUMBER}"), "375"),  # in Russia these are land lines: 8332, 8442
    _Form(_RU, re.compile("8([3489][0-9]{9})"), "7"),
    _Form(_RU, re.compile("(9[0-9]{9})"), "7"),
)


def normalise(number: str, ton: int, country: str | None) -> str:
    """International digits (11..15, no ``+``) of a destination_addr.

    ``country`` (ISO code or None) says whose national forms the account uses; those of BY and RU are known,
    accounts of any other country must send international numbers. Raises `Refused`: 0x50 for an
    alphanumeric ton, 0x0B for anything that is not surely one telephone number.
    """
    if ton == Ton.ALPHANUMERIC:
        raise Refused(Status.ESME_RINVDSTTON, "destination_addr cannot be alphanumeric (ton 5)")
    explicit, digits = _strip(number)
    result = _read(digits, explicit, explicit or ton == Ton.INTERNATIONAL, country)
    if result is None or not _plausible(result, country):
        raise Refused(
            Status.ESME_RINVDSTADR, "destination_addr is not a telephone number that can be reached"
        )
    return result


def _strip(number: str) -> tuple[bool, str]:
    """Whether the number says itself that it is international, and its digits without that prefix."""
    digits = number if number.isalnum() else number.translate(_SEPARATORS)
    if digits.startswith("+"):
        return True, digits[1:]
    if digits.startswith("00"):
        return True, digits[2:]
    if (
        digits.startswith(_LONG_DISTANCE_EXIT)
        and len(digits) >= len(_LONG_DISTANCE_EXIT) + _MIN_INTERNATIONAL
    ):
        return True, digits[len(_LONG_DISTANCE_EXIT) :]
    return False, digits


def _read(digits: str, explicit: bool, international: bool, country: str | None) -> str | None:
    """International digits; None when they cannot be told or are no digits."""
    if not (digits.isascii() and digits.isdigit()):
        return None
    complete = _MIN_INTERNATIONAL <= len(digits) <= _MAX_INTERNATIONAL
    if international and complete and _COUNTRY_CODE.match(digits):
        return digits
    if explicit and not complete:
        return None  # "+" was typed, so nothing may be put in front: +299 491234 is in Greenland
    if digits.startswith("7") or _BY_MOBILE.fullmatch(digits):
        return digits
    return _from_national(digits, country) or (digits if international and complete else None)


def _from_national(digits: str, country: str | None) -> str | None:
    for form in _NATIONAL_FORMS:
        if country in form.countries and (match := form.pattern.fullmatch(digits)):
            return form.prefix + match[1]
    return None


def _plausible(digits: str, country: str | None) -> bool:
    if digits.startswith("7"):
        return len(digits) == 11
    if digits.startswith("375"):
        return len(digits) == 12 and (country != "BY" or _BY_MOBILE.fullmatch(digits) is not None)
    return _INTERNATIONAL.fullmatch(digits) is not None
