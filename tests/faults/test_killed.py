"""SIGKILL at every step of a message's life. After each the bridge is started again, and in the end what was
acknowledged is kept, nothing that is held was doubled, and receipts are paid by deliver_sm_resp only.

`tests/acceptance/test_kill.py` kills at any moment; here each step is certain to be met.
"""

from pathlib import Path
from random import Random

from smppbridge.model.message import Stage
from tests.support.attack.killed_at import STOP
from tests.support.attack.kills import dying
from tests.support.load.audit import Audit
from tests.support.load.part_rig import part_rig
from tests.support.load.rig import LoadRig, errors, load_rig

PATIENCE = 60.0
# Each of these differs from its neighbours in what is on disk, or in what somebody else has been told.
MESSAGE = (
    "add_segments before COMMIT",
    "add_segments after COMMIT",
    "claim_messages after COMMIT",
    "request written",
    "record before COMMIT",
    "record after COMMIT",
    "settle after COMMIT",
    "deliver_sm written",
    "pay_receipts before COMMIT",
    "pay_receipts after COMMIT",
)
TO_AN_SMSC = ("submit_sm written", "record before COMMIT")
JOINED = ("add_parts after COMMIT", "join before COMMIT", "join after COMMIT")
STOPPED = ("stop begun", "work saved", "store closing")
# The steps between them, with --faults.
MORE = (
    "submit_sm_resp written",
    "claim_messages before COMMIT",
    "request before",
    "request answered",
    "settle before COMMIT",
    "claim_receipts after COMMIT",
    "deliver_sm_resp came",
)
MORE_TO_AN_SMSC = (*MESSAGE[:3], "submit_sm_resp came", *MESSAGE[5:])


async def killed(rig: LoadRig, *steps: str) -> Audit:
    """A life for each step, and one last life in which everything comes to rest."""
    async with dying(rig.config) as lives:
        for step in steps:
            await lives.killed(step)
    rig.errors += errors(lives.log)
    async with rig.life() as served:
        await rig.settle(PATIENCE)
        assert await served.stop() == 0
    result = rig.audit()
    print(result)
    assert [*result.faults(), *result.doubles()] == []
    assert (rig.errors, rig.upstream.violations, rig.recorder.refused) == ([], [], {})
    assert rig.recorder.acknowledged
    return result


async def test_steps_of_a_message(tmp_path: Path, faults: bool) -> None:
    async with load_rig(tmp_path, "hold", Random(3)) as rig:
        result = await killed(rig, *MESSAGE, *(MORE if faults else ()))
    assert {row.stage for row in result.rows.values()} == {Stage.UNCERTAIN, Stage.FINAL}


async def test_steps_of_a_message_to_an_smsc(tmp_path: Path, faults: bool) -> None:
    async with load_rig(tmp_path, "hold", Random(4), kind="smpp") as rig:
        result = await killed(rig, *TO_AN_SMSC, *(MORE_TO_AN_SMSC if faults else ()))
    assert result.held()


async def test_steps_of_a_clean_stop(tmp_path: Path, faults: bool) -> None:
    async with load_rig(tmp_path, "hold", Random(5)) as rig:
        await killed(rig, *(STOP if faults else STOPPED))


async def test_steps_of_messages_in_parts(tmp_path: Path) -> None:
    async with part_rig(tmp_path, Random(6)) as rig:
        async with dying(rig.config) as lives:
            for step in JOINED:
                await lives.killed(step)
        async with rig.life() as served:
            await rig.settle(PATIENCE)
            assert await served.stop() == 0
        result = rig.audit()
        assert [*result.faults(), *result.losses("sure")] == []
        assert [*result.doubles("once"), *result.doubles("hasty")] == []
        assert [*errors(lives.log), *rig.errors, *rig.upstream.violations] == []
