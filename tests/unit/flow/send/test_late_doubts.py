"""Messages in doubt whose time is over before their provider could be asked about them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from smppbridge.errors import Disabled, Uncertain
from smppbridge.flow.housekeeper import Housekeeper
from smppbridge.flow.remarks import Remarks
from smppbridge.flow.send.finder import Finder
from smppbridge.flow.send.rerouter import Rerouter
from smppbridge.flow.settle.outcomes import Outcomes
from smppbridge.model.message import Stage, State, StatusReport
from smppbridge.providers.base import Trace
from tests.support.builders.rows import NOW, segment
from tests.support.system.virtual_time import moment
from tests.unit.flow.send.rig import Lab, Rig, sending

pytestmark = pytest.mark.virtual_time

FIRST = 300.0  # seconds to the first question
FOUR_MINUTES = 240_000  # ms: the validity of the message


@asynccontextmanager
async def late(lab: Lab) -> AsyncIterator[Rig]:
    """A message in doubt for four minutes, a finder, and a housekeeper that ends what is overdue."""
    lab.answers.append(Uncertain("read timeout"))
    async with sending(lab) as rig:
        await rig.queue(segment(1, route="lab", deadline=NOW + FOUR_MINUTES, due_at=NOW + FOUR_MINUTES))
        await moment()
        store = rig.store.store
        housekeeper = Housekeeper(
            store,
            rig.recorder,
            rig.fleet,
            Rerouter(store, rig.fleet, []),
            rig.accounts,
            rig.waiting,
            rig.metrics,
            rig.clock,
            providers=["lab"],
            keep_days=1,
        )
        finder = Finder(lab, store, rig.recorder, rig.fleet, rig.clock)
        housekeeper.start()
        await asyncio.sleep(0.5)  # not in the same turn
        finder.start()
        yield rig
        for worker in (housekeeper, finder):
            await worker.stop()


def late_lab() -> Lab:
    return Lab(find_first=FIRST, find_interval=60.0)


async def test_a_doubt_is_asked_about_though_its_time_is_over() -> None:
    lab = late_lab()
    lab.traces = lambda doubt: Trace(doubt.id, ("ref-9",))
    async with late(lab) as rig:
        await asyncio.sleep(295)
        assert (len(lab.found), (await rig.row(1)).stage) == (0, Stage.UNCERTAIN)
        await asyncio.sleep(10)
        assert (len(lab.found), (await rig.row(1)).stage) == (1, Stage.SENT)
        remarks = Remarks(rig.metrics, {})
        outcomes = Outcomes(rig.store.store, rig.metrics, rig.clock, remarks, rig.waiting, rig.owed.append)
        await outcomes.settle("lab", [StatusReport("ref-9", int(State.DELIVERED), True, 0, "2")])
        assert ((await rig.found(1)).state, rig.owed) == (State.DELIVERED, ["pbx"])


@pytest.mark.parametrize("complete", [True, False])
async def test_one_question_in_vain_ends_a_doubt_whose_time_is_over(complete: bool) -> None:
    lab = late_lab()
    lab.traces = lambda doubt: Trace(doubt.id, complete=complete)
    async with late(lab) as rig:
        await asyncio.sleep(295)
        assert (await rig.row(1)).stage == Stage.UNCERTAIN
        await asyncio.sleep(15)
        assert ((await rig.found(1)).state, rig.owed) == (State.UNKNOWN, ["pbx"])
        await asyncio.sleep(300)
        assert (len(lab.found), len(lab.sent)) == (1, 1)


async def test_a_doubt_whose_time_is_over_ends_when_nobody_can_be_asked() -> None:
    lab = late_lab()
    async with late(lab) as rig:
        rig.fleet["lab"].health.record_failure(Disabled("wrong key", pause=9999.0))
        await asyncio.sleep(310 + 14 * 60)
        assert (await rig.row(1)).stage == Stage.UNCERTAIN
        await asyncio.sleep(60)
        assert ((await rig.found(1)).state, rig.owed) == (State.UNKNOWN, ["pbx"])
        assert (len(lab.found), len(lab.sent)) == (0, 1)
