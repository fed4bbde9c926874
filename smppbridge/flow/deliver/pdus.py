"""What is owed to an account, as PDUs:

1. A receipt: deliver_sm (SMPP 3.4 §4.6, Appendix B).
2. A message from a phone, or a part of it: deliver_sm.
3. An alert: alert_notification (SMPP 3.4 §4.12).
"""

from smppbridge.model.message import Alert, InboundPart, Receipt
from smppbridge.model.receipt_profile import ReceiptProfile
from smppbridge.smpp.constants import EsmClass, Tag
from smppbridge.smpp.pdu import AlertNotification, DeliverSm
from smppbridge.smpp.receipt import ReceiptFields, ReceiptStyle, format_receipt, receipt_tlvs
from smppbridge.smpp.tlv import tlv
from smppbridge.smpp.ton import kind_of


def receipt_style(profile: ReceiptProfile) -> ReceiptStyle:
    """How the account wants the text of receipts written."""
    return ReceiptStyle(
        fields=profile.fields,
        dates=profile.dates,
        zone=profile.zone,
        text=profile.text,
        words=profile.words,
        err_digits=profile.err_digits,
        data_coding=profile.data_coding,
        esm_class=profile.esm_class,
        count_parts=profile.counts == "parts",
        vendor_tlvs=profile.tlvs is True,
    )


def receipt_pdu(receipt: Receipt, style: ReceiptStyle, with_tlvs: bool) -> DeliverSm:
    """A receipt, with the addresses of its message swapped. The esm_class is 0x20 while the state is not
    final, else what the account wants (0x04 by default)."""
    text = format_receipt(
        ReceiptFields(
            id=receipt.wire_id,
            state=receipt.state,
            err=receipt.err,
            submitted=receipt.submitted_at,
            done=receipt.at,
            text=receipt.text,
            details=receipt.details,
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
        esm_class=style.esm_class if receipt.final else EsmClass.INTERMEDIATE,
        data_coding=style.data_coding,
        short_message=text,
        tlvs=_tlvs(receipt, style.vendor_tlvs) if with_tlvs else (),
    )


def inbound_pdu(part: InboundPart) -> DeliverSm:
    """A message from a phone, or a part of it."""
    source_ton, source_npi = kind_of(part.source).types
    dest_ton, dest_npi = kind_of(part.destination).types
    return DeliverSm(
        source_addr_ton=source_ton,
        source_addr_npi=source_npi,
        source_addr=part.source,
        dest_addr_ton=dest_ton,
        dest_addr_npi=dest_npi,
        destination_addr=part.destination,
        esm_class=part.esm_class,
        data_coding=part.data_coding,
        short_message=part.octets,
    )


def _tlvs(receipt: Receipt, vendor: bool) -> tuple[tuple[int, bytes], ...]:
    ours = (receipt.provider, receipt.code, receipt.details or receipt.operator) if vendor else ()
    reference = receipt.user_message_reference
    return receipt_tlvs(receipt.wire_id, receipt.state, receipt.err, *ours, reference=reference)


_AVAILABLE = 0  # SMPP 3.4 §5.3.2.30


def alert_pdu(alert: Alert) -> AlertNotification:
    """An alert. source_addr is the phone, esme_addr the sender of the message that asked for the alert."""
    return AlertNotification(
        source_addr_ton=alert.dest_addr_ton,
        source_addr_npi=alert.dest_addr_npi,
        source_addr=alert.destination_addr,
        esme_addr_ton=alert.source_addr_ton,
        esme_addr_npi=alert.source_addr_npi,
        esme_addr=alert.source_addr,
        tlvs=(tlv(Tag.MS_AVAILABILITY_STATUS, _AVAILABLE),),
    )
