"""Who is told what of a record, when it is saved and when it is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from smppbridge.errors import StoreError
from smppbridge.flow.settle.outcomes import Outcomes
from smppbridge.flow.settle.pending import PendingResponses
from smppbridge.flow.settle.recorder import Recorder
from smppbridge.metrics import Metrics
from smppbridge.model.message import Message, Outcome, Stage, State
from smppbridge.store.sqlite.store import SqliteStore
from tests.support.bridge.failing_store import failing
from tests.support.bridge.running import eventually
from tests.support.builders.rows import HOUR, NOW, claim, report, segment, sent, stages, unsent
from tests.support.esme.withheld import Read, connected, refused, taken


class Rig:
    """A recorder, and an ESME that waits for messages 1 to 4, which are being sent."""

    def __init__(self, store: SqliteStore, read: Read, messages: list[Message]) -> None:
        pending = PendingResponses()
        for message in messages:
            pending.add(message.id, read.withheld(message.id))
        self.owed: list[str] = []
        self.store = store
        self.read = read
        self.recorder = Recorder(store, Outcomes(store, Metrics(), lambda: NOW, self.owed.append), pending)
        self._messages = messages

    async def record(self) -> None:
        """One is sent, one waits, one is refused and one expires."""
        good, later, bad, late = self._messages
        await self.recorder.record(
            "lab",
            NOW,
            sent=[sent(good)],
            unsent=[unsent(later, Stage.WAITING, NOW + HOUR)],
            outcomes=[
                Outcome(bad.id, State.REJECTED, 0, "", NOW, silent=self.recorder.waits(bad.id)),
                Outcome(late.id, State.EXPIRED, 0, "", NOW),
            ],
            statuses={bad.id: 0x0B, late.id: 0x45},
        )


@asynccontextmanager
async def rigged(directory: Path) -> AsyncIterator[Rig]:
    store = SqliteStore(directory / "bridge.db")
    await store.open()
    try:
        async with connected() as link:
            await store.add_segments([segment(number) for number in (1, 2, 3, 4)])
            yield Rig(store, Read(link), await claim(store))
    finally:
        await store.close()


async def test_each_is_told_what_became_of_its_message(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        await rig.record()
        assert rig.read.calls == [[taken(1), refused(3, 0x0B), taken(4)]]
        assert [rig.recorder.waits(number) for number in (1, 2, 3, 4)] == [False, True, False, False]
        assert await stages(rig.store) == {1: Stage.SENT, 2: Stage.WAITING, 3: Stage.FINAL, 4: Stage.FINAL}
        assert rig.owed == ["pbx"]


async def test_a_refusal_without_a_status_is_an_error_of_ours(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        outcome = Outcome(3, State.REJECTED, 0, "", NOW, silent=True)
        await rig.recorder.record("lab", NOW, outcomes=[outcome])
        assert rig.read.calls == [[refused(3, 0x08)]]
        assert rig.owed == []


@pytest.mark.parametrize("stage", [Stage.SENT, Stage.WAITING, Stage.FINAL])
async def test_all_of_it_is_saved_or_nothing(tmp_path: Path, stage: Stage) -> None:
    async with rigged(tmp_path) as rig:
        with failing(tmp_path, f"UPDATE ON messages WHEN NEW.stage = {stage:d}"), pytest.raises(StoreError):
            await rig.record()
        assert await stages(rig.store) == dict.fromkeys((1, 2, 3, 4), Stage.SENDING)
        assert (rig.read.calls, rig.owed) == ([[taken(3)]], [])  # it is not refused any more
        await rig.record()
        assert await stages(rig.store) == {1: Stage.SENT, 2: Stage.WAITING, 3: Stage.FINAL, 4: Stage.FINAL}
        assert (rig.read.calls[1:], rig.owed) == ([[taken(1), taken(4)]], ["pbx"])
        assert rig.recorder.waits(2)


async def test_the_answers_come_before_a_receipt_that_is_claimed_in_the_same_transaction(
    tmp_path: Path,
) -> None:
    async with rigged(tmp_path) as rig:
        await rig.store.settle("lab", [report(1)], NOW)  # it comes before its reference is known
        recording = asyncio.create_task(rig.record())
        await asyncio.sleep(0)  # now the record is asked for
        assert rig.read.calls == []
        receipts = await rig.store.claim_receipts("pbx", 0, NOW, NOW + HOUR, 10)
        assert {receipt.wire_id for receipt in receipts} == {"1", "4"}
        assert rig.read.calls == [[taken(1), refused(3, 0x0B), taken(4)]]
        await recording


async def test_who_gives_up_on_a_record_does_not_end_it(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        recording = asyncio.create_task(rig.record())
        await asyncio.sleep(0)
        recording.cancel()
        await eventually(lambda: rig.read.calls == [[taken(1), refused(3, 0x0B), taken(4)]])
        assert recording.cancelled()
        assert rig.owed == ["pbx"]
        assert await stages(rig.store) == {1: Stage.SENT, 2: Stage.WAITING, 3: Stage.FINAL, 4: Stage.FINAL}


async def test_who_gives_up_on_a_record_that_fails_leaves_nobody_without_an_answer(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        with failing(tmp_path, "INSERT ON attempts"):
            recording = asyncio.create_task(rig.record())
            await asyncio.sleep(0)
            recording.cancel()
            await eventually(lambda: rig.read.calls == [[taken(3)]])
        assert await stages(rig.store) == dict.fromkeys((1, 2, 3, 4), Stage.SENDING)
