"""An ESME that puts a bridge under load, comes back whenever it can, and keeps a record of all of it.

What it wrote down is what the bridge has promised: a message with status 0 must not get lost.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Literal

from smppbridge.link.connection import Connection
from smppbridge.smpp.constants import Command, Tag
from smppbridge.smpp.pdu import BindTransceiver, DeliverSm, DeliverSmResp, SubmitSm, SubmitSmResp
from smppbridge.smpp.receipt import ParsedReceipt, parse_receipt
from smppbridge.smpp.session import Answered, Event, Received, Role, State, Timers, Unanswered, Unbound
from tests.support.esme.esme import submit

WINDOW = 50
BURST_PAUSE = 0.2  # seconds, at most, between two bursts of submit_sm
RECONNECT_PAUSE = 0.02
PHONES = 300  # few enough that one packet to the provider would hold a number twice
NAME = 12  # characters at the beginning of a text that no other has
LONG = 0.1  # share of the texts that are long

Came = Literal["response", "receipt"]
_CAME: dict[bytes, Came] = {
    Command.SUBMIT_SM_RESP.to_bytes(4): "response",
    Command.DELIVER_SM.to_bytes(4): "receipt",
}


class _Tapped(Connection):
    """Tells what kind of PDU a read begins with before anything is made of it: a kill must come at once."""

    on: Callable[[Came], None]

    def data_received(self, data: bytes) -> None:
        if (came := _CAME.get(data[4:8])) is not None:
            self.on(came)
        super().data_received(data)


def name_of(text: str) -> str:
    """What tells messages apart: the beginning of a text, which stands in its receipt, too."""
    return text[:NAME]


def long_text(name: str) -> str:
    """389 characters: three parts, and a whole name in each of them."""
    return " ".join([name] * 30)


class Recorder:
    """Calls every message by its name."""

    def __init__(self, port: int, chance: Random) -> None:
        self.submitting = True  # False: take receipts only
        self.submitted: list[str] = []
        self.unanswered: set[str] = set()
        self.acknowledged: dict[str, str] = {}  # name -> message_id, of submit_sm_resp with status 0
        self.refused: Counter[int] = Counter()  # by command_status
        self.receipts: list[ParsedReceipt] = []
        self.binds = 0
        self.unbinds = 0  # said by the bridge
        self.on: Callable[[Came], None] = lambda came: None  # hears of each before it is read
        self._port = port
        self._chance = chance

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Connect, again and again, while the block lasts."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while True:
            with suppress(OSError):  # nobody listens: the bridge is down
                await self._converse()
            await asyncio.sleep(RECONNECT_PAUSE)

    async def _converse(self) -> None:
        gone = asyncio.Event()
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: _Tapped(
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
        connection.on = self._came
        connection.request(BindTransceiver(system_id="pbx", password="secret", interface_version=0x34))
        load = asyncio.create_task(self._load(connection))
        try:
            await gone.wait()
        finally:
            load.cancel()
            connection.abort()

    async def _load(self, connection: Connection) -> None:
        """Bursts of any size that the window takes."""
        while True:
            await asyncio.sleep(self._chance.uniform(0, BURST_PAUSE))
            if self.submitting and connection.session.state is State.BOUND_TRX:
                for _ in range(self._chance.randint(0, connection.session.room)):
                    name = f"alarm {len(self.submitted):06}"
                    self.submitted.append(name)
                    self.unanswered.add(name)
                    connection.request(self._message(name), name)

    def _message(self, name: str) -> SubmitSm:
        if self._chance.random() >= LONG:
            return submit(name, self._phone())
        payload = (Tag.MESSAGE_PAYLOAD, long_text(name).encode("ascii"))
        return submit(b"", self._phone(), tlvs=(payload,))

    def _phone(self) -> str:
        return f"79001234{self._chance.randrange(PHONES):03}"

    def _came(self, came: Came) -> None:
        self.on(came)

    def _handle(self, connection: Connection, events: list[Event]) -> None:
        for item in events:
            match item:
                case Answered(request=SubmitSm(), response=SubmitSmResp() as answer):
                    self._answered(item.context, answer)
                case Unanswered(request=SubmitSm()):
                    self.unanswered.discard(item.context)
                case Received(pdu=DeliverSm() as pdu):
                    self.receipts.append(parse_receipt(pdu.short_message.decode("ascii")))
                    connection.session.respond(pdu, DeliverSmResp())
                case Answered():
                    self.binds += item.response.command_status == 0
                case Unbound():
                    self.unbinds += 1

    def _answered(self, name: str, answer: SubmitSmResp) -> None:
        self.unanswered.discard(name)
        if answer.command_status:
            self.refused[answer.command_status] += 1
        else:
            self.acknowledged[name] = answer.message_id
