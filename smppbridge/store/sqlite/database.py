"""The SQLite file: how it is opened, its lock, its migrations, and what its errors mean to the operator.

Everything here blocks. `SqliteStore.open` runs it in a thread.
"""

import fcntl
import os
import sqlite3
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from smppbridge.errors import StoreError

APPLICATION_ID = 0x534D5042
OLDEST_SQLITE = (3, 37, 0)  # RETURNING (3.35) and STRICT tables (3.37)

WAY_OUT = (
    'look with "smppbridge store check -c FILE", save what is whole with "smppbridge store salvage -c FILE '
    'NEWFILE", or put a backup in its place'
)

_ADVICE = {
    sqlite3.SQLITE_BUSY: "another program holds the database locked; end it",
    sqlite3.SQLITE_LOCKED: "another program holds the database locked; end it",
    sqlite3.SQLITE_READONLY: "the database is read-only; make the file and its directory writable",
    sqlite3.SQLITE_FULL: "no space left for the database; free some on its disk",
    sqlite3.SQLITE_IOERR: "the disk does not read or write; look into the system log",
    sqlite3.SQLITE_CORRUPT: f"the database is damaged: {WAY_OUT}",
    sqlite3.SQLITE_NOTADB: (
        "the file is not a database of smppbridge: give another path, or, where its beginning is damaged, "
        + WAY_OUT
    ),
    sqlite3.SQLITE_INTERRUPT: "the database took too long to answer",
    sqlite3.SQLITE_CANTOPEN: "the database cannot be opened; check its path and permissions",
    sqlite3.SQLITE_CONSTRAINT: "a row with the same key is stored already",
}
# What calls of sqlite3 raise. It cannot even tell of a damaged schema whose text is no UTF-8 any more.
DATABASE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
_PRIMARY_CODE = 0xFF  # extended result codes carry the primary one in their low octet


def store_error(error: Exception) -> StoreError:
    """The StoreError for an exception of sqlite3, or of binding a value. What to do comes first, then what
    SQLite said."""
    advice = _ADVICE.get(primary_code(error))
    return StoreError(f"{advice} ({error})" if advice else f"the database refused: {error}")


def primary_code(error: Exception) -> int:
    """The result code of SQLite in an exception, without what extends it; -1 where there is none."""
    if isinstance(error, UnicodeDecodeError):
        return sqlite3.SQLITE_CORRUPT
    code = getattr(error, "sqlite_errorcode", None)
    return code & _PRIMARY_CODE if isinstance(code, int) else -1


class FileLock:
    """A lock file beside the database, for one process at a time. The system drops the lock when the process
    dies."""

    def __init__(self, path: Path) -> None:
        """Take the lock. Raises StoreError when another process has it or the file cannot be made."""
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"cannot write beside the database: {path}: {error.strerror}") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise StoreError(
                f"another smppbridge is running on this database ({path}); stop it first"
            ) from error

    def release(self) -> None:
        """Let go. The file stays: deleting it could take the lock from a process that just opened it."""
        os.close(self._descriptor)


def connect(path: Path, wal_limit: int) -> sqlite3.Connection:
    """A connection that may write. It begins no transaction by itself, and waits for no lock.

    ``wal_limit``: the size in octets to which SQLite cuts a write-ahead log that had to grow beyond it.
    """
    # One connection serves the loop and, for a slow COMMIT, one thread: never both at a time.
    connection = sqlite3.connect(
        path, timeout=0, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    try:
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise StoreError(
                f"{path}: the file system does not allow a write-ahead log (journal_mode {mode})"
            )
        for pragma in (
            "synchronous = FULL",
            "wal_autocheckpoint = 0",  # `Checkpointer` does it, beside the loop
            f"journal_size_limit = {wal_limit}",
            "cache_size = -32768",
            "mmap_size = 0",
            "temp_store = MEMORY",
            "secure_delete = OFF",
        ):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads. One thread at a time may use it."""
    # SQLite makes files beside the database even to read it. Where it cannot, on a disk that the system has
    # made read-only, say, nobody writes to the database either.
    unchanging = not os.access(path.parent, os.W_OK) and not Path(f"{path}-wal").exists()
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if unchanging else ''}",
        uri=True,
        timeout=1,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def check_path(path: Path) -> None:
    """Raise StoreError with a reason where sqlite3 would only say "unable to open database file"."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old; 3.37 or later is needed")
    if not path.parent.is_dir():
        raise StoreError(f"the directory {path.parent} does not exist; create it")
    if path.is_dir():
        raise StoreError(f"{path} is a directory; the database is a file")


def make_private(path: Path) -> None:
    """Create the file if it is missing, for its owner only: it holds what people write to each other.

    Call it under the lock and before any connection, because closing a descriptor drops all locks that this
    process has on the file. Raises StoreError when the file cannot be written.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(f"cannot write the database: {path}: {error.strerror}") from error


def migrate(connection: sqlite3.Connection, path: Path, newest: int | None = None) -> None:
    """Bring the schema up to date, or to version ``newest``: each numbered file in ``migrations/`` in a
    transaction of its own.

    Raises StoreError for a file of another program, or of a newer smppbridge.
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    ours = connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    if not ours and connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise StoreError(f"{path} is a database of another program; give another path")
    scripts = _migrations()
    if version > len(scripts):
        raise StoreError(
            f"{path} has schema {version} of a newer smppbridge (known: {len(scripts)}); upgrade"
        )
    for number, script in enumerate(scripts[version:newest], start=version + 1):
        text = script.read_text(encoding="utf-8")
        try:
            connection.executescript(f"BEGIN IMMEDIATE;\n{text}\nPRAGMA user_version = {number};\nCOMMIT;")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def newest_version() -> int:
    """The version of the schema that this program knows."""
    return len(_migrations())


def _migrations() -> list[Traversable]:
    folder = files("smppbridge.store.sqlite").joinpath("migrations")
    return sorted(
        (item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda item: item.name
    )
