"""Watches for phones that could not be reached, and alerts once they are.

A message that asked for an alert and did not reach its phone leaves a watch. The next message of its account
that reaches the same phone turns the watch into an alert that is owed. Functions of a connection inside a
transaction.
"""

import sqlite3
from collections.abc import Sequence

from smppbridge.model.message import Alert
from smppbridge.model.owed import wants_alert
from smppbridge.store.rules.verdicts import Ended, phones, unreached
from smppbridge.store.sqlite.rows import select_in

_ANY = "SELECT EXISTS (SELECT 1 FROM alerts)"
# What was never handed over says nothing about its phone.
_ASKING = "SELECT id, tlvs FROM messages WHERE id IN ({}) AND instr(tlvs, x'0421') AND attempt > 0"
# The latest message stands for all from the same source: a phone becomes reachable only once.
_WATCH = """
INSERT OR REPLACE INTO alerts (message_id, account, recipient, source_addr, at)
SELECT id, account, recipient, source_addr, ? FROM messages WHERE id = ?"""
_REACHED = """
UPDATE alerts INDEXED BY alerts_watch SET due_at = ?
WHERE account = ? AND recipient = ? AND due_at IS NULL"""
_CLAIM = f"""
SELECT {",".join(f"m.{name}" for name in Alert._fields)}
FROM alerts a INDEXED BY alerts_due JOIN messages m ON m.id = a.message_id
WHERE a.account = ? AND a.due_at <= ? ORDER BY a.due_at LIMIT ?"""
_EXPIRE = """
DELETE FROM alerts WHERE message_id IN (
    SELECT message_id FROM alerts INDEXED BY alerts_at WHERE account = ? AND at < ? LIMIT ?)"""


def settle(connection: sqlite3.Connection, ended: Sequence[Ended]) -> frozenset[str]:
    """Note which phones were not reached, and which were; the accounts that are owed an alert now."""
    rows = select_in(connection, _ASKING, unreached(ended))
    asking = {message_id for message_id, tlvs in rows if wants_alert(tlvs)}
    if not asking and not _has_any(connection):  # mostly
        return frozenset()
    owed: set[str] = set()
    for (message_id, account, recipient, _, at), reached in phones(ended, asking):
        if not reached:
            connection.execute(_WATCH, (at, message_id))
        elif connection.execute(_REACHED, (at, account, recipient)).rowcount:
            owed.add(account)
    return frozenset(owed)


def _has_any(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute(_ANY).fetchone()[0])


def claim(
    connection: sqlite3.Connection, account: str, now: int, lease_until: int, limit: int
) -> list[Alert]:
    """Alerts that are due for an account. They are leased until ``lease_until``."""
    alerts = list(map(Alert._make, connection.execute(_CLAIM, (account, now, limit)).fetchall()))
    connection.executemany(
        "UPDATE alerts SET due_at = ? WHERE message_id = ?", [(lease_until, alert.id) for alert in alerts]
    )
    return alerts


def delete(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Delete the alerts, or watches, of these messages."""
    connection.executemany("DELETE FROM alerts WHERE message_id = ?", [(message_id,) for message_id in ids])


def expire(connection: sqlite3.Connection, account: str, before: int, limit: int) -> None:
    """Delete up to ``limit`` alerts, or watches, of messages that ended before ``before``."""
    connection.execute(_EXPIRE, (account, before, limit))
