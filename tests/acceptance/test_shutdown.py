"""SIGTERM under load: what was begun is finished, nothing is left in doubt; a second one does not wait."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from smppbridge.model.message import Stage
from smppbridge.smpp.constants import Status
from tests.support.bridge.running import eventually
from tests.support.load.rig import load_rig
from tests.support.load.upstreams import KINDS, Kind

ENOUGH = 200  # messages that the provider has before the signal
STOP_WITHIN = 5.0  # seconds; a packet takes 0.3 s, the ESME follows an unbind at once
AT_ONCE = 4.0
PATIENCE = 30.0
RUNNING_OUT = {Stage.SENDING, Stage.UNCERTAIN}


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

        async with rig.life() as served:
            await rig.settle(PATIENCE)
            assert await served.stop() == 0
        result = rig.audit()
    assert [*result.faults(), *result.doubles()] == []
    assert result.held()
    assert rig.errors == []
