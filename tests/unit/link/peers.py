"""What the tests of our side of a link talk to, and who listens to a line or an upstream."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from smppbridge.link.client import Client, Verdict
from smppbridge.link.line import Terms
from smppbridge.smpp.codec import Decoder, encode
from smppbridge.smpp.pdu import Bind, BindTransceiver, Pdu, Response, SubmitSm, SubmitSmResp
from smppbridge.smpp.session import Fault, Timers

QUICK = Timers(bind=1.0, enquire_link=0.0, inactivity=0.0, response=1.0)


@asynccontextmanager
async def answering(answer: Callable[[Pdu], Response | None]) -> AsyncIterator[int]:
    """A peer that answers each request as ``answer`` says, None: not at all; the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = Decoder()
        with contextlib.suppress(ConnectionError):
            while octets := await reader.read(65536):
                for item in decoder.feed(octets):
                    assert isinstance(item, Pdu)
                    response = answer(item)
                    if response is not None:
                        response.sequence_number = item.sequence_number
                        writer.write(encode(response))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def bind_pdu(kind: type[Bind] = BindTransceiver) -> Bind:
    return kind(system_id="user", password="secret", interface_version=0x34)


def terms(*ports: int, **changes: Any) -> Terms:
    """Where to bind: listeners of this machine, in order."""
    plain = Terms(
        name="link",
        hosts=tuple(("127.0.0.1", port) for port in ports),
        tls=None,
        tls_name="",
        timers=QUICK,
        window=10,
        max_pdu_octets=65536,
        bind=bind_pdu,
        longest_pause=0.1,
    )
    return plain._replace(**changes)


def message(number: int) -> SubmitSm:
    return SubmitSm(destination_addr="375291234567", data_coding=3, short_message=str(number).encode())


class Owner:
    """Writes down what a line or an upstream says."""

    def __init__(self) -> None:
        self.came: list[Pdu] = []
        self.heard: list[Verdict] = []
        self.faults: list[Fault] = []
        self.tries: list[str] = []
        self.changes: list[tuple[str, bool]] = []
        self.counts: list[int] = []
        self.links: list[str] = []
        self.bad: list[tuple[Any, str]] = []

    def incoming(self, client: Client, pdus: list[Pdu]) -> None:
        self.came += pdus

    def verdicts(self, client: Client, verdicts: list[Verdict]) -> None:
        self.heard += verdicts

    def answered(self, client: Client, verdicts: list[Verdict]) -> None:
        self.heard += verdicts

    def unsendable(self, context: Any, why: str) -> None:
        self.bad.append((context, why))

    def fault(self, fault: Fault) -> None:
        self.faults.append(fault)

    def tried(self, status: str) -> None:
        self.tries.append(status)

    def changed(self, why: str, *, hopeless: bool = False) -> None:
        self.changes.append((why, hopeless))

    def binds(self, count: int) -> None:
        self.counts.append(count)

    def linked(self, why: str) -> None:
        self.links.append(why)

    @property
    def taken(self) -> list[Any]:
        """Contexts of requests that the SMSC took, in the order of its answers."""
        return [one.context for one in self.heard if isinstance(getattr(one, "response", None), SubmitSmResp)]


def tasks() -> set[asyncio.Task[Any]]:
    """Everything that runs now."""
    return asyncio.all_tasks()
