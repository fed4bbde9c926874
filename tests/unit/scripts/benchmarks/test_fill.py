"""Filled databases are databases of the store."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from scripts.benchmarks import fill as module
from scripts.benchmarks.fill import fill
from smppbridge.model.message import Stage
from smppbridge.store.sqlite.store import SqliteStore
from tests.support.builders.stores import memory


@pytest.mark.parametrize("stage", [Stage.FINAL, Stage.SENT])
def test_a_filled_database_opens_with_its_messages(stage: Stage) -> None:
    with memory() as directory:
        fill(directory / "filled.db", 50, stage)
        assert asyncio.run(counts(directory / "filled.db")) == {stage: 50}


def test_an_empty_one_opens_too() -> None:
    with memory() as directory:
        fill(directory / "filled.db", 0, Stage.FINAL)
        assert asyncio.run(counts(directory / "filled.db")) == {}


def test_the_columns_are_those_of_the_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "filled.db"
    connection = sqlite3.connect(path)

    async def make(path: Path) -> None:
        connection.execute(
            "CREATE TABLE messages (id INTEGER PRIMARY KEY, stage INTEGER NOT NULL, colour TEXT NOT NULL, "
            "recipient TEXT NOT NULL, size INTEGER NOT NULL DEFAULT 3, seen INTEGER)"
        )

    monkeypatch.setattr(module, "_make", make)
    fill(path, 1, Stage.SENT)
    rows = connection.execute("SELECT stage, colour, recipient, size, seen FROM messages").fetchall()
    connection.close()
    assert rows == [(Stage.SENT, "", "375290000000", 3, None)]


async def counts(path: Path) -> dict[Stage, int]:
    store = SqliteStore(path)
    await store.open()
    try:
        found = {stage: len(await store.list_stage(stage, 100)) for stage in Stage}
    finally:
        await store.close()
    return {stage: count for stage, count in found.items() if count}
