"""The optional parameters of smsc.ru's send.php: which values they may have and what they mean."""

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone

from tests.simulators.smsc_ru.rules import Refusal
from tests.simulators.smsc_ru.wire import CHARSETS, Query

MOSCOW = timezone(timedelta(hours=3))
EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)
FLAGS = ("flash", "push", "hlr", "ping", "mms", "mail", "soc", "viber", "whatsapp", "tg", "call")
SERVICES = (*FLAGS, "bin", "bot")


def _one_of(*values: str) -> Callable[[str], bool]:
    return lambda value: value in values


def _between(low: float, high: float) -> Callable[[str], bool]:
    return lambda value: (
        re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value) is not None and low <= float(value) <= high
    )


def _whole(low: int, high: int) -> Callable[[str], bool]:
    return lambda value: re.fullmatch(r"[0-9]{1,9}", value) is not None and low <= int(value) <= high


def _matches(pattern: str) -> Callable[[str], bool]:
    return lambda value: re.fullmatch(pattern, value) is not None


def _is_validity(value: str) -> bool:
    """Hours, 1 to 24, or hh:mm from 00:01 to 24:00 (send.php, valid)."""
    if _whole(1, 24)(value):
        return True
    clock = re.fullmatch(r"([0-9]{2}):([0-5][0-9])", value)
    return clock is not None and 1 <= int(clock[1]) * 60 + int(clock[2]) <= 24 * 60


_CHECKS: Mapping[str, Callable[[str], bool]] = {
    **dict.fromkeys((*FLAGS, "tinyurl", "nl", "err", "op"), _one_of("0", "1")),
    "fmt": _one_of("0", "1", "2", "3"),
    "cost": _one_of("0", "1", "2", "3"),
    "bin": _one_of("0", "1", "2"),
    "translit": _one_of("0", "1", "2"),
    "charset": lambda value: value.lower() in CHARSETS,
    "id": _matches(r"[A-Za-z0-9._-]{1,40}"),
    "tz": _matches(r"[+-]?([0-9]|1[0-2])(\.[0-9])?"),
    "period": _between(0.1, 720),
    "freq": _whole(1, 1440),
    "valid": _is_validity,
    "maxsms": _whole(1, 255),
    "smsreq": _whole(10, 999),
    "bot": _matches(r"@[A-Za-z0-9_]+"),
    "fileurl": _matches(r"https?://[^/\s]+\S*"),
    "voice": _matches(r"(m|m2|m3|m4|w|w2|w3|w4)(,[a-z]{2})?"),
}


def check_parameters(query: Query) -> None:
    """Raises Refusal(1) for a value that the manual does not allow, Refusal(5) for a bad time."""
    if not all(check(query.get(name)) for name, check in _CHECKS.items() if query.get(name)):
        raise Refusal(1)
    if query.rest and query.get("bin") == "1":
        raise Refusal(1)  # raw octets do not fit into JSON
    explicit_service(query)
    if time_of(query) is None:
        raise Refusal(5)


def explicit_service(query: Query) -> str:
    """The service that a parameter names, "" for a plain SMS. Raises Refusal(1) for two at once."""
    chosen = [name for name in SERVICES if query.get(name, "0") != "0"]
    if len(chosen) > 1:
        raise Refusal(1)
    return chosen[0] if chosen else ""


def time_of(query: Query) -> float | None:
    """When to send, in Unix seconds; a past moment means now (send.php, time). None for a bad value."""
    moment, now = query.get("time", "0"), time.time()
    zone = timezone(timedelta(hours=3 + float(query.get("tz", "0"))))
    if re.fullmatch(r"[0-9]{10}", moment):
        return _clock(moment, "%d%m%y%H%M", zone)
    if re.fullmatch(r"0[0-9]{0,12}", moment):
        return float(moment)
    if re.fullmatch(r"\+[0-9]{1,7}", moment):
        return now + 60 * int(moment[1:])
    if hours := re.fullmatch(r"([0-9]{1,2})-([0-9]{1,2})", moment):
        return in_hours(int(hours[1]), int(hours[2]), datetime.fromtimestamp(now, zone))
    return _clock(moment, "%d.%m.%y %H:%M", zone)


def _clock(moment: str, layout: str, zone: timezone) -> float | None:
    try:
        return datetime.strptime(moment, layout).replace(tzinfo=zone).timestamp()
    except ValueError:
        return None


def in_hours(first: int, last: int, now: datetime) -> float | None:
    """Now if it is between the two hours, else the next time the first one strikes."""
    if first > 23 or last > 24:
        return None
    start = now.replace(hour=first, minute=0, second=0, microsecond=0)
    if now < start:
        return start.timestamp()
    return now.timestamp() if now.hour < last else (start + timedelta(days=1)).timestamp()


def used_param(value: str) -> str:
    """What the ``param`` of a call comes to, as "wait,interval,tries": out of range means all defaults."""
    given = re.fullmatch(r"([0-9]{1,2}),([0-9]{1,4}),([0-9])", value)
    if given is None or int(given[2]) > 3600:
        return "25,3-14,8"
    wait, interval, tries = (int(text) for text in given.groups())
    return f"{min(max(wait, 10), 35)},{max(interval, 10)},{max(tries, 1)}"


def moscow_time(seconds: float) -> str:
    """A moment the way smsc.ru prints it."""
    return datetime.fromtimestamp(seconds, UTC).astimezone(MOSCOW).strftime("%d.%m.%Y %H:%M:%S")
