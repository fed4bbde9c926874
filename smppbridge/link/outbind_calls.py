"""Connections that we open to an ESME, to have it bind (outbind, SMPP 3.4 §2.2.1, §4.1.7).

Who was called on which connection, and who may bind on it. Must not know: why somebody is called, passwords
of accounts, what a bind is used for.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import NamedTuple

from smppbridge.link.connection import Connection
from smppbridge.smpp.pdu import Bind, BindTransmitter

CONNECT_TIMEOUT = 10.0  # seconds for TCP and TLS


class Place(NamedTuple):
    """Where an ESME listens for outbind."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None  # the client side of it; None = in clear
    tls_name: str = ""  # what its certificate must name; "" = the host


class _Call(NamedTuple):
    account: str
    bound: "asyncio.Future[bool]"


class Calls:
    """Those that did not end yet, also when the ESME has bound long since."""

    def __init__(self) -> None:
        self._calls: dict[Connection, _Call] = {}

    async def make(self, account: str, place: Place, new_connection: Callable[[], Connection]) -> bool:
        """Open a connection, which says outbind by itself: True as soon as ``account`` is bound on it, False
        when it ended before. Raises OSError (TimeoutError among them) where there is no connection at all,
        and UnicodeError for a host name that is none."""
        loop = asyncio.get_running_loop()
        call = _Call(account, loop.create_future())

        def enter() -> Connection:
            connection = new_connection()
            self._calls[connection] = call  # before anything can come in
            return connection

        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await loop.create_connection(
                    enter,
                    place.host,
                    place.port,
                    ssl=place.tls,
                    server_hostname=(place.tls_name or place.host) if place.tls else None,
                )
        except BaseException:
            self._forget(call)
            raise
        return await call.bound  # the session's timer sees to it that this ends

    def lets(self, connection: Connection, account: str, bind: Bind) -> bool:
        """Whether ``account`` may bind like this: on a connection that we opened only who was called, and
        only to receive, as there would be nothing else to call it for."""
        call = self._calls.get(connection)
        return call is None or (call.account == account and not isinstance(bind, BindTransmitter))

    def bound(self, connection: Connection) -> None:
        """Somebody has bound on this connection, whoever opened it."""
        call = self._calls.get(connection)
        if call is not None and not call.bound.done():
            call.bound.set_result(True)

    def ended(self, connection: Connection) -> None:
        """This connection is gone, whoever opened it."""
        call = self._calls.pop(connection, None)
        if call is not None and not call.bound.done():
            call.bound.set_result(False)

    # --- inside --------------------------------------------------------------------------------

    def _forget(self, call: _Call) -> None:
        """There is no connection, or nobody wants it any more: one that never began never ends."""
        for connection in [known for known, its_call in self._calls.items() if its_call is call]:
            connection.abort()
            del self._calls[connection]
