"""How SQLite carries out the queries that run all the time: straight to their rows."""

import re
import sqlite3
from pathlib import Path

import pytest

from smppbridge.model.message import Stage
from smppbridge.store import inbound, messages, orphans, parts, receipts, references, settling
from smppbridge.store.sqlite import SqliteStore

PLANS = [
    (messages._CLAIM, "messages_queue (provider=? AND account=?)"),
    (messages._PROMOTE, "messages_due (provider=? AND stage=? AND due_at<?)"),
    (messages._POLLS, "messages_due (provider=? AND stage=? AND due_at<?)"),
    (messages._PAST_DUE.format(Stage.QUEUED), "messages_due (provider=? AND stage=? AND due_at<?)"),
    (messages._WAITING_PAST_DEADLINE, "messages_due (provider=? AND stage=? AND due_at<?)"),
    (messages._DOUBTS, "messages_due (provider=? AND stage=? AND due_at<?)"),
    (messages._DOUBT_PAST_DEADLINE, "messages_doubts (provider=? AND deadline<?)"),
    (messages._SENT_PAST_DEADLINE, "messages_deadline (provider=? AND deadline<?)"),
    (references._BY_REF.format("?,?"), "messages_ref (provider=? AND provider_ref=?)"),
    (parts._BY_REF.format("?,?"), "p USING PRIMARY KEY (provider=? AND provider_ref=?)"),
    (parts._NOTE, "message_parts USING PRIMARY KEY (provider=? AND provider_ref=? AND message_id=?)"),
    (parts._OF_MESSAGES.format("?,?"), "message_parts_message (message_id=?)"),
    (parts._DELETE, "message_parts_message (message_id=?)"),
    (
        orphans._OF_MESSAGES.format("?,?"),
        "o USING INDEX sqlite_autoindex_orphans_1 (provider=? AND provider_ref=?)",
    ),
    (orphans._OF_PARTS.format("?,?"), "message_parts_message (message_id=?)"),
    (
        orphans._OF_PARTS.format("?,?"),
        "o USING INDEX sqlite_autoindex_orphans_1 (provider=? AND provider_ref=?)",
    ),
    (orphans._FORGET, "orphans USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
    (orphans._PURGE, "orphans USING INTEGER PRIMARY KEY (rowid<?)"),
    (settling._BY_ID.format("?,?"), "m USING INTEGER PRIMARY KEY (rowid=?)"),
    (messages._IN_FLIGHT, "messages_due (provider=? AND stage=?"),
    (messages._KNOWN_REFS.format("?,?"), "messages_ref (provider=? AND provider_ref=?)"),
    (receipts._CLAIM, "receipts_due (account=? AND origin=? AND due_at<?)"),
    (inbound._CLAIM, "inbound_parts_due (account=? AND due_at<?)"),
    (inbound._EXPIRE, "inbound_parts_taken (account=? AND taken_at<?)"),
    (inbound._PURGE, "inbound_taken (taken_at<?)"),
]


@pytest.fixture
async def database(tmp_path: Path) -> sqlite3.Connection:
    store = SqliteStore(tmp_path / "plans.db")
    await store.open()
    await store.close()
    return sqlite3.connect(tmp_path / "plans.db")


@pytest.mark.parametrize(("sql", "search"), PLANS, ids=[search for _, search in PLANS])
async def test_a_query_goes_straight_to_its_rows(database: sqlite3.Connection, sql: str, search: str) -> None:
    try:
        places = len(set(re.findall(r"\?\d", sql))) or sql.count("?")
        plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {sql}", (1,) * places)]
    finally:
        database.close()
    assert any(search in step for step in plan), plan
    assert not any(step.startswith("SCAN") or "TEMP B-TREE" in step for step in plan), plan
