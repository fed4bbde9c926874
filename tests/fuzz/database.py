"""The real schema in memory, with a transaction that is taken back: what cannot be stored shows here."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from smppbridge.store.sqlite.database import migrate


@cache
def _connection() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection, Path(":memory:"))
    return connection


@contextmanager
def transaction() -> Iterator[sqlite3.Connection]:
    """The database, empty. Nothing of what is written stays."""
    connection = _connection()
    connection.execute("BEGIN")
    try:
        yield connection
    finally:
        connection.execute("ROLLBACK")
