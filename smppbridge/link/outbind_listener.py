"""An SMSC calls us: it connects, says outbind, and we bind as receiver (SMPP 3.4 §2.2.1, §4.1.7).

The caller gets to see our credentials in the bind, so it must show the password of outbind first, and come
from an allowed address.
"""

import asyncio
import hmac
import logging
import ssl
from collections.abc import Callable
from typing import NamedTuple, cast

from smppbridge.errors import LinkError
from smppbridge.link.client import Client
from smppbridge.link.persistent_bind import BindOwner, BindSettings
from smppbridge.logs import Complaints, event
from smppbridge.smpp.constants import Status, status_name
from smppbridge.smpp.events import Fault
from smppbridge.smpp.pdu import BindReceiver, BindResp, Outbind, Pdu

log = logging.getLogger(__name__)

MAX_CALLERS = 8  # connections at once


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
        self._listener: asyncio.Server | None = None
        self._closed = False  # a handshake of TLS may outlive the listener
        self._callers: set[Client] = set()  # all connections
        self._known: set[Client] = set()  # those that said outbind: we bind, or are bound
        self._bound: set[Client] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._complaints = Complaints(log)

    @property
    def bound(self) -> int:
        """How many sessions are bound."""
        return len(self._bound)

    @property
    def port(self) -> int:
        """The port that it listens on, 0 before `start`."""
        return int(self._listener.sockets[0].getsockname()[1]) if self._listener is not None else 0

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        outbind = self._outbind
        self._listener = await asyncio.get_running_loop().create_server(
            lambda: _AddressCheck(self._admit),
            outbind.host,
            outbind.port,
            ssl=outbind.tls,
            ssl_handshake_timeout=self._settings.timings.handshake if outbind.tls is not None else None,
        )

    async def close(self) -> None:
        """Listen no more; unbind."""
        self._closed = True
        if self._listener is not None:
            self._listener.close()
        await asyncio.gather(*(client.close() for client in list(self._callers)))
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- inside --------------------------------------------------------------------------------

    def _admit(self, peer: str) -> asyncio.Protocol | None:
        """The protocol for a new connection, None to close it. A refused connection does not count towards
        MAX_CALLERS."""
        if self._closed:
            return None
        if not self._outbind.allowed(peer):
            self._complain("outbind refused", peer=peer)
            return None
        if len(self._callers) >= MAX_CALLERS:
            self._complain("outbind refused: too many connections", peer=peer)
            return None
        client: Client = self._settings.client(self._incoming, lambda fault: self._fault(client, fault))
        self._callers.add(client)
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
        self._callers.discard(client)
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
        same = hmac.compare_digest(outbind.password.encode(), own.password.encode())
        return same and own.system_id in ("", outbind.system_id)

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
        self._bound.add(client)
        event(log, logging.INFO, "upstream bound by outbind", provider=self._settings.name, peer=client.peer)
        self._owner.changed("")

    def _complain(self, what: str, peer: str) -> None:
        now = asyncio.get_running_loop().time()
        self._complaints(now, what, peer, provider=self._settings.name, peer=peer)


class _AddressCheck(asyncio.Protocol):
    """Looks at the peer's address before anything of it is read; over TLS that is after the handshake."""

    def __init__(self, admit: Callable[[str], asyncio.Protocol | None]) -> None:
        self._admit = admit

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peername = transport.get_extra_info("peername")
        protocol = self._admit(peername[0] if isinstance(peername, tuple) else "")
        if protocol is None:
            transport.close()
            return
        cast(asyncio.Transport, transport).set_protocol(protocol)
        protocol.connection_made(transport)
