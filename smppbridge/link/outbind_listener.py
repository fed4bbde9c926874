"""A door for the SMSC: it connects to us and says outbind, and we bind as receiver (SMPP 3.4 §2.2.1, §4.1.7).

Who says outbind gets to see our credentials, so it must show its own first. Must not know: what comes in.
"""

import asyncio
import hmac
import logging
import ssl
from collections.abc import Callable
from typing import NamedTuple, cast

from smppbridge.errors import LinkError
from smppbridge.link.client import Client
from smppbridge.link.line import Owner, Terms
from smppbridge.logs import Seldom, event
from smppbridge.smpp.constants import Status, status_name
from smppbridge.smpp.events import Fault
from smppbridge.smpp.pdu import BindReceiver, BindResp, Outbind, Pdu

log = logging.getLogger(__name__)

MAX_GUESTS = 8  # connections at once
HANDSHAKE = 10.0  # seconds for that of TLS


class OutbindTerms(NamedTuple):
    """Where to listen, and who may come."""

    host: str
    port: int
    allowed: Callable[[str], bool]  # by address
    system_id: str  # "" = any
    password: str
    tls: ssl.SSLContext | None = None  # the server side of it; None = in clear


class OutbindListener:
    """The listener, and the sessions that came through it."""

    def __init__(self, terms: Terms, door: OutbindTerms, owner: Owner) -> None:
        self._terms = terms
        self._door = door
        self._owner = owner
        self._listener: asyncio.Server | None = None
        self._closed = False  # a handshake of TLS may outlive the listener
        self._guests: set[Client] = set()
        self._known: set[Client] = set()  # those that said outbind: we bind, or are bound
        self._bound: set[Client] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._complaints = Seldom(interval=60.0)

    @property
    def bound(self) -> int:
        """How many sessions are bound."""
        return len(self._bound)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.sockets[0].getsockname()[1]) if self._listener is not None else 0

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._listener = await asyncio.get_running_loop().create_server(
            lambda: _Gate(self._enter),
            self._door.host,
            self._door.port,
            ssl=self._door.tls,
            ssl_handshake_timeout=HANDSHAKE if self._door.tls is not None else None,
        )

    async def close(self) -> None:
        """Listen no more; unbind."""
        self._closed = True
        if self._listener is not None:
            self._listener.close()
        await asyncio.gather(*(client.close() for client in list(self._guests)))
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- inside --------------------------------------------------------------------------------

    def _enter(self, peer: str) -> asyncio.Protocol | None:
        """None: away with him. Strangers take no place."""
        if self._closed:
            return None
        if not self._door.allowed(peer):
            self._complain("outbind refused", peer=peer)
            return None
        if len(self._guests) >= MAX_GUESTS:
            self._complain("outbind refused: too many connections", peer=peer)
            return None
        client: Client = Client(
            self._incoming,
            fault=lambda fault: self._fault(client, fault),
            timers=self._terms.timers,
            window=self._terms.window,
            max_pdu_octets=self._terms.max_pdu_octets,
        )
        self._guests.add(client)
        protocol = client.protocol()
        task = asyncio.get_running_loop().create_task(self._see_off(client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return protocol

    def _fault(self, client: Client, fault: Fault) -> None:
        """Only who is bound is the SMSC; anybody else has to say outbind, and nothing else."""
        if client in self._bound:
            self._owner.fault(fault)
        else:
            self._complain("outbind refused", peer=client.peer)
            client.unbind()

    async def _see_off(self, client: Client) -> None:
        await client.lost()
        self._guests.discard(client)
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
        if outbind is None or not self._knows(outbind):
            self._complain("outbind refused", peer=client.peer)
            client.unbind()
            return
        self._known.add(client)
        task = asyncio.get_running_loop().create_task(self._bind(client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _knows(self, outbind: Outbind) -> bool:
        door = self._door
        same = hmac.compare_digest(outbind.password.encode(), door.password.encode())
        return same and door.system_id in ("", outbind.system_id)

    async def _bind(self, client: Client) -> None:
        try:
            answer = await client.bind(self._terms.bind(BindReceiver))
        except LinkError:
            self._owner.tried("timeout")
            return
        self._owner.tried(status_name(answer.command_status))
        if answer.command_status != Status.ESME_ROK or not isinstance(answer, BindResp):
            self._complain("bind after outbind refused", peer=client.peer)
            client.unbind()
            return
        self._bound.add(client)
        event(log, logging.INFO, "upstream bound by outbind", provider=self._terms.name, peer=client.peer)
        self._owner.changed("")

    def _complain(self, what: str, peer: str) -> None:
        if self._complaints.allows((what, peer), asyncio.get_running_loop().time()):
            event(log, logging.WARNING, what, provider=self._terms.name, peer=peer)


class _Gate(asyncio.Protocol):
    """Looks at the address of who connects (over TLS: and has done the handshake) before anything is read."""

    def __init__(self, enter: Callable[[str], asyncio.Protocol | None]) -> None:
        self._enter = enter

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peername = transport.get_extra_info("peername")
        guest = self._enter(peername[0] if isinstance(peername, tuple) else "")
        if guest is None:
            transport.close()
            return
        cast(asyncio.Transport, transport).set_protocol(guest)
        guest.connection_made(transport)
