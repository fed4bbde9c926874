"""What the tests of our side of a link talk to, and who listens to a bind or an upstream."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from smppbridge.link.client import Client, Verdict
from smppbridge.link.persistent_bind import BindSettings, BindTimings, PersistentBind, SmscState
from smppbridge.link.upstream import Upstream
from smppbridge.smpp.codec import Decoder, encode
from smppbridge.smpp.pdu import (
    Bind,
    BindTransceiver,
    EnquireLink,
    EnquireLinkResp,
    Pdu,
    Response,
    SubmitSm,
    SubmitSmResp,
)
from smppbridge.smpp.session import Fault, Timers, Unanswered
from tests.simulators.smpp_centre.simulator import CentreSimulator
from tests.support.bridge.running import eventually

ENDED = ("the connection to the SMSC ended", False)  # changes that a bind tells
UP = ("", False)
TIMERS = Timers(bind=10.0, enquire_link=0.0, inactivity=0.0, response=20.0)
QUICK = BindTimings(first_pause=0.02, patience=60.0)  # for tests that are not about these pauses


async def heard_by_the_smsc(client: Client) -> None:
    """Return when the SMSC has read, and we have read its answers to, everything that was sent before."""
    assert isinstance(await client.request(EnquireLink()), EnquireLinkResp)


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


def settings(*ports: int, **changes: Any) -> BindSettings:
    """Where to bind: listeners of this machine, in order."""
    plain = BindSettings(
        name="link",
        hosts=tuple(("127.0.0.1", port) for port in ports),
        tls=None,
        tls_name="",
        timers=TIMERS,
        window=10,
        max_pdu_octets=65536,
        bind=bind_pdu,
        longest_pause=0.1,
        timings=QUICK,
    )
    return plain._replace(**changes)


def message(number: int) -> SubmitSm:
    return SubmitSm(destination_addr="375291234567", data_coding=3, short_message=str(number).encode())


class Order:
    """Messages that go out one after another. Implements ``link.upstream.RequestGroup``."""

    def __init__(self, *numbers: int) -> None:
        self.queued = False
        self.begun = False
        self.numbers = numbers
        self.bad: list[tuple[int, str]] = []  # what cannot be written, and why
        self.left: list[tuple[int, Pdu]] = [(place, message(number)) for place, number in enumerate(numbers)]

    def next(self) -> tuple[int, Pdu] | None:
        if not self.left:
            return None
        self.begun = True
        return self.left.pop(0)

    def back(self, place: int, pdu: Pdu) -> None:
        self.left.insert(0, (place, pdu))

    def unsendable(self, place: int, why: str) -> None:
        self.bad.append((self.numbers[place], why))


def number_of(verdict: Verdict) -> int:
    """The message whose fate this is."""
    task, place = verdict.context
    assert isinstance(task, Order)
    number: int = task.numbers[place]
    return number


class Owner:
    """Writes down what a bind or an upstream says."""

    def __init__(self) -> None:
        self.came: list[Pdu] = []
        self.heard: list[Verdict] = []
        self.faults: list[Fault] = []
        self.tries: list[str] = []
        self.changes: list[tuple[str, bool]] = []
        self.counts: list[int] = []
        self.links: list[str] = []

    def incoming(self, client: Client, pdus: list[Pdu]) -> None:
        self.came += pdus

    def verdicts(self, client: Client, verdicts: list[Verdict]) -> None:
        self.heard += verdicts

    def answered(self, client: Client, verdicts: list[Verdict]) -> None:
        self.heard += verdicts

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
    def taken(self) -> list[int]:
        """The messages of orders that the SMSC took, in the order of its answers."""
        return [
            number_of(one) for one in self.heard if isinstance(getattr(one, "response", None), SubmitSmResp)
        ]


def tasks() -> set[asyncio.Task[Any]]:
    """Everything that runs now."""
    return asyncio.all_tasks()


def new(owner: Owner, **keys: Any) -> Client:
    """One that tells ``owner``."""
    return Client(
        owner.incoming, verdicts=owner.verdicts, fault=owner.fault, **{"timers": TIMERS, "window": 10, **keys}
    )


@asynccontextmanager
async def bound(port: int, owner: Owner | None = None, **keys: Any) -> AsyncIterator[Client]:
    """The same, bound."""
    client = new(owner or Owner(), **keys)
    await client.connect("127.0.0.1", port)
    try:
        assert (await client.bind(bind_pdu())).command_status == 0
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def upstream(
    owner: Owner, own: BindSettings, *kinds: type[Bind], up: int = 1, rate: float = 0.0
) -> AsyncIterator[Upstream]:
    """Started, and with ``up`` binds."""
    made = Upstream(own, owner, kinds=kinds or (BindTransceiver,), rate=rate)
    await made.start()
    try:
        await eventually(lambda: not up or up in owner.counts)
        yield made
    finally:
        await made.close()


async def heard_on_all(link: Upstream) -> None:
    """`heard_by_the_smsc` on each bind."""
    for bind in link._binds:
        if bind.client is not None:
            await heard_by_the_smsc(bind.client)


@asynccontextmanager
async def binds(owner: Owner, own: BindSettings, *kinds: type[Bind]) -> AsyncIterator[list[PersistentBind]]:
    shared = SmscState(own.timings)
    made = [PersistentBind(own, kind, shared, owner) for kind in kinds or (BindTransceiver,)]
    for bind in made:
        bind.start()
    try:
        yield made
    finally:
        await asyncio.gather(*(bind.close() for bind in made))


def items(*numbers: int) -> list[Order]:
    """One task for each."""
    return [Order(number) for number in numbers]


def texts(centre: CentreSimulator) -> list[int]:
    """What the SMSC got, in order."""
    return [int(one.pdu.short_message) for one in centre.submitted]


def unanswered(owner: Owner) -> list[int]:
    """Messages whose answer never came."""
    return [number_of(one) for one in owner.heard if isinstance(one, Unanswered)]
