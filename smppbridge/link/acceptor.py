"""Accepts connections: a few in each turn of the loop, and each only when `Admission` has a place for it.

asyncio has servers of its own. They take as many connections as come, allocate everything for each, and log
a traceback for every accept while no descriptor is left.
"""

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
from collections.abc import Callable, Sequence

from smppbridge.link.admission import Admission, Budget, Place, RefusalCause
from smppbridge.link.tls_protocol import ServerTls, ServerTlsProtocol

log = logging.getLogger(__name__)

BACKLOG = 512  # connections that wait in the system to be accepted
PER_TURN = 16  # accepts of a listener before all others have their turn
PAUSE = 0.5  # seconds without accepts, when the system has no descriptor left

_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_ABSENT = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})  # localhost may have ::1 by name only
_TRIES = 10  # to find a port that is free for all addresses of a host


class Acceptor:
    """The listening sockets of one listener.

    ``new_protocol(place)`` makes the protocol of a connection. ``place.address`` is the peer's address. The
    protocol calls ``place.move`` when the connection is in another state. The place is given back by itself
    when the socket is closed.
    """

    def __init__(
        self,
        admission: Admission,
        budget: Budget,
        new_protocol: Callable[[Place], asyncio.Protocol],
        *,
        allows: Callable[[str], bool] = lambda address: True,
        tls: ServerTls | None = None,
    ) -> None:
        """``budget``: where connections begin. ``allows(address)``: whether it may connect at all."""
        self._admission = admission
        self._budget = budget
        self._new_protocol = new_protocol
        self._allows = allows
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._listeners: list[socket.socket] = []
        self._pause: asyncio.TimerHandle | None = None
        self._beginning: set[asyncio.Task[None]] = set()

    async def listen(self, host: str, port: int) -> int:
        """Open a listening socket for each address of ``host`` ("" = all of this machine), and return the
        port, which is the same for all. ``port`` 0: a free one. Raises OSError."""
        self._listeners += await _listening_sockets(host, port)
        self._resume()
        bound: int = self._listeners[0].getsockname()[1]
        return bound

    def close(self) -> None:
        """Accept no more. Handshakes under way go on."""
        if self._pause is not None:
            self._pause.cancel()
        for listener in self._listeners:
            self._loop.remove_reader(listener)
            listener.close()
        self._listeners.clear()

    async def stop(self) -> None:
        """Accept no more, and cut off what is not a connection yet."""
        self.close()
        for task in self._beginning:
            task.cancel()
        await asyncio.gather(*self._beginning, return_exceptions=True)

    # --- inside --------------------------------------------------------------------------------

    def _resume(self) -> None:
        for listener in self._listeners:
            self._loop.add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(PER_TURN):
            if self._admission.crowded:
                return
            try:
                accepted, peer = listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._rest(error)
                    return
                continue  # that connection is broken; the next may be sound (accept(2))
            self._take(accepted, peer[0])

    def _rest(self, error: OSError) -> None:
        """No descriptor or memory is left: the listeners stay readable, so they are not looked at."""
        self._admission.refused(
            RefusalCause.DESCRIPTORS,
            "connections wait: the system has nothing left for them",
            error=error.strerror,
        )
        for listener in self._listeners:
            self._loop.remove_reader(listener)
        self._pause = self._loop.call_later(PAUSE, self._resume)

    def _take(self, accepted: socket.socket, address: str) -> None:
        if not self._allows(address):
            self._admission.refused(
                RefusalCause.ADDRESS, "connection refused: address not allowed", peer=address
            )
            accepted.close()
            return
        place = self._admission.admit(address, self._budget)
        if place is None:
            accepted.close()
            return
        mine = _AcceptedSocket(accepted, place)
        place.end = mine.hang_up
        task = self._loop.create_task(self._begin(mine, place))
        self._beginning.add(task)

        def begun(task: "asyncio.Task[None]") -> None:
            self._beginning.discard(task)
            if task.cancelled():
                mine.close()

        task.add_done_callback(begun)

    async def _begin(self, accepted: "_AcceptedSocket", place: Place) -> None:
        """Make a connection of a socket. Whatever becomes of it, no other is harmed."""
        try:
            protocol = self._new_protocol(place)
            if self._tls is None:
                await self._connect(accepted, place, protocol)
            else:
                await self._shake_hands(accepted, place, ServerTlsProtocol(protocol, self._tls))
        except OSError as error:  # among them all errors of TLS
            self._failed(place, error)
            accepted.close()
        except Exception:
            log.exception("unexpected error with a new connection of %s", place.address)
            accepted.close()

    async def _connect(
        self, accepted: "_AcceptedSocket", place: Place, protocol: asyncio.BaseProtocol
    ) -> asyncio.Transport:
        transport, _ = await self._loop.connect_accepted_socket(lambda: protocol, accepted)
        if place.budget is None:  # a newcomer took its place meanwhile
            transport.abort()
        else:
            place.end = transport.abort
        return transport

    async def _shake_hands(
        self, accepted: "_AcceptedSocket", place: Place, protocol: ServerTlsProtocol
    ) -> None:
        transport = await self._connect(accepted, place, protocol)
        try:
            await protocol.handshake
        except BaseException:
            transport.abort()
            raise

    def _failed(self, place: Place, error: OSError) -> None:
        if self._tls is None or isinstance(error, ConnectionResetError):
            return  # the peer has left, which is its right
        reason = error.reason if isinstance(error, ssl.SSLError) else str(error)
        self._admission.refused(
            RefusalCause.HANDSHAKE, "TLS handshake failed", reason=reason, peer=place.address
        )


class _AcceptedSocket(socket.socket):
    """Gives its place back when it is closed, whoever closes it."""

    __slots__ = ("_place",)

    def __init__(self, accepted: socket.socket, place: Place) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())
        self._place = place

    def close(self) -> None:
        """Close it, and give the place back."""
        super().close()
        self._place.give_back()

    def hang_up(self) -> None:
        """End the connection: the loop, which may hold the socket already, finds its end and closes it."""
        with contextlib.suppress(OSError):  # the peer has left
            self.shutdown(socket.SHUT_RDWR)


async def _listening_sockets(host: str, port: int) -> list[socket.socket]:
    infos = await asyncio.get_running_loop().getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    addresses = list(dict.fromkeys((family, proto, address) for family, _, proto, _, address in infos))
    for _ in range(_TRIES - 1):
        try:
            return _open_all(addresses)
        except OSError as error:
            if port or error.errno != errno.EADDRINUSE:
                raise OSError(error.errno, f"cannot listen on {host}:{port}: {_words(error)}") from error
    return _open_all(addresses)


def _open_all(addresses: Sequence[tuple[int, int, tuple[object, ...]]]) -> list[socket.socket]:
    """A socket for each address; where the port is 0 all get that of the first."""
    with contextlib.ExitStack() as opened:
        sockets: list[socket.socket] = []
        port = 0
        absent: OSError | None = None
        for family, proto, (host, wanted, *scope) in addresses:
            try:
                listener = opened.enter_context(_open(family, proto, (host, wanted or port, *scope)))
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise
                absent = error
            else:
                port = listener.getsockname()[1]
                sockets.append(listener)
        if absent is not None and not sockets:
            raise absent
        opened.pop_all()
    return sockets


def _open(family: int, proto: int, address: tuple[object, ...]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM, proto)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # 0.0.0.0 has its own
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
