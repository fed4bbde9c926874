"""One owed receipt as a deliver_sm (SMPP 3.4 §4.6, Appendix B). Must not know: who gets it, and when."""

from smppbridge.model.account import ReceiptProfile
from smppbridge.model.message import Receipt
from smppbridge.smpp.constants import EsmClass, Tag
from smppbridge.smpp.pdu import DeliverSm
from smppbridge.smpp.receipt import ReceiptFields, ReceiptStyle, format_receipt, receipt_tlvs
from smppbridge.smpp.tlv import tlv


def receipt_style(profile: ReceiptProfile) -> ReceiptStyle:
    """How the account wants the text written."""
    return ReceiptStyle(
        seconds=profile.dates == "YYMMDDhhmmss", zone=profile.zone, text=profile.text, words=profile.words
    )


def receipt_pdu(receipt: Receipt, style: ReceiptStyle, with_tlvs: bool) -> DeliverSm:
    """The deliver_sm: addresses of the message swapped, esm_class exactly 0x04, or 0x20 while not final."""
    text = format_receipt(
        ReceiptFields(
            id=receipt.wire_id,
            state=receipt.state,
            err=receipt.err,
            submitted=receipt.submitted_at,
            done=receipt.at,
            text=receipt.text,
        ),
        style,
    )
    return DeliverSm(
        source_addr_ton=receipt.dest_addr_ton,
        source_addr_npi=receipt.dest_addr_npi,
        source_addr=receipt.destination_addr,
        dest_addr_ton=receipt.source_addr_ton,
        dest_addr_npi=receipt.source_addr_npi,
        destination_addr=receipt.source_addr,
        esm_class=EsmClass.RECEIPT if receipt.final else EsmClass.INTERMEDIATE,
        short_message=text,
        tlvs=_tlvs(receipt) if with_tlvs else (),
    )


def _tlvs(receipt: Receipt) -> tuple[tuple[int, bytes], ...]:
    tlvs = receipt_tlvs(receipt.wire_id, receipt.state, receipt.err, receipt.provider, receipt.code)
    if receipt.user_message_reference is None:
        return tlvs
    return (*tlvs, tlv(Tag.USER_MESSAGE_REFERENCE, receipt.user_message_reference))
