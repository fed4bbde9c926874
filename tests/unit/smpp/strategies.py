"""PDUs with generated values, for the tests that try everything."""

import dataclasses

from hypothesis import strategies as st

from smppbridge.smpp.addresses import DistributionList, SmeAddress, UnsuccessSme
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.fields import CString
from smppbridge.smpp.pdu import PDUS, Pdu
from smppbridge.smpp.tlv import Tlv, tlv

OCTETS = st.integers(0, 255)
NUMBERS = st.integers(0, 0xFFFFFFFF)


def texts(limit: int) -> st.SearchStrategy[str]:
    """What fits a C-Octet String of `limit` octets."""
    letters = st.characters(min_codepoint=1, max_codepoint=255)
    return st.text(letters, max_size=limit - 1)


# Tags that the specification gives no lengths to, so that any octets will do.
_FREE_TAGS = st.integers(0x1402, 0x3FFF) | st.just(int(Tag.MESSAGE_PAYLOAD))

TLVS: st.SearchStrategy[tuple[Tlv, ...]] = st.lists(
    st.builds(tlv, st.just(Tag.MESSAGE_STATE), OCTETS)
    | st.builds(tlv, st.just(Tag.RECEIPTED_MESSAGE_ID), texts(65))
    | st.tuples(_FREE_TAGS, st.binary(max_size=20)),
    max_size=4,
).map(tuple)

DESTINATIONS = st.lists(
    st.builds(SmeAddress, OCTETS, OCTETS, texts(21)) | st.builds(DistributionList, texts(21)),
    min_size=1,
    max_size=5,
).map(tuple)
FAILURES = st.lists(st.builds(UnsuccessSme, OCTETS, OCTETS, texts(21), NUMBERS), max_size=5).map(tuple)

_BY_NAME: dict[str, st.SearchStrategy[object]] = {
    "short_message": st.binary(max_size=254),
    "dest_address": DESTINATIONS,
    "unsuccess_sme": FAILURES,
    "command_status": NUMBERS,
    "sequence_number": NUMBERS,
    "tlvs": TLVS,
}


def _value(field: "dataclasses.Field[object]") -> st.SearchStrategy[object]:
    kind = field.metadata.get("wire")
    if isinstance(kind, CString):
        return texts(kind.limit)
    return _BY_NAME.get(field.name, OCTETS)


def pdus_of(cls: type[Pdu]) -> st.SearchStrategy[Pdu]:
    """Any PDU of the class; one without a body has no TLVs either, because nobody reads them."""
    values = {field.name: _value(field) for field in dataclasses.fields(cls)}
    if len(values) == len(dataclasses.fields(Pdu)):
        del values["tlvs"]
    return st.builds(cls, **values)


PDU_STREAMS = st.lists(st.one_of([pdus_of(cls) for cls in PDUS.values()]), max_size=6)
