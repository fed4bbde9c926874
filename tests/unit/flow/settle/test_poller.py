"""When a provider is asked for statuses, about what, and what becomes of its answers."""

import asyncio

import pytest

from smppbridge.flow.remarks import Remarks
from smppbridge.flow.settle.outcomes import Outcomes
from smppbridge.flow.settle.poller import Poller
from smppbridge.flow.waiting import Waiting
from smppbridge.model.message import State
from tests.support.builders.metrics import value
from tests.support.builders.rows import NOW
from tests.unit.flow.settle.rig import LOOK, rigged

pytestmark = pytest.mark.virtual_time


# --- when ------------------------------------------------------------------------------------------


async def test_a_message_is_asked_about_when_it_is_due_and_again_until_it_is_final() -> None:
    """Looks come every 10 s. The pauses for one message: at least 60 s, at most 300 s, else its age."""
    async with rigged(poll_slowest=300.0) as rig:
        rig.provider.answer_at_once = False
        await rig.sent(1, due=25.0)
        rig.poller.start()
        await asyncio.sleep(1000.0)
        assert rig.provider.at == [30.0, 90.0, 180.0, 360.0, 660.0, 960.0]
        rig.provider.answer_at_once = True
        await asyncio.sleep(1000.0)
        assert rig.provider.at[6:] == [1260.0]
        assert rig.owed == [1260.0]
        assert set(map(tuple, rig.provider.questions)) == {(1,)}


async def test_what_the_provider_says_is_settled_and_told_at_once() -> None:
    async with rigged() as rig:
        await rig.sent(2)
        rig.poller.start()
        await asyncio.sleep(0.001)
        assert (await rig.final(), rig.owed) == ([1, 2], [0.0])
        assert value(rig.metrics, "outcomes_total", provider="lab", state=State.DELIVERED.name) == 2


async def test_what_is_claimed() -> None:
    async with rigged(poll_interval=7.5, poll_slowest=3.25, poll_batch=20) as rig:
        rig.poller.start()
        await asyncio.sleep(0.001)
        assert rig.failing.arguments == [("lab", NOW, 20, 7500, 3250, ())]


async def test_early_questions_come_first_where_the_provider_allows_them() -> None:
    """At 10 s, 30 s and `poll_first`, rounded up to the next look; then in its interval."""
    async with rigged(poll_early=(10.0, 30.0), poll_first=60.0, poll_interval=240.0) as rig:
        rig.provider.answer_at_once = False
        await rig.sent(2, due=10.0)
        rig.poller.start()
        await asyncio.sleep(600.0)
        assert rig.provider.at == [10.0, 30.0, 60.0, 300.0, 540.0]
        assert set(map(tuple, rig.provider.questions)) == {(1, 2)}


async def test_early_questions_keep_their_distance_too() -> None:
    async with rigged(poll_early=(10.0, 30.0), poll_first=300.0, poll_gap=60.0) as rig:
        rig.provider.answer_at_once = False
        await rig.sent(1, due=10.0)
        await asyncio.sleep(5.0)
        await rig.sent(1, first=2, due=10.0)
        rig.poller.start()
        await asyncio.sleep(400.0)
        assert list(zip(rig.provider.at, rig.provider.questions, strict=True)) == [
            (15.0, [1, 2]),
            (75.0, [1, 2]),
            (305.0, [1, 2]),
            (365.0, [1, 2]),
        ]


async def test_a_provider_without_an_interval_is_never_asked() -> None:
    async with rigged(poll_interval=0.0) as rig:
        await rig.sent(1)
        rig.poller.start()
        await asyncio.sleep(3600.0)
        assert rig.provider.questions == []


async def test_a_short_interval_is_kept_although_looks_are_further_apart() -> None:
    async with rigged(poll_interval=2.0) as rig:
        rig.provider.answer_at_once = False
        await rig.sent(1)
        rig.poller.start()
        await asyncio.sleep(7.0)
        assert rig.provider.at == [0.0, 2.0, 4.0, 6.0]


async def test_the_pause_between_looks_may_be_another() -> None:
    async with rigged() as rig:
        poller = Poller(
            rig.provider,
            rig.store,
            Outcomes(
                rig.store,
                rig.metrics,
                rig.clock,
                Remarks(rig.metrics, {}),
                Waiting(1000, {}),
                lambda account: None,
            ),
            rig.clock,
            rig.health,
            look=3.0,
        )
        await rig.sent(1, due=10.0)
        poller.start()
        await asyncio.sleep(20.0)
        await poller.stop()
        assert rig.provider.at == [12.0]


async def test_nobody_is_asked_about_old_messages() -> None:
    """Neither alone, nor in company; and they do not keep younger ones waiting."""
    async with rigged(poll_max_age=1000.0, poll_batch=2) as rig:
        rig.provider.answer_at_once = False
        await rig.sent(3, due=1000.0)
        rig.poller.start()
        await asyncio.sleep(999.0)
        assert rig.provider.questions == []
        await rig.sent(1, first=4, due=5.0)  # behind the three
        await asyncio.sleep(12.0)
        assert rig.provider.questions == [[4]]
        assert rig.provider.at == [1000.0 + LOOK]
        await asyncio.sleep(3600.0)
        assert set(map(tuple, rig.provider.questions)) == {(4,)}


@pytest.mark.parametrize(("max_age", "at"), [(59.95, [0.0]), (60.05, [0.0, 60.0]), (90.0, [0.0, 60.0])])
async def test_a_message_is_asked_about_until_it_is_too_old(max_age: float, at: list[float]) -> None:
    async with rigged(poll_max_age=max_age, poll_slowest=60.0) as rig:
        rig.provider.answer_at_once = False
        await rig.sent(1)
        rig.poller.start()
        await asyncio.sleep(1000.0)
        assert rig.provider.at == at


# --- how many --------------------------------------------------------------------------------------


async def test_a_full_question_is_followed_by_the_next_at_once() -> None:
    async with rigged(poll_batch=3) as rig:
        await rig.sent(7)
        rig.poller.start()
        await asyncio.sleep(0.001)
        assert rig.provider.questions == [[1, 2, 3], [4, 5, 6], [7]]
        assert rig.provider.at == [0.0, 0.0, 0.0]


async def test_two_questions_are_so_far_apart() -> None:
    async with rigged(poll_batch=3, poll_gap=4.0) as rig:
        await rig.sent(7)
        rig.poller.start()
        await asyncio.sleep(60.0)
        assert rig.provider.questions == [[1, 2, 3], [4, 5, 6], [7]]
        assert rig.provider.at == [0.0, 4.0, 8.0]


async def test_a_long_gap_is_looked_at_now_and_then() -> None:
    async with rigged(poll_batch=1, poll_gap=25.0) as rig:
        await rig.sent(2)
        rig.poller.start()
        await asyncio.sleep(60.0)
        assert rig.provider.at == [0.0, 25.0]


async def test_two_runs_of_the_program_keep_the_gap() -> None:
    async with rigged(poll_batch=1, poll_gap=25.0) as rig:
        await rig.sent(2)
        rig.poller.start()
        await asyncio.sleep(9.0)
        await rig.poller.stop()
        rig.begin()
        rig.poller.start()
        await asyncio.sleep(60.0)
        assert rig.provider.at == [0.0, 25.0]


async def test_other_questions_have_their_turn() -> None:
    """Whoever has nothing to ask does not stand in the way; whoever asks, does for the gap."""
    async with rigged(poll_gap=4.0) as rig:
        questions = rig.health.send_policy.questions
        await rig.sent(1, due=10.0)
        rig.poller.start()
        await asyncio.sleep(9.0)
        assert (
            questions.wait("doubts", asyncio.get_running_loop().time()) == 0
        )  # the poller had nothing to ask
        await asyncio.sleep(2.0)
        assert rig.provider.questions == []  # the others wait longer
        questions.asked("doubts", asyncio.get_running_loop().time())
        await asyncio.sleep(4.1)
        assert rig.provider.questions == [[1]]
        assert rig.provider.at == [15.0]
        assert questions.wait("doubts", asyncio.get_running_loop().time()) == pytest.approx(3.9)
        await asyncio.sleep(4.0)
        assert questions.wait("doubts", asyncio.get_running_loop().time()) == 0


async def test_while_the_clock_is_suspect_no_message_counts_as_old() -> None:
    """Providers end messages by their age that they do not know."""
    async with rigged(poll_max_age=3600.0) as rig:
        rig.provider.answer_at_once = False
        await rig.sent(1)
        rig.machine.jump(26 * 3600.0)
        rig.poller.start()
        await asyncio.sleep(1.0)
        assert rig.clock.suspect
        assert rig.provider.questions == [[1]]
        assert rig.provider.sent_at_told == [rig.machine() - 1000]
