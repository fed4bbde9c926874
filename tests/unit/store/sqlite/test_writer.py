"""smppbridge.store.sqlite.writer: one transaction per turn, failures that stay alone, slow disks."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from smppbridge.errors import StoreError
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


class Commits:
    """A COMMIT that counts, and fails or takes its time on demand."""

    def __init__(self) -> None:
        self.count = 0
        self.delay = 0.0
        self.fail_on: set[int] = set()

    def __call__(self, connection: sqlite3.Connection) -> None:
        self.count += 1
        time.sleep(self.delay)
        if self.count in self.fail_on:
            raise sqlite3.OperationalError("disk I/O error")
        connection.execute("COMMIT")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "numbers.db"


@asynccontextmanager
async def opened(path: Path, commits: Commits, **options: Any) -> AsyncIterator[Writer]:
    connection = connect(path, 0)
    connection.execute("CREATE TABLE numbers (value INTEGER UNIQUE)")
    writer = Writer(connection, commit=commits, **options)
    try:
        yield writer
    finally:
        await writer.close()
        connection.close()


async def test_calls_of_one_turn_share_one_commit(path: Path) -> None:
    commits = Commits()
    batches: list[tuple[float, int]] = []
    async with opened(
        path, commits, on_commit=lambda seconds, rows: batches.append((seconds, rows))
    ) as writer:
        assert await asyncio.gather(*(writer.call(insert(number)) for number in range(50))) == list(range(50))
        assert commits.count == 1
        await writer.call(insert(50))
        assert commits.count == 2
    assert [rows for _, rows in batches] == [50, 1]
    assert all(0 < seconds < 1 for seconds, _ in batches)


async def test_futures_are_resolved_in_order_and_after_the_commit(path: Path) -> None:
    order: list[int] = []
    async with opened(path, Commits()) as writer:
        for number in range(5):
            future = writer.call(insert(number))
            future.add_done_callback(lambda done: order.append(len(stored(path)) * 10 + done.result()))
        await future
        await asyncio.sleep(0)
    assert order == [50, 51, 52, 53, 54]


async def test_work_beyond_a_turn_goes_into_the_next_transaction(path: Path) -> None:
    def slow(connection: sqlite3.Connection) -> None:
        time.sleep(0.003)
        connection.execute("INSERT INTO numbers DEFAULT VALUES")

    commits = Commits()
    async with opened(path, commits, turn=0.005) as writer:
        await asyncio.gather(*(writer.call(slow) for _ in range(8)))
    assert 3 <= commits.count <= 8


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
        commits.delay = 0.2
        call = writer.call(insert(1))
        gaps = sorted(await gaps_until(call))
        assert gaps[len(gaps) * 9 // 10] < 0.02
        assert gaps[-1] < 0.1  # on a busy machine a single one may be longer, but none as long as the COMMIT
        assert call.result() == 1


async def gaps_until(call: "asyncio.Future[int]") -> list[float]:
    """Seconds between the ticks of a loop that waits for ``call``."""
    gaps = []
    last = time.perf_counter()
    while not call.done():
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        gaps.append(now - last)
        last = now
    return gaps


async def test_futures_wait_for_a_slow_commit_and_calls_gather_meanwhile(path: Path) -> None:
    commits = Commits()
    commits.delay = 0.05
    async with opened(path, commits, slow=True) as writer:
        first = writer.call(insert(1))
        await asyncio.sleep(0.01)
        later = [writer.call(insert(number)) for number in (2, 3, 4)]
        await asyncio.sleep(0.01)
        assert stored(path) == []
        assert not first.done()
        assert await first == 1
        assert not any(call.done() for call in later)
        await asyncio.gather(*later)
        assert commits.count == 2


async def test_commits_move_to_the_thread_and_back(path: Path) -> None:
    commits = Commits()
    async with opened(path, commits, slow_commit=0.03, calm_commits=3) as writer:
        await writer.call(insert(1))
        assert not writer.in_thread
        commits.delay = 0.05
        await writer.call(insert(2))
        assert writer.in_thread
        commits.delay = 0.0
        modes = []
        for number in range(3, 6):
            modes.append(writer.in_thread)
            await writer.call(insert(number))
        assert modes == [True, True, True]
        assert not writer.in_thread


async def test_reading_does_not_count_as_a_fast_commit(path: Path) -> None:
    async with opened(path, Commits(), slow=True, calm_commits=1) as writer:
        assert await writer.call(lambda connection: connection.execute("SELECT 5").fetchone()) == (5,)
        assert writer.in_thread


async def test_a_held_writer_queues(path: Path) -> None:
    async with opened(path, Commits()) as writer:
        call = writer.call(insert(1))
        writer.hold()
        await asyncio.sleep(0.02)
        other = writer.call(insert(2))
        await asyncio.sleep(0.02)
        assert not call.done() and not other.done()
        writer.resume()
        assert (await call, await other) == (1, 2)


async def test_close_drains_and_then_refuses(path: Path) -> None:
    commits = Commits()
    commits.delay = 0.03
    async with opened(path, commits, slow=True) as writer:
        first = writer.call(insert(1))
        await asyncio.sleep(0.01)
        calls = [first, writer.call(insert(2))]
        await writer.close()
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
