"""Frames as TCP segments: Ethernet (with VLAN tags), Linux cooked, loopback and raw IP; IPv4 and IPv6."""

import struct
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

_ETHERNET, _NULL, _LOOP, _SLL, _SLL2 = 1, 0, 108, 113, 276
_RAW = frozenset({12, 14, 101, 228, 229})  # LINKTYPE_RAW with its older numbers, _IPV4, _IPV6
_IPV4, _IPV6 = 0x0800, 0x86DD
_VLAN = frozenset({0x8100, 0x88A8, 0x9100})
_TCP, _FRAGMENT = 6, 44
_EXTENSIONS = frozenset({0, 43, 60, 135})  # of IPv6: hop by hop, routing, destination, mobility
_SYN = 0x02
_MORE_FRAGMENTS = 0x3FFF  # the bit "more fragments", and the offset


class TcpSegment(NamedTuple):
    """One TCP segment."""

    source: str  # "192.0.2.1:2775", "[2001:db8::1]:2775"
    target: str
    ports: tuple[int, int]
    sequence: int
    data: bytes
    missing: int  # octets at its end that were not captured
    begins: bool  # SYN


def segment_of(link_type: int, octets: bytes) -> TcpSegment | str | None:
    """The segment in a frame; None where there is none, or the reason why one cannot be read."""
    packet = _packet(link_type, octets)
    if packet is None:
        return None if link_type in _KNOWN else f"frames of link type {link_type} cannot be read"
    version = packet[0] >> 4 if packet else 0
    if version == 4:
        return _ipv4(packet)
    return _ipv6(packet) if version == 6 else None


_KNOWN = frozenset({_ETHERNET, _NULL, _LOOP, _SLL, _SLL2}) | _RAW


def _packet(link_type: int, octets: bytes) -> bytes | None:
    """The IP packet in a frame."""
    if link_type in _RAW:
        return octets
    if link_type in (_NULL, _LOOP):  # the numbers of address families differ: the packet itself tells
        return octets[4:]
    if link_type == _SLL2:
        return _behind(octets, 0, 20)
    if link_type == _SLL:
        return _behind(octets, 14, 16)
    if link_type == _ETHERNET:
        return _behind(octets, 12, 14)
    return None


def _behind(octets: bytes, kind_at: int, start: int) -> bytes | None:
    """What follows an EtherType and the VLAN tags behind it."""
    kind = int.from_bytes(octets[kind_at : kind_at + 2], "big")
    while kind in _VLAN and len(octets) >= start + 4:
        kind = int.from_bytes(octets[start + 2 : start + 4], "big")
        start += 4
    return octets[start:] if kind in (_IPV4, _IPV6) else None


def _ipv4(packet: bytes) -> TcpSegment | str | None:
    head = (packet[0] & 0x0F) * 4
    if len(packet) < max(head, 20) or head < 20:
        return None
    total, _, fragment = struct.unpack_from(">HHH", packet, 2)
    if packet[9] != _TCP:
        return None
    if fragment & _MORE_FRAGMENTS:
        return "fragments of IP packets are left out"
    length = (total or len(packet)) - head  # 0: the network card was to cut it (TSO)
    return _tcp(str(IPv4Address(packet[12:16])), str(IPv4Address(packet[16:20])), packet[head:], length)


def _ipv6(packet: bytes) -> TcpSegment | str | None:
    if len(packet) < 40:
        return None
    length, following = int.from_bytes(packet[4:6], "big"), packet[6]
    length = length or len(packet) - 40
    at = 40
    while following in _EXTENSIONS and at + 8 <= len(packet):
        following, size = packet[at], 8 + packet[at + 1] * 8
        at, length = at + size, length - size
    if following == _FRAGMENT:
        return "fragments of IP packets are left out"
    if following != _TCP:
        return None
    source, target = (f"[{IPv6Address(packet[start : start + 16])}]" for start in (8, 24))
    return _tcp(source, target, packet[at:], length)


def _tcp(source: str, target: str, octets: bytes, length: int) -> TcpSegment | None:
    """``length``: octets that the packet had; behind them comes padding."""
    if len(octets) < 20:
        return None
    from_port, to_port, sequence = struct.unpack_from(">HHI", octets)
    head, flags = (octets[12] >> 4) * 4, octets[13]
    if head < 20 or length < head:
        return None
    data = octets[head:length]
    return TcpSegment(
        f"{source}:{from_port}",
        f"{target}:{to_port}",
        (from_port, to_port),
        sequence,
        data,
        missing=length - head - len(data),
        begins=bool(flags & _SYN),
    )
