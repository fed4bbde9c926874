"""Strangers: many sockets at once, from addresses of their own (127.0.0.2, 127.0.0.3 …).

Plain sockets without tasks: ten thousand of them cost a test half a second.
"""

import asyncio
import resource
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.bridge.running import PATIENCE

FIRST = "127.0.0.2"
_SLICE = 200  # connects between two turns of the loop
_GONE = select.POLLRDHUP | select.POLLHUP | select.POLLERR
_ABORT = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")  # struct linger: close with RST


def may_open(files: int) -> None:
    """Let this process have so many files open, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(files, hard), hard))


class Crowd:
    """The sockets of one stranger, while the `with` of `crowd` lasts."""

    def __init__(self, port: int, source: str) -> None:
        self.sockets: list[socket.socket] = []
        self._target = ("127.0.0.1", port)
        self._source = source

    async def connect(self, count: int) -> None:
        """So many more connections; returns when each of them is open or refused."""
        may_open(len(self.sockets) + count + 500)
        for done in range(count):
            one = socket.socket()
            one.setblocking(False)
            # The kernel chooses the port when it knows the target: there are enough for all then.
            one.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
            one.bind((self._source, 0))
            one.connect_ex(self._target)
            self.sockets.append(one)
            if done % _SLICE == 0:
                await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE):
            while self._count(select.POLLOUT | _GONE) < len(self.sockets):
                await asyncio.sleep(0.02)

    def say(self, octets: bytes) -> int:
        """Send on each of them; how many took it whole."""
        return sum(_send(one, octets) for one in self.sockets)

    @property
    def left(self) -> int:
        """How many the bridge has not closed."""
        return len(self.sockets) - self._count(_GONE)

    async def gone(self, left: int = 0) -> None:
        """Return when the bridge has closed all but ``left`` of them."""
        async with asyncio.timeout(PATIENCE):
            while self.left > left:
                await asyncio.sleep(0.05)

    def hang_up(self) -> None:
        """Close them at once, so that nothing of them lingers in the kernel."""
        for one in self.sockets:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            one.close()
        self.sockets.clear()

    def _count(self, wanted: int) -> int:
        poll = select.poll()
        for one in self.sockets:
            poll.register(one, wanted)
        return len(poll.poll(0))


def _send(one: socket.socket, octets: bytes) -> bool:
    try:
        return one.send(octets) == len(octets)
    except OSError:
        return False


@contextmanager
def crowd(port: int, source: str = FIRST) -> Iterator[Crowd]:
    """A stranger with no connection yet."""
    this = Crowd(port, source)
    try:
        yield this
    finally:
        this.hang_up()
