"""The loop that every worker runs."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from smppbridge.errors import StoreError
from smppbridge.flow.worker import Asker, Worker, persist
from tests.support.builders.clock import Clock
from tests.support.system.virtual_time import moment

pytestmark = pytest.mark.virtual_time


class Steps:
    """A step that notes when it begins. ``pauses``: what each returns, the last one again and again."""

    def __init__(self, *pauses: float, lasts: float = 0.0) -> None:
        self.at: list[float] = []
        self.ended: list[float] = []
        self.error: Exception | None = None
        self._pauses = list(pauses)
        self._lasts = lasts
        self._clock = Clock()

    async def __call__(self) -> float:
        self.at.append(self._clock.seconds)
        if self.error is not None:
            raise self.error
        await asyncio.sleep(self._lasts)
        self.ended.append(self._clock.seconds)
        return self._pauses.pop(0) if len(self._pauses) > 1 else self._pauses[0]


async def test_a_worker_rests_for_as_long_as_its_step_says() -> None:
    steps = Steps(5.0, 0.0, 7.0)
    worker = Worker("test", steps)
    worker.start()
    await asyncio.sleep(20)
    assert steps.at == [0.0, 5.0, 5.0, 12.0, 19.0]
    await worker.stop()


async def test_a_wake_ends_the_rest_at_once() -> None:
    steps = Steps(60.0)
    worker = Worker("test", steps)
    worker.start()
    await asyncio.sleep(10)
    worker.wake()
    worker.wake()  # before the worker had its turn
    await moment()
    assert steps.at == [0.0, 10.0]
    await asyncio.sleep(59)
    assert steps.at == [0.0, 10.0]
    await asyncio.sleep(2)
    assert steps.at == [0.0, 10.0, 70.0]  # the rest begins anew
    await worker.stop()


async def test_a_wake_during_a_step_is_not_lost() -> None:
    steps = Steps(60.0, lasts=3.0)
    worker = Worker("test", steps)
    worker.start()
    await asyncio.sleep(1)
    worker.wake()
    worker.wake()
    await asyncio.sleep(30)
    assert steps.at == [0.0, 3.0]  # two wakes, one step: it sees everything
    await worker.stop()


async def test_a_wake_before_the_start_changes_nothing() -> None:
    steps = Steps(60.0)
    worker = Worker("test", steps)
    worker.wake()
    await asyncio.sleep(5)
    assert steps.at == []
    worker.start()
    await asyncio.sleep(30)
    assert steps.at == [5.0]
    await worker.stop()


@pytest.mark.parametrize(
    ("error", "told", "traced"),
    [
        (StoreError("disk full"), "worker step failed, will go on", False),
        (ZeroDivisionError("a mistake of ours"), "unexpected error in a worker, will go on", True),
    ],
)
async def test_an_error_does_not_end_a_worker(
    error: Exception, told: str, traced: bool, caplog: pytest.LogCaptureFixture
) -> None:
    steps = Steps(60.0)
    worker = Worker("test", steps)
    steps.error = error
    worker.start()
    await asyncio.sleep(2.5)
    assert steps.at == [0.0, 1.0, 2.0]
    [line] = caplog.records
    assert (line.message, bool(line.exc_info)) == (told, traced)
    assert line.__dict__["fields"] == {"worker": "test", "error": str(error)}
    steps.error = None
    await asyncio.sleep(10)
    assert steps.at == [0.0, 1.0, 2.0, 3.0]
    await worker.stop()


async def test_workers_of_a_kind_complain_together_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """There is a courier for each bind, and a store that fails, fails all of them."""
    workers = [Worker(f"courier pbx {number}", Steps(60.0)) for number in range(50)]
    for worker in workers:
        steps = worker._step
        assert isinstance(steps, Steps)
        steps.error = StoreError("disk full")
        worker.start()
    await asyncio.sleep(100.5)
    assert len(caplog.records) == 2
    assert caplog.records[1].__dict__["fields"]["held_back"] == 50 * 60 - 1
    for worker in workers:
        await worker.stop()


async def test_a_wake_ends_the_rest_after_an_error() -> None:
    steps = Steps(60.0)
    worker = Worker("test", steps)
    steps.error = StoreError("disk full")
    worker.start()
    await asyncio.sleep(0.5)
    worker.wake()
    await moment()
    assert steps.at == [0.0, 0.5]
    await worker.stop()


# --- the end ---------------------------------------------------------------------------------------


async def test_stop_lets_a_step_finish_and_begins_no_other() -> None:
    clock = Clock()
    steps = Steps(0.0, lasts=3.0)
    worker = Worker("test", steps)
    worker.start()
    await asyncio.sleep(1)
    await worker.stop()
    assert (steps.at, steps.ended, clock.seconds) == ([0.0], [3.0], 3.0)


@pytest.mark.parametrize(("grace", "ends"), [({}, 6.0), ({"grace": 2.0}, 3.0)])
async def test_stop_cancels_a_step_that_takes_too_long(grace: dict[str, float], ends: float) -> None:
    clock = Clock()
    steps = Steps(0.0, lasts=30.0)
    worker = Worker("test", steps)
    worker.start()
    await asyncio.sleep(1)
    await worker.stop(**grace)
    assert clock.seconds == ends
    await asyncio.sleep(60)
    assert (steps.at, steps.ended) == ([0.0], [])


async def test_stop_does_not_wait_for_a_worker_that_rests() -> None:
    clock = Clock()
    steps = Steps(60.0)
    worker = Worker("test", steps)
    worker.start()
    await asyncio.sleep(1)
    await worker.stop()
    await worker.stop()  # twice does no harm
    await asyncio.sleep(100)
    assert (steps.at, clock.seconds) == ([0.0], 101.0)


async def test_a_worker_that_was_not_started_stops() -> None:
    await Worker("test", Steps(0.0)).stop()


async def test_a_worker_rests_without_leaving_alarms_behind() -> None:
    steps = Steps(60.0)
    worker = Worker("test", steps)
    worker.start()
    await asyncio.sleep(50)
    worker.wake()
    await asyncio.sleep(15)  # the alarm of the first rest would have rung at 60
    assert steps.at == [0.0, 50.0]
    await worker.stop()


# --- questions -------------------------------------------------------------------------------------


class Question(Asker):
    """Asks for ten seconds."""

    def __init__(self, interval: float) -> None:
        super().__init__("question", interval)
        self.asked = 0

    async def _step(self) -> float:
        self.asked += 1
        await asyncio.sleep(10.0)
        return self._interval


@pytest.mark.parametrize(("interval", "asked"), [(30.0, 3), (0.5, 10), (0.0, 0)])
async def test_a_question_without_an_interval_is_never_asked(interval: float, asked: int) -> None:
    question = Question(interval)
    question.start()
    await asyncio.sleep(100)
    assert question.asked == asked
    await question.stop()


async def test_an_answer_is_not_waited_for_at_the_end() -> None:
    clock = Clock()
    question = Question(30.0)
    question.start()
    await asyncio.sleep(1)
    await question.stop()
    assert clock.seconds == 1.1


# --- persist ---------------------------------------------------------------------------------------


def failing(times: int, error: Exception, at: list[float]) -> Callable[[], Awaitable[str]]:
    """Something to save that fails so many times."""
    clock = Clock()

    async def save() -> str:
        at.append(clock.seconds)
        if len(at) <= times:
            raise error
        return "saved"

    return save


async def test_persist_tries_again_until_the_store_takes_it(caplog: pytest.LogCaptureFixture) -> None:
    at: list[float] = []
    assert await persist("a test", failing(7, StoreError("locked"), at)) == "saved"
    assert at == [0.0, 1.0, 3.0, 7.0, 15.0, 25.0, 35.0, 45.0]
    assert caplog.messages == ["cannot save, trying again"]
    assert caplog.records[0].__dict__["fields"] == {"record": "a test", "error": "locked"}


async def test_what_cannot_be_saved_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    records = [persist(f"receipts of {name}", failing(9, StoreError("locked"), [])) for name in range(50)]
    await asyncio.gather(*records)
    assert caplog.messages == ["cannot save, trying again"]


async def test_persist_does_not_hide_other_errors() -> None:
    at: list[float] = []
    with pytest.raises(ZeroDivisionError):
        await persist("a test", failing(1, ZeroDivisionError(), at))
    assert at == [0.0]
