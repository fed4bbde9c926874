"""How SQLite carries out the queries that run all the time: straight to their rows."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from smppbridge.model.message import Stage
from smppbridge.store.sqlite import (
    alerts,
    hastening,
    inbound,
    joins,
    lookups,
    messages,
    orphans,
    parts,
    receipts,
    references,
    settling,
    verdicts,
)
from tests.support.builders.stores import memory, store_in

PLANS = [
    (messages._CLAIM, "messages_queue (provider=? AND account=? AND priority>?)"),
    (messages._PUT_OFF, "messages_queue (provider=? AND account=? AND priority=?)"),
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
    (
        joins._FIND,
        "joins_open (account=? AND recipient=? AND source_addr=? AND reference=? AND width=? AND total=?)",
    ),
    (joins._SAME_PART, "j USING PRIMARY KEY (head=? AND number=?)"),
    (joins._OVERDUE, "joins_due (made=? AND due_at<?)"),
    (joins._PARTS.format("?,?"), "j USING PRIMARY KEY (head=?)"),
    (joins._FORGET, "joins_due (made=? AND due_at<?)"),
    (verdicts._FOLLOWERS.format("?,?"), "j USING PRIMARY KEY (head=?)"),
    (lookups._BY_WIRE_ID, "m USING INDEX messages_wire (account=? AND wire_id=?)"),
    (lookups._BY_WIRE_ID, "j USING COVERING INDEX joined_message (message_id=?)"),
    (lookups._BY_WIRE_ID, "h USING INTEGER PRIMARY KEY (rowid=?)"),
    (lookups._OF_ANY_SERVICE, "messages_pending (account=? AND recipient=? AND source_addr=?)"),
    (
        lookups._OF_SERVICE,
        "messages_pending (account=? AND recipient=? AND source_addr=? AND service_type=? AND id<?)",
    ),
    (
        lookups._LATEST,
        "messages_pending (account=? AND recipient=? AND source_addr=? AND service_type=? AND id<?)",
    ),
    (messages._KNOWN_REFS.format("?,?"), "messages_ref (provider=? AND provider_ref=?)"),
    (receipts._CLAIM, "receipts_due (account=? AND origin=? AND due_at<?)"),
    (hastening._LATER, "messages_due (provider=? AND stage=? AND due_at>?)"),
    (hastening._RECEIPTS, "receipts_due (account=? AND origin=? AND due_at>?)"),
    (hastening._INBOUND, "inbound_parts_due (account=? AND due_at>?)"),
    (hastening._ALERTS, "alerts_due (account=? AND due_at>?)"),
    (inbound._CLAIM, "inbound_parts_due (account=? AND due_at<?)"),
    (inbound._EXPIRE, "inbound_parts_taken (account=? AND taken_at<?)"),
    (inbound._PURGE, "inbound_taken (taken_at<?)"),
    (alerts._ASKING.format("?,?"), "messages USING INTEGER PRIMARY KEY (rowid=?)"),
    (alerts._REACHED, "alerts_watch (account=? AND recipient=?)"),
    (alerts._CLAIM, "a USING COVERING INDEX alerts_due (account=? AND due_at<?)"),
    (alerts._CLAIM, "m USING INTEGER PRIMARY KEY (rowid=?)"),
    (alerts._EXPIRE, "alerts_at (account=? AND at<?)"),
]


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    with memory() as directory:
        store_in(directory)
        with closing(sqlite3.connect(directory / "bridge.db")) as connection:
            yield connection


@pytest.mark.parametrize(("sql", "search"), PLANS, ids=[search for _, search in PLANS])
def test_a_query_goes_straight_to_its_rows(database: sqlite3.Connection, sql: str, search: str) -> None:
    names = re.findall(r":(\w+)", sql)
    values = dict.fromkeys(names, 1) if names else (1,) * sql.count("?")
    plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert any(search in step for step in plan), plan
    assert not any(step.startswith("SCAN") or "TEMP B-TREE" in step for step in plan), plan


def test_what_is_ready_is_all_that_its_index_holds(database: sqlite3.Connection) -> None:
    plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {joins._READY}", (1,))]
    assert plan == ["SCAN joins USING INDEX joins_ready"]


def test_whether_anything_is_owed_is_four_quick_looks(database: sqlite3.Connection) -> None:
    wanted = {"account": 1, "now": 1}
    plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {receipts._OWES}", wanted)]
    looks = [step for step in plan if step.startswith(("SCAN", "SEARCH"))]
    assert looks[0] == "SCAN CONSTANT ROW"
    assert [look.rpartition(" INDEX ")[2] for look in looks[1:]] == [
        "receipts_due (account=? AND origin=? AND due_at<?)",
        "receipts_due (account=? AND origin>?)",
        "inbound_parts_due (account=? AND due_at<?)",
        "alerts_due (account=? AND due_at<?)",
    ]
