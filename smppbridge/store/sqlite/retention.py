"""Deletes what is kept, or owed, for long enough. For messages that is a walk up through their ids.

Ids are in the order in which messages were stored, whatever the clock said then. Functions of a connection
inside a transaction.
"""

import sqlite3
from typing import NamedTuple

from smppbridge.model.message import Stage
from smppbridge.store.sqlite import alerts, inbound, orphans, parts, receipts

LOOKS = 8  # a purge looks at so many times its limit of rows

_PURGEABLE = f"""
SELECT id, submitted_at, stage = {Stage.FINAL:d} AND NOT EXISTS (
    SELECT 1 FROM receipts INDEXED BY receipts_message WHERE message_id = messages.id)
FROM messages WHERE id > ? ORDER BY id LIMIT ?"""


class Walk(NamedTuple):
    """How far a walk has come, and what the walks before it have seen."""

    after: int = 0  # id to go on after
    old: int = 0  # the highest id of a message that was old enough


class Ends(NamedTuple):
    """Until when things are kept: times in ms."""

    before: int  # messages, and messages from phones
    orphans_before: int  # statuses for unknown references
    now: int


def purge(connection: sqlite3.Connection, walk: Walk, ends: Ends, limit: int) -> tuple[int, Walk]:
    """Delete up to ``limit`` rows that are too old: (how many, where the walk goes on)."""
    count, walk = _purge_messages(connection, walk, ends, limit)
    count += inbound.purge(connection, ends.before, limit - count)
    return count + orphans.purge(connection, ends.orphans_before, ends.now, limit - count), walk


def expire_owed(connection: sqlite3.Connection, account: str, before: int, limit: int) -> int:
    """Delete up to ``limit`` receipts and parts of messages from phones that are owed since before
    ``before``; how many. Beside them as many alerts."""
    count = receipts.expire(connection, account, before, limit)
    alerts.expire(connection, account, before, limit)
    return count + inbound.expire(connection, account, before, limit - count)


def _purge_messages(connection: sqlite3.Connection, walk: Walk, ends: Ends, limit: int) -> tuple[int, Walk]:
    """FINAL messages that owe no receipt.

    The walk begins anew when it has reached messages that are too young. It goes past messages from the
    future, which a clock that was ahead has left: they are old enough as soon as one behind them is.
    """
    doomed: list[tuple[int]] = []
    after, old = walk
    rows = connection.execute(_PURGEABLE, (after, limit * LOOKS)).fetchall()
    at_the_end = len(rows) < limit * LOOKS
    for message_id, submitted_at, ended in rows:
        if ends.before <= submitted_at <= ends.now:
            at_the_end = True
            break
        after = message_id
        if submitted_at < ends.before:
            old = max(old, message_id)
        if ended and message_id <= old:
            doomed.append((message_id,))
            if len(doomed) == limit:
                at_the_end = False
                break
    _delete(connection, doomed)
    return len(doomed), Walk(0 if at_the_end else after, old)


def _delete(connection: sqlite3.Connection, doomed: list[tuple[int]]) -> None:
    connection.executemany("DELETE FROM attempts WHERE message_id = ?", doomed)
    parts.delete(connection, doomed)
    connection.executemany("DELETE FROM joined WHERE head = ?", doomed)
    connection.executemany("DELETE FROM alerts WHERE message_id = ?", doomed)
    connection.executemany("DELETE FROM messages WHERE id = ?", doomed)
