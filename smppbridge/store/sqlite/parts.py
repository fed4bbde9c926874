"""Reads and writes the parts of messages that a provider got in several, each with a reference of its own.

Functions of a connection inside a transaction. The rules are in ``store.rules.parts``.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from smppbridge.model.message import Sent, Stage
from smppbridge.store.rules import parts as rules
from smppbridge.store.rules.parts import PartState
from smppbridge.store.rules.verdicts import Words
from smppbridge.store.sqlite.rows import select_in
from smppbridge.store.sqlite.verdicts import PART

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
SELECT message_id, {",".join(PartState._fields)} FROM message_parts INDEXED BY message_parts_message
WHERE message_id IN ({{}})"""
_DELETE = "DELETE FROM message_parts INDEXED BY message_parts_message WHERE message_id = ?"


def add(connection: sqlite3.Connection, sent: Sent) -> None:
    """Store the parts of a message that this attempt made SENT."""
    refs = (sent.provider_ref, *sent.parts)
    connection.executemany(_ADD, [(ref, sent.id) for ref in refs if ref])


def has_any(connection: sqlite3.Connection) -> bool:
    """Whether any message has parts. Where none has, this question is all that parts cost."""
    return bool(connection.execute(_ANY).fetchone()[0])


def find(connection: sqlite3.Connection, provider: str, refs: Sequence[str]) -> list[tuple[Any, ...]]:
    """The fields of a `Row` for each part with one of these references."""
    return select_in(connection, _BY_REF, refs, (provider,))


def note(connection: sqlite3.Connection, words: Words) -> tuple[Words, int]:
    """Write what is said of parts: (what follows for their messages, words that came too late)."""
    noted = rules.note(words)
    connection.executemany(_NOTE, noted.changes)
    return noted.follows + rules.ends(noted.ended, _of(connection, list(noted.ended))), noted.late


def given_up(connection: sqlite3.Connection, words: Words) -> Words:
    """Ends that the bridge decides, after a look at the parts of those messages."""
    if not words or not has_any(connection):
        return words
    return rules.given_up(words, _of(connection, [row.id for row, _ in words if row.stage == Stage.SENT]))


def _of(connection: sqlite3.Connection, ids: Sequence[int]) -> dict[int, list[PartState]]:
    """The parts of those messages that have some."""
    found: dict[int, list[PartState]] = {}
    for message_id, *part in select_in(connection, _OF_MESSAGES, ids):
        found.setdefault(message_id, []).append(PartState._make(part))
    return found


def delete(connection: sqlite3.Connection, ids: Iterable[tuple[int]]) -> None:
    """Delete the parts of these messages."""
    connection.executemany(_DELETE, ids)
