"""Keeps the write-ahead log short: moves its pages into the database beside the work.

SQLite begins its log anew only when every page of it is in the database and nobody reads it. Under load that
never happens by itself. So there are two steps, both in a thread, on a connection of their own:

1. PASSIVE, whenever enough pages wait. It disturbs nobody.
2. RESTART, once the log is long and PASSIVE has left little. Meanwhile the writer begins no transaction: its
   calls queue, and the event loop goes on.

RESTART and not TRUNCATE, because to write over the old log costs half an fsync of growing a new one.
"""

import asyncio
import logging
import os
import sqlite3
import struct
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

from smppbridge.store.sqlite.database import store_error

log = logging.getLogger(__name__)

NICENESS = 5  # of the thread: a quarter of a core when the loop wants all of it


class WalIndex:
    """How long the log is, read from the header of the -shm file (SQLite: "WAL-mode File Format", §2.1).

    The size of the -wal file does not tell: it stays as it is when the log begins anew.
    """

    _LENGTH, _BACKFILLED = 16, 96  # offsets of mxFrame and nBackfill, native 32-bit integers

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(f"{path}-shm", os.O_RDONLY | os.O_CLOEXEC)

    def read(self) -> tuple[int, int]:
        """(pages in the log, pages of these that are not in the database yet)."""
        length: int = struct.unpack("=I", os.pread(self._descriptor, 4, self._LENGTH))[0]
        backfilled: int = struct.unpack("=I", os.pread(self._descriptor, 4, self._BACKFILLED))[0]
        return length, max(0, length - backfilled)

    def close(self) -> None:
        """Close it, after every connection is closed: closing any descriptor of a file drops all POSIX locks
        that this process has on the file, those of SQLite too."""
        os.close(self._descriptor)


def _step_back() -> None:
    """Leave the event loop most of a core that it shares with this thread (Linux: nice is per thread)."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


class Checkpointer:
    """Looks at the log after each COMMIT (`look`), and starts the step that is due. On the event loop."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        wal: WalIndex,
        hold: Callable[[], None],
        resume: Callable[[], None],
        *,
        passive_pages: int,
        restart_pages: int,
    ) -> None:
        """``hold`` and ``resume`` are those of the writer. PASSIVE runs when ``passive_pages`` wait, RESTART
        when the log has ``restart_pages``. At one and a half times that, writing waits for the checkpoint."""
        self._connection = connection
        self._wal = wal
        self._hold = hold
        self._resume = resume
        self._passive_pages = passive_pages
        self._restart_pages = restart_pages
        self._passive_at = passive_pages
        self._restart_at = restart_pages
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-checkpoint", initializer=_step_back)
        self._running: asyncio.Future[bool] | None = None
        self._waited = 0  # pages that waited when the last checkpoint began
        self._held = False
        self._closed = False

    def look(self) -> None:
        """Start a checkpoint if it is due, and hold the writer if it outruns a checkpoint under way."""
        length, waiting = self._wal.read()
        if self._closed or not waiting:
            return  # nothing waits: the next write begins the log anew by itself
        if not self._held and length >= self._restart_at + self._restart_at // 2:
            self._held = True
            self._hold()
        if self._running is None and (waiting >= self._passive_at or length >= self._restart_at):
            self._start("PASSIVE")

    async def close(self) -> None:
        """Wait for the step under way, and start nothing more."""
        self._closed = True
        if self._running is not None:
            await asyncio.wait([self._running])
        self._thread.shutdown()

    def _start(self, mode: str) -> None:
        _, self._waited = self._wal.read()
        self._running = self._loop.run_in_executor(self._thread, self._checkpoint, mode)
        self._running.add_done_callback(partial(self._ended, mode))

    def _checkpoint(self, mode: str) -> bool:
        """Run a checkpoint, in the thread; whether it was complete."""
        busy, _, _ = self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        return not busy

    def _ended(self, mode: str, done: "asyncio.Future[bool]") -> None:
        self._running = None
        error = done.exception()
        complete = error is None and done.result()
        if error is not None:
            log.warning("checkpoint: %s", store_error(error) if isinstance(error, sqlite3.Error) else error)
        length, waiting = self._wal.read()
        if (
            mode == "PASSIVE"
            and error is None
            and waiting
            and not self._closed
            and length >= self._restart_at
        ):
            # Too much came in meanwhile for a short pause: once more, as long as that makes it less.
            if not self._held and self._passive_pages // 4 < waiting <= self._waited // 2:
                self._start("PASSIVE")
            else:
                self._restart()
            return
        # After a failure (a reader in the way, a full disk) the log grows a little before the next attempt.
        self._passive_at = waiting + self._passive_pages
        self._restart_at = max(self._restart_pages, 0 if complete else length + self._passive_pages)
        if self._held:
            self._held = False
            self._resume()

    def _restart(self) -> None:
        if not self._held:
            self._held = True
            self._hold()
        self._start("RESTART")
