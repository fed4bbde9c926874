"""Messages in doubt: what their provider says about them, and what becomes of them."""

import asyncio
from collections.abc import Callable

import pytest

from smppbridge.flow.send.decide import ASKED_IN_VAIN
from smppbridge.flow.send.dispatcher import GRACE_MS
from smppbridge.model.message import Doubt, Stage, State
from smppbridge.providers.base import Taken, Trace
from tests.support.builders.rows import DAY, NOW, segment
from tests.unit.flow.send.doubts import asked_lab, finding, questions, ref_of, taken, traces
from tests.unit.flow.send.rig import Lab, times

pytestmark = pytest.mark.virtual_time


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


async def test_a_reference_of_another_message_alone_leaves_nothing_but_a_question() -> None:
    lab = asked_lab()
    lab.traces = traces("ref-1", complete=False)
    async with finding(lab, segment(1, route="lab")) as rig:
        await taken(rig, "ref-1")
        await asyncio.sleep(210)
        assert {doubts[0].misses for doubts in lab.found} == {0}
        assert (len(lab.found), (await rig.row(1)).stage) == (4, Stage.UNCERTAIN)


async def test_a_schedule_that_the_provider_keeps_is_not_given_up_before_its_time() -> None:
    lab = asked_lab(poll_first=60.0, poll_interval=300.0, validity_max=3600.0)
    lab.schedules_itself = True
    lab.traces = traces("ref-7")
    at = NOW + 36_000_000
    async with finding(lab, segment(1, send_at=at)) as rig:
        await asyncio.sleep(31)
        assert (await rig.row(1)).deadline == at + 3_600_000 + GRACE_MS
        assert await rig.disk.claim_polls("lab", at + 59_999, 9, 1, 0) == []
        assert len(await rig.disk.claim_polls("lab", at + 60_000, 9, 1, 0)) == 1


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


async def test_a_reference_is_left_to_the_equal_message_that_turns_out_to_have_it() -> None:
    lab = asked_lab(parallel=2)
    lab.traces = traces("ref-1", "ref-9")
    async with finding(lab, segment(1)) as rig:
        lab.delay = 15.0
        lab.answers.append(Taken("ref-1"))
        await asyncio.sleep(10)
        await rig.queue(segment(2))  # from 10 s to 25 s
        await asyncio.sleep(80)
        assert [(await rig.row(number)).stage for number in (1, 2)] == [Stage.SENT] * 2
        assert await ref_of(rig, "ref-1", "ref-9") == {"ref-1", "ref-9"}
        assert len(lab.sent) == 2


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


@pytest.mark.parametrize("policy", ["hold", "resend", "fail"])
async def test_without_another_provider_it_waits_its_turn(
    policy: str, caplog: pytest.LogCaptureFixture
) -> None:
    lab = asked_lab()
    lab.traces = traces()
    async with finding(lab, segment(1, route="lab"), uncertain=policy) as rig:
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


async def test_nothing_from_before_the_clock_was_put_back_is_certainly_missing() -> None:
    """It may be older than it seems, and the list of the provider may not reach back so far."""
    lab = asked_lab()
    lab.traces = traces()
    async with finding(lab, segment(1)) as rig:
        rig.machine.jump(-3600.0)
        await asyncio.sleep(4000.0)
        assert len(lab.found) >= 2
        assert (await rig.row(1)).stage == Stage.UNCERTAIN
