"""The alert_notification for a phone that can be reached again (SMPP 3.4 §4.12).

Must not know: who gets it, and when.
"""

from smppbridge.model.message import Alert
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import AlertNotification
from smppbridge.smpp.tlv import tlv

_AVAILABLE = 0  # SMPP 3.4 §5.3.2.30


def alert_pdu(alert: Alert) -> AlertNotification:
    """The addresses are those of the message that asked: source_addr the phone, esme_addr its sender."""
    return AlertNotification(
        source_addr_ton=alert.dest_addr_ton,
        source_addr_npi=alert.dest_addr_npi,
        source_addr=alert.destination_addr,
        esme_addr_ton=alert.source_addr_ton,
        esme_addr_npi=alert.source_addr_npi,
        esme_addr=alert.source_addr,
        tlvs=(tlv(Tag.MS_AVAILABILITY_STATUS, _AVAILABLE),),
    )
