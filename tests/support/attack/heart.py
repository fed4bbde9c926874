"""The process of a heartbeat ESME: it binds, asks and submits all the time, and tells how long answers
take.

Run by `tests.support.attack.heartbeat` as ``python -m tests.support.attack.heart PORT PID SYSTEM_ID``. It is
a process of its own, so that nothing that a test does meanwhile delays it. Each line on stdout is JSON:
``"bound"``, a `Beat` for each answer from then on, and the `End` when stdin was closed.
"""

import json
import select
import socket
import sys
import time
from pathlib import Path
from typing import NamedTuple

from smppbridge.errors import ProtocolError
from smppbridge.smpp.codec import Decoder, encode
from smppbridge.smpp.pdu import (
    BindTransceiver,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    Pdu,
    SubmitSm,
    SubmitSmResp,
)
from smppbridge.smpp.receipt import parse_receipt

ENQUIRE_EVERY = 0.05  # seconds
SUBMIT_EVERY = 0.2
LAST_WAIT = 60.0  # seconds for the last answers and receipts
_OWN = Path("/proc/self/schedstat")


class Beat(NamedTuple):
    """One answer. Times are in ms, between request and answer."""

    request: str  # the class of its PDU
    wall: float
    cpu: float  # that the bridge's main thread used, except while the heart itself waited for a processor
    queued: float  # that the bridge's main thread wanted to run, and the machine had no processor for it
    status: int


class End(NamedTuple):
    """What was missing when the heartbeat stopped."""

    unanswered: int  # requests
    unpaid: int  # accepted messages without a receipt
    lost: str  # why the connection ended by itself; "" when it did not


class _Moment(NamedTuple):
    wall: float
    cpu: float
    queued: float
    own: float  # that the heart wanted to run, and the machine had no processor for it


class _Heart:
    def __init__(self, port: int, pid: int) -> None:
        self._schedstat = Path(f"/proc/{pid}/task/{pid}/schedstat")
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._decoder = Decoder()
        self._sequence = 0
        self._open: dict[int, tuple[str, _Moment]] = {}  # by sequence_number
        self._owed: set[str] = set()  # message_ids
        self._lost = ""

    def run(self, system_id: str) -> End:
        self._ask(BindTransceiver(system_id=system_id, password="secret", interface_version=0x34))
        while self._open and not self._lost:
            self._hear(LAST_WAIT)
        _say("bound")
        self._beat()
        ends = time.monotonic() + LAST_WAIT
        while (self._open or self._owed) and not self._lost and time.monotonic() < ends:
            self._hear(0.1)
        return End(len(self._open), len(self._owed), self._lost)

    def _beat(self) -> None:
        """Until stdin is closed."""
        enquire_at = submit_at = time.monotonic()
        while not self._lost:
            now = time.monotonic()
            if now >= enquire_at:
                self._ask(EnquireLink())
                enquire_at = max(enquire_at + ENQUIRE_EVERY, now)
            if now >= submit_at:
                self._ask(_message())
                submit_at = max(submit_at + SUBMIT_EVERY, now)
            if self._hear(max(0.0, min(enquire_at, submit_at) - time.monotonic()), sys.stdin.fileno()):
                return

    def _ask(self, pdu: Pdu) -> None:
        self._sequence += 1
        pdu.sequence_number = self._sequence
        self._open[self._sequence] = (type(pdu).__name__, self._now())
        self._send(pdu)

    def _send(self, pdu: Pdu) -> None:
        try:
            self._socket.sendall(encode(pdu))
        except OSError as error:
            self._lost = str(error)

    def _hear(self, seconds: float, *others: int) -> bool:
        """Read what comes within so many seconds; whether there is something on one of ``others``."""
        ours = self._socket.fileno()
        ready, _, _ = select.select([ours, *others], [], [], seconds)
        if ours in ready:
            try:
                octets = self._socket.recv(65536)
            except OSError as error:
                self._lost = str(error)
                return False
            now = self._now()
            self._lost = "" if octets else "closed by the bridge"
            for pdu in self._decoder.feed(octets):
                assert not isinstance(pdu, ProtocolError), pdu
                self._came(pdu, now)
        return any(other in ready for other in others)

    def _came(self, pdu: Pdu, now: _Moment) -> None:
        if isinstance(pdu, EnquireLink):
            self._answer(pdu, EnquireLinkResp())
        elif isinstance(pdu, DeliverSm):
            self._answer(pdu, DeliverSmResp())
            self._owed.discard(parse_receipt(pdu.short_message.decode("latin-1")).id or "")
        elif asked := self._open.pop(pdu.sequence_number, None):
            request, then = asked
            wall, cpu, queued, own = (1000 * (at - before) for at, before in zip(now, then, strict=True))
            _say(Beat(request, wall, max(0.0, cpu - own), queued, pdu.command_status))
            if isinstance(pdu, SubmitSmResp) and not pdu.command_status:
                self._owed.add(pdu.message_id)

    def _answer(self, request: Pdu, answer: Pdu) -> None:
        answer.sequence_number = request.sequence_number
        self._send(answer)

    def _now(self) -> _Moment:
        """Seconds."""
        try:
            cpu, queued, _ = self._schedstat.read_text().split()
        except OSError:
            cpu = queued = "0"
        _, own, _ = _OWN.read_text().split()
        return _Moment(time.monotonic(), int(cpu) / 1e9, int(queued) / 1e9, int(own) / 1e9)


def _message() -> SubmitSm:
    return SubmitSm(
        source_addr_ton=5,
        source_addr="HEART",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr="375290000000",
        registered_delivery=1,
        data_coding=3,
        short_message=b"beat",
    )


def _say(what: str | Beat | End) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    _say(_Heart(int(sys.argv[1]), int(sys.argv[2])).run(sys.argv[3]))
