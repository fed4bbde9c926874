"""Saves what is whole of a damaged database into a new one.

SQLite stops at the first damaged page. So rows are read from the octets of the pages themselves (`pages`),
around those that are damaged and around every index. Rows below a damaged inner page of a table are found by
their looks: by how many columns of which type they have. What is in the log and not in the database yet is
read, too, from a copy. The damaged files are never written.

Afterwards the rows are made to fit together: what belongs to a message that is lost goes, and parts of a long
message that can never be joined end as undeliverable.
"""

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from smppbridge.errors import StoreError
from smppbridge.model.message import Outcome, Stage, State
from smppbridge.store.sqlite import settling
from smppbridge.store.sqlite.database import (
    DATABASE_ERRORS,
    FileLock,
    connect,
    migrate,
    newest_version,
    store_error,
)
from smppbridge.store.sqlite.pages import Cell, Hole, Leaf, Pages
from smppbridge.store.sqlite.rows import placeholders

BATCH = 5_000  # rows of one transaction
LOST_PARTS = 241  # err of receipts for parts that can never be joined, as when parts are missing

_STAGES = frozenset(map(int, Stage))
_TABLES = """
SELECT name, wr FROM pragma_table_list
WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"""
_TYPES = {"INTEGER": int, "TEXT": str, "BLOB": bytes}
# Of a message that is lost: nobody can be told anything about it.
_DEPENDENT = ("receipts", "attempts", "message_parts", "alerts")
_ORPHANED = "DELETE FROM {} WHERE message_id NOT IN (SELECT id FROM messages)"
_JOINS = (
    "DELETE FROM joins WHERE head NOT IN (SELECT id FROM messages)",
    "DELETE FROM joined WHERE head NOT IN (SELECT id FROM messages)"
    " OR message_id NOT IN (SELECT id FROM messages)",
    "UPDATE joins SET missing = total - (SELECT count(*) FROM joined j WHERE j.head = joins.head)"
    " WHERE made = 0",
)
# A head that still waits needs its row in joins; any other part needs its place behind a head.
_STRAY_PARTS = f"""
SELECT m.id FROM messages m LEFT JOIN joined j INDEXED BY joined_message ON j.message_id = m.id
WHERE m.stage = {Stage.COLLECTING:d}
    AND (j.head IS NULL OR (j.head = m.id AND j.head NOT IN (SELECT head FROM joins)))"""


class Column(NamedTuple):
    """A column of a table."""

    name: str
    type: type
    required: bool


class TableLayout(NamedTuple):
    """A table as it is stored."""

    name: str
    columns: tuple[Column, ...]
    rows: bool  # whether it has rowids
    is_rowid: bool  # whether its first column is the rowid: the record holds NULL there
    least: int  # columns that every row has: those that were added later may be missing


class Saved(NamedTuple):
    """What became of one table."""

    table: str
    rows: int
    lost: int  # rows on damaged pages that could not be read
    pages: int  # pages that could not be read, with an unknown number of rows
    ranges: list[tuple[int, int]]  # ids that may be lost with these pages


class Rescue(NamedTuple):
    """What became of a database."""

    tables: list[Saved]
    dropped: int  # rows that say something about messages that are lost
    ended: int  # parts of long messages that ended, as they can never be joined
    log_lost: bool  # the write-ahead log could not be read


def salvage(path: Path, target: Path, tell: Callable[[str], None] = lambda line: None) -> Rescue:
    """Save what is whole of ``path`` into the new file ``target``. ``tell`` gets lines about the progress.

    Raises StoreError when a bridge is running on ``path``, or ``target`` exists or cannot be written.
    """
    if not path.is_file():
        raise StoreError(f"there is no database {path}")
    if target.exists():
        raise StoreError(f"{target} exists: give the name of a new file")
    lock = _lock(path)
    try:
        with tempfile.TemporaryDirectory(prefix=".salvage-", dir=target.parent) as folder:
            new = Path(folder) / "new.db"
            rescue = _Salvage(path, Path(folder), tell).run(new)
            new.rename(target)
            return rescue
    except sqlite3.Error as error:
        raise store_error(error) from error
    except OSError as error:
        name = error.filename2 or error.filename or target  # of a copy the second
        raise StoreError(f"cannot write {name}: {error.strerror}") from error
    finally:
        if lock is not None:
            lock.release()


def _lock(path: Path) -> FileLock | None:
    """Keep bridges away. None where the disk is read-only, as the system makes a disk that fails: no bridge
    can change anything there. Raises StoreError."""
    return FileLock(path.with_name(path.name + ".lock")) if os.access(path.parent, os.W_OK) else None


class _Salvage:
    """One rescue. ``folder`` is for files that nobody needs afterwards, and for the new database."""

    def __init__(self, path: Path, folder: Path, tell: Callable[[str], None]) -> None:
        self._path = path
        self._folder = folder
        self._tell = tell

    def run(self, new: Path) -> Rescue:
        source, log_lost = self._source()
        os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        if os.geteuid() == 0:  # the bridge may run as another user
            owner = self._path.stat()
            os.chown(new, owner.st_uid, owner.st_gid)
        with Pages(source) as pages, closing(connect(new, 0)) as connection:
            # The file is of no use before it is whole, so nothing has to last until then.
            connection.execute("PRAGMA journal_mode = MEMORY")
            connection.execute("PRAGMA synchronous = OFF")
            version = pages.version if 1 <= pages.version <= newest_version() else newest_version()
            tables = self._copy(pages, connection, _layouts(connection, new, version))
            migrate(connection, new)
            self._tell("taking out what belongs to rows that are lost")
            connection.execute("BEGIN")
            dropped, ended = _fit_together(connection)
            connection.execute("COMMIT")
        with new.open("rb") as file:
            os.fsync(file.fileno())
        return Rescue(tables, dropped, ended, log_lost)

    def _source(self) -> tuple[Path, bool]:
        """(a file with all that was written, whether the log could not be read)."""
        log = self._path.with_name(self._path.name + "-wal")
        if not log.exists() or not log.stat().st_size:
            return self._path, False
        self._tell("copying the database, to move its log into the copy")
        copy = self._folder / "copy.db"
        shutil.copyfile(self._path, copy)
        shutil.copyfile(log, self._folder / "copy.db-wal")
        with Pages(copy) as pages:
            header = pages.openable_header()
        with copy.open("r+b") as file:
            file.write(header)
        try:
            with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except DATABASE_ERRORS:
            return self._path, True
        return copy, False

    def _copy(
        self, pages: Pages, connection: sqlite3.Connection, layouts: Iterable[TableLayout]
    ) -> list[Saved]:
        roots = {tree.name: tree.root for tree in pages.schema(search=True) if tree.kind == "table"}
        pages.free()
        tables = [_Reading(layout) for layout in layouts]
        for table in tables:
            self._insert(connection, table, table.read(pages.walk(roots.get(table.layout.name, 0))))
        for rows in (True, False):
            torn = [table for table in tables if table.holes and table.layout.rows == rows]
            if torn:
                self._tell("looking for the rest of " + ", ".join(table.layout.name for table in torn))
                for leaf in pages.strays(rows=rows):
                    for table in torn:
                        self._insert(connection, table, table.adopt(leaf))
        return [table.result(connection) for table in tables]

    def _insert(
        self, connection: sqlite3.Connection, table: "_Reading", rows: Iterator[tuple[object, ...]]
    ) -> None:
        while batch := list(islice(rows, BATCH)):
            connection.execute("BEGIN")
            for width in {len(row) for row in batch}:
                same = [row for row in batch if len(row) == width]
                connection.executemany(table.insertion(width), same)
            connection.execute("COMMIT")
            if len(batch) == BATCH:
                self._tell(f"{table.layout.name}: {table.seen} rows")


class _Reading:
    """The rows of one table that are whole, and what is not."""

    def __init__(self, layout: TableLayout) -> None:
        self.layout = layout
        self.holes: list[Hole] = []
        self.seen = 0  # rows so far
        self._lost = 0

    def insertion(self, width: int) -> str:
        """The statement that takes a row of ``width`` values."""
        names = [column.name for column in self.layout.columns]
        if self.layout.rows and not self.layout.is_rowid:
            names.insert(0, "rowid")
        marks = placeholders(width)
        return f"INSERT OR IGNORE INTO {self.layout.name} ({','.join(names[:width])}) VALUES ({marks})"

    def read(self, leaves: Iterable[Leaf | Hole]) -> Iterator[tuple[object, ...]]:
        """The rows of the table's own tree."""
        for leaf in leaves:
            if isinstance(leaf, Hole):
                self.holes.append(leaf)
                continue
            self._lost += leaf.lost
            for cell in leaf.cells:
                if self._fits(cell):
                    self.seen += 1
                    yield self._row(cell)
                else:
                    self._lost += 1

    def adopt(self, leaf: Leaf) -> Iterator[tuple[object, ...]]:
        """The rows of a page that no tree led to, if they are of this table and in a hole of it."""
        for cell in leaf.cells:
            if self._fits(cell) and (not self.layout.rows or self._in_hole(cell.rowid)):
                self.seen += 1
                yield self._row(cell)

    def result(self, connection: sqlite3.Connection) -> Saved:
        """What became of the table."""
        [rows] = connection.execute(f"SELECT count(*) FROM {self.layout.name}").fetchone()
        ranges = [(hole.low + 1, hole.high) for hole in self.holes] if self.layout.rows else []
        return Saved(self.layout.name, rows, self._lost, len(self.holes), ranges)

    def _in_hole(self, rowid: int) -> bool:
        return any(hole.low < rowid <= hole.high for hole in self.holes)

    def _row(self, cell: Cell) -> tuple[object, ...]:
        if not self.layout.rows:
            return cell.values
        return (cell.rowid, *cell.values[1:]) if self.layout.is_rowid else (cell.rowid, *cell.values)

    def _fits(self, cell: Cell) -> bool:
        """Whether a row has the columns of this table, each of its type."""
        layout, values = self.layout, cell.values
        if not layout.least <= len(values) <= len(layout.columns):
            return False
        for place, (value, column) in enumerate(zip(values, layout.columns, strict=False)):
            if value is None:
                if column.required and not (place == 0 and layout.is_rowid):
                    return False
            elif type(value) is not column.type or (column.name == "stage" and value not in _STAGES):
                return False
        return True


def _layouts(connection: sqlite3.Connection, path: Path, version: int) -> list[TableLayout]:
    """Bring a new database to this version of the schema; its tables."""
    first: dict[str, int] = {}  # columns that each table had at first
    for number in range(1, version + 1):
        migrate(connection, path, number)
        tables = connection.execute(_TABLES).fetchall()
        layouts = [_layout(connection, name, wr, first) for name, wr in tables]
    return layouts


def _layout(connection: sqlite3.Connection, name: str, wr: int, first: dict[str, int]) -> TableLayout:
    found = connection.execute(f"PRAGMA table_info({name})").fetchall()
    columns = tuple(
        Column(column, _TYPES[kind], bool(required or key)) for _, column, kind, required, _, key in found
    )
    least = first.setdefault(name, len(columns))
    _, _, kind, _, _, key = found[0]
    return TableLayout(name, columns, not wr, not wr and (kind, key) == ("INTEGER", 1), least)


def _fit_together(connection: sqlite3.Connection) -> tuple[int, int]:
    """Take out what belongs to messages that are lost: (rows, parts of long messages that end)."""
    dropped = sum(connection.execute(_ORPHANED.format(table)).rowcount for table in _DEPENDENT)
    for statement in _JOINS:
        connection.execute(statement)
    now = time.time_ns() // 1_000_000
    strays = [row[0] for row in connection.execute(_STRAY_PARTS).fetchall()]
    ends = [Outcome(one, State.UNDELIVERABLE, LOST_PARTS, "lost", now) for one in strays]
    settling.finish(connection, ends, set())
    return dropped, len(strays)
