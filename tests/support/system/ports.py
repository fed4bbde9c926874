"""Ports for servers that come and go: chosen by the system, and kept while nobody listens on them."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def reserved_ports(count: int) -> Iterator[list[int]]:
    """``count`` ports of 127.0.0.1 that stay ours until the block ends.

    A socket that is bound but does not listen leaves the port to a server that sets SO_REUSEADDR, refuses
    clients while there is none, and keeps the system from giving the port to somebody else meanwhile (to a
    client of that very port too, which would then be connected to itself).
    """
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(("127.0.0.1", 0))
        yield [one.getsockname()[1] for one in sockets]
