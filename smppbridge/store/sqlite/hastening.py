"""After the clock was put back: what is owed, or waits by a pause of the bridge's own, is due now.

Functions of a connection inside a transaction.
"""

import sqlite3

from smppbridge.model.message import Stage
from smppbridge.store.results import HASTENED, Reached
from smppbridge.store.sqlite import receipts

_STAGES = (Stage.WAITING, Stage.UNCERTAIN, Stage.SENT)

# What `asked` says of WAITING messages: see `messages._UNSENT`.
_LATER = f"""
SELECT due_at, id, send_at <= :now
    AND CASE stage WHEN {Stage.WAITING:d} THEN asked > 0 ELSE due_at < deadline END
FROM messages INDEXED BY messages_due
WHERE provider = :provider AND stage = :stage AND due_at >= :due AND (due_at, id) > (:due, :id)
ORDER BY due_at, id LIMIT :limit"""
_DUE = "UPDATE messages SET due_at = ? WHERE id = ?"

_RECEIPTS = """
UPDATE receipts SET due_at = ? WHERE id IN (
    SELECT id FROM receipts INDEXED BY receipts_due
    WHERE account = ? AND origin = ? AND due_at > ? LIMIT ?)"""
_INBOUND = """
UPDATE inbound_parts SET due_at = ? WHERE id IN (
    SELECT id FROM inbound_parts INDEXED BY inbound_parts_due WHERE account = ? AND due_at > ? LIMIT ?)"""
_ALERTS = """
UPDATE alerts SET due_at = ? WHERE message_id IN (
    SELECT message_id FROM alerts INDEXED BY alerts_due WHERE account = ? AND due_at > ? LIMIT ?)"""


def messages(connection: sqlite3.Connection, provider: str, now: int, after: Reached, limit: int) -> Reached:
    """Look at up to ``limit`` messages of a stage, from the one that is due next after ``after`` on; where to
    go on."""
    stage = max(after.stage, _STAGES[0])
    wanted = {
        "provider": provider,
        "stage": stage,
        "due": max(after.due_at, now + 1),
        "id": after.id,
        "now": now,
        "limit": limit,
    }
    rows = connection.execute(_LATER, wanted).fetchall()
    connection.executemany(_DUE, [(now, message_id) for _, message_id, waits in rows if waits])
    if len(rows) == limit:
        return Reached(stage, *rows[-1][:2])
    return next((Reached(later) for later in _STAGES if later > stage), HASTENED)


def owed(connection: sqlite3.Connection, account: str, now: int, limit: int) -> int:
    """Receipts, parts of messages from phones, and alerts: up to ``limit``; how many."""
    count = 0
    for origin in receipts.origins(connection, account):
        count += connection.execute(_RECEIPTS, (now, account, origin, now, limit - count)).rowcount
        if count >= limit:
            break
    for statement in (_INBOUND, _ALERTS):
        count += connection.execute(statement, (now, account, now, limit - count)).rowcount
    return count
