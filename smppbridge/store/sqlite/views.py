"""What is read at the start and for people: counts of whole queues, and lists.

Functions of a connection. `gauges`, `waiting` and `list_stage` are slow, and run beside the work.
"""

import sqlite3
from collections import Counter

from smppbridge.model.message import Overdue, Particulars, Stage
from smppbridge.store.results import CLOCK, Attempt, Backlog, Files, Gauges, Story
from smppbridge.store.sqlite import messages
from smppbridge.store.sqlite.damage import CLEAN
from smppbridge.store.sqlite.messages import OVERDUE_COLUMNS, to_overdue

# What waits longer is scheduled or held for quiet hours: its age is no sign of trouble.
SOON_MS = 10 * 60 * 1000
_COUNT_QUEUED = f"""
SELECT provider, count(*), min(id) FILTER (WHERE stage = {Stage.QUEUED:d} OR due_at <= ?)
FROM messages INDEXED BY messages_due
WHERE stage IN ({Stage.WAITING:d}, {Stage.QUEUED:d}) AND due_at IS NOT NULL GROUP BY provider"""
_COUNT_UNCERTAIN = f"""
SELECT provider, count(*) FROM messages INDEXED BY messages_due
WHERE stage = {Stage.UNCERTAIN:d} AND due_at IS NOT NULL GROUP BY provider"""

UNKNOWN_AFTER_MS = 60 * 1000  # a status may come before the reference is on record, but not by a minute
_MOST_UNKNOWN = 10_000  # rows, oldest first: where there are more, the number does not matter
_UNKNOWN = f"""
SELECT provider, count(DISTINCT told) FROM (
    SELECT provider, told, at FROM orphans ORDER BY id LIMIT {_MOST_UNKNOWN})
WHERE at < ? GROUP BY provider"""

_COLLECTING = """
SELECT account, sum(total - missing) FROM joins INDEXED BY joins_due WHERE made = 0 GROUP BY account"""

# By the order of its index, without sorting. The index of the others knows no account: each of their rows is
# visited, and added to its account in a table. To sort a million of them would take 50 MB.
_QUEUED_BY_ACCOUNT = f"""
SELECT account, count(*) FROM messages INDEXED BY messages_queue
WHERE stage = {Stage.QUEUED:d} GROUP BY provider, account"""
_COUNTS = "CREATE TEMP TABLE counts (account TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID"
_COUNT_OTHERS = f"""
INSERT INTO counts SELECT account, 1 FROM messages INDEXED BY messages_due
WHERE stage IN ({Stage.WAITING:d}, {Stage.SENDING:d}, {Stage.UNCERTAIN:d}) AND due_at IS NOT NULL
ON CONFLICT (account) DO UPDATE SET count = count + 1"""

_LIST_OPEN = f"""
SELECT {OVERDUE_COLUMNS} FROM messages INDEXED BY messages_due
WHERE stage = ? AND due_at IS NOT NULL ORDER BY id LIMIT ?"""
_LIST_FINAL = f"SELECT {OVERDUE_COLUMNS} FROM messages WHERE stage = ? ORDER BY id LIMIT ?"

_STORY = "SELECT provider, state, code, price, currency, parts, operator FROM messages WHERE id = ?"
_ATTEMPTS = f"""
SELECT {",".join(Attempt._fields)} FROM attempts INDEXED BY attempts_message
WHERE message_id = ? ORDER BY rowid"""


def recover(connection: sqlite3.Connection) -> None:
    """End all leases and binds: after a stop of any kind nobody holds them. From now on the database counts
    as not closed."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM counters WHERE name = ?", (CLEAN,))
    connection.execute(
        "UPDATE messages INDEXED BY messages_due SET due_at = 0 "
        f"WHERE stage = {Stage.SENDING:d} AND due_at IS NOT NULL"
    )
    connection.execute(
        "UPDATE receipts SET origin = 0, due_at = min(due_at, at) WHERE origin <> 0 OR due_at > at"
    )
    connection.execute("UPDATE inbound_parts SET due_at = taken_at WHERE due_at > taken_at")
    connection.execute("COMMIT")


def backlog(connection: sqlite3.Connection) -> Backlog:
    """Whom to wake at the start."""
    queued = connection.execute(
        "SELECT DISTINCT provider, account FROM messages INDEXED BY messages_queue WHERE stage = 2"
    ).fetchall()
    providers = connection.execute(
        "SELECT DISTINCT provider FROM messages INDEXED BY messages_due WHERE due_at IS NOT NULL"
    )
    newest = connection.execute("SELECT id, submitted_at FROM messages ORDER BY id DESC LIMIT 1").fetchone()
    last_id, submitted_at = newest or (0, 0)
    return Backlog(
        frozenset((provider, account) for provider, account in queued),
        frozenset(row[0] for row in providers.fetchall()),
        last_id,
        frozenset(_inbound(connection)),
        max(submitted_at, messages.mark(connection, CLOCK) or 0),
    )


def _inbound(connection: sqlite3.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT account, count(*) FROM inbound_parts GROUP BY account").fetchall())


def gauges(connection: sqlite3.Connection, now: int, files: Files) -> Gauges:
    """Count what waits. The oldest message has the lowest id, because ids are in order of time."""
    queued: dict[str, tuple[int, int]] = {}
    for provider, count, oldest in connection.execute(_COUNT_QUEUED, (now + SOON_MS,)).fetchall():
        row = connection.execute("SELECT submitted_at FROM messages WHERE id = ?", (oldest,)).fetchone()
        queued[provider] = (count, row[0] if row else now)
    uncertain = dict(connection.execute(_COUNT_UNCERTAIN).fetchall())
    owed = {
        account: (count, oldest)
        for account, count, oldest in connection.execute(
            "SELECT account, count(*), min(at) FROM receipts GROUP BY account"
        ).fetchall()
    }
    unknown = dict(connection.execute(_UNKNOWN, (now - UNKNOWN_AFTER_MS,)).fetchall())
    collecting = dict(connection.execute(_COLLECTING).fetchall())
    return Gauges(queued, uncertain, owed, _inbound(connection), collecting, unknown, files)


def waiting(connection: sqlite3.Connection) -> dict[str, int]:
    """Messages and parts of each account that no provider has taken. Leaves a temporary table."""
    connection.execute(_COUNTS)
    connection.execute(_COUNT_OTHERS)
    counts: Counter[str] = Counter()
    for sql in (_QUEUED_BY_ACCOUNT, "SELECT account, count FROM counts", _COLLECTING):
        for account, count in connection.execute(sql).fetchall():
            counts[account] += count
    return dict(counts)


def list_stage(connection: sqlite3.Connection, stage: int, limit: int) -> list[Overdue]:
    """Up to ``limit`` messages in a stage, oldest first."""
    sql = _LIST_FINAL if stage == Stage.FINAL else _LIST_OPEN
    return list(map(to_overdue, connection.execute(sql, (int(stage), limit)).fetchall()))


def story(connection: sqlite3.Connection, message_id: int) -> Story | None:
    """What is kept of a message."""
    row = connection.execute(_STORY, (message_id,)).fetchone()
    if row is None:
        return None
    attempts = list(map(Attempt._make, connection.execute(_ATTEMPTS, (message_id,)).fetchall()))
    provider, state, code, *told = row
    return Story(provider, state, code, Particulars(*told), attempts)
