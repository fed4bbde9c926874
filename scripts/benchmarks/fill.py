"""Fills a new database with messages of one stage: `python fill.py FILE COUNT STAGE`.

A process of its own, with the smppbridge of another revision in its path: the schema is that revision's. So
this file knows nothing of the benchmarks, and asks the schema which columns there are.
"""

import asyncio
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from smppbridge.model.ids import IdSource
from smppbridge.model.message import Stage, State
from smppbridge.store.sqlite.store import SqliteStore

_CHUNK = 100_000
_HOUR = 3_600_000
_DAY = 24 * _HOUR
_TEXT = "Door 3 opened at 12:34, alarm set. " * 4

# What each message has for itself, of its id and its number from 0.
_OWN: dict[str, Callable[[int, int], object]] = {
    "id": lambda message_id, number: message_id,
    "wire_id": lambda message_id, number: str(message_id),
    "provider_ref": lambda message_id, number: f"{message_id:x}",
    "destination_addr": lambda message_id, number: f"37529{number % 10_000_000:07}",
    "recipient": lambda message_id, number: f"37529{number % 10_000_000:07}",
}


async def _make(path: Path) -> None:
    """An empty database, closed well."""
    store = SqliteStore(path)
    await store.open()
    await store.close()


def _words(stage: Stage, now: int) -> dict[str, object]:
    """What is to be in the columns. SENT messages wait for a status that nobody asks for today."""
    final = stage == Stage.FINAL
    return {
        "account": "load",
        "source_addr_ton": 5,
        "source_addr": "ALARM",
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "sender": "ALARM",
        "text": _TEXT,
        "registered_delivery": 1,
        "route": "lab",
        "provider": "lab",
        "stage": int(stage),
        "submitted_at": now - _HOUR,
        "due_at": None if final else now + _DAY,
        "deadline": now + 2 * _DAY,
        "attempt": 1,
        "state": int(State.DELIVERED if final else State.ENROUTE),
        "sent_at": now - _HOUR,
        "done_at": now - _HOUR if final else 0,
    }


def _columns(connection: sqlite3.Connection) -> dict[str, object]:
    """Every column of the table; those that must be given with a value of their type that says nothing."""
    columns = connection.execute(
        "SELECT name, type, \"notnull\" AND dflt_value IS NULL FROM pragma_table_info('messages')"
    )
    return {name: (0 if kind == "INTEGER" else "") if needed else None for name, kind, needed in columns}


def _alike(columns: dict[str, object], stage: Stage, now: int) -> dict[str, object]:
    """What all messages have in common, where there is a column for it."""
    said = _words(stage, now)
    needed = {name: value for name, value in columns.items() if value is not None}
    alike = needed | {name: value for name, value in said.items() if name in columns}
    return {name: value for name, value in alike.items() if name not in _OWN}


def _rows(count: int, now: int, own: list[str], alike: tuple[object, ...]) -> Iterator[tuple[object, ...]]:
    ids = IdSource()
    values = [_OWN[name] for name in own]
    for number in range(count):
        message_id = ids.next(now - _HOUR)
        yield (*(value(message_id, number) for value in values), *alike)


def fill(path: Path, count: int, stage: Stage) -> None:
    """Make the database, with ``count`` messages in one transaction."""
    asyncio.run(_make(path))
    now = int(time.time() * 1000)
    connection = sqlite3.connect(path, isolation_level=None)
    # A log would double the octets that are written. The bridge turns it on again.
    connection.execute("PRAGMA journal_mode = OFF")
    columns = _columns(connection)
    own = [name for name in _OWN if name in columns]
    alike = _alike(columns, stage, now)
    marks = ",".join("?" * (len(own) + len(alike)))
    insert = f"INSERT INTO messages ({','.join((*own, *alike))}) VALUES ({marks})"
    rows = _rows(count, now, own, tuple(alike.values()))
    connection.execute("BEGIN")
    for done in range(0, count, _CHUNK):
        connection.executemany(insert, islice(rows, _CHUNK))
        print(f"  filled {min(done + _CHUNK, count):,} of {count:,}", file=sys.stderr, flush=True)
    connection.execute("COMMIT")
    connection.close()


if __name__ == "__main__":
    fill(Path(sys.argv[1]), int(sys.argv[2]), Stage[sys.argv[3]])
