"""smppbridge.store.sqlite.writer: one transaction per turn, failures that stay alone, slow disks."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from smppbridge.errors import StoreError
from smppbridge.store.sqlite.damage import Damage
from smppbridge.store.sqlite.database import connect
from smppbridge.store.sqlite.writer import Writer

Work = Callable[[sqlite3.Connection], int]


def insert(value: int) -> Work:
    """Inserts a unique number and returns it."""

    def work(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO numbers (value) VALUES (?)", (value,))
        return value

    return work


def stored(path: Path) -> list[int]:
    """What another connection sees, in the order of insertion."""
    connection = sqlite3.connect(path)
    try:
        return [row[0] for row in connection.execute("SELECT value FROM numbers ORDER BY rowid")]
    finally:
        connection.close()


class Clock:
    """Seconds that pass only when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Commits:
    """A COMMIT that counts, and on demand fails, takes its time by the clock, or waits for `go`."""

    def __init__(self) -> None:
        self.count = 0
        self.takes = 0.0
        self.fail_on: set[int] = set()
        self.clock = Clock()
        self.begun = threading.Event()
        self.go = threading.Event()
        self.go.set()

    def __call__(self, connection: sqlite3.Connection) -> None:
        self.count += 1
        self.begun.set()
        # In the thread of the event loop it would wait for ever: nobody could tell it to go.
        assert self.go.wait(10), "the COMMIT stops the event loop"
        self.clock.now += self.takes
        if self.count in self.fail_on:
            raise sqlite3.OperationalError("disk I/O error")
        connection.execute("COMMIT")

    async def under_way(self) -> None:
        """Wait until a COMMIT has begun, while the loop goes on."""
        while not self.begun.is_set():
            await asyncio.sleep(0)
        self.begun.clear()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "numbers.db"


@asynccontextmanager
async def opened(path: Path, commits: Commits, **options: Any) -> AsyncIterator[Writer]:
    connection = connect(path, 0)
    connection.execute("CREATE TABLE numbers (value INTEGER UNIQUE)")
    writer = Writer(connection, Damage(path), commit=commits, clock=commits.clock, **options)
    try:
        yield writer
    finally:
        await writer.close()
        connection.close()


async def turns(count: int = 10) -> None:
    """Let the event loop do whatever it has to do."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_calls_of_one_turn_share_one_commit(path: Path) -> None:
    commits = Commits()
    commits.takes = 0.25
    batches: list[tuple[float, int]] = []
    async with opened(
        path, commits, on_commit=lambda seconds, rows: batches.append((seconds, rows))
    ) as writer:
        assert await asyncio.gather(*(writer.call(insert(number)) for number in range(50))) == list(range(50))
        assert commits.count == 1
        await writer.call(insert(50))
        assert commits.count == 2
    assert [rows for _, rows in batches] == [50, 1]
    assert [seconds for seconds, _ in batches] == [0.25, 0.25]


@pytest.mark.parametrize("slow", [False, True])
async def test_futures_are_resolved_in_order_and_after_the_commit(path: Path, slow: bool) -> None:
    order: list[int] = []
    async with opened(path, Commits(), slow=slow) as writer:
        for number in range(5):
            future = writer.call(insert(number))
            future.add_done_callback(lambda done: order.append(len(stored(path)) * 10 + done.result()))
        await future
        await asyncio.sleep(0)
    assert order == [50, 51, 52, 53, 54]


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("fail_on", [set[int](), {1}, {1, 3}, {1, 2, 3}])
async def test_futures_are_resolved_in_order_when_some_fail(
    path: Path, slow: bool, fail_on: set[int]
) -> None:
    """By a COMMIT that fails, or because of what they do."""
    commits = Commits()
    commits.fail_on = fail_on
    order: list[int] = []
    async with opened(path, commits, slow=slow) as writer:

        def call(place: int, value: int) -> "asyncio.Future[int]":
            future = writer.call(insert(value))
            future.add_done_callback(lambda done: order.append(place))
            return future

        calls = [call(place, value) for place, value in enumerate((1, 2, 1, 3))]
        await asyncio.sleep(0)
        calls.append(call(4, 4))  # while the others are saved, or tried alone
        await asyncio.gather(*calls, return_exceptions=True)
    assert order == [0, 1, 2, 3, 4]


async def test_work_beyond_a_turn_goes_into_the_next_transaction(path: Path) -> None:
    commits = Commits()

    def slow(connection: sqlite3.Connection) -> None:
        commits.clock.now += 0.003
        connection.execute("INSERT INTO numbers DEFAULT VALUES")

    async with opened(path, commits, turn=0.005) as writer:
        await asyncio.gather(*(writer.call(slow) for _ in range(8)))
        assert commits.count == 4


async def test_a_failing_function_fails_alone(path: Path) -> None:
    async with opened(path, Commits()) as writer:
        calls = [writer.call(insert(number)) for number in (1, 2, 2, 3, 1, 4)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [isinstance(result, StoreError) for result in results] == [
            False,
            False,
            True,
            False,
            True,
            False,
        ]
        assert await writer.call(insert(5)) == 5
    assert stored(path) == [1, 2, 3, 4, 5]


async def test_a_mistake_in_a_function_is_not_disguised(path: Path) -> None:
    def mistaken(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO numbers (value) VALUES (7)")
        raise KeyError("mistake")

    async with opened(path, Commits()) as writer:
        with pytest.raises(KeyError):
            await writer.call(mistaken)
    assert stored(path) == []


@pytest.mark.parametrize("slow", [False, True])
async def test_a_failing_commit_is_tried_again_for_each(path: Path, slow: bool) -> None:
    commits = Commits()
    commits.fail_on = {1, 3}
    async with opened(path, commits, slow=slow) as writer:
        calls = [writer.call(insert(number)) for number in (1, 2, 3)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [isinstance(result, StoreError) for result in results] == [False, True, False]
        assert await writer.call(insert(2)) == 2
    assert stored(path) == [1, 3, 2]


async def test_a_call_cancelled_before_its_turn_does_nothing(path: Path) -> None:
    async with opened(path, Commits()) as writer:
        first, second = writer.call(insert(1)), writer.call(insert(2))
        first.cancel()
        assert await second == 2
    assert stored(path) == [2]


async def test_a_slow_commit_does_not_stop_the_loop(path: Path) -> None:
    commits = Commits()
    async with opened(path, commits, slow=True) as writer:
        commits.go.clear()
        call = writer.call(insert(1))
        await commits.under_way()
        assert not call.done()
        commits.go.set()
        assert await call == 1


async def test_futures_wait_for_a_slow_commit_and_calls_gather_meanwhile(path: Path) -> None:
    commits = Commits()
    async with opened(path, commits, slow=True) as writer:
        commits.go.clear()
        first = writer.call(insert(1))
        await commits.under_way()
        later = [writer.call(insert(number)) for number in (2, 3, 4)]
        await turns()
        assert stored(path) == []
        assert not first.done()
        commits.go.set()
        assert await first == 1
        assert not any(call.done() for call in later)
        await asyncio.gather(*later)
        assert commits.count == 2


async def test_commits_move_to_the_thread_and_back(path: Path) -> None:
    commits = Commits()
    async with opened(path, commits, slow_commit=0.03, calm_commits=3) as writer:
        commits.takes = 0.03
        await writer.call(insert(1))
        assert not writer.in_thread
        commits.takes = 0.031
        await writer.call(insert(2))
        assert writer.in_thread
        modes = []
        commits.takes = 0.03  # in the thread that counts as fast, too: it has to wait for the loop
        for number in range(3, 6):
            modes.append(writer.in_thread)
            await writer.call(insert(number))
        assert modes == [True, True, True]
        assert not writer.in_thread


async def test_a_slow_commit_in_the_thread_begins_the_count_anew(path: Path) -> None:
    commits = Commits()
    async with opened(path, commits, slow_commit=0.03, calm_commits=2, slow=True) as writer:
        modes = []
        for number, takes in enumerate((0.0, 0.1, 0.0, 0.0, 0.0)):
            commits.takes = takes
            await writer.call(insert(number))
            modes.append(writer.in_thread)
        assert modes == [True, True, True, False, False]


async def test_reading_does_not_count_as_a_fast_commit(path: Path) -> None:
    async with opened(path, Commits(), slow=True, calm_commits=1) as writer:
        assert await writer.call(lambda connection: connection.execute("SELECT 5").fetchone()) == (5,)
        assert writer.in_thread


async def test_a_held_writer_queues(path: Path) -> None:
    async with opened(path, Commits()) as writer:
        call = writer.call(insert(1))
        writer.hold()
        await turns()
        other = writer.call(insert(2))
        await turns()
        assert not call.done() and not other.done()
        writer.resume()
        assert (await call, await other) == (1, 2)


async def test_close_drains_and_then_refuses(path: Path) -> None:
    commits = Commits()
    async with opened(path, commits, slow=True) as writer:
        commits.go.clear()
        first = writer.call(insert(1))
        await commits.under_way()
        calls = [first, writer.call(insert(2))]
        closing = asyncio.create_task(writer.close())
        await turns()
        assert not closing.done()
        commits.go.set()
        await closing
        assert [call.result() for call in calls] == [1, 2]
        with pytest.raises(StoreError, match="closed"):
            writer.call(insert(3))
        await writer.close()  # once more does no harm


async def test_an_unfinished_transaction_is_rolled_back_first(path: Path) -> None:
    def left_open(connection: sqlite3.Connection) -> None:
        connection.execute("COMMIT")
        connection.execute("BEGIN")
        connection.execute("INSERT INTO numbers (value) VALUES (9)")
        raise sqlite3.OperationalError("gone")

    async with opened(path, Commits()) as writer:
        with pytest.raises(StoreError):
            await writer.call(left_open)
        assert await writer.call(insert(1)) == 1
    assert stored(path) == [1]
