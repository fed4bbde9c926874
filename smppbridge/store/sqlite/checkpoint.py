"""Keeps the write-ahead log short: moves its pages into the database beside the work.

SQLite begins its log anew only when every page of it is in the database and nobody reads it. Under load that
never happens by itself. So there are two steps, both in a thread, on a connection of their own:

1. PASSIVE, whenever enough pages wait. It disturbs nobody.
2. RESTART, once the log is long and PASSIVE has left little. Meanwhile the writer begins no transaction: its
   calls queue, and the event loop goes on.

RESTART and not TRUNCATE, because to write over the old log costs half an fsync of growing a new one.

Whoever reads the database for long, from outside or from within, is in the way of both: the log grows as long
as that lasts. Nothing can be done about it but to say so, to go on trying without holding up the writer, and
to give the room back afterwards (TRUNCATE).
"""

import asyncio
import logging
import os
import shutil
import sqlite3
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

from smppbridge.logs import Complaints, event
from smppbridge.store.results import Files
from smppbridge.store.sqlite.database import store_error
from smppbridge.store.sqlite.writer import Writer

log = logging.getLogger(__name__)

PASSIVE_PAGES = 4_000  # 16 MB of log not yet in the database: move them
RESTART_PAGES = 32_000  # 128 MB of log: begin it anew
LOG_PAGE = 4096 + 24  # octets of a page with its header in the log
NICENESS = 5  # of the thread: a quarter of a core when the loop wants all of it
RETRY = 2.0  # seconds until the next look whether a reader is still in the way
LONG = 10.0  # seconds that a reader may be in the way before anything is said
_SHM_READERS = range(123, 128)  # octets of the -shm file that readers lock ("WAL-mode File Format", §2.3.1)


class WalIndex:
    """How long the log is, read from the header of the -shm file (SQLite: "WAL-mode File Format", §2.1).

    The size of the -wal file does not tell: it stays as it is when the log begins anew.
    """

    _LENGTH, _BACKFILLED = 16, 96  # offsets of mxFrame and nBackfill, native 32-bit integers

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(f"{path}-shm", os.O_RDONLY | os.O_CLOEXEC)

    def read(self) -> tuple[int, int]:
        """(pages in the log, pages of these that are not in the database yet)."""
        length: int = struct.unpack("=I", os.pread(self._descriptor, 4, self._LENGTH))[0]
        backfilled: int = struct.unpack("=I", os.pread(self._descriptor, 4, self._BACKFILLED))[0]
        return length, max(0, length - backfilled)

    def octets(self) -> int:
        """The size of the file of the log; 0 when somebody took it away."""
        with suppress(OSError):
            return Path(f"{self.path}-wal").stat().st_size
        return 0

    def readers(self) -> str:
        """The programs that read the database at the moment, as far as the system tells (Linux)."""
        shm = os.fstat(self._descriptor)
        inode = f"{os.major(shm.st_dev):02x}:{os.minor(shm.st_dev):02x}:{shm.st_ino}"
        found: set[str] = set()
        with suppress(OSError, ValueError):
            for line in Path("/proc/locks").read_text("ascii").splitlines():
                fields = line.split()
                if len(fields) == 8 and fields[5] == inode and int(fields[6]) in _SHM_READERS:
                    found.add(_program(int(fields[4])))
        return ", ".join(sorted(found))

    def close(self) -> None:
        """Close it, after every connection is closed: closing any descriptor of a file drops all POSIX locks
        that this process has on the file, those of SQLite too."""
        os.close(self._descriptor)


def _program(pid: int) -> str:
    """What a process is called."""
    if pid == os.getpid():
        return "this bridge"
    with suppress(OSError):
        return f"{Path(f'/proc/{pid}/comm').read_text('utf-8', 'replace').strip()} (pid {pid})"
    return f"pid {pid}"


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
        writer: Writer,
        *,
        passive_pages: int,
        restart_pages: int,
    ) -> None:
        """``writer`` is held for RESTART. PASSIVE runs when ``passive_pages`` wait, RESTART when the log has
        ``restart_pages``. At one and a half times that, writing waits for the checkpoint."""
        self._connection = connection
        self._wal = wal
        self._writer = writer
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
        self._in_the_way: float | None = None  # since when (time of the loop) a reader has been in the way
        self._retry: asyncio.TimerHandle | None = None
        self._said = False
        self._complain = Complaints(log)

    def files(self) -> Files:
        """What is on the disk, and what is in the way."""
        held_up = 0.0 if self._in_the_way is None else self._loop.time() - self._in_the_way
        return Files(self._wal.octets(), held_up, shutil.disk_usage(self._wal.path.parent).free)

    def look(self) -> None:
        """Start a checkpoint if it is due, and hold the writer if it outruns a checkpoint under way."""
        length, waiting = self._wal.read()
        if self._closed or not waiting:
            return  # nothing waits: the next write begins the log anew by itself
        if self._in_the_way is not None:  # the timer tries, too: no load may be there to do so
            if self._running is None and waiting >= self._passive_at:
                self._start("PASSIVE")
            return
        if not self._held and length >= self._restart_at + self._restart_at // 2:
            self._held = True
            self._writer.hold()
        if self._running is None and (waiting >= self._passive_at or length >= self._restart_at):
            self._start("PASSIVE")

    async def close(self) -> None:
        """Wait for the step under way, and start nothing more."""
        self._closed = True
        if self._retry is not None:
            self._retry.cancel()
        if self._running is not None:
            await asyncio.wait([self._running])
        self._thread.shutdown()

    def _start(self, mode: str) -> None:
        if self._retry is not None:
            self._retry.cancel()
        _, self._waited = self._wal.read()
        self._running = self._loop.run_in_executor(self._thread, self._checkpoint, mode)
        self._running.add_done_callback(partial(self._ended, mode))

    def _checkpoint(self, mode: str) -> bool:
        """Run a checkpoint, in the thread; whether all that was in the log at its start was moved."""
        busy, length, moved = self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        return not busy and moved >= length

    def _ended(self, mode: str, done: "asyncio.Future[bool]") -> None:
        self._running = None
        error = done.exception()
        complete = error is None and done.result()
        if error is not None:
            log.warning("checkpoint: %s", store_error(error) if isinstance(error, sqlite3.Error) else error)
        length, waiting = self._wal.read()
        if mode == "PASSIVE" and complete and not self._closed and self._is_long(length, waiting):
            # Too much came in meanwhile for a short pause: once more, as long as that makes it less.
            if not self._held and self._passive_pages // 4 < waiting <= self._waited // 2:
                self._start("PASSIVE")
            else:
                self._restart()
            return
        if complete:
            self._way_is_free()
        elif not self._closed and (error is None or self._in_the_way is not None):
            self._find_reader()
        # After a failure (a full disk) the log grows a little before the next attempt.
        self._passive_at = waiting + self._passive_pages
        self._restart_at = max(self._restart_pages, 0 if complete else length + self._passive_pages)
        if self._held:
            self._held = False
            self._writer.resume()

    def _is_long(self, length: int, waiting: int) -> bool:
        """Whether the log is to begin anew. With nothing waiting it does so by itself, at the next write."""
        was_held_up = self._in_the_way is not None and length >= self._restart_pages
        return was_held_up or (waiting > 0 and length >= self._restart_at)

    def _restart(self) -> None:
        if not self._held:
            self._held = True
            self._writer.hold()
        grown = self._wal.octets() > 2 * self._restart_pages * LOG_PAGE
        self._start("TRUNCATE" if grown else "RESTART")

    # --- readers in the way ------------------------------------------------------------------------

    def _find_reader(self) -> None:
        """A reader needs what is in the log: look again soon, and say so when it lasts."""
        now = self._loop.time()
        if self._in_the_way is None:
            self._in_the_way = now
        self._retry = self._loop.call_later(RETRY, self._try_again)
        if now - self._in_the_way < LONG:
            return
        self._said = True
        self._complain(
            now,
            "the write-ahead log grows: a program has been reading the database for long; end it",
            "",
            file=self._wal.path,
            megabytes=self._wal.octets() // 1_000_000,
            seconds=round(now - self._in_the_way),
            readers=self._wal.readers(),
        )

    def _try_again(self) -> None:
        self._retry = None
        if self._running is None and not self._closed:
            self._start("PASSIVE")

    def _way_is_free(self) -> None:
        if self._said:
            megabytes = self._wal.octets() // 1_000_000
            event(log, logging.INFO, "the write-ahead log is short again", megabytes=megabytes)
        self._in_the_way = None
        self._said = False
