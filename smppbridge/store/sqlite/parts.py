"""Messages that a provider got in several parts, each with a reference and a status of its own.

What is said of a part is noted here; what follows from it for the message, the message is told as a verdict
like any other: what is not final at once, the end when all parts have ended. Functions of a connection
inside a transaction. Must not know: asyncio, receipts.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from smppbridge.model.message import Sent, Stage, State
from smppbridge.store.sqlite.rows import select_in
from smppbridge.store.sqlite.verdicts import PART, Row, Verdict

Words = list[tuple[Row, Verdict]]


class _Part(NamedTuple):
    """How far one part has come."""

    final: int
    state: int
    err: int
    code: str


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
_OF_MESSAGES = f"""
SELECT message_id, {",".join(_Part._fields)} FROM message_parts INDEXED BY message_parts_message
WHERE message_id IN ({{}})"""
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
    """The end of those messages of which no part is under way any more. It has no details: only number
    checks bring some, and they have no parts."""
    ends: Words = []
    for message_id, of_message in _of(connection, list(ended)).items():
        if all(part.final for part in of_message):
            row, last = ended[message_id]
            worst = max(of_message, key=_badness)
            ends.append((row, Verdict(worst.state, True, worst.err, worst.code, last.at)))
    return ends


def given_up(connection: sqlite3.Connection, ends: Words) -> Words:
    """The same ends; but a part of which is known that it is worse off than that speaks for its message."""
    if not ends or not has_any(connection):
        return ends
    found = _of(connection, [row.id for row, _ in ends if row.stage == Stage.SENT])
    told: Words = []
    for row, end in ends:
        known = [part for part in found.get(row.id, ()) if part.final]
        worst = max(known, key=_badness, default=None)
        if worst is None or _badness(worst) <= _badness(end):
            told.append((row, end))
        else:
            told.append((row, end._replace(state=worst.state, err=worst.err, code=worst.code)))
    return told


def _of(connection: sqlite3.Connection, ids: Sequence[int]) -> dict[int, list[_Part]]:
    """The parts of those messages that have some."""
    found: dict[int, list[_Part]] = {}
    for message_id, *part in select_in(connection, _OF_MESSAGES, ids):
        found.setdefault(message_id, []).append(_Part._make(part))
    return found


def _badness(said: _Part | Verdict) -> int:
    return _BADNESS.get(said.state, _OTHERWISE)


def delete(connection: sqlite3.Connection, ids: Iterable[tuple[int]]) -> None:
    """Forget the parts of these messages."""
    connection.executemany(_DELETE, ids)
