"""The SMPP listeners, and in which budget each of their connections is counted.

A connection begins inside a handshake of TLS, if there is one; then it is unbound, its bind is looked at, and
it is bound, or unbound again for the moment that a refusal takes.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from smppbridge.link.acceptor import Acceptor
from smppbridge.link.admission import Admission, Budget, Place
from smppbridge.link.allowed_addresses import AllowedAddresses
from smppbridge.link.connection import Connection
from smppbridge.link.tls_protocol import ServerTls


@dataclass(frozen=True, slots=True)
class StrangerLimits:
    """How many connections there may be that are nobody's yet. Tests take others."""

    handshakes: int = 500  # of TLS at once
    unbound: int = 1000  # after a cut all equipment comes within a second
    of_one: int = 200  # of each of these from one address: a site behind NAT
    binding: int = 200  # whose bind waits for a hash


STRANGERS = StrangerLimits()
_NOT_BOUND = 20  # one in so many connections is never bound: for those who come, and the web


class Listeners:
    """All SMPP listeners of the process."""

    def __init__(
        self,
        admission: Admission,
        limits: StrangerLimits,
        new_connection: Callable[[], Connection],
        addresses: AllowedAddresses,
        handshake_timeout: float | None,
    ) -> None:
        """``handshake_timeout``: seconds for TLS; None: as long as asyncio allows."""
        self._admission = admission
        self._new_connection = new_connection
        self._addresses = addresses
        self._handshake_timeout = handshake_timeout
        self._handshakes = admission.budget("handshake", limits.handshakes, limits.of_one)
        self._unbound = admission.budget("unbound", limits.unbound, limits.of_one)
        self._binding = admission.budget("binding", limits.binding)
        self._bound = admission.budget("bound", most_bound(admission.limit), lasting=True)
        self._acceptors: list[Acceptor] = []

    async def open(self, host: str, port: int, tls: ssl.SSLContext | None) -> int:
        """Open one more; its port (``port`` 0: a free one). Raises OSError."""
        acceptor = Acceptor(
            self._admission,
            self._unbound if tls is None else self._handshakes,
            self._begin,
            allows=self._addresses.allow,
            tls=None if tls is None else ServerTls(tls, self._handshake_timeout),
        )
        self._acceptors.append(acceptor)
        return await acceptor.listen(host, port)

    def close(self) -> None:
        """Accept no further connections."""
        for acceptor in self._acceptors:
            acceptor.close()

    async def stop(self) -> None:
        """The same, and cut off what is not a connection yet."""
        for acceptor in self._acceptors:
            await acceptor.stop()

    @property
    def full(self) -> bool:
        """Whether no more may be bound."""
        return self._bound.used >= self._bound.limit

    # --- states --------------------------------------------------------------------------------

    def unbound(self, connection: Connection) -> None:
        """It is open, or its bind was refused."""
        _move(connection, self._unbound)

    def binding(self, connection: Connection) -> None:
        """It has asked to bind."""
        _move(connection, self._binding)

    def bound(self, connection: Connection) -> None:
        """It is bound: it never ends for the sake of others."""
        _move(connection, self._bound)

    # --- inside --------------------------------------------------------------------------------

    def _begin(self, place: Place) -> asyncio.Protocol:
        connection = self._new_connection()
        connection.place = place
        return connection


def _move(connection: Connection, budget: Budget) -> None:
    if connection.place is not None:  # else we have opened it
        connection.place.move(budget)


def most_bound(connections: int) -> int:
    """How many of so many connections may be bound."""
    return connections - connections // _NOT_BOUND
