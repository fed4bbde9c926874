"""Brings together who says something about messages, which ones are meant, and what it does to them.

Provider statuses (by reference), decisions of the bridge (by id) and statuses that came before their
reference was known ("orphans") all end in `verdicts.apply`. Functions of a connection inside a transaction.
Must not know: asyncio, how receipts are delivered.
"""

import sqlite3
from collections.abc import Sequence

from smppbridge.model.message import Outcome, Stage, StatusReport
from smppbridge.store.results import Settlement
from smppbridge.store.sqlite import orphans, parts, references
from smppbridge.store.sqlite.parts import Words
from smppbridge.store.sqlite.rows import select_in
from smppbridge.store.sqlite.verdicts import WHOLE, Binds, Row, Verdict, apply

_BY_ID = f"SELECT {WHOLE}, m.attempt FROM messages m WHERE m.id IN ({{}})"
_IN_HAND = (Stage.SENDING, Stage.UNCERTAIN)  # it is still with the provider of its last attempt


def settle(
    connection: sqlite3.Connection, provider: str, reports: Sequence[StatusReport], now: int, live: Binds
) -> Settlement:
    """Apply what a provider says; keep what it says about references that nobody knows yet."""
    words: Words = []
    strangers: list[tuple[StatusReport, Verdict]] = []
    for report, row in zip(reports, references.find(connection, provider, reports), strict=True):
        verdict = Verdict(report.state, report.final, report.err, report.code, now, report.details)
        if row is None:
            strangers.append((report, verdict))
        else:
            words.append((row, verdict))
    orphans.keep(connection, provider, strangers)
    return _carry_out(connection, words, live)


def finish(connection: sqlite3.Connection, outcomes: Sequence[Outcome], live: Binds) -> Settlement:
    """Apply final states that the bridge decides."""
    said: dict[int, Outcome] = {}
    for outcome in outcomes:
        said.setdefault(outcome.id, outcome)
    ends: Words = []
    for *fields, attempt in select_in(connection, _BY_ID, list(said)):
        row = Row._make(fields)
        word = said[row.id]
        if not word.attempt or (word.attempt == attempt and row.stage in _IN_HAND):
            verdict = Verdict(word.state, True, word.err, word.code, word.at, "", word.silent)
            ends.append((row, verdict))
    return _apply(connection, parts.given_up(connection, ends), live)


def adopt(connection: sqlite3.Connection, ids: Sequence[int], live: Binds) -> Settlement:
    """Apply the statuses that waited for the references of messages ``ids``."""
    return _carry_out(connection, orphans.adopt(connection, ids), live)


def _carry_out(connection: sqlite3.Connection, words: Words, live: Binds) -> Settlement:
    """Apply the words about whole messages, and what follows from those about parts."""
    of_parts = [word for word in words if word[0].part_state is not None]
    if not of_parts:
        return _apply(connection, words, live)
    follows, late = parts.note(connection, of_parts)
    done = _apply(connection, [word for word in words if word[0].part_state is None] + follows, live)
    return done._replace(late=done.late + late)


def _apply(connection: sqlite3.Connection, words: Words, live: Binds) -> Settlement:
    """Apply words about whole messages, those about the same one together and in their order."""
    said: dict[int, tuple[Row, list[Verdict]]] = {}
    for row, verdict in words:
        earlier = said.get(row.id)
        if earlier is None:
            said[row.id] = (row, [verdict])
        else:
            earlier[1].append(verdict)
    return apply(connection, said.values(), live)
