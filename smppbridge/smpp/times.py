"""schedule_delivery_time and validity_period: ``YYMMDDhhmmsstnnp`` (SMPP 3.4 §7.1.1).

All datetimes are aware, in UTC.
"""

import calendar
from datetime import UTC, datetime, timedelta

_LENGTH = 16
_MAX_QUARTERS = 48  # nn: offset of the local time in quarters of an hour, up to 12 hours
_FIRST_YEAR, _LAST_YEAR = 1938, 2037  # what two digits can name (SMPP 3.4 Appendix C)
_MAX_RELATIVE_DAYS = 31


def full_year(two_digits: int) -> int:
    """The year of two digits: 00..37 are 2000..2037, 38..99 are 1938..1999 (SMPP 3.4 Appendix C)."""
    return two_digits + (2000 if two_digits <= _LAST_YEAR % 100 else 1900)


def parse_time(value: str, now: datetime) -> datetime | None:
    """The moment that ``value`` means, in UTC. None for "", which means at once, or the default.

    1. An absolute time ends with + or -: local time with its distance from UTC.
    2. A relative time ends with R. Years and months count by the calendar from ``now`` (aware, UTC); the rest
       are durations. Tenths and quarters are ignored.

    Raises ValueError, which says what is wrong.
    """
    if not value:
        return None
    if len(value) != _LENGTH:
        raise ValueError(f"a time has 0 or {_LENGTH} characters, not {len(value)}")
    digits, direction = value[:-1], value[-1]
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError("the first 15 characters of a time must be digits")
    if direction == "R":
        return _relative(digits, now)
    if direction not in "+-":
        raise ValueError("a time must end in +, - or R")
    return _absolute(digits, direction)


def format_absolute(moment: datetime) -> str:
    """An aware time as ``YYMMDDhhmmss000+``, in UTC, cut to the second.

    Raises ValueError for years outside 1938..2037.
    """
    utc = moment.astimezone(UTC)
    if not _FIRST_YEAR <= utc.year <= _LAST_YEAR:
        raise ValueError(f"the year {utc.year} cannot be written with two digits")
    return utc.strftime("%y%m%d%H%M%S") + "000+"


def format_relative(seconds: int) -> str:
    """``seconds`` from now as ``0000DDhhmmss000R``. Raises ValueError below 0 and from 32 days on.

    Months are not used, because their length depends on the date of the reader. DD ends at 31, because strict
    peers refuse more.
    """
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if not 0 <= days <= _MAX_RELATIVE_DAYS:
        raise ValueError(f"a relative time must be 0 to {_MAX_RELATIVE_DAYS} days, not {seconds} seconds")
    return f"0000{days:02}{hour:02}{minute:02}{second:02}000R"


def _absolute(digits: str, direction: str) -> datetime:
    quarters = int(digits[13:15])
    if quarters > _MAX_QUARTERS:
        raise ValueError(
            f"the distance from UTC is {quarters} quarters of an hour, more than {_MAX_QUARTERS}"
        )
    year, month, day, hour, minute, second = _pairs(digits)
    try:
        local = datetime(full_year(year), month, day, hour, minute, second, int(digits[12]) * 100_000, UTC)
    except ValueError as error:
        raise ValueError(f"no such date: {error}") from None
    offset = timedelta(minutes=15 * quarters)
    return local - offset if direction == "+" else local + offset  # "+": local time is ahead of UTC


def _relative(digits: str, now: datetime) -> datetime:
    years, months, days, hours, minutes, seconds = _pairs(digits)
    year, month = divmod(now.year * 12 + now.month - 1 + 12 * years + months, 12)
    last_day = calendar.monthrange(year, month + 1)[1]  # a month after 31 January is the end of February
    moved = now.replace(year=year, month=month + 1, day=min(now.day, last_day))
    return moved + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _pairs(digits: str) -> list[int]:
    return [int(digits[at : at + 2]) for at in range(0, 12, 2)]
