"""Damage to the database file: noticed at the start, told while running."""

import logging
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from smppbridge.errors import StoreError
from smppbridge.model.message import State, StatusReport
from smppbridge.store.sqlite import damage
from smppbridge.store.sqlite.damage import CLEAN, examine, problems
from smppbridge.store.sqlite.store import SqliteStore
from tests.support.builders.rows import NOW, arrival, inbound_part, report, segment, send
from tests.support.builders.stores import copy_of, filled_database, store_in
from tests.support.system.damage import PAGE, overwrite, trees

COUNT = 400


async def _fill(store: SqliteStore) -> None:
    """A database in which the larger tables have inner pages, and some pages are out of use."""
    await send(store, *(segment(number, text="x" * 300) for number in range(1, COUNT + 1)))
    await store.settle("lab", [report(number) for number in range(1, COUNT // 2)], NOW)
    receipts = await store.claim_receipts("pbx", 7, NOW, NOW + 1, COUNT)
    await store.pay_receipts([receipt.id for receipt in receipts[5:]])
    await store.add_inbound([arrival(str(number), inbound_part()) for number in range(100)], NOW)
    await store.add_segments([segment(COUNT + number) for number in range(1, COUNT)])
    await store.settle(
        "lab", [StatusReport(f"?{number}", int(State.DELIVERED), True, 0, "") for number in range(100)], NOW
    )
    assert await store.purge(NOW + 1, 0, NOW + 1, 100)


@pytest.fixture(scope="module")
def sound() -> Iterator[Path]:
    """A sound database, that was closed; tests damage copies of it."""
    with filled_database(_fill) as path:
        yield path


@pytest.fixture
def path(sound: Path) -> Iterator[Path]:
    with copy_of(sound) as path:
        yield path


def fallen(path: Path) -> None:
    """Leave the database as a bridge does that is killed."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM counters WHERE name = ?", (CLEAN,))


async def refusal(path: Path) -> str:
    before = path.read_bytes()
    with pytest.raises(StoreError) as caught:
        await SqliteStore(path).open()
    assert path.read_bytes() == before
    return str(caught.value)


# --- at the start --------------------------------------------------------------------------------------


@pytest.mark.parametrize("zeros", [False, True])
async def test_a_damaged_page_of_any_table_or_index_refuses_to_start(
    sound: Path, path: Path, zeros: bool
) -> None:
    """The root of each tree, and a page at its end; also after a stop that was clean."""
    found = trees(path)
    assert {"messages", "messages_ref", "messages_due", "messages_wire"} <= {
        name for name, pages in found.items() if len(pages) > 1
    }
    for name, pages in {**found, "sqlite_schema": [1]}.items():
        for page in {pages[0], pages[-1]}:
            shutil.copyfile(sound, path)
            overwrite(path, page, bytes(PAGE - 100) if zeros else None, 100 if page == 1 else 0)
            told = await refusal(path)
            assert f"{path} is damaged: " in told, name
            assert "smppbridge store check -c FILE" in told
            assert "smppbridge store salvage -c FILE NEWFILE" in told
            assert name in told or "cannot read on" in told, told


async def test_a_damaged_list_of_free_pages_refuses_to_start(path: Path) -> None:
    trunk = int.from_bytes(path.read_bytes()[32:36], "big")
    assert trunk, "no page is out of use"
    overwrite(path, trunk)
    assert "is damaged" in await refusal(path)


async def test_a_truncated_file_refuses_to_start(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 // PAGE * PAGE])
    assert "is damaged" in await refusal(path)


async def test_a_damaged_header_refuses_to_start(path: Path) -> None:
    overwrite(path, 1, bytes(100))
    told = await refusal(path)
    assert "not a database of smppbridge" in told
    assert "smppbridge store salvage -c FILE NEWFILE" in told


async def test_a_schema_that_is_no_text_any_more_refuses_to_start(path: Path) -> None:
    """sqlite3 cannot even put into words what SQLite says of it."""
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE counters", b"CREATE \xffABLE counters", 1))
    with pytest.raises(StoreError, match="is damaged"):
        await store_in(path.parent).open()
    assert problems(path)


async def test_a_page_that_was_never_written_is_noticed_after_a_fall(path: Path) -> None:
    """A disk that lied about a write leaves the page as it was before: sound, but not what the table says."""
    fallen(path)
    *_, earlier, later = sorted(trees(path)["messages_wire"])
    overwrite(path, later, path.read_bytes()[(earlier - 1) * PAGE : earlier * PAGE])
    assert "messages_wire" in await refusal(path)


async def test_a_fall_is_known_by_the_mark_that_only_a_clean_stop_leaves(path: Path) -> None:
    assert examine(path).clean
    store = SqliteStore(path)
    await store.open()
    killed = path.with_name("killed.db")
    shutil.copyfile(path, killed)
    shutil.copyfile(f"{path}-wal", f"{killed}-wal")
    assert examine(killed) == ("", False, True)
    await store.close()
    assert examine(path) == ("", True, True)


def test_a_large_database_that_is_examined_is_told_beforehand(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for large, falls in ((True, False), (False, True), (True, True)):
        monkeypatch.setattr(damage, "TOLD", 0 if large else path.stat().st_size + 1)
        if falls:
            fallen(path)
        examine(path)
        assert ("examined before the bridge starts" in caplog.text) is (large and falls)


async def test_a_database_too_large_for_the_time_is_said_to_be_so_after_a_fall_only(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(damage, "AFTER_FALL", -1.0)
    monkeypatch.setattr(damage, "AFTER_CLOSE", -1.0)
    caplog.set_level(logging.WARNING, "smppbridge.store")
    for falls in (False, True):
        if falls:
            fallen(path)
        store = SqliteStore(path)
        await store.open()
        await store.close()
        assert ("too large to be examined" in caplog.text) is falls


def test_the_time_ends_a_look_that_has_begun(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(damage, "_STEPS", 1)
    monkeypatch.setattr(damage, "_read_through", lambda path, ends: True)
    monkeypatch.setattr(damage, "AFTER_CLOSE", -1.0)
    assert examine(path) == ("", True, False)


# --- a whole look --------------------------------------------------------------------------------------


async def test_a_whole_look_beside_a_running_store(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    await store.add_segments([segment(5000)])
    ticks: list[None] = []
    assert problems(path, lambda: ticks.append(None)) == []
    assert ticks
    await store.close()
    assert problems(path) == []


@pytest.mark.parametrize("name", ["messages", "messages_queue", "inbound"])
def test_a_whole_look_names_every_damaged_page(path: Path, name: str) -> None:
    *_, one, other = trees(path)[name]
    overwrite(path, one)
    overwrite(path, other)
    ticks: list[None] = []
    told = problems(path, lambda: ticks.append(None))
    assert len(ticks) > 3
    for page in (one, other):
        assert any(name in line and f"age {page}" in line for line in told), told
    assert not any("btreeInitPage" in line for line in told)
    assert any(line.endswith(f"age {one} makes no sense") for line in told)


def test_a_whole_look_at_what_is_no_database(path: Path) -> None:
    overwrite(path, 1, random.Random(1).randbytes(PAGE))
    assert "not a database" in problems(path)[0]


# --- while running ---------------------------------------------------------------------------------------


async def test_damage_that_is_met_while_running(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said once a minute, the store is not ready any more, and what can be done goes on."""
    for page in trees(path)["messages_ref"][1:]:
        overwrite(path, page)
    monkeypatch.setattr(damage, "AFTER_CLOSE", -1.0)
    store = SqliteStore(path)
    await store.open()
    await store.probe()
    for _ in range(3):
        with pytest.raises(StoreError, match="the database is damaged"):
            await store.known_refs("lab", ["ref-300"])
    told = [record for record in caplog.records if "the database is damaged" in record.getMessage()]
    assert len(told) == 1
    assert "store salvage" in str(vars(told[0])["fields"])
    await store.add_segments([segment(9000)])
    with pytest.raises(StoreError, match="the database is damaged"):
        await store.probe()
    await store.close()
    monkeypatch.undo()
    assert "messages_ref" in await refusal(path)  # no clean stop: it is looked at
    assert not examine(path).clean
