"""A damaged database, as `smppbridge store check` and `store salvage` get it: octets at any places of
the file are others, and its end may be missing.

1. Only StoreError leaves either of them.
2. What is salvaged is a sound database with the schema of today, and no more rows than there were.
3. Where nothing is damaged, everything is there.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import cache
from pathlib import Path

from smppbridge.errors import StoreError
from smppbridge.model.joining import Part
from smppbridge.model.message import Outcome, Stage, State, StatusReport
from smppbridge.store.sqlite import joins, messages, settling
from smppbridge.store.sqlite.damage import problems, refuse_damaged
from smppbridge.store.sqlite.database import migrate
from smppbridge.store.sqlite.salvage import salvage
from tests.fuzz.reading import Octets
from tests.support.builders.rows import HOUR, NOW, segment
from tests.support.builders.stores import memory

PAGE = 1024  # smaller than the usual ones, so that there are many
MESSAGES = 60
LONG = "ж" * 900  # does not fit on one page
MOST = 20  # damaged places


def target(data: bytes) -> None:
    """One damaged file. Raises whatever the commands should not raise."""
    with memory() as directory:
        path, new = directory / "bridge.db", directory / "new.db"
        path.write_bytes(_damaged(Octets(data)))
        with suppress(StoreError, sqlite3.Error):  # a start makes a StoreError of both
            refuse_damaged(path)
        with suppress(StoreError):
            problems(path)
        try:
            rescue = salvage(path, new)
        except StoreError:
            return
        rows = {table.table: table.rows for table in rescue.tables}
        assert all(count <= _rows().get(name, 0) for name, count in rows.items()), rows
        assert problems(new) == []
        if not data:
            assert rows == _rows()


def seeds() -> Iterator[bytes]:
    """No damage, damage in every page, and files that are cut off."""
    yield b""
    for page in range(len(_sound()) // PAGE):
        for offset in (0, 5, 200):
            yield (page * PAGE + offset).to_bytes(3, "big") + b"\x04\xff\xff\xff\xff"
    for octets in (b"\0\0", b"\0\x12\x34\x05", b"\x02\x01", b"\x0a\0"):
        yield (100).to_bytes(3, "big") + bytes((len(octets),)) + octets
    yield (16).to_bytes(3, "big") + b"\x02\x10\x00"
    yield (len(_sound()) // 2).to_bytes(3, "big") + b"\0"


def _damaged(octets: Octets) -> bytes:
    """The sound file with other octets. A place without any is where the file ends."""
    file = bytearray(_sound())
    for _ in range(MOST):
        if not octets.more:
            break
        place = int.from_bytes(octets.take(3), "big") % len(_sound())
        length = octets.number() % 32
        if not length:
            del file[place:]
        else:
            written = octets.take(length)
            file[place : place + len(written)] = written
    return bytes(file)


@cache
def _sound() -> bytes:
    with memory() as directory:
        path = directory / "bridge.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(f"PRAGMA page_size = {PAGE}")
            migrate(connection, path)
            connection.execute("BEGIN")
            _fill(connection)
            connection.execute("COMMIT")
        return path.read_bytes()


def _fill(connection: sqlite3.Connection) -> None:
    rows = [segment(number, text=LONG if number % 20 == 0 else "Door") for number in range(1, MESSAGES)]
    messages.add(connection, rows)
    ends = [Outcome(number, int(State.DELIVERED), 0, "", NOW) for number in range(1, 20)]
    settling.finish(connection, ends, ())
    settling.settle(connection, "lab", [StatusReport("nobody", 2, True, 0, "")], NOW, ())
    for number in range(1, 6):
        part = segment(MESSAGES + number, stage=int(Stage.COLLECTING), due_at=None, text="")
        joins.add(connection, [Part(part, 1, 8, 7, number, b"part %d" % number, NOW + HOUR)])


@cache
def _rows() -> dict[str, int]:
    """How many rows the tables of the sound file have."""
    with memory() as directory:
        path = directory / "bridge.db"
        path.write_bytes(_sound())
        return {table.table: table.rows for table in salvage(path, Path(f"{path}.new")).tables}
