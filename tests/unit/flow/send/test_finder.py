"""Messages in doubt: what their provider is asked about them, and what becomes of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from smppbridge.errors import Disabled, ProviderError, Throttled, Unavailable, Uncertain
from smppbridge.flow.send.decide import ASKED_IN_VAIN
from smppbridge.flow.send.finder import Finder
from smppbridge.model.message import Doubt, Segment, Stage, State
from smppbridge.providers.base import Taken, Trace
from tests.support.builders.clock import moment
from tests.support.builders.rows import DAY, NOW, claim, segment
from tests.unit.flow.send.rig import Lab, Rig, sending, times

pytestmark = pytest.mark.virtual_time

FIRST, AGAIN = 20.0, 60.0  # seconds to the first question, and to the next one


def asked_lab(**limits: Any) -> Lab:
    return Lab(**{"find_first": FIRST, "find_interval": AGAIN, **limits})


@asynccontextmanager
async def finding(
    lab: Lab, *doubtful: Segment, others: tuple[Lab, ...] = (), **account: Any
) -> AsyncIterator[Rig]:
    """A finder at work; the hand-over of ``doubtful`` ended without an answer, at 0 s."""
    async with sending(lab, *others, **account) as rig:
        lab.answers += [Uncertain("read timeout")] * len(doubtful)
        await rig.queue(*doubtful)
        await moment()
        finder = Finder(lab, rig.store.store, rig.recorder, rig.fleet, rig.clock)
        finder.start()
        yield rig
        await finder.stop()


def questions(lab: Lab) -> list[list[int]]:
    """The messages of each question."""
    return [[doubt.id for doubt in doubts] for doubts in lab.found]


def traces(*refs: str, complete: bool = True, unlikely: tuple[str, ...] = ()) -> Callable[[Doubt], Trace]:
    """The same answer about every message."""
    return lambda doubt: Trace(doubt.id, refs, complete, unlikely)


async def taken(rig: Rig, *refs: str) -> None:
    """The provider has messages of ours with these references, numbered from 101."""
    rig_lab = rig.fleet["lab"]
    segments = [segment(number, text=f"another text {number}") for number, _ in enumerate(refs, 101)]
    await rig.disk.add_segments(segments)
    claimed = await claim(rig.disk)
    sent = [rig_lab.sent(message, Taken(ref), NOW) for message, ref in zip(claimed, refs, strict=True)]
    await rig.disk.record(sent, (), (), NOW)


async def ref_of(rig: Rig, *refs: str) -> frozenset[str]:
    """Those that messages have."""
    return await rig.disk.known_refs("lab", refs)


# --- what is there ---------------------------------------------------------------------------------


async def test_what_the_provider_has_is_sent_after_all(caplog: pytest.LogCaptureFixture) -> None:
    lab = asked_lab(poll_first=300.0, poll_interval=300.0)
    lab.traces = traces("ref-77", "ref-78")
    async with finding(lab, segment(1)) as rig:
        await asyncio.sleep(19)
        assert lab.found == []
        await asyncio.sleep(11)
        [[doubt]] = lab.found
        assert (doubt.id, doubt.text, doubt.attempt, doubt.asked, doubt.misses) == (
            1,
            "Дверь открыта",
            1,
            0,
            0,
        )
        assert (await rig.row(1)).stage == Stage.SENT
        assert await ref_of(rig, "ref-77", "ref-78") == {"ref-77"}
        [poll] = await rig.disk.claim_polls("lab", NOW + DAY, 9, 1, 0)
        assert poll.provider_ref == "ref-77"
        [line] = [record for record in caplog.records if record.message == "asked about uncertain messages"]
        fields = {"provider": "lab", "found": 1, "again": 0, "given_up": 0, "open": 0}
        assert line.__dict__["fields"] == fields
        await asyncio.sleep(200)
        assert (len(lab.found), len(lab.sent)) == (1, 1)


async def test_a_reference_of_another_message_is_not_taken() -> None:
    lab = asked_lab()
    lab.traces = traces("ref-1", "ref-2", "ref-3")
    async with finding(lab, segment(1)) as rig:
        await taken(rig, "ref-1")
        await asyncio.sleep(31)
        assert await ref_of(rig, "ref-1", "ref-2", "ref-3") == {"ref-1", "ref-2"}
        assert (await rig.row(1)).stage == Stage.SENT


async def test_two_messages_alike_get_a_reference_each() -> None:
    lab = asked_lab()
    lab.traces = traces("ref-1", "ref-2", "ref-3")
    async with finding(lab, segment(1), segment(2), segment(3)) as rig:
        await asyncio.sleep(31)
        assert questions(lab) == [[1, 2, 3]]
        assert [(await rig.row(number)).stage for number in (1, 2, 3)] == [Stage.SENT] * 3
        assert await ref_of(rig, "ref-1", "ref-2", "ref-3") == {"ref-1", "ref-2", "ref-3"}


async def test_one_message_fewer_is_there_than_may_be() -> None:
    lab = asked_lab()
    lab.traces = traces("ref-1")
    async with finding(lab, segment(1, route="lab"), segment(2, route="lab")) as rig:
        await asyncio.sleep(31)
        assert [(await rig.row(number)).stage for number in (1, 2)] == [Stage.SENT, Stage.UNCERTAIN]
        await asyncio.sleep(60)
        assert lab.found[1][0].misses == 1  # nothing is left that could be the second one
        assert (await rig.row(2)).stage == Stage.WAITING


# --- what an equal message may have ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "stage"),
    [
        ({}, Stage.UNCERTAIN),
        ({"recipient": "375297654321"}, Stage.SENT),
        ({"text": "Дверь закрыта"}, Stage.SENT),
        ({"provider": "spare"}, Stage.SENT),
    ],
    ids=["equal", "another phone", "another text", "another provider"],
)
async def test_a_reference_is_left_to_an_equal_message_on_its_way(
    change: dict[str, str], stage: Stage
) -> None:
    lab, spare = asked_lab(parallel=2), Lab("spare")
    lab.traces = traces("ref-1")
    async with finding(lab, segment(1), others=(spare,)) as rig:
        lab.delay = spare.delay = 15.0
        await asyncio.sleep(10)
        await rig.queue(segment(2, **change))  # from 10 s to 25 s
        await asyncio.sleep(12)
        assert (len(lab.found), (await rig.row(1)).stage) == (1, stage)
        await asyncio.sleep(60)
        assert (await rig.row(1)).stage == Stage.SENT  # the other one has a reference of its own


# --- what is not there -----------------------------------------------------------------------------


async def test_what_is_certainly_not_there_goes_out_once_more_after_two_answers() -> None:
    lab, spare = asked_lab(), Lab("spare")
    lab.traces = traces()
    async with finding(lab, segment(1), others=(spare,)) as rig:
        await asyncio.sleep(79)
        assert (questions(lab), spare.batches) == ([[1]], [])
        await asyncio.sleep(11)
        assert questions(lab) == [[1], [1]]
        assert (spare.batches, len(times(spare))) == ([[1]], 1)
        [found_at] = times(spare)
        assert found_at <= 90.0
        assert (await rig.row(1)).stage == Stage.SENT


async def test_the_next_provider_is_woken_at_once() -> None:
    lab, spare = asked_lab(), Lab("spare")
    asked_at: list[float] = []

    def trace(doubt: Doubt) -> Trace:
        asked_at.append(round(asyncio.get_running_loop().time() - 1000, 3))
        return Trace(doubt.id)

    lab.traces = trace
    async with finding(lab, segment(1), others=(spare,)):
        await asyncio.sleep(200)
        assert len(asked_at) == 2
        assert times(spare) == asked_at[1:]


async def test_without_another_provider_it_waits_its_turn(caplog: pytest.LogCaptureFixture) -> None:
    lab = asked_lab()
    lab.traces = traces()
    async with finding(lab, segment(1, route="lab")) as rig:
        await asyncio.sleep(91)
        row = await rig.row(1)
        assert (row.stage, row.provider, row.tries, len(lab.sent)) == (Stage.WAITING, "lab", 1, 1)
        lines = [record for record in caplog.records if record.message == "asked about uncertain messages"]
        assert [line.__dict__["fields"]["again"] for line in lines] == [0, 1]
        assert [line.__dict__["fields"]["open"] for line in lines] == [1, 0]


async def test_a_reference_that_hardly_is_this_message_keeps_it_open() -> None:
    lab = asked_lab()
    lab.traces = traces(unlikely=("ref-1", "ref-2"))
    async with finding(lab, segment(1, route="lab")) as rig:
        await taken(rig, "ref-1")
        await asyncio.sleep(400)
        assert {doubt.misses for doubts in lab.found for doubt in doubts} == {0}
        assert (len(lab.found) > 3, (await rig.row(1)).stage) == (True, Stage.UNCERTAIN)


async def test_a_reference_that_hardly_is_this_message_may_be_another_one_s() -> None:
    lab = asked_lab()
    lab.traces = traces(unlikely=("ref-1", "ref-2"))
    async with finding(lab, segment(1, route="lab")) as rig:
        await taken(rig, "ref-1", "ref-2")
        await asyncio.sleep(91)
        assert (len(lab.found), (await rig.row(1)).stage) == (2, Stage.WAITING)


# --- what nobody can tell ----------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [traces(complete=False), lambda doubt: None], ids=["cut", "left out"])
async def test_what_nobody_can_tell_is_asked_about_again(answer: Callable[[Doubt], Trace | None]) -> None:
    lab = asked_lab()
    lab.traces = answer
    async with finding(lab, segment(1)) as rig:
        await asyncio.sleep(600)
        assert [doubts[0].asked for doubts in lab.found] == list(range(len(lab.found)))
        assert len(lab.found) in (9, 10)  # at 20 s and every minute
        assert (await rig.row(1)).stage == Stage.UNCERTAIN


async def test_an_answer_that_says_nothing_between_two_misses_makes_them_uncertain() -> None:
    lab = asked_lab()
    lab.traces = lambda doubt: Trace(doubt.id, complete=doubt.asked % 2 == 0)
    async with finding(lab, segment(1)) as rig:
        await asyncio.sleep(600)
        assert {doubt.misses for [doubt] in lab.found} == {0, 1}
        assert (await rig.row(1)).stage == Stage.UNCERTAIN


@pytest.mark.parametrize(("policy", "stage"), [("fail", Stage.FINAL), ("resend", Stage.WAITING)])
async def test_after_some_questions_in_vain_the_account_s_policy_decides(
    policy: str, stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    lab = asked_lab()
    lab.traces = traces(complete=False)
    async with finding(lab, segment(1), uncertain=policy) as rig:
        await asyncio.sleep(600)
        assert len(lab.found) == ASKED_IN_VAIN
        row = await rig.row(1)
        assert (row.stage, row.provider) == (stage, "lab")
        lines = [record for record in caplog.records if record.message == "asked about uncertain messages"]
        last = lines[-1].__dict__["fields"]
        assert (last["again"], last["given_up"], last["open"]) == (
            int(policy == "resend"),
            int(policy == "fail"),
            0,
        )
        if policy == "fail":
            assert ((await rig.found(1)).state, rig.owed) == (State.UNDELIVERABLE, ["pbx"])


# --- how often it is asked ---------------------------------------------------------------------------


async def test_there_are_so_many_messages_in_a_question_and_the_next_one_follows_at_once() -> None:
    lab = asked_lab(find_batch=2)
    lab.traces = traces(complete=False)
    async with finding(lab, *(segment(number) for number in range(1, 6))):
        await asyncio.sleep(31)
        assert questions(lab) == [[1, 2], [3, 4], [5]]


async def test_questions_keep_their_gap() -> None:
    lab = asked_lab(find_batch=1, poll_gap=7.0)
    asked_at: list[float] = []

    def trace(doubt: Doubt) -> Trace:
        asked_at.append(round(asyncio.get_running_loop().time() - 1000, 3))
        return Trace(doubt.id, complete=False)

    lab.traces = trace
    async with finding(lab, *(segment(number) for number in (1, 2, 3))):
        await asyncio.sleep(60)
        first = asked_at[0]
        assert [at - first for at in asked_at] == pytest.approx([0.0, 7.0, 14.0])


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


async def test_a_question_that_fails_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    lab = asked_lab()
    lab.traces = lambda doubt: Unavailable("connection refused")
    async with finding(lab, segment(1)) as rig:
        await asyncio.sleep(80)
        assert rig.fleet.working("lab")
        line = next(record for record in caplog.records if record.message == "question about doubts failed")
        assert line.__dict__["fields"] == {"provider": "lab", "reason": "connection refused"}
        lab.traces = traces("ref-7")
        await asyncio.sleep(60)
        assert (await rig.row(1)).stage == Stage.SENT
