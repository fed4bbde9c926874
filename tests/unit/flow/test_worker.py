"""The loop that every worker runs."""

import asyncio

import pytest

from smppbridge.errors import StoreError
from smppbridge.flow import worker as worker_module
from smppbridge.flow.worker import Worker, persist


async def test_a_worker_sleeps_until_it_is_woken() -> None:
    steps: list[int] = []
    stepped = asyncio.Event()

    async def step() -> float:
        steps.append(1)
        stepped.set()
        return 60.0

    worker = Worker("test", step)
    worker.start()
    await stepped.wait()
    stepped.clear()
    worker.wake()
    await asyncio.wait_for(stepped.wait(), 1)
    await worker.stop()
    assert len(steps) == 2


async def test_a_wake_during_a_step_is_not_lost() -> None:
    steps = 0
    worker: Worker

    async def step() -> float:
        nonlocal steps
        steps += 1
        if steps == 1:
            worker.wake()
        return 60.0

    worker = Worker("test", step)
    worker.start()
    await asyncio.sleep(0.05)
    await worker.stop()
    assert steps == 2


@pytest.mark.parametrize("error", [StoreError("disk full"), ZeroDivisionError()])
async def test_an_error_does_not_end_a_worker(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "_PAUSE_AFTER_ERROR", 0.01)
    steps = 0

    async def step() -> float:
        nonlocal steps
        steps += 1
        if steps < 3:
            raise error
        return 60.0

    worker = Worker("test", step)
    worker.start()
    await asyncio.sleep(0.2)
    await worker.stop()
    assert steps == 3


async def test_stop_lets_a_short_step_finish_and_cancels_a_long_one() -> None:
    finished: list[str] = []

    async def short() -> float:
        await asyncio.sleep(0.05)
        finished.append("short")
        return 0.0

    async def long() -> float:
        await asyncio.sleep(30)
        finished.append("long")
        return 0.0

    workers = [Worker("short", short), Worker("long", long)]
    for worker in workers:
        worker.start()
    await asyncio.sleep(0.01)
    for worker in workers:
        await worker.stop(grace=0.2)
    assert finished == ["short"]


async def test_persist_tries_again_until_the_store_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "_PAUSE_AFTER_ERROR", 0.01)
    calls = 0

    async def save() -> str:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise StoreError("locked")
        return "saved"

    assert await persist("a test", save) == "saved"
    assert calls == 3
