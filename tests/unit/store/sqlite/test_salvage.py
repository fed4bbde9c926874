"""Whole rows of a damaged database go into a new one, and fit together there."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from smppbridge.errors import StoreError
from smppbridge.model.joining import Part
from smppbridge.model.message import Stage, State, StatusReport
from smppbridge.store.sqlite.damage import problems
from smppbridge.store.sqlite.pages import Leaf, Pages
from smppbridge.store.sqlite.salvage import Rescue, Saved, salvage
from smppbridge.store.sqlite.store import SqliteStore
from tests.support.builders.rows import (
    DAY,
    HOUR,
    NOW,
    arrival,
    claim,
    inbound_part,
    record_unsent,
    report,
    segment,
    send,
    unsent,
)
from tests.support.builders.stores import copy_of, filled_database, memory
from tests.support.system.damage import PAGE, overwrite, trees
from tests.unit.store.sqlite.test_migrations import write_old_version

SENT = 300  # messages 1..300 are SENT or FINAL, of these the first 100 owe a receipt
COUNT = 600
LONG = "ж" * 5000  # does not fit on one page
TABLES = {
    "messages": "id",
    "receipts": "id",
    "attempts": "rowid",
    "inbound": "provider, ref",
    "inbound_parts": "id",
    "orphans": "id",
    "joins": "head",
    "joined": "head, number",
    "counters": "name",
}

Rows = dict[str, list[tuple[object, ...]]]


def part(number: int, message_id: int, total: int = 3, reference: int = 1) -> Part:
    """A part of a long message."""
    stored = segment(message_id, stage=int(Stage.COLLECTING), due_at=None, text="")
    return Part(stored, reference, 8, total, number, b"part %d" % number, NOW + HOUR)


async def _fill(store: SqliteStore) -> None:
    await send(store, *(segment(number, text=f"text {number} " * 20) for number in range(1, SENT + 1)))
    await store.settle("lab", [report(number) for number in range(1, 201)], NOW)
    receipts = await store.claim_receipts("pbx", 7, NOW, NOW + 1, 200)
    await store.pay_receipts([receipt.id for receipt in receipts if int(receipt.wire_id) > 100])
    await store.add_segments([segment(number, text=LONG[:number]) for number in range(SENT + 1, COUNT + 1)])
    await store.add_segments([segment(COUNT + 1, text=LONG)])
    await record_unsent(store, [unsent(one, Stage.WAITING, NOW + HOUR) for one in await claim(store, 150)])
    await store.add_inbound([arrival(str(number), inbound_part()) for number in range(100)], NOW)
    await store.add_parts([part(number, 1000 + number) for number in (1, 2)])
    words = [StatusReport(f"?{number}", int(State.DELIVERED), True, 0, "") for number in range(300)]
    await store.settle("lab", words, NOW)
    await store.take_short_ids(50)


@pytest.fixture(scope="module")
def sound() -> Iterator[Path]:
    """A sound database with something in every larger table; tests damage copies of it."""
    with filled_database(_fill) as path:
        yield path


@pytest.fixture
def path(sound: Path) -> Iterator[Path]:
    with copy_of(sound) as path:
        yield path


class Saving(NamedTuple):
    """A rescue, and the rows of the new database."""

    rescue: Rescue
    rows: Rows

    def of(self, table: str) -> Saved:
        return next(saved for saved in self.rescue.tables if saved.table == table)


def rows_of(path: Path) -> Rows:
    with closing(sqlite3.connect(path)) as connection:
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()
            for table, order in TABLES.items()
        }


def saved(path: Path) -> Saving:
    """Salvage; the damaged files stay as they are, and the new one is sound."""
    files = [path, *(log for log in [path.with_name(path.name + "-wal")] if log.exists())]
    before = [file.read_bytes() for file in files]
    target = path.with_name("new.db")
    target.unlink(missing_ok=True)
    rescue = salvage(path, target)
    assert [file.read_bytes() for file in files] == before
    assert not [item for item in path.parent.iterdir() if item.name.startswith(".salvage")]
    assert target.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return Saving(rescue, rows_of(target))


def missing(path: Path, found: Saving) -> dict[str, int]:
    """How many rows of each table are not there; no row is another one."""
    wanted = rows_of(path)
    assert all(set(found.rows[table]) <= set(wanted[table]) for table in wanted)
    return {
        table: len(wanted[table]) - len(rows)
        for table, rows in found.rows.items()
        if len(wanted[table]) != len(rows)
    }


def leaf_with(path: Path, message_id: int) -> tuple[int, set[int]]:
    """The page with this message: its number, and the ids on it."""
    with Pages(path) as pages:
        [root] = [tree.root for tree in pages.schema() if tree.name == "messages"]
        for leaf in pages.walk(root):
            assert isinstance(leaf, Leaf)
            ids = {cell.rowid for cell in leaf.cells}
            if message_id in ids:
                return leaf.page, ids
    raise AssertionError


# --- pages ---------------------------------------------------------------------------------------------


def test_a_sound_database_is_saved_whole(sound: Path, path: Path) -> None:
    found = saved(path)
    assert missing(sound, found) == {}
    assert not any(one.lost or one.pages for one in found.rescue.tables)
    assert found.rescue[1:] == (0, 0, False)


def test_a_damaged_index_costs_nothing(sound: Path, path: Path) -> None:
    for name, pages in trees(path).items():
        if name not in TABLES:
            for page in pages:
                overwrite(path, page)
    assert missing(sound, saved(path)) == {}


def test_a_damaged_root_costs_nothing_where_rows_have_ids(sound: Path, path: Path) -> None:
    """The pages below it are found by their looks."""
    for name in ("messages", "attempts", "orphans"):
        root, *below = trees(path)[name]
        assert below, f"{name} is too small"
        shutil.copyfile(sound, path)
        overwrite(path, root)
        found = saved(path)
        assert missing(sound, found) == {}, name
        assert (found.of(name).pages, found.of(name).lost) == (1, 0)


def test_the_list_of_tables_is_found_again(sound: Path, path: Path) -> None:
    overwrite(path, 1)
    assert missing(sound, saved(path)) == {}
    overwrite(path, 1, bytes(100))  # and the header
    assert missing(sound, saved(path)) == {}


@pytest.mark.parametrize("zeros", [False, True])
def test_a_damaged_page_costs_its_rows_and_what_belongs_to_them(sound: Path, path: Path, zeros: bool) -> None:
    page, lost = leaf_with(path, 50)
    overwrite(path, page, bytes(PAGE) if zeros else None)
    found = saved(path)
    assert {row[0] for row in rows_of(sound)["messages"]} - {row[0] for row in found.rows["messages"]} == lost
    assert missing(sound, found) == {"messages": len(lost), "receipts": len(lost)}
    assert found.rescue.dropped == len(lost)
    assert found.of("messages") == Saved("messages", COUNT + 3 - len(lost), 0, 1, [(min(lost), max(lost))])


def test_a_damaged_sector_costs_its_rows_only(sound: Path, path: Path) -> None:
    page, ids = leaf_with(path, 50)
    overwrite(path, page, b"\xff" * 512, 3000)
    found = saved(path)
    lost = found.of("messages").lost
    assert 0 < lost < len(ids)
    assert missing(sound, found) == {"messages": lost, "receipts": lost}


def test_what_was_deleted_does_not_come_back(sound: Path, path: Path) -> None:
    """Pages out of use look like pages of the table."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM messages WHERE id <= 200")
        connection.execute("DELETE FROM receipts")
    left = path.with_name("left.db")
    shutil.copyfile(path, left)
    for name in ("messages", "receipts"):
        overwrite(path, trees(path)[name][0])
    found = saved(path)
    assert missing(left, found) == {}
    assert len(found.rows["messages"]) == COUNT + 3 - 200


def test_a_truncated_file(sound: Path, path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3 // PAGE * PAGE + 17])
    found = saved(path)
    assert 100 < len(found.rows["messages"]) < COUNT
    assert set(found.rows["messages"]) < set(rows_of(sound)["messages"])
    assert {row[3] for row in found.rows["receipts"]} <= {row[0] for row in found.rows["messages"]}


def test_a_file_of_nothing_but_rubbish(path: Path) -> None:
    for page in range(1, path.stat().st_size // PAGE + 1):
        overwrite(path, page)
    assert not any(saved(path).rows.values())


# --- the log -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [False, True])
async def test_what_only_the_log_holds_is_saved(sound: Path, path: Path, header: bool) -> None:
    store = SqliteStore(path)
    await store.open()
    await store.add_segments([segment(number) for number in range(5000, 5100)])
    fallen = path.with_name("fallen.db")
    shutil.copyfile(path, fallen)
    shutil.copyfile(f"{path}-wal", f"{fallen}-wal")
    await store.close()
    overwrite(fallen, trees(fallen)["messages_wire"][0])
    if header:
        overwrite(fallen, 1, bytes(100))
    found = saved(fallen)
    assert not found.rescue.log_lost
    assert {row[0] for row in found.rows["messages"]} == {
        *(row[0] for row in rows_of(sound)["messages"]),
        *range(5000, 5100),
    }


def test_a_log_of_rubbish_costs_nothing_else(sound: Path, path: Path) -> None:
    path.with_name("bridge.db-wal").write_bytes(b"rubbish" * 5000)
    assert missing(sound, saved(path)) == {}


# --- what comes after ------------------------------------------------------------------------------------


async def test_the_rest_goes_its_way(path: Path) -> None:
    page, lost = leaf_with(path, COUNT - 50)
    overwrite(path, page)
    saved(path)
    store = SqliteStore(path.with_name("new.db"))
    backlog = await store.open()
    assert backlog.queued == {("lab", "pbx")}
    queued = await claim(store, 1000)
    assert len(queued) == COUNT + 1 - SENT - 150 - len(lost)
    assert await store.promote("lab", NOW + HOUR, 1000) == {"pbx"}
    assert len(await store.claim_receipts("pbx", 7, NOW, NOW + HOUR, 1000)) == 100
    assert len(await store.claim_inbound("pbx", NOW, NOW + HOUR, 1000)) == 100
    assert (await store.settle("lab", [report(250)], NOW)).settled
    assert await store.take_short_ids(1) == 51
    assert (await store.story(COUNT + 1)) is not None
    await store.close()


async def test_parts_that_can_never_be_joined_end_with_their_receipts(path: Path) -> None:
    """Their list is lost: nothing would ever look at them again."""
    for name in ("joins", "joined"):
        for page in trees(path)[name]:
            overwrite(path, page)
    assert saved(path).rescue.ended == 2
    store = SqliteStore(path.with_name("new.db"))
    await store.open()
    owed = [
        receipt
        for receipt in await store.claim_receipts("pbx", 7, NOW * 2, NOW * 2, 1000)
        if receipt.wire_id in ("1001", "1002")
    ]
    assert [(receipt.state, receipt.err) for receipt in owed] == [(State.UNDELIVERABLE, 241)] * 2
    await store.close()


async def test_parts_that_are_still_waited_for_are_joined(path: Path) -> None:
    saved(path)
    store = SqliteStore(path.with_name("new.db"))
    await store.open()
    [last] = await store.add_parts([part(3, 2000)])
    assert last.ready
    [join] = await store.take_joins(NOW, 10)
    assert [one.octets for one in join.parts] == [b"part 1", b"part 2", b"part 3"]
    await store.close()


async def test_a_lost_part_is_waited_for_again(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM messages WHERE id = 1002")  # as if its page were lost
    found = saved(path)
    assert [row[0:2] for row in found.rows["joined"]] == [(1001, 1)]
    assert [row[7] for row in found.rows["joins"]] == [2]


@pytest.mark.parametrize("version", [1, 2])
async def test_a_database_of_an_earlier_version(tmp_path: Path, version: int) -> None:
    path = tmp_path / "bridge.db"
    write_old_version(path, version)
    overwrite(path, trees(path)["messages_wire"][0])
    with pytest.raises(StoreError, match="is damaged"):
        await SqliteStore(path).open()
    found = saved(path)
    assert [row[0] for row in found.rows["messages"]] == list(range(1, len(Stage) + 1))
    store = SqliteStore(path.with_name("new.db"))
    await store.open()
    assert [one.wire_id for one in await store.claim_receipts("pbx", 9, NOW + DAY, NOW + DAY, 9)] == ["7"]
    await store.close()


# --- refused -------------------------------------------------------------------------------------------


async def test_what_salvage_refuses(path: Path) -> None:
    target = path.with_name("new.db")
    target.write_bytes(b"something")
    with pytest.raises(StoreError, match="exists"):
        salvage(path, target)
    assert target.read_bytes() == b"something"
    with pytest.raises(StoreError, match="there is no database"):
        salvage(path.with_name("other.db"), path.with_name("newer.db"))
    with pytest.raises(StoreError, match=r"cannot write .*missing"):
        salvage(path, path.parent / "missing" / "new.db")
    store = SqliteStore(path)
    await store.open()
    with pytest.raises(StoreError, match="another smppbridge is running"):
        salvage(path, path.with_name("newer.db"))
    await store.close()


def test_progress_is_told(path: Path) -> None:
    lines: list[str] = []
    overwrite(path, trees(path)["messages"][0])
    salvage(path, path.with_name("new.db"), lines.append)
    assert "looking for the rest of messages" in lines


def test_a_disk_that_was_made_read_only(sound: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked at, and salvaged to another one, without a file beside the database."""
    before = sorted(path.parent.iterdir())
    monkeypatch.setattr(os, "access", lambda place, mode: False)  # as root may write wherever a disk can
    assert problems(path) == []
    with memory() as elsewhere:
        assert salvage(path, elsewhere / "new.db").tables == salvage(sound, elsewhere / "other.db").tables
    assert sorted(path.parent.iterdir()) == before


def test_what_root_has_saved_belongs_to_the_user_of_the_bridge(path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(path, 12345, 12346)
    salvage(path, path.with_name("new.db"))
    old, new = path.stat(), path.with_name("new.db").stat()
    assert (new.st_uid, new.st_gid, new.st_mode & 0o777) == (old.st_uid, old.st_gid, 0o600)
