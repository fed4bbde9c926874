"""An ESME that listens for outbind, instead of binding by itself."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from smppbridge.smpp.pdu import Outbind
from tests.support.bridge.running import PATIENCE
from tests.support.esme.esme import Esme

WORD = "word"  # the password of outbind


def outbind(port: int, keys: str = "") -> str:
    """Key of an account whose ESME listens there."""
    return f"outbind: {{host: 127.0.0.1, port: {port}, password: {WORD}, {keys}}}"


class Callee:
    """Its connections, in order; nothing is answered by itself."""

    def __init__(self) -> None:
        self.port = 0
        self.count = 0  # connections so far
        self._calls: asyncio.Queue[Esme] = asyncio.Queue()
        self._all: list[Esme] = []

    async def call(self, patience: float = PATIENCE) -> Esme:
        """The next connection, whatever is said on it."""
        return await asyncio.wait_for(self._calls.get(), patience)

    async def outbind(self) -> tuple[Esme, Outbind]:
        """The next connection, and the outbind on it. The bridge looks every 10 s at the latest."""
        esme = await self.call(2 * PATIENCE)
        return esme, await esme.expect(Outbind)

    async def bound(self, system_id: str = "pbx", kind: str = "RX") -> Esme:
        """The next connection, bound as outbind asks for."""
        esme, _ = await self.outbind()
        assert (await esme.bind(system_id, kind=kind)).command_status == 0
        return esme

    async def enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection came."""
        esme = Esme(reader, writer)
        self.count += 1
        self._all.append(esme)
        self._calls.put_nowait(esme)

    async def close(self) -> None:
        """Hang up everywhere."""
        for esme in self._all:
            await esme.close()


@asynccontextmanager
async def callee(port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[Callee]:
    """An ESME that listens until the block ends."""
    this = Callee()
    server = await asyncio.start_server(this.enter, "127.0.0.1", port, ssl=tls, reuse_address=True)
    this.port = server.sockets[0].getsockname()[1]
    try:
        yield this
    finally:
        server.close()
        await this.close()
