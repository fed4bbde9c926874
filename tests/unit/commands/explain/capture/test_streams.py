"""Captures to PDUs: file formats, link layers, and streams in every order that networks make of them."""

import io
import random
import struct
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smppbridge.commands.explain.capture import streams
from smppbridge.commands.explain.capture.formats import CaptureError, Frame, read_frames
from smppbridge.commands.explain.capture.ip import segment_of
from smppbridge.commands.explain.found import FoundPdu, Remark
from smppbridge.commands.explain.sources import from_capture
from smppbridge.errors import FramingError, PduError
from smppbridge.smpp.codec import encode
from smppbridge.smpp.pdu import BindTransceiver, EnquireLink, Pdu, SubmitSm, SubmitSmResp
from smppbridge.smpp.tlv import tlv
from tests.support.system.capture import (
    LINK_TYPES,
    SYN,
    T0,
    Conversation,
    Link,
    Packet,
    frame,
    pcap,
    pcapng,
)


def submit(number: int, octets: int = 20) -> SubmitSm:
    text = (f"message {number} " * octets)[:octets]
    return SubmitSm(destination_addr="375291234567", short_message=text.encode(), sequence_number=number)


def stream(*pdus: Pdu) -> bytes:
    return b"".join(map(encode, pdus))


def found(path: Path, octets: bytes, port: int | None = None) -> tuple[list[FoundPdu], list[Remark]]:
    path.write_bytes(octets)
    everything = list(from_capture(path, port))
    remarks = [one for one in everything if isinstance(one, Remark)]
    return [one for one in everything if isinstance(one, FoundPdu)], remarks


def numbers(pdus: Sequence[FoundPdu]) -> list[int]:
    return [one.item.sequence_number for one in pdus]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trace.pcap"


# --- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("link", LINK_TYPES)
@pytest.mark.parametrize("write", [pcap, pcapng])
def test_every_link_layer_and_file_format(path: Path, write: object, link: Link) -> None:
    talk = Conversation()
    talk.send(stream(BindTransceiver(system_id="pbx", password="x", sequence_number=1)))
    talk.send(stream(submit(2), submit(3)))
    talk.send(stream(SubmitSmResp(message_id="7", sequence_number=2)), by_client=False)
    pdus, remarks = found(path, (pcap if write is pcap else pcapng)(talk.packets, link))
    assert remarks == []
    assert [type(one.item) for one in pdus] == [BindTransceiver, SubmitSm, SubmitSm, SubmitSmResp]
    client, server = ("192.0.2.7:40001", "192.0.2.1:2775")
    if link.endswith("6"):
        client, server = "[2001:db8::c000:207]:40001", "[2001:db8::c000:201]:2775"
    assert [one.place for one in pdus][2:] == [f"{client} > {server}", f"{server} > {client}"]
    assert len({one.link for one in pdus}) == 1
    times = [one.at for one in pdus]
    assert times == [round(T0 * 1000) + 2, round(T0 * 1000) + 3, round(T0 * 1000) + 3, round(T0 * 1000) + 4]


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


# --- streams ---------------------------------------------------------------------------------------


def test_segments_out_of_order_and_sent_again(path: Path) -> None:
    """PDUs in tiny segments, whose order is shaken, some sent twice, some again with others behind them."""
    chance = random.Random(5)
    for first in (1000, 2**32 - 200, 2**31 - 100):
        talk = Conversation(first=first)
        pdus = [submit(number, 30 + number) for number in range(1, 30)]
        talk.send(stream(*pdus), mss=17)
        start, rest = talk.packets[:2], talk.packets[2:]
        again = [
            one._replace(data=one.data + other.data) for one, other in pairwise(rest) if chance.random() < 0.2
        ]
        rest += again + chance.sample(rest, 20)
        shaken = sorted(
            range(len(rest)), key=lambda at: at % (len(rest) - len(again) - 20) + chance.random() * 12
        )
        packets = start + [rest[at] for at in shaken]
        seen, remarks = found(path, pcap(packets))
        assert [one.item for one in seen] == pdus
        assert remarks == []


def test_several_connections_at_once(path: Path) -> None:
    packets: list[Packet] = []
    talks = [Conversation(client=("192.0.2.7", 40000 + n), packets=packets) for n in range(20)]
    for number in range(1, 6):
        for talk in talks:
            talk.send(stream(submit(number)))
    pdus, _ = found(path, pcapng(packets))
    assert len(pdus) == 100
    by_link: dict[str, list[int]] = {one.link: [] for one in pdus}
    for one in pdus:
        by_link[one.link].append(one.item.sequence_number)
    assert list(by_link.values()) == [[1, 2, 3, 4, 5]] * 20


def test_same_ports_used_again(path: Path) -> None:
    packets: list[Packet] = []
    for number, first in ((1, 5000), (2, 900), (3, 3_000_000_000)):
        talk = Conversation(first=first, packets=packets)
        talk.send(stream(submit(number)))
        talk.end()
    syn_again = packets[0]
    pdus, remarks = found(path, pcap([syn_again, *packets]))
    assert (numbers(pdus), remarks) == ([1, 2, 3], [])


def test_capture_that_begins_in_the_middle(path: Path) -> None:
    octets = stream(submit(1, 200), submit(2), EnquireLink(sequence_number=3), submit(4))
    talk = Conversation(handshake=False)
    talk.send(octets[50:], mss=40)
    pdus, remarks = found(path, pcap(talk.packets))
    assert numbers(pdus) == [2, 3, 4]
    skipped = len(stream(submit(1, 200))) - 50
    assert [one.text for one in remarks] == [f"{skipped} octets passed over, until a PDU begins"]


def test_missing_segments(path: Path) -> None:
    """What was not captured is named, and the next PDU is found again."""
    talk = Conversation()
    talk.send(stream(submit(1)) + encode(submit(2))[:30])
    talk.lose(100)
    talk.send(b"remains of a text" + stream(submit(3), submit(4)))
    pdus, remarks = found(path, pcap(talk.packets))
    assert numbers(pdus) == [1, 3, 4]
    assert [one.text for one in remarks] == [
        "30 octets belong to a PDU that is not whole",
        "100 octets are missing here",
        "17 octets passed over, until a PDU begins",
    ]


def test_a_gap_is_passed_over_before_the_end(path: Path) -> None:
    """A segment that never comes does not hold up a long capture."""
    talk = Conversation()
    talk.send(stream(submit(1)))
    talk.lose(50)
    count = 2 * streams.MAX_WAITING
    for number in range(2, count):
        talk.send(stream(submit(number)))
    path.write_bytes(pcap(talk.packets))
    told: list[int] = []
    for one in from_capture(path, None):
        if isinstance(one, FoundPdu):
            told.append(one.item.sequence_number)
        elif told == [1]:
            break
    pdus, _ = found(path, pcap(talk.packets))
    assert numbers(pdus) == list(range(1, count))
    assert pdus[1].at is not None and pdus[-1].at is not None
    assert pdus[1].at < pdus[-1].at


def test_frames_that_were_cut(path: Path) -> None:
    """A snapshot length: the octets behind it are a gap of known size."""
    talk = Conversation()
    talk.send(stream(submit(1, 200)))
    talk.send(stream(submit(2, 5)))
    frames = [frame(one, "raw") for one in talk.packets]
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 120, 101)
    records = (struct.pack("<IIII", 0, 0, len(one[:120]), len(one)) + one[:120] for one in frames)
    pdus, remarks = found(path, head + b"".join(records))
    missing = len(frames[2]) - 120
    assert numbers(pdus) == [2]
    assert [one.text for one in remarks] == [
        "80 octets belong to a PDU that is not whole",
        f"{missing} octets are missing here",
    ]


def test_only_smpp_is_told_unless_a_port_is_chosen(path: Path) -> None:
    packets: list[Packet] = []
    web = Conversation(port=80, client=("192.0.2.9", 1), packets=packets)
    web.send(b"GET / HTTP/1.1\r\n\r\n" * 10)
    tls = Conversation(port=3550, client=("192.0.2.9", 2), packets=packets)
    tls.send(b"\x16\x03\x01\x02\x00" + bytes(range(256)))
    smpp = Conversation(port=9999, client=("192.0.2.9", 3), packets=packets)
    smpp.send(stream(submit(1)))
    pdus, remarks = found(path, pcap(packets))
    assert numbers(pdus) == [1]
    assert [one.text for one in remarks] == ["this direction is encrypted (TLS) and cannot be read"]
    pdus, remarks = found(path, pcap(packets), port=80)
    assert [type(one.item) for one in pdus] == [FramingError]
    assert [one.text for one in remarks] == [
        "this direction holds no SMPP",
        "there is no SMPP in this capture on port 80",
    ]
    pdus, remarks = found(path, pcap(packets), port=1234)
    assert (pdus, [one.text for one in remarks]) == ([], ["there is no SMPP in this capture on port 1234"])


def test_malformed_pdus_in_a_stream(path: Path) -> None:
    """One that cannot be read is named in its place; one whose length is wrong loses the others' limits."""
    unknown = b"\0\0\0\x10\0\0\x01\x11\0\0\0\0\0\0\0\x07"
    lost = b"\0\0\0\x05\0\0\0\x04" + bytes(20)
    talk = Conversation()
    talk.send(stream(submit(1)) + unknown + stream(submit(2)) + lost + stream(submit(3)))
    pdus, remarks = found(path, pcap(talk.packets))
    assert [type(one.item) for one in pdus] == [SubmitSm, PduError, SubmitSm, FramingError, SubmitSm]
    assert [one.text for one in remarks] == [f"{len(lost)} octets passed over, until a PDU begins"]


def test_a_large_pdu(path: Path) -> None:
    large = SubmitSm(destination_addr="1", tlvs=(tlv(0x0424, bytes(60_000)),), sequence_number=9)
    talk = Conversation()
    talk.send(stream(large, submit(10)))
    pdus, _ = found(path, pcap(talk.packets))
    assert [one.item for one in pdus] == [large, submit(10)]


def test_memory_is_bounded() -> None:
    """Thousands of connections that never end, and never fill their gaps."""
    flows = streams.Streams(None)
    for number in range(3 * streams.MAX_FLOWS):
        client = (f"10.1.{number // 250}.{number % 250 + 1}", 5000)
        for sequence, flags in ((0, SYN), (5000, 0x10)):
            packet = Packet(client, ("192.0.2.1", 2775), sequence, b"x" * 100 if sequence else b"", flags)
            segment = segment_of(101, frame(packet, "raw"))
            assert segment is not None and not isinstance(segment, str)
            list(flows.feed(segment, None))
    assert len(flows._flows) == streams.MAX_FLOWS


def test_ip_fragments_and_other_protocols_are_left_out(path: Path) -> None:
    talk = Conversation()
    talk.send(stream(submit(1)))
    raw = [bytearray(frame(one, "raw")) for one in talk.packets]
    raw[2][6] |= 0x20  # more fragments
    udp = bytearray(raw[0])
    udp[9] = 17
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    others = (*map(bytes, raw), bytes(udp), b"", b"\x45")
    octets = head + b"".join(struct.pack("<IIII", 0, 0, len(one), len(one)) + one for one in others)
    pdus, remarks = found(path, octets)
    assert pdus == []
    assert [one.text for one in remarks] == [
        "fragments of IP packets are left out",
        "there is no SMPP in this capture",
    ]


def test_unknown_link_layer(path: Path) -> None:
    talk = Conversation()
    octets = bytearray(pcap(talk.packets))
    octets[20:24] = (105).to_bytes(4, "little")  # IEEE 802.11
    _, remarks = found(path, bytes(octets))
    assert remarks[0].text == "frames of link type 105 cannot be read"
