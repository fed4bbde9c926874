"""smspilot's two tables: error code -> what we do, message status -> message_state.

Sources: the list at smspilot.ru/apikey.php#err, API-2 §2 and §10, and the change logs of both APIs for codes
that were renamed or withdrawn.
"""

from smppbridge.model.message import State
from smppbridge.providers.error_table import Kind, Rule, receipt_err
from smppbridge.smpp.constants import Status

DUPLICATE = 243  # "loop protection": the same text went to the same number a moment ago
BLOCKED, LOW_BALANCE = 106, -2  # an error of the account, and the status that tells why (API-2 §7)
CALLBACK = 260  # the address that statuses are to go to
AUTH_PAUSE = 1800.0  # several refused keys in half an hour get an address banned

_KEY = Rule(Kind.ACCOUNT, Status.ESME_RSYSERR, pause=AUTH_PAUSE)
_BLOCKED = Rule(Kind.ACCOUNT, Status.ESME_RSYSERR)
_MONEY = Rule(Kind.ACCOUNT, Status.ESME_RNOMONEY)
_BUG = Rule(Kind.BUG, Status.ESME_RSYSERR)
_QUERY_BUG = Rule(Kind.BUG, Status.ESME_RQUERYFAIL)
_PHONE = Rule(Kind.PERM, Status.ESME_RINVDSTADR, about_message=True)
_REFUSED = Rule(Kind.PERM, Status.ESME_RSUBMITFAIL, about_message=True)
_UNREACHABLE = Rule(Kind.PERM, Status.ESME_RNOROUTE, about_message=True)
_TEXT = Rule(Kind.PERM, Status.ESME_RINVTEXT, about_message=True)
# A missing or malformed `from` is the whole packet's; whether a sender is allowed may depend on the operator.
_SENDER_FORM = Rule(Kind.PERM, Status.ESME_RINVSRCADR)
_SENDER = Rule(Kind.PERM, Status.ESME_RINVSRCADR, about_message=True)

ERRORS: dict[int, Rule] = {
    10: _BUG,  # no input
    11: _BUG,  # unknown format
    12: _BUG,  # bad XML
    13: _BUG,  # bad JSON
    14: _BUG,  # unknown command
    100: _KEY,  # key missing
    101: _KEY,  # key malformed
    102: _KEY,  # key not found
    103: _KEY,  # key not paid (withdrawn)
    104: _KEY,  # key not activated (withdrawn)
    105: _MONEY,  # blocked for its low balance
    BLOCKED: _BLOCKED,  # spam or errors, or what its status says
    107: _BLOCKED,  # data of the account not confirmed
    108: _PHONE,  # missing
    110: Rule(Kind.RETRY, Status.ESME_RSYSERR),  # system error
    111: _PHONE,  # invalid
    112: _MONEY,  # API-1
    113: _KEY,  # our address is not allowed
    115: _SENDER_FORM,
    116: _SENDER,  # not in the list
    117: _BLOCKED,  # account restriction (withdrawn)
    118: Rule(Kind.THROTTLE, Status.ESME_RTHROTTLED, pause=5.0),  # rate limit (withdrawn)
    122: _BLOCKED,  # for a while
    200: _SENDER_FORM,  # missing
    201: _SENDER_FORM,  # malformed
    204: _SENDER,  # not registered
    212: _REFUSED,  # black list
    213: _UNREACHABLE,  # operator not supported
    214: _REFUSED,  # twice in one packet
    215: _PHONE,  # length
    220: _TEXT,  # missing
    221: _TEXT,  # too long
    223: _REFUSED,  # spam protection
    224: _SENDER,  # spam protection: sender
    225: _REFUSED,  # spam protection: direct
    226: _BLOCKED,  # shared senders are off
    227: _REFUSED,  # spam protection: survey
    230: Rule(Kind.BUG, Status.ESME_RSYSERR, about_message=True),  # our id
    231: _BUG,  # packet id
    240: _BUG,  # list of messages
    241: _MONEY,  # API-2
    DUPLICATE: _REFUSED,
    247: _REFUSED,  # filter
    248: _TEXT,  # Cyrillic and Latin letters in one word
    250: Rule(Kind.BUG, Status.ESME_RINVSCHED, about_message=True),  # send_datetime
    CALLBACK: Rule(Kind.RETRY, Status.ESME_RSYSERR),  # its address
    270: Rule(Kind.BUG, Status.ESME_RINVEXPIRY, about_message=True),  # ttl
    275: _BUG,  # fields
    300: _QUERY_BUG,  # server_id missing
    301: _QUERY_BUG,  # server_id malformed
    302: _QUERY_BUG,  # server_id not found
    303: _QUERY_BUG,  # list of server_ids
    304: _QUERY_BUG,  # server_packet_id
    400: _KEY,  # user not found
    401: _KEY,  # login or password
    500: _BUG,  # since
    600: _REFUSED,  # expired
    601: _REFUSED,  # undeliverable
    602: _UNREACHABLE,
    603: _REFUSED,  # by the operator
    604: _REFUSED,  # cancelled, or undeliverable: see `state_of`
    605: _REFUSED,  # the subscriber has switched such messages off
}

WRONG_QUESTIONS = frozenset({10, 11, 12, 13, 14, 240, 275})
"""Errors that say nothing of the messages that were asked about: the same question may do another time."""

# How API-1 names errors in `format=v`, where no code comes along; as the manuals and change logs print them.
_WORDS: dict[str, int] = {
    "unknown command": 14,
    "user is blocked": 106,
    "invalid phone": 111,
    "sms limit": 112,
    "invalid sender": 115,
    "depricated sender": 116,
    "rate limit": 118,
    "from not found": 204,
    "phone in black list": 212,
    "телефон в черном списке": 212,  # with lang=ru (API-1 §1.2)
    "invalid phone length": 215,
    "spam protection": 223,
    "text is an advertisement": 223,
    "spam protection (survey)": 227,
    "you don't have enough money": 241,
    "loop protection": DUPLICATE,
    "loop error": DUPLICATE,
    "send_datetime": 250,
    "invalid callback": 260,
    "invalid callback url": 260,
    "ttl": 270,
    "invalid ttl": 270,
    "invalid ids list": 303,
    "user not found": 400,
    "invalid login details": 401,
}


def code_of_words(words: str) -> int:
    """The code of an error that is told in words alone; 0 for words that no manual prints."""
    return _WORDS.get(words.strip().casefold(), 0)


def rule_for(code: int, status: int | None = None) -> Rule:
    """The row for the ``code`` of a whole packet. ``status``: why the account is blocked.

    A code that no list holds goes by its hundred. Outside of these it may be an outage: the messages wait.
    """
    known = _MONEY if (code, status) == (BLOCKED, LOW_BALANCE) else ERRORS.get(code)
    if known is not None:
        return known
    if 100 <= code <= 199:
        return _BLOCKED
    if 200 <= code <= 299:
        return _REFUSED
    return Rule(Kind.RETRY, Status.ESME_RSYSERR)


def rule_of_row(code: int) -> Rule:
    """The row for the ``code`` of one message with status -2. That status is final (API-2 §2), so a code that
    no list holds is final as well."""
    return ERRORS.get(code, _REFUSED)


def is_about_message(rule: Rule, *, others_taken: bool) -> bool:
    """Whether what an answer says of one message concerns that message alone: always beside messages that
    were taken, and always but where the account is blocked."""
    return others_taken or rule.kind is not Kind.ACCOUNT or rule.status == Status.ESME_RNOMONEY


_STATUSES: dict[int, tuple[State, bool]] = {
    0: (State.ACCEPTED, False),
    1: (State.ENROUTE, False),
    2: (State.DELIVERED, True),
    3: (State.ACCEPTED, False),  # scheduled
}
_NOT_DELIVERED: dict[int, State] = {
    600: State.EXPIRED,
    601: State.UNDELIVERABLE,
    602: State.UNDELIVERABLE,
    603: State.REJECTED,
    605: State.REJECTED,
}
CODES = frozenset(map(str, (*ERRORS, -1, -2)))
"""Codes of refusals: of answers and of statuses; -1 and -2 are statuses without a code."""

NO_CODE = 1  # receipt err of a failure to which smspilot gave no code


def state_of(status: int, error: int, words: str) -> tuple[State, bool, int] | None:
    """(state, final, err) of a message status (API-2 §2); None for a status that no manual names.

    ``words`` is error_en: code 604 is printed both as "cancelled" and as "undeliverable", only they tell.
    """
    if status in _STATUSES:
        state, final = _STATUSES[status]
        return state, final, 0
    err = receipt_err(error) if error > 0 else NO_CODE
    if status == -2:
        return State.REJECTED, True, err
    if status == -1:
        if error == 604 and "cancel" in words.lower():
            return State.DELETED, True, err
        return _NOT_DELIVERED.get(error, State.UNDELIVERABLE), True, err
    return None
