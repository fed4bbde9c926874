"""An SMSC that does exactly what a test says: it takes binds, and nothing else is answered by itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from smppbridge.smpp.pdu import Bind, BindTransceiver
from tests.support.bridge.running import PATIENCE
from tests.support.esme.esme import Esme


class HandCentre:
    """The listener, while the `async with` of `hand_centre` lasts. `Esme` says what a session can do."""

    def __init__(self) -> None:
        self.port = 0
        self.sessions: list[Esme] = []
        self._came: asyncio.Queue[Esme] = asyncio.Queue()

    async def session(self, kind: type[Bind] = BindTransceiver) -> Esme:
        """The next session, which binds like this."""
        session = await asyncio.wait_for(self._came.get(), PATIENCE)
        bind = await session.expect(kind)
        session.reply(bind, bind.response(system_id="CENTRE"))
        return session

    async def listen(self) -> Self:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def close(self) -> None:
        self._server.close()
        for session in self.sessions:
            session.writer.transport.abort()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Esme(reader, writer)
        self.sessions.append(session)
        self._came.put_nowait(session)


@asynccontextmanager
async def hand_centre() -> AsyncIterator[HandCentre]:
    """One on a free port."""
    centre = await HandCentre().listen()
    try:
        yield centre
    finally:
        centre.close()
