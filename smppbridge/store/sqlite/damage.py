"""Damage to the database file: looked for at the start, and noted when it is met while running.

A disk that lost power may have lost, or mixed up, what it said to have written. SQLite notices that only when
it comes to the page in question, which may be days later.
"""

import logging
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from smppbridge.errors import StoreError
from smppbridge.logs import Complaints, event
from smppbridge.store.sqlite.database import (
    DATABASE_ERRORS,
    WAY_OUT,
    connect_reader,
    primary_code,
    store_error,
)
from smppbridge.store.sqlite.pages import Hole, Pages

log = logging.getLogger(__name__)

CLEAN = "clean_stop"  # in `counters` while nobody has the database open, unless the last one who had it fell
AFTER_FALL = 20.0  # seconds for the look at a database that was not closed
OF_INDEXES = 5.0  # seconds more, to compare every index with its table
AFTER_CLOSE = 1.0  # seconds for the look at a database that was closed: a small one is seen whole

TOLD = 100_000_000  # octets: to look at so many takes a while, in which the bridge does not listen
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_STEPS = 10_000  # of SQLite's machine between two looks at the clock
_BLOCK = 1 << 20
_STOPPED = "SQLite cannot read on"
_NO_PAGE = re.compile(r":? btreeInitPage\(\) returns error code \d+")
_PAGE = re.compile(r"\bpage (\d+)", re.IGNORECASE)


class Examined(NamedTuple):
    """What a look at a database found."""

    damage: str  # what is wrong, for people; "" = nothing was found
    clean: bool  # whether the database had been closed
    whole: bool  # whether all of it was looked at


class Damage:
    """Whether SQLite has come upon damage since the start. On the event loop and in threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._complain = Complaints(log)
        self.found = ""

    def note(self, error: BaseException) -> None:
        """Say so in the log, once a minute, if an error tells of damage."""
        if isinstance(error, sqlite3.Error) and primary_code(error) in _DAMAGE:
            self.found = str(store_error(error))
            what = "the database is damaged: calls that need the damaged pages fail"
            self._complain(
                time.monotonic(), what, "", logging.ERROR, file=self._path, error=error, way_out=WAY_OUT
            )


def examine(path: Path) -> Examined:
    """Look at a database that nobody has open, for a bounded time. Writes nothing.

    A larger database than can be read in that time is not looked at: `Examined.whole` says so.
    """
    if not path.stat().st_size:
        return Examined("", clean=True, whole=True)  # it is new
    try:
        clean = _was_closed(path)
        seconds = AFTER_CLOSE if clean else AFTER_FALL
        if not clean and path.stat().st_size >= TOLD:
            event(
                log,
                logging.WARNING,
                "the last stop was not clean: the database is examined before the bridge starts",
                file=path,
                megabytes=path.stat().st_size // 1_000_000,
                seconds_at_most=round(AFTER_FALL + OF_INDEXES),
            )
        ends = time.monotonic() + seconds
        if not _read_through(path, ends):
            return Examined("", clean, whole=False)
        damage = _ask(path, "quick_check(1)", ends)
        if damage == [] and not clean:  # indexes are worth a look, but no long wait
            damage = _ask(path, "integrity_check(1)", time.monotonic() + OF_INDEXES) or []
    except DATABASE_ERRORS as error:
        if primary_code(error) != sqlite3.SQLITE_CORRUPT:
            raise
        return Examined(f"{_STOPPED}: {error}", clean=False, whole=False)
    return Examined("; ".join(damage or ()), clean, whole=damage is not None)


def refuse_damaged(path: Path) -> bool:
    """Raise StoreError where a look at the database finds damage. False where there was no time for all of a
    database that had not been closed."""
    examined = examine(path)
    if examined.damage:
        raise StoreError(f"the database {path} is damaged: {examined.damage}. Nothing was changed: {WAY_OUT}")
    return examined.whole or examined.clean


def problems(path: Path, tick: Callable[[], None] = lambda: None, most: int = 100) -> list[str]:
    """Everything that is wrong with a database, up to ``most`` lines for people: each page and each entry of
    each index is looked at. ``tick`` is called now and then. Works beside a running bridge. Raises
    StoreError."""
    try:
        found = _ask(path, f"integrity_check({most})", float("inf"), tick) or []
    except DATABASE_ERRORS as error:
        if primary_code(error) not in _DAMAGE:
            raise store_error(error) from error
        found = [f"{_STOPPED}: {error}"]
    if any(line.startswith(_STOPPED) for line in found):
        found += islice(_senseless(path, tick), most)
    return found


def _senseless(path: Path, tick: Callable[[], None]) -> Iterator[str]:
    """Which pages make no sense: for a file in which SQLite gives up."""
    with Pages(path) as pages:
        for tree in list(pages.schema(search=True)):
            for leaf in pages.walk(tree.root):
                tick()
                if isinstance(leaf, Hole):
                    yield f"{tree.kind} {tree.name}: page {leaf.page} makes no sense"
                elif leaf.lost:
                    yield f"{tree.kind} {tree.name}: {leaf.lost} entries of page {leaf.page} make no sense"


def _was_closed(path: Path) -> bool:
    with closing(connect_reader(path)) as connection:
        try:
            found = connection.execute("SELECT 1 FROM counters WHERE name = ?", (CLEAN,)).fetchone()
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_ERROR:
                raise
            return False  # no such table: a database of another program, or one without a first migration
        return found is not None


def _read_through(path: Path, ends: float) -> bool:
    """Have the system read the file from begin to end, which disks do best. False when there is no time, or
    no memory, for all of it: SQLite before 3.41 asks nobody about the time while it follows the pages."""
    if path.stat().st_size > os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
        return False
    with path.open("rb", buffering=0) as file:
        while file.read(_BLOCK):
            if time.monotonic() > ends:
                return False
    return True


def _ask(path: Path, pragma: str, ends: float, tick: Callable[[], None] = lambda: None) -> list[str] | None:
    """What SQLite's own check finds, in words; None when the time ends before."""

    def late() -> bool:
        tick()
        return time.monotonic() > ends

    with closing(connect_reader(path)) as connection:
        connection.set_progress_handler(late, _STEPS)
        lines: list[str] = []
        try:
            for row in connection.execute(f"PRAGMA {pragma}"):
                lines += [line for line in row[0].splitlines() if not line.startswith("***")]
        except DATABASE_ERRORS as error:
            if primary_code(error) == sqlite3.SQLITE_INTERRUPT:
                return None
            if primary_code(error) != sqlite3.SQLITE_CORRUPT:
                raise
            lines = lines or [f"{_STOPPED}: {error}"]
    if lines == ["ok"]:
        return []
    owners = _owners(path)
    return [_named(line, owners) for line in lines]


def _owners(path: Path) -> dict[int, str]:
    """What each page holds, by its number, as far as the file tells."""
    owners: dict[int, str] = {}
    with Pages(path) as pages:
        for tree in pages.schema():
            owners |= dict.fromkeys(pages.numbers(tree.root), f"{tree.kind} {tree.name}")
    return owners


def _named(line: str, owners: dict[int, str]) -> str:
    """A line of SQLite's check in plain words, with the table or index that the page in it belongs to."""
    page = _PAGE.search(line)
    line = _NO_PAGE.sub(" makes no sense", line)
    owner = owners.get(int(page[1])) if page else None
    return f"{owner}: {line}" if owner else line
