"""destination_addr -> the international digits that providers take.

Equipment sends numbers as people dial them: with a national prefix, with brackets, without a country code.

1. The national forms of Belarus and Russia are listed here.
2. `numbering` reads the national forms of other countries, and international numbers of fewer than 11 digits.
   Its library is loaded only where an account needs it.
3. A number with two readings is refused: a wrong guess would send the message to a stranger.
"""

import re
from typing import NamedTuple

from smppbridge.errors import Refused
from smppbridge.smpp.constants import Status, Ton

_CODES = """
AC AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV
BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET
FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM
IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD
ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE
PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST
SV SX SY SZ TA TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF
WS XK YE YT ZA ZM ZW
"""
COUNTRIES = frozenset(_CODES.split())
"""What an account's `country` may be: ISO 3166 alpha-2 codes, and those in use for Ascension (AC), Tristan da
Cunha (TA) and Kosovo (XK), which have country calling codes of their own."""

_SEPARATORS = str.maketrans("", "", " \t\u00a0()-./")
_INTERNATIONAL = re.compile(r"[1-9][0-9]{6,14}")
_BY_OPERATORS = "(?:24|25|29|33|44)"
_BY_MOBILE = re.compile(rf"375{_BY_OPERATORS}[0-9]{{7}}")
_COUNTRY_CODE = re.compile(
    # E.164 country codes in use. A number that starts with none of them is not international.
    "1|7|2[07]|21[1-368]|22|23|24|25|26[0-9]|29[0179]|3[0-469]|35|37|38[0-35-79]|4[013-9]|42[013]"
    "|5[1-8]|50|59|6[0-6]|67[02-9]|68[0-35-9]|69[0-2]|8[1246]|80[08]|85[02356]|87[08]|88[0-368]"
    "|9[0-58]|96[0-8]|97[0-79]|99[2-68]"
)
_LONG_DISTANCE_EXIT = "810"  # how Belarus and Russia dial abroad
_MIN_COMPLETE = 11  # digits; shorter numbers are complete in some countries only
_MAX_INTERNATIONAL = 15  # digits (E.164)
_ALPHANUMERIC, _TON_INTERNATIONAL = int(Ton.ALPHANUMERIC), int(Ton.INTERNATIONAL)


class _Form(NamedTuple):
    """A national way to write a number. ``prefix`` and the pattern's group give the international digits."""

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
_OURS = frozenset({"BY", "RU", None})  # for these countries `numbering` is not needed


def normalise(number: str, ton: int, country: str | None) -> str:
    """International digits (7 to 15, no ``+``) of a destination_addr.

    1. ``country`` (one of COUNTRIES) says which national forms are understood. With None, the number must be
       international.
    2. A number is international when it starts with ``+``, ``00`` or ``810``, or when ``ton`` says so.
    3. Equipment often sets a wrong ``ton``. It does not count for fewer than 11 digits that are also a
       national number.

    Raises `Refused`: 0x50 for an alphanumeric ton, 0x0B for what is not certainly one telephone number.
    """
    if ton == _ALPHANUMERIC:
        raise Refused(Status.ESME_RINVDSTTON, "destination_addr cannot be alphanumeric (ton 5)")
    exit_code, digits = _strip(number)
    result = None
    if digits.isascii() and digits.isdigit():
        if country in _OURS:
            result = _read(digits, exit_code != "", ton == _TON_INTERNATIONAL, country)
        elif country is not None:
            result = _read_elsewhere(digits, exit_code, ton == _TON_INTERNATIONAL, country)
    if result is None or not _plausible(result, country):
        raise Refused(
            Status.ESME_RINVDSTADR, "destination_addr is not a telephone number that can be reached"
        )
    return result


def _strip(number: str) -> tuple[str, str]:
    """The international prefix at the start ("+", "00", "810" or ""), and the rest without separators."""
    digits = number if number.isalnum() else number.translate(_SEPARATORS)
    if digits.startswith("+"):
        return "+", digits[1:]
    if digits.startswith("00"):
        return "00", digits[2:]
    if digits.startswith(_LONG_DISTANCE_EXIT) and len(digits) >= len(_LONG_DISTANCE_EXIT) + _MIN_COMPLETE:
        return _LONG_DISTANCE_EXIT, digits[len(_LONG_DISTANCE_EXIT) :]
    return "", digits


def _read(digits: str, explicit: bool, ton_international: bool, country: str | None) -> str | None:
    """International digits by the forms of Belarus and Russia. None when they are not certain."""
    international = explicit or ton_international
    if international and _MIN_COMPLETE <= len(digits) <= _MAX_INTERNATIONAL:
        if _COUNTRY_CODE.match(digits):
            return digits
        return _bare(digits) or _from_national(digits, country) or digits
    if explicit:  # no country code may be added: +299 491234 is in Greenland, not in Belarus
        return _short(digits)
    found = _bare(digits) or _from_national(digits, country)
    return found if found or not ton_international else _short(digits)


def _bare(digits: str) -> str | None:
    """A complete Russian, Kazakh or Belarusian mobile number. Every account may send these as they are."""
    if (digits.startswith("7") and len(digits) == 11) or _BY_MOBILE.fullmatch(digits):
        return digits
    return None


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


def _read_elsewhere(digits: str, exit_code: str, ton_international: bool, country: str) -> str | None:
    """International digits by the numbering plan of another country. None when they are not certain."""
    from smppbridge.model import numbering  # noqa: PLC0415 - its library takes 20 ms and 3 MB

    readings = numbering.readings(digits, exit_code, ton_international, country)
    if not readings and not exit_code:
        return _bare(digits)
    return readings[0] if len(readings) == 1 else None


def _short(digits: str) -> str | None:
    """A complete international number of fewer than 11 digits, as in Norway or Singapore. Else None."""
    from smppbridge.model import numbering  # noqa: PLC0415 - as above

    return numbering.abroad(digits)
