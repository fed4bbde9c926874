"""Status questions that wait for a package."""

import asyncio

import pytest

from smppbridge.providers.sms_assistent.piggyback import MAX_WAITING, PiggybackedQuestion, PiggybackQueue
from smppbridge.providers.sms_assistent.records import StatusRow
from tests.support.system.virtual_time import VirtualTimeLoop

pytestmark = pytest.mark.virtual_time

ROWS = (StatusRow("1", "Sent"),)


async def test_a_package_takes_a_question_along() -> None:
    queue = PiggybackQueue(patience=10)
    asking = asyncio.create_task(queue.ask(["1"]))
    await asyncio.sleep(0)
    question = queue.take()
    assert question is not None
    assert question.refs == ["1"]
    assert queue.take() is None
    question.settle(ROWS)
    question.settle(None)
    assert await asking == ROWS


async def test_the_answer_may_take_longer_than_the_wait_for_a_package() -> None:
    queue = PiggybackQueue(patience=0.02)
    asking = asyncio.create_task(queue.ask(["1"]))
    await asyncio.sleep(0)
    question = queue.take()
    assert question is not None
    await asyncio.sleep(0.06)
    assert not asking.done()
    question.settle(ROWS)
    assert await asking == ROWS


async def test_a_package_that_comes_just_when_patience_ends_still_has_the_question() -> None:
    queue = PiggybackQueue(patience=0.01)
    found: list[PiggybackedQuestion | None] = []
    asking = asyncio.create_task(queue.ask(["1"]))
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    loop.call_later(0.02, lambda: found.append(queue.take()))
    loop.jump(0.05)  # both timers are due in one turn of the loop
    while not found:
        await asyncio.sleep(0)
    (question,) = found
    assert question is not None
    await asyncio.sleep(0.01)
    question.settle(ROWS)
    assert await asking == ROWS


async def test_where_no_package_comes_the_question_goes_alone() -> None:
    queue = PiggybackQueue(patience=0.01)
    assert await queue.ask(["1"]) is None
    assert queue.take() is None


async def test_no_patience_no_wait() -> None:
    queue = PiggybackQueue(patience=0)
    asking = asyncio.create_task(queue.ask(["1"]))
    await asyncio.sleep(0)
    assert asking.done()
    assert asking.result() is None


async def test_a_question_that_is_cancelled_is_not_taken_along() -> None:
    queue = PiggybackQueue(patience=10)
    asking = [asyncio.create_task(queue.ask([str(number)])) for number in range(2)]
    await asyncio.sleep(0)
    taken = queue.take()
    for one in asking:
        one.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    assert queue.take() is None
    assert taken is not None
    taken.settle(ROWS)  # nobody hears it any more


async def test_only_so_many_wait() -> None:
    queue = PiggybackQueue(patience=10)
    asking = [asyncio.create_task(queue.ask(["1"])) for _ in range(MAX_WAITING)]
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        assert await queue.ask(["2"]) is None
    while (question := queue.take()) is not None:
        question.settle(None)
    assert await asyncio.gather(*asking) == [None] * MAX_WAITING
