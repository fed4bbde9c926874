"""Who is told what of a record, when it is saved and when it is not."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from smppbridge.errors import StoreError
from smppbridge.flow.remarks import Remarks
from smppbridge.flow.settle.outcomes import Outcomes
from smppbridge.flow.settle.pending import PendingResponses
from smppbridge.flow.settle.recorder import Recorder
from smppbridge.flow.waiting import Waiting
from smppbridge.metrics import Metrics
from smppbridge.model.message import Message, Outcome, Stage, State
from smppbridge.store.base import Store
from tests.support.builders.failing import FailingStore
from tests.support.builders.metrics import value
from tests.support.builders.rows import HOUR, NOW, claim, report, segment, sent, stages, unsent
from tests.support.builders.stores import fast_store
from tests.support.esme.pending import Read, connected, refused, taken
from tests.support.system.virtual_time import moment

pytestmark = pytest.mark.virtual_time

ALL = (1, 2, 3, 4)
TOLD = [taken(1), refused(3, 0x0B), taken(4)]
DONE = {1: Stage.SENT, 2: Stage.WAITING, 3: Stage.FINAL, 4: Stage.FINAL}


class Rig:
    """A recorder, and an ESME that waits for messages 1 to 4, which are being sent."""

    def __init__(self, failing: FailingStore, read: Read, messages: list[Message]) -> None:
        pending = PendingResponses(("pbx",))
        for message in messages:
            pending.add(message.id, read.pending(message.id))
        self.owed: list[str] = []
        self.failing = failing
        self.store: Store = failing.store
        self.read = read
        self.metrics = Metrics()
        self.waiting = Waiting(1000, {})
        remarks = Remarks(self.metrics, {})
        outcomes = Outcomes(self.store, self.metrics, lambda: NOW, remarks, self.waiting, self.owed.append)
        self.recorder = Recorder(self.store, outcomes, pending)
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

    def ended(self, state: State) -> float:
        return value(self.metrics, "outcomes_total", provider="lab", state=state.name)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with fast_store() as store, connected() as link:
        await store.add_segments([segment(number) for number in ALL])
        yield Rig(FailingStore(store), Read(link), await claim(store))


async def test_each_is_told_what_became_of_its_message(rig: Rig) -> None:
    await rig.record()
    assert rig.read.calls == [TOLD]
    assert [rig.recorder.waits(number) for number in ALL] == [False, True, False, False]
    assert await stages(rig.store) == DONE
    assert rig.owed == ["pbx"]
    assert (rig.ended(State.EXPIRED), rig.ended(State.REJECTED)) == (1, 1)


async def test_what_is_sent_or_ends_waits_no_longer(rig: Rig) -> None:
    rig.waiting.save("pbx", 4)
    rig.waiting.saved("pbx", 4, 4)
    rig.failing.failing.add("record")
    with pytest.raises(StoreError):
        await rig.record()
    assert rig.waiting.stored() == {"pbx": 4}
    rig.failing.failing.clear()
    for _ in range(2):  # the second time nothing of it happens
        await rig.record()
        assert rig.waiting.stored() == await rig.store.waiting() == {"pbx": 1}


async def test_a_refusal_without_a_status_is_an_error_of_ours(rig: Rig) -> None:
    outcome = Outcome(3, State.REJECTED, 0, "", NOW, silent=True)
    await rig.recorder.record("lab", NOW, outcomes=[outcome])
    assert rig.read.calls == [[refused(3, 0x08)]]
    assert rig.owed == []


async def test_nobody_is_told_anything_before_it_is_saved(rig: Rig) -> None:
    rig.failing.takes["record"] = 30  # longer than the patience of those who wait
    recording = asyncio.create_task(rig.record())
    await asyncio.sleep(19.9)
    assert (rig.read.calls, rig.owed) == ([], [])
    await asyncio.sleep(10.0)
    assert rig.read.calls == [[taken(1), taken(2), taken(4)]]  # they are queued messages now
    await recording
    assert rig.read.calls[1:] == [[refused(3, 0x0B)]]
    assert rig.owed == ["pbx"]


async def test_who_was_to_be_refused_is_taken_when_that_cannot_be_saved(rig: Rig) -> None:
    rig.failing.failing.add("record")
    with pytest.raises(StoreError):
        await rig.record()
    assert await stages(rig.store) == dict.fromkeys(ALL, Stage.SENDING)
    assert (rig.read.calls, rig.owed) == ([[taken(3)]], [])  # the others wait: nothing is known of them
    assert [rig.recorder.waits(number) for number in ALL] == [True, True, False, True]
    rig.failing.failing.clear()
    await rig.record()
    assert await stages(rig.store) == DONE
    assert (rig.read.calls[1:], rig.owed) == ([[taken(1), taken(4)]], ["pbx"])
    assert rig.recorder.waits(2)


async def test_the_answers_come_before_a_receipt_that_is_claimed_in_the_same_transaction(rig: Rig) -> None:
    await rig.store.settle("lab", [report(1)], NOW)  # it comes before its reference is known
    recording = asyncio.create_task(rig.record())
    await asyncio.sleep(0)  # now the record is asked for
    assert rig.read.calls == []
    receipts = await rig.store.claim_receipts("pbx", 0, NOW, NOW + HOUR, 10)
    assert {receipt.wire_id for receipt in receipts} == {"1", "4"}
    assert rig.read.calls == [TOLD]
    await recording


async def test_statuses_that_came_too_early_are_announced(rig: Rig) -> None:
    await rig.store.settle("lab", [report(1)], NOW)
    await rig.record()
    assert rig.ended(State.DELIVERED) == 1


async def test_who_gives_up_on_a_record_does_not_end_it(rig: Rig) -> None:
    recording = asyncio.create_task(rig.record())
    await asyncio.sleep(0)
    recording.cancel()
    await moment()
    assert recording.cancelled()
    assert (rig.read.calls, rig.owed) == ([TOLD], ["pbx"])
    assert await stages(rig.store) == DONE


async def test_who_gives_up_on_a_record_that_fails_leaves_nobody_without_an_answer(rig: Rig) -> None:
    rig.failing.failing.add("record")
    recording = asyncio.create_task(rig.record())
    await asyncio.sleep(0)
    recording.cancel()
    await moment()
    assert rig.read.calls == [[taken(3)]]
    assert await stages(rig.store) == dict.fromkeys(ALL, Stage.SENDING)


async def test_a_save_that_is_cancelled_refuses_nobody(rig: Rig) -> None:
    rig.failing.takes["record"] = 5
    recording = asyncio.create_task(rig.record())
    await moment()
    rig.failing.futures[-1].cancel()
    with pytest.raises(asyncio.CancelledError):
        await recording
    assert rig.read.calls == [[taken(3)]]
