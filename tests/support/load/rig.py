"""A provider, an ESME under load, and between them a bridge that can be ended and started again.

The provider and the ESME outlive the bridge; store, ports and callback address stay the same.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from tests.support.bridge.running import Served, config_text, serving
from tests.support.load.audit import Audit, at_rest, audit
from tests.support.load.recorder import Recorder
from tests.support.load.upstreams import Kind, Upstream, upstream
from tests.support.system.ports import reserved_ports

CONFIG = """
listen: [{{host: 127.0.0.1, port: {smpp_port}}}]
web: {{host: 127.0.0.1, port: {web_port}, public_url: "http://127.0.0.1:{web_port}"}}
accounts: {{pbx: {{password: secret, uncertain: {policy}}}}}
providers: {{upstream: {entry}}}
routes: [{{to: [upstream]}}]
"""


class Lives:
    """A bridge that lives again and again, with the same configuration and the same store."""

    def __init__(self, directory: Path) -> None:
        self.errors: list[str] = []  # what the bridge itself held for an error
        self.config = directory / "bridge.yaml"
        self._store = directory / "bridge.db"

    @asynccontextmanager
    async def life(self) -> AsyncIterator[Served]:
        """One life of the bridge: ready when the block begins, killed at its end if it still lives."""
        async with serving(self.config) as served:
            try:
                yield served
            finally:
                if served.process.returncode is None:
                    served.process.kill()
                    await served.process.wait()
        self.errors += errors(served.log.splitlines())


class LoadRig(Lives):
    """The parts, while the `async with` of `load_rig` lasts."""

    def __init__(self, directory: Path, recorder: Recorder, upstream: Upstream) -> None:
        super().__init__(directory)
        self.recorder = recorder
        self.upstream = upstream

    async def settle(self, patience: float, *, holding: bool = True) -> None:
        """No more load, no more faults: wait until everything has come to rest (not ``holding``: uncertain
        messages, too)."""
        self.recorder.submitting = False
        self.upstream.quick()
        await at_rest(self.recorder, self._store, patience, holding=holding)
        async with asyncio.timeout(patience):
            await self.upstream.settled()

    def audit(self) -> Audit:
        """How things stand now."""
        return audit(self.recorder, self.upstream.taken, self._store)


@asynccontextmanager
async def load_rig(
    directory: Path, policy: str, chance: Random, *, kind: Kind = "smspilot", ask: float = 0
) -> AsyncIterator[LoadRig]:
    """Provider and ESME, slow the one and eager the other; the test starts the bridge.

    ``policy``: the account's `uncertain`; ``ask``: seconds after which smspilot is asked about a doubt, 0 =
    never. The provider's journal, the store and the configuration lie in ``directory``.
    """
    with reserved_ports(2) as (smpp_port, web_port):
        recorder = Recorder(smpp_port, chance)
        async with upstream(kind, directory, ask) as provider:
            settings = {
                "policy": policy,
                "entry": provider.entry,
                "smpp_port": smpp_port,
                "web_port": web_port,
            }
            (directory / "bridge.yaml").write_text(config_text(CONFIG.format_map(settings)), encoding="utf-8")
            rig = LoadRig(directory, recorder, provider)
            provider.slow()
            async with recorder.running():
                yield rig


def errors(log: Sequence[str]) -> list[str]:
    """Lines of level ERROR, and tracebacks."""
    return [line for line in log if " ERROR " in line or line.startswith((" ", "Traceback"))]
