"""Captures as files: pcap and pcapng in either byte order, and whatever is none."""

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smppbridge.commands.explain.capture import streams
from smppbridge.commands.explain.capture.formats import CaptureError, Frame, read_frames
from smppbridge.commands.explain.capture.ip import segment_of
from smppbridge.commands.explain.found import FoundPdu, Remark
from smppbridge.commands.explain.sources import from_capture
from tests.support.system.capture import (
    LINK_TYPES,
    T0,
    Conversation,
    Link,
    pcap,
    pcapng,
)
from tests.unit.commands.explain.capture.traffic import found, stream, submit


def test_nanoseconds(path: Path) -> None:
    talk = Conversation()
    talk.send(stream(submit(1)))
    pdus, _ = found(path, pcap(talk.packets, nano=True))
    assert [one.at for one in pdus] == [round(T0 * 1000) + 2]


@pytest.mark.parametrize("order", ["<", ">"])
def test_byte_orders_of_pcap(order: str) -> None:
    head = struct.pack(f"{order}IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    record = struct.pack(f"{order}IIII", 1_700_000_000, 250_000, 3, 99) + b"abc"
    assert list(read_frames(io.BytesIO(head + record))) == [Frame(1_700_000_000_250, 101, b"abc")]


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack(f"{order}II", kind, len(body) + 12) + body + struct.pack(f"{order}I", len(body) + 12)


@pytest.mark.parametrize("order", ["<", ">"])
def test_blocks_of_pcapng(order: str) -> None:
    """Two interfaces with clocks of their own, and all three kinds of packet blocks, between blocks that mean
    nothing here. A second section starts anew."""
    section = block(order, 0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1))
    binary = struct.pack(f"{order}HH", 9, 1) + b"\x8a\0\0\0"  # 2^-10 s
    offset = struct.pack(f"{order}HHq", 14, 8, 1000) + bytes(4)
    micro = block(order, 1, struct.pack(f"{order}HHI", 1, 0, 4))
    other = block(order, 1, struct.pack(f"{order}HHI", 101, 0, 0) + binary + offset)
    ticks = 5 * 1024 + 512
    enhanced = block(order, 6, struct.pack(f"{order}IIIII", 1, 0, ticks, 3, 9) + b"abc\0" + bytes(4))
    old = block(order, 2, struct.pack(f"{order}HHIIII", 0, 0, 0, 2_000_000, 2, 2) + b"de")
    simple = block(order, 3, struct.pack(f"{order}I", 60) + b"fghi")
    unknown = block(order, 0x0BAD, b"whatever")
    octets = section + micro + other + unknown + enhanced + old + simple
    expected = [Frame(1_005_500, 101, b"abc"), Frame(2_000, 1, b"de"), Frame(None, 1, b"fghi")]
    assert list(read_frames(io.BytesIO(octets))) == expected
    assert list(read_frames(io.BytesIO(octets + octets))) == expected * 2


def test_files_that_are_no_captures(path: Path) -> None:
    for octets in (b"", b"abc", b"\x1f\x8b\x08\0\0\0", b"GET / HTTP/1.1\r\n\r\n", bytes(100)):
        path.write_bytes(octets)
        with pytest.raises(CaptureError):
            list(from_capture(path, None))


def test_what_stands_before_the_damage_is_told(path: Path) -> None:
    talk = Conversation()
    talk.send(stream(submit(1)))
    path.write_bytes(pcap(talk.packets)[:-1])
    seen: list[int] = []
    with pytest.raises(CaptureError, match="ends within"):
        seen.extend(0 for _ in from_capture(path, None))
    talk.send(stream(submit(2)))
    path.write_bytes(pcap(talk.packets)[:-1])
    whole: list[FoundPdu | Remark] = []
    with pytest.raises(CaptureError, match="ends within"):
        for one in from_capture(path, None):
            whole.append(one)
    assert [one.item.sequence_number for one in whole if isinstance(one, FoundPdu)] == [1]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_damage_makes_it_fail(data: st.DataObject) -> None:
    """Octets of a capture are changed, left out or put in: frames come, or a CaptureError."""
    talk = Conversation()
    talk.send(stream(submit(1), submit(2)), mss=30)
    write = data.draw(st.sampled_from([pcap, pcapng]))
    link: Link = data.draw(st.sampled_from(list(LINK_TYPES)))
    octets = bytearray(write(talk.packets, link))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(octets) - 1))
        octets[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        frames = list(read_frames(io.BytesIO(bytes(octets))))
    except CaptureError:
        return
    flows = streams.Streams(None)
    for one in frames:
        segment = segment_of(one.link_type, one.octets)
        if segment is not None and not isinstance(segment, str):
            list(flows.feed(segment, one.at))
    list(flows.end())
