"""An ESME that cuts its long messages into parts, puts a bridge under load, and keeps a record of all of it.

Parts of many messages come mixed, in any order, over several connections. What was not answered when a
connection ended is submitted again, with the same octets; now and then so is a part that was answered.
"""

import asyncio
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Literal

from smppbridge.link.connection import Connection
from smppbridge.smpp.concat import header
from smppbridge.smpp.constants import Command, EsmClass, Tag
from smppbridge.smpp.pdu import BindTransceiver, DeliverSm, DeliverSmResp, SubmitSm, SubmitSmResp
from smppbridge.smpp.receipt import ParsedReceipt, parse_receipt
from smppbridge.smpp.session import Answered, Event, Received, Role, State, Timers, Unanswered
from smppbridge.smpp.tlv import tlv
from tests.support.esme.esme import submit

WINDOW = 50
BURST_PAUSE = 0.2  # seconds, at most, between two bursts of submit_sm
RECONNECT_PAUSE = 0.02
PHONES = 40
OPEN = 40  # messages at most, of which parts are not answered yet
AGAIN = 0.05  # share of the answered parts that are submitted again all the same
OFTEN = 3  # of so many messages that may stay incomplete one really does

Came = Literal["answer", "last answer", "receipt"]
Asking = Literal["all", "first", "last"]
ASKING: tuple[Asking, ...] = ("all", "first", "last")
_HEADER = struct.Struct(">4L")


class Long:
    """A long message: its parts, and what became of them."""

    def __init__(self, name: str, key: tuple[str, int, int, int], wide: bool, asking: Asking) -> None:
        """``key``: phone, reference, its width in bits (0: sar_* TLVs) and the number of parts."""
        self.phone, self.reference, self.width, self.total = self.key = key
        self.text = _text(name, self.total, wide)
        self.asks = {"all": range(1, self.total + 1), "first": [1], "last": [self.total]}[asking]
        self.ids: dict[int, str] = {}  # message_id by part
        self.abandoned: set[int] = set()  # parts that are never submitted again
        self.pending = self.total  # submit_sm that wait for their turn or for their answer
        octets = self.text.encode("utf-16-be" if wide else "latin-1")
        size = -(-len(octets) // self.total)
        self._data_coding = 8 if wide else 3
        self._pieces = [octets[at : at + size] for at in range(0, len(octets), size)]

    def part(self, number: int) -> SubmitSm:
        """The same octets whenever it is asked for."""
        pdu = submit(
            self._pieces[number - 1],
            self.phone,
            data_coding=self._data_coding,
            registered_delivery=int(number in self.asks),
        )
        if self.width:
            pdu.esm_class = EsmClass.UDHI
            pdu.short_message = header(*self._place(number), width=self.width) + pdu.short_message
        else:
            tags = Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM
            pdu.tlvs = tuple(map(tlv, tags, self._place(number)))
        return pdu

    def _place(self, number: int) -> tuple[int, int, int]:
        return self.reference, self.total, number


def _text(name: str, total: int, wide: bool) -> str:
    """``name`` (7 characters) and a number, again and again: no two parts are alike. 132 octets for each at
    most; where they are cut, nobody looks."""
    mark, words = ("😀", 5) if wide else ("-", 12)
    return " ".join(f"{name}{mark}{place:02}" for place in range(words * total))


class _Line(Connection):
    """Shows what comes before anything is made of it: a kill must come at once."""

    tap: Callable[[bytes], None]

    def data_received(self, data: bytes) -> None:
        self.tap(data)
        super().data_received(data)


class PartEsme:
    """``system_id`` with ``lines`` connections. Impatient ones submit nothing again, and often forget a part.

    A reference is used again for the same phone as soon as every part that had it is answered.
    """

    def __init__(
        self, system_id: str, port: int, chance: Random, *, lines: int, burst: int, patient: bool = True
    ) -> None:
        self.system_id = system_id
        self.patient = patient
        self.submitting = True  # False: begin no new messages
        self.messages: list[Long] = []
        self.refused: Counter[int] = Counter()  # by command_status
        self.receipts: list[ParsedReceipt] = []
        self.faults: list[str] = []
        self.binds = 0
        self.resubmitted = 0  # parts, because they were not answered
        self.repeated = 0  # parts that were answered, and answered again
        self.reused = 0  # references
        self.on: Callable[[Came], None] = lambda came: None  # hears of each before it is read
        self._port = port
        self._chance = chance
        self._lines = lines
        self._burst = burst
        self._todo: list[tuple[Long, int]] = []
        self._open: dict[tuple[str, int, int, int], Long] = {}
        self._used: set[tuple[str, int, int, int]] = set()

    @property
    def pending(self) -> bool:
        """Whether submit_sm wait for their turn or for their answer."""
        return any(long.pending for long in self.messages)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Connect, again and again, while the block lasts."""
        tasks = [asyncio.create_task(self._run()) for _ in range(self._lines)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    # --- to the bridge -----------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            with suppress(OSError):  # nobody listens: the bridge is down
                await self._converse()
            await asyncio.sleep(RECONNECT_PAUSE)

    async def _converse(self) -> None:
        gone = asyncio.Event()
        sent: dict[int, tuple[Long, int]] = {}  # by sequence_number
        _, line = await asyncio.get_running_loop().create_connection(
            lambda: _Line(
                Role.ESME,
                self._handle,
                lambda connection: gone.set(),
                timers=Timers(),
                window=WINDOW,
                max_pdu_octets=65536,
            ),
            "127.0.0.1",
            self._port,
        )
        line.tap = lambda data: self._tap(data, sent)
        line.request(BindTransceiver(system_id=self.system_id, password="secret", interface_version=0x34))
        load = asyncio.create_task(self._load(line, sent))
        try:
            await gone.wait()
        finally:
            load.cancel()
            line.abort()

    async def _load(self, line: Connection, sent: dict[int, tuple[Long, int]]) -> None:
        """Bursts of whatever parts are to be submitted, in any order."""
        while True:
            await asyncio.sleep(self._chance.uniform(0, BURST_PAUSE))
            if line.session.state is not State.BOUND_TRX:
                continue
            if self.submitting:
                self._begin(self._chance.randint(0, self._burst))
            self._chance.shuffle(self._todo)
            for _ in range(min(line.session.room, len(self._todo), self._chance.randint(0, WINDOW))):
                long, number = self._todo.pop()
                pdu = long.part(number)
                line.request(pdu, (long, number))
                sent[pdu.sequence_number] = long, number

    def _begin(self, count: int) -> None:
        """New messages."""
        for _ in range(min(count, OPEN - len(self._open)) if self.patient else count):
            key = self._key()
            wide = self._chance.random() < 0.5
            name = f"{self.system_id[0]}{len(self.messages):06}"
            long = Long(name, key, wide, self._chance.choice(ASKING))
            self.messages.append(long)
            self._open[key] = long
            numbers = list(range(1, long.total + 1))
            if not self.patient and len(self.messages) % OFTEN == 1:
                self._abandon(long, numbers.pop(self._chance.randrange(long.total)))
            self._todo += [(long, number) for number in numbers]

    def _key(self) -> tuple[str, int, int, int]:
        """One that no message has of which parts are missing."""
        while True:
            phone = f"79001234{self._chance.randrange(PHONES):03}"
            reference = self._chance.randrange(2 if self.patient else 200)
            key = phone, reference, self._chance.choice((0, 8, 16)), self._chance.randint(2, 4)
            if key not in self._open:
                self.reused += key in self._used
                self._used.add(key)
                return key

    # --- from the bridge ---------------------------------------------------------------------------

    def _tap(self, data: bytes, sent: dict[int, tuple[Long, int]]) -> None:
        for command, status, number in _headers(data):
            if command == Command.DELIVER_SM:
                self.on("receipt")
            elif command == Command.SUBMIT_SM_RESP and not status and number in sent:
                long, part = sent[number]
                self.on("answer")
                if len(long.ids.keys() | {part}) == long.total:
                    self.on("last answer")

    def _handle(self, connection: Connection, events: list[Event]) -> None:
        for item in events:
            match item:
                case Answered(request=SubmitSm(), response=SubmitSmResp() as answer):
                    long, number = item.context
                    self._answered(long, number, answer)
                case Unanswered(request=SubmitSm()):
                    long, number = item.context
                    self._unanswered(long, number)
                case Received(pdu=DeliverSm() as pdu):
                    self.receipts.append(parse_receipt(pdu.short_message.decode("ascii")))
                    connection.session.respond(pdu, DeliverSmResp())
                case Answered():
                    self.binds += item.response.command_status == 0

    def _answered(self, long: Long, number: int, answer: SubmitSmResp) -> None:
        if answer.command_status:
            self.refused[answer.command_status] += 1
            self._abandon(long, number)
            return
        known = long.ids.setdefault(number, answer.message_id)
        if known != answer.message_id:
            self.faults.append(f"{long.key}, part {number}: {known}, and then {answer.message_id}")
        if self.patient and self._chance.random() < AGAIN:
            self.repeated += 1
            self._todo.append((long, number))
        else:
            self._done(long)

    def _unanswered(self, long: Long, number: int) -> None:
        if self.patient:
            self.resubmitted += 1
            self._todo.append((long, number))
        else:
            self._abandon(long, number)

    def _abandon(self, long: Long, number: int) -> None:
        long.abandoned.add(number)
        self._done(long)

    def _done(self, long: Long) -> None:
        long.pending -= 1
        if not long.pending and not long.abandoned:
            del self._open[long.key]


def _headers(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(command_id, command_status, sequence_number) of each PDU, where a read begins with a whole one."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, *fields = _HEADER.unpack_from(data, at)
        yield fields[0], fields[1], fields[2]
        at += max(length, _HEADER.size)
