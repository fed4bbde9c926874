"""The simulated SMSC itself: listener, sessions, and the way of a submit_sm to its answer.

Must not know: how a receipt is written, when it is due.
"""

import asyncio
import contextlib
import socket
import ssl
import time
from collections import Counter
from dataclasses import replace
from typing import Any, Self

from smppbridge.errors import ConnectionLost, InvalidState
from smppbridge.link.connection import Connection
from smppbridge.smpp.codec import encode
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import (
    Bind,
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    DataSm,
    DeliverSm,
    EnquireLink,
    Outbind,
    Pdu,
    Response,
    SubmitSm,
)
from smppbridge.smpp.session import Answered, Event, Fault, Received, Role, Timers, Unanswered, Unbound
from tests.simulators.smpp_centre.desk import Desk
from tests.simulators.smpp_centre.judge import status_of_bind
from tests.simulators.smpp_centre.life import Life, Link
from tests.simulators.smpp_centre.receipts import Delivered, receipt
from tests.simulators.smpp_centre.rules import Rules, Submitted
from tests.simulators.smpp_centre.wire import WireConnection

SYSTEM_ID = "CENTRE"
_TICK = 0.1  # seconds between two looks at the timers of sessions
_PATIENCE = 10.0  # seconds for a session to take a deliver_sm
_BIND_TYPES: dict[type[Bind], str] = {BindTransmitter: "TX", BindReceiver: "RX", BindTransceiver: "TRX"}
_DEFAULT_TIMERS = Timers()


class CentreSimulator:
    """An SMSC on real sockets, while its `async with` lasts.

    ``submitted`` holds every submit_sm, refused ones too; ``answers`` every deliver_sm and data_sm with the
    response to it (both only with `Rules.keep`); ``faults`` what peers did against the protocol; ``counts``:
    taken, refused, throttled, lost (answers), receipts_sent, receipts_answered, receipts_refused, binds,
    enquire_links, unbinds. ``port`` 0: a free one. ``timers``: of the sessions.
    """

    def __init__(
        self,
        rules: Rules | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        timers: Timers = _DEFAULT_TIMERS,
    ) -> None:
        self.rules = rules or Rules()
        self.host = host
        self.port = port
        self.submitted: list[Submitted] = []
        self.answers: list[tuple[DeliverSm | DataSm, Response]] = []
        self.faults: list[Fault] = []
        self.counts: Counter[str] = Counter()
        self._tls = tls
        self._timers = timers
        self._links: dict[WireConnection, Link] = {}
        self._connections: set[WireConnection | _Mute] = set()
        self._listener: socket.socket | None = None
        self._openings: set[asyncio.Task[None]] = set()  # connections in their TLS handshake

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._life = Life(lambda: self.rules, self._links.values, self.counts)
        self._desk = Desk(lambda: self.rules, self._life, self.counts, self.submitted)
        self._anchor = self._socket()  # keeps the port while nobody listens on it
        self.port = self._anchor.getsockname()[1]
        self.listen_again()
        self._ticker = self._loop.create_task(self._tick())
        return self

    async def __aexit__(self, *error: object) -> None:
        self.stop_listening()
        self._life.stop()
        for task in (self._ticker, *self._openings):
            task.cancel()
        while self._connections or self._openings:
            self.hang_up()
            await asyncio.sleep(0)
        self._anchor.close()

    # --- what it looks like from inside --------------------------------------------------------

    @property
    def sessions(self) -> list[Link]:
        """The bound sessions: their ``bind_type`` (TX, RX, TRX), ``system_id`` and ``bind``."""
        return list(self._links.values())

    @property
    def pending(self) -> int:
        """Receipts that are due now or later, and not acknowledged."""
        return self._life.pending

    async def settled(self) -> None:
        """Return when no receipt is pending."""
        await self._life.settled()

    def move_on(self) -> None:
        """Everything that is due later happens now."""
        self._life.move_on()

    # --- what it says by itself ----------------------------------------------------------------

    async def deliver(self, pdu: DeliverSm | DataSm) -> Response:
        """Send to a session that may receive; its answer. Raises InvalidState when there is none, and
        ConnectionLost when it goes away without an answer."""
        link = self._receiving()
        async with asyncio.timeout(_PATIENCE):
            while not link.room:
                await asyncio.sleep(0.001)
                link = self._receiving()
            answer: asyncio.Future[Response] = self._loop.create_future()
            link.connection.request(pdu, answer)
            return await answer

    async def send_receipt(self, message_id: str, stat: str, **fields: Any) -> Response:
        """Send a receipt now; its answer. See `deliver` for errors.

        For a message of ``submitted`` it is addressed and named as the rules say; any other ``message_id`` is
        written as it is. ``fields`` that are rules (err, receipts, receipt_text, ...) hold for this receipt,
        the others are parameters of its PDU.
        """
        named = {name: fields.pop(name) for name in list(fields) if hasattr(self.rules, name)}
        known = [one for one in self.submitted if one.message_id == message_id]
        unknown = Submitted(SubmitSm(), message_id, 0, 0, 0.0)
        now = time.time()
        if not known:
            named.setdefault("receipt_ids", "same")
        rules = replace(self.rules, **named)
        pdu = receipt(rules, [unknown, *known][-1], stat, done=now, submitted=now)
        for name, value in fields.items():
            if not hasattr(pdu, name):
                raise TypeError(f"neither a rule nor a parameter: {name}")
            setattr(pdu, name, value)
        return await self.deliver(pdu)

    async def deliver_raw(self, octets: bytes) -> None:
        """Write octets into a session, behind what waits to be written. Raises InvalidState without one."""
        connection = self._receiving().connection
        connection.write_raw(octets)

    async def outbind(
        self, host: str, port: int, system_id: str, password: str, tls: ssl.SSLContext | None = None
    ) -> None:
        """Connect to an ESME and ask it to bind (SMPP 3.4 §2.2.1); it is served like any other. ``tls``: the
        client side of it. Raises OSError."""
        _, connection = await self._loop.create_connection(self._new_connection, host, port, ssl=tls)
        connection.request(Outbind(system_id=system_id, password=password))

    def unbind(self) -> None:
        """Say unbind on all sessions."""
        for connection in list(self._links):
            connection.unbind()

    def hang_up(self) -> None:
        """Cut all connections, bound or not."""
        for connection in list(self._connections):
            connection.abort()

    def cut_in_pdu(self) -> None:
        """Cut all sessions in the middle of a PDU."""
        for connection in list(self._links):
            connection.cut_in(encode(EnquireLink(sequence_number=0x7FFFFFFF)))

    def stop_listening(self) -> None:
        """Refuse connections; those that there are go on."""
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def listen_again(self) -> None:
        """Take connections on the same port."""
        if self._listener is None:
            self._listener = self._socket()
            self._listener.setblocking(False)
            self._listener.listen(512)
            self._loop.add_reader(self._listener, self._accept, self._listener)

    # --- connections ---------------------------------------------------------------------------

    def _socket(self) -> socket.socket:
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((self.host, self.port))
        return made

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionAbortedError):
            accepted, _ = listener.accept()
            opening = self._loop.create_task(self._open(accepted))
            self._openings.add(opening)
            opening.add_done_callback(self._openings.discard)

    async def _open(self, accepted: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._connect, accepted, ssl=self._tls)
        except OSError:  # no TLS came
            accepted.close()

    def _connect(self) -> asyncio.Protocol:
        if self.rules.mute_binds:
            return _Mute(self._connections)
        return self._new_connection()

    def _new_connection(self) -> WireConnection:
        return WireConnection(
            Role.SMSC,
            self._handle,
            self._ended,
            timers=self._timers,
            window=1,  # the rule takes its place at the bind
            max_pdu_octets=65536,
            began=self._began,
            stray=lambda: self.rules.stray,
            deaf=lambda: self.rules.deaf,
            asked=lambda: self.counts.update(enquire_links=1),
        )

    def _began(self, connection: Connection) -> None:
        assert isinstance(connection, WireConnection)
        self._connections.add(connection)

    def _ended(self, connection: Connection) -> None:
        assert isinstance(connection, WireConnection)
        self._connections.discard(connection)
        self._links.pop(connection, None)

    def _receiving(self) -> Link:
        links = [link for link in self._links.values() if link.bind_type != "TX"]
        open_links = [link for link in links if not link.connection.closing]
        if not open_links:
            raise InvalidState("no session that may receive is bound")
        return max(open_links, key=lambda link: link.room)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            for connection in list(self._connections):
                if isinstance(connection, WireConnection):
                    connection.tick()

    # --- what peers say ------------------------------------------------------------------------

    def _handle(self, connection: Connection, events: list[Event]) -> None:
        assert isinstance(connection, WireConnection)
        submits: list[SubmitSm] = []
        fates: list[Answered | Unanswered] = []
        for item in events:
            if isinstance(item, Received):
                if isinstance(item.pdu, SubmitSm):
                    submits.append(item.pdu)
                else:
                    self._request(connection, item.pdu)
            elif isinstance(item, Answered | Unanswered):
                fates.append(item)
            elif isinstance(item, Fault):
                self.faults.append(item)
            elif isinstance(item, Unbound):
                self.counts["unbinds"] += 1
        link = self._links.get(connection)
        if link is not None:
            if submits:
                self._desk.take(link, submits)
            self._settle(link, fates)
            self._life.pump(link.system_id)

    def _request(self, connection: WireConnection, pdu: Pdu) -> None:
        if isinstance(pdu, Bind):
            self._bind(connection, pdu)
        else:  # submit_multi, data_sm, query_sm, cancel_sm, replace_sm
            connection.session.refuse(pdu, Status.ESME_RINVCMDID)

    def _bind(self, connection: WireConnection, pdu: Bind) -> None:
        bound = sum(1 for link in self._links.values() if link.system_id == pdu.system_id)
        status = status_of_bind(self.rules, pdu, bound)
        if status:
            connection.session.refuse(pdu, status)
            connection.close()
            return
        self.counts["binds"] += 1
        connection.session.respond(pdu, pdu.response(system_id=SYSTEM_ID))
        connection.session.window = self.rules.window
        self._links[connection] = Link(connection, pdu, _BIND_TYPES[type(pdu)])

    def _settle(self, link: Link, fates: list[Answered | Unanswered]) -> None:
        """Tell who has sent a request how it ended: a `deliver`, or the life of a message."""
        unanswered: list[Delivered] = []
        for item in fates:
            pdu, future = item.request, item.context
            assert isinstance(pdu, Delivered)
            if isinstance(item, Answered):
                assert isinstance(item.response, Response)
                if self.rules.keep:
                    self.answers.append((pdu, item.response))
                if future is None:
                    self._life.answered(link.system_id, pdu, item.response.command_status)
                elif not future.done():
                    future.set_result(item.response)
            elif future is None:
                unanswered.append(pdu)
            elif not future.done():
                future.set_exception(ConnectionLost("no answer came"))
        self._life.unanswered(link.system_id, unanswered)


class _Mute(asyncio.Protocol):
    """A connection that is taken, and never answered."""

    def __init__(self, all_of_them: "set[WireConnection | _Mute]") -> None:
        self._all = all_of_them
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._all.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.discard(self)

    def abort(self) -> None:
        """Close at once."""
        assert isinstance(self._transport, asyncio.Transport)
        self._transport.abort()
