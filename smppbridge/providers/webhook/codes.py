"""The tables of `kind: webhook`: what a provider's error codes, HTTP statuses and state words mean.

The operator writes the provider's own; what HTTP itself says (RFC 9110 §15) is here.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from smppbridge.errors import ProviderError, Uncertain
from smppbridge.model.duration import Duration
from smppbridge.model.message import State
from smppbridge.model.settings import Settings, mistake
from smppbridge.providers.error_table import Kind, Rule, receipt_err, to_error
from smppbridge.smpp.constants import Status

NO_CODE = 999  # `err` of a failure whose provider gives no number
DEFAULT = "default"  # the key for codes that the table does not hold
AUTH_PAUSE = 1800.0  # seconds: many refused keys in a row get an address banned

Class = Literal["perm", "retry", "throttle", "account", "window", "bug", "duplicate", "uncertain"]

STATUSES: dict[str, Status] = {
    "refused": Status.ESME_RSUBMITFAIL,
    "system_error": Status.ESME_RSYSERR,
    "throttled": Status.ESME_RTHROTTLED,
    "no_money": Status.ESME_RNOMONEY,
    "no_route": Status.ESME_RNOROUTE,
    "invalid_destination": Status.ESME_RINVDSTADR,
    "invalid_source": Status.ESME_RINVSRCADR,
    "invalid_text": Status.ESME_RINVTEXT,
    "invalid_validity": Status.ESME_RINVEXPIRY,
    "invalid_schedule": Status.ESME_RINVSCHED,
}
"""Words for the command_status that an ESME gets which waits for the provider."""

StatusWord = Literal[
    "refused",
    "system_error",
    "throttled",
    "no_money",
    "no_route",
    "invalid_destination",
    "invalid_source",
    "invalid_text",
    "invalid_validity",
    "invalid_schedule",
]

_KINDS: dict[str, tuple[Kind, Status, float]] = {
    "perm": (Kind.PERM, Status.ESME_RSUBMITFAIL, 0.0),
    "duplicate": (Kind.PERM, Status.ESME_RSUBMITFAIL, 0.0),
    "uncertain": (Kind.PERM, Status.ESME_RSUBMITFAIL, 0.0),
    "bug": (Kind.BUG, Status.ESME_RSYSERR, 0.0),
    "retry": (Kind.RETRY, Status.ESME_RSYSERR, 0.0),
    "throttle": (Kind.THROTTLE, Status.ESME_RTHROTTLED, 5.0),
    "account": (Kind.ACCOUNT, Status.ESME_RSYSERR, 300.0),
    "window": (Kind.WINDOW, Status.ESME_RSUBMITFAIL, 300.0),
}


class ErrorRule(Settings):
    """What one code means. Short form: the class alone."""

    model_config = ConfigDict(populate_by_name=True)

    kind: Class = Field(alias="class")
    """What happens: see config/providers/README.md."""
    status: StatusWord | None = None
    """What equipment gets that waits for the answer."""
    pause: Duration | None = None
    """Of account and window: until the next try; of throttle: until the next request."""

    @property
    def rule(self) -> Rule:
        """The same as a row of a table."""
        kind, status, pause = _KINDS[self.kind]
        return Rule(
            kind,
            STATUSES[self.status] if self.status else status,
            pause if self.pause is None else self.pause,
        )


def _short_form(value: object) -> object:
    return {"class": value} if isinstance(value, str) else value


def _by_code(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    return {str(code): rule for code, rule in value.items()}


AnyRule = Annotated[ErrorRule, BeforeValidator(_short_form)]
ErrorTable = Annotated[dict[str, AnyRule], BeforeValidator(_by_code)]
"""``errors:`` code -> class, or {class, status, pause}."""


def _rule(kind: str, **more: object) -> ErrorRule:
    return ErrorRule.model_validate({"class": kind, **more})


_ACCOUNT = _rule("account", pause=AUTH_PAUSE)
_HTTP: dict[int, ErrorRule] = {
    401: _ACCOUNT,
    402: _rule("account", status="no_money"),
    403: _ACCOUNT,
    404: _ACCOUNT,  # the address is wrong, and so it is for every message
    405: _ACCOUNT,
    407: _ACCOUNT,
    410: _ACCOUNT,
    503: _rule("retry"),
}
PLAIN = _rule("perm")  # refused, but HTTP does not say why
LATER = _rule("retry")
# 408, 409 and 425 do not say that nothing was done: the first try may have been, a repetition may come later.
_OPEN = frozenset({408, 409, 425})


def http_rule(status: int) -> ErrorRule | None:
    """What an HTTP status alone says; None where it leaves open what became of the request."""
    if 400 <= status < 500 and status not in _OPEN:
        return _HTTP.get(status, PLAIN)
    return _HTTP.get(status)


def error_for(rule: ErrorRule, code: str, reason: str, attempt: int) -> ProviderError:
    """The exception for a code. A ``duplicate`` is uncertain at a later attempt: it may repeat our first
    attempt."""
    number = receipt_number(code)
    if rule.kind == "uncertain" or (rule.kind == "duplicate" and attempt > 1):
        return Uncertain(reason, code=code, status=rule.rule.status)
    error = to_error(rule.rule, number, reason)
    error.code = code
    return error


def receipt_number(code: str) -> int:
    """A code as the three digits of a receipt's err."""
    return receipt_err(int(code)) if code.isascii() and code.isdigit() and len(code) <= 9 else NO_CODE


StateWord = Literal[
    "ENROUTE", "ACCEPTD", "DELIVRD", "UNDELIV", "EXPIRED", "DELETED", "REJECTD", "UNKNOWN", "ignore"
]

_STATES: dict[str, tuple[State, bool]] = {
    "ENROUTE": (State.ENROUTE, False),
    "ACCEPTD": (State.ACCEPTED, False),
    "DELIVRD": (State.DELIVERED, True),
    "UNDELIV": (State.UNDELIVERABLE, True),
    "EXPIRED": (State.EXPIRED, True),
    "DELETED": (State.DELETED, True),
    "REJECTD": (State.REJECTED, True),
    "UNKNOWN": (State.UNKNOWN, True),
}


def _by_word(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    table: dict[str, Any] = {}
    for word, state in value.items():
        key = str(word).strip().lower()
        if key in table:
            raise mistake(f'"{key}" stands there twice: capital and small letters are the same')
        table[key] = state
    return table


StateTable = Annotated[dict[str, StateWord], BeforeValidator(_by_word)]
"""``states:`` the provider's word -> ours; capital and small letters are the same."""


def state_for(table: Mapping[str, StateWord], word: str, code: str) -> tuple[State, bool, int] | None:
    """message_state, whether it is final, and the err of its receipt; None for words that say nothing."""
    found = table.get(word.lower())
    if found is None or found == "ignore":
        return None
    state, final = _STATES[found]
    failed = final and state is not State.DELIVERED
    return state, final, (receipt_number(code) or NO_CODE) if failed else 0
