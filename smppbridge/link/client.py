"""We act as ESME: one session with an SMSC.

A request is sent in one of two ways: `send` returns a future of its answer; `submit`, for many messages, has
no future, and the answers of one read are told together.
"""

import asyncio
import contextlib
import logging
import os
import ssl
from collections.abc import Callable, Sequence

from smppbridge.errors import ConnectionLost, InvalidState, ResponseTimeout
from smppbridge.link.connection import LIMITS, Connection, ConnectionLimits
from smppbridge.smpp.pdu import Bind, Pdu
from smppbridge.smpp.session import Answered, Event, Fault, Received, Role, Timers, Unanswered, Unbound
from smppbridge.smpp.states import BOUND

log = logging.getLogger(__name__)

TICK = 0.5  # seconds between two looks at the timers

Verdict = Answered | Unanswered


class Client:
    """One session towards an SMSC. Use `connect`, then `bind`.

    1. ``incoming(client, pdus)`` gets the requests of the SMSC (deliver_sm, data_sm, outbind, ...), those of
       one read together. They are answered with `respond`, or with `hold` and later `release`.
    2. ``verdicts(client, verdicts)`` is told what became of requests given to `submit`. An empty list says
       that there is room again.
    3. ``fault(fault)`` is told what the SMSC did wrong.
    """

    def __init__(
        self,
        incoming: "Callable[[Client, list[Pdu]], None]",
        *,
        verdicts: "Callable[[Client, list[Verdict]], None]" = lambda client, verdicts: None,
        fault: Callable[[Fault], None] = lambda fault: None,
        timers: Timers | None = None,
        window: int = 10,
        max_pdu_octets: int = 65536,
        limits: ConnectionLimits = LIMITS,
    ) -> None:
        self._incoming = incoming
        self._verdicts = verdicts
        self._fault = fault
        self._timers = timers or Timers()
        self._window = window
        self._max_pdu_octets = max_pdu_octets
        self._limits = limits
        self._connection: Connection | None = None
        self._retired = False
        self._gone = asyncio.Event()
        self._over = asyncio.Event()
        self._unbound = False
        self._ticker: asyncio.Task[None] | None = None

    async def connect(self, host: str, port: int, tls: ssl.SSLContext | None = None, name: str = "") -> None:
        """Open the connection; ``name`` is what the certificate must name, if not ``host``. Raises
        ConnectionLost when there is no connection, or the certificate is not accepted."""
        opened = False
        try:
            await asyncio.get_running_loop().create_connection(
                self.protocol, host, port, ssl=tls, server_hostname=(name or host) if tls else None
            )
            opened = True
        except (OSError, ssl.CertificateError, UnicodeError) as error:  # UnicodeError: no host name
            raise ConnectionLost(f"cannot connect to {host}:{port}: {_why(error)}") from error
        finally:
            if not opened:
                self._connection = None  # a connection that never began never ends: `close` must not wait

    def protocol(self) -> Connection:
        """The protocol for a connection that the SMSC opens (outbind)."""
        self._connection = Connection(
            Role.ESME,
            self._handle,
            self._ended,
            timers=self._timers,
            window=self._window,
            max_pdu_octets=self._max_pdu_octets,
            began=self._began,
            limits=self._limits,
        )
        return self._connection

    async def bind(self, pdu: Bind) -> Pdu:
        """Send a bind and return its answer, whatever the status. Raises ResponseTimeout, ConnectionLost."""
        return await self.request(pdu)

    def send(self, pdu: Pdu) -> "asyncio.Future[Pdu]":
        """Send a request now and return a future of its answer, whose exception is ResponseTimeout or
        ConnectionLost. Raises InvalidState when it may not be sent (not bound, window full)."""
        future: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self._live().request(pdu, future)
        return future

    async def request(self, pdu: Pdu) -> Pdu:
        """`send`, and wait for the answer."""
        return await self.send(pdu)

    def submit(self, pdu: Pdu, context: object) -> None:
        """Send a request; ``verdicts`` is told its fate, with ``context``. Raises InvalidState as `send`, and
        ValueError for a PDU that cannot be encoded."""
        self._live().request(pdu, context)

    def respond(self, request: Pdu, response: Pdu) -> None:
        """Answer a request of the SMSC."""
        connection = self._live()
        connection.session.respond(request, response)
        connection.flush_soon()

    def hold(self, count: int) -> None:
        """``count`` requests of the SMSC will be answered later, by `release`."""
        if self._connection is not None:
            self._connection.hold(count)

    def release(self, answers: Sequence[tuple[Pdu, Pdu]]) -> None:
        """Answer held requests: (request, response) each. Does nothing when the connection is gone."""
        connection = self._connection
        if connection is None or self._gone.is_set():
            return
        for request, response in answers:
            connection.session.respond(request, response)
        connection.answered(len(answers))

    @property
    def room(self) -> int:
        """How many more requests may be sent now."""
        connection = self._connection
        if connection is None or not self.bound or not connection.writable:
            return 0
        return connection.session.room

    @property
    def bound(self) -> bool:
        """Whether requests may be sent at all."""
        connection = self._connection
        if connection is None or connection.closing or self._retired:
            return False
        return connection.session.state in BOUND

    @property
    def connected(self) -> bool:
        """Whether the connection is there, and is not being closed."""
        return self._connection is not None and not self._connection.closing

    @property
    def peer_version(self) -> int:
        """sc_interface_version of the SMSC, 0 when it gave none."""
        return self._connection.session.peer_version if self._connection is not None else 0

    @property
    def peer(self) -> str:
        """The address of the SMSC, "" before there is a connection."""
        return self._connection.peer if self._connection is not None else ""

    def retire(self) -> None:
        """Send nothing more, and unbind when each request has its answer or its response timer has ended."""
        self._retired = True
        self._leave_when_answered()

    def unbind(self, grace: float = 0.0) -> None:
        """Say unbind, and close when it is answered; close at once when unbind may not be sent. ``grace``:
        seconds after which the connection is cut off in any case, 0 = the session's timers decide."""
        self._retired = True
        if self._connection is not None:
            self._connection.unbind()
            if grace:
                asyncio.get_running_loop().call_later(grace, self._connection.abort)

    async def close(self, grace: float = 5.0) -> None:
        """Unbind if bound, and close. After ``grace`` seconds the connection is cut off."""
        connection = self._connection
        if connection is not None and not self._gone.is_set():
            connection.unbind() if connection.session.state in BOUND else connection.close()
            try:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._gone.wait(), grace)
            finally:
                connection.abort()
        if self._ticker is not None:
            self._ticker.cancel()

    async def lost(self) -> None:
        """Return when the connection is gone."""
        await self._gone.wait()

    async def over(self) -> bool:
        """Return when the SMSC has said unbind (true), or the connection is gone without that (false)."""
        await self._over.wait()
        return self._unbound

    # --- inside --------------------------------------------------------------------------------

    def _live(self) -> Connection:
        if self._connection is None or self._connection.closing:
            raise InvalidState("not connected")
        return self._connection

    def _handle(self, connection: Connection, events: list[Event]) -> None:
        requests: list[Pdu] = []
        verdicts: list[Verdict] = []
        for item in events:
            if type(item) is Answered or type(item) is Unanswered:
                if isinstance(item.context, asyncio.Future):
                    self._settle(item, item.context)
                else:
                    verdicts.append(item)
            elif type(item) is Received:
                requests.append(item.pdu)
            elif isinstance(item, Fault):
                self._fault(item)
        if events and type(events[-1]) is Unbound:
            self._unbound = True
            self._over.set()
        if verdicts or not events or type(events[-1]) is Unbound:
            self._verdicts(self, verdicts)  # first: a receipt may stand behind its answer
        if requests:
            self._incoming(self, requests)
        if self._retired and verdicts:
            self._leave_when_answered()

    def _leave_when_answered(self) -> None:
        connection = self._connection
        if connection is not None and not connection.closing and not connection.session.outstanding:
            connection.unbind()

    def _settle(self, item: Verdict, future: "asyncio.Future[Pdu]") -> None:
        if future.done():
            return
        if isinstance(item, Answered):
            future.set_result(item.response)
        elif self._connection is not None and self._connection.closing:
            future.set_exception(ConnectionLost("the connection ended before the answer came"))
        else:
            future.set_exception(ResponseTimeout("no answer within the response timer"))

    def _began(self, connection: Connection) -> None:
        self._ticker = asyncio.get_running_loop().create_task(self._tick(connection))

    def _ended(self, connection: Connection) -> None:
        self._gone.set()
        self._over.set()

    async def _tick(self, connection: Connection) -> None:
        while not self._gone.is_set():
            await asyncio.sleep(TICK)
            try:
                connection.tick()
            except Exception:  # a session whose timers stand still would hang for ever
                log.exception("unexpected error in a session with %s", connection.peer)
                connection.abort()


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):  # its errno is none of the system's
        return f"TLS failed ({error.reason or type(error).__name__}); is this its port for TLS?"
    if isinstance(error, OSError) and (error.errno or 0) > 0:
        return os.strerror(error.errno or 0)
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
