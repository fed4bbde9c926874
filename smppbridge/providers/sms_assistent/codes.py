"""sms-assistent.by's two tables: result code -> what we do, status word -> message_state.

Sources: sms-assistent.by API v1 §1.2 (codes) and §1.3 (statuses); codes from -16 on belong to newer versions
of the API, whose own clients name them.
"""

from smppbridge.errors import ProviderError, Rejected
from smppbridge.model.message import State
from smppbridge.providers import error_table
from smppbridge.providers.error_table import Kind, Rule
from smppbridge.smpp.constants import Status

WHO = "sms-assistent"
BAD_RECIPIENT, SERVICE_DOWN, BAD_ID, OTHER, BLOCKED, BAD_DATE = -4, -10, -11, -12, -13, -15
AUTH_PAUSE = 1800.0  # seconds; a wrong password does not become right by itself
WINDOW_PAUSE = 900.0  # seconds until the hours of the account are tried again

_TEXT = Rule(Kind.PERM, Status.ESME_RINVTEXT, about_message=True)
_RECIPIENT = Rule(Kind.PERM, Status.ESME_RINVDSTADR, about_message=True)
_SENDER = Rule(Kind.PERM, Status.ESME_RINVSRCADR, about_message=True)
_BUG = Rule(Kind.BUG, Status.ESME_RSYSERR)
_RETRY = Rule(Kind.RETRY, Status.ESME_RSYSERR)
_ACCOUNT = Rule(Kind.ACCOUNT, Status.ESME_RSYSERR)

ERRORS: dict[int, Rule] = {
    -1: Rule(Kind.ACCOUNT, Status.ESME_RNOMONEY),
    -2: Rule(Kind.ACCOUNT, Status.ESME_RSYSERR, pause=AUTH_PAUSE),
    -3: _TEXT,
    BAD_RECIPIENT: _RECIPIENT,
    -5: _SENDER,
    -6: _BUG,
    -7: _BUG,
    SERVICE_DOWN: _RETRY,  # newer versions: the package is malformed
    BAD_ID: Rule(Kind.BUG, Status.ESME_RINVMSGID),  # only a status question has an id
    OTHER: _RETRY,  # newer versions: the API is not switched on in the cabinet
    BLOCKED: _ACCOUNT,
    -14: Rule(Kind.WINDOW, Status.ESME_RSUBMITFAIL, pause=WINDOW_PAUSE),
    BAD_DATE: Rule(Kind.BUG, Status.ESME_RINVSCHED),  # of a message without a date; see date_refused()
    -16: _BUG,
    -17: _ACCOUNT,
    **dict.fromkeys(range(-26, -17), _BUG),
    -27: _ACCOUNT,
}

WORDS: dict[int, str] = {
    -1: "no money",
    -2: "wrong login or password",
    -3: "no text",
    BAD_RECIPIENT: "bad recipient",
    -5: "bad sender",
    -6: "no login",
    -7: "no password",
    SERVICE_DOWN: "service unavailable, or the package is malformed",
    BAD_ID: "bad message id",
    OTHER: "other error, or the API is not switched on",
    BLOCKED: "blocked",
    -14: "outside the hours of the account",
    BAD_DATE: "bad date_send",
    -16: "no templates",
    -17: "no sender is available",
    -18: "template not found",
    **dict.fromkeys(range(-23, -18), "confirmation by code"),
    -24: "bad callback address",
    -25: "bad number check",
    -26: "bad number check",
    -27: "account blocked",
}

# code -> after so many finished rounds the row changes to this one
_PATIENCE: dict[int, tuple[int, Rule]] = {SERVICE_DOWN: (3, _BUG), OTHER: (2, _ACCOUNT)}
UNKNOWN_TRIES = 3  # a code that no list holds is tried again this many times


def rule_for(code: int, tries: int) -> Rule:
    """The row for ``code`` (negative). ``tries``: finished rounds of the message so far."""
    known = ERRORS.get(code)
    if known is None:
        return _RETRY if tries < UNKNOWN_TRIES else _BUG
    limit, then = _PATIENCE.get(code, (tries + 1, known))
    return known if tries < limit else then


def to_error(rule: Rule, code: int, reason: str) -> ProviderError:
    """The exception that a row stands for; a receipt's err of code -n is 400 + n (§1.2 has -1 to -15)."""
    error = error_table.to_error(rule, code, reason)
    if isinstance(error, Rejected):
        error.err = refusal_err(code)
    return error


def refusal_err(code: int) -> int:
    """A receipt's err, 401 to 999, for a refusal with the negative ``code``."""
    return error_table.receipt_err(400 - code)


UNKNOWN_ERR = 454

# word in small letters -> spelling, state, final, err of the receipt
_STATUSES: dict[str, tuple[str, State, bool, int]] = {
    "queued": ("Queued", State.ACCEPTED, False, 0),
    "sent": ("Sent", State.ENROUTE, False, 0),
    "delivered": ("Delivered", State.DELIVERED, True, 0),
    "expired": ("Expired", State.EXPIRED, True, 451),
    "rejected": ("Rejected", State.UNDELIVERABLE, True, 452),  # "not delivered", whatever its name says
    "failed": ("Failed", State.REJECTED, True, 453),
    "unknown": ("Unknown", State.UNKNOWN, False, UNKNOWN_ERR),
}
CODES = frozenset({*map(str, ERRORS), *(spelling for spelling, *_ in _STATUSES.values())})
"""Codes of refusals, and the words of statuses."""

_REJECTED_AS = {"UNDELIV": State.UNDELIVERABLE, "REJECTD": State.REJECTED}


def state_of(word: str, rejected_as: str) -> tuple[str, State, bool, int] | None:
    """(spelling, state, final, err) of a status word (§1.3) in any case; None for a word of no list.

    ``rejected_as``: "UNDELIV" or "REJECTD", what the word Rejected means.
    """
    key = word.strip().lower()
    if key == "rejected":
        spelling, _, final, err = _STATUSES[key]
        return spelling, _REJECTED_AS[rejected_as], final, err
    return _STATUSES.get(key)
