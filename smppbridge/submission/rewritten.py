"""Requests that carry a text as submit_sm: submit_multi, data_sm and replace_sm (SMPP 3.4 §4.5, §4.7, §4.10).

Their answers are made of those of the submit_sm. Functions without state. Must not know: sockets, providers,
the store.
"""

from collections.abc import Mapping
from dataclasses import fields

from smppbridge.errors import Refused
from smppbridge.model.message import Found, Replacement, Stage
from smppbridge.model.owed import KEPT_BITS
from smppbridge.model.services import PLAIN_SMS
from smppbridge.smpp.addresses import DistributionList, SmeAddress, UnsuccessSme
from smppbridge.smpp.constants import Status, Tag
from smppbridge.smpp.pdu import DataSm, ReplaceSm, SubmitMulti, SubmitMultiResp, SubmitSm, SubmitSmResp
from smppbridge.smpp.times import format_relative
from smppbridge.smpp.tlv import Tlv, read_tlvs
from smppbridge.submission.appraisal import Appraisal
from smppbridge.submission.checks import tlvs_of

_ADDRESS_MAX = 20  # characters of an address that fit every other PDU, its receipt among them
_LONGEST_QOS = 31 * 86400  # seconds that a relative time can name; few accounts have such a horizon
_HEADER = {"command_status", "sequence_number"}
_OF_MULTI = tuple(
    {one.name for one in fields(SubmitMulti)} & {one.name for one in fields(SubmitSm)} - _HEADER
)
_OF_DATA = tuple({one.name for one in fields(DataSm)} & {one.name for one in fields(SubmitSm)} - _HEADER)


def from_data_sm(pdu: DataSm) -> SubmitSm:
    """The submit_sm that a data_sm is, with its text in message_payload.

    Raises Refused (0x0A, 0x0B) for addresses above 20 characters: no receipt could name them, though SMPP 3.4
    §4.7.1 allows them.
    """
    if len(pdu.source_addr) > _ADDRESS_MAX:
        raise Refused(Status.ESME_RINVSRCADR, "source_addr is longer than 20 characters")
    if len(pdu.destination_addr) > _ADDRESS_MAX:
        raise Refused(Status.ESME_RINVDSTADR, "destination_addr is longer than 20 characters")
    submit = SubmitSm(**{name: getattr(pdu, name) for name in _OF_DATA})
    lifetime = pdu.tlv(Tag.QOS_TIME_TO_LIVE)
    if isinstance(lifetime, int):
        submit.validity_period = format_relative(min(lifetime, _LONGEST_QOS))
        submit.tlvs = tuple(one for one in pdu.tlvs if one[0] != Tag.QOS_TIME_TO_LIVE)
    return submit


def of_destinations(pdu: SubmitMulti) -> tuple[list[SubmitSm], dict[int, int]]:
    """A submit_sm for each phone, and the command_status of every destination that is no phone.

    The place of a destination is the ``sequence_number`` of its submit_sm, or the key of its status. Raises
    Refused (0x54) where replace_if_present_flag is set.
    """
    if pdu.replace_if_present_flag:
        raise Refused(Status.ESME_RINVREPFLAG, "submit_multi: replace_if_present_flag must be 0")
    common = {name: getattr(pdu, name) for name in _OF_MULTI}
    submits: list[SubmitSm] = []
    failed: dict[int, int] = {}
    for place, destination in enumerate(pdu.dest_address):
        if isinstance(destination, SmeAddress):
            submits.append(SubmitSm(**common, **destination._asdict(), sequence_number=place))
        else:
            failed[place] = Status.ESME_RINVDLNAME  # we keep no lists
    return submits, failed


def multi_response(
    pdu: SubmitMulti, taken: Mapping[int, SubmitSmResp], failed: Mapping[int, int]
) -> SubmitMultiResp:
    """The answer to submit_multi; ``taken`` and ``failed`` (command_status) are by place of the destination.

    1. Something was taken: its message_id, and the destinations that failed.
    2. Everything failed alike: that command_status.
    3. Everything failed, for different reasons: ESME_RSUBMITFAIL, and all destinations.
    """
    failures = [
        _failure(destination, failed[place])
        for place, destination in enumerate(pdu.dest_address)
        if place in failed
    ]
    if taken:
        message_id = taken[min(taken)].message_id
        return SubmitMultiResp(message_id=message_id, unsuccess_sme=tuple(failures))
    if len(set(failed.values())) == 1:
        return SubmitMultiResp(command_status=failures[0].error_status_code)
    return SubmitMultiResp(command_status=Status.ESME_RSUBMITFAIL, unsuccess_sme=tuple(failures))


def _failure(destination: SmeAddress | DistributionList, status: int) -> UnsuccessSme:
    if isinstance(destination, DistributionList):
        destination = SmeAddress(0, 0, destination.dl_name)
    return UnsuccessSme(*destination, status)


def from_replace_sm(pdu: ReplaceSm, found: Found) -> SubmitSm:
    """The submit_sm that would have made the message ``found`` as a replace_sm wants it."""
    return SubmitSm(
        service_type=found.service_type or PLAIN_SMS,
        source_addr_ton=found.source_addr_ton,
        source_addr_npi=found.source_addr_npi,
        source_addr=found.source_addr,
        dest_addr_ton=found.dest_addr_ton,
        dest_addr_npi=found.dest_addr_npi,
        destination_addr=found.destination_addr,
        protocol_id=found.protocol_id,
        priority_flag=found.priority,
        schedule_delivery_time=pdu.schedule_delivery_time,
        validity_period=pdu.validity_period,
        registered_delivery=pdu.registered_delivery,
        data_coding=found.data_coding,
        sm_default_msg_id=pdu.sm_default_msg_id,
        short_message=pdu.short_message,
        tlvs=_payload(pdu) + read_tlvs(found.tlvs or b"", 0, tolerant=True),
    )


def _payload(pdu: ReplaceSm) -> tuple[Tlv, ...]:
    return tuple(one for one in pdu.tlvs if one[0] == Tag.MESSAGE_PAYLOAD)


def replacement_of(pdu: ReplaceSm, found: Found, appraisal: Appraisal) -> Replacement:
    """What a replace_sm changes in the message ``found``; ``appraisal`` is of the submit_sm it comes to.

    1. A time that is not given stays (SMPP 3.4 §4.10.1).
    2. An end that the ESME never named (the account's validity after the message may be sent) moves with the
       schedule.

    Raises Refused (0x62) where the message would end before it may be sent.
    """
    now, timing = appraisal.now, appraisal.timing
    scheduled = found.due_at if found.stage == Stage.WAITING and not found.attempt else None
    not_before = scheduled or found.submitted_at
    deadline = found.deadline
    moved = bool(pdu.schedule_delivery_time)
    by_default = deadline == not_before + round(appraisal.account.validity * 1000)
    if pdu.validity_period or (moved and by_default):
        deadline = appraisal.deadline
    if moved:
        not_before = appraisal.not_before
    if (moved or pdu.validity_period) and deadline <= max(now, not_before):
        raise Refused(Status.ESME_RINVEXPIRY, "validity_period ends before the message may be sent")
    stage, due_at = None, None
    if moved:
        stage, due_at = int(timing.stage), deadline if timing.at_once else not_before
    content, submit = appraisal.content, appraisal.submit
    return Replacement(
        text=content.text,
        octets=content.octets,
        flash=content.flash,
        tlvs=tlvs_of(submit) if submit.tlvs else None,
        registered_delivery=pdu.registered_delivery & KEPT_BITS,
        route=appraisal.path.route,
        provider=appraisal.path.provider,
        deadline=deadline,
        stage=stage,
        send_at=timing.send_at if moved else 0,
        due_at=due_at,
    )
