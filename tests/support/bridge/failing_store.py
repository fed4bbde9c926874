"""A store that fails at one thing while everything else goes on: triggers in its own database."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.support.bridge.running import PATIENCE


@contextmanager
def failing(directory: Path, what: str) -> Iterator[None]:
    """Until the block ends SQLite refuses ``what``, such as "UPDATE ON receipts"."""
    _execute(directory, f"CREATE TRIGGER failing BEFORE {what} BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    try:
        yield
    finally:
        _execute(directory, "DROP TRIGGER failing")


def rows(directory: Path, query: str) -> list[tuple[object, ...]]:
    """What is in the store of ``directory``."""
    with closing(sqlite3.connect(directory / "bridge.db", timeout=PATIENCE)) as connection:
        return connection.execute(query).fetchall()


def _execute(directory: Path, statement: str) -> None:
    path = directory / "bridge.db"
    with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as connection:
        connection.execute(statement)
