"""What `smppbridge explain` reads: hexadecimal text, and capture files of any kind.

1. Only CaptureError, and ValueError for text that is not hexadecimal, leave it.
2. It always prints something, without our secrets, and in JSON each line is an object.
"""

import io
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO, cast

from smppbridge.commands.explain.capture.formats import CaptureError
from smppbridge.commands.explain.found import read_hex
from smppbridge.commands.explain.printing import Emit, ExplainOptions
from smppbridge.commands.explain.run import explain
from smppbridge.commands.explain.sources import Sources, from_capture, from_octets
from smppbridge.smpp.codec import encode
from smppbridge.smpp.pdu import BindTransceiver, DeliverSm, SubmitSm
from tests.fuzz.loops import run
from tests.fuzz.reading import Octets
from tests.fuzz.settings import SECRET, config
from tests.support.builders.rows import NOW
from tests.support.system.capture import LINK_TYPES, Conversation, pcap, pcapng
from tests.unit.smpp.samples import SAMPLES

ACCOUNTS = (None, *config().accounts)
PORTS = (None, 2775)
LIMIT = 20  # PDUs that are shown


class _File(io.BytesIO):
    """A capture in memory, where a path is expected."""

    def open(self, mode: str) -> IO[bytes]:
        assert mode == "rb"
        return self


def target(data: bytes) -> None:
    """One source. Raises whatever the command should not raise."""
    octets = Octets(data)
    account, port, kind = octets.choice(ACCOUNTS), octets.choice(PORTS), octets.number() % 3
    rest = octets.rest() or b"\0"
    if kind == 0:
        try:
            source = from_octets(read_hex(rest.decode("latin-1")))
        except ValueError as error:
            assert str(error)
            return
    else:
        source = from_octets(rest) if kind == 1 else from_capture(cast(Path, _File(rest)), port)
    _explain(source, account, as_json=bool(len(rest) & 1))


def seeds() -> Iterator[bytes]:
    """Every PDU in hexadecimal, and a conversation in every kind of capture."""
    submit = SubmitSm(source_addr="ALARM", destination_addr="375291234567", short_message=b"Door")
    udh = SubmitSm(esm_class=0x40, destination_addr="79001234567", short_message=b"\5\0\3\7\2\1Door")
    for place, (sample, _) in enumerate(SAMPLES):
        yield bytes((place % len(ACCOUNTS), 0, 1)) + sample
    yield b"\0\0\0" + encode(submit).hex(" ").encode()
    for place in range(len(ACCOUNTS)):
        yield bytes((place, 0, 1)) + b"".join(map(encode, (submit, udh, udh)))
    for link in LINK_TYPES:
        yield b"\0\0\2" + pcapng(_conversation(submit).packets, link)
    packets = _conversation(submit, mss=20).packets
    yield b"\1\1\2" + pcap(packets)
    yield b"\1\0\2" + pcap(packets[:4] + packets[5:], nano=True)
    yield b"\1\0\2" + pcap(packets[::-1])


def _conversation(submit: SubmitSm, mss: int = 1400) -> Conversation:
    conversation = Conversation()
    conversation.send(encode(BindTransceiver("plain", "secret12", interface_version=0x34)), mss=mss)
    conversation.send(encode(submit), mss=mss)
    conversation.send(encode(DeliverSm(esm_class=4, short_message=b"id:1 stat:DELIVRD")), by_client=False)
    conversation.end()
    return conversation


@cache
def _options(account: str | None, as_json: bool) -> ExplainOptions:
    return ExplainOptions(account, LIMIT, as_json)


def _explain(source: Sources, account: str | None, *, as_json: bool) -> None:
    said: list[str] = []
    warned: list[str] = []
    try:
        run(explain(config(), source, _options(account, as_json), _into(said), _into(warned), lambda: NOW))
    except CaptureError as error:
        assert str(error)
        return
    assert said
    assert SECRET not in "\n".join((*said, *warned))
    if as_json:
        assert all(isinstance(json.loads(line), dict) for line in said)


def _into(lines: list[str]) -> Emit:
    def emit(line: str = "") -> None:
        lines.append(line)

    return emit
