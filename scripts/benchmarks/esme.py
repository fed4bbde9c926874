"""An ESME made for load: keeps a window of submit_sm full and acknowledges receipts.

It reads headers only and sends prepared octets, so that it costs far less than the server it measures.
"""

import asyncio
import struct
import time

from smppbridge.smpp.codec import encode
from smppbridge.smpp.constants import Command
from smppbridge.smpp.pdu import BindTransceiver, SubmitSm

_HEADER = struct.Struct(">4I")
_SEQUENCE_AT = 12
_NUMBER = "375291234567"


class Tally:
    """What all connections of one run have counted so far."""

    def __init__(self, messages: int, outstanding: int) -> None:
        """``outstanding``: how many may be unanswered at a time."""
        self.unsent = messages
        self.outstanding = outstanding
        self.wanted = messages
        self.answered = 0
        self.refused = 0
        self.receipts = 0
        self.began = 0.0  # when the first submit_sm was sent, by perf_counter
        self.latencies: list[float] = []  # seconds from submit_sm to its response, in the order of responses
        self.answers: list[tuple[float, int]] = []  # when responses arrived, and how many at once
        self.all_answered = asyncio.Event()
        self.all_receipts = asyncio.Event()


class LoadEsme(asyncio.Protocol):
    """One connection: binds, then keeps ``window`` submit_sm unanswered until the tally has none left."""

    def __init__(self, tally: Tally, window: int, submit: SubmitSm) -> None:
        self._tally = tally
        self._window = window
        self._prepared = bytearray(encode(submit))
        # The last seven digits of the recipient: each message has one of its own, as packets demand.
        to = submit.destination_addr.encode()
        self._number_at = self._prepared.index(to) + len(to) - 7
        self._sent_at: dict[int, float] = {}
        self._sequence = 1
        self._rest = b""
        self._transport: asyncio.Transport | None = None
        self.bound = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(encode(BindTransceiver(system_id="load", password="load", interface_version=0x34)))

    def begin(self) -> None:
        """Fill the window for the first time."""
        self._submit(self._window)

    def close(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        data = self._rest + data
        at, end = 0, len(data)
        answered, replies = 0, []
        while end - at >= _HEADER.size:
            length, command, status, sequence = _HEADER.unpack_from(data, at)
            if end - at < length:
                break
            if command == Command.SUBMIT_SM_RESP:
                answered += 1
                self._tally.refused += status != 0
                self._tally.latencies.append(now - self._sent_at.pop(sequence))
            elif command == Command.DELIVER_SM:
                replies.append(_HEADER.pack(17, Command.DELIVER_SM_RESP, 0, sequence) + b"\0")
            elif command == Command.ENQUIRE_LINK:
                replies.append(_HEADER.pack(16, Command.ENQUIRE_LINK_RESP, 0, sequence))
            elif command == Command.BIND_TRANSCEIVER_RESP:
                if status:
                    raise RuntimeError(f"bind refused with {status:#x}")
                self.bound.set()
            at += length
        self._rest = data[at:]
        if answered:
            self._tally.answers.append((now, answered))
        if replies and self._transport is not None:
            self._transport.write(b"".join(replies))
        self._count(answered, sum(len(reply) == 17 for reply in replies))

    def _count(self, answered: int, receipts: int) -> None:
        tally = self._tally
        tally.answered += answered
        tally.receipts += receipts
        if answered:
            self._submit(answered)
        if tally.answered >= tally.wanted:
            tally.all_answered.set()
        if tally.receipts >= tally.wanted:
            tally.all_receipts.set()

    def _submit(self, count: int) -> None:
        count = min(count, self._tally.unsent)
        if not count or self._transport is None:
            return
        number = self._tally.unsent
        self._tally.unsent -= count
        now = time.perf_counter()
        octets = []
        for sequence in range(self._sequence + 1, self._sequence + 1 + count):
            self._prepared[_SEQUENCE_AT:16] = sequence.to_bytes(4)
            self._prepared[self._number_at : self._number_at + 7] = b"%07d" % (number % 10_000_000)
            number -= 1
            octets.append(bytes(self._prepared))
            self._sent_at[sequence] = now
        self._sequence += count
        self._transport.write(b"".join(octets))


async def load(
    port: int,
    *,
    messages: int,
    connections: int,
    window: int,
    receipts: bool,
    source: str = "ALARM",
    submit: SubmitSm | None = None,
) -> tuple[Tally, float]:
    """Submit ``messages`` over ``connections``; the tally, and the seconds from the first submit_sm to the
    last response (with ``receipts``: to the last receipt). ``submit``: another than the usual one; the last
    seven digits of its destination_addr are made anew for each message."""
    tally = Tally(messages, connections * window)
    prepared = submit or SubmitSm(
        source_addr_ton=5,
        source_addr=source,
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=_NUMBER,
        registered_delivery=int(receipts),
        short_message=b"Door 3 opened at 12:34, alarm set. " * 4,
    )
    loop = asyncio.get_running_loop()
    esmes = [
        (await loop.create_connection(lambda: LoadEsme(tally, window, prepared), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    for esme in esmes:
        await asyncio.wait_for(esme.bound.wait(), 10)
    tally.began = time.perf_counter()
    for esme in esmes:
        esme.begin()
    done = tally.all_receipts if receipts else tally.all_answered
    await asyncio.wait_for(done.wait(), 900)
    seconds = time.perf_counter() - tally.began
    for esme in esmes:
        esme.close()
    return tally, seconds
