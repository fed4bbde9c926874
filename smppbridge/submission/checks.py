"""What one submit_sm asks for, field by field: functions without state, each with its refusal.

Must not know: sockets, providers, the store.
"""

from datetime import UTC, datetime

from smppbridge.errors import Refused
from smppbridge.model.account import Account
from smppbridge.model.duration import write_duration
from smppbridge.model.numbers import normalise
from smppbridge.model.owed import KEPT_BITS
from smppbridge.model.services import ORDINARY, named_by, special_address
from smppbridge.smpp.constants import EsmClass, Status, Tag
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.smpp.times import parse_time
from smppbridge.smpp.tlv import Tlv, write_tlvs

_MAX_TLVS = 1024  # octets of optional parameters that are kept
# Optional parameters that are not passed on as they came: the text, and what says how it was cut and sent.
_NOT_KEPT = frozenset(
    {
        *(Tag.MESSAGE_PAYLOAD, Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM),
        Tag.MORE_MESSAGES_TO_SEND,
    }
)


def check_fields(submit: SubmitSm) -> None:
    """Raise Refused for what this bridge does not carry out.

    1. 0x43: esm_class says that it is an acknowledgement (SMPP 3.4 §5.2.12).
    2. 0x06: priority_flag is not 0 to 3 (§5.2.14).
    3. 0x54: replace_if_present_flag is not 0 or 1 (§5.2.18).
    4. 0x63: sm_default_msg_id names a predefined message, and there are none (§5.2.20).
    """
    if submit.esm_class & EsmClass.TYPE_MASK:
        raise Refused(Status.ESME_RINVESMCLASS, "esm_class: acknowledgements are not taken")
    if submit.priority_flag > 3:
        raise Refused(Status.ESME_RINVPRTFLG, "priority_flag must be 0 to 3")
    if submit.replace_if_present_flag > 1:
        raise Refused(Status.ESME_RINVREPFLAG, "replace_if_present_flag must be 0 or 1")
    if submit.sm_default_msg_id:
        raise Refused(Status.ESME_RINVDFTMSGID, "there are no predefined messages")


def delivery_of(submit: SubmitSm) -> int:
    """registered_delivery as it is kept. A message in datagram mode asks for nothing."""
    if submit.esm_class & EsmClass.MODE_MASK == EsmClass.MODE_DATAGRAM:
        return 0
    return submit.registered_delivery & KEPT_BITS


def tlvs_of(submit: SubmitSm) -> bytes | None:
    """The optional parameters besides the text, as they came; None where none is kept.

    Those that end behind 1024 octets are left out.
    """
    kept: list[Tlv] = []
    size = 0
    for tag, octets in submit.tlvs:
        if tag in _NOT_KEPT:
            continue
        size += 4 + len(octets)
        if size <= _MAX_TLVS:
            kept.append((tag, octets))
    return write_tlvs(tuple(kept)) if kept else None


def service_of(account: Account, service_type: str, source_addr: str = "") -> str:
    """The special service that is asked for, "" for an ordinary message.

    1. That of the service_type. Raises Refused (0x15) for one that the account may not use.
    2. An ordinary service_type: that of `account.services` which ``source_addr`` is the name of, such as
       GOLOS.
    3. An empty service_type: the account's `default_service`. CMT is an ordinary message then.
    """
    if service_type in ORDINARY:
        named = named_by(source_addr) if account.services else ""
        if named in account.services:
            return named
        return "" if service_type else account.default_service or ""
    if service_type not in account.services:
        raise Refused(Status.ESME_RINVSERTYP, "service_type is none that the account may use")
    return service_type


def recipient_of(account: Account, submit: SubmitSm, service: str) -> str:
    """International digits, or an address that only the service knows.

    Raises Refused (0x0B address, 0x50 TON).
    """
    if service and special_address(service, submit.destination_addr):
        return submit.destination_addr
    return normalise(submit.destination_addr, submit.dest_addr_ton, account.country)


def reference_of(submit: SubmitSm) -> int | None:
    """user_message_reference (SMPP 3.4 §5.3.2.17); None: there is none, or one of more than two octets."""
    reference = submit.tlv(Tag.USER_MESSAGE_REFERENCE)
    return reference if isinstance(reference, int) and reference <= 0xFFFF else None


def sender_of(account: Account, source_addr: str) -> str:
    """The sender's name or number by the account's rules; "" = the provider's own default.

    1. None is given: the account's `default_sender`.
    2. One of the account's `senders`, with or without its ``+``: itself.
    3. Another, with `replace_sender`: `default_sender`. Without a list of `senders` that is every one.
    4. Another, where no list is set: itself. Else Refused (0x0A).
    """
    source = source_addr.removeprefix("+")
    if not source:
        return account.default_sender or ""
    if account.senders is not None and (source in account.senders or source_addr in account.senders):
        return source
    if account.replace_sender and account.default_sender is not None:
        return account.default_sender
    if account.senders is None:
        return source
    raise Refused(Status.ESME_RINVSRCADR, "source_addr is not one of the account's senders")


def is_unlisted(account: Account, sender: str) -> bool:
    """Whether the account leaves ``sender`` to the equipment: it lists none, and has another default."""
    return account.senders is None and sender != (account.default_sender or "")


def times_of(account: Account, submit: SubmitSm, now: int) -> tuple[int, int]:
    """When to send and when to give up, in ms (SMPP 3.4 §5.2.15, §5.2.16).

    1. A schedule in the past means at once.
    2. In the account's quiet hours only messages with a priority are sent; others at the end of these hours.
    3. Without a validity_period the end is the account's `validity` after the time to send.

    Raises Refused (0x61 schedule, 0x62 validity_period):

    1. for what is no time;
    2. where the schedule is further ahead than the account's `horizon`, or the end further behind the time to
       send: such messages would fill the store for years;
    3. where the end is not after the time to send. The sender learns at once that it has to choose another
       time or a priority.
    """
    validity_ms = round(account.validity * 1000)
    quiet = account.quiet is not None and not submit.priority_flag
    if not (submit.schedule_delivery_time or submit.validity_period or quiet):
        return now, now + validity_ms
    not_before = _time(submit.schedule_delivery_time, now, Status.ESME_RINVSCHED)
    not_before = now if not_before is None else max(now, not_before)
    horizon_ms = round(account.horizon * 1000)
    if not_before - now > horizon_ms:
        raise Refused(Status.ESME_RINVSCHED, f"schedule_delivery_time lies {_beyond(account)}")
    deadline = _time(submit.validity_period, now, Status.ESME_RINVEXPIRY)
    if deadline is not None and deadline <= not_before:
        raise Refused(Status.ESME_RINVEXPIRY, "validity_period ends before the message may be sent")
    if quiet:
        not_before = account.quiet_over(not_before)
    if deadline is None:
        return not_before, not_before + validity_ms
    if deadline <= not_before:
        reason = f"validity_period ends before the account's quiet hours ({account.quiet}) do"
        raise Refused(Status.ESME_RINVEXPIRY, reason)
    if deadline - not_before > horizon_ms:
        raise Refused(Status.ESME_RINVEXPIRY, f"validity_period ends {_beyond(account)}")
    return not_before, deadline


def _beyond(account: Account) -> str:
    return f"beyond the account's horizon ({write_duration(account.horizon)})"


def _time(value: str, now: int, status: Status) -> int | None:
    try:
        moment = parse_time(value, datetime.fromtimestamp(now / 1000, UTC))
    except ValueError as error:
        raise Refused(status, str(error)) from error
    return None if moment is None else round(moment.timestamp() * 1000)
