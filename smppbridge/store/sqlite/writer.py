"""Group commit: everything asked of the database within one turn of the event loop shares one fsync.

A verb of the store is a function of a connection. `Writer.call` queues it. Once per turn the queue runs in
one transaction, and after COMMIT the futures are resolved in the order of the calls (see `store.base`).

The functions run on the thread of the event loop, because sqlite3 takes the GIL again for every row and
starves beside a busy loop. Only the COMMIT goes to a thread, and only while the disk is slow: it waits for
the disk without the GIL.
"""

import asyncio
import logging
import sqlite3
import sys
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import perf_counter
from typing import Any, TypeVar

from smppbridge.errors import StoreError
from smppbridge.store.sqlite.damage import Damage
from smppbridge.store.sqlite.database import store_error

T = TypeVar("T")

SLOW_COMMIT = 0.005  # seconds; a longer COMMIT would be felt by everything else on the loop
CALM_COMMITS = 100  # so many fast ones in the thread before the loop does them again
TURN = 0.020  # seconds of work in one transaction before the loop gets its turn

log = logging.getLogger(__name__)


def commit(connection: sqlite3.Connection) -> None:
    """The COMMIT. Tests hand in slower ones."""
    connection.execute("COMMIT")


class _Job:
    """A queued function, its future, and whether it has to run in a transaction of its own."""

    __slots__ = ("alone", "future", "result", "work")

    def __init__(self, work: Callable[[sqlite3.Connection], Any], future: asyncio.Future[Any]) -> None:
        self.work = work
        self.future = future
        self.result: Any = None
        self.alone = False


class Writer:
    """Owns the writing connection of an open database. Made and used on one event loop."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        damage: Damage,
        *,
        commit: Callable[[sqlite3.Connection], None] = commit,
        on_commit: Callable[[float, int], None] = lambda seconds, rows: None,
        slow: bool = False,
        slow_commit: float = SLOW_COMMIT,
        calm_commits: int = CALM_COMMITS,
        turn: float = TURN,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        """``on_commit(seconds, rows)`` and the attribute ``after_commit()`` are called after each COMMIT that
        changed rows.
        ``damage`` hears of errors.
        ``slow``: the disk was found to be slow already. Times, and those of ``clock``, are in seconds."""
        self._connection = connection
        self._damage = damage
        self._commit = commit
        self._on_commit = on_commit
        self.after_commit: Callable[[], None] = lambda: None
        self._slow_commit = slow_commit
        self._calm_commits = calm_commits
        self._turn = turn
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-commit")
        self._queue: deque[_Job] = deque()
        self._scheduled = False
        self._committing = False
        self._held = False
        self._closed = False
        self._calm_left = calm_commits if slow else 0
        self._changes = 0

    @property
    def in_thread(self) -> bool:
        """Whether COMMITs go to the thread at the moment."""
        return self._calm_left > 0

    def call(self, work: Callable[[sqlite3.Connection], T]) -> "asyncio.Future[T]":
        """Run ``work`` in a transaction soon. The future has its result when the transaction is on disk.

        1. Where SQLite refuses something, the future gets StoreError, and nothing of ``work`` has happened.
        2. A future that is cancelled before its turn takes its work out of the queue.
        3. Raises StoreError when the writer is closed.
        """
        if self._closed:
            raise StoreError("the store is closed")
        return self._put(work)

    def hold(self) -> None:
        """Begin no further transaction until `resume`. A COMMIT under way goes on."""
        self._held = True

    def resume(self) -> None:
        """End `hold`."""
        self._held = False
        self._schedule()

    async def close(self) -> None:
        """Take no more work, and wait for what is queued. The connection stays open for its owner."""
        if self._closed:
            return
        self._closed = True
        last = self._put(lambda connection: None)
        await asyncio.wait([last])  # its failure was told to all who were waiting with it
        if not last.cancelled():
            last.exception()
        self._thread.shutdown()

    def _put(self, work: Callable[[sqlite3.Connection], T]) -> "asyncio.Future[T]":
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.append(_Job(work, future))
        if not self._scheduled:
            self._schedule()
        return future

    def _schedule(self) -> None:
        if self._queue and not (self._scheduled or self._committing or self._held):
            self._scheduled = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """One transaction over what is queued."""
        self._scheduled = False
        if self._committing or self._held:
            return  # its end schedules the next one
        batch = self._run()
        if not batch:
            self._schedule()
        elif self.in_thread:
            self._committing = True
            done = self._loop.run_in_executor(self._thread, self._timed_commit)
            done.add_done_callback(partial(self._thread_done, batch))
        else:
            try:
                seconds = self._timed_commit()
            except Exception as error:
                self._undo(batch, error)
            else:
                self._done(batch, seconds)

    def _run(self) -> list[_Job]:
        """Begin a transaction and run queued functions for up to a turn; [] if there is nothing to commit."""
        batch: list[_Job] = []
        try:
            self._begin()
        except sqlite3.Error as error:
            # Locked, read-only, gone: it would be the same for each of them.
            self._fail(list(self._queue), error)
            self._queue.clear()
            return []
        ends = self._clock() + self._turn
        try:
            while self._queue and not (batch and self._queue[0].alone):
                job = self._queue.popleft()
                if job.future.done():
                    continue  # cancelled before its turn
                batch.append(job)
                job.result = job.work(self._connection)
                if job.alone or self._clock() > ends:
                    break
        except Exception as error:
            self._undo(batch, error)
            return []
        if not batch:
            self._rollback()
        return batch

    def _begin(self) -> None:
        self._rollback()  # nothing to do, unless an earlier ROLLBACK failed as well
        self._changes = self._connection.total_changes
        self._connection.execute("BEGIN IMMEDIATE")

    def _timed_commit(self) -> float:
        start = self._clock()
        self._commit(self._connection)
        return self._clock() - start

    def _thread_done(self, batch: list[_Job], done: "asyncio.Future[float]") -> None:
        self._committing = False
        error = done.exception()
        if error is None:
            self._done(batch, done.result())
        else:
            self._undo(batch, error)

    def _done(self, batch: list[_Job], seconds: float) -> None:
        """The batch is on disk: tell everyone."""
        rows = self._connection.total_changes - self._changes
        for job in batch:
            if not job.future.done():
                job.future.set_result(job.result)
        if rows:
            self._judge(seconds)
            self._on_commit(seconds, rows)
            self.after_commit()
        self._schedule()

    def _judge(self, seconds: float) -> None:
        """Choose where the next COMMIT runs."""
        if not self.in_thread:
            if seconds > self._slow_commit:
                log.info("commit took %.0f ms: commits go to a thread", seconds * 1000)
                self._calm_left = self._calm_commits
            return
        # Beside a busy loop the thread waits up to one switch interval to say that it is done.
        fast = seconds < self._slow_commit + sys.getswitchinterval()
        self._calm_left = self._calm_left - 1 if fast else self._calm_commits

    def _undo(self, batch: list[_Job], error: BaseException) -> None:
        """Nothing of the batch has happened. A batch of one fails. In a larger batch any function may be to
        blame, so each tries again alone."""
        self._rollback()
        if len(batch) == 1:
            self._fail(batch, error)
        else:
            for job in batch:
                job.alone = True
            self._queue.extendleft(reversed(batch))
        self._schedule()

    def _rollback(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            log.error("rollback failed: %s", store_error(error))

    def _fail(self, jobs: list[_Job], error: BaseException) -> None:
        """Give each future an exception of its own: a shared one would collect all their tracebacks."""
        self._damage.note(error)
        for job in jobs:
            if job.future.done():
                continue
            # ValueError and OverflowError: a value that has no form in SQLite. Others are mistakes in `work`.
            if isinstance(error, sqlite3.Error | ValueError | OverflowError):
                translated: BaseException = store_error(error)
                translated.__cause__ = error
            else:
                translated = error
            job.future.set_exception(translated)
