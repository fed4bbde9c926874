"""A message centre whose PDUs are read and written by a foreign codec: smpp.pdu3, which is Jasmin's.

It reads strictly: a reserved value in a field, or a TLV that does not belong to its PDU, is refused. The
sessions are kept here, in the test's own event loop.

Must not know: the program under test.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from io import BytesIO
from itertools import count
from typing import Any, Self

from smpp.pdu import operations, pdu_encoding, pdu_types
from smpp.pdu.error import PDUParseError

from tests.support.foreign.shape import HOST, PATIENCE, RETRY, Conduct, Submitted, octets_of, receipt_text

HEADER = 16  # octets
MAX_PDU = 70_000  # octets: a message_payload of 64 KB and the fields around it
Status = pdu_types.CommandStatus
_BINDS = (operations.BindTransmitter, operations.BindReceiver, operations.BindTransceiver)
_RECEIPT = pdu_types.EsmClass(pdu_types.EsmClassMode.DEFAULT, pdu_types.EsmClassType.SMSC_DELIVERY_RECEIPT)
_PLAIN = pdu_types.EsmClass(pdu_types.EsmClassMode.DEFAULT, pdu_types.EsmClassType.DEFAULT)
_UCS2 = pdu_types.DataCoding(schemeData=pdu_types.DataCodingDefault.UCS2)
_DEFAULT_ALPHABET = pdu_types.DataCoding()
_STATES = {
    "DELIVRD": pdu_types.MessageState.DELIVERED,
    "EXPIRED": pdu_types.MessageState.EXPIRED,
    "DELETED": pdu_types.MessageState.DELETED,
    "UNDELIV": pdu_types.MessageState.UNDELIVERABLE,
    "ACCEPTD": pdu_types.MessageState.ACCEPTED,
    "UNKNOWN": pdu_types.MessageState.UNKNOWN,
    "REJECTD": pdu_types.MessageState.REJECTED,
}


class ForeignCentre:
    """Serves SMPP on 127.0.0.1 while the `async with` lasts.

    ``password``: a bind with another one is refused with 0x0E; None takes any. ``port``: 0 for a free one.
    Leaving raises what went wrong inside.
    """

    def __init__(self, conduct: Conduct | None = None, *, password: str | None = None, port: int = 0) -> None:
        self.port = port
        self.submitted: list[Submitted] = []
        self.receipted: dict[str, int] = {}
        self.unreadable: list[str] = []  # why the codec could not read a PDU
        self.came: Counter[str] = Counter()  # requests by name: submit_sm, enquire_link, unbind, ...
        self.most_unanswered = 0  # submit_sm of one session
        self.conduct = conduct or Conduct()
        self.password = password
        self._ids = count(1_000_000_001)
        self._sessions: list[_Session] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._errors: list[BaseException] = []
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, HOST, self.port, limit=MAX_PDU)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._server is not None
        self._server.close()
        for session in self._sessions:
            session.drop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        if self._errors and error[0] is None:
            raise self._errors[0]

    @property
    def bound(self) -> int:
        """How many sessions are bound."""
        return sum(session.system_id is not None for session in self._sessions)

    async def deliver(self, source: str, destination: str, text: str) -> int:
        """Bring a message to an ESME, as soon as one is bound that can receive; the status that it answers.

        Raises TimeoutError when that takes longer than PATIENCE, ConnectionError when the session ends."""
        octets, data_coding = octets_of(text)
        pdu = _deliver_sm(
            source_addr=source,
            destination_addr=destination,
            short_message=octets,
            data_coding=_UCS2 if data_coding else _DEFAULT_ALPHABET,
        )
        async with asyncio.timeout(PATIENCE):
            return await (await self._receiver(None)).ask(pdu)

    def drop(self) -> None:
        """Cut all connections; new ones are welcome."""
        for session in self._sessions:
            session.drop()

    # --- for sessions --------------------------------------------------------------------------------

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it beside everything else."""
        self._tasks.add(task := asyncio.create_task(work))
        task.add_done_callback(self._ended)

    async def take(self, session: "_Session", pdu: Any) -> None:
        """Note a message, answer it, and send its receipt if one is asked for."""
        message_id = str(next(self._ids))
        message = _submitted(pdu, message_id)
        self.submitted.append(message)
        session.unanswered += 1
        self.most_unanswered = max(self.most_unanswered, session.unanswered)
        await asyncio.sleep(self.conduct.answer_delay)
        session.unanswered -= 1
        session.answer(pdu, message_id=message_id)
        if message["registered_delivery"] & 1:
            await asyncio.sleep(self.conduct.receipt_delay)
            await self._report(session, _receipt(pdu, message_id, self.conduct.stat), message_id)

    async def _report(self, session: "_Session", receipt: Any, message_id: str) -> None:
        """Send a receipt as soon as somebody can take it."""
        while message_id not in self.receipted:
            taker = session if session.receives else await self._receiver(session.system_id)
            with suppress(ConnectionError):
                self.receipted[message_id] = await taker.ask(receipt)

    async def _receiver(self, system_id: str | None) -> "_Session":
        """A session that can receive, of this system_id (None: of any), as soon as there is one."""
        while True:
            for session in self._sessions:
                if session.receives and system_id in (None, session.system_id):
                    return session
            await asyncio.sleep(RETRY)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._errors.append(error)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = _Session(self, reader, writer)
        self._sessions.append(session)
        try:
            await session.run()
        except (EOFError, ConnectionError):
            pass  # it is gone; that is its right
        except Exception as error:
            self._errors.append(error)
        finally:
            self._sessions.remove(session)
            session.drop()


class _Session:
    """One connection."""

    def __init__(
        self, centre: ForeignCentre, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.system_id: str | None = None  # None: not bound
        self.receives = False
        self.unanswered = 0  # submit_sm
        self._sends = False
        self._centre = centre
        self._reader = reader
        self._writer = writer
        self._codec = pdu_encoding.PDUEncoder()
        self._sequences = count(1)
        self._asked: dict[int, asyncio.Future[int]] = {}

    async def run(self) -> None:
        """Until the end of the connection. Raises EOFError or ConnectionError when the ESME ends it."""
        while True:
            octets = await self._reader.readexactly(4)
            length = int.from_bytes(octets)
            if not HEADER <= length <= MAX_PDU:
                self._centre.unreadable.append(f"a PDU of {length} octets")
                return
            octets += await self._reader.readexactly(length - 4)
            try:
                pdu = self._codec.decode(BytesIO(octets))
            except (PDUParseError, ValueError) as error:
                self._centre.unreadable.append(str(error))
                self._nack(int.from_bytes(octets[12:16]), getattr(error, "status", Status.ESME_RSYSERR))
                continue
            self._react(pdu)
            if isinstance(pdu, operations.Unbind):
                await self._writer.drain()
                return

    def drop(self) -> None:
        """Close; whoever waits for an answer of this ESME gets a ConnectionError."""
        self.receives = False
        for future in self._asked.values():
            if not future.done():
                future.set_exception(ConnectionResetError("the session is over"))
        self._asked.clear()
        self._writer.close()

    def answer(self, request: Any, status: Any = Status.ESME_ROK, **fields: str) -> None:
        """Answer a request."""
        self._send(request.requireAck(seqNum=request.seqNum, status=status, **fields))

    async def ask(self, pdu: Any) -> int:
        """Send a request; the command_status of the answer.

        Raises ConnectionError at the end of the session."""
        pdu.seqNum = next(self._sequences)
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._asked[pdu.seqNum] = future
        self._send(pdu)
        return await future

    def _react(self, pdu: Any) -> None:
        if isinstance(pdu, pdu_types.PDUResponse):
            self._answered(pdu)
            return
        self._centre.came[pdu.commandId.name] += 1
        if isinstance(pdu, _BINDS):
            self._bind(pdu)
        elif isinstance(pdu, operations.SubmitSM) and self._sends:
            self._centre.spawn(self._centre.take(self, pdu))
        elif isinstance(pdu, operations.SubmitSM):
            self.answer(pdu, Status.ESME_RINVBNDSTS)
        elif isinstance(pdu, operations.EnquireLink | operations.Unbind):
            self.answer(pdu)
        else:
            self._nack(pdu.seqNum, Status.ESME_RINVCMDID)

    def _bind(self, pdu: Any) -> None:
        if self.system_id is not None:
            self.answer(pdu, Status.ESME_RALYBND)
            return
        password = self._centre.password
        if password is not None and pdu.params["password"].decode("latin-1") != password:
            self.answer(pdu, Status.ESME_RINVPASWD)
            return
        self.system_id = pdu.params["system_id"].decode("latin-1")
        self._sends = not isinstance(pdu, operations.BindReceiver)
        self.receives = not isinstance(pdu, operations.BindTransmitter)
        self.answer(pdu, system_id="foreign")

    def _answered(self, pdu: Any) -> None:
        future = self._asked.pop(pdu.seqNum, None)
        if future is None:
            self._centre.unreadable.append(f"{pdu.id} answers nothing that was asked")
        elif not future.done():
            future.set_result(_number(pdu_encoding.CommandStatusEncoder(), pdu.status))

    def _nack(self, sequence: int, status: Any) -> None:
        self._send(operations.GenericNack(seqNum=max(sequence, 1), status=status))  # the codec knows no 0

    def _send(self, pdu: Any) -> None:
        self._writer.write(self._codec.encode(pdu))


def _number(encoder: Any, value: Any) -> int:
    """The codec has names for numbers; this is the number."""
    return int.from_bytes(encoder.encode(value))


def _submitted(pdu: Any, message_id: str) -> Submitted:
    fields = pdu.params
    ton, npi = pdu_encoding.AddrTonEncoder(), pdu_encoding.AddrNpiEncoder()
    return Submitted(
        sequence=pdu.seqNum,
        message_id=message_id,
        source=fields["source_addr"].decode("latin-1"),
        source_ton=_number(ton, fields["source_addr_ton"]),
        source_npi=_number(npi, fields["source_addr_npi"]),
        destination=fields["destination_addr"].decode("latin-1"),
        destination_ton=_number(ton, fields["dest_addr_ton"]),
        destination_npi=_number(npi, fields["dest_addr_npi"]),
        esm_class=_number(pdu_encoding.EsmClassEncoder(), fields["esm_class"]),
        data_coding=_number(pdu_encoding.DataCodingEncoder(), fields["data_coding"]),
        registered_delivery=_number(pdu_encoding.RegisteredDeliveryEncoder(), fields["registered_delivery"]),
        short_message=fields["short_message"],
        tlvs=dict(_tlv(name, value) for name, value in fields.items() if name not in pdu.mandatoryParams),
    )


def _tlv(name: str, value: Any) -> tuple[int, bytes]:
    option = pdu_types.Option(getattr(pdu_types.Tag, name), value)
    octets: bytes = pdu_encoding.OptionEncoder().encode(option)
    return int.from_bytes(octets[:2]), octets[4:]


def _deliver_sm(**fields: Any) -> Any:
    """A deliver_sm between two telephone numbers; ``fields`` say what is different."""
    return operations.DeliverSM(
        **{
            "source_addr_ton": pdu_types.AddrTon.INTERNATIONAL,
            "source_addr_npi": pdu_types.AddrNpi.ISDN,
            "dest_addr_ton": pdu_types.AddrTon.INTERNATIONAL,
            "dest_addr_npi": pdu_types.AddrNpi.ISDN,
            "esm_class": _PLAIN,
            "protocol_id": 0,
            "priority_flag": pdu_types.PriorityFlag.LEVEL_0,
            "registered_delivery": pdu_types.RegisteredDelivery(
                pdu_types.RegisteredDeliveryReceipt.NO_SMSC_DELIVERY_RECEIPT_REQUESTED
            ),
            "replace_if_present_flag": pdu_types.ReplaceIfPresentFlag.DO_NOT_REPLACE,
            "data_coding": _DEFAULT_ALPHABET,
            "sm_default_msg_id": 0,
            **fields,
        }
    )


def _receipt(message: Any, message_id: str, stat: str) -> Any:
    """From the recipient of the message to its sender (SMPP 3.4 appendix B)."""
    fields = message.params
    return _deliver_sm(
        source_addr=fields["destination_addr"],
        source_addr_ton=fields["dest_addr_ton"],
        source_addr_npi=fields["dest_addr_npi"],
        destination_addr=fields["source_addr"],
        dest_addr_ton=fields["source_addr_ton"],
        dest_addr_npi=fields["source_addr_npi"],
        esm_class=_RECEIPT,
        short_message=receipt_text(message_id, stat),
        receipted_message_id=message_id,
        message_state=_STATES[stat],
    )
