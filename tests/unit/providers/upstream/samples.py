"""Options and PDUs of upstream SMSCs, for the tests of what is made of them."""

from collections.abc import Sequence
from typing import Any

import pytest

from smppbridge.errors import Refused
from smppbridge.model.message import Inbound, StatusReport
from smppbridge.providers.upstream.deliver_sm import Reader
from smppbridge.providers.upstream.options import SmppOptions
from smppbridge.providers.upstream.wire import Wire
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import DataSm, DeliverSm, SubmitSm
from smppbridge.smpp.text import decode_text
from smppbridge.smpp.tlv import Tlv, tlv
from tests.support.builders.messages import NOW, draft, message

SECRET = "s3cret!"  # a password
PHONE = "375296717259"
REFERENCE = 0x1AB  # of a long message
PLAIN = {0: 0, 1: 1, 3: 3, 8: 8, 0x10: 0, 0x18: 8}  # data_coding without its message class


def options(**keys: Any) -> SmppOptions:
    """Options of an SMSC without a manual."""
    return SmppOptions(
        **{"kind": "smpp", "host": "127.0.0.1", "system_id": "bridge", "password": SECRET, **keys}
    )


def assistent(**keys: Any) -> SmppOptions:
    """Options of sms-assistent.by."""
    return options(profile="sms-assistent", **keys)


def sar_tlvs(reference: int, total: int, number: int) -> tuple[Tlv, ...]:
    """The TLVs of one part."""
    return (
        tlv(Tag.SAR_MSG_REF_NUM, reference),
        tlv(Tag.SAR_TOTAL_SEGMENTS, total),
        tlv(Tag.SAR_SEGMENT_SEQNUM, number),
    )


def deliver(octets: bytes = b"", **fields: Any) -> DeliverSm:
    """A deliver_sm about, or from, the phone 375296717259."""
    return DeliverSm(**{"source_addr": PHONE, "destination_addr": "ALARM", "short_message": octets, **fields})


def receipt(text: str, *tlvs: Tlv, **fields: Any) -> DeliverSm:
    """A deliver_sm that says it is a receipt."""
    return deliver(text.encode("latin-1"), **{"esm_class": 4, "tlvs": tlvs, **fields})


def submits(own: SmppOptions, **fields: Any) -> list[SubmitSm]:
    """All parts of a message with these fields."""
    return Wire(own).submits(message(1, **fields), NOW, REFERENCE)


def submit(own: SmppOptions, **fields: Any) -> SubmitSm:
    """The same for a message that has one."""
    (only,) = submits(own, **fields)
    return only


def refusal(own: SmppOptions, **fields: Any) -> int:
    """The command_status with which `submits` refuses a message; `check` refuses it alike."""
    with pytest.raises(Refused) as raised:
        submits(own, **fields)
    seen = {
        name: value for name, value in fields.items() if name in {"text", "octets", "data_coding", "flash"}
    }
    with pytest.raises(Refused) as checked:
        Wire(own).check(draft(**seen))
    assert checked.value.status == raised.value.status
    return raised.value.status


def report_of(pdu: DeliverSm | DataSm, **keys: Any) -> StatusReport:
    """What is read as a status."""
    news = Reader(options(**keys)).read(pdu, NOW)
    assert isinstance(news, StatusReport)
    return news


def inbound_of(pdu: DeliverSm | DataSm, **keys: Any) -> Inbound:
    """What is read as a message from a phone."""
    news = Reader(options(**keys)).read(pdu, NOW)
    assert isinstance(news, Inbound)
    return news


def pieces_of(pdus: Sequence[SubmitSm]) -> list[bytes]:
    """The text octets of each submit_sm."""
    found = []
    for pdu in pdus:
        payload = pdu.tlv(Tag.MESSAGE_PAYLOAD)
        octets = pdu.short_message
        if isinstance(payload, bytes):
            assert not octets
            octets = payload
        found.append(octets[1 + octets[0] :] if pdu.esm_class & 0x40 else octets)
    return found


def text_of(pdus: Sequence[SubmitSm], default: str) -> str:
    """The text as the SMSC reads it; each part must be text by itself."""
    (coding,) = {PLAIN[pdu.data_coding] for pdu in pdus}
    if coding == 8:  # decode_text would take a byte order mark away
        return "".join(str(piece, "utf-16-be") for piece in pieces_of(pdus))
    return "".join(decode_text(piece, coding, default) for piece in pieces_of(pdus))
