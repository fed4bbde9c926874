"""What an ESME asks to be told: receipts (SMPP 3.4 §5.2.17) and alerts (§5.3.2.29)."""

from smppbridge.model.message import State
from smppbridge.smpp.constants import RegisteredDelivery, Tag
from smppbridge.smpp.tlv import read_tlvs, tlv_value

KEPT_BITS = RegisteredDelivery.RECEIPT_MASK | RegisteredDelivery.INTERMEDIATE


def owes_receipt(registered_delivery: int, state: int, final: bool) -> bool:
    """Whether the ESME is owed a deliver_sm when its message reaches ``state``.

    1. Bits 1-0 of ``registered_delivery`` decide about final states.
    2. Bit 4 decides about all other states.
    3. The other bits (SME acknowledgements) are between the phone and the ESME. They change nothing here.
    """
    if not final:
        return bool(registered_delivery & RegisteredDelivery.INTERMEDIATE)
    wanted = registered_delivery & RegisteredDelivery.RECEIPT_MASK
    if wanted == RegisteredDelivery.FAILURE_ONLY:
        return state != State.DELIVERED
    if wanted == RegisteredDelivery.SUCCESS_ONLY:
        return state == State.DELIVERED
    return wanted == RegisteredDelivery.SUCCESS_OR_FAILURE


def wants_alert(tlvs: bytes) -> bool:
    """Whether these optional parameters ask for an alert_notification if the phone is not reached.

    set_dpf (SMPP 3.4 §5.3.2.29) must be 1. Where it stands twice, the first one counts.
    """
    found = dict(reversed(read_tlvs(tlvs, 0, tolerant=True)))
    return tlv_value(Tag.SET_DPF, found.get(Tag.SET_DPF, b"")) == 1
