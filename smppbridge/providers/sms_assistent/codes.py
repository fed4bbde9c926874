"""sms-assistent.by's two tables: result code -> what we do, status word -> message_state.

Sources: sms-assistent.by API v1 §1.2 (codes) and §1.3 (statuses); codes from -16 on belong to newer versions
of the API, whose own clients name them.
"""

from smppbridge.errors import ProviderError, Rejected
from smppbridge.model.message import State
from smppbridge.providers import error_table
from smppbridge.providers.error_table import Kind, Rule
from smppbridge.smpp.constants import Status

NO_MONEY, BAD_RECIPIENT, SERVICE_DOWN, BAD_ID, OTHER, BLOCKED, BAD_DATE = -1, -4, -10, -11, -12, -13, -15
AUTH_PAUSE = 1800.0  # seconds; a wrong password does not become right by itself
WINDOW_PAUSE = 900.0  # seconds until the hours of the account are tried again

_TEXT = Rule(Kind.PERM, Status.ESME_RINVTEXT)
_RECIPIENT = Rule(Kind.PERM, Status.ESME_RINVDSTADR)
_SENDER = Rule(Kind.PERM, Status.ESME_RINVSRCADR)
_BUG = Rule(Kind.BUG, Status.ESME_RSYSERR)
_RETRY = Rule(Kind.RETRY, Status.ESME_RSYSERR)
_ACCOUNT = Rule(Kind.ACCOUNT, Status.ESME_RSYSERR)

ERRORS: dict[int, Rule] = {
    NO_MONEY: Rule(Kind.ACCOUNT, Status.ESME_RNOMONEY),
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

_PLEASE_REPORT = "our request is wrong, please report this"
WORDS: dict[int, str] = {
    NO_MONEY: "not enough money at sms-assistent",
    -2: "sms-assistent does not know this login or password",
    -3: "sms-assistent found no text",
    BAD_RECIPIENT: "sms-assistent does not take this recipient's number",
    -5: "sender {sender} is not registered at sms-assistent",
    -6: f"no login; {_PLEASE_REPORT}",
    -7: f"no password; {_PLEASE_REPORT}",
    SERVICE_DOWN: "sms-assistent is temporarily unavailable",
    BAD_ID: "sms-assistent does not know this sms_id",
    OTHER: "other error at sms-assistent, perhaps the API is not switched on in the cabinet",
    BLOCKED: "blocked by sms-assistent",
    -14: "outside the hours in which the account may send, see the personal settings in the cabinet",
    BAD_DATE: "sms-assistent does not take this date_send",
    -16: "there are no templates at sms-assistent",
    -17: "no sender is available at sms-assistent",
    -18: f"template not found; {_PLEASE_REPORT}",
    **dict.fromkeys(range(-23, -18), f"confirmation by code; {_PLEASE_REPORT}"),
    -24: f"bad callback address; {_PLEASE_REPORT}",
    -25: f"bad number check; {_PLEASE_REPORT}",
    -26: f"bad number check; {_PLEASE_REPORT}",
    -27: "sms-assistent has blocked the account",
}
MALFORMED = f"other packages pass, so this one may be malformed: {_PLEASE_REPORT}"  # -10


OTHER_TRIES = 2  # a package that "other error" met so often is no accident: the account is at fault
UNKNOWN_TRIES = 3  # rounds after which a code that no list holds refuses a message, where others are taken


def words_of(code: int, sender: str = "") -> str:
    """A code in words. ``sender``: of the message that was refused, "" for the account's own."""
    return WORDS.get(code, "a code that no manual names").format(sender=sender or "of the account")


def rule_for(code: int, tries: int) -> Rule:
    """The row for ``code`` (negative). ``tries``: finished rounds of the message so far."""
    known = ERRORS.get(code)
    if known is None:
        return _RETRY if tries < UNKNOWN_TRIES else _BUG
    return _ACCOUNT if code == OTHER and tries >= OTHER_TRIES else known


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

_STATUS_WORDS = {
    "Expired": "the time was over before sms-assistent could deliver it",
    "Rejected": "sms-assistent could not deliver it, or it was refused",
    "Failed": "sms-assistent did not send it: stop list, bad number, network, length or money",
}


def words_of_status(word: str) -> str:
    """Why a message did not arrive, by the status that ended it (§1.3); "" for other statuses."""
    return f"{word}: {_STATUS_WORDS[word]}" if word in _STATUS_WORDS else ""


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
