"""A PDU parameter by parameter, with names, values and meanings; and where a malformed one breaks.

Passwords are never shown.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

from smppbridge.commands.explain import meanings
from smppbridge.commands.explain.values import (
    Hex,
    Meant,
    NamedStatus,
    Octets,
    Plain,
    ReportValue,
    ReportValues,
    meant,
)
from smppbridge.errors import PduError, ProtocolError
from smppbridge.smpp.addresses import SmeAddress
from smppbridge.smpp.codec import HEADER
from smppbridge.smpp.constants import RESPONSE_BIT, Command, Tag
from smppbridge.smpp.fields import HEADER_OCTETS, CString, read_body
from smppbridge.smpp.pdu import PDUS, Pdu
from smppbridge.smpp.tlv import read_tlvs, tlv_value

HIDDEN = "***"
_TIMES = frozenset({"schedule_delivery_time", "validity_period", "final_date"})
_HEXADECIMAL = frozenset({"esm_class", "data_coding", "interface_version"})
_TLV_HEAD = 4
_COMMANDS = {int(command): command.name.lower() for command in Command}
_TAGS = {int(tag): tag.name.lower() for tag in Tag}


@dataclass(frozen=True, slots=True)
class HeaderParameters:
    """The parameters of a header, as they stand there."""

    command_length: int
    octets: bytes | None = None  # instead of the others, where the header is not whole
    command_id: Meant[Hex] | None = None
    command_status: NamedStatus | None = None  # None in a request that leaves it 0: it means nothing there
    sequence_number: int | None = None


@dataclass(frozen=True, slots=True)
class OptionalParameter:
    """A TLV."""

    tag: Hex
    name: str
    value: Plain  # None: an integer without octets
    meaning: str | None = None


@dataclass(frozen=True, slots=True)
class MalformedAnswer:
    """What the bridge answers to a malformed PDU (SMPP 3.4 §3.3, §4.3)."""

    pdu: str
    command_status: NamedStatus | None = None
    then: str | None = None
    sequence_number: int | None = None


@dataclass(frozen=True, slots=True)
class Malformed:
    """What is wrong with a PDU, and where it breaks as far as that is known."""

    reason: str
    answer: MalformedAnswer
    at_octet: int | None = None
    before: ReportValues | None = None  # what could be read before that
    parameter: str | None = None  # the one that cannot be read


def command_name(command_id: int) -> str:
    """Name of a command_id."""
    return _COMMANDS.get(command_id, f"unknown command 0x{command_id:08X}")


def header(raw: bytes) -> HeaderParameters:
    """The header of a PDU, or what there is of it."""
    if len(raw) < HEADER_OCTETS:
        return HeaderParameters(int.from_bytes(raw[:4], "big"), octets=raw)
    length, command_id, command_status, sequence_number = HEADER.unpack_from(raw)
    says_nothing = not command_id & RESPONSE_BIT and not command_status
    return HeaderParameters(
        length,
        command_id=Meant(Hex(command_id, 8), command_name(command_id)),
        command_status=None if says_nothing else NamedStatus(command_status),
        sequence_number=sequence_number,
    )


def parameters(pdu: Pdu, now: int) -> ReportValues:
    """The mandatory parameters in the order of the wire. Relative times count from ``now`` (ms)."""
    return {
        field.name: HIDDEN if not field.repr else _parameter(field.name, getattr(pdu, field.name), now)
        for field in _fields(type(pdu))
    }


def tlvs(pdu: Pdu) -> tuple[OptionalParameter, ...]:
    """The optional parameters in the order of the wire."""
    return tuple(_tlv(tag, octets) for tag, octets in pdu.tlvs)


def malformed(raw: bytes, error: ProtocolError) -> Malformed:
    """What the codec says about a malformed PDU, its answer, and where it breaks."""
    found = Malformed(error.reason, _answer(error))
    if isinstance(error, PduError) and (cls := PDUS.get(error.command_id)) is not None:
        return _breaks_at(found, cls, raw)
    return found


def _answer(error: ProtocolError) -> MalformedAnswer:
    status = NamedStatus(error.status)
    if not isinstance(error, PduError):
        then = "the connection is closed: the limits of PDUs are lost"
        return MalformedAnswer("generic_nack", status, then)
    response = getattr(PDUS.get(error.command_id), "response", None)
    if response is None and error.command_id & RESPONSE_BIT:
        return MalformedAnswer("none", then="it is passed over: nobody answers a response")
    name = command_name(response.command_id) if response is not None else "generic_nack"
    return MalformedAnswer(name, status, sequence_number=error.sequence_number)


def _breaks_at(found: Malformed, cls: type[Pdu], raw: bytes) -> Malformed:
    """The same with the offset of the parameter that cannot be read, and what could be read before it."""
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
        return dataclasses.replace(
            found,
            at_octet=min(position, len(raw)),
            before=read or None,
            parameter=fields[len(values)].name if len(values) < len(fields) else None,
        )
    at_octet = _broken_tlv(raw, position)
    return dataclasses.replace(found, at_octet=at_octet, parameter="optional parameters (TLVs)")


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


def _parameter(name: str, value: Any, now: int) -> ReportValue:
    if isinstance(value, bytes):
        return Octets(value)
    if isinstance(value, tuple):
        return tuple(_listed(entry) for entry in value)
    if name in _TIMES:
        return meant(value, meanings.moment(value, now))
    meaning = meanings.FIELDS.get(name)
    if meaning is not None and isinstance(value, int):
        return meant(Hex(value, 2) if name in _HEXADECIMAL else value, meaning(value))
    plain: Plain = value
    return plain


def _listed(entry: Any) -> ReportValues:
    """One destination of submit_multi, or one of those that failed."""
    values: dict[str, ReportValue] = dict(entry._asdict())
    if "error_status_code" in values:
        values["error_status_code"] = NamedStatus(entry.error_status_code)
    if isinstance(entry, SmeAddress):
        for name in ("dest_addr_ton", "dest_addr_npi"):
            number = getattr(entry, name)
            values[name] = meant(number, meanings.FIELDS[name](number))
    return values


def _tlv(tag: int, octets: bytes) -> OptionalParameter:
    value = tlv_value(tag, octets)
    meaning = ""
    if isinstance(value, int) and tag in meanings.TLVS:
        meaning = meanings.TLVS[tag](value)
    elif tag == Tag.NETWORK_ERROR_CODE:
        meaning = meanings.network_error_code(octets)
    shown = Octets(octets) if isinstance(value, bytes) else value
    return OptionalParameter(Hex(tag, 4), _TAGS.get(tag, "unknown"), shown, meaning or None)
