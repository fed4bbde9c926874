"""Delivery receipts that are owed to equipment: claim, pay, defer, release, expire.

Functions of a connection inside a transaction.
"""

import sqlite3
from collections.abc import Iterator, Sequence

from smppbridge.model.message import Receipt

RELEASE_CHUNK = 1000  # rows that one transaction frees from a bind that is gone

_OF_RECEIPT = ("id", "account", "origin", "state", "final", "err", "code", "at", "tries", "details")
_CLAIM = f"""
SELECT {",".join(("r." if name in _OF_RECEIPT else "m.") + name for name in Receipt._fields)}
FROM receipts r INDEXED BY receipts_due JOIN messages m ON m.id = r.message_id
WHERE r.account = ? AND r.origin = ? AND r.due_at <= ? ORDER BY r.due_at, r.id LIMIT ?"""

# Due at once, because a lease or a pause would hold rows back for a while.
_RELEASE = f"""
UPDATE receipts SET origin = 0, due_at = min(due_at, ?)
WHERE id IN (
    SELECT id FROM receipts INDEXED BY receipts_due WHERE account = ? AND origin = ? LIMIT {RELEASE_CHUNK})"""

_NEXT_ORIGIN = """
SELECT origin FROM receipts INDEXED BY receipts_due
WHERE account = ? AND origin > ? ORDER BY origin LIMIT 1"""

# Nothing is due before its state was reached, so whatever was due before that time is old enough. Only
# receipts that were put off need an index of their own.
_EXPIRE_DUE = """
DELETE FROM receipts WHERE id IN (
    SELECT id FROM receipts INDEXED BY receipts_due
    WHERE account = ? AND origin = ? AND due_at < ? AND at < ? LIMIT ?)"""
_EXPIRE_DEFERRED = """
DELETE FROM receipts WHERE id IN (
    SELECT id FROM receipts INDEXED BY receipts_deferred
    WHERE account = ? AND at < ? AND tries > 0 LIMIT ?)"""

# A bind that is gone may have left receipts behind that are not due before they are released.
_OWES = """
SELECT EXISTS (
    SELECT 1 FROM receipts INDEXED BY receipts_due WHERE account = :account AND origin = 0 AND due_at <= :now)
OR EXISTS (SELECT 1 FROM receipts INDEXED BY receipts_due WHERE account = :account AND origin > 0)
OR EXISTS (
    SELECT 1 FROM inbound_parts INDEXED BY inbound_parts_due WHERE account = :account AND due_at <= :now)
OR EXISTS (SELECT 1 FROM alerts INDEXED BY alerts_due WHERE account = :account AND due_at <= :now)"""


def owes(connection: sqlite3.Connection, account: str, now: int) -> bool:
    """Whether anything is due for an account that has no bind to claim it."""
    found = connection.execute(_OWES, {"account": account, "now": now}).fetchone()
    return bool(found[0])


def claim(
    connection: sqlite3.Connection, account: str, origin: int, now: int, lease_until: int, limit: int
) -> list[Receipt]:
    """Receipts for one bind, its own before those of no bind. They are leased until ``lease_until``."""
    rows = connection.execute(_CLAIM, (account, origin, now, limit)).fetchall()
    if origin and len(rows) < limit:
        rows += connection.execute(_CLAIM, (account, 0, now, limit - len(rows))).fetchall()
    connection.executemany(
        "UPDATE receipts SET due_at = ? WHERE id = ?", [(lease_until, row[0]) for row in rows]
    )
    return [Receipt._make((*row[:4], row[4] == 1, *row[5:])) for row in rows]


def pay(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Delete receipts that are delivered, or given up."""
    connection.executemany("DELETE FROM receipts WHERE id = ?", [(receipt_id,) for receipt_id in ids])


def defer(connection: sqlite3.Connection, items: Sequence[tuple[int, int, int]]) -> None:
    """Put receipts off: (receipt id, due at, tries) each."""
    connection.executemany(
        "UPDATE receipts SET due_at = ?, tries = ? WHERE id = ?",
        [(due_at, tries, receipt_id) for receipt_id, due_at, tries in items],
    )


def release(connection: sqlite3.Connection, account: str, origin: int, now: int) -> int:
    """Give up to RELEASE_CHUNK receipts of a bind to all binds of the account; how many."""
    return connection.execute(_RELEASE, (now, account, origin)).rowcount


def expire(connection: sqlite3.Connection, account: str, before: int, limit: int) -> int:
    """Delete up to ``limit`` receipts for states reached before ``before``; how many."""
    count = connection.execute(_EXPIRE_DEFERRED, (account, before, limit)).rowcount
    for origin in origins(connection, account):
        count += connection.execute(_EXPIRE_DUE, (account, origin, before, before, limit - count)).rowcount
        if count >= limit:
            break
    return count


def origins(connection: sqlite3.Connection, account: str) -> Iterator[int]:
    """The binds for which an account has receipts, in order; 0 stands for any bind. Each is looked for when
    it is asked for."""
    origin = -1
    while row := connection.execute(_NEXT_ORIGIN, (account, origin)).fetchone():
        origin = row[0]
        yield origin
