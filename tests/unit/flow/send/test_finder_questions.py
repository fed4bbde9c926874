"""When a provider is asked about messages in doubt, and what happens when that fails."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from smppbridge.errors import Disabled, ProviderError, Rejected, Throttled, Unavailable, Uncertain
from smppbridge.model.message import Doubt, Stage
from smppbridge.providers.base import Trace
from tests.support.builders.rows import NOW, segment
from tests.support.system.virtual_time import moment
from tests.unit.flow.send.doubts import AGAIN, FIRST, asked_lab, finding, questions, ref_of, traces
from tests.unit.flow.send.rig import Lab

pytestmark = pytest.mark.virtual_time


# --- how often it is asked ---------------------------------------------------------------------------


class Timed(Lab):
    """Remembers when it was asked, and cannot tell anything."""

    def __init__(self, **limits: Any) -> None:
        super().__init__(find_first=FIRST, **{"find_interval": AGAIN, **limits})
        self.asked_at: list[float] = []

    async def find(self, doubts: Sequence[Doubt], now: int) -> list[Trace]:
        self.asked_at.append(round(asyncio.get_running_loop().time() - 1000, 3))
        await super().find(doubts, now)
        return [Trace(doubt.id, complete=False) for doubt in doubts]


async def test_there_are_so_many_messages_in_a_question_and_the_next_one_follows_at_once() -> None:
    lab = Timed(find_batch=2)
    async with finding(lab, *(segment(number) for number in range(1, 6))):
        await asyncio.sleep(31)
        assert questions(lab) == [[1, 2], [3, 4], [5]]
        assert lab.asked_at == [20.0, 20.0, 20.0]


async def test_the_same_message_is_asked_about_again_after_the_interval() -> None:
    lab = Timed()
    async with finding(lab, segment(1)) as rig:
        await asyncio.sleep(21)
        assert lab.asked_at == [20.0]
        assert (await rig.found(1)).due_at == NOW + 80_000
        await asyncio.sleep(100)
        assert lab.asked_at == [20.0, 80.0]


async def test_questions_keep_their_gap() -> None:
    lab = Timed(find_batch=1, poll_gap=7.0)
    async with finding(lab, *(segment(number) for number in (1, 2, 3))):
        await asyncio.sleep(60)
        assert lab.asked_at == [20.0, 27.0, 34.0]


async def test_a_short_interval_is_kept_and_after_a_long_one_nobody_waits_longer_than_ten_seconds() -> None:
    for interval, latest in ((2.0, 22.0), (600.0, 30.0)):
        lab = asked_lab(find_interval=interval)
        lab.traces = traces("ref-7")
        async with finding(lab, segment(1)) as rig:
            await asyncio.sleep(19.9)
            assert (await rig.row(1)).stage == Stage.UNCERTAIN
            await asyncio.sleep(latest - 19.9)
            assert (await rig.row(1)).stage == Stage.SENT


async def test_a_finder_with_nothing_to_ask_keeps_no_other_question_waiting() -> None:
    lab = asked_lab(poll_gap=20.0)
    async with finding(lab) as rig:
        await asyncio.sleep(1)
        waiting = rig.fleet["lab"].health.send_policy.questions
        assert waiting.wait("statuses", asyncio.get_running_loop().time()) == 0.0


async def test_a_provider_that_cannot_be_asked_is_not() -> None:
    lab = Lab()
    async with finding(lab, segment(1)):
        await asyncio.sleep(600)
        assert lab.found == []


async def test_an_answer_that_cannot_be_saved_for_a_while_counts_once() -> None:
    lab, spare = asked_lab(), Lab("spare")
    lab.traces = lambda doubt: Trace(doubt.id, ("ref-7",) if doubt.id == 1 else ())
    async with finding(lab, segment(1), segment(2, text="gate"), others=(spare,)) as rig:
        rig.store.failing = {"record", "note_doubts"}
        await asyncio.sleep(50)
        assert questions(lab) == [[1, 2]]  # nobody asks again before
        rig.store.failing = {"note_doubts"}
        await asyncio.sleep(50)
        rig.store.failing = set()
        await asyncio.sleep(100)
        assert [doubt.misses for doubts in lab.found for doubt in doubts if doubt.id == 2] == [0, 1]
        assert await ref_of(rig, "ref-7") == {"ref-7"}
        assert spare.batches == [[2]]


@pytest.mark.parametrize("error", [Disabled("wrong key", pause=600.0), Throttled("slow down", after=600.0)])
async def test_a_provider_that_refuses_us_is_left_alone_for_its_pause(error: ProviderError) -> None:
    lab = asked_lab()
    lab.traces = lambda doubt: error
    async with finding(lab, segment(1)) as rig:
        await asyncio.sleep(600)
        assert len(lab.found) == 1
        assert rig.fleet.working("lab") is isinstance(error, Throttled)
        lab.traces = traces("ref-7")
        await asyncio.sleep(40)
        assert (len(lab.found), (await rig.row(1)).stage) == (2, Stage.SENT)


@pytest.mark.parametrize(
    "error", [Unavailable("unavailable"), Uncertain("not HTML"), Rejected("not in this contract", code="300")]
)
async def test_a_question_that_fails_does_not_stop_messages_and_is_asked_again(
    error: ProviderError, caplog: pytest.LogCaptureFixture
) -> None:
    lab = asked_lab()
    lab.traces = lambda doubt: error
    async with finding(lab, segment(1)) as rig:
        await asyncio.sleep(300)
        assert (rig.fleet.working("lab"), rig.value("provider_up", provider="lab")) == (True, 1)
        line = next(record for record in caplog.records if record.message == "question about doubts failed")
        assert line.__dict__["fields"] == {"provider": "lab", "reason": error.reason}
        assert len(lab.found) == 5
        await rig.queue(segment(2))
        await moment()
        assert lab.batches == [[1], [2]]
        lab.traces = traces("ref-7")
        await asyncio.sleep(60)
        assert (await rig.row(1)).stage == Stage.SENT
