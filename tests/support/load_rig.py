"""A provider, an ESME under load, and between them a bridge that can be ended and started again.

The provider and the ESME outlive the bridge; store, ports and callback address stay the same.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from tests.support.audit import Audit, at_rest, audit
from tests.support.bridge import Served, config_text, serving
from tests.support.http_server import Fault
from tests.support.ports import reserved_ports
from tests.support.recorder import Recorder
from tests.support.smspilot import Rules, SmspilotSimulator

CONFIG = """
listen: [{{host: 127.0.0.1, port: {smpp_port}}}]
web: {{host: 127.0.0.1, port: {web_port}, public_url: "http://127.0.0.1:{web_port}"}}
accounts: {{pbx: {{password: secret, uncertain: {policy}}}}}
providers:
  pilot:
    {{kind: smspilot, apikey: KEY, url: "{url}", batch: 30, poll_first: 1s, poll_interval: 1s,
    find_first: {ask}s, find_interval: {ask}s}}
routes: [{{to: [pilot]}}]
"""
# Statuses come 0.2 and 0.4 s after a message, the answer to its packet after 0.3 s (Fault.SLOW): in between.
RULES = Rules(delay=0.2, poll_interval=0, retry_pause=0.5)
PLENTY = 100_000


class LoadRig:
    """The parts, while the `async with` of `load_rig` lasts."""

    def __init__(self, directory: Path, recorder: Recorder, simulator: SmspilotSimulator) -> None:
        self.recorder = recorder
        self.simulator = simulator
        self.errors: list[str] = []  # what the bridge itself held for an error
        self._config = directory / "bridge.yaml"
        self._store = directory / "bridge.db"

    @asynccontextmanager
    async def life(self) -> AsyncIterator[Served]:
        """One life of the bridge: ready when the block begins, killed at its end if it still lives."""
        async with serving(self._config) as served:
            try:
                yield served
            finally:
                if served.process.returncode is None:
                    served.process.kill()
                    await served.process.wait()
        self.errors += _errors(served.log)

    def provider(self, fault: Fault | None) -> None:
        """From now on, how every request to the provider goes wrong; None: they are answered at once."""
        self.simulator.faults.clear()
        if fault is not None:
            self.simulator.faults.extend([fault] * PLENTY)

    async def settle(self, patience: float, *, holding: bool = True) -> None:
        """No more load, no more faults: wait until everything has come to rest (not ``holding``: uncertain
        messages, too)."""
        self.recorder.submitting = False
        self.provider(None)
        await at_rest(self.recorder, self._store, patience, holding=holding)

    def audit(self) -> Audit:
        """How things stand now."""
        return audit(self.recorder, [row["text"] for row in self.simulator.accepted], self._store)


@asynccontextmanager
async def load_rig(directory: Path, policy: str, chance: Random, *, ask: float = 0) -> AsyncIterator[LoadRig]:
    """Provider and ESME, slow the one and eager the other; the test starts the bridge.

    ``policy``: the account's `uncertain`; ``ask``: seconds after which the provider is asked about a doubt, 0
    = never. The provider's journal, the store and the configuration lie in ``directory``.
    """
    with reserved_ports(2) as (smpp_port, web_port):
        recorder = Recorder(smpp_port, chance)
        async with SmspilotSimulator(RULES, journal=directory / "journal.jsonl") as simulator:
            settings = {
                "policy": policy,
                "ask": ask,
                "url": simulator.url,
                "smpp_port": smpp_port,
                "web_port": web_port,
            }
            (directory / "bridge.yaml").write_text(config_text(CONFIG.format_map(settings)), encoding="utf-8")
            rig = LoadRig(directory, recorder, simulator)
            rig.provider(Fault.SLOW)
            async with recorder.running():
                yield rig


def _errors(log: str) -> list[str]:
    """Lines of level ERROR, and tracebacks."""
    return [line for line in log.splitlines() if " ERROR " in line or line.startswith((" ", "Traceback"))]
