"""A bridge whose providers are SMSCs: the simulated one, or any other on a port of this machine."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from smppbridge.app import App
from smppbridge.link.persistent_bind import BindTimings
from smppbridge.link.upstream import Upstream
from smppbridge.providers.base import News, Upcalls
from smppbridge.providers.upstream.options import SmppOptions
from smppbridge.providers.upstream.provider import Smpp
from smppbridge.providers.upstream.timings import SmppTimings
from smppbridge.smpp.session import Session
from tests.simulators.smpp_centre.simulator import CentreSimulator
from tests.support.bridge.running import config, eventually, metric
from tests.support.builders.upcalls import Upcalls as Passing
from tests.support.system.clock import ClockLoop

PATIENCE = 8.0  # seconds without a bind, before messages go elsewhere
BINDS = BindTimings(first_pause=0.05, patience=PATIENCE)
TIMINGS = SmppTimings(binds=BINDS)


def link(port: int, **keys: Any) -> dict[str, Any]:
    """A provider entry for the simulator at ``port``."""
    return {
        "kind": "smpp",
        "host": "127.0.0.1",
        "port": port,
        "system_id": "user",
        "password": "secret",
        "reconnect_max": 0.5,
        **keys,
    }


def sections(*entries: dict[str, Any], account: dict[str, Any] | None = None, **more: Any) -> str:
    """The configuration of a bridge with the providers link, link2, ... in one route."""
    names = ["link", *(f"link{number}" for number in range(2, len(entries) + 1))]
    return yaml.safe_dump(
        {
            "accounts": {"pbx": {"password": "secret", "status_codes": "sms-assistent", **(account or {})}},
            "providers": dict(zip(names, entries, strict=True)),
            "routes": [{"to": names}],
            **more,
        }
    )


@asynccontextmanager
async def upstream_bridge(
    directory: Path, text: str, timings: SmppTimings = TIMINGS, make: type[Smpp] = Smpp
) -> AsyncIterator[App]:
    """A running bridge like that of `bridge`, whose SMSCs are given these ``timings``. Its clock is moved
    together with that of a `ClockLoop`."""
    settings = config(directory, text)
    loop = asyncio.get_running_loop()
    clock = (loop.now_ms, loop.now_ms) if isinstance(loop, ClockLoop) else ()
    app = App(settings, *clock)
    for name, options in settings.providers.items():
        if isinstance(options, SmppOptions):
            app.providers[name] = make(name, options, timings)
    await app.start()
    try:
        yield app
    finally:
        await app.stop()


@asynccontextmanager
async def linked(
    directory: Path,
    centre: CentreSimulator,
    *,
    account: dict[str, Any] | None = None,
    up: int = 1,
    more: dict[str, Any] | None = None,
    timings: SmppTimings = TIMINGS,
    make: type[Smpp] = Smpp,
    **keys: Any,
) -> AsyncIterator[App]:
    """A running bridge that is bound to ``centre``."""
    text = sections(link(centre.port, **keys), account=account, **(more or {}))
    async with upstream_bridge(directory, text, timings, make) as app:
        await eventually(lambda: metric(app, "upstream_binds", provider="link") == up)
        yield app


class Held(Smpp):
    """An SMSC whose deliver_sm are kept until ``go_on`` is set: they are not saved, nor answered."""

    go_on: asyncio.Event

    async def start(self, upcalls: Upcalls) -> None:
        self.go_on = asyncio.Event()

        async def report(news: Sequence[News]) -> None:
            await self.go_on.wait()
            await upcalls.report(news)

        others = (upcalls.linked, upcalls.binds, upcalls.tried, upcalls.unreadable)
        await super().start(Passing(report, *others))


def outstanding(app: App) -> int:
    """Requests over the binds of the provider ``link`` that have no answer yet."""
    return sum(session.outstanding for session in _sessions(app))


def questions(app: App) -> int:
    """Questions over these binds, whether the SMSC lives, that have no answer yet."""
    return sum(len(session._control) for session in _sessions(app))


def waiting(app: App) -> int:
    """Messages that wait for their turn on a bind of the provider ``link``."""
    return sum(not group.begun for group in _upstream(app)._queue)


def _sessions(app: App) -> list[Session]:
    clients = [bind.client for bind in _upstream(app)._binds if bind.client is not None]
    return [client._connection.session for client in clients if client._connection is not None]


def _upstream(app: App) -> Upstream:
    link = app.providers["link"]
    assert isinstance(link, Smpp)
    assert link._upstream is not None
    return link._upstream
