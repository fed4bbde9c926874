"""A program that reads the database for long makes the log grow: seen, said, and undone afterwards."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smppbridge.errors import StoreError
from smppbridge.store.sqlite import checkpoint, connections
from smppbridge.store.sqlite.checkpoint import LOG_PAGE
from smppbridge.store.sqlite.store import SqliteStore
from tests.support.bridge.running import eventually
from tests.support.builders.rows import NOW, segment
from tests.support.builders.stores import memory

READER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN")
connection.execute("SELECT count(*) FROM messages").fetchone()
print("reading", flush=True)
sys.stdin.read()
"""
RESTART = 50  # pages
GROWS = "the write-ahead log grows"


@contextmanager
def reading(path: Path) -> Iterator[int]:
    """Another program, that holds a snapshot; its process id."""
    line = [sys.executable, "-c", READER, str(path)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"reading\n"
        yield process.pid
        assert process.stdin is not None
        process.stdin.close()


async def fill(store: SqliteStore, first: int, count: int) -> None:
    """Write ``count`` messages of about a page each."""
    for start in range(first, first + count, 50):
        await store.add_segments([segment(number, text="x" * 3500) for number in range(start, start + 50)])


@pytest.fixture
def path() -> Iterator[Path]:
    with memory() as directory:
        yield directory / "bridge.db"


async def test_a_program_that_reads_for_long(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "RETRY", 0.02)
    monkeypatch.setattr(checkpoint, "LONG", 600.0)
    caplog.set_level(logging.INFO, "smppbridge.store")
    log = path.with_name("bridge.db-wal")
    store = SqliteStore(path, passive_pages=20, restart_pages=RESTART)
    await store.open()
    await fill(store, 1, 50)
    with reading(path) as pid:
        await fill(store, 51, 600)
        monkeypatch.setattr(checkpoint, "LONG", 0.1)  # not before: the log must not grow once it is told
        await eventually(lambda: GROWS in caplog.text)
        [told] = [record for record in caplog.records if GROWS in record.getMessage()]
        fields = vars(told)["fields"]
        assert (fields["file"], fields["megabytes"]) == (path, log.stat().st_size // 1_000_000)
        assert f"(pid {pid})" in fields["readers"]
        files = (await store.gauges(NOW)).files
        assert files.log_octets == log.stat().st_size > 600 * LOG_PAGE
        assert files.log_held_up >= 0.1
        assert files.disk_free > 0
    # Nothing is written any more, and yet the log gives its room back.
    await eventually(lambda: log.stat().st_size <= RESTART * LOG_PAGE)
    await eventually(lambda: "short again" in caplog.text)
    assert (await store.gauges(NOW)).files.log_held_up == 0.0
    assert caplog.text.count(GROWS) == 1  # in a minute
    assert (await store.gauges(NOW)).queued["lab"][0] == 650
    await store.close()


async def test_a_program_that_reads_for_a_moment(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is said, and the log begins anew under load as well as without any."""
    monkeypatch.setattr(checkpoint, "LONG", 600.0)
    monkeypatch.setattr(checkpoint, "RETRY", 0.02)
    caplog.set_level(logging.INFO, "smppbridge.store")
    store = SqliteStore(path, passive_pages=20, restart_pages=RESTART)
    await store.open()
    with reading(path):
        await fill(store, 1, 200)
        await eventually(lambda: store._opened is not None and store._opened.checkpointer.files().log_held_up)
    await fill(store, 1001, 200)
    await eventually(lambda: path.with_name("bridge.db-wal").stat().st_size <= 3 * RESTART * LOG_PAGE)
    assert "write-ahead log" not in caplog.text
    await store.close()


async def test_a_reader_does_not_hold_up_the_writer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RESTART, for which writing has to wait, is not even tried while somebody reads."""
    monkeypatch.setattr(checkpoint, "RETRY", 600.0)  # what a slow machine has time for is not counted
    store = SqliteStore(path, passive_pages=20, restart_pages=RESTART)
    await store.open()
    assert store._opened is not None
    modes: list[str] = []
    look = store._opened.checkpointer._checkpoint

    def noted(mode: str) -> bool:
        modes.append(mode)
        return look(mode)

    monkeypatch.setattr(store._opened.checkpointer, "_checkpoint", noted)
    with reading(path):
        await fill(store, 1, 600)
        await eventually(lambda: modes)
    assert len(modes) < 40
    assert set(modes) == {"PASSIVE"}
    await store.close()


async def test_a_stop_while_somebody_reads(path: Path) -> None:
    store = SqliteStore(path, passive_pages=20, restart_pages=RESTART)
    await store.open()
    with reading(path):
        await fill(store, 1, 200)
        await store.close()
    await store.open()
    assert (await store.gauges(NOW)).queued["lab"][0] == 200
    await store.close()


async def test_a_view_of_our_own_does_not_read_for_ever(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "READ_SECONDS", 0.0)
    monkeypatch.setattr(connections, "_STEPS", 1)
    store = SqliteStore(path)
    await store.open()
    with pytest.raises(StoreError, match="took too long"):
        await asyncio.wait_for(store.gauges(NOW), 30)
    await store.close()
