"""A bridge that listens for outbind, and SMSCs that call it."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from smppbridge.app import App
from smppbridge.smpp.pdu import Pdu
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.running import eventually, metric
from tests.support.bridge.upstream import link, sections, upstream_bridge
from tests.support.esme.esme import Esme

WORD = "word"  # the password of outbind


class Scene(NamedTuple):
    """A bridge that listens for outbind, and is bound to ``home`` as ever."""

    app: App
    home: CentreSimulator
    esme: Esme
    outbind_port: int

    @property
    def binds(self) -> float:
        """How many binds are up."""
        return metric(self.app, "upstream_binds", provider="link")

    def tried(self, status: str = "ESME_ROK") -> float:
        """How many binds ended like this."""
        return metric(self.app, "upstream_bind_attempts_total", provider="link", status=status)

    async def call(
        self,
        centre: CentreSimulator,
        system_id: str = "centre",
        password: str = WORD,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Let ``centre`` say outbind."""
        await centre.outbind("127.0.0.1", self.outbind_port, system_id, password, tls)

    async def caller(self, *pdus: Pdu) -> Esme:
        """Somebody who connects to the port for outbind, and says this."""
        caller = await Esme.connect(self.outbind_port)
        caller.send(*pdus)
        return caller


@asynccontextmanager
async def scene(
    directory: Path,
    outbind_port: int,
    rules: Rules | None = None,
    outbind: dict[str, Any] | None = None,
    home_tls: ssl.SSLContext | None = None,
    **keys: Any,
) -> AsyncIterator[Scene]:
    listener = {"host": "127.0.0.1", "port": outbind_port, "allow_from": ["127.0.0.1"], "password": WORD}
    async with CentreSimulator(rules, tls=home_tls) as home:
        entry = link(home.port, outbind={**listener, **(outbind or {})}, **keys)
        text = sections(entry, inbound=[{"to": "pbx"}])
        async with upstream_bridge(directory, text) as app, await Esme.bound(app.smpp_ports[0]) as esme:
            now = Scene(app, home, esme, outbind_port)
            await eventually(lambda: now.binds == 1)
            yield now
