"""A Connection of ours over a real socket, and a peer of the test's own at the other end."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from smppbridge.link.connection import Connection
from smppbridge.smpp.pdu import BindTransceiver, Pdu, SubmitSm, SubmitSmResp
from smppbridge.smpp.session import Event, Received, Role, Timers
from tests.support.esme.esme import Esme
from tests.support.system.clock import until

TIMERS = Timers(bind=10.0, enquire_link=0.0, inactivity=0.0, response=20.0)


class Log:
    """What a connection tells, in its order."""

    def __init__(self) -> None:
        self.began: list[Connection] = []
        self.batches: list[list[Event]] = []
        self.ended: list[Connection] = []
        self.react: Callable[[Connection, list[Event]], None] = lambda connection, events: None

    def handle(self, connection: Connection, events: list[Event]) -> None:
        self.batches.append(events)
        self.react(connection, events)

    def hold(self, connection: Connection, events: list[Event]) -> None:
        """A reaction: requests are answered later, by the test."""
        connection.hold(sum(isinstance(event, Received) for event in events))

    @property
    def events(self) -> list[Event]:
        return [event for batch in self.batches for event in batch]

    @property
    def received(self) -> list[Pdu]:
        return [event.pdu for event in self.events if isinstance(event, Received)]


@asynccontextmanager
async def pair(
    log: Log, role: Role = Role.SMSC, receive_buffer: int = 0, **keys: Any
) -> AsyncIterator[tuple[Connection, Esme]]:
    """Both ends, connected. ``receive_buffer``: octets of the peer's, 0 = as the system has it."""
    loop = asyncio.get_running_loop()
    settings = {"timers": TIMERS, "window": 10, "max_pdu_octets": 65536, **keys}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.socket()
        if receive_buffer:
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        theirs.connect(listener.getsockname())
        ours, _ = listener.accept()
    ours.setblocking(False)
    theirs.setblocking(False)
    connection = Connection(role, log.handle, log.ended.append, began=log.began.append, **settings)
    assert connection.closing  # as long as it is not open
    peer = Esme(*await asyncio.open_connection(sock=theirs, limit=1024))
    await loop.connect_accepted_socket(lambda: connection, ours)
    try:
        yield connection, peer
    finally:
        connection.abort()
        await peer.close()
        await until(lambda: log.ended)


@asynccontextmanager
async def bound_pair(log: Log, **keys: Any) -> AsyncIterator[tuple[Connection, Esme]]:
    """The same, with a transceiver bound at us. What the bind has told is taken out of ``log``."""
    async with pair(log, **keys) as (connection, peer):
        peer.send(BindTransceiver(system_id="pbx", interface_version=0x34))
        await until(lambda: log.received)
        (pdu,) = log.received
        assert isinstance(pdu, BindTransceiver)
        connection.session.respond(pdu, pdu.response())
        connection.flush()
        await peer.next()
        log.batches.clear()
        yield connection, peer


def respond(connection: Connection, pdu: Pdu) -> None:
    """Write the answer to a submit_sm."""
    connection.session.respond(pdu, SubmitSmResp("1"))


async def kinds(peer: Esme, count: int) -> list[type[Pdu]]:
    """The next PDUs that come."""
    return [type(await peer.next()) for _ in range(count)]


async def stuffed(connection: Connection, peer: Esme) -> None:
    """Write until the peer, which does not read, has so much that we hold the rest."""
    peer.reader._transport.pause_reading()  # type: ignore[attr-defined]  # the test's own end: asyncio hides it
    while connection.writable:
        respond_to_nothing = SubmitSm(sequence_number=1)
        connection.session.respond(respond_to_nothing, SubmitSmResp(tlvs=((0x0424, b"x" * 60_000),)))
        connection.flush()
        await asyncio.sleep(0)


def read_again(peer: Esme) -> None:
    peer.reader._transport.resume_reading()  # type: ignore[attr-defined]  # as above
