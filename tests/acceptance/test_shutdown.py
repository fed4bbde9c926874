"""SIGTERM under load: what was begun is finished, nothing is left in doubt; a second one does not wait."""

import asyncio
import signal
import time
from pathlib import Path
from random import Random

import pytest

from smppbridge.model.message import Stage
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import Unbind, UnbindResp
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.simulators.smspilot.simulator import SmspilotSimulator
from tests.support.bridge.failing_store import rows
from tests.support.bridge.running import config_text, eventually, serving
from tests.support.esme.esme import Esme, submit
from tests.support.http.server import Fault
from tests.support.load.rig import load_rig
from tests.support.load.upstreams import KINDS, Kind

ENOUGH = 200  # messages that the provider has before the signal
STOP_WITHIN = 20.0  # seconds; a stop that takes longer than `drain`, 8 s, leaves messages in doubt
AT_ONCE = 20.0
PATIENCE = 30.0
RUNNING_OUT = {Stage.SENDING, Stage.UNCERTAIN}
DRAIN = 6.0  # seconds for a stop
BUSY = 9.0  # seconds that a busy machine takes for the end of a process


def two_silent(mute: int, url: str, idle: int) -> str:
    """Sections for an SMSC and an HTTP provider that do not answer, and an SMSC that has nothing to do."""
    return f"""
drain: {DRAIN}
providers:
  mute: {{kind: smpp, host: 127.0.0.1, port: {mute}, system_id: user, password: secret}}
  idle: {{kind: smpp, host: 127.0.0.1, port: {idle}, system_id: user, password: secret}}
  pilot: {{kind: smspilot, apikey: KEY, url: '{url}', balance_interval: 0}}
routes: [{{destination: "7", to: [pilot]}}, {{to: [mute]}}]
"""


@pytest.mark.parametrize("kind", KINDS)
async def test_a_signal_drains(tmp_path: Path, kind: Kind) -> None:
    async with load_rig(tmp_path, "hold", Random(1), kind=kind) as rig:
        async with rig.life() as served:
            await eventually(lambda: len(rig.upstream.taken) >= ENOUGH, PATIENCE)
            served.process.terminate()
            assert await asyncio.wait_for(served.process.wait(), STOP_WITHIN) == 0
        assert rig.recorder.unbinds == 1
        stopped = rig.audit()
        assert not {row.stage for row in stopped.rows.values()} & RUNNING_OUT
        # A message stored without its answer would be submitted again, and arrive twice.
        assert stopped.rows.keys() == rig.recorder.acknowledged.keys()

        async with rig.life() as served:
            await rig.settle(PATIENCE)
            assert await served.stop() == 0
        result = rig.audit()
    assert [*result.faults(), *result.losses(), *result.doubles()] == []
    assert rig.recorder.refused.keys() <= {Status.ESME_RINVBNDSTS}  # what crossed with the unbind
    assert rig.errors == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_second_signal_ends_at_once_and_loses_nothing(tmp_path: Path, kind: Kind) -> None:
    async with load_rig(tmp_path, "hold", Random(2), kind=kind) as rig:
        with (tmp_path / "bridge.yaml").open("a", encoding="utf-8") as settings:
            settings.write("\ndrain: 1m\n")
        async with rig.life() as served:
            await eventually(lambda: len(rig.upstream.taken) >= ENOUGH, PATIENCE)
            taken = len(rig.upstream.taken)
            rig.upstream.hang()  # to drain would take as long as the provider is waited for
            await eventually(lambda: len(rig.upstream.taken) > taken, PATIENCE)
            served.process.terminate()
            await eventually(lambda: "a second signal stops at once" in served.log)
            await asyncio.sleep(1.0)
            assert served.process.returncode is None
            served.process.terminate()
            assert await asyncio.wait_for(served.process.wait(), AT_ONCE) == 1
        assert {row.stage for row in rig.audit().rows.values()} & RUNNING_OUT

        rig.upstream.quick()  # else the next life waits its provider's whole timeout for what it sends first
        async with rig.life() as served:
            await rig.settle(PATIENCE)
            assert await served.stop() == 0
        result = rig.audit()
    assert [*result.faults(), *result.doubles()] == []
    assert result.held()
    assert rig.errors == []


async def test_nothing_silent_holds_up_a_stop(tmp_path: Path) -> None:
    """Neither an SMSC nor an HTTP provider that does not answer, nor equipment that does not unbind. What has
    nothing under way ends at once."""
    path = tmp_path / "smppbridge.yaml"
    async with (
        CentreSimulator(Rules(mute=True)) as mute,
        SmspilotSimulator() as hanging,
        CentreSimulator() as centre,
    ):
        hanging.faults.extend([Fault.HANG_AFTER] * 100)
        settings = config_text(two_silent(mute.port, hanging.url, centre.port))
        path.write_text(settings.replace(f"drain: {DRAIN}", "drain: 1m"))
        async with (
            serving(path) as served,
            await Esme.bound(served.smpp_port) as silent,
            await Esme.bound(served.smpp_port) as idle,
        ):
            await silent.submit_many([submit("over SMPP"), submit("over HTTP", to="79021234567")])
            await eventually(lambda: mute.submitted and hanging.accepted and centre.sessions)
            path.write_text(settings)
            served.process.send_signal(signal.SIGHUP)
            await eventually(lambda: "configuration reloaded" in served.log)
            began = time.monotonic()
            served.process.terminate()
            idle.reply(await asyncio.wait_for(idle.expect(Unbind), DRAIN / 2), UnbindResp())
            await asyncio.wait_for(idle.closed(), DRAIN / 2)
            await eventually(lambda: centre.counts["unbinds"] == 1, DRAIN / 2)
            assert await asyncio.wait_for(served.process.wait(), DRAIN + BUSY) == 0
            assert time.monotonic() - began > DRAIN / 2  # the SMSC and the provider had their time
        assert rows(tmp_path, "SELECT DISTINCT stage FROM messages") == [(Stage.SENDING,)]
        async with serving(path):
            await eventually(
                lambda: rows(tmp_path, "SELECT count(*), max(stage) FROM messages") == [(2, Stage.UNCERTAIN)]
            )
