"""A provider that is bound to a simulated SMSC, and the bridge that it tells what comes in."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from smppbridge.link.persistent_bind import BindTimings
from smppbridge.model.message import Message
from smppbridge.providers.base import News, Taken
from smppbridge.providers.upstream.options import SmppOptions
from smppbridge.providers.upstream.provider import Smpp
from smppbridge.providers.upstream.timings import SmppTimings
from tests.simulators.smpp_centre.simulator import CentreSimulator
from tests.support.bridge.running import eventually
from tests.support.builders.messages import NOW, message
from tests.support.builders.upcalls import Upcalls
from tests.unit.providers.upstream.samples import options


class Bridge:
    """Writes down what the provider tells."""

    def __init__(self) -> None:
        self.news: list[News] = []
        self.links: list[str] = []
        self.counts: list[int] = []
        self.tries: list[str] = []
        self.nonsense = 0
        self.error: Exception | None = None

    def upcalls(self) -> Upcalls:
        return Upcalls(self.report, self.links.append, self.counts.append, self.tries.append, self.unreadable)

    async def report(self, news: Sequence[News]) -> None:
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        self.news += news

    def unreadable(self) -> None:
        self.nonsense += 1


PATIENCE = 60.0  # seconds without a bind, before messages go elsewhere
TIMINGS = SmppTimings(binds=BindTimings(first_pause=0.02, patience=PATIENCE))


def slowest(per_second: float) -> SmppTimings:
    """Timings of a bridge that is never slower than this."""
    return replace(TIMINGS, binds=replace(TIMINGS.binds, slowest=per_second))


@asynccontextmanager
async def linked(
    centre: CentreSimulator, bridge: Bridge | None = None, timings: SmppTimings = TIMINGS, **keys: Any
) -> AsyncIterator[Smpp]:
    """A provider that is bound."""
    bridge = bridge or Bridge()
    provider = Smpp("link", options_of(centre.port, **keys), timings)
    await provider.start(bridge.upcalls())
    try:
        await eventually(lambda: "" in bridge.links)
        yield provider
    finally:
        provider.stop()
        await provider.close()


def options_of(port: int, **keys: Any) -> SmppOptions:
    """Options of the simulated SMSC."""
    return options(**{"port": port, "system_id": "user", "password": "secret", "reconnect_max": 0.2, **keys})


def batch(*numbers: int, **changes: Any) -> list[Message]:
    """Short messages with these numbers."""
    return [message(number, text=f"text {number}", data_coding=0, **changes) for number in numbers]


def kinds(results: Sequence[object]) -> list[type]:
    """What there is of each."""
    return [type(result) for result in results]


async def prove(provider: Smpp, centre: CentreSimulator) -> None:
    """Have the SMSC answer once over this bind: from then on the whole window is used."""
    assert kinds(await provider.send(batch(0), NOW)) == [Taken]
    centre.submitted.clear()


def waiting(provider: Smpp) -> int:
    """Messages in the queue."""
    assert provider._upstream is not None
    return len(provider._upstream._queue)


def outstanding(provider: Smpp) -> int:
    """Requests without an answer, on all binds."""
    assert provider._upstream is not None
    connections = [one.client._connection for one in provider._upstream._binds if one.client is not None]
    return sum(connection.session.outstanding for connection in connections if connection is not None)
