"""smsc.ru's tables: send error -> what we do, message status -> message_state, and what error 9 means.

Sources: send.php (errors 1 to 9), the status list and its ``err`` codes. One list of ``err`` codes goes into
receipts; send errors 6, 7 and 8 are given the codes of that list that say the same, because its 6, 7 and 8
say something else.
"""

import re

from smppbridge.errors import Disabled, Postponed, ProviderError, Rejected, Throttled, Uncertain
from smppbridge.model.message import State
from smppbridge.providers.error_table import Kind, Rule, receipt_err, to_error
from smppbridge.smpp.constants import Status

NO_MONEY, BLOCKED, FORBIDDEN, REPEATED = 3, 4, 6, 9
AUTH_PAUSE = 1800.0  # five refused logins in half an hour block the address for half an hour
BAD_SENDS_PAUSE = 600.0  # a hundred refused messages in a row block it for ten minutes
DUPLICATE_PAUSE = 61.0  # the same message is taken once a minute
CONCURRENT_PAUSE = 1.0

_BUG = Rule(Kind.BUG, Status.ESME_RSYSERR)

ERRORS: dict[int, Rule] = {
    1: _BUG,  # parameters
    2: Rule(Kind.ACCOUNT, Status.ESME_RSYSERR, pause=AUTH_PAUSE),  # login, password, or our address
    NO_MONEY: Rule(Kind.ACCOUNT, Status.ESME_RNOMONEY),
    BLOCKED: Rule(Kind.ACCOUNT, Status.ESME_RSYSERR, pause=AUTH_PAUSE),  # our address, for a while
    5: Rule(Kind.BUG, Status.ESME_RINVSCHED),  # date
    FORBIDDEN: Rule(Kind.PERM, Status.ESME_RSUBMITFAIL),  # text, sender, or bulk without a contract
    7: Rule(Kind.PERM, Status.ESME_RINVDSTADR),  # telephone number
    8: Rule(Kind.PERM, Status.ESME_RNOROUTE),  # cannot be delivered to this number
    REPEATED: Rule(Kind.WINDOW, Status.ESME_RTHROTTLED, pause=DUPLICATE_PAUSE),  # see `to_send_error`
}

_WORDS = {
    1: "our request is wrong, please report this",
    2: "login, password or key is wrong, or the account does not allow our IP address",
    NO_MONEY: "there is less money than this costs",
    BLOCKED: "our IP address is blocked for a while, because of many wrong requests",
    5: "the time to send is wrong, please report this",
    FORBIDDEN: "the text, or the sender {sender}, is forbidden; bulk and advertising need a contract",
    7: "this is no telephone number that smsc.ru knows",
    8: "nothing can be delivered to this number",
    REPEATED: "the same was asked within a minute",
}


def words_of_error(code: int, words: str, sender: str = "") -> str:
    """What a send error means. ``words``: smsc.ru's, which tell the meanings of a code apart. ``sender``: of
    the message, "" for the account's own."""
    if code == REPEATED and _CONCURRENT.search(words):
        return "too many requests at once under this login"
    if code == FORBIDDEN and _is_sender(words):
        return f"the sender {sender or 'of the account'} is not registered at smsc.ru"
    known = _WORDS.get(code, "no list holds this code")
    return known.format(sender=sender or "of the account")


UNKNOWN_TRIES = 3  # rounds after which a code that no list holds refuses a message, where it is said of that

# err codes of the status list
BARRED_SENDER, SPAM, NO_ROUTE, WRONG_NUMBER, VIRTUAL = 254, 253, 248, 249, 200
_ERR_OF_ERROR = {FORBIDDEN: SPAM, 7: WRONG_NUMBER, 8: NO_ROUTE}

_CONCURRENT = re.compile(r"concurrent|одновременн", re.IGNORECASE)
_SENDER = re.compile(r"sender|отправител", re.IGNORECASE)
_TEXT = re.compile(r"text|текст", re.IGNORECASE)
_BAD_SENDS = re.compile(r"\bsend|отправк|сообщени|\b10\s*(?:min|мин)", re.IGNORECASE)


def rule_for(code: int, tries: int = 0) -> Rule:
    """The row for ``code``. ``tries``: finished rounds of the message that it is said of, or 0: it may be an
    outage. A code that no list holds is tried again at first."""
    unknown = Rule(Kind.RETRY, Status.ESME_RSYSERR) if tries < UNKNOWN_TRIES else _BUG
    return ERRORS.get(code, unknown)


def is_about_message(code: int, *, money_left: bool) -> bool:
    """Whether an error that names a message is about that message alone: not what refuses us, and not a lack
    of money, unless some is left, but less than this message costs."""
    if code == NO_MONEY:
        return money_left
    return rule_for(code).kind is not Kind.ACCOUNT


def to_send_error(code: int, words: str, reason: str, *, attempt: int = 1, tries: int = 0) -> ProviderError:
    """The error of a refused send request. ``words``: smsc.ru's, which alone tell the meanings of a code
    apart. ``tries``: see `rule_for`.

    Error 9 stands for too many requests at once, and for a message sent twice within a minute. Sent twice: a
    first attempt repeats a message of somebody else, and waits; a later attempt may repeat an earlier one of
    its own, whose answer was lost, and is uncertain.
    """
    if code == REPEATED:
        return _repeated(words, reason, attempt)
    rule = rule_for(code, tries)
    if code == BLOCKED and _BAD_SENDS.search(words):
        return Disabled(reason, pause=BAD_SENDS_PAUSE, code=str(code), status=rule.status)
    if code == FORBIDDEN and _is_sender(words):
        return Rejected(reason, code=str(code), status=Status.ESME_RINVSRCADR, err=BARRED_SENDER)
    if rule.kind in (Kind.PERM, Kind.BUG):
        return Rejected(reason, code=str(code), status=rule.status, err=_ERR_OF_ERROR.get(code, 0))
    return to_error(rule, code, reason)


def _is_sender(words: str) -> bool:
    """Whether error 6 is about the sender alone."""
    return bool(_SENDER.search(words)) and not _TEXT.search(words)


def _repeated(words: str, reason: str, attempt: int) -> ProviderError:
    code, status = str(REPEATED), Status.ESME_RTHROTTLED
    if _CONCURRENT.search(words):
        return Throttled(reason, after=CONCURRENT_PAUSE, code=code, status=status)
    if attempt > 1:
        return Uncertain(reason, code=code, status=status)
    return Postponed(reason, after=DUPLICATE_PAUSE, code=code, status=status)


MISSING = 3  # what error 3 means to status.php and get.php
NOT_FOUND, OUT_OF_MONEY = -3, 24  # statuses

_STATUSES: dict[int, tuple[State, bool]] = {
    NOT_FOUND: (State.UNKNOWN, False),  # until it is surely not only late
    -2: (State.ENROUTE, False),  # stopped before it left
    -1: (State.ACCEPTED, False),  # waiting, or scheduled
    0: (State.ENROUTE, False),  # with the operator
    1: (State.DELIVERED, True),
    2: (State.DELIVERED, True),  # read
    3: (State.EXPIRED, True),
    4: (State.DELIVERED, True),  # a link in it was opened
    20: (State.UNDELIVERABLE, True),
    22: (State.UNDELIVERABLE, True),  # wrong number
    23: (State.REJECTED, True),  # forbidden
    OUT_OF_MONEY: (State.REJECTED, True),
    25: (State.UNDELIVERABLE, True),  # number out of reach
}
CODES = frozenset(map(str, (*ERRORS, *(status for status in _STATUSES if status > 0))))
"""Codes of refusals: send errors, and statuses as `word_of` begins them."""

_STATUS_WORDS = {
    NOT_FOUND: "no such message is known there",
    3: "the time of the message was over",
    20: "it cannot be delivered",
    22: "the number is wrong",
    23: "the message is forbidden: by the account's limits, a black list, a filter, or the sender",
    OUT_OF_MONEY: "there was less money than this costs",
    25: "the number is out of reach, or no operator takes messages for it",
}
_ERR_WORDS = {
    1: "the subscriber does not exist",
    6: "the phone is off or out of reach",
    11: "the subscriber has no such service, roams, or has a landline",
    12: "an error in the phone or its SIM card",
    13: "the subscriber is blocked",
    21: "the phone does not support this",
    219: "the SIM card was replaced: no senders with names for a day",
    220: "the operator's queue is full",
    237: "nobody answered the call",
    238: "there is no template for this text",
    239: "our IP address is not allowed",
    240: "the line was busy",
    241: "the text cannot be converted, or not all parts came",
    242: "an answering machine took the call",
    243: "there is no contract",
    244: "mailings are not allowed",
    245: "no status came",
    246: "the account allows no messages at this time",
    247: "the account's limit of messages for a day is reached",
    NO_ROUTE: "there is no route to this number",
    WRONG_NUMBER: "the number is wrong",
    250: "the account's settings bar this number",
    251: "the limit of messages to this number for a day is reached",
    252: "the number is barred",
    SPAM: "a filter takes it for spam",
    BARRED_SENDER: "the sender is not registered",
    255: "the operator refused it without a reason",
}


def words_of_status(status: int, err: int) -> str:
    """What a status means in which a message was not delivered, and its err, if that says more."""
    words = _STATUS_WORDS.get(status, "no list holds this status")
    more = _ERR_WORDS.get(err, f"err {err}") if err else ""
    return f"{words}; {more}" if more and more != words else words


_ERR_OF_STATUS = {22: WRONG_NUMBER, 25: NO_ROUTE}  # where err says nothing
_WITHOUT_ERR = frozenset({NOT_FOUND, -2, -1})
_DELIVERED = frozenset({1, 2, 4})

# command_status for a message whose fate the answer to its own send request tells
_REFUSED_STATUS = {22: Status.ESME_RINVDSTADR, OUT_OF_MONEY: Status.ESME_RNOMONEY, 25: Status.ESME_RNOROUTE}


def state_of(status: int, err: int) -> tuple[State, bool, int] | None:
    """(state, final, err for the receipt) of a message status; None for a status that no list names.

    A delivered message has err 0, but 200 when the account only pretends to send (its test mode).
    """
    if status not in _STATUSES:
        return None
    state, final = _STATUSES[status]
    if status in _WITHOUT_ERR or (status in _DELIVERED and err != VIRTUAL):
        return state, final, 0
    return state, final, receipt_err(err) if err else _ERR_OF_STATUS.get(status, 0)


def is_final(status: int) -> bool:
    """Whether a message with this status is at its end."""
    return status in _STATUSES and _STATUSES[status][1]


def word_of(status: int, err: int) -> str:
    """Status and err as one word: what is kept as the provider's own code."""
    return f"{status}/{err}" if err else str(status)


def refused_at_once(status: int, err: int, reason: str) -> Rejected | None:
    """The error for a message that was taken with a status (op=1) in which it never goes out; else None."""
    found = state_of(status, err)
    if found is None or not found[1] or found[0] is State.DELIVERED:
        return None
    command_status = _REFUSED_STATUS.get(status, Status.ESME_RSUBMITFAIL)
    return Rejected(reason, code=word_of(status, err), status=command_status, err=found[2])
