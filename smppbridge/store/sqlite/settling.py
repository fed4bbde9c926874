"""Brings together what is said about messages, which messages are meant, and what it does to them.

Statuses of providers (by reference), outcomes of the bridge (by id) and statuses that came before their
reference was known ("orphans") all end in `verdicts.apply`. Functions of a connection inside a transaction.
"""

import sqlite3
from collections.abc import Sequence

from smppbridge.model.joining import GivenUp, Joined
from smppbridge.model.message import Outcome, Sent, StatusReport, Unsent
from smppbridge.store.results import Made, Recorded, Settlement
from smppbridge.store.rules.verdicts import Binds, Row, Verdict, Words, by_message, end_of, first_outcomes
from smppbridge.store.sqlite import joins, messages, orphans, parts, references
from smppbridge.store.sqlite.rows import select_in
from smppbridge.store.sqlite.verdicts import WHOLE, apply

_BY_ID = f"SELECT {WHOLE}, m.attempt FROM messages m WHERE m.id IN ({{}})"


def settle(
    connection: sqlite3.Connection, provider: str, reports: Sequence[StatusReport], now: int, live: Binds
) -> Settlement:
    """Apply what a provider says. What it says about references that nobody knows yet is kept."""
    words: Words = []
    strangers: list[tuple[StatusReport, Verdict]] = []
    for report, row in zip(reports, references.find(connection, provider, reports), strict=True):
        verdict = Verdict(
            report.state,
            report.final,
            report.err,
            report.code,
            now,
            report.details,
            report.reason,
            report.told,
        )
        if row is None:
            strangers.append((report, verdict))
        else:
            words.append((row, verdict))
    orphans.keep(connection, provider, strangers)
    return _carry_out(connection, words, live)


def finish(connection: sqlite3.Connection, outcomes: Sequence[Outcome], live: Binds) -> Settlement:
    """Apply final states that the bridge decides."""
    said = first_outcomes(outcomes)
    ends: Words = []
    for *fields, attempt in select_in(connection, _BY_ID, list(said)):
        row = Row._make(fields)
        end = end_of(row, attempt, said[row.id])
        if end is not None:
            ends.append((row, end))
    return apply(connection, by_message(parts.given_up(connection, ends)), live)


def record(
    connection: sqlite3.Connection,
    sent: Sequence[Sent],
    unsent: Sequence[Unsent],
    outcomes: Sequence[Outcome],
    now: int,
    live: Binds,
) -> Recorded:
    """What became of attempts, and the statuses that waited for what was sent."""
    became_sent = messages.record_sent(connection, sent, now)
    settlement = adopt(connection, [item.id for item in sent], live)
    messages.record_unsent(connection, unsent)
    ended = finish(connection, outcomes, live)
    notified = settlement.notified | ended.notified
    return Recorded(settlement._replace(notified=notified), ended.settled, became_sent)


def join(
    connection: sqlite3.Connection, joined: Sequence[Joined], given_up: Sequence[GivenUp], live: Binds
) -> Made:
    """Long messages that are whole, and the ends of those that will never be."""
    heads = joins.make(connection, joined, given_up)
    outcomes = [one.outcome for one in given_up if one.head in heads]
    return Made(heads, finish(connection, outcomes, live))


def adopt(connection: sqlite3.Connection, ids: Sequence[int], live: Binds) -> Settlement:
    """Apply the statuses that waited for the references of messages ``ids``."""
    return _carry_out(connection, orphans.adopt(connection, ids), live)


def _carry_out(connection: sqlite3.Connection, words: Words, live: Binds) -> Settlement:
    """Apply the words about whole messages, and what follows from those about parts."""
    of_parts = [word for word in words if word[0].part_state is not None]
    if not of_parts:
        return apply(connection, by_message(words), live)
    whole = [word for word in words if word[0].part_state is None]
    follows, late = parts.note(connection, of_parts)
    done = apply(connection, by_message(whole + follows), live)
    return done._replace(late=done.late + late)
