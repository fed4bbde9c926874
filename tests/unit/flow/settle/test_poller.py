"""When a provider is asked for statuses, about what, and what becomes of its answers."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from smppbridge.errors import UNREADABLE, Disabled, ProviderError, Rejected, Throttled, Unavailable
from smppbridge.flow.health.health import ProviderHealth
from smppbridge.flow.remarks import Remarks
from smppbridge.flow.settle.outcomes import Outcomes
from smppbridge.flow.settle.poller import Poller
from smppbridge.metrics import Metrics
from smppbridge.model.message import Poll, Stage, State, StatusReport
from tests.support.bridge.scripted_provider import ScriptedProvider
from tests.support.builders.clock import Clock
from tests.support.builders.failing import FailingStore
from tests.support.builders.metrics import value
from tests.support.builders.rows import DAY, NOW, claim, record_sent, report, segment, sent, stages
from tests.support.builders.stores import fast_store

pytestmark = pytest.mark.virtual_time

LOOK = 10.0  # seconds between two looks


class Asked(ScriptedProvider):
    """Notes its questions; ``spoilers`` are messages about which it rejects any question."""

    def __init__(self, limits: dict[str, Any]) -> None:
        super().__init__("lab", **limits)
        self.began = asyncio.get_running_loop().time()
        self.questions: list[list[int]] = []
        self.at: list[float] = []  # when, in seconds from the beginning
        self.spoilers: set[int] = set()
        self.errors: deque[ProviderError] = deque()
        self.answer_at_once = True  # that each is delivered

    async def status(self, polls: Sequence[Poll]) -> list[StatusReport]:
        self.questions.append([poll.id for poll in polls])
        self.at.append(round(asyncio.get_running_loop().time() - self.began, 3))
        if self.errors:
            raise self.errors.popleft()
        if self.spoilers & {poll.id for poll in polls}:
            raise Rejected("one of these is nobody's")
        return [report(poll.id) for poll in polls if self.answer_at_once]


class Rig:
    """A poller, and all that it knows."""

    def __init__(self, failing: FailingStore, **limits: Any) -> None:
        self.failing = failing
        self.store = failing.store
        self.metrics = Metrics()
        self.owed: list[float] = []  # when a receipt was announced
        self.provider = Asked({"poll_interval": 60.0, **limits})
        self.clock = Clock()
        self.begin()

    def begin(self) -> None:
        """Make a poller that remembers nothing but what is in the store."""
        loop = asyncio.get_running_loop()
        self.health = ProviderHealth(self.provider, self.metrics, loop.time, lambda provider: None)
        outcomes = Outcomes(
            self.store,
            self.metrics,
            self.clock,
            Remarks(self.metrics, {}),
            lambda account: self.owed.append(round(loop.time() - self.provider.began, 3)),
        )
        self.poller = Poller(self.provider, self.store, outcomes, self.clock, self.health)

    async def sent(self, count: int, *, first: int = 1, due: float = 0.0) -> None:
        """The provider has messages ``first``, ``first`` + 1 …, each to be asked about in so many seconds."""
        await self.store.add_segments([segment(first + n) for n in range(count)])
        messages = await claim(self.store, count)
        poll_at = self.clock() + round(due * 1000)
        deadline = self.clock() + 100 * DAY
        await record_sent(
            self.store, [sent(one, poll_at=poll_at, deadline=deadline) for one in messages], self.clock()
        )

    async def final(self) -> list[int]:
        found = await stages(self.store)
        return [number for number, stage in found.items() if stage == Stage.FINAL]


@asynccontextmanager
async def rigged(**limits: Any) -> AsyncIterator[Rig]:
    async with fast_store() as store:
        rig = Rig(FailingStore(store), **limits)
        try:
            yield rig
        finally:
            await rig.poller.stop()


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
            Outcomes(rig.store, rig.metrics, rig.clock, Remarks(rig.metrics, {}), lambda account: None),
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


# --- what goes wrong -------------------------------------------------------------------------------


async def test_nobody_is_asked_while_the_provider_is_to_be_left_alone() -> None:
    async with rigged() as rig:
        rig.health.record_failure(Disabled("wrong key", pause=34.0))
        await rig.sent(1)
        rig.poller.start()
        await asyncio.sleep(33.9)
        assert rig.provider.questions == []
        await asyncio.sleep(0.2)
        assert rig.provider.at == [34.0]


async def test_who_works_again_sooner_is_asked_at_the_next_look() -> None:
    async with rigged() as rig:
        rig.health.record_failure(Disabled("wrong key", pause=3600.0))
        await rig.sent(1)
        rig.poller.start()
        await asyncio.sleep(15.0)
        rig.health.breaker.retry_now()
        await asyncio.sleep(5.1)
        assert rig.provider.at == [20.0]


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (Unavailable("connection refused"), 60.0),
        (Throttled("slow down", after=95.0), 95.0),
        (Disabled("wrong key", pause=1000.0), 1000.0),
    ],
)
async def test_a_question_that_fails_is_asked_again_in_its_time(
    error: ProviderError, again: float, caplog: pytest.LogCaptureFixture
) -> None:
    """What is about us, and not about the question, keeps messages from being sent as well."""
    async with rigged() as rig:
        await rig.sent(2)
        rig.provider.errors.append(error)
        rig.poller.start()
        await asyncio.sleep(0.001)
        assert rig.health.pause() == pytest.approx(again - 0.001 if again > 60 else 0.0)
        await asyncio.sleep(again)
        assert rig.provider.questions == [[1, 2], [1, 2]]
        assert rig.provider.at == [0.0, again]
        assert await rig.final() == [1, 2]
    told = [one for one in caplog.records if one.getMessage() == "status question failed"]
    assert [one.levelno for one in told] == [logging.WARNING]
    assert getattr(told[0], "fields", None) == {"provider": "lab", "reason": error.reason}


async def test_an_answer_that_makes_no_sense_is_counted() -> None:
    async with rigged() as rig:
        await rig.sent(1)
        rig.provider.errors.append(Unavailable("no JSON", code=UNREADABLE))
        rig.poller.start()
        await asyncio.sleep(0.001)
        assert value(rig.metrics, "unreadable_answers_total", provider="lab") == 1


async def test_a_rejected_question_is_halved_until_it_is_clear_who_spoils_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with rigged(poll_interval=10.0) as rig:
        rig.provider.spoilers = {3}
        await rig.sent(6)
        rig.poller.start()
        await asyncio.sleep(300.0)
        assert rig.provider.questions == [
            [1, 2, 3, 4, 5, 6],
            [1, 2, 3],  # half of it
            [4],  # a good answer: the next question is whole
            [5, 6, 1, 2, 3],
            [1, 2],
            [3, 5, 6],
            [3],  # found
            [5, 6],
        ]
        assert await rig.final() == [1, 2, 4, 5, 6]
        assert rig.health.pause() == 0
    told = [one for one in caplog.records if one.getMessage() == "message is not asked about any more"]
    assert [getattr(one, "fields", None) for one in told] == [{"id": 3}]


async def test_after_an_answer_questions_are_whole_again() -> None:
    async with rigged(poll_interval=10.0, poll_batch=4) as rig:
        rig.provider.spoilers = {1}
        rig.provider.answer_at_once = False
        await rig.sent(2)
        rig.poller.start()
        await asyncio.sleep(25.0)
        assert rig.provider.questions == [[1, 2], [1], [2]]
        await rig.sent(3, first=3)
        await asyncio.sleep(10.0)
        assert rig.provider.questions[3:] == [[3, 4, 5], [2]]


async def test_what_spoils_questions_does_not_keep_the_others_waiting() -> None:
    """Not even where it fills a whole batch."""
    async with rigged(poll_interval=10.0, poll_batch=1) as rig:
        rig.provider.spoilers = {1}
        await rig.sent(1)
        rig.poller.start()
        await asyncio.sleep(5.0)
        assert rig.provider.questions == [[1]]
        await rig.sent(1, first=2, due=5.0)
        await asyncio.sleep(5.1)
        assert rig.provider.questions == [[1], [2]]
        assert rig.provider.at == [0.0, 10.0]


# --- a store that fails ----------------------------------------------------------------------------

CALLS = ["claim_polls", "settle", "claim_polls", "settle"]  # for three messages in questions of two


async def test_what_is_asked_of_the_store() -> None:
    async with rigged(poll_batch=2) as rig:
        await rig.sent(3)
        rig.failing.fail_at(0)
        rig.poller.start()
        await asyncio.sleep(9.0)
        assert rig.failing.called == CALLS


@pytest.mark.parametrize(("nth", "asked"), [(1, 3), (2, 5), (3, 3), (4, 4)])
async def test_a_store_that_fails_once(nth: int, asked: int) -> None:
    """Statuses that could not be saved are asked for again; nothing is told before it is saved, or twice."""
    async with rigged(poll_batch=2, poll_interval=20.0) as rig:
        await rig.sent(3)
        rig.failing.fail_at(nth)
        rig.poller.start()
        await asyncio.sleep(9.0)
        assert rig.failing.failed == [CALLS[nth - 1]]
        await asyncio.sleep(20.0)
        assert await rig.final() == [1, 2, 3]
        assert value(rig.metrics, "outcomes_total", provider="lab", state="DELIVERED") == 3
        assert len(rig.owed) == 2
        assert sum(map(len, rig.provider.questions)) == asked
