"""What becomes of questions about statuses that go wrong."""

import asyncio
import logging

import pytest

from smppbridge.errors import UNREADABLE, Disabled, ProviderError, Throttled, Unavailable
from tests.support.builders.metrics import value
from tests.unit.flow.settle.rig import rigged

pytestmark = pytest.mark.virtual_time


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
