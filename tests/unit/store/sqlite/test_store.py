"""The SQLite store: what can go wrong with a file, a disk and a process, and what comes after."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from smppbridge.errors import StoreError
from smppbridge.model.message import Inbound, Outcome, Stage, State
from smppbridge.store.results import Arrival
from smppbridge.store.sqlite.store import SqliteStore
from tests.support.bridge.running import eventually
from tests.support.builders.rows import (
    DAY,
    HOUR,
    NOW,
    claim,
    finish,
    record_sent,
    record_unsent,
    segment,
    sent,
    unsent,
)

NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bridge.db"


@asynccontextmanager
async def opened(store: SqliteStore) -> AsyncIterator[SqliteStore]:
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def writer(store: SqliteStore) -> sqlite3.Connection:
    """The connection with which an open store writes."""
    assert store._opened is not None
    return store._opened.connections.writer


@contextmanager
def other_program(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that is not the store's."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=0)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Permissions of files count for root too."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


# --- opening -----------------------------------------------------------------------------------------


async def refusal(path: Path) -> str:
    """The words with which a store does not open."""
    with pytest.raises(StoreError) as caught:
        await SqliteStore(path).open()
    return str(caught.value)


async def test_a_missing_directory(tmp_path: Path) -> None:
    assert "does not exist" in await refusal(tmp_path / "missing" / "bridge.db")


async def test_a_directory_in_the_place_of_the_file(tmp_path: Path) -> None:
    assert "is a directory" in await refusal(tmp_path)


async def test_an_unwritable_directory_and_a_read_only_file() -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "bridge.db"
        async with opened(SqliteStore(path)):
            pass
        path.chmod(0o444)
        Path(f"{path}.lock").chmod(0o666)
        Path(name).chmod(0o555)
        with ordinary_user():
            new_file = await refusal(Path(name) / "new.db")
            read_only = await refusal(path)
        Path(name).chmod(0o755)
        assert "cannot write beside the database" in new_file
        assert "cannot write the database" in read_only


async def test_the_file_is_for_its_owner_only(path: Path) -> None:
    async with opened(SqliteStore(path)):
        assert {item.stat().st_mode & 0o777 for item in path.parent.iterdir()} == {0o600}


async def test_a_file_that_is_no_database(path: Path) -> None:
    path.write_bytes(b"key: value\n" * 1000)
    assert "not a database of smppbridge" in await refusal(path)
    assert path.read_bytes() == b"key: value\n" * 1000


async def test_a_database_of_another_program(path: Path) -> None:
    with other_program(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    assert "another program" in await refusal(path)


async def test_a_database_of_a_newer_version(path: Path) -> None:
    async with opened(SqliteStore(path)):
        pass
    with other_program(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert "newer smppbridge" in await refusal(path)


async def test_a_second_process(path: Path) -> None:
    """flock belongs to the open file, so a second store in this process is as good as another process."""
    async with opened(SqliteStore(path)):
        assert "another smppbridge is running" in await refusal(path)
    async with opened(SqliteStore(path)):
        pass


async def test_a_failed_open_leaves_nothing_behind(path: Path) -> None:
    with other_program(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
        await refusal(path)
        connection.execute("DROP TABLE theirs")
    async with opened(SqliteStore(path)) as store:
        await store.probe()


async def test_a_closed_store_is_one_file(path: Path) -> None:
    async with opened(SqliteStore(path)) as store:
        await store.add_segments([segment(1)])
    assert sorted(item.name for item in path.parent.iterdir()) == ["bridge.db", "bridge.db.lock"]


# --- running -----------------------------------------------------------------------------------------


async def test_a_full_disk_and_after(path: Path) -> None:
    async with opened(SqliteStore(path)) as store:
        limits = iter((100, 1_000_000))

        def limit_pages(connection: sqlite3.Connection) -> None:
            connection.execute(f"PRAGMA max_page_count = {next(limits)}")

        await store._call(limit_pages)
        stored: list[int] = []
        with pytest.raises(StoreError, match="no space left"):
            for number in range(1, 1000):
                await store.add_segments([segment(number, text="x" * 2000)])
                stored.append(number)
        assert len(stored) > 10
        await finish(store, [Outcome(1, int(State.DELETED), 0, "", NOW)])  # small things still fit
        await store._call(limit_pages)
        await store.add_segments([segment(2000)])
        assert [message.id for message in await claim(store, 5000)] == [*stored[1:], 2000]


async def test_a_database_locked_by_another_program(path: Path) -> None:
    async with opened(SqliteStore(path)) as store:
        with other_program(path) as connection:
            connection.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="locked"):
                await store.add_segments([segment(1)])
            results = await asyncio.gather(*(store.probe() for _ in range(100)), return_exceptions=True)
            assert {type(result) for result in results} == {StoreError}
            assert writer(store).execute("PRAGMA busy_timeout").fetchone() == (0,)  # it waits for nobody
            connection.execute("ROLLBACK")
        await store.add_segments([segment(1)])
        assert len(await claim(store)) == 1


async def test_an_open_of_a_locked_database(path: Path) -> None:
    async with opened(SqliteStore(path)):
        pass
    with other_program(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert "locked" in await refusal(path)


async def test_a_database_that_becomes_read_only_and_after(path: Path) -> None:
    async with opened(SqliteStore(path)) as store:
        connection = writer(store)
        connection.execute("PRAGMA query_only = ON")
        with pytest.raises(StoreError, match="read-only"):
            await store.add_segments([segment(1)])
        connection.execute("PRAGMA query_only = OFF")
        await store.add_segments([segment(1)])


async def test_a_slow_disk_is_noticed_at_the_start(path: Path) -> None:
    """Every disk is slower than that. Then the loop goes on while a COMMIT waits."""
    opening, go, begun = True, threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        begun.set()
        assert opening or go.wait(10), "the COMMIT stops the event loop"
        connection.execute("COMMIT")

    async with opened(SqliteStore(path, commit=slow, slow_commit=0.0)) as store:
        opening = False
        begun.clear()
        call = store.add_segments([segment(1)])
        while not begun.is_set():
            await asyncio.sleep(0)
        assert not call.done()
        go.set()
        await call


async def test_commits_are_reported(path: Path) -> None:
    batches: list[int] = []
    async with opened(SqliteStore(path, on_commit=lambda seconds, rows: batches.append(rows))) as store:
        await store.add_segments([segment(number) for number in range(1, 11)])
        await store.list_stage(2, 10)
        await store.overdue("lab", NOW, 10)
    assert batches == [10]


async def test_the_history_of_attempts_lives_as_long_as_its_message(path: Path) -> None:
    async with opened(SqliteStore(path)) as store:
        await store.add_segments([segment(1, registered_delivery=0), segment(2)])
        first, other = await claim(store)
        failed = unsent(first, Stage.QUEUED, NOW + HOUR, provider="spare", code="244", reason="no route")
        await record_unsent(store, [failed, unsent(other, Stage.WAITING, NOW)])
        await record_unsent(store, [failed])  # no longer the stage for it
        [second] = await claim(store, provider="spare")
        await record_unsent(store, [unsent(second, Stage.UNCERTAIN, NOW, result="uncertain")])

        def attempts(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
            return connection.execute("SELECT * FROM attempts ORDER BY rowid").fetchall()

        of_other = (2, 1, "lab", "unavailable", "", "", NOW)
        assert await store._read(attempts) == [
            (1, 1, "lab", "unavailable", "244", "no route", NOW),
            of_other,
            (1, 2, "spare", "uncertain", "", "", NOW),
        ]
        await finish(store, [Outcome(1, int(State.UNKNOWN), 0, "", NOW)])
        assert await store.purge(NOW + 1, 0, NOW + DAY, 10) == 1
        assert await store._read(attempts) == [of_other]


async def test_parts_live_as_long_as_their_message(path: Path) -> None:
    async with opened(SqliteStore(path)) as store:
        await store.add_segments([segment(1, registered_delivery=0), segment(2)])
        await record_sent(
            store, [sent(message)._replace(parts=("more",)) for message in await claim(store)], NOW
        )
        await finish(store, [Outcome(1, int(State.UNKNOWN), 0, "", NOW)])
        assert await store.purge(NOW + 1, 0, NOW + DAY, 10) == 1
        refs = "SELECT provider_ref, message_id FROM message_parts ORDER BY provider_ref"
        left = await store._read(lambda connection: connection.execute(refs).fetchall())
        assert left == [("more", 2), ("ref-2", 2)]


async def test_messages_from_phones_are_kept_as_they_came(path: Path) -> None:
    plain = Inbound("1", "375291234567", "1234", "yes", NOW - 5)
    binary = Inbound("2", "375291234567", "1234", "", NOW, octets=b"\0\xff", data_coding=4, esm_class=0x40)
    async with opened(SqliteStore(path)) as store:
        arrivals = [Arrival("lab", message, []) for message in (plain, binary)]
        assert await store.add_inbound(arrivals, NOW) == arrivals
        columns = f"SELECT {','.join(Inbound._fields)} FROM inbound ORDER BY ref"
        rows = await store._read(lambda connection: connection.execute(columns).fetchall())
        assert list(map(Inbound._make, rows)) == [plain, binary]


# --- the log -----------------------------------------------------------------------------------------


async def fill(store: SqliteStore, first: int, count: int) -> None:
    """Write ``count`` messages of about 3.5 KiB, so about a page each."""
    for start in range(first, first + count, 50):
        await store.add_segments([segment(number, text="x" * 3500) for number in range(start, start + 50)])


async def test_the_log_stays_bounded_under_load(path: Path) -> None:
    log = Path(f"{path}-wal")
    longest = 0
    async with opened(SqliteStore(path, passive_pages=50, restart_pages=200)) as store:
        for first in range(1, 2001, 100):
            await fill(store, first, 100)
            longest = max(longest, log.stat().st_size)
    assert path.stat().st_size > 2000 * 3500
    assert longest < 400 * 4120


async def test_a_reader_in_the_way_stops_nobody(path: Path) -> None:
    log = Path(f"{path}-wal")
    async with opened(SqliteStore(path, passive_pages=100, restart_pages=100)) as store:
        await fill(store, 1, 50)
        with other_program(path) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM messages").fetchone()
            await fill(store, 51, 250)
            assert log.stat().st_size > 250 * 4120
            reader.execute("COMMIT")
        await fill(store, 2001, 300)
        await eventually(lambda: log.stat().st_size < 250 * 4120)
        assert (await store.gauges(NOW)).queued["lab"][0] == 600


# --- losing the process ------------------------------------------------------------------------------

CHILD = """
import asyncio, sys
from smppbridge.store.sqlite.store import SqliteStore
from tests.support.builders.rows import segment

async def main():
    store = SqliteStore(sys.argv[1], passive_pages=20, restart_pages=60)
    number = (await store.open()).last_id
    while True:
        batch = [segment(number + offset) for offset in range(1, 11)]
        await asyncio.gather(*(store.add_segments([item]) for item in batch))
        number += len(batch)
        print(number, flush=True)

asyncio.run(main())
"""


async def test_a_killed_process_loses_nothing_that_it_confirmed(path: Path) -> None:
    for batches in (1, 7, 40):
        with subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            told = [child.stdout.readline() for _ in range(batches)]
            child.send_signal(signal.SIGKILL)
            confirmed = int((told[-1] + child.stdout.read()).split()[-1])
        store = SqliteStore(path)
        backlog = await store.open()
        assert backlog.last_id >= confirmed
        rows = await store.list_stage(2, 1_000_000)
        assert [row.id for row in rows] == list(range(1, backlog.last_id + 1))
        await store.close()
