"""PDUs out of octets, field by field: whatever octets come, the PDU can be encoded or says why not, so that a
fuzzer gets past the lengths and into the meaning of a message.

A PDU is a list of changes to an empty one. A change is the number of a field, the length of its value and the
value. Behind the last field stand TLVs (tag, length, value) and the end of the PDU.
"""

from collections.abc import Iterable
from dataclasses import fields
from typing import TypeVar

from smppbridge.smpp.pdu import Pdu
from tests.fuzz.reading import Octets

P = TypeVar("P", bound=Pdu)

MOST = 40  # changes of one PDU
_HEADER = {"tlvs", "command_status", "sequence_number"}


def _names(cls: type[Pdu]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cls) if field.name not in _HEADER)


def read_pdu(cls: type[P], octets: Octets) -> P:
    """The next PDU. It may hold what cannot be encoded."""
    pdu, names = cls(sequence_number=1), _names(cls)
    tlvs: list[tuple[int, bytes]] = []
    for _ in range(MOST):
        if not octets.more:
            break
        place = octets.number() % (len(names) + 2)
        if place > len(names):
            break
        if place == len(names):
            tag = int.from_bytes(octets.take(2), "big")
            tlvs.append((tag, octets.take(octets.number())))
            continue
        value, name = octets.take(octets.number()), names[place]
        empty = getattr(cls(), name)
        if isinstance(empty, str):
            setattr(pdu, name, value.decode("latin-1"))
        elif isinstance(empty, bytes):
            setattr(pdu, name, value)
        else:
            setattr(pdu, name, value[0] if value else 0)
    pdu.tlvs = tuple(tlvs)
    return pdu


def write_pdus(pdus: Iterable[Pdu]) -> bytes:
    """The octets that `read_pdu` reads as these, each of whose values has at most 255 octets."""
    return b"".join(map(_write, pdus))


def _write(pdu: Pdu) -> bytes:
    names, written = _names(type(pdu)), bytearray()
    for place, name in enumerate(names):
        value = getattr(pdu, name)
        if value == getattr(type(pdu)(), name):
            continue
        octets = value.encode("latin-1") if isinstance(value, str) else value
        octets = bytes((octets,)) if isinstance(octets, int) else octets
        written += bytes((place, len(octets))) + octets
    for tag, octets in pdu.tlvs:
        written += bytes((len(names),)) + tag.to_bytes(2, "big") + bytes((len(octets),)) + octets
    return bytes(written) + bytes((len(names) + 1,))
