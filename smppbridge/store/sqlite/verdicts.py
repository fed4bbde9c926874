"""Writes what verdicts do to messages: outcomes and the receipts owed for them, together.

Functions of a connection inside a transaction. The rules are in ``store.rules.verdicts``.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from smppbridge.model.message import Stage
from smppbridge.store.results import Settlement
from smppbridge.store.rules.verdicts import Binds, Changes, Row, Verdict
from smppbridge.store.sqlite import alerts
from smppbridge.store.sqlite.rows import select_in

_OF_MESSAGE = ",".join(f"m.{name}" for name in Row._fields[1:-2])
WHOLE = f"m.provider_ref, {_OF_MESSAGE}, NULL, 0"
"""The columns of a `Row` that means all of message m."""
PART = f"p.provider_ref, {_OF_MESSAGE}, p.state, p.final"
"""Those of one that means its part p."""

_FOLLOWERS = f"""
SELECT j.head, {WHOLE} FROM joined j JOIN messages m ON m.id = j.message_id
WHERE j.head IN ({{}}) AND j.message_id <> j.head"""

_FINAL = (
    f"UPDATE messages SET stage = {Stage.FINAL:d}, due_at = NULL, state = ?, err = ?, code = ?, done_at = ?, "
    "details = ? WHERE id = ?"
)
_CARRIED = "UPDATE messages SET provider = ? WHERE id = ?"
_NOTE = "UPDATE messages SET state = ?, err = ?, code = ?, seen = seen | ? WHERE id = ?"
# A value that is not told changes nothing.
_TOLD = """
UPDATE messages SET price = ifnull(nullif(?, 0), price), currency = ifnull(nullif(?, ''), currency),
    parts = ifnull(nullif(?, 0), parts), operator = ifnull(nullif(?, ''), operator)
WHERE id = ?"""
_REASON = """
INSERT INTO attempts (message_id, number, provider, result, code, reason, at)
SELECT id, attempt, provider, ?, ?, ?, ? FROM messages WHERE id = ?"""
_OWE = """
INSERT INTO receipts (account, origin, message_id, state, final, err, code, at, due_at, details)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""


def apply(
    connection: sqlite3.Connection, pairs: Iterable[tuple[Row, Sequence[Verdict]]], live: Binds
) -> Settlement:
    """Write verdicts to their messages, each message once, and the receipts owed by them.

    The other parts that a message was joined of share its fate. Each owes the receipts that it asked for."""
    changes = Changes(live)
    heads: dict[int, tuple[Row, Sequence[Verdict]]] = {}
    for row, verdicts in pairs:
        changes.add(row, verdicts)
        if row.segments > 1:
            heads[row.id] = (row, verdicts)
    for head, *fields in select_in(connection, _FOLLOWERS, list(heads)):
        changes.follow(Row._make(fields), *heads[head])
    # A message may be in both: its final state comes last.
    connection.executemany(_NOTE, changes.notes)
    connection.executemany(_FINAL, changes.finals)
    connection.executemany(_TOLD, changes.told)
    connection.executemany(_REASON, changes.reasons)
    connection.executemany(_CARRIED, changes.carried)
    connection.executemany(_OWE, changes.receipts)
    return changes.settlement(alerts.settle(connection, changes.ended))
