"""Optional parameters (TLVs): reading and writing them, and the type of each tag's value.

A PDU keeps its TLVs as raw (tag, octets) pairs in the order of the wire. Unknown and repeated TLVs are kept,
too, so that nothing is lost on the way through.
"""

import struct
from typing import NamedTuple

from smppbridge.errors import PduError
from smppbridge.smpp.constants import Status, Tag

Tlv = tuple[int, bytes]

MAX_TLV_OCTETS = 0xFFFF  # the length field has 16 bits

_HEAD = struct.Struct(">HH")


class _Integer(NamedTuple):
    octets: int


class _Text(NamedTuple):
    """A C-Octet String; lengths count its NUL."""

    shortest: int
    longest: int


class _Octets(NamedTuple):
    shortest: int
    longest: int


_Kind = _Integer | _Text | _Octets

# SMPP 3.4 §5.3.2. Other tags have octets of any length, ours from 0x1400 too: peers have their own meanings.
_KINDS: dict[int, _Kind] = {
    Tag.DEST_ADDR_SUBUNIT: _Integer(1),
    Tag.DEST_NETWORK_TYPE: _Integer(1),
    Tag.DEST_BEARER_TYPE: _Integer(1),
    Tag.DEST_TELEMATICS_ID: _Integer(2),
    Tag.SOURCE_ADDR_SUBUNIT: _Integer(1),
    Tag.SOURCE_NETWORK_TYPE: _Integer(1),
    Tag.SOURCE_BEARER_TYPE: _Integer(1),
    Tag.SOURCE_TELEMATICS_ID: _Integer(1),
    Tag.QOS_TIME_TO_LIVE: _Integer(4),
    Tag.PAYLOAD_TYPE: _Integer(1),
    Tag.ADDITIONAL_STATUS_INFO_TEXT: _Text(1, 256),
    Tag.RECEIPTED_MESSAGE_ID: _Text(1, 65),
    Tag.MS_MSG_WAIT_FACILITIES: _Integer(1),
    Tag.PRIVACY_INDICATOR: _Integer(1),
    Tag.SOURCE_SUBADDRESS: _Octets(2, 23),
    Tag.DEST_SUBADDRESS: _Octets(2, 23),
    Tag.USER_MESSAGE_REFERENCE: _Integer(2),
    Tag.USER_RESPONSE_CODE: _Integer(1),
    Tag.SOURCE_PORT: _Integer(2),
    Tag.DESTINATION_PORT: _Integer(2),
    Tag.SAR_MSG_REF_NUM: _Integer(2),
    Tag.LANGUAGE_INDICATOR: _Integer(1),
    Tag.SAR_TOTAL_SEGMENTS: _Integer(1),
    Tag.SAR_SEGMENT_SEQNUM: _Integer(1),
    Tag.SC_INTERFACE_VERSION: _Integer(1),
    Tag.CALLBACK_NUM_PRES_IND: _Integer(1),
    Tag.CALLBACK_NUM_ATAG: _Octets(0, 65),
    Tag.NUMBER_OF_MESSAGES: _Integer(1),
    Tag.CALLBACK_NUM: _Octets(4, 19),
    Tag.DPF_RESULT: _Integer(1),
    Tag.SET_DPF: _Integer(1),
    Tag.MS_AVAILABILITY_STATUS: _Integer(1),
    Tag.NETWORK_ERROR_CODE: _Octets(3, 3),
    Tag.MESSAGE_PAYLOAD: _Octets(0, MAX_TLV_OCTETS),
    Tag.DELIVERY_FAILURE_REASON: _Integer(1),
    Tag.MORE_MESSAGES_TO_SEND: _Integer(1),
    Tag.MESSAGE_STATE: _Integer(1),
    Tag.USSD_SERVICE_OP: _Octets(1, 1),
    Tag.DISPLAY_TIME: _Integer(1),
    Tag.SMS_SIGNAL: _Integer(2),
    Tag.MS_VALIDITY: _Integer(1),
    Tag.ALERT_ON_MESSAGE_DELIVERY: _Octets(0, 1),  # no value in 3.4, one octet in 5.0
    Tag.ITS_REPLY_TYPE: _Integer(1),
    Tag.ITS_SESSION_INFO: _Octets(2, 2),
}


def tlv(tag: int, value: int | str | bytes) -> Tlv:
    """One pair for `Pdu.tlvs`.

    Integers get the width of the tag, texts get a NUL, octets are taken as they are. Octets are accepted for
    every tag. Raises ValueError where the value does not fit the tag.
    """
    kind = _KINDS.get(tag)
    try:
        if isinstance(value, bytes):
            octets = value
        elif isinstance(value, str) and isinstance(kind, _Text) and "\0" not in value:
            octets = value.encode("latin-1") + b"\0"
        elif isinstance(value, int) and isinstance(kind, _Integer):
            octets = value.to_bytes(kind.octets, "big")
        else:
            raise ValueError(f"TLV 0x{tag:04X} cannot hold {type(value).__name__}")
    except OverflowError:
        raise ValueError(f"TLV 0x{tag:04X}: {value!r} is out of range") from None
    if not isinstance(kind, _Integer | None) and not kind.shortest <= len(octets) <= kind.longest:
        raise ValueError(f"TLV 0x{tag:04X}: {len(octets)} octets, allowed {kind.shortest}-{kind.longest}")
    return int(tag), octets


def tlv_value(tag: int, octets: bytes) -> int | str | bytes | None:
    """The value that the octets mean for this tag: an integer, a text up to its NUL, or the octets.

    None for an integer without octets. Never raises: peers send integers of wrong widths, and leave out NULs.
    """
    kind = _KINDS.get(tag)
    if isinstance(kind, _Integer):
        return int.from_bytes(octets, "big") if octets else None
    if isinstance(kind, _Text):
        return octets.partition(b"\0")[0].decode("latin-1")
    return octets


def write_tlvs(tlvs: tuple[Tlv, ...]) -> bytes:
    """The octets of the pairs. Raises ValueError for a tag or a length of more than 16 bits."""
    try:
        return b"".join([_HEAD.pack(tag, len(octets)) + octets for tag, octets in tlvs])
    except struct.error:
        raise ValueError("tlvs: tags and lengths have 16 bits") from None


def read_tlvs(raw: bytes, start: int, *, tolerant: bool) -> tuple[Tlv, ...]:
    """The pairs from `start` to the end of the PDU `raw`.

    1. One to three stray octets at the end are ignored: some peers leave them there.
    2. A NUL in front of the TLVs is ignored: php-smpp writes one.
    3. Integers of any width are accepted.

    Raises PduError 0xC0 where a TLV runs past the end, and 0xC2 for a length that the tag does not allow.
    With `tolerant` it does not raise, and returns what can be read.
    """
    tlvs, stop = _scan(raw, start)
    if stop != len(raw) and raw[start] == 0:
        shifted, shifted_stop = _scan(raw, start + 1)
        if shifted_stop == len(raw):
            tlvs, stop = shifted, shifted_stop
    if not tolerant:
        if len(raw) - stop >= _HEAD.size:
            raise PduError(Status.ESME_RINVOPTPARSTREAM, "a TLV runs past the end of its PDU")
        for tag, octets in tlvs:
            _check_length(tag, len(octets))
    return tuple(tlvs)


def _scan(raw: bytes, start: int) -> tuple[list[Tlv], int]:
    """The complete TLVs from `start`, and the offset behind the last one."""
    tlvs: list[Tlv] = []
    last_head = len(raw) - _HEAD.size
    while start <= last_head:
        tag, length = _HEAD.unpack_from(raw, start)
        value = start + _HEAD.size
        if value + length > len(raw):
            break
        start = value + length
        tlvs.append((tag, raw[value:start]))
    return tlvs, start


def _check_length(tag: int, length: int) -> None:
    kind = _KINDS.get(tag)
    if kind is None or isinstance(kind, _Integer) or kind.shortest <= length <= kind.longest:
        return
    raise PduError(Status.ESME_RINVPARLEN, f"TLV 0x{tag:04X} of {length} octets")
