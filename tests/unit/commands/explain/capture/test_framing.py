"""One direction of a connection as PDUs: from its middle on, across gaps, malformed ones in between."""

from pathlib import Path

import pytest

from smppbridge.errors import FramingError, PduError
from smppbridge.smpp.codec import encode
from smppbridge.smpp.pdu import EnquireLink, SubmitSm
from smppbridge.smpp.tlv import tlv
from tests.support.system.capture import (
    Conversation,
    pcap,
)
from tests.unit.commands.explain.capture.traffic import found, numbers, stream, submit


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


@pytest.mark.parametrize("length", [5, 0x20000, 0xFFFFF, 0xFFFFFFFF])
def test_malformed_pdus_in_a_stream(path: Path, length: int) -> None:
    """One that cannot be read is named in its place; one whose length is wrong loses the others' limits."""
    unknown = b"\0\0\0\x10\0\0\x01\x11\0\0\0\0\0\0\0\x07"
    lost = length.to_bytes(4) + b"\0\0\0\x04" + bytes(20)
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
