"""TCP segments as streams, in every order that networks make of them."""

import random
import struct
from itertools import pairwise
from pathlib import Path

from smppbridge.commands.explain.capture import streams
from smppbridge.commands.explain.capture.ip import segment_of
from smppbridge.commands.explain.found import FoundPdu
from smppbridge.commands.explain.sources import from_capture
from smppbridge.errors import FramingError
from tests.support.system.capture import (
    SYN,
    Conversation,
    Packet,
    frame,
    pcap,
    pcapng,
)
from tests.unit.commands.explain.capture.traffic import found, numbers, stream, submit


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
