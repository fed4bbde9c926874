"""What registered_delivery asks for (SMPP 3.4 §5.2.17). Must not know: how a receipt is stored or sent."""

from smppbridge.model.message import State
from smppbridge.smpp.constants import RegisteredDelivery, Tag
from smppbridge.smpp.tlv import read_tlvs, tlv_value

KEPT_BITS = RegisteredDelivery.RECEIPT_MASK | RegisteredDelivery.INTERMEDIATE


def owes_receipt(registered_delivery: int, state: int, final: bool) -> bool:
    """Whether a message that has reached ``state`` owes its ESME a deliver_sm.

    Bits 1-0 decide about final states, bit 4 about all others; the remaining bits (SME
    acknowledgements) are between the phone and the ESME and change nothing here.
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
    """Whether a message with these optional parameters asks for an alert, should it not reach its phone."""
    found = dict(reversed(read_tlvs(tlvs, 0, tolerant=True)))  # where one is repeated, the first counts
    return tlv_value(Tag.SET_DPF, found.get(Tag.SET_DPF, b"")) == 1
