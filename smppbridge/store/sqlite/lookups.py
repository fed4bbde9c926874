"""Messages by what an ESME knows of them: found, cancelled, and given new content while they wait.

Functions of a connection inside a transaction. A cancelled message ends like any other: see `settling`.
"""

import sqlite3
from collections.abc import Collection, Sequence

from smppbridge.model.message import Found, Outcome, Replacement, Segment, Stage, State
from smppbridge.store.results import Cancelled, Kept
from smppbridge.store.rules.verdicts import Binds
from smppbridge.store.sqlite import messages, settling

CANCEL_CHUNK = 100  # messages that one transaction cancels

_PENDING = (Stage.WAITING, Stage.QUEUED)  # no provider has been given the message
_WAITS = f"stage IN ({Stage.WAITING:d}, {Stage.QUEUED:d})"
# A message that a provider may have after all is not to be changed behind its back.
_CERTAINLY_HERE = """(attempt = 0 OR NOT EXISTS (
    SELECT 1 FROM attempts a INDEXED BY attempts_message
    WHERE a.message_id = messages.id AND a.result = 'uncertain'))"""

# What names the message comes from the part that is meant, all the rest from the message that goes on.
_NAMED = ("source_addr", "destination_addr")
_BY_WIRE_ID = f"""
SELECT {",".join(("m." if name in _NAMED else "h.") + name for name in Found._fields)}
FROM messages m INDEXED BY messages_wire
LEFT JOIN joined j INDEXED BY joined_message ON j.message_id = m.id
JOIN messages h ON h.id = ifnull(j.head, m.id)
WHERE m.account = ? AND m.wire_id = ? ORDER BY m.id"""

_OF_ANY_SERVICE = f"""
SELECT id FROM messages INDEXED BY messages_pending
WHERE account = ? AND recipient = ? AND source_addr = ? AND id < ? AND {_WAITS} AND addressed = 1 LIMIT ?"""
_OF_SERVICE = f"""
SELECT id FROM messages INDEXED BY messages_pending
WHERE account = ? AND recipient = ? AND source_addr = ? AND id < ? AND {_WAITS} AND addressed = 1
    AND service_type = ? LIMIT ?"""
_LATEST = f"""
SELECT id, wire_id FROM messages INDEXED BY messages_pending
WHERE account = ? AND recipient = ? AND source_addr = ? AND {_WAITS} AND addressed = 1
    AND service_type = ? AND id < ? AND deadline > ? AND {_CERTAINLY_HERE} ORDER BY id DESC LIMIT 1"""

# A message that waits keeps its time, but nothing may wait beyond its deadline.
_REPLACE = f"""
UPDATE messages SET text = :text, octets = :octets, flash = :flash, tlvs = :tlvs,
    registered_delivery = CASE segments WHEN 1 THEN :registered_delivery ELSE registered_delivery END,
    route = :route, provider = :provider, deadline = :deadline,
    asked = CASE WHEN :stage IS NULL THEN asked ELSE 0 END,
    send_at = :send_at, stage = ifnull(:stage, stage), due_at = CASE
        WHEN :stage IS NOT NULL THEN :due_at
        WHEN stage = {Stage.QUEUED:d} THEN :deadline
        ELSE min(due_at, :deadline) END
WHERE id = :id AND {_WAITS} AND send_at = 0 AND messages.deadline > :now AND {_CERTAINLY_HERE}"""

_LASTING = frozenset({"id", "account", "wire_id", "submitted_at"})
_NEW = ",".join(f"{name} = :{name}" for name in Segment._fields if name not in _LASTING)
_TAKE_PLACE = f"UPDATE messages SET tries = 0, asked = 0, {_NEW} WHERE id = :kept"


def find(connection: sqlite3.Connection, account: str, wire_id: str) -> list[Found]:
    """The messages with this message_id, in order: several for a submit_multi. Short ids come again; then the
    latest messages are meant."""
    found = list(map(Found._make, connection.execute(_BY_WIRE_ID, (account, wire_id)).fetchall()))
    latest = max((one.submitted_at for one in found), default=0)
    return [one for one in found if one.submitted_at == latest]


def cancel(
    connection: sqlite3.Connection,
    account: str,
    wire_id: str,
    source: str,
    destination: str,
    now: int,
    live: Binds,
) -> Cancelled:
    """Messages with this message_id and these addresses that wait -> DELETED."""
    named = [
        message
        for message in find(connection, account, wire_id)
        if message.source_addr == source and destination in ("", message.destination_addr)
    ]
    waiting = [message.id for message in named if message.stage in _PENDING]
    return _end(connection, len(named), waiting, now, live)


def cancel_pending(
    connection: sqlite3.Connection,
    account: str,
    recipient: str,
    source: str,
    service_type: str | None,
    before: int,
    now: int,
    live: Binds,
) -> Cancelled:
    """Up to CANCEL_CHUNK messages that wait between two addresses -> DELETED."""
    key = (account, recipient, source, before)
    if service_type is None:
        rows = connection.execute(_OF_ANY_SERVICE, (*key, CANCEL_CHUNK)).fetchall()
    else:
        rows = connection.execute(_OF_SERVICE, (*key, service_type, CANCEL_CHUNK)).fetchall()
    return _end(connection, len(rows), [row[0] for row in rows], now, live)


def _end(connection: sqlite3.Connection, found: int, ids: Sequence[int], now: int, live: Binds) -> Cancelled:
    outcomes = [Outcome(message_id, State.DELETED, 0, "cancelled", now) for message_id in ids]
    return Cancelled(found, list(ids), settling.finish(connection, outcomes, live))


def replace(connection: sqlite3.Connection, message_id: int, replacement: Replacement, now: int) -> bool:
    """Give a message that waits here new content; False when it does not wait here."""
    values = {"id": message_id, "now": now, **replacement._asdict()}
    return connection.execute(_REPLACE, values).rowcount == 1


def add_or_replace(
    connection: sqlite3.Connection, segments: Sequence[Segment], replacing: Collection[int]
) -> dict[int, Kept]:
    """Insert segments one after the other. Those in ``replacing`` take the places of messages that wait."""
    kept: dict[int, Kept] = {}
    for segment in segments:
        row = _latest(connection, segment) if segment.id in replacing else None
        if row is None:
            messages.add(connection, [segment])
        else:
            connection.execute(_TAKE_PLACE, {"kept": row.id, **segment._asdict()})
            kept[segment.id] = row
    return kept


def _latest(connection: sqlite3.Connection, segment: Segment) -> Kept | None:
    key = (segment.account, segment.recipient, segment.source_addr, segment.service_type)
    row = connection.execute(_LATEST, (*key, segment.id, segment.submitted_at)).fetchone()
    return Kept._make(row) if row else None
