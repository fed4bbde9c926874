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

WORDS: dict[int, str] = {
    Status.ESME_RINVMSGLEN: "the message has a wrong length",
    Status.ESME_RINVCMDLEN: "the request has a wrong length",
    Status.ESME_RINVCMDID: "the SMSC does not know the request",
    Status.ESME_RINVBNDSTS: "to the SMSC the session is not bound for it",
    Status.ESME_RALYBND: "to the SMSC we are bound already",
    Status.ESME_RINVPRTFLG: "priority_flag is wrong",
    Status.ESME_RINVREGDLVFLG: "registered_delivery is wrong",
    Status.ESME_RSYSERR: "the SMSC has an error of its own",
    Status.ESME_RINVSRCADR: "the sender is wrong, or not allowed",
    Status.ESME_RINVDSTADR: "the recipient is wrong",
    Status.ESME_RBINDFAIL: "the bind failed",
    Status.ESME_RINVPASWD: "the password is wrong",
    Status.ESME_RINVSYSID: "the system_id is wrong",
    Status.ESME_RMSGQFUL: "the queue of the SMSC is full",
    Status.ESME_RINVSERTYP: "service_type is wrong",
    Status.ESME_RINVESMCLASS: "esm_class is wrong",
    Status.ESME_RSUBMITFAIL: "the SMSC does not take the message",
    Status.ESME_RINVSRCTON: "the ton of the sender is wrong",
    Status.ESME_RINVSRCNPI: "the npi of the sender is wrong",
    Status.ESME_RINVDSTTON: "the ton of the recipient is wrong",
    Status.ESME_RINVDSTNPI: "the npi of the recipient is wrong",
    Status.ESME_RINVSYSTYP: "system_type is wrong",
    Status.ESME_RTHROTTLED: "we are too fast",
    Status.ESME_RINVEXPIRY: "validity_period is wrong",
    Status.ESME_RX_T_APPN: "the receiving application has a passing trouble",
    Status.ESME_RX_P_APPN: "the receiving application has a lasting trouble",
    Status.ESME_RX_R_APPN: "the receiving application refuses the message",
    Status.ESME_RINVOPTPARSTREAM: "the optional parameters cannot be read",
    Status.ESME_ROPTPARNOTALLWD: "an optional parameter is not allowed",
    Status.ESME_RINVPARLEN: "an optional parameter has a wrong length",
    Status.ESME_RMISSINGOPTPARAM: "an optional parameter is missing",
    Status.ESME_RINVOPTPARAMVAL: "an optional parameter has a wrong value",
    Status.ESME_RDELIVERYFAILURE: "the delivery failed",
    Status.ESME_RUNKNOWNERR: "an error that the SMSC does not name",
}
"""What the codes of SMPP 3.4 §5.1.3 mean, where the name does not say it all."""

ASSISTENT_WORDS: dict[int, str] = {
    Status.ESME_RINVCMDLEN: "the request is malformed",
    Status.ESME_RINVBNDSTS: "the bind request is wrong",
    Status.ESME_RINVSRCADR: "the sender is wrong, or may not be used (moderated, registered)",
    Status.ESME_RINVDSTADR: "the number of the recipient is wrong",
    Status.ESME_RINVPASWD: "the SMPP password is wrong",
    Status.ESME_RNOROUTE: "the network is unavailable",
    Status.ESME_RINVENCODING: "the encoding is not supported",
    Status.ESME_RNOMONEY: "the money does not suffice for the message",
    Status.ESME_RINVTEXT: "the text is wrong, or has too many characters",
}
"""What sms-assistent's manual says of its codes (API v1 §5.3.6, §5.1.5)."""

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
    """The exception that a row stands for. Its code is the command_status as manuals print it: ``0x45``.

    A refusal, and what may be tried again, are about the one message of the answer. What the SMSC says of the
    account, of our speed or of the session may hold for others.
    """
    error = error_table.to_error(rule, status, reason)
    error.code = code_of(status)
    about_us = rule.kind in (Kind.ACCOUNT, Kind.THROTTLE) or status == Status.ESME_RINVBNDSTS
    error.about_message = not about_us
    return error


def code_of(status: int) -> str:
    """A command_status as manuals print it."""
    return f"0x{status:02X}"


def reason_of(profile: str, status: int, said: object = None) -> str:
    """What a person reads about the answer ``status``: its code, its name and what that means to this SMSC,
    then what the SMSC ``said`` itself (additional_status_info_text)."""
    known = _KNOWN.get(status)
    words = ASSISTENT_WORDS.get(status) if profile == SMS_ASSISTENT else None
    words = words or WORDS.get(status)
    name = known.name if known is not None else "a code that SMPP 3.4 does not have"
    told = error_table.safe_reason(said) if isinstance(said, str) else ""
    return ": ".join(filter(None, (f"{code_of(status)} {name}", words, told)))
