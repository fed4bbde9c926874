"""command_status of an upstream SMSC's answer to submit_sm -> what we do.

Sources: SMPP 3.4 §5.1.3 and, for the profile sms-assistent, sms-assistent.by API v1 §5.3.6; one row each. The
operator may say otherwise about any code. Answers to binds are not judged here: some of their codes are in
the tables because SMSCs answer submit_sm with them, too.
"""

from collections.abc import Mapping

from smppbridge.errors import ProviderError
from smppbridge.providers import error_table
from smppbridge.providers.error_table import Kind, Rule
from smppbridge.providers.upstream.options import SMS_ASSISTENT, Treatment
from smppbridge.smpp.constants import Status

AUTH_PAUSE = 1800.0  # seconds: an SMSC that does not know us any more will not do so soon by itself
SESSION_PAUSE = 60.0  # seconds for an SMSC that is at odds with itself about our session
NO_ROUTE_TRIES = 3  # rounds after which a network that is unavailable counts as a refusal

_RETRY = Rule(Kind.RETRY, Status.ESME_RSYSERR)
_THROTTLE = Rule(Kind.THROTTLE, Status.ESME_RTHROTTLED, pause=1.0)
_FULL = Rule(Kind.THROTTLE, Status.ESME_RMSGQFUL, pause=5.0)
_LOGIN = Rule(Kind.ACCOUNT, Status.ESME_RSYSERR, pause=AUTH_PAUSE)
_SESSION = Rule(Kind.ACCOUNT, Status.ESME_RSYSERR, pause=SESSION_PAUSE)
_MONEY = Rule(Kind.ACCOUNT, Status.ESME_RNOMONEY)
_BUG = Rule(Kind.BUG, Status.ESME_RSYSERR)
_REFUSED = Rule(Kind.PERM, Status.ESME_RSUBMITFAIL)
_NO_ROUTE = Rule(Kind.RETRY, Status.ESME_RNOROUTE)


def _passed_on(status: Status) -> Rule:
    """A refusal whose code tells the ESME what to change: the code is passed on as it is."""
    return Rule(Kind.PERM, status)


STANDARD: dict[int, Rule] = {
    Status.ESME_RINVBNDSTS: _RETRY,  # the bind went away: the next one takes the message
    Status.ESME_RALYBND: _SESSION,
    Status.ESME_RSYSERR: _RETRY,
    Status.ESME_RBINDFAIL: _SESSION,
    Status.ESME_RINVPASWD: _LOGIN,
    Status.ESME_RINVSYSID: _LOGIN,
    Status.ESME_RINVSYSTYP: _LOGIN,
    Status.ESME_RMSGQFUL: _FULL,
    Status.ESME_RTHROTTLED: _THROTTLE,
    Status.ESME_RX_T_APPN: _RETRY,
    Status.ESME_RNOROUTE: _NO_ROUTE,
    # The fault is in what we made of the message, or in our settings: its own code would mislead an ESME.
    Status.ESME_RINVMSGLEN: _BUG,
    Status.ESME_RINVCMDLEN: _BUG,
    Status.ESME_RINVCMDID: _BUG,
    Status.ESME_RINVPRTFLG: _BUG,
    Status.ESME_RINVREGDLVFLG: _BUG,
    Status.ESME_RINVSERTYP: _BUG,
    Status.ESME_RINVNUMDESTS: _BUG,
    Status.ESME_RINVDLNAME: _BUG,
    Status.ESME_RINVDESTFLAG: _BUG,
    Status.ESME_RINVSUBREP: _BUG,
    Status.ESME_RINVESMCLASS: _BUG,
    Status.ESME_RCNTSUBDL: _BUG,
    Status.ESME_RINVSRCTON: _BUG,
    Status.ESME_RINVSRCNPI: _BUG,
    Status.ESME_RINVDSTTON: _BUG,
    Status.ESME_RINVDSTNPI: _BUG,
    Status.ESME_RINVREPFLAG: _BUG,
    Status.ESME_RINVNUMMSGS: _BUG,
    Status.ESME_RINVSCHED: _BUG,
    Status.ESME_RINVEXPIRY: _BUG,
    Status.ESME_RINVDFTMSGID: _BUG,
}
"""SMPP 3.4 §5.1.3. Any other code of the specification refuses the message and is passed on."""

ASSISTENT: dict[int, Rule] = {
    Status.ESME_RINVCMDLEN: _BUG,
    Status.ESME_RINVBNDSTS: _RETRY,
    Status.ESME_RINVSRCADR: _passed_on(Status.ESME_RINVSRCADR),
    Status.ESME_RINVDSTADR: _passed_on(Status.ESME_RINVDSTADR),
    Status.ESME_RINVPASWD: _LOGIN,
    Status.ESME_RMSGQFUL: _FULL,
    Status.ESME_RNOROUTE: _NO_ROUTE,
    Status.ESME_RTHROTTLED: _THROTTLE,
    Status.ESME_RINVENCODING: _passed_on(Status.ESME_RINVENCODING),
    Status.ESME_RNOMONEY: _MONEY,
    Status.ESME_RINVTEXT: _passed_on(Status.ESME_RINVTEXT),
}
"""sms-assistent.by §5.3.6, and the two codes of SMPP 3.4 that only ask for patience. It sends no others."""

_RECEIPT_WORDS = ("EXPIRED", "DELETED", "UNDELIV", "UNKNOWN", "REJECTD", "REJECTED")
_KNOWN = {int(status): status for status in Status if status}
CODES = frozenset({*(f"0x{status:02X}" for status in _KNOWN), *_RECEIPT_WORDS})
"""Codes of refusals, as `to_error` writes them, and words of receipts for messages that did not arrive."""


def rule_for(profile: str, overrides: Mapping[int, Treatment], status: int, tries: int) -> Rule:
    """The row for the ``status`` (not 0) of an answer to submit_sm.

    ``tries``: finished rounds of the message so far. ``overrides``: what the operator says of single codes,
    which counts before every table.
    """
    wish = overrides.get(status)
    if wish is not None:
        return _as_wished(wish, status)
    if status == Status.ESME_RNOROUTE and tries >= NO_ROUTE_TRIES:
        return _passed_on(Status.ESME_RNOROUTE)
    if profile == SMS_ASSISTENT:
        return ASSISTENT.get(status, _REFUSED)
    return STANDARD.get(status) or _refusal(status)


def _refusal(status: int) -> Rule:
    """A refusal. Its code is passed on only when it is one of SMPP: any other would confuse the ESME."""
    known = _KNOWN.get(status)
    return _REFUSED if known is None else _passed_on(known)


def _as_wished(wish: Treatment, status: int) -> Rule:
    match wish:
        case "permanent":
            return _refusal(status)
        case "retry":
            return _RETRY
        case "throttle":
            return _THROTTLE
        case "account":
            return _MONEY if status == Status.ESME_RNOMONEY else Rule(Kind.ACCOUNT, Status.ESME_RSYSERR)


def to_error(rule: Rule, status: int, reason: str) -> ProviderError:
    """The exception that a row stands for. Its code is the command_status as manuals print it: ``0x45``."""
    error = error_table.to_error(rule, status, reason)
    error.code = f"0x{status:02X}"
    return error
