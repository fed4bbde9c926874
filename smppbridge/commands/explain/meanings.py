"""What the values of PDUs mean to everybody, in words for people (SMPP 3.4 §5.2, §5.3.2; 3GPP 23.038 §4).

What an account means by a data_coding is said in `texts`.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import IntEnum

from smppbridge.smpp.constants import EsmClass, MessageState, Npi, RegisteredDelivery, Tag, Ton
from smppbridge.smpp.times import parse_time

_MODES = {0: "default mode", 1: "datagram", 2: "transaction", 3: "store and forward"}
_TYPES: dict[int, str] = {
    EsmClass.RECEIPT: "delivery receipt",
    EsmClass.DELIVERY_ACK: "delivery acknowledgement",
    EsmClass.MANUAL_ACK: "manual acknowledgement",
    EsmClass.CONVERSATION_ABORT: "conversation abort",
    EsmClass.INTERMEDIATE: "intermediate notification",
}
_RECEIPTS = {0: "no receipt", 1: "receipt", 2: "receipt of a failure only", 3: "receipt of a success only"}
_CODINGS = {
    0: "the SMSC's default alphabet",
    1: "ASCII (IA5)",
    2: "8-bit data",
    3: "Latin-1",
    4: "8-bit data",
    5: "JIS",
    6: "ISO-8859-5 (Cyrillic)",
    7: "ISO-8859-8 (Hebrew)",
    8: "UCS-2",
    9: "pictogram",
    10: "ISO-2022-JP",
    13: "extended Kanji JIS",
    14: "KS C 5601",
}
_ALPHABETS = ("GSM 03.38", "8-bit data", "UCS-2", "reserved alphabet")
_CLASSES = ("class 0 (flash)", "class 1 (phone)", "class 2 (SIM)", "class 3 (terminal)")
_WAITING = ("voicemail", "fax", "e-mail", "other")
_PRIORITIES = ("normal", "interactive", "urgent", "emergency")


def _named(names: type[IntEnum]) -> Callable[[int], str]:
    members = {int(member): member.name.lower() for member in names}
    return lambda value: members.get(value, "reserved")


def esm_class(value: int) -> str:
    """Mode, type and features of esm_class (§5.2.12)."""
    words = [_MODES[value & EsmClass.MODE_MASK]]
    if kind := value & EsmClass.TYPE_MASK:
        words.append(_TYPES.get(kind, "reserved type"))
    if value & EsmClass.UDHI:
        words.append("user data header (UDHI)")
    if value & EsmClass.REPLY_PATH:
        words.append("reply path")
    return ", ".join(words)


def registered_delivery(value: int) -> str:
    """What is asked for (§5.2.17)."""
    words = [_RECEIPTS[value & RegisteredDelivery.RECEIPT_MASK]]
    if value & RegisteredDelivery.ACK_MASK:
        words.append("acknowledgement of the phone")
    if value & RegisteredDelivery.INTERMEDIATE:
        words.append("intermediate notification")
    return ", ".join(words)


def data_coding(value: int) -> str:
    """Alphabet and message class (§5.2.19; from 0x10 on 3GPP 23.038 §4)."""
    if value < 0x10:
        return _CODINGS.get(value, "reserved")
    group = value >> 4
    if group < 0x8:
        alphabet = _ALPHABETS[value >> 2 & 3]
        words = [alphabet] + (["compressed"] if value & 0x20 else [])
        return ", ".join(words + ([_CLASSES[value & 3]] if value & 0x10 else []))
    if group in (0xC, 0xD, 0xE):
        alphabet = "UCS-2" if group == 0xE else "GSM 03.38"
        state = "on" if value & 8 else "off"
        return f"{alphabet}, message waiting ({_WAITING[value & 3]}) {state}"
    if group == 0xF:
        return f"{_ALPHABETS[value >> 2 & 1]}, {_CLASSES[value & 3]}"
    return "reserved"


def priority_flag(value: int) -> str:
    """Level of priority (§5.2.14), in the words of the last of its three columns."""
    return _PRIORITIES[value] if value < len(_PRIORITIES) else "reserved"


def interface_version(value: int) -> str:
    """Version of SMPP (§5.2.4): two digits in hexadecimal."""
    return f"SMPP {value >> 4}.{value & 15}" if value >= 0x34 else "SMPP 3.3 or older"


def moment(value: str, now: int) -> str:
    """schedule_delivery_time or validity_period (§7.1.1), as a date in UTC; ``now`` in ms."""
    if not value:
        return ""
    try:
        found = parse_time(value, datetime.fromtimestamp(now / 1000, UTC))
    except (ValueError, OverflowError) as error:
        return f"no time: {error}"
    return "" if found is None else found.isoformat(sep=" ", timespec="seconds")


def instant(ms: int) -> str:
    """A moment of the bridge, or of a capture, in UTC. A damaged capture has some that no calendar has."""
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).isoformat(sep=" ", timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return f"{ms} ms after 1970"


_TON, _NPI, _STATE = _named(Ton), _named(Npi), _named(MessageState)

FIELDS: Mapping[str, Callable[[int], str]] = {
    **dict.fromkeys(("source_addr_ton", "dest_addr_ton", "addr_ton", "esme_addr_ton"), _TON),
    **dict.fromkeys(("source_addr_npi", "dest_addr_npi", "addr_npi", "esme_addr_npi"), _NPI),
    "esm_class": esm_class,
    "registered_delivery": registered_delivery,
    "data_coding": data_coding,
    "priority_flag": priority_flag,
    "interface_version": interface_version,
    "message_state": _STATE,
}
"""Meanings of integers among the mandatory parameters, by name."""

TLVS: Mapping[int, Callable[[int], str]] = {
    Tag.MESSAGE_STATE: _STATE,
    Tag.SC_INTERFACE_VERSION: interface_version,
    Tag.DEST_ADDR_SUBUNIT: lambda value: "shown at once (flash)" if value == 1 else "",
    Tag.MORE_MESSAGES_TO_SEND: lambda value: "more messages follow" if value else "no more messages follow",
    Tag.MS_AVAILABILITY_STATUS: lambda value: {0: "available", 1: "denied", 2: "unavailable"}.get(value, ""),
}
"""Meanings of integers among the optional parameters, by tag."""

_NETWORKS = {1: "ANSI-136", 2: "IS-95", 3: "GSM"}


def network_error_code(octets: bytes) -> str:
    """Network and its code (§5.3.2.31)."""
    if len(octets) != 3:
        return ""
    return f"{_NETWORKS.get(octets[0], 'network')} {int.from_bytes(octets[1:], 'big')}"
