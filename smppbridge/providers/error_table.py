"""The classes of the mapping tables, and the error each one becomes.

A provider's table is ``{code: Rule}``; everything that a code decides is in its row.
"""

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from smppbridge.errors import Disabled, Postponed, ProviderError, Rejected, Throttled, Unavailable

MAX_REASON = 200
MAX_DETAILS = 200  # characters
OPERATOR = ("operator", "country", "mccmnc")  # what `details_of` makes `Particulars.operator` of
_LETTERS = dict(zip("абвгдеёзийклмнопрстуфыэ", "abvgdeeziyklmnoprstufye", strict=True)) | {
    **{"ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ю": "yu", "я": "ya"},
    **{"ъ": "", "ь": ""},
}
_LATIN = str.maketrans(_LETTERS | {cyrillic.upper(): latin.title() for cyrillic, latin in _LETTERS.items()})
_LONG_NUMBER = re.compile(r"\d(?:[\s().-]{0,3}\d){6,}")  # also written as +7 (921) 123-45-67


class Kind(Enum):
    """What a provider's error code says about the message, or about us."""

    PERM = "perm"  # this message fails for good
    RETRY = "retry"  # the same message later
    THROTTLE = "throttle"  # slower, then again
    ACCOUNT = "account"  # nothing goes until a person acts: hold everything
    WINDOW = "window"  # the same message later; others may go meanwhile
    BUG = "bug"  # our request is wrong: the message fails, a developer must look


class Rule(NamedTuple):
    """One row of an error table."""

    kind: Kind
    status: int  # command_status for an ESME that waits
    pause: float = 300.0  # seconds: ACCOUNT and WINDOW until the next try, THROTTLE until the next request
    about_message: bool = False  # one message of a packet is at fault, the others may go


def to_error(rule: Rule, code: int, reason: str) -> ProviderError:
    """The exception that a row of a table stands for."""
    word = str(code)
    if rule.kind is Kind.RETRY:
        return Unavailable(reason, code=word, status=rule.status)
    if rule.kind is Kind.THROTTLE:
        return Throttled(reason, after=rule.pause, code=word, status=rule.status)
    if rule.kind is Kind.WINDOW:
        return Postponed(reason, after=rule.pause, code=word, status=rule.status)
    if rule.kind is Kind.ACCOUNT:
        return Disabled(reason, pause=rule.pause, code=word, status=rule.status)
    return Rejected(reason, code=word, status=rule.status, err=receipt_err(code))


def receipt_err(code: int) -> int:
    """A provider's code as the three digits of a receipt's err; 999 when it has more."""
    return code if 0 <= code <= 999 else 999


def safe_reason(text: str, *secrets: str) -> str:
    """A provider's words as one line that may be logged: no secrets, no telephone numbers, not long."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    text = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * MAX_REASON]).split())
    return _LONG_NUMBER.sub(lambda number: number[0][:4] + "***", text)[:MAX_REASON]


def details_of(fields: Mapping[str, str], keys: Sequence[str]) -> str:
    """What a number check found, as ``key=value`` words in the order of ``keys``; "" for none of them.

    Printable ASCII only, spaces inside a value become "_", Russian names Latin ones: it goes into the text
    of a receipt.
    """
    words = (f"{key}={_word(fields[key])}" for key in keys if fields.get(key))
    return " ".join(words)[:MAX_DETAILS]


def _word(value: str) -> str:
    latin = "_".join(value.split()).translate(_LATIN)
    return "".join(c for c in latin if " " < c < "\x7f")
