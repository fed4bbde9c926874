"""We call an ESME: a connection that we open, so that it binds (outbind, SMPP 3.4 §2.2.1, §4.1.7).

`flow.deliver.outbind` decides who is called and when. This module keeps who was called on which connection,
and so who may bind there.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import NamedTuple

from smppbridge.link.connection import Connection
from smppbridge.smpp.pdu import Bind, BindTransmitter

CONNECT_TIMEOUT = 10.0  # seconds for TCP and TLS


class Endpoint(NamedTuple):
    """Where an ESME listens for outbind."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None  # the client side of TLS; None = in clear
    tls_name: str = ""  # what its certificate must name; "" = the host


class _Call(NamedTuple):
    account: str
    bound: "asyncio.Future[bool]"


class OutbindCalls:
    """All calls whose connection is still open, including those where the ESME has bound."""

    def __init__(self, connect_timeout: float = CONNECT_TIMEOUT) -> None:
        self._connect_timeout = connect_timeout
        self._calls: dict[Connection, _Call] = {}

    async def call(self, account: str, to: Endpoint, new_connection: Callable[[], Connection]) -> bool:
        """Open a connection, which says outbind by itself. True as soon as ``account`` is bound on it, False
        when it ended before. Raises OSError (TimeoutError among them) when there is no connection, and
        UnicodeError for a host name that is none."""
        loop = asyncio.get_running_loop()
        call = _Call(account, loop.create_future())

        def enter() -> Connection:
            connection = new_connection()
            self._calls[connection] = call  # before anything can come in
            return connection

        try:
            async with asyncio.timeout(self._connect_timeout):
                await loop.create_connection(
                    enter,
                    to.host,
                    to.port,
                    ssl=to.tls,
                    server_hostname=(to.tls_name or to.host) if to.tls else None,
                )
        except BaseException:
            self._forget(call)
            raise
        return await call.bound  # the session's timer sees to it that this ends

    def may_bind(self, connection: Connection, account: str, bind: Bind) -> bool:
        """Whether ``account`` may bind like this on ``connection``.

        1. The peer opened the connection: yes.
        2. We opened it: only the account that was called, and not as transmitter, which receives nothing.
        """
        call = self._calls.get(connection)
        return call is None or (call.account == account and not isinstance(bind, BindTransmitter))

    def bound(self, connection: Connection) -> None:
        """An account has bound on this connection, whoever opened it."""
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
        """Drop a call that failed or was cancelled. `ended` is not called for a connection that never
        began."""
        for connection in [known for known, its_call in self._calls.items() if its_call is call]:
            connection.abort()
            del self._calls[connection]
