"""Messages that a provider got in several parts, each with a reference and a status of its own.

What is said of a part is noted here; what follows from it for the message, the message is told as a verdict
like any other: what is not final at once, the end when all parts have ended. Functions of a connection
inside a transaction. Must not know: asyncio, receipts.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from smppbridge.model.message import Sent, State
from smppbridge.store.rows import select_in
from smppbridge.store.verdicts import PART, Row, Verdict

Words = list[tuple[Row, Verdict]]

# The message is as badly off as the worst of its parts. Any other final state stands in between.
_BADNESS: dict[int, int] = {
    State.REJECTED: 6,
    State.UNDELIVERABLE: 5,
    State.DELETED: 4,
    State.EXPIRED: 3,
    State.UNKNOWN: 2,
    State.DELIVERED: 0,
}
_OTHERWISE = 1

_ADD = """
INSERT OR IGNORE INTO message_parts (provider, provider_ref, message_id)
SELECT provider, ?, id FROM messages WHERE id = ?"""
_ANY = "SELECT EXISTS (SELECT 1 FROM message_parts)"
_BY_REF = f"""
SELECT {PART} FROM message_parts p JOIN messages m ON m.id = p.message_id
WHERE p.provider = ? AND p.provider_ref IN ({{}})"""
_NOTE = """
UPDATE message_parts SET state = ?, final = ?, err = ?, code = ?
WHERE provider = ? AND provider_ref = ? AND message_id = ?"""
_OF_MESSAGES = """
SELECT message_id, final, state, err, code FROM message_parts INDEXED BY message_parts_message
WHERE message_id IN ({})"""
_DELETE = "DELETE FROM message_parts INDEXED BY message_parts_message WHERE message_id = ?"


def add(connection: sqlite3.Connection, sent: Sent) -> None:
    """A message has become SENT in parts, by this attempt."""
    refs = (sent.provider_ref, *sent.parts)
    connection.executemany(_ADD, [(ref, sent.id) for ref in refs if ref])


def has_any(connection: sqlite3.Connection) -> bool:
    """Whether any message has parts: where none has, that question is all that they cost."""
    return bool(connection.execute(_ANY).fetchone()[0])


def find(connection: sqlite3.Connection, provider: str, refs: Sequence[str]) -> list[tuple[Any, ...]]:
    """The fields of a `Row` for each part with one of these references."""
    return select_in(connection, _BY_REF, refs, (provider,))


def note(connection: sqlite3.Connection, words: Words) -> tuple[Words, int]:
    """Write what is said of parts; (what follows for their messages, words against a part's final state)."""
    last: dict[tuple[str, str | None, int], tuple[int | None, int]] = {}  # part -> its state, whether final
    changes: list[tuple[object, ...]] = []
    follows: Words = []
    ended: dict[int, tuple[Row, Verdict]] = {}  # the last part of a message that ended now
    late = 0
    for row, verdict in words:
        part = (row.provider, row.ref, row.id)
        state, final = last.get(part, (row.part_state, row.part_final))
        if final:
            late += verdict.state != state
            continue
        last[part] = (verdict.state, verdict.final)
        changes.append((*verdict[:4], *part))
        if verdict.final:
            ended[row.id] = (row, verdict)
        else:
            follows.append((row, verdict))
    connection.executemany(_NOTE, changes)
    return follows + _ends(connection, ended), late


def _ends(connection: sqlite3.Connection, ended: dict[int, tuple[Row, Verdict]]) -> Words:
    """The end of those messages of which no part is under way any more."""
    found: dict[int, list[tuple[int, int, int, str]]] = {}
    for message_id, *part in select_in(connection, _OF_MESSAGES, list(ended)):
        found.setdefault(message_id, []).append((part[0], part[1], part[2], part[3]))
    ends: Words = []
    for message_id, of_message in found.items():
        if all(final for final, _, _, _ in of_message):
            row, last = ended[message_id]
            _, state, err, code = max(of_message, key=lambda part: _BADNESS.get(part[1], _OTHERWISE))
            ends.append((row, Verdict(state, True, err, code, last.at)))
    return ends


def delete(connection: sqlite3.Connection, ids: Iterable[tuple[int]]) -> None:
    """Forget the parts of these messages."""
    connection.executemany(_DELETE, ids)
