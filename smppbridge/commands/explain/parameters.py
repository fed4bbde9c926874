"""A PDU parameter by parameter, with names, values and meanings; and where a malformed one breaks.

Passwords are never told. Must not know: accounts, what becomes of a PDU.
"""

import dataclasses
from typing import Any

from smppbridge.commands.explain import meanings
from smppbridge.errors import PduError, ProtocolError
from smppbridge.smpp.addresses import SmeAddress
from smppbridge.smpp.codec import HEADER
from smppbridge.smpp.constants import RESPONSE_BIT, Command, Status, Tag, status_name
from smppbridge.smpp.fields import HEADER_OCTETS, CString, read_body
from smppbridge.smpp.pdu import PDUS, Pdu
from smppbridge.smpp.tlv import read_tlvs, tlv_value

HIDDEN = "***"
_TIMES = frozenset({"schedule_delivery_time", "validity_period", "final_date"})
_TLV_HEAD = 4
_COMMANDS = {int(command): command.name.lower() for command in Command}
_TAGS = {int(tag): tag.name.lower() for tag in Tag}

Told = dict[str, Any]
"""What is told about something: JSON values by name, in the order in which people read them. A value may be a
mapping of ``value`` and ``meaning``."""


def meant(value: Any, meaning: str) -> Any:
    """``value``, with its meaning where it has one."""
    return {"value": value, "meaning": meaning} if meaning else value


def status(value: int) -> Told:
    """A command_status with its name."""
    return {"value": f"0x{value:08X}", "meaning": _status_name(value)}


def command_name(command_id: int) -> str:
    """Name of a command_id."""
    return _COMMANDS.get(command_id, f"unknown command 0x{command_id:08X}")


def header(raw: bytes) -> Told:
    """The four parameters of a header, as they stand there, or what there is of one."""
    if len(raw) < HEADER_OCTETS:
        return {"command_length": int.from_bytes(raw[:4], "big"), "octets": raw.hex()}
    length, command_id, command_status, sequence_number = HEADER.unpack_from(raw)
    told: Told = {
        "command_length": length,
        "command_id": {"value": f"0x{command_id:08X}", "meaning": command_name(command_id)},
        "command_status": status(command_status),
        "sequence_number": sequence_number,
    }
    if not command_id & RESPONSE_BIT and not command_status:
        del told["command_status"]  # it means nothing in a request
    return told


def parameters(pdu: Pdu, now: int) -> Told:
    """The mandatory parameters in the order of the wire; ``now`` (ms) is what relative times count from."""
    told: Told = {}
    for field in _fields(type(pdu)):
        value = getattr(pdu, field.name)
        told[field.name] = HIDDEN if not field.repr else _parameter(field.name, value, now)
    return told


def tlvs(pdu: Pdu) -> list[Told]:
    """The optional parameters in the order of the wire."""
    return [_tlv(tag, octets) for tag, octets in pdu.tlvs]


def broken(raw: bytes, error: ProtocolError) -> Told:
    """What the codec says about a malformed PDU, its answer, and where it breaks, as far as that is known."""
    told: Told = {"reason": error.reason, "answer": _answer(raw, error)}
    if isinstance(error, PduError) and (cls := PDUS.get(error.command_id)) is not None:
        told |= _breaks_at(cls, raw)
    return told


def _answer(raw: bytes, error: ProtocolError) -> Told:
    """The PDU that the bridge answers with (SMPP 3.4 §3.3, §4.3)."""
    cls = PDUS.get(error.command_id)
    response = getattr(cls, "response", None)
    if not isinstance(error, PduError):
        return {
            "pdu": "generic_nack",
            "command_status": status(error.status),
            "then": "the connection is closed: the limits of PDUs are lost",
        }
    if response is None and error.command_id & RESPONSE_BIT:
        return {"pdu": "none", "then": "it is passed over: nobody answers a response"}
    name = command_name(response.command_id) if response is not None else "generic_nack"
    return {"pdu": name, "command_status": status(error.status), "sequence_number": error.sequence_number}


def _breaks_at(cls: type[Pdu], raw: bytes) -> Told:
    """The offset of the parameter that cannot be read, and what could be read before it."""
    values: list[Any] = []
    fields = _fields(cls)
    try:
        position = read_body(cls.layout.plan(limits={"password": 65}), raw, values)
    except PduError:
        read = {
            field.name: HIDDEN if not field.repr else _parameter(field.name, value, 0)
            for field, value in zip(fields, values, strict=False)
        }
        position = HEADER_OCTETS + sum(map(_octets_of, fields[: len(values)], values))
        told: Told = {"at_octet": min(position, len(raw))}
        if read:
            told["before"] = read
        if len(values) < len(fields):
            told["parameter"] = fields[len(values)].name
        return told
    return {"at_octet": _broken_tlv(raw, position), "parameter": "optional parameters (TLVs)"}


def _broken_tlv(raw: bytes, position: int) -> int:
    """Where the first optional parameter begins that cannot be read."""
    while position + _TLV_HEAD <= len(raw):
        end = position + _TLV_HEAD + int.from_bytes(raw[position + 2 : position + 4], "big")
        try:
            if end > len(raw):
                break
            read_tlvs(raw[:end], position, tolerant=False)
        except PduError:
            break
        position = end
    return position


def _fields(cls: type[Pdu]) -> list["dataclasses.Field[Any]"]:
    return [field for field in dataclasses.fields(cls) if "wire" in field.metadata]


def _octets_of(field: "dataclasses.Field[Any]", value: Any) -> int:
    """Octets that a parameter takes on the wire."""
    kind = field.metadata["wire"]
    if isinstance(kind, CString):
        return len(value) + 1
    if isinstance(value, bytes):
        return 1 + len(value)
    return len(kind.write(value)) if hasattr(kind, "write") else 1


def _parameter(name: str, value: Any, now: int) -> Any:
    if isinstance(value, bytes):
        return {"octets": len(value), "hex": value.hex()}
    if isinstance(value, tuple):
        return [_listed(one) for one in value]
    if name in _TIMES:
        return meant(value, meanings.moment(value, now))
    meaning = meanings.FIELDS.get(name)
    if meaning is not None and isinstance(value, int):
        shown = f"0x{value:02X}" if name in {"esm_class", "data_coding", "interface_version"} else value
        return meant(shown, meaning(value))
    return value


def _listed(entry: Any) -> Told:
    """One destination of submit_multi, or one of those that failed."""
    told: Told = dict(entry._asdict())
    if "error_status_code" in told:
        told["error_status_code"] = status(told["error_status_code"])
    if isinstance(entry, SmeAddress):
        for name in ("dest_addr_ton", "dest_addr_npi"):
            told[name] = meant(told[name], meanings.FIELDS[name](told[name]))
    return told


def _tlv(tag: int, octets: bytes) -> Told:
    value = tlv_value(tag, octets)
    shown: Any = {"octets": len(octets), "hex": octets.hex()} if isinstance(value, bytes) else value
    meaning = ""
    if isinstance(value, int) and tag in meanings.TLVS:
        meaning = meanings.TLVS[tag](value)
    elif tag == Tag.NETWORK_ERROR_CODE:
        meaning = meanings.network_error_code(octets)
    told: Told = {"tag": f"0x{tag:04X}", "name": _TAGS.get(tag, "unknown"), "value": shown}
    return told | ({"meaning": meaning} if meaning else {})


def _status_name(value: int) -> str:
    return status_name(value) if value in Status._value2member_map_ else "not in SMPP 3.4"
