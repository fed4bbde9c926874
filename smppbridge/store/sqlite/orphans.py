"""Statuses that came before a message with their reference: kept, then adopted by a message or forgotten.

A status whose reference may be written in several notations has a row for each of them. When a message adopts
the status, all its rows go. Functions of a connection inside a transaction.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any

from smppbridge.model.message import UNTOLD, Particulars, StatusReport
from smppbridge.store.rules.matching import Candidate, adopters
from smppbridge.store.rules.verdicts import Row, Verdict, Words
from smppbridge.store.sqlite import parts
from smppbridge.store.sqlite.rows import select_in
from smppbridge.store.sqlite.verdicts import PART, WHOLE

# The new word gets the new id, so that ids stay in order of time.
_KEEP = """
INSERT INTO orphans (
    id, provider, provider_ref, recipient, place, told, notations, state, final, err, code, at, details,
    reason, price, currency, parts, operator)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (provider, provider_ref, recipient, place) DO UPDATE SET id = excluded.id, told = excluded.told,
    notations = excluded.notations, state = excluded.state, final = excluded.final, err = excluded.err,
    code = excluded.code, at = excluded.at, details = excluded.details, reason = excluded.reason,
    price = excluded.price, currency = excluded.currency, parts = excluded.parts, operator = excluded.operator
WHERE NOT orphans.final"""

_KEPT = (
    "o.told, o.notations, o.recipient, o.place, o.state, o.final, o.err, o.code, o.at, o.details, o.reason, "
    "o.price, o.currency, o.parts, o.operator"
)
_OF_MESSAGES = f"""
SELECT {WHOLE}, {_KEPT} FROM messages m
JOIN orphans o ON o.provider = m.provider AND o.provider_ref = m.provider_ref
WHERE m.id IN ({{}})"""
_OF_PARTS = f"""
SELECT {PART}, {_KEPT} FROM message_parts p INDEXED BY message_parts_message
JOIN messages m ON m.id = p.message_id
JOIN orphans o ON o.provider = p.provider AND o.provider_ref = p.provider_ref
WHERE p.message_id IN ({{}})"""
# The ids of rows that are gone may be in use again.
_FORGET = "DELETE FROM orphans WHERE id >= :told AND id < :told + :notations AND told = :told"

MOST = 300_000  # rows: 100 MB, which no honest provider has for references that nobody knows
# Few at a time: a store of an earlier version may have more than that too many.
_TOO_MANY = "DELETE FROM orphans WHERE id IN (SELECT id FROM orphans WHERE id < ? ORDER BY id LIMIT ?)"

_OLDEST = "SELECT id, at FROM orphans ORDER BY id LIMIT ?"
_PURGE = "DELETE FROM orphans WHERE id <= ?"

_WIDTH = len(Row._fields)


def keep(
    connection: sqlite3.Connection, provider: str, strangers: Iterable[tuple[StatusReport, Verdict]]
) -> None:
    """Keep what is said about references that no message has yet: the first final word, else the last. Where
    there are more than MOST of them, the oldest go."""
    rows: list[tuple[object, ...]] = []
    [free] = connection.execute("SELECT ifnull(max(id), 0) + 1 FROM orphans").fetchone()
    for report, verdict in strangers:
        keys = [(place, ref) for place, ref in enumerate((report.provider_ref, *report.also)) if ref]
        told, notations = free + len(rows), len(keys)  # a status is known by its first row
        for number, (place, ref) in enumerate(keys, told):
            rows.append(
                (
                    *(number, provider, ref, report.recipient, place, told, notations),
                    *verdict[:7],
                    *verdict.told[:4],
                )
            )
    connection.executemany(_KEEP, rows)
    connection.execute(_TOO_MANY, (free + len(rows) - MOST, 2 * len(rows)))


def adopt(connection: sqlite3.Connection, ids: Sequence[int]) -> Words:
    """Take out the statuses that waited for the references of messages ``ids``, and say what they are about
    and in which order (see `adopters`)."""
    if not ids or not connection.execute("SELECT EXISTS (SELECT 1 FROM orphans)").fetchone()[0]:
        return []
    found = select_in(connection, _OF_PARTS, ids) if parts.has_any(connection) else []
    in_parts = {row[1] for row in found}
    found += [row for row in select_in(connection, _OF_MESSAGES, ids) if row[1] not in in_parts]
    keys, words = adopters(map(_candidate, found))
    connection.executemany(_FORGET, [{"told": told, "notations": notations} for told, notations in keys])
    return words


def _candidate(fields: tuple[Any, ...]) -> Candidate:
    told, notations, phone, place, *said = fields[_WIDTH:]
    particulars = Particulars(*said[7:])
    return (
        Row._make(fields[:_WIDTH]),
        (told, notations),
        phone,
        place,
        Verdict._make((*said[:7], particulars if any(particulars) else UNTOLD, False)),
    )


def purge(connection: sqlite3.Connection, before: int, now: int, limit: int) -> int:
    """Delete up to ``limit`` rows of statuses that came before ``before``, oldest first; how many. Those from
    the future, which a clock that was ahead has left, count as old."""
    oldest = connection.execute(_OLDEST, (limit,)).fetchall()
    doomed = list(takewhile(lambda row: row[1] < before or row[1] > now, oldest))
    if doomed:
        connection.execute(_PURGE, (doomed[-1][0],))
    return len(doomed)
