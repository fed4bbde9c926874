"""An ESME that does exactly what a test says, over a real socket: nothing is answered by itself."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from typing import Self, TypeVar

from smppbridge.errors import ProtocolError
from smppbridge.smpp.codec import Decoder, encode
from smppbridge.smpp.pdu import (
    Bind,
    BindReceiver,
    BindResp,
    BindTransceiver,
    BindTransmitter,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    Pdu,
    SubmitSm,
    SubmitSmResp,
)
from tests.support.bridge.running import PATIENCE

BINDS: dict[str, type[Bind]] = {"TX": BindTransmitter, "RX": BindReceiver, "TRX": BindTransceiver}
PHONE = "375291234567"
Wanted = TypeVar("Wanted", bound=Pdu)


def submit(text: str | bytes = "Door 3 opened", to: str = PHONE, **changes: object) -> SubmitSm:
    """A submit_sm that asks for a receipt, in Latin-1; for another data_coding ``text`` is octets."""
    pdu = SubmitSm(
        source_addr_ton=5,
        source_addr="ALARM",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=to,
        registered_delivery=1,
        data_coding=3,
        short_message=text if isinstance(text, bytes) else text.encode("latin-1"),
    )
    for name, value in changes.items():
        assert hasattr(pdu, name), name
        setattr(pdu, name, value)
    return pdu


class Esme:
    """One connection. PDUs that a call does not ask for are kept for later calls, in their order."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._decoder = Decoder()
        self._came: deque[Pdu] = deque()
        self._sequence = 0

    @classmethod
    async def connect(cls, port: int, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Self:
        return cls(*await asyncio.open_connection(host, port, ssl=tls))

    @classmethod
    async def bound(cls, port: int, system_id: str = "pbx", kind: str = "TRX", version: int = 0x34) -> Self:
        """Connected and bound; the password is "secret"."""
        esme = await cls.connect(port)
        assert (await esme.bind(system_id, kind=kind, version=version)).command_status == 0
        return esme

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def bind(
        self, system_id: str = "pbx", password: str = "secret", *, kind: str = "TRX", version: int = 0x34
    ) -> BindResp:
        bind = BINDS[kind](system_id=system_id, password=password, interface_version=version)
        answer = await self.ask(bind)
        assert isinstance(answer, BindResp)
        return answer

    # --- to the bridge -----------------------------------------------------------------------------

    def number(self, pdu: Pdu) -> Pdu:
        """The same PDU with the next sequence_number."""
        self._sequence += 1
        pdu.sequence_number = self._sequence
        return pdu

    def send(self, *pdus: Pdu) -> None:
        """Send requests, in one write."""
        self.writer.write(b"".join(encode(self.number(pdu)) for pdu in pdus))

    async def ask(self, pdu: Pdu) -> Pdu:
        """Send a request; its answer."""
        self.send(pdu)
        return await self._take(lambda came: came.is_response and came.sequence_number == pdu.sequence_number)

    async def submit(self, pdu: SubmitSm) -> str:
        """Submit successfully; the message_id."""
        answer = await self.ask(pdu)
        assert isinstance(answer, SubmitSmResp)
        assert answer.command_status == 0, hex(answer.command_status)
        return answer.message_id

    async def submit_many(self, pdus: Sequence[SubmitSm]) -> list[str]:
        """Submit successfully, in one write; the message_ids."""
        self.send(*pdus)
        answers = [await self.expect(SubmitSmResp) for _ in pdus]
        assert [answer.command_status for answer in answers] == [0] * len(pdus)
        return [answer.message_id for answer in answers]

    def reply(self, request: Pdu, response: Pdu) -> None:
        """Answer a request with this response."""
        response.sequence_number = request.sequence_number
        self.writer.write(encode(response))

    def answer(self, request: DeliverSm, status: int = 0) -> None:
        """Answer a deliver_sm."""
        self.reply(request, DeliverSmResp(command_status=status))

    # --- from the bridge ---------------------------------------------------------------------------

    async def next(self) -> Pdu:
        """The next PDU, whatever it is. Raises EOFError at the end of the connection."""
        return await self._take(lambda came: True)

    async def expect(self, kind: type[Wanted]) -> Wanted:
        """The next PDU of this kind."""
        pdu = await self._take(lambda came: type(came) is kind)
        assert isinstance(pdu, kind)
        return pdu

    async def receipt(self, status: int | None = 0) -> DeliverSm:
        """The next deliver_sm, answered with ``status``; None: not answered."""
        pdu = await self.expect(DeliverSm)
        if status is not None:
            self.answer(pdu, status)
        return pdu

    async def receipts(self, count: int) -> list[DeliverSm]:
        return [await self.receipt() for _ in range(count)]

    async def silence(self, kind: type[Pdu], seconds: float = 0.2) -> None:
        """Fail when a PDU of this kind comes within ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                pdu = await self.expect(kind)
        except TimeoutError:
            return
        raise AssertionError(f"unexpected {pdu}")

    async def quiet(self, kind: type[Pdu]) -> None:
        """Fail when a PDU of this kind has come by the time the bridge answers an enquire_link."""
        await self.ask(EnquireLink())
        came = [pdu for pdu in self._came if type(pdu) is kind]
        assert not came, f"unexpected {came}"

    async def closed(self) -> None:
        """Wait for the bridge to close the connection; what came before stays readable."""
        async with asyncio.timeout(PATIENCE):
            try:
                while True:
                    await self._read()
            except (EOFError, ConnectionResetError):
                return

    async def close(self) -> None:
        """Drop the connection."""
        self.writer.transport.abort()
        try:
            await self.writer.wait_closed()
        except OSError:
            return

    async def _take(self, wanted: Callable[[Pdu], bool]) -> Pdu:
        async with asyncio.timeout(PATIENCE):
            while True:
                for pdu in self._came:
                    if wanted(pdu):
                        self._came.remove(pdu)
                        return pdu
                await self._read()

    async def _read(self) -> None:
        octets = await self.reader.read(65536)
        if not octets:
            raise EOFError("the bridge closed the connection")
        for item in self._decoder.feed(octets):
            assert not isinstance(item, ProtocolError), item
            self._came.append(item)
