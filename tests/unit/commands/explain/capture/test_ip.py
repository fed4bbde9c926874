"""Frames as TCP segments: every link layer, and what is left out."""

import struct
from pathlib import Path

import pytest

from smppbridge.smpp.pdu import BindTransceiver, SubmitSm, SubmitSmResp
from tests.support.system.capture import (
    LINK_TYPES,
    T0,
    Conversation,
    Link,
    frame,
    pcap,
    pcapng,
)
from tests.unit.commands.explain.capture.traffic import found, stream, submit


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
