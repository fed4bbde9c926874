"""An SMSC calls us: it connects, says outbind, and we bind as receiver (SMPP 3.4 §2.2.1, §4.1.7).

The caller gets to see our credentials in the bind, so it must show the password of outbind first, and come
from an allowed address.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, cast

from smppbridge.errors import LinkError
from smppbridge.link.acceptor import Acceptor
from smppbridge.link.admission import Admission, Place
from smppbridge.link.client import Client
from smppbridge.link.persistent_bind import BindOwner, BindSettings
from smppbridge.link.tls_protocol import ServerTls
from smppbridge.logs import Complaints, event
from smppbridge.model.passwords import same
from smppbridge.smpp.constants import Status, status_name
from smppbridge.smpp.events import Fault
from smppbridge.smpp.pdu import BindReceiver, BindResp, Outbind, Pdu

log = logging.getLogger(__name__)

MAX_CALLERS = 8  # connections at once that are not bound, and as many inside a handshake of TLS
# In all. They have a budget of their own, which that of the process leaves free.
CONNECTIONS = 3 * MAX_CALLERS


class OutbindSettings(NamedTuple):
    """Where to listen, and who may call."""

    host: str
    port: int
    allowed: Callable[[str], bool]  # by address
    system_id: str  # "" = any
    password: str
    tls: ssl.SSLContext | None = None  # the server side of TLS; None = in clear


class OutbindListener:
    """The listener, and the sessions that came through it."""

    def __init__(self, settings: BindSettings, outbind: OutbindSettings, owner: BindOwner) -> None:
        """``settings``: of our binds at this SMSC; ``outbind``: of the listener."""
        self._settings = settings
        self._outbind = outbind
        self._owner = owner
        self.port = 0  # that it listens on, after `start`
        self._admission = Admission(CONNECTIONS)
        self._strangers = self._admission.budget("handshake", MAX_CALLERS)
        self._calling = self._admission.budget("calling", MAX_CALLERS)
        self._lasting = self._admission.budget("bound", CONNECTIONS, lasting=True)
        self._acceptor: Acceptor | None = None
        self._callers: dict[Client, Place] = {}  # all connections
        self._known: set[Client] = set()  # those that said outbind: we bind, or are bound
        self._bound: set[Client] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._complaints = Complaints(log)

    @property
    def bound(self) -> int:
        """How many sessions are bound."""
        return len(self._bound)

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        outbind, timings = self._outbind, self._settings.timings
        self._acceptor = Acceptor(
            self._admission,
            self._strangers,
            lambda place: _AfterHandshake(partial(self._admit, place)),
            allows=outbind.allowed,
            tls=ServerTls(outbind.tls, timings.handshake) if outbind.tls is not None else None,
        )
        self.port = await self._acceptor.listen(outbind.host, outbind.port)

    async def close(self) -> None:
        """Listen no more; unbind."""
        if self._acceptor is not None:
            await self._acceptor.stop()
        await asyncio.gather(*(client.close() for client in list(self._callers)))
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- inside --------------------------------------------------------------------------------

    def _admit(self, place: Place) -> asyncio.Protocol:
        """The protocol for a new connection. Where there are too many, the oldest that is not bound ends."""
        client: Client = self._settings.client(self._incoming, lambda fault: self._fault(client, fault))
        place.move(self._calling)
        self._callers[client] = place
        protocol = client.protocol()
        task = asyncio.get_running_loop().create_task(self._await_end(client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return protocol

    def _fault(self, client: Client, fault: Fault) -> None:
        """A fault counts as one of the SMSC only on a bound session: before, the caller may be anybody."""
        if client in self._bound:
            self._owner.fault(fault)
        else:
            self._complain("outbind refused", peer=client.peer)
            client.unbind()

    async def _await_end(self, client: Client) -> None:
        await client.lost()
        self._callers.pop(client)
        self._known.discard(client)
        if client in self._bound:
            self._bound.discard(client)
            self._owner.changed("")

    def _incoming(self, client: Client, pdus: list[Pdu]) -> None:
        if client in self._bound:
            self._owner.incoming(client, pdus)
            return
        if client in self._known:
            return  # outbind again
        outbind = next((pdu for pdu in pdus if isinstance(pdu, Outbind)), None)
        if outbind is None or not self._matches(outbind):
            self._complain("outbind refused", peer=client.peer)
            client.unbind()
            return
        self._known.add(client)
        task = asyncio.get_running_loop().create_task(self._bind(client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _matches(self, outbind: Outbind) -> bool:
        """Whether password and system_id are those that we were told."""
        own = self._outbind
        return same(outbind.password, own.password) and own.system_id in ("", outbind.system_id)

    async def _bind(self, client: Client) -> None:
        try:
            answer = await client.bind(self._settings.bind(BindReceiver))
        except LinkError:
            self._owner.tried("timeout")
            return
        self._owner.tried(status_name(answer.command_status))
        if answer.command_status != Status.ESME_ROK or not isinstance(answer, BindResp):
            self._complain("bind after outbind refused", peer=client.peer)
            client.unbind()
            return
        if client not in self._callers:
            return  # it has left since
        self._bound.add(client)
        self._callers[client].move(self._lasting)
        event(log, logging.INFO, "upstream bound by outbind", provider=self._settings.name, peer=client.peer)
        self._owner.changed("")

    def _complain(self, what: str, peer: str) -> None:
        now = asyncio.get_running_loop().time()
        self._complaints(now, what, peer, provider=self._settings.name, peer=peer)


class _AfterHandshake(asyncio.Protocol):
    """Makes the protocol of a connection when it is there: over TLS that is after the handshake."""

    def __init__(self, make: Callable[[], asyncio.Protocol]) -> None:
        self._make = make

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        protocol = self._make()
        cast(asyncio.Transport, transport).set_protocol(protocol)
        protocol.connection_made(transport)
