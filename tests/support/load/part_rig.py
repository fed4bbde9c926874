"""A provider, ESMEs that send long messages in parts, and between them a bridge that is killed and started.

The accounts: `sure` and `once` wait long for parts and submit again what was not answered; uncertain messages
of the first are sent again, those of the others held. `hasty` does not wait, and submits nothing again.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Literal

from smppbridge.model.message import Stage
from tests.simulators.smspilot.simulator import SmspilotSimulator
from tests.support.bridge.running import Served, config_text
from tests.support.load.part_audit import PartAudit
from tests.support.load.part_esme import Came, PartEsme
from tests.support.load.rig import Lives
from tests.support.load.upstreams import PILOT_RULES, PilotUpstream
from tests.support.system.ports import reserved_ports

CONFIG = """
listen: [{{host: 127.0.0.1, port: {smpp_port}}}]
web: {{host: 127.0.0.1, port: {web_port}, public_url: "http://127.0.0.1:{web_port}"}}
accounts:
  sure: {{password: secret, uncertain: resend}}
  once: {{password: secret, uncertain: hold}}
  hasty: {{password: secret, uncertain: hold, join: {{timeout: 1s}}}}
providers: {{upstream: {entry}}}
routes: [{{to: [upstream]}}]
"""

Moment = Literal["request"] | Came


class PartRig(Lives):
    """The parts, while the `async with` of `part_rig` lasts."""

    def __init__(self, directory: Path, esmes: list[PartEsme], simulator: SmspilotSimulator) -> None:
        super().__init__(directory)
        self.esmes = esmes
        self.met: Counter[str] = Counter()  # messages that kills met between two steps, by what was next
        self._simulator = simulator
        self.upstream = PilotUpstream(simulator, ask=0)

    async def kill(self, served: Served, at: Moment | None, patience: float) -> None:
        """SIGKILL as soon as such a thing happens, or, at the latest, after ``patience`` seconds."""

        def on(came: Came) -> None:
            if came == at and served.process.returncode is None:
                served.process.kill()

        for esme in self.esmes:
            esme.on = on
        packets = self._simulator.packets
        with suppress(TimeoutError):
            async with asyncio.timeout(patience if at else 0):
                while served.process.returncode is None:
                    if at == "request" and self._simulator.packets > packets and self._are_under_way():
                        break
                    await asyncio.sleep(0.001)
        if served.process.returncode is None:
            served.process.kill()
        await served.process.wait()
        for esme in self.esmes:
            esme.on = lambda came: None
        self.met += self.audit().under_way()

    def _are_under_way(self) -> bool:
        """Whether the provider has messages of both accounts that wait for an answer of its."""
        sending = {row.account for row in self.audit().rows if row.stage == Stage.SENDING}
        return {"sure", "once"} <= sending

    async def settle(self, patience: float) -> None:
        """No more load, no more faults: wait until everything has come to rest. What has not after
        ``patience`` seconds is for the audit to tell."""
        self.upstream.quick()
        for esme in self.esmes:
            esme.submitting = False
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while any(esme.pending for esme in self.esmes) or not self.audit().at_rest():
                    await asyncio.sleep(0.1)

    def audit(self) -> PartAudit:
        """How things stand now."""
        return PartAudit(self.esmes, [row["text"] for row in self._simulator.accepted], self._store)


@asynccontextmanager
async def part_rig(directory: Path, chance: Random) -> AsyncIterator[PartRig]:
    """A slow provider and eager ESMEs; the test starts the bridge."""
    async with AsyncExitStack() as stack:
        smpp_port, web_port = stack.enter_context(reserved_ports(2))
        simulator = await stack.enter_async_context(
            SmspilotSimulator(PILOT_RULES, journal=directory / "journal.jsonl")
        )
        esmes = [
            PartEsme("sure", smpp_port, chance, lines=2, burst=8),
            PartEsme("once", smpp_port, chance, lines=2, burst=8),
            PartEsme("hasty", smpp_port, chance, lines=1, burst=2, patient=False),
        ]
        rig = PartRig(directory, esmes, simulator)
        text = CONFIG.format(entry=rig.upstream.entry, smpp_port=smpp_port, web_port=web_port)
        (directory / "bridge.yaml").write_text(config_text(text), encoding="utf-8")
        rig.upstream.slow()
        for esme in esmes:
            await stack.enter_async_context(esme.running())
        yield rig
