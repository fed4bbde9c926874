"""We act as ESME: one connection to an SMSC, requests as awaitables.

Must not know: accounts, the store, what comes in (a callable gets it).
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable

from smppbridge.errors import ConnectionLost, InvalidState, ResponseTimeout
from smppbridge.link.connection import Connection
from smppbridge.smpp.pdu import Bind, Pdu
from smppbridge.smpp.session import Answered, Event, Received, Role, State, Timers, Unanswered

_TICK = 0.5


class Client:
    """One session towards an SMSC.

    ``incoming(client, pdu)`` gets each request of the SMSC (deliver_sm, data_sm, ...) and answers it with
    `respond`. Use `connect`, then `bind`.
    """

    def __init__(
        self,
        incoming: "Callable[[Client, Pdu], None]",
        *,
        timers: Timers | None = None,
        window: int = 10,
        max_pdu_octets: int = 65536,
    ) -> None:
        self._incoming = incoming
        self._timers = timers or Timers()
        self._window = window
        self._max_pdu_octets = max_pdu_octets
        self._connection: Connection | None = None
        self._gone = asyncio.Event()
        self._ticker: asyncio.Task[None] | None = None

    async def connect(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        """Open the TCP connection. Raises ConnectionLost when nobody is there."""
        loop = asyncio.get_running_loop()
        try:
            _, self._connection = await loop.create_connection(self._protocol, host, port, ssl=tls)
        except OSError as error:
            raise ConnectionLost(f"cannot connect to {host}:{port}: {error.strerror or error}") from error
        self._ticker = loop.create_task(self._tick())

    async def bind(self, pdu: Bind) -> Pdu:
        """Send a bind; the answer, whatever its status. Raises ResponseTimeout, ConnectionLost."""
        return await self.request(pdu)

    def send(self, pdu: Pdu) -> "asyncio.Future[Pdu]":
        """Send a request now; a future of its answer, whose exception is ResponseTimeout or ConnectionLost.
        Raises InvalidState when it may not be sent (not bound, window full)."""
        future: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self._live().request(pdu, future)
        return future

    async def request(self, pdu: Pdu) -> Pdu:
        """`send`, then wait for the answer."""
        return await self.send(pdu)

    def respond(self, request: Pdu, response: Pdu) -> None:
        """Answer a request of the SMSC."""
        connection = self._live()
        connection.session.respond(request, response)
        connection.flush_soon()

    @property
    def room(self) -> int:
        """How many more requests the window takes now."""
        return self._live().session.room

    async def close(self, grace: float = 5.0) -> None:
        """Unbind if bound, and close; at once after ``grace`` seconds."""
        connection = self._connection
        if connection is not None and not self._gone.is_set():
            bound = connection.session.state in (State.BOUND_TX, State.BOUND_RX, State.BOUND_TRX)
            connection.unbind() if bound else connection.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._gone.wait(), grace)
            connection.abort()
        if self._ticker is not None:
            self._ticker.cancel()

    async def lost(self) -> None:
        """Return when the connection is gone."""
        await self._gone.wait()

    # --- inside --------------------------------------------------------------------------------

    def _protocol(self) -> Connection:
        return Connection(
            Role.ESME,
            self._handle,
            self._ended,
            timers=self._timers,
            window=self._window,
            max_pdu_octets=self._max_pdu_octets,
        )

    def _live(self) -> Connection:
        if self._connection is None or self._connection.closing:
            raise InvalidState("not connected")
        return self._connection

    def _handle(self, connection: Connection, events: list[Event]) -> None:
        for item in events:
            if type(item) is Received:
                self._incoming(self, item.pdu)
            elif isinstance(item, Answered | Unanswered):
                self._settle(item)

    def _settle(self, item: Answered | Unanswered) -> None:
        future = item.context
        if not isinstance(future, asyncio.Future) or future.done():
            return
        if isinstance(item, Answered):
            future.set_result(item.response)
        elif self._connection is not None and self._connection.closing:
            future.set_exception(ConnectionLost("the connection ended before the answer came"))
        else:
            future.set_exception(ResponseTimeout("no answer within the response timer"))

    def _ended(self, connection: Connection) -> None:
        self._gone.set()

    async def _tick(self) -> None:
        while not self._gone.is_set():
            await asyncio.sleep(_TICK)
            if self._connection is not None:
                self._connection.tick()
