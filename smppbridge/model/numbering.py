"""Telephone numbers of every country by its numbering plan, with the library `phonenumbers`.

The library takes 20 ms and 3 MB to load, and about 20 µs for a number. So this module is imported only when
an account needs it, and it caches its results.
"""

from functools import lru_cache

from phonenumbers import (
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
    country_code_for_region,
    format_number,
    is_possible_number_with_reason,
    is_valid_number,
    national_significant_number,
    number_type,
    parse,
)

WHOLE = 11  # digits of an international number in most countries; shorter numbers must be in use
_MAX_INTERNATIONAL = 15  # E.164
_MAX_DIALLED = 20  # digits, with an exit code and a carrier's
_REMEMBERED = 4096
_MOBILE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


@lru_cache(_REMEMBERED)
def readings(digits: str, exit_code: str, ton_international: bool, country: str) -> tuple[str, ...]:
    """All numbers, in international digits, that ``digits`` can mean in ``country``.

    ``exit_code``: what stood before the digits: "+", "00", "810" or "". ``ton_international`` counts only for
    at least WHOLE digits. There can be several results: in Brazil ``00 61 …`` is a number in Australia, or a
    number behind the code of a carrier.
    """
    far = abroad(digits) if exit_code or ton_international else None
    if far and not exit_code and len(digits) >= WHOLE:
        return (far,)
    found = {far, _at_home(exit_code + digits, country)}
    if not exit_code and digits.startswith(str(country_code_for_region(country))):
        found.add(_digits_of(_in_use("+" + digits, None)))
    return tuple(number for number in found if number)


@lru_cache(_REMEMBERED)
def abroad(digits: str) -> str | None:
    """The number that begins with its country code, or None.

    1. With fewer than WHOLE digits it must be in a range that is in use: more likely digits are missing.
    2. With more digits its length must be possible in that country. Ranges are not checked, because countries
       open new ones faster than the library is updated.
    """
    number = _parse("+" + digits, None) if len(digits) <= _MAX_INTERNATIONAL else None
    result = _digits_of(number)
    if number is None or result is None:
        return None
    if len(result) < WHOLE or result != digits:  # other digits: without a (0), as in +44 (0)7911
        return result if is_valid_number(number) else None
    possible = is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
    return result if possible else None


def _at_home(dialled: str, country: str) -> str | None:
    """The number that ``dialled`` reaches from ``country``: a national one, or one behind the exit code.

    Some countries have a prefix for long distance (``0`` in Germany). There a number without the prefix
    counts only if it is a mobile number: land lines are dialled without the area code, too.
    """
    number = _in_use(dialled, country)
    plan = PhoneMetadata.metadata_for_region(country)
    if number and plan and plan.national_prefix and national_significant_number(number) == dialled:
        return _digits_of(number) if number_type(number) in _MOBILE else None
    return _digits_of(number)


def _in_use(dialled: str, country: str | None) -> PhoneNumber | None:
    """The number, if it is in a range that is in use. Else None."""
    number = _parse(dialled, country) if len(dialled) <= _MAX_DIALLED else None
    return number if number and is_valid_number(number) else None


def _parse(dialled: str, country: str | None) -> PhoneNumber | None:
    try:
        return parse(dialled, country)
    except NumberParseException:
        return None


def _digits_of(number: PhoneNumber | None) -> str | None:
    return format_number(number, PhoneNumberFormat.E164).removeprefix("+") if number else None
