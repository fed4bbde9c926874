"""What sms-assistent.by's three formats have in common: records, numbers as they come, periods and dates."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

from smppbridge.model.message import Message, Particulars
from smppbridge.providers.error_table import details_of
from smppbridge.providers.http.lenient import counted, integer

MINSK = timezone(timedelta(hours=3))  # no summer time; the manual's samples set Europe/Minsk
MAX_VALIDITY = 48 * 3600  # seconds (§2.1, §3.1, §4.1)
MIN_VALIDITY = 60  # seconds; less would be over before an operator has the message
MAX_ANSWER = 256 * 1024  # octets; the answer about 1000 messages has about 100 for each

_SEPARATORS = str.maketrans("", "", "+ ()-")


class Login(NamedTuple):
    """What every request begins with."""

    login: str
    password: str


class SentRow(NamedTuple):
    """What an answer says about one message; None where it says nothing that can be read."""

    ref: str  # sms_id, "" for 0 and for what is no id
    parts: int | None  # sms_count
    error: int | None  # 0 = none
    recipient: str  # digits, "" where the answer has none
    operator: str = ""  # a number of their own list, seen live in JSON; "" for 0

    @property
    def told(self) -> Particulars:
        """What it says besides. Statuses repeat it."""
        operator = details_of({"operator": self.operator}, ("operator",))
        return Particulars(parts=counted(self.parts), operator=operator)


class StatusRow(NamedTuple):
    """What an answer says about the status of one message: a word, or a code."""

    ref: str
    word: str
    error: int = 0


class AssistAnswer(NamedTuple):
    """One answer of any kind; what the kind does not have is empty."""

    failure: int = 0  # the negative code of a refused request: nothing of it was carried out
    sent: tuple[SentRow, ...] = ()
    statuses: tuple[StatusRow, ...] = ()
    credits: float | None = None


def answer_text(body: bytes, errors: str = "strict") -> str:
    """An answer as text. Raises ValueError when it is larger than any honest one: reading it takes long."""
    if len(body) > MAX_ANSWER:
        raise ValueError("too large")
    return body.decode("utf-8-sig", errors)  # UnicodeDecodeError is a ValueError


def seconds_left(message: Message, now: int) -> float:
    """How long the provider may keep trying, from ``now`` (ms) or from when it is to send it."""
    return (message.deadline - max(now, message.send_at)) / 1000


def validity_seconds(message: Message, now: int) -> int:
    """validity_period of XML: 60 to 172800 s, rounded up (§3.1)."""
    return min(max(math.ceil(seconds_left(message, now)), MIN_VALIDITY), MAX_VALIDITY)


def validity_hours(message: Message, now: int) -> int:
    """validity_period of PLAIN and JSON: 1 to 48 h, rounded up (§2.1, §4.1)."""
    return min(max(math.ceil(seconds_left(message, now) / 3600), 1), MAX_VALIDITY // 3600)


def date_send(send_at: int) -> str:
    """``send_at`` (ms) as YYYYMMDDhhmm in Belarus, rounded up to a minute (§2.1)."""
    minutes = math.ceil(send_at / 60_000)
    moment = datetime.fromtimestamp(minutes * 60, UTC).astimezone(MINSK)
    return f"{moment:%Y%m%d%H%M}"


def sent(row: Mapping[str, object], error: object) -> SentRow:
    """One message of an answer to sending, JSON or XML; ``error`` is where that format has it."""
    return SentRow(
        message_id(row.get("sms_id")),
        integer(row.get("sms_count")),
        integer(error),
        digits(row.get("recipient")),
        _operator(row.get("operator")),
    )


def status(ref: object, value: object) -> StatusRow:
    """One message of an answer to a status question; ``value`` is its word or its negative code."""
    code = integer(value)
    if code is not None:
        return StatusRow(message_id(ref), "", min(code, 0))
    return StatusRow(message_id(ref), value if isinstance(value, str) else "")


def _operator(value: object) -> str:
    number = integer(value)
    return str(number) if number is not None and number > 0 else ""


def message_id(value: object) -> str:
    """An sms_id in its one spelling; "" for 0 (a refused message) and for anything that is no id."""
    number = integer(value)
    return str(number) if number is not None and number > 0 else ""


def digits(value: object) -> str:
    """The digits of a telephone number, however it is written; "" for none, and for 0."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > 30:
        return ""
    number = value.translate(_SEPARATORS).lstrip("0")
    return number if number.isascii() and number.isdigit() else ""
