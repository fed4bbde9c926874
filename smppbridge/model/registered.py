"""What registered_delivery asks for (SMPP 3.4 §5.2.17). Must not know: how a receipt is stored or sent."""

from smppbridge.model.message import State

RECEIPT_MASK = 0x03
RECEIPT_ALWAYS = 0x01
RECEIPT_ON_FAILURE = 0x02
RECEIPT_ON_SUCCESS = 0x03  # reserved in 3.4, given this meaning by SMPP 5.0 §4.7.21
INTERMEDIATE_NOTIFICATION = 0x10


def owes_receipt(registered_delivery: int, state: int, final: bool) -> bool:
    """Whether a message that has reached ``state`` owes its ESME a deliver_sm.

    Bits 1-0 decide about final states, bit 4 about all others; the remaining bits (SME
    acknowledgements) are between the phone and the ESME and change nothing here.
    """
    if not final:
        return bool(registered_delivery & INTERMEDIATE_NOTIFICATION)
    wanted = registered_delivery & RECEIPT_MASK
    if wanted == RECEIPT_ON_FAILURE:
        return state != State.DELIVERED
    if wanted == RECEIPT_ON_SUCCESS:
        return state == State.DELIVERED
    return wanted == RECEIPT_ALWAYS
