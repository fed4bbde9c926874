"""The deliver_sm of a receipt, as the account wants it; messages from phones, and alerts."""

from typing import Any

import pytest

from smppbridge.flow.deliver.pdus import alert_pdu, inbound_pdu, receipt_pdu, receipt_style
from smppbridge.model.message import Alert, InboundPart, Receipt
from smppbridge.model.receipt_profile import ReceiptProfile
from smppbridge.smpp.codec import encode
from smppbridge.smpp.constants import MessageState, Tag
from smppbridge.smpp.pdu import DeliverSm
from smppbridge.smpp.receipt import parse_receipt
from smppbridge.smpp.text import decode_text
from smppbridge.smpp.tlv import tlv

NOW = 1_772_315_998_000  # 2026-02-28 21:59:58 UTC
RECEIPT = Receipt(
    id=1,
    account="pbx",
    origin=0,
    state=MessageState.DELIVERED,
    final=True,
    err=0,
    code="7",
    at=NOW + 2_000,
    tries=0,
    details="",
    wire_id="4711",
    source_addr_ton=5,
    source_addr_npi=0,
    source_addr="ALARM",
    dest_addr_ton=1,
    dest_addr_npi=1,
    destination_addr="375291234567",
    text="Дверь открыта " * 10,
    user_message_reference=258,
    provider="pilot",
    submitted_at=NOW,
    operator="",
)


def pdu(*, with_tlvs: bool = True, receipt: Receipt = RECEIPT, **keys: Any) -> DeliverSm:
    style = receipt_style(ReceiptProfile.model_validate(keys))
    made = receipt_pdu(receipt, style, with_tlvs)
    encode(made)  # it can be sent
    return made


def text_of(made: DeliverSm) -> str:
    return decode_text(made.short_message, made.data_coding, "ascii")


def test_as_everybody_reads_it() -> None:
    made = pdu()
    assert (made.esm_class, made.data_coding) == (4, 0)
    assert made.short_message == (
        b"id:4711 sub:001 dlvrd:001 submit date:2602282159 done date:2602282200 stat:DELIVRD err:000 text:"
    )
    assert (made.source_addr, made.source_addr_ton, made.source_addr_npi) == ("375291234567", 1, 1)
    assert (made.destination_addr, made.dest_addr_ton, made.dest_addr_npi) == ("ALARM", 5, 0)
    assert [tag for tag, _ in made.tlvs] == [0x001E, 0x0427, 0x0204, 0x0423]


def test_every_setting_reaches_the_receipt() -> None:
    made = pdu(
        fields=["stat", "id", "sub", "dlvrd", "done date", "err", "text"],
        dates="YYYYMMDDhhmmss",
        time_zone="Europe/Minsk",
        err_digits=5,
        words="sms-assistent",
        data_coding=8,
        esm_class=0x84,
        counts="parts",
    )
    assert (made.esm_class, made.data_coding) == (0x84, 8)
    assert text_of(made) == (
        "stat:DELIVRD id:4711 sub:003 dlvrd:003 done date:20260301010000 err:00000 text:Дверь открыта Дверь "
    )
    rejected = RECEIPT._replace(state=MessageState.REJECTED, err=603)
    assert "stat:REJECTED" in text_of(pdu(words="sms-assistent", receipt=rejected))


def test_without_the_text() -> None:
    receipt = RECEIPT._replace(text="Hello")
    assert text_of(pdu(receipt=receipt)).endswith(" text:Hello")
    assert text_of(pdu(receipt=receipt, text=False)).endswith(" text:")
    assert parse_receipt(text_of(pdu(receipt=receipt, fields=["id", "stat"]))).text is None


@pytest.mark.parametrize("esm_class", [0, 4, 0x24])
def test_an_intermediate_notification_stays_one(esm_class: int) -> None:
    assert pdu(receipt=RECEIPT._replace(final=False), esm_class=esm_class).esm_class == 0x20


def test_which_tlvs() -> None:
    receipt = RECEIPT._replace(details="mcc=257")
    vendor = [Tag.PROVIDER, Tag.PROVIDER_CODE, Tag.DETAILS]
    known = [Tag.RECEIPTED_MESSAGE_ID, Tag.MESSAGE_STATE, Tag.USER_MESSAGE_REFERENCE]
    last = [Tag.NETWORK_ERROR_CODE]  # smpp.pdu takes the length of the last TLV for its length
    assert [tag for tag, _ in pdu(receipt=receipt).tlvs] == known + last
    assert [tag for tag, _ in pdu(receipt=receipt, tlvs=True).tlvs] == known + vendor + last
    unasked = receipt._replace(user_message_reference=None)
    assert [tag for tag, _ in pdu(receipt=unasked).tlvs] == known[:2] + last
    assert pdu(receipt=receipt, with_tlvs=False).tlvs == ()


PART = InboundPart(1, "pbx", "lab", "375291234567", "1234", 0x40, 8, b"\5\0\3\7\2\1\4\x14", NOW, 0)
ALERT = Alert(1, 5, 0, "ALARM", 1, 1, "375291234567")


def test_a_message_from_a_phone() -> None:
    made = inbound_pdu(PART)
    encode(made)
    assert (made.esm_class, made.data_coding, made.short_message) == (0x40, 8, PART.octets)
    assert (made.registered_delivery, made.tlvs) == (0, ())


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("375291234567", (1, 1)),
        ("1234567", (1, 1)),
        ("123456", (3, 1)),
        ("1", (3, 1)),
        ("+375291234567", (5, 0)),
        ("CASTLE", (5, 0)),
        ("", (0, 0)),
    ],
)
def test_the_kinds_of_addresses(address: str, kind: tuple[int, int]) -> None:
    of_phone = inbound_pdu(PART._replace(source=address))
    assert (of_phone.source_addr_ton, of_phone.source_addr_npi, of_phone.source_addr) == (*kind, address)
    assert (of_phone.dest_addr_ton, of_phone.dest_addr_npi, of_phone.destination_addr) == (3, 1, "1234")
    to_it = inbound_pdu(PART._replace(destination=address))
    assert (to_it.dest_addr_ton, to_it.dest_addr_npi, to_it.destination_addr) == (*kind, address)
    assert (to_it.source_addr_ton, to_it.source_addr_npi, to_it.source_addr) == (1, 1, "375291234567")


def test_an_alert() -> None:
    made = alert_pdu(ALERT)
    encode(made)
    assert (made.source_addr_ton, made.source_addr_npi, made.source_addr) == (1, 1, "375291234567")
    assert (made.esme_addr_ton, made.esme_addr_npi, made.esme_addr) == (5, 0, "ALARM")
    assert made.tlvs == (tlv(Tag.MS_AVAILABILITY_STATUS, 0),)
