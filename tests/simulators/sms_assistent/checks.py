"""What sms-assistent's simulator says about a recipient, a sender and a date, each by itself.

What the manual leaves open (spaces in a number, numbers of other countries with brackets) is refused.
"""

import re
import time
from datetime import datetime, timedelta, timezone

MINSK = timezone(timedelta(hours=3))  # no summer time
SOONEST = 600.0  # seconds ahead that a date_send must be at least (§2.1)

# §3.1, §4.1: 296717259, 8(029)671-72-59, (29)671-72-59, and the same with the country
_OPERATOR = "(?:24|25|29|33|44)"
_BELARUS = re.compile(
    rf"(?:(?:\+?375|80)?{_OPERATOR}|8\(0{_OPERATOR}\)|\({_OPERATOR}\))[0-9]{{3}}-?[0-9]{{2}}-?[0-9]{{2}}"
)
# 80 and 89 are no countries but national numbers of Belarus and Russia; 810 is how they dial abroad
_FOREIGN = re.compile(r"\+?((?!375|7|8[09]|810)[1-9][0-9]{10,14}|7[0-9]{10})")
_SENDER = re.compile(
    r"(?!\+?[0-9]+\Z)[A-Za-z0-9_%#@!*()\-.;?'&<>+=:]{1,11}"
)  # §1.1; no numbers since 30-09-15
_DATE = re.compile(r"[0-9]{12}")


def recipient_digits(value: object) -> str:
    """The international number without +, "" if it is none."""
    if not isinstance(value, str):
        return ""
    if _BELARUS.fullmatch(value):
        return "375" + some_digits(value)[-9:]
    foreign = _FOREIGN.fullmatch(value)
    return foreign[1] if foreign else ""


def some_digits(value: object) -> str:
    """The digits of what may be no number at all, the first 15."""
    return "".join(re.findall("[0-9]", value))[:15] if isinstance(value, str) else ""


def sender_fits(value: object) -> bool:
    """Whether it is spelt as a sender may be; that the account has it is another question."""
    return isinstance(value, str) and _SENDER.fullmatch(value) is not None


def seconds_ahead(date_send: object) -> float | None:
    """From now to ``date_send`` (YYYYMMDDhhmm in Minsk), None if it is no date or nearer than 10 minutes."""
    if not isinstance(date_send, str) or not _DATE.fullmatch(date_send):
        return None
    try:
        moment = datetime.strptime(date_send, "%Y%m%d%H%M").replace(tzinfo=MINSK)
        ahead = moment.timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return ahead if ahead >= SOONEST else None
