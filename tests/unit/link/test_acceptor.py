"""Accepting: who is let in, what a connection costs, and what happens when the system has nothing left."""

import asyncio
import errno
import select
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import trustme

from smppbridge.link import acceptor as module
from smppbridge.link.acceptor import PAUSE, PER_TURN, Acceptor
from smppbridge.link.admission import Admission, Place
from smppbridge.link.tls_protocol import HANDSHAKES, ServerTls
from smppbridge.metrics import Metrics
from tests.support.builders.metrics import value
from tests.support.system.clock import clock, soon, turns, until
from tests.unit.link.served import lines


class Told(asyncio.Protocol):
    """Writes down what it is told."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.said = b""
        self.transport: asyncio.Transport | None = None
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(b"hello")

    def data_received(self, data: bytes) -> None:
        self.said += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True


class Door:
    """A listener, and the protocols that it made."""

    def __init__(self, limit: int, **keys: Any) -> None:
        self.metrics = Metrics()
        self.admission = Admission(100, self.metrics)
        self.budget = self.admission.budget("unbound", limit)
        self.made: list[Told] = []
        self.acceptor = Acceptor(self.admission, self.budget, self._make, **keys)
        self.port = 0

    def _make(self, place: Place) -> Told:
        self.made.append(Told(place))
        return self.made[-1]

    def refused(self, cause: str) -> float:
        return value(self.metrics, "refused_connections_total", cause=cause)


@asynccontextmanager
async def opened(limit: int = 50, **keys: Any) -> AsyncIterator[Door]:
    door = Door(limit, **keys)
    door.port = await door.acceptor.listen("127.0.0.1", 0)
    try:
        yield door
    finally:
        await door.acceptor.stop()


def knock(port: int, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), source_address=(source, 0))


async def hears(one: socket.socket) -> bytes:
    """What comes next; b"" at the end."""
    one.setblocking(False)
    try:
        octets: bytes = await soon(asyncio.get_running_loop().sock_recv(one, 100))
    except ConnectionResetError:
        return b""
    return octets


@pytest.fixture(scope="module")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What the listener shows, and who trusts it."""
    authority = trustme.CA()
    shown, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(shown)
    authority.configure_trust(trusting)
    return shown, trusting


async def test_a_connection_is_counted_until_its_socket_is_closed() -> None:
    async with opened() as door:
        with knock(door.port) as one:
            assert await hears(one) == b"hello"
            assert (door.made[0].place.address, door.budget.used) == ("127.0.0.1", 1)
            one.sendall(b"hi")
            await until(lambda: door.made[0].said == b"hi")
        await until(lambda: door.admission.used == 0)
        assert door.made[0].lost


async def test_the_newest_are_let_in() -> None:
    async with opened(2) as door, AsyncExitStack() as stack:
        sockets = [stack.enter_context(knock(door.port)) for _ in range(5)]
        for old in sockets[:3]:
            assert await hears(old) in (b"", b"hello")
        for new in sockets[3:]:
            assert await hears(new) == b"hello"
        assert (door.budget.used, door.refused("displaced")) == (2, 3)
        for old in sockets[:3]:
            while await hears(old):
                pass


async def test_a_few_are_accepted_in_each_turn() -> None:
    async with opened(100) as door, AsyncExitStack() as stack:
        for _ in range(PER_TURN + 5):
            stack.enter_context(knock(door.port))
        await asyncio.sleep(0)
        assert door.admission.used <= PER_TURN
        await until(lambda: door.admission.used == PER_TURN + 5)


async def test_an_address_that_may_not_connect_is_told_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with opened(allows=lambda address: address == "127.0.0.1") as door:
        for _ in range(3):
            with knock(door.port, "127.0.0.2") as stranger:
                assert await hears(stranger) == b""
        assert (door.made, door.refused("address")) == ([], 3)
        (line,) = lines(caplog, "connection refused: address not allowed")
        assert "peer=127.0.0.2" in line
        with knock(door.port) as one:
            assert await hears(one) == b"hello"


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
async def test_while_nothing_is_left_nobody_is_accepted(
    number: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The system says so for as long as a connection waits: it must not be asked all the time."""
    asked = 0

    def accept(self: socket.socket) -> Any:
        nonlocal asked
        asked += 1
        raise OSError(number, "nothing left")

    async with opened() as door:
        with monkeypatch.context() as patched, knock(door.port) as one:
            patched.setattr(socket.socket, "accept", accept)
            clock().stop_clock()
            await until(lambda: asked)
            await turns(100)
            assert asked == 1
            clock().forward(PAUSE)
            await until(lambda: asked == 2)
            patched.undo()
            clock().forward(PAUSE)
            assert await hears(one) == b"hello"
        assert len(lines(caplog, "connections wait: the system has nothing left for them")) == 1
        assert len(caplog.records) == 1
        assert door.refused("descriptors") == 2


async def test_a_connection_that_broke_before_it_was_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    accept, broken = socket.socket.accept, [OSError(errno.EPROTO, ""), ConnectionAbortedError()]

    def first_broken(self: socket.socket) -> Any:
        if broken:
            raise broken.pop()
        return accept(self)

    monkeypatch.setattr(socket.socket, "accept", first_broken)
    async with opened() as door:
        with knock(door.port) as one:
            assert await hears(one) == b"hello"


async def test_a_protocol_that_cannot_be_made(caplog: pytest.LogCaptureFixture) -> None:
    async with opened() as door:
        door.acceptor._new_protocol = lambda place: 1 / 0  # type: ignore[assignment,return-value]  # a mistake
        with knock(door.port) as one:
            assert await hears(one) == b""
        await until(lambda: door.admission.used == 0)
    assert "unexpected error with a new connection of 127.0.0.1" in caplog.text


async def test_a_connection_that_the_system_refuses_to_serve_is_counted_no_more() -> None:
    def refuse(place: Place) -> asyncio.Protocol:
        raise OSError(errno.ENOMEM, "nothing left")

    async with opened() as door:
        door.acceptor._new_protocol = refuse
        with knock(door.port) as one:
            assert await hears(one) == b""
        await until(lambda: door.admission.used == 0)


# --- TLS -------------------------------------------------------------------------------------------


async def test_over_tls_the_protocol_hears_of_it_after_the_handshake(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    async with opened(tls=ServerTls(contexts[0], 10.0)) as door:
        reader, writer = await soon(asyncio.open_connection("127.0.0.1", door.port, ssl=contexts[1]))
        assert await soon(reader.readexactly(5)) == b"hello"
        writer.write(b"x" * 100_000)
        await until(lambda: len(door.made[0].said) == 100_000)
        writer.close()
        await until(lambda: door.admission.used == 0 and door.made[0].lost)


async def test_a_connection_over_tls_has_a_small_buffer(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    """asyncio would take 256 KiB."""
    async with opened(tls=ServerTls(contexts[0], 10.0)) as door:
        _, writer = await soon(asyncio.open_connection("127.0.0.1", door.port, ssl=contexts[1]))
        await until(lambda: door.made[0].transport)
        protocol = door.made[0].transport._ssl_protocol  # type: ignore[union-attr]  # asyncio's own
        assert len(protocol._ssl_buffer) == 16 * 1024
        writer.close()


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (bytes.fromhex("00000010 00000015 00000000 00000001"), "WRONG_VERSION_NUMBER"),
        (b"GET / HTTP/1.1\r\n\r\n", "HTTP_REQUEST"),
    ],
)
async def test_who_speaks_no_tls(
    octets: bytes,
    reason: str,
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with opened(tls=ServerTls(contexts[0], 10.0)) as door:
        for _ in range(3):
            with knock(door.port) as one:
                one.sendall(octets)
                while await hears(one):
                    pass  # an alert
        await until(lambda: door.admission.used == 0)
        assert all(told.transport is None for told in door.made)
        assert door.refused("handshake") == 3
    (line,) = lines(caplog, "TLS handshake failed")
    assert f"reason={reason} peer=127.0.0.1" in line
    assert len(caplog.records) == 1


@pytest.mark.parametrize("begun", [b"", bytes.fromhex("1603010200010001fc0303")])
async def test_a_handshake_has_its_time(
    begun: bytes, contexts: tuple[ssl.SSLContext, ssl.SSLContext], caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tls=ServerTls(contexts[0], 7.0)) as door:
        with knock(door.port) as one:
            clock().stop_clock()
            one.sendall(begun)
            await until(lambda: any(6 < left <= 7 for left in clock().timers()))
            clock().forward(7.0)
            assert await hears(one) == b""
        await until(lambda: door.admission.used == 0)
        assert door.refused("handshake") == 1
    assert len(lines(caplog, "TLS handshake failed")) == 1


async def test_who_leaves_in_the_handshake_is_no_failure(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext], caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tls=ServerTls(contexts[0], 7.0)) as door:
        with knock(door.port):
            await until(lambda: door.made)
        await until(lambda: door.admission.used == 0)
    assert caplog.records == []


async def test_a_few_handshakes_go_on_in_each_turn(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async with opened(tls=ServerTls(contexts[0], 7.0)) as door, AsyncExitStack() as stack:
        ready = [stack.enter_context(knock(door.port)) for _ in range(5 * HANDSHAKES)]
        await until(lambda: len(door.made) == len(ready))
        await turns()
        for one in ready:
            one.sendall(client_hello(contexts[1]))
            one.setblocking(False)
        answered, steps = 0, 0
        while answered < len(ready):
            await asyncio.sleep(0)
            now = len(select.select(ready, [], [], 0)[0])
            assert now - answered <= HANDSHAKES
            steps, answered = steps + (now > answered), now
        assert steps >= 5


def client_hello(trusting: ssl.SSLContext) -> bytes:
    """How a client begins."""
    said = ssl.MemoryBIO()
    client = trusting.wrap_bio(ssl.MemoryBIO(), said, server_hostname="127.0.0.1")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return said.read()


async def test_handshakes_end_for_newer_ones(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async with opened(2, tls=ServerTls(contexts[0], 7.0)) as door, AsyncExitStack() as stack:
        silent = [stack.enter_context(knock(door.port)) for _ in range(5)]
        reader, writer = await soon(asyncio.open_connection("127.0.0.1", door.port, ssl=contexts[1]))
        assert await soon(reader.readexactly(5)) == b"hello"
        for old in silent[:4]:
            assert await hears(old) == b""
        assert (door.budget.used, door.refused("displaced")) == (2, 4)
        writer.close()


# --- listening, and its end ------------------------------------------------------------------------


async def test_all_addresses_of_a_host_have_the_same_port(monkeypatch: pytest.MonkeyPatch) -> None:
    async def both(*arguments: object, **keys: object) -> list[Any]:
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        absent = (*kind, ("192.0.2.1", 0))  # no machine has it
        return [(*kind, ("127.0.0.1", 0)), absent, (*kind, ("127.0.0.2", 0)), (*kind, ("127.0.0.1", 0))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
    async with opened() as door:
        for address in ("127.0.0.1", "127.0.0.2"):
            with socket.create_connection((address, door.port)) as one:
                assert await hears(one) == b"hello"


async def test_a_port_that_is_taken_or_an_address_that_is_absent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}: address already in use"):
            await Door(1).acceptor.listen("127.0.0.1", port)
    with pytest.raises(OSError, match=r"cannot listen on 192\.0\.2\.1:7: "):
        await Door(1).acceptor.listen("192.0.2.1", 7)


async def test_an_end_while_connections_begin(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async with opened(tls=ServerTls(contexts[0], 7.0)) as door, AsyncExitStack() as stack:
        for _ in range(3):
            stack.enter_context(knock(door.port))
        await until(lambda: door.admission.used == 3)
        await soon(door.acceptor.stop())
        await until(lambda: door.admission.used == 0)
        with pytest.raises(ConnectionRefusedError):
            knock(door.port)


async def test_an_end_while_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened() as door:
        door.acceptor._rest(OSError(errno.EMFILE, "nothing left"))
        door.acceptor.close()
        clock().forward(PAUSE)
        await turns()
        assert module.PAUSE == 0.5
        with pytest.raises(ConnectionRefusedError):
            knock(door.port)
