"""The connections to one database, with its lock and its log: opened and closed in one order.

Everything here blocks and is called in a thread.
"""

import logging
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median
from time import monotonic, perf_counter
from typing import TypeVar

from smppbridge.errors import StoreError
from smppbridge.logs import event
from smppbridge.store.results import Backlog
from smppbridge.store.sqlite import views
from smppbridge.store.sqlite.checkpoint import WalIndex
from smppbridge.store.sqlite.damage import CLEAN, Damage, refuse_damaged
from smppbridge.store.sqlite.database import (
    DATABASE_ERRORS,
    FileLock,
    check_path,
    connect,
    connect_reader,
    make_private,
    migrate,
    store_error,
)

T = TypeVar("T")

log = logging.getLogger(__name__)

TRIAL_COMMITS = 3
READ_SECONDS = 30.0  # for a question beside the work: while it lasts, the log cannot begin anew
# Of SQLite's machine between two looks at the clock: each of them waits for the loop's thread.
_STEPS = 100_000


def touch(connection: sqlite3.Connection) -> None:
    """The smallest write there is."""
    connection.execute(
        "INSERT INTO counters (name, value) VALUES ('probe', 1) ON CONFLICT DO UPDATE SET value = value + 1"
    )


class Connections:
    """The connections of a store. The attributes exist after `open`."""

    writer: sqlite3.Connection
    checkpointer: sqlite3.Connection
    wal: WalIndex

    def __init__(self, path: Path, wal_limit: int, wal_usual: int) -> None:
        """``wal_limit``: octets that the file of the log may keep; ``wal_usual``: its usual octets."""
        self._path = path
        self._wal_limit = wal_limit
        self._wal_usual = wal_usual
        self._closers: list[Callable[[], None]] = []
        self.damage = Damage(path)

    def open(self, commit: Callable[[sqlite3.Connection], None]) -> tuple[Backlog, float]:
        """Lock, examine, connect, migrate and recover: (what is in the store, seconds that a small COMMIT
        takes here).

        Raises StoreError with what to do. Everything is closed again then, and a damaged file is as it was.
        """
        try:
            check_path(self._path)
            self._closers.append(FileLock(self._path.with_name(self._path.name + ".lock")).release)
            make_private(self._path)
            self._examine()
            self.writer = self._connect()
            migrate(self.writer, self._path)
            views.recover(self.writer)
            self._closers.append(self._mark_clean)
            self._lay_out_log()
            trial = self._trial(commit)
            # Closed before the writer: its close is the last one, which moves the log into the database.
            self.checkpointer = self._connect()
            # RESTART waits so long (ms) for a reader to end.
            self.checkpointer.execute("PRAGMA busy_timeout = 200")
            self.wal = WalIndex(self._path)
            self._closers.insert(1, self.wal.close)
            return views.backlog(self.writer), trial
        except BaseException as error:
            self.close()
            if isinstance(error, DATABASE_ERRORS):
                raise store_error(error) from error
            raise

    def close(self) -> None:
        """Close all of it in the reverse order of opening, but for what the comments above ask."""
        while self._closers:
            self._closers.pop()()

    def read(
        self, view: Callable[[sqlite3.Connection], T], connection: sqlite3.Connection | None = None
    ) -> T:
        """The result of ``view`` on a read-only connection, which is closed then: that of a `snapshot`, else
        a new one. Raises StoreError, also when it takes longer than READ_SECONDS."""
        ends = monotonic() + READ_SECONDS
        try:
            connection = connection or connect_reader(self._path)
            connection.set_progress_handler(lambda: monotonic() > ends, _STEPS)
            try:
                return view(connection)
            finally:
                connection.close()
        except sqlite3.Error as error:
            self.damage.note(error)
            raise store_error(error) from error

    def snapshot(self) -> sqlite3.Connection:
        """A connection for `read` that sees what is committed now, whatever is committed until then. This
        takes a millisecond, and may be called on the event loop. Raises StoreError."""
        connection: sqlite3.Connection | None = None
        try:
            connection = connect_reader(self._path)
            connection.execute("BEGIN")
            connection.execute("SELECT EXISTS (SELECT 1 FROM messages)").fetchone()  # a BEGIN reads nothing
        except sqlite3.Error as error:
            if connection is not None:
                connection.close()
            self.damage.note(error)
            raise store_error(error) from error
        return connection

    def probe(self, connection: sqlite3.Connection) -> None:
        """Write one small thing. Raises StoreError when damage was met since the start: other pages than this
        one may be whole."""
        if self.damage.found:
            raise StoreError(self.damage.found)
        touch(connection)

    def _examine(self) -> None:
        if not refuse_damaged(self._path):
            event(
                log,
                logging.WARNING,
                "the last stop was not clean, and the database is too large to be examined at the start",
                file=self._path,
                way_out='"smppbridge store check -c FILE" examines it beside the running bridge',
            )

    def _mark_clean(self) -> None:
        """Spare the next start a long look. `views.recover` takes the mark away."""
        if not self.damage.found:
            with suppress(sqlite3.Error):  # a full disk, say: then the next start looks
                self.writer.execute("INSERT OR REPLACE INTO counters (name, value) VALUES (?, 1)", (CLEAN,))

    def _connect(self) -> sqlite3.Connection:
        connection = connect(self._path, self._wal_limit)
        self._closers.append(connection.close)
        return connection

    def _lay_out_log(self) -> None:
        """Make the file of the log as long as it mostly is: a COMMIT that overwrites blocks takes half the
        time of a COMMIT that makes the file grow. SQLite reads nothing behind the last frame, because it has
        neither the salt of the log nor a checksum (SQLite: "WAL-mode File Format", §4.3)."""
        with self._path.with_name(self._path.name + "-wal").open("r+b") as log:
            missing = self._wal_usual - log.seek(0, os.SEEK_END)
            try:
                log.write(bytes(max(0, missing)))
                log.flush()
                os.fsync(log.fileno())
            except OSError:
                pass  # no room: whether it is enough for the work, the first COMMIT will tell

    def _trial(self, commit: Callable[[sqlite3.Connection], None]) -> float:
        seconds = []
        for _ in range(TRIAL_COMMITS):
            self.writer.execute("BEGIN IMMEDIATE")
            touch(self.writer)
            start = perf_counter()
            commit(self.writer)
            seconds.append(perf_counter() - start)
        return median(seconds)
