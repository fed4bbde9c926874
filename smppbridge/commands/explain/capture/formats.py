"""Capture files as frames: pcap (libpcap's own format) and pcapng, in either byte order.

Written here because the libraries that read both are either no longer maintained (dpkt) or large and meant
for making packets (scapy); a reader of frames alone is this short. Nothing in a file is believed: lengths are
bounded, and what cannot be read ends the reading with a CaptureError.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from smppbridge.errors import SmppBridgeError

MAX_FRAME = 262_144  # octets: the largest snapshot length that captures use
MAX_BLOCK = MAX_FRAME + 65_536  # of pcapng: a frame and its options
MAX_INTERFACES = 1024

_MICROSECONDS, _NANOSECONDS = 0xA1B2C3D4, 0xA1B23C4D  # magic numbers of pcap, by the unit of its times
_PCAPNG = 0x0A0D0D0A
_SECTION_ORDER = 0x1A2B3C4D
_INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _ENHANCED_PACKET = 1, 2, 3, 6
_TIME_RESOLUTION, _TIME_OFFSET, _END = 9, 14, 0  # options of an interface
_LINK_TYPE_MASK = 0x0FFFFFFF  # the upper bits of pcap's field say how frames end


class CaptureError(SmppBridgeError):
    """A file that is no capture, or is damaged."""


class Frame(NamedTuple):
    """One captured frame."""

    at: int | None  # ms since 1970; None: not told
    link_type: int  # LINKTYPE_ number
    octets: bytes  # as far as they were captured


class _Interface(NamedTuple):
    link_type: int
    units: int = 1_000_000  # of time, in a second
    offset: int = 0  # seconds
    snapshot: int = 0  # octets of a frame that are kept, 0 = all


def read_frames(file: BinaryIO) -> Iterator[Frame]:
    """The frames of a capture, one after the other. Raises CaptureError."""
    start = file.read(4)
    if len(start) < 4:
        raise CaptureError("the file is too short for a capture")
    if int.from_bytes(start, "big") == _PCAPNG:
        yield from _read_pcapng(file, start)
        return
    for order in ("<", ">"):
        (magic,) = struct.unpack(f"{order}I", start)
        if magic in (_MICROSECONDS, _NANOSECONDS):
            yield from _read_pcap(file, order, 1_000_000 if magic == _MICROSECONDS else 1_000_000_000)
            return
    if start[:2] == b"\x1f\x8b":
        raise CaptureError("the file is compressed: unpack it with gunzip first")
    raise CaptureError("the file is neither pcap nor pcapng")


# --- pcap ------------------------------------------------------------------------------------------


def _read_pcap(file: BinaryIO, order: str, units: int) -> Iterator[Frame]:
    head = _need(file.read(20), 20)
    (network,) = struct.unpack(f"{order}I", head[16:])
    record = struct.Struct(f"{order}IIII")
    while head := file.read(record.size):
        seconds, fraction, captured, _ = record.unpack(_need(head, record.size))
        if captured > MAX_FRAME:
            raise CaptureError(f"damaged: a frame of {captured} octets")
        octets = _need(file.read(captured), captured)
        yield Frame(seconds * 1000 + fraction * 1000 // units, network & _LINK_TYPE_MASK, octets)


def _need(octets: bytes, length: int) -> bytes:
    if len(octets) < length:
        raise CaptureError("the file ends within a frame")
    return octets


# --- pcapng ----------------------------------------------------------------------------------------


def _read_pcapng(file: BinaryIO, start: bytes) -> Iterator[Frame]:
    order = "<"
    interfaces: list[_Interface] = []
    while start:
        start = _need(start, 4)
        if int.from_bytes(start, "big") == _PCAPNG:  # reads alike in both orders
            order = _order_of_section(file)
            interfaces = []
            start = file.read(4)
            continue
        (kind,) = struct.unpack(f"{order}I", start)
        body = _block(file, order)
        if kind == _INTERFACE:
            if len(interfaces) >= MAX_INTERFACES:
                raise CaptureError(f"damaged: more than {MAX_INTERFACES} interfaces")
            interfaces.append(_interface(body, order))
        elif kind in (_ENHANCED_PACKET, _OLD_PACKET, _SIMPLE_PACKET):
            yield _frame(kind, body, order, interfaces)
        start = file.read(4)


def _order_of_section(file: BinaryIO) -> str:
    """Byte order of a section, whose header block is read to its end."""
    head = _need(file.read(8), 8)
    for order in ("<", ">"):
        length, magic = struct.unpack(f"{order}II", head)
        if magic == _SECTION_ORDER:
            if not 28 <= length <= MAX_BLOCK or length % 4:
                raise CaptureError(f"damaged: a section header of {length} octets")
            _need(file.read(length - 12), length - 12)
            return order
    raise CaptureError("damaged: a section without byte order")


def _block(file: BinaryIO, order: str) -> bytes:
    """The body of a block whose type is read already."""
    (length,) = struct.unpack(f"{order}I", _need(file.read(4), 4))
    if not 12 <= length <= MAX_BLOCK or length % 4:
        raise CaptureError(f"damaged: a block of {length} octets")
    rest = _need(file.read(length - 8), length - 8)
    return rest[:-4]


def _interface(body: bytes, order: str) -> _Interface:
    if len(body) < 8:
        raise CaptureError("damaged: an interface without link type")
    link_type, _, snapshot = struct.unpack_from(f"{order}HHI", body)
    found = _Interface(link_type, snapshot=snapshot)
    at = 8
    while at + 4 <= len(body):
        code, length = struct.unpack_from(f"{order}HH", body, at)
        value = body[at + 4 : at + 4 + length]
        if code == _END:
            break
        if code == _TIME_RESOLUTION and len(value) == 1:
            power = value[0] & 0x7F
            found = found._replace(units=2**power if value[0] & 0x80 else 10 ** min(power, 18))
        elif code == _TIME_OFFSET and len(value) == 8:
            found = found._replace(offset=struct.unpack(f"{order}q", value)[0])
        at += 4 + length + -length % 4
    return found


def _frame(kind: int, body: bytes, order: str, interfaces: list[_Interface]) -> Frame:
    try:
        if kind == _SIMPLE_PACKET:
            (length,) = struct.unpack_from(f"{order}I", body)
            interface = interfaces[0]
            captured = min(length, interface.snapshot or length)
            return Frame(None, interface.link_type, body[4 : 4 + captured])
        shape = f"{order}IIIII" if kind == _ENHANCED_PACKET else f"{order}HHIIII"
        fields = struct.unpack_from(shape, body)
        high, low, captured = fields[-4:-1]
        interface = interfaces[fields[0]]
    except (struct.error, IndexError):
        raise CaptureError("damaged: a frame that belongs to no interface") from None
    octets = body[20 : 20 + captured]
    if len(octets) < captured:
        raise CaptureError(f"damaged: a frame of {captured} octets in a shorter block")
    ticks = high << 32 | low
    return Frame(interface.offset * 1000 + ticks * 1000 // interface.units, interface.link_type, octets)
