"""Who wants to hear when a phone can be reached again (SMPP 3.4 §5.3.2.28: set_dpf, §4.12: the alert).

Must not know: how a watch is stored, how an alert is sent.
"""

from smppbridge.smpp.constants import Tag
from smppbridge.smpp.tlv import read_tlvs, tlv_value


def wants_alert(tlvs: bytes) -> bool:
    """Whether a message with these optional parameters asks for an alert, should it not reach its phone."""
    found = dict(reversed(read_tlvs(tlvs, 0, tolerant=True)))  # where one is repeated, the first counts
    return tlv_value(Tag.SET_DPF, found.get(Tag.SET_DPF, b"")) == 1
