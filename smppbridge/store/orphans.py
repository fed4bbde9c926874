"""Statuses that came before a message with their reference: kept, then adopted by it or forgotten.

A status whose reference may be written in several notations is kept under each of them; once one of them
is adopted, all are gone. Functions of a connection inside a transaction.
Must not know: asyncio, what a status does.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from smppbridge.model.message import StatusReport
from smppbridge.store import parts
from smppbridge.store.parts import Words
from smppbridge.store.references import same_phone
from smppbridge.store.rows import select_in
from smppbridge.store.verdicts import PART, WHOLE, Row, Verdict

_NOBODYS = "?"  # no phone agrees with it: the status can only be counted

_KEEP = """
INSERT INTO orphans (provider, provider_ref, recipient, told, state, final, err, code, at, details)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET told = excluded.told, state = excluded.state, final = excluded.final,
    err = excluded.err, code = excluded.code, at = excluded.at, details = excluded.details
WHERE NOT orphans.final"""

_KEPT = "o.recipient, o.told, o.state, o.final, o.err, o.code, o.at, o.details"
_OF_MESSAGES = f"""
SELECT {WHOLE}, {_KEPT} FROM messages m
JOIN orphans o ON o.provider = m.provider AND o.provider_ref = m.provider_ref
WHERE m.id IN ({{}})"""
_OF_PARTS = f"""
SELECT {PART}, {_KEPT} FROM message_parts p INDEXED BY message_parts_message
JOIN messages m ON m.id = p.message_id
JOIN orphans o ON o.provider = p.provider AND o.provider_ref = p.provider_ref
WHERE p.message_id IN ({{}})"""
_FORGET = "DELETE FROM orphans INDEXED BY orphans_told WHERE provider = ? AND told = ?"
_PURGE = """
DELETE FROM orphans WHERE (provider, provider_ref, recipient) IN (
    SELECT provider, provider_ref, recipient FROM orphans INDEXED BY orphans_at WHERE at < ? LIMIT ?)"""


def keep(
    connection: sqlite3.Connection, provider: str, strangers: Iterable[tuple[StatusReport, Verdict]]
) -> None:
    """Keep what is said about references that nobody knows yet: the first final word, else the last."""
    rows = []
    for report, verdict in strangers:
        keys = [(report.provider_ref, ""), *((ref, report.recipient or _NOBODYS) for ref in report.also)]
        told = f"{report.provider_ref or next(iter(report.also), '')} {report.recipient}"
        rows += [(provider, *key, told, *verdict[:6]) for key in keys if key[0]]
    connection.executemany(_KEEP, rows)


def adopt(connection: sqlite3.Connection, ids: Sequence[int]) -> Words:
    """Take out the statuses that waited for the references of messages ``ids``."""
    if not ids or not connection.execute("SELECT EXISTS (SELECT 1 FROM orphans)").fetchone()[0]:
        return []
    found = select_in(connection, _OF_PARTS, ids) if parts.has_any(connection) else []
    in_parts = {row[1] for row in found}
    found += [row for row in select_in(connection, _OF_MESSAGES, ids) if row[1] not in in_parts]
    width = len(Row._fields)
    adopted = []
    forgotten = set()
    for fields in found:
        row, (recipient, told) = Row._make(fields[:width]), fields[width : width + 2]
        if not recipient or same_phone(recipient, row.recipient):
            adopted.append((bool(recipient), row, Verdict(*fields[width + 2 :])))
            forgotten.add((row.provider, told))
    connection.executemany(_FORGET, forgotten)
    adopted.sort(key=lambda word: word[0])  # the reference itself is surer than another notation of it
    return [(row, verdict) for _, row, verdict in adopted]


def purge(connection: sqlite3.Connection, before: int, limit: int) -> int:
    """Forget statuses whose reference nobody has named since ``before``; how many rows."""
    return connection.execute(_PURGE, (before, limit)).rowcount
