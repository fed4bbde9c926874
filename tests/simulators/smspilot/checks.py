"""What smspilot's simulator demands of one message and of its parameters. All input is hostile."""

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from smppbridge.smpp.text import parts
from tests.simulators.smspilot.errors import Refusal

MAX_PARTS = 10  # API-2 §1
MOMENT = "%Y-%m-%d %H:%M:%S"

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
_STAMP = re.compile(r"\d{1,10}", re.ASCII)
_WHOLE = re.compile(r"\d{1,19}", re.ASCII)
_URL = re.compile(r"https?://[^/\s]+")


def is_on(flag: object) -> bool:
    """A switch such as `test` or `cost`: 0, "0", "" and nothing are off."""
    return bool(flag) and flag != "0"


def count_parts(text: object) -> int:
    """How many short messages carry ``text``; 0 if it is none that a phone can show."""
    if not isinstance(text, str) or not text:
        return 0
    try:
        return parts(text)
    except ValueError:  # a lone surrogate
        return 0


def phone_error(to: object) -> int:
    """What is wrong with a recipient by itself; 0 if nothing."""
    if not to:
        return 108
    if not isinstance(to, str) or not to.isascii() or not to.isdigit():
        return 111
    return 0 if 11 <= len(to) <= 15 else 215


def text_error(count: int) -> int:
    """What is wrong with a text of so many parts; 0 if nothing."""
    if not count:
        return 220
    return 221 if count > MAX_PARTS else 0


def check_parameters(row: Mapping[str, Any], now: float) -> float:
    """When the message is to go out, 0.0 = at once. A malformed parameter spoils the whole packet.

    Raises Refusal 230, 250, 260 or 270.
    """
    if not _whole(row.get("id", 0), 0, 2**63 - 1):
        raise Refusal(230)
    if "ttl" in row and not _whole(row["ttl"], 1, 1440):
        raise Refusal(270)
    callback = row.get("callback")
    if callback and not (isinstance(callback, str) and _is_url(callback)):
        raise Refusal(260)
    if row.get("callback_method", "get") not in ("get", "post"):
        raise Refusal(260)
    if not row.get("send_datetime"):
        return 0.0
    moment = moment_of(row["send_datetime"])
    if moment is None or moment <= now:
        raise Refusal(250)
    return moment


def moment_of(value: object) -> float | None:
    """Seconds since 1970 of a UTC `YYYY-MM-DD HH:MM:SS` or of a UNIX timestamp; None if it is neither."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    if isinstance(value, int):
        return float(value) if 0 <= value < 10**10 else None
    if _STAMP.fullmatch(value):
        return float(value)
    if not _MOMENT.fullmatch(value):
        return None
    try:
        return datetime.strptime(value, MOMENT).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _printed(second: int) -> str:
    return time.strftime(MOMENT, time.gmtime(second))


def print_moment(seconds: float) -> str:
    """UTC, to the second."""
    return _printed(int(seconds))


@lru_cache(maxsize=1024)
def _is_url(address: str) -> bool:
    return _URL.match(address) is not None


def _whole(value: object, low: int, high: int) -> bool:
    if isinstance(value, int):
        return not isinstance(value, bool) and low <= value <= high
    return isinstance(value, str) and _WHOLE.fullmatch(value) is not None and low <= int(value) <= high
