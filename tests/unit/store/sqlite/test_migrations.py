"""A database of an earlier version goes on where it was, whatever was in it."""

import sqlite3
from importlib.resources import files
from pathlib import Path

import pytest

from smppbridge.model.message import Inbound, Sent, Stage, State
from smppbridge.store.results import Arrival
from smppbridge.store.sqlite.store import SqliteStore
from tests.support.builders.messages import claimed
from tests.support.builders.rows import (
    DAY,
    HOUR,
    NOW,
    claim,
    record_sent,
    record_unsent,
    report,
    segment,
    sent,
    stages,
    unsent,
)
from tests.support.builders.stores import store_in

MIGRATIONS = files("smppbridge.store.sqlite").joinpath("migrations")
FIRST_COLUMNS = """id, account, wire_id, origin, source_addr_ton, source_addr_npi, source_addr, dest_addr_ton,
    dest_addr_npi, destination_addr, recipient, sender, text, data_coding, registered_delivery, priority,
    service_type, route, provider, stage, submitted_at, due_at, deadline, attempt, provider_ref, sent_at"""
DOUBT, HANDED_OVER, ENDED = 5, 6, 7  # ids: one more than the stage


def row(stage: Stage) -> tuple[object, ...]:
    """A message as the first version wrote it."""
    number = stage + 1
    due = None if stage == Stage.FINAL else NOW + DAY if stage in (Stage.QUEUED, Stage.UNCERTAIN) else NOW
    tried = stage >= Stage.SENDING
    return (
        number, "pbx", str(number), 0, 5, 0, "ALARM", 1, 1, "375291234567", "375291234567", "ALARM",
        f"text {number}", 8, 1, 0, "", "lab,spare", "lab", int(stage), NOW, due, NOW + DAY, int(tried),
        f"ref-{number}" if stage >= Stage.SENT else None, NOW if tried else 0,
    )  # fmt: skip


def write_old_version(path: Path, version: int = 1) -> None:
    """Everything that the first schema could hold, by its own SQL file, and then brought to ``version``."""
    database = sqlite3.connect(path)
    database.execute("PRAGMA synchronous = OFF")
    database.executescript(MIGRATIONS.joinpath("0001.sql").read_text(encoding="utf-8"))
    database.execute("PRAGMA journal_mode = WAL")
    columns = FIRST_COLUMNS.count(",") + 1
    database.executemany(
        f"INSERT INTO messages ({FIRST_COLUMNS}) VALUES ({','.join('?' * columns)})", map(row, Stage)
    )
    database.execute(f"INSERT INTO attempts VALUES ({DOUBT}, 1, 'lab', 'uncertain', '', 'timeout', {NOW})")
    database.execute(
        "INSERT INTO receipts (account, origin, message_id, state, final, err, code, at, due_at) "
        f"VALUES ('pbx', 7, {ENDED}, {State.DELIVERED:d}, 1, 0, '2', {NOW}, {NOW})"
    )
    database.execute(f"INSERT INTO orphans VALUES ('lab', 'ref-4', {State.EXPIRED:d}, 1, 0, 'late', {NOW})")
    database.execute("INSERT INTO counters VALUES ('short_id', 4711)")
    database.commit()
    for number in range(2, version + 1):
        database.executescript(MIGRATIONS.joinpath(f"{number:04}.sql").read_text(encoding="utf-8"))
    if version > 1:
        database.execute(f"INSERT INTO inbound VALUES ('lab', '0', '', '', 'no', {NOW}, {NOW + DAY}, 'pbx')")
        database.execute("UPDATE orphans SET details = 'kept'")
    database.execute(f"PRAGMA user_version = {version}")
    database.commit()
    database.close()


@pytest.fixture(params=[1, 2])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SqliteStore:
    write_old_version(tmp_path / "bridge.db", request.param)
    return store_in(tmp_path)


async def test_every_message_is_where_it_was(store: SqliteStore) -> None:
    backlog = await store.open()
    assert backlog == (frozenset({("lab", "pbx")}), frozenset({"lab"}), 7, frozenset(), NOW)
    assert await stages(store) == {stage + 1: stage for stage in Stage}
    assert await store.take_short_ids(1) == 4711
    await store.close()


async def test_a_queued_message_is_sent(store: SqliteStore) -> None:
    await store.open()
    assert await store.promote("lab", NOW, 10) == {"pbx"}
    waited, queued = await claim(store)
    assert queued == claimed(segment(3, text="text 3"))
    await record_sent(store, [sent(queued)], NOW)
    await record_unsent(store, [unsent(waited, Stage.UNCERTAIN, NOW)])
    assert (await store.settle("lab", [report(3)], NOW)).settled
    await store.close()


async def test_what_was_under_way_is_overdue_and_may_still_be_found(store: SqliteStore) -> None:
    await store.open()
    [sending] = [one for one in await store.overdue("lab", NOW, 10) if one.stage == Stage.SENDING]
    assert (sending.id, sending.attempt) == (4, 1)
    late = Sent(sending.id, sending.account, sending.attempt, "ref-4", "", NOW, NOW + DAY)
    settlement = await record_sent(store, [late], NOW)
    assert [item.state for item in settlement.settled] == [State.EXPIRED]  # its status had come before
    assert (await store.gauges(NOW + HOUR)).unknown == {}
    await store.close()


async def test_a_doubt_held_to_its_deadline_ends_with_it(store: SqliteStore) -> None:
    """The first version made it due at its deadline; nobody asks about it before."""
    await store.open()
    assert await store.claim_doubts("lab", NOW + HOUR, 10, NOW + DAY) == []
    overdue = await store.overdue("lab", NOW + DAY, 10)
    assert DOUBT in [one.id for one in overdue if one.stage == Stage.UNCERTAIN]
    await store.close()


async def test_a_message_handed_over_is_asked_about_and_settled(store: SqliteStore) -> None:
    await store.open()
    [poll] = await store.claim_polls("lab", NOW, 10, HOUR, HOUR)
    assert (poll.id, poll.provider_ref, poll.sent_at) == (HANDED_OVER, "ref-6", NOW)
    assert await store.known_refs("lab", ["ref-6", "ref-7", "ref-8"]) == {"ref-6", "ref-7"}
    assert (await store.settle("lab", [report(HANDED_OVER)], NOW)).settled
    await store.close()


async def test_a_receipt_is_still_owed(store: SqliteStore) -> None:
    await store.open()
    [receipt] = await store.claim_receipts("pbx", 9, NOW, NOW + HOUR, 10)
    assert (receipt.wire_id, receipt.origin, receipt.details, receipt.text) == ("7", 0, "", "text 7")
    await store.pay_receipts([receipt.id])
    assert await store.purge(NOW + 1, 0, NOW + DAY, 10) == 1
    await store.close()


async def test_what_is_new_works(store: SqliteStore) -> None:
    await store.open()
    gauges = await store.gauges(NOW)
    assert (gauges.uncertain, gauges.inbound) == ({"lab": 1}, {})
    arrival = Arrival("lab", Inbound("1", "375291234567", "1234", "yes", NOW), [])
    assert await store.add_inbound([arrival], NOW) == [arrival]
    assert gauges.unknown == {}
    assert (await store.gauges(NOW + HOUR)).unknown == {"lab": 1}
    [message] = await claim(store)
    await record_sent(store, [sent(message)._replace(parts=("more",))], NOW)
    assert (await store.settle("lab", [report(message.id)], NOW)).settled == []
    more = report(0)._replace(provider_ref="", also=("more",), recipient="80291234567")
    assert (await store.settle("lab", [more], NOW)).settled
    await store.close()
    await store.open()  # and is brought up to date once
    await store.close()


async def test_a_new_database_is_like_one_brought_up_to_date(tmp_path: Path) -> None:
    write_old_version(tmp_path / "old.db")
    write_old_version(tmp_path / "later.db", 2)
    found = []
    for name in ("old.db", "later.db", "new.db"):
        store = SqliteStore(tmp_path / name)
        await store.open()
        await store.close()
        database = sqlite3.connect(tmp_path / name)
        version = database.execute("PRAGMA user_version").fetchone()[0]
        found.append((version, set(database.execute("SELECT type, name, sql FROM sqlite_schema"))))
        database.close()
    assert found[0] == found[1] == found[2]
    assert found[0][0] == len([one for one in MIGRATIONS.iterdir() if one.name.endswith(".sql")])
