"""Long messages that equipment cut into several submit_sm: their parts come in, and one of them goes on.

The part that came first is the head. Once the message is joined, the head carries the whole text and goes the
way of any message. The other parts stay COLLECTING beside it, and end when it ends. Functions of a connection
inside a transaction.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from smppbridge.model.joining import Collected, GivenUp, Join, Joined, JoinPart, Part, PartPlace, place_of
from smppbridge.store.sqlite import messages
from smppbridge.store.sqlite.rows import select_in

LONGEST_RETURN = 60_000  # ms

_FIND = """
SELECT head FROM joins INDEXED BY joins_open
WHERE account = ? AND recipient = ? AND source_addr = ? AND reference = ? AND width = ? AND total = ?
    AND open"""
_SAME_PART = """
SELECT j.octets, m.wire_id FROM joined j JOIN messages m ON m.id = j.message_id
WHERE j.head = ? AND j.number = ?"""
_BEGIN = "INSERT INTO joins VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, 0, ?)"
_ADD = "INSERT INTO joined VALUES (?, ?, ?, ?)"
_COUNT = "UPDATE joins SET missing = missing - 1 WHERE head = ? RETURNING missing"
_CLOSE = "UPDATE joins SET open = 0 WHERE head = ?"

_READY = "SELECT head, missing FROM joins INDEXED BY joins_ready WHERE missing = 0 AND made = 0 LIMIT ?"
_OVERDUE = """
SELECT head, missing FROM joins INDEXED BY joins_due
WHERE made = 0 AND due_at <= ? AND missing > 0 ORDER BY due_at LIMIT ?"""
_HEADS = """
SELECT id, account, recipient, sender, flash, send_at, deadline FROM messages WHERE id IN ({})"""
_PARTS = """
SELECT j.head, j.message_id, j.octets, m.data_coding, m.registered_delivery
FROM joined j JOIN messages m ON m.id = j.message_id WHERE j.head IN ({}) ORDER BY j.head, j.number"""

# A message that got another part meanwhile is looked at anew.
_MADE = "UPDATE joins SET made = 1, open = (open AND missing = 0) WHERE head = ? AND missing = ? AND made = 0"
_GO_ON = """
UPDATE messages SET text = ?, flash = ?, data_coding = ?, route = ?, provider = ?, stage = ?, send_at = ?,
    due_at = ? WHERE id = ?"""
_SEGMENTS = "UPDATE messages SET segments = ? WHERE id = ?"
_SILENCE = "UPDATE messages SET registered_delivery = 0 WHERE id = ?"
_AWAIT = """
UPDATE joins AS j SET due_at = max(
    min(j.due_at, :now + j.due_at - m.submitted_at), :now + min(j.due_at - m.submitted_at, :longest))
FROM messages m WHERE m.id = j.head"""
_FORGET = """
DELETE FROM joins WHERE head IN (
    SELECT head FROM joins INDEXED BY joins_due WHERE made = 1 AND due_at <= ? LIMIT ?)
RETURNING head"""


def add(connection: sqlite3.Connection, parts: Sequence[Part]) -> list[Collected]:
    """Store parts that are not stored already; what became of each. A part that differs from the stored part
    of its number begins another message: the one before is closed, whatever is missing of it."""
    return [_add(connection, part) for part in parts]


def _add(connection: sqlite3.Connection, part: Part) -> Collected:
    segment = part.segment
    key = (segment.account, segment.recipient, segment.source_addr, part.reference, part.width, part.total)
    row = connection.execute(_FIND, key).fetchone()
    if row:
        octets, wire_id = connection.execute(_SAME_PART, (row[0], part.number)).fetchone() or (None, "")
        place = place_of(part.octets, octets)
        if place is PartPlace.AGAIN:
            return Collected(wire_id, ready=False)
        if place is PartPlace.OTHER:
            connection.execute(_CLOSE, row)
            row = None
    head = row[0] if row else segment.id
    if not row:
        connection.execute(_BEGIN, (head, *key, part.total, part.due_at))
    messages.add(connection, [segment])
    connection.execute(_ADD, (head, part.number, segment.id, part.octets))
    [missing] = connection.execute(_COUNT, (head,)).fetchone()
    return Collected(segment.wire_id, missing == 0)


def take(connection: sqlite3.Connection, now: int, limit: int) -> list[Join]:
    """Up to ``limit`` messages that can be joined, or whose time to wait is over. Changes nothing."""
    found = connection.execute(_READY, (limit,)).fetchall()
    found += connection.execute(_OVERDUE, (now, limit - len(found))).fetchall()
    missing = dict(found)
    parts: dict[int, list[JoinPart]] = {}
    for head, *fields in select_in(connection, _PARTS, list(missing)):
        parts.setdefault(head, []).append(JoinPart._make(fields))
    heads = {row[0]: row[1:] for row in select_in(connection, _HEADS, list(missing))}
    return [_join(head, heads[head], missing[head], parts[head]) for head in missing]


def _join(head: int, fields: tuple[Any, ...], missing: int, parts: list[JoinPart]) -> Join:
    account, recipient, sender, flash, not_before, deadline = fields
    return Join(head, account, recipient, sender, flash == 1, not_before, deadline, missing, tuple(parts))


def make(
    connection: sqlite3.Connection, joined: Iterable[Joined], given_up: Iterable[GivenUp]
) -> frozenset[int]:
    """Let heads go on with the whole text, or mark them as ended: `settling.finish` records their outcomes.
    Returns the heads that this happened to, which are not those that got another part since `take`."""
    made = set()
    for one in joined:
        if _ends(connection, one):
            connection.execute(_GO_ON, (*one[4:], one.head))
            made.add(one.head)
    made |= {one.head for one in given_up if _ends(connection, one)}
    return frozenset(made)


def _ends(connection: sqlite3.Connection, one: Joined | GivenUp) -> bool:
    """Wait for its parts no longer. False, and nothing changes, where another part came since `take`."""
    if not connection.execute(_MADE, (one.head, one.missing)).rowcount:
        return False
    connection.execute(_SEGMENTS, (one.segments, one.head))
    connection.executemany(_SILENCE, [(message_id,) for message_id in one.silent])
    return True


def await_parts(connection: sqlite3.Connection, now: int) -> None:
    """Wait for parts, and for parts that come again, from ``now`` on: at least as long as at first, but for
    LONGEST_RETURN at most, and never longer than at first."""
    connection.execute(_AWAIT, {"now": now, "longest": LONGEST_RETURN})


def forget(connection: sqlite3.Connection, now: int, limit: int) -> int:
    """Forget up to ``limit`` messages that were made and whose time for parts is over; how many."""
    heads = connection.execute(_FORGET, (now, limit)).fetchall()
    connection.executemany("UPDATE joined SET octets = x'' WHERE head = ?", heads)
    return len(heads)
