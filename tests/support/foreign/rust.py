"""A message centre of entirely foreign make: smpp34, written in Rust, with sessions and timers of its own.

Its ways: it answers in any order, takes any password, closes the connection at unbind without unbind_resp,
and answers the deliver_sm_resp of a receiver (not of a transceiver) with generic_nack. It runs in a process
of its own, with this module as the program: else it would never let go of connections.

Must not know: the program under test.
"""

import asyncio
import json
import os
import sys
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from itertools import count
from typing import Any

import smpp34

from tests.support.foreign.process import MAX_LINE, ProcessCentre, line_of
from tests.support.foreign.shape import HOST, RETRY, Conduct, Submitted, receipt_text
from tests.support.system.ports import reserved_ports

INTERNATIONAL = ISDN = 1  # TON, NPI
RECEIPT = 0x04  # esm_class
RECEIPTED_MESSAGE_ID, MESSAGE_STATE = 0x001E, 0x0427  # TLVs
STATES = {"DELIVRD": 2, "EXPIRED": 3, "DELETED": 4, "UNDELIV": 5, "ACCEPTD": 6, "UNKNOWN": 7, "REJECTD": 8}


class RustCentre(ProcessCentre):
    """Serves SMPP on 127.0.0.1 while the `async with` lasts."""

    def __init__(self, conduct: Conduct | None = None, *, port: int = 0) -> None:
        super().__init__(conduct, port=port)

    async def command(self) -> tuple[Sequence[str], dict[str, str] | None]:
        return (sys.executable, "-m", __name__), None


class _Program:
    """What runs in the process."""

    def __init__(self, conduct: Conduct, server: smpp34.Server) -> None:
        self._conduct = conduct
        self._server = server
        self._ids = count(1)
        self._sessions: dict[str, smpp34.Esme] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        """What ESMEs do, for ever."""
        while True:
            event = await self._server.next()
            if isinstance(event, smpp34.Esme):
                self._sessions[event.session_id] = event
            elif isinstance(event, smpp34.Unbound):
                self._sessions.pop(event.session_id, None)
            else:
                self.spawn(self._take(event))

    async def obey(self, orders: asyncio.StreamReader) -> None:
        """What the test says, until it has nothing more to say."""
        while line := await orders.readline():
            self.spawn(self._deliver(json.loads(line)))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it beside everything else."""
        self._tasks.add(task := asyncio.create_task(work))
        task.add_done_callback(self._tasks.discard)

    async def _take(self, event: smpp34.SubmitSmEvent) -> None:
        message_id = f"{next(self._ids):08x}"
        _tell(event="submitted", **line_of(_submitted(event, message_id)))
        session = self._sessions.get(event.session_id)
        await asyncio.sleep(self._conduct.answer_delay)
        event.accept(message_id)
        if not event.registered_delivery & 1 or session is None:
            return
        await asyncio.sleep(self._conduct.receipt_delay)
        _tell(
            event="receipted",
            message_id=message_id,
            status=await self._report(session, event, message_id),
        )

    async def _report(self, session: smpp34.Esme, event: smpp34.SubmitSmEvent, message_id: str) -> int:
        """Send a receipt as soon as somebody can take it; the command_status of the answer."""
        while True:
            alive = session.session_id in self._sessions and session.can_receive
            taker = session if alive else await self._receiver(session.system_id)
            with suppress(smpp34.SmppError):
                return await self._receipt(taker, event, message_id)
            await asyncio.sleep(RETRY)  # until it is told that the session has ended

    async def _receipt(self, taker: smpp34.Esme, event: smpp34.SubmitSmEvent, message_id: str) -> int:
        """From the recipient of the message to its sender (SMPP 3.4 appendix B)."""
        answer = await taker.deliver_sm(
            event.source_addr,
            receipt_text(message_id, self._conduct.stat),
            source_addr=event.destination_addr,
            source_addr_ton=event.dest_addr_ton,
            source_addr_npi=event.dest_addr_npi,
            dest_addr_ton=event.source_addr_ton,
            dest_addr_npi=event.source_addr_npi,
            esm_class=RECEIPT,
            tlvs=[
                smpp34.Tlv(RECEIPTED_MESSAGE_ID, f"{message_id}\0".encode()),
                smpp34.Tlv(MESSAGE_STATE, bytes([STATES[self._conduct.stat]])),
            ],
        )
        return answer.command_status

    async def _deliver(self, order: dict[str, Any]) -> None:
        taker = await self._receiver(None)
        answer = await taker.deliver_sm(
            order["destination"],
            bytes.fromhex(order["octets"]),
            source_addr=order["source"],
            source_addr_ton=INTERNATIONAL,
            source_addr_npi=ISDN,
            dest_addr_ton=INTERNATIONAL,
            dest_addr_npi=ISDN,
            data_coding=order["data_coding"],
        )
        _tell(event="delivered", token=order["token"], status=answer.command_status)

    async def _receiver(self, system_id: str | None) -> smpp34.Esme:
        """A session that can receive, of this system_id (None: of any), as soon as there is one.

        deliver_sm to any other panics."""
        while True:
            for session in self._sessions.values():
                if session.can_receive and system_id in (None, session.system_id):
                    return session
            await asyncio.sleep(RETRY)


def _submitted(event: smpp34.SubmitSmEvent, message_id: str) -> Submitted:
    return Submitted(
        sequence=0,
        message_id=message_id,
        source=event.source_addr,
        source_ton=event.source_addr_ton,
        source_npi=event.source_addr_npi,
        destination=event.destination_addr,
        destination_ton=event.dest_addr_ton,
        destination_npi=event.dest_addr_npi,
        esm_class=event.esm_class,
        data_coding=event.data_coding,
        registered_delivery=event.registered_delivery,
        short_message=event.short_message,
        tlvs={tlv.tag: tlv.value for tlv in event.tlvs},
    )


def _tell(**event: Any) -> None:
    print(json.dumps(event), flush=True)


async def _main(options: dict[str, Any]) -> None:
    conduct = Conduct(options["answer_delay"], options["receipt_delay"], options["stat"])
    orders = asyncio.StreamReader(limit=MAX_LINE)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
    )
    with reserved_ports(1) as (free,):  # it cannot tell a port of its own choice
        server = smpp34.Server(HOST, options["port"] or free, system_id="foreign")
        await server.start()
        _tell(event="listening", port=options["port"] or free)
        program = _Program(conduct, server)
        program.spawn(program.listen())
        await program.obey(orders)
    os._exit(0)  # threads of smpp34 that still run abort an orderly end of Python


if __name__ == "__main__":
    asyncio.run(_main(json.loads(sys.argv[1])))
