"""What one submit_sm asks for, field by field: functions without state, each with its refusal.

Must not know: routes, providers, the store.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from smppbridge.errors import Refused
from smppbridge.model.account import Account
from smppbridge.model.numbers import normalise
from smppbridge.model.services import ORDINARY, check_text, special_address
from smppbridge.smpp.constants import EsmClass, Status, Tag
from smppbridge.smpp.fields import MAX_SHORT_MESSAGE
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.smpp.text import decode_text, flavour
from smppbridge.smpp.times import parse_time
from smppbridge.smpp.tlv import Tlv, write_tlvs

_MAX_BINARY = 140  # octets that one short message carries, with its user data header
_MAX_TLVS = 1024  # octets of optional parameters that are kept; those behind are left out
_CODINGS = {"gsm": 0, "latin-1": 3, "ascii": 1}  # of a default_encoding that has a name of its own
_DISPLAY = 1  # dest_addr_subunit (SMPP 3.4 §5.3.2.1): mobile equipment display


class Content(NamedTuple):
    """What is to be sent: a text, or octets with their user data header."""

    text: str
    octets: bytes | None
    flash: bool


def check_fields(submit: SubmitSm) -> None:
    """Refuse what this bridge does not carry out, field by field."""
    if submit.esm_class & EsmClass.TYPE_MASK:
        raise Refused(Status.ESME_RINVESMCLASS, "esm_class: acknowledgements are not taken")
    if submit.priority_flag > 3:
        raise Refused(Status.ESME_RINVPRTFLG, "priority_flag must be 0 to 3")
    if submit.replace_if_present_flag:
        raise Refused(Status.ESME_RINVREPFLAG, "replace_if_present_flag must be 0")
    if submit.sm_default_msg_id:
        raise Refused(Status.ESME_RINVDFTMSGID, "there are no predefined messages")


def is_part(submit: SubmitSm) -> bool:
    """Whether it is one of several parts of a text that the ESME has cut by itself."""
    if submit.esm_class & EsmClass.UDHI:
        return flavour(submit.data_coding).alphabet is not None
    return bool(submit.tlvs) and submit.tlv(Tag.SAR_TOTAL_SEGMENTS) not in (None, 0, 1)


def coding_of(account: Account, submit: SubmitSm, content: Content) -> int:
    """data_coding of what goes on as octets, by its own name where the ESME's is the account's default:
    then 0 is GSM 03.38 for everybody."""
    if content.octets is None or flavour(submit.data_coding).alphabet != 0:
        return submit.data_coding
    if account.default_encoding not in _CODINGS:
        raise Refused(Status.ESME_RINVENCODING, f"parts cannot go on in {account.default_encoding}")
    return _CODINGS[account.default_encoding] or submit.data_coding


def tlvs_of(submit: SubmitSm) -> bytes | None:
    """The optional parameters besides the text, as they came."""
    kept: list[Tlv] = []
    size = 0
    for tag, octets in submit.tlvs:
        if tag == Tag.MESSAGE_PAYLOAD:
            continue
        size += 4 + len(octets)
        if size <= _MAX_TLVS:
            kept.append((tag, octets))
    return write_tlvs(tuple(kept)) if kept else None


def service_of(account: Account, service_type: str) -> str:
    """The special service that is asked for, "" for an ordinary message."""
    if service_type in ORDINARY:
        return ""
    if service_type not in account.services:
        raise Refused(Status.ESME_RINVSERTYP, "service_type is none that the account may use")
    return service_type


def recipient_of(account: Account, submit: SubmitSm, service: str) -> str:
    """International digits, or an address that only the service knows."""
    if service and special_address(service, submit.destination_addr):
        return submit.destination_addr
    return normalise(submit.destination_addr, submit.dest_addr_ton, account.country)


def content_of(account: Account, submit: SubmitSm, service: str) -> Content:
    """Text or binary data. Raises Refused for what no service and no phone can use."""
    octets = _octets(submit)
    alphabet, flash = flavour(submit.data_coding)
    if (alphabet is None or is_part(submit)) and not service:
        return Content("", _binary(octets, submit.esm_class, alphabet is None), flash)
    if submit.esm_class & EsmClass.UDHI or is_part(submit):
        raise Refused(Status.ESME_RINVESMCLASS, "a service takes no parts of long messages")
    text = decode_text(octets, submit.data_coding if alphabet is None else alphabet, account.default_encoding)
    if service:
        check_text(service, text)
    elif not text:
        raise Refused(Status.ESME_RINVTEXT, "the text is empty")
    if submit.tlvs and submit.tlv(Tag.DEST_ADDR_SUBUNIT) == _DISPLAY:
        flash = True
    return Content(text, None, flash)


def _binary(octets: bytes, esm_class: int, binary: bool) -> bytes:
    """Binary content, or a part, with its user data header, whose first octet is its length (0 = there is
    none)."""
    if esm_class & EsmClass.UDHI:
        if not octets or octets[0] >= len(octets):
            raise Refused(Status.ESME_RINVTEXT, "the user data header is longer than the message")
        content = octets
    else:
        content = b"\0" + octets
    longest = _MAX_BINARY if binary else MAX_SHORT_MESSAGE
    if not octets or len(octets) > longest:
        raise Refused(Status.ESME_RINVTEXT, f"binary content and parts must have 1 to {longest} octets")
    return content


def _octets(submit: SubmitSm) -> bytes:
    """The text's octets: short_message or message_payload, never both (SMPP 3.4 §4.4.1)."""
    octets = submit.short_message
    if len(octets) > 254:
        raise Refused(Status.ESME_RINVMSGLEN, "sm_length must be 0 to 254")
    payload = submit.tlv(Tag.MESSAGE_PAYLOAD) if submit.tlvs else None
    if not isinstance(payload, bytes):
        return octets
    if octets:
        raise Refused(Status.ESME_RINVMSGLEN, "both short_message and message_payload hold a text")
    return payload


def reference_of(submit: SubmitSm) -> int | None:
    """user_message_reference (SMPP 3.4 §5.3.2.17) when it fits its two octets."""
    reference = submit.tlv(Tag.USER_MESSAGE_REFERENCE)
    return reference if isinstance(reference, int) and reference <= 0xFFFF else None


def sender_of(account: Account, source_addr: str) -> str:
    """The sender's name or number after the account's rules."""
    source = source_addr.removeprefix("+")
    if not source:
        return account.default_sender or ""
    if account.senders is None or source in account.senders or source_addr in account.senders:
        return source
    if account.replace_sender and account.default_sender is not None:
        return account.default_sender
    raise Refused(Status.ESME_RINVSRCADR, "source_addr is not one of the account's senders")


def times_of(submit: SubmitSm, now: int, validity_ms: int) -> tuple[int, int]:
    """When to send and when to give up, in ms. An absolute schedule in the past means at once."""
    if not submit.schedule_delivery_time and not submit.validity_period:
        return now, now + validity_ms
    not_before = _time(submit.schedule_delivery_time, now, Status.ESME_RINVSCHED)
    not_before = now if not_before is None else max(now, not_before)
    deadline = _time(submit.validity_period, now, Status.ESME_RINVEXPIRY)
    if deadline is None:
        return not_before, not_before + validity_ms
    if deadline <= not_before:
        raise Refused(Status.ESME_RINVEXPIRY, "validity_period ends before the message may be sent")
    return not_before, deadline


def _time(value: str, now: int, status: Status) -> int | None:
    try:
        moment = parse_time(value, datetime.fromtimestamp(now / 1000, UTC))
    except ValueError as error:
        raise Refused(status, str(error)) from error
    return None if moment is None else round(moment.timestamp() * 1000)
