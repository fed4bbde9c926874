"""TLS of a connection that somebody opened to us: a small buffer, and handshakes that wait for their turns.

1. asyncio takes 256 KiB for every connection, from its first octet on. A record of TLS has 16 KiB at most,
   and thousands of connections may wait in a handshake, or be bound and silent.
2. A handshake takes a millisecond of the processor, more where the certificate has a long key. Hundreds may
   be ready in one turn of the loop: a few are done in each, and everybody else has a turn in between.
"""

import asyncio
import ssl
from asyncio.sslproto import SSLProtocol
from dataclasses import dataclass, field
from typing import cast

from smppbridge.link.per_turn import PerTurn

HANDSHAKES = 4  # in one turn of the loop

_RECORD = 16 * 1024  # octets of text in a record (RFC 8446 §5.1)
_UNREAD = 64 * 1024  # octets that came, while nothing is read from the connection
_SHUTDOWN = 5.0  # seconds for the peer to say good-bye (close_notify)


@dataclass(frozen=True, slots=True)
class ServerTls:
    """How TLS is spoken on a listener."""

    context: ssl.SSLContext
    handshake: float | None  # seconds that a handshake may take; None: as long as asyncio allows
    turns: PerTurn = field(default_factory=lambda: PerTurn(HANDSHAKES))


class ServerTlsProtocol(SSLProtocol):
    """Between the socket and the protocol that speaks in it."""

    max_size = _RECORD

    def __init__(self, inner: asyncio.Protocol, tls: ServerTls) -> None:
        """``inner`` is told of the connection when the handshake is done. `handshake` says how that went."""
        loop = asyncio.get_running_loop()
        self.handshake: asyncio.Future[None] = loop.create_future()
        self._turns = tls.turns
        self._socket: asyncio.Transport | None = None
        self._came = 0  # octets in the buffer that the handshake has not got
        super().__init__(
            loop,
            inner,
            tls.context,
            self.handshake,
            server_side=True,
            ssl_handshake_timeout=tls.handshake,  # type: ignore[arg-type]  # it takes any number
            ssl_shutdown_timeout=_SHUTDOWN,
        )
        assert self._app_transport is not None  # the class has just made it
        self._app_transport.set_read_buffer_limits(high=_UNREAD)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._socket = cast(asyncio.Transport, transport)
        super().connection_made(transport)

    def buffer_updated(self, nbytes: int) -> None:
        """See `asyncio.BufferedProtocol`. Nothing more is read before the handshake has what came."""
        if self.handshake.done() or self._socket is None:
            super().buffer_updated(nbytes)
            return
        self._came = nbytes
        if not self._turns.do(self._go_on):
            self._socket.pause_reading()

    def connection_lost(self, exc: BaseException | None) -> None:
        """See `asyncio.Protocol`. What is large is let go: an error may hold on to the rest for a while."""
        super().connection_lost(exc)
        self._socket = None
        self._sslobj = None
        self._extra.clear()
        self._ssl_buffer_view = memoryview(b"")
        self._ssl_buffer = bytearray()

    def _go_on(self) -> None:
        """Its turn has come."""
        if self._socket is None or self._socket.is_closing():
            return
        self._socket.resume_reading()
        super().buffer_updated(self._came)
