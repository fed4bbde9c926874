"""What a status does: the outcome of a message and the receipts owed for it, together.

Provider statuses (by provider_ref), decisions of the bridge (by id) and statuses that came before their
reference was known ("orphans") all end in `_apply`. Functions of a connection inside a transaction.
Must not know: asyncio, how receipts are delivered.
"""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from smppbridge.model.message import Outcome, Settled, Stage, StatusReport
from smppbridge.model.registered import owes_receipt
from smppbridge.store.base import Settlement
from smppbridge.store.rows import select_in

Binds = Collection[tuple[str, int]]  # (account, origin) of the binds that claim receipts now


class _Row(NamedTuple):
    """What a decision about a message needs to know of it."""

    id: int
    account: str
    origin: int
    provider: str
    provider_ref: str | None
    stage: int
    state: int
    seen: int
    registered_delivery: int
    submitted_at: int


class _Verdict(NamedTuple):
    state: int
    final: bool
    err: int
    code: str
    at: int
    details: str


_COLUMNS = ",".join(_Row._fields)
_BY_REF = (
    f"SELECT {_COLUMNS} FROM messages INDEXED BY messages_ref WHERE provider = ? AND provider_ref IN ({{}})"
)
_BY_ID = f"SELECT {_COLUMNS} FROM messages WHERE id IN ({{}})"
_ORPHANS_OF = f"""
SELECT {",".join("m." + name for name in _Row._fields)}, o.state, o.final, o.err, o.code, o.at, o.details
FROM messages m JOIN orphans o ON o.provider = m.provider AND o.provider_ref = m.provider_ref
WHERE m.id IN ({{}})"""

_FINAL = (
    f"UPDATE messages SET stage = {Stage.FINAL:d}, due_at = NULL, state = ?, err = ?, code = ?, done_at = ?, "
    "details = ? WHERE id = ?"
)
_NOTE = "UPDATE messages SET state = ?, err = ?, code = ?, seen = seen | ? WHERE id = ?"
_OWE = """
INSERT INTO receipts (account, origin, message_id, state, final, err, code, at, due_at, details)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_ORPHAN = """
INSERT INTO orphans (provider, provider_ref, state, final, err, code, at, details)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET state = excluded.state, final = excluded.final, err = excluded.err,
    code = excluded.code, at = excluded.at, details = excluded.details WHERE NOT orphans.final"""


def settle(
    connection: sqlite3.Connection, provider: str, reports: Sequence[StatusReport], now: int, live: Binds
) -> Settlement:
    """Apply what a provider says; keep what it says about references that nobody knows yet."""
    words: dict[str, list[_Verdict]] = {}
    for report in reports:
        verdict = _Verdict(report.state, report.final, report.err, report.code, now, report.details)
        words.setdefault(report.provider_ref, []).append(verdict)
    rows: dict[str, _Row] = {}
    for row in map(_Row._make, select_in(connection, _BY_REF, list(words), (provider,))):
        ref = row.provider_ref or ""
        if ref not in rows or rows[ref].id < row.id:  # a provider that counts anew means its latest message
            rows[ref] = row
    strangers = [
        (provider, ref, *verdict)
        for ref, verdicts in words.items()
        if ref not in rows
        for verdict in verdicts
    ]
    connection.executemany(_ORPHAN, strangers)
    return _apply(connection, [(rows[ref], said) for ref, said in words.items() if ref in rows], live)


def finish(connection: sqlite3.Connection, outcomes: Sequence[Outcome], live: Binds) -> list[Settled]:
    """Apply final states that the bridge decides."""
    words: dict[int, Outcome] = {}
    for outcome in outcomes:
        words.setdefault(outcome.id, outcome)
    pairs = [
        (row, [_Verdict(word.state, True, word.err, word.code, word.at, "")])
        for row in map(_Row._make, select_in(connection, _BY_ID, list(words)))
        if (word := words[row.id])
    ]
    return _apply(connection, pairs, live).settled


def adopt(connection: sqlite3.Connection, ids: Sequence[int], live: Binds) -> Settlement:
    """Apply the statuses that waited for the references of messages ``ids``."""
    if not connection.execute("SELECT EXISTS (SELECT 1 FROM orphans)").fetchone()[0]:
        return Settlement([], frozenset(), 0)
    width = len(_Row._fields)
    pairs = [
        (_Row._make(found[:width]), [_Verdict._make(found[width:])])
        for found in select_in(connection, _ORPHANS_OF, ids)
    ]
    connection.executemany(
        "DELETE FROM orphans WHERE provider = ? AND provider_ref = ?",
        [(row.provider, row.provider_ref) for row, _ in pairs],
    )
    return _apply(connection, pairs, live)


def purge(connection: sqlite3.Connection, before: int, limit: int) -> int:
    """Forget statuses whose reference nobody has named since ``before``; how many."""
    return connection.execute(
        "DELETE FROM orphans WHERE (provider, provider_ref) IN ("
        "SELECT provider, provider_ref FROM orphans INDEXED BY orphans_at WHERE at < ? LIMIT ?)",
        (before, limit),
    ).rowcount


def _apply(
    connection: sqlite3.Connection, pairs: Iterable[tuple[_Row, Sequence[_Verdict]]], live: Binds
) -> Settlement:
    """Write verdicts to their messages, and the receipts owed by them. FINAL messages stay as they are."""
    changes = _Changes(live)
    for row, verdicts in pairs:
        changes.add(row, verdicts)
    # A message may be in both: its final state comes last.
    connection.executemany(_NOTE, changes.notes)
    connection.executemany(_FINAL, changes.finals)
    connection.executemany(_OWE, changes.receipts)
    return Settlement(changes.settled, frozenset(changes.notified), changes.late)


class _Changes:
    """The rows that a batch of verdicts writes, and what is told of it."""

    def __init__(self, live: Binds) -> None:
        self._live = live
        self.notes: list[tuple[int, int, str, int, int]] = []
        self.finals: list[tuple[int, int, str, int, str, int]] = []
        self.receipts: list[tuple[str, int, int, int, bool, int, str, int, int, str]] = []
        self.settled: list[Settled] = []
        self.notified: set[str] = set()
        self.late = 0

    def add(self, row: _Row, verdicts: Sequence[_Verdict]) -> None:
        """What ``verdicts`` do to one message, in their order."""
        ended, last, seen = row.stage == Stage.FINAL, row.state, row.seen
        for verdict in verdicts:
            state, final, err, code, at, details = verdict
            if ended:
                self.late += state != last  # the same word again is only a repetition
                continue
            owed = owes_receipt(row.registered_delivery, state, final)
            if final:
                ended = True
                self.finals.append((state, err, code, at, details, row.id))
                self.settled.append(Settled(row.account, row.provider, state, row.submitted_at, owed))
            else:
                bit = 1 << state
                owed = owed and not seen & bit  # one notification per state
                seen |= bit
                if last != state:
                    self.notes.append((state, err, code, bit, row.id))
                if owed:
                    self.notified.add(row.account)
            last = state
            if owed:
                self._owe(row, verdict)

    def _owe(self, row: _Row, verdict: _Verdict) -> None:
        state, final, err, code, at, details = verdict
        origin = row.origin if (row.account, row.origin) in self._live else 0
        self.receipts.append((row.account, origin, row.id, state, final, err, code, at, at, details))
