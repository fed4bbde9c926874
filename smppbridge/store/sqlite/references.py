"""Finds the messages, and the parts of messages, that a provider means by its references.

Functions of a connection inside a transaction. Which one is meant of several: ``store.rules.matching``.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain

from smppbridge.model.message import StatusReport
from smppbridge.store.rules.matching import is_sure, surest, unless_ended
from smppbridge.store.rules.verdicts import Row
from smppbridge.store.sqlite import parts
from smppbridge.store.sqlite.rows import select_in
from smppbridge.store.sqlite.verdicts import WHOLE

_BY_REF = f"""
SELECT {WHOLE} FROM messages m INDEXED BY messages_ref WHERE m.provider = ? AND m.provider_ref IN ({{}})"""


def find(connection: sqlite3.Connection, provider: str, reports: Sequence[StatusReport]) -> list[Row | None]:
    """What each report is about, in order; None where nobody knows its reference. Other notations are looked
    up only where the reference itself leaves a doubt."""
    owners = _owners(connection, provider, (report.provider_ref for report in reports))
    found = [surest(report, owners) for report in reports]
    unsure = [n for n, report in enumerate(reports) if report.also and not is_sure(found[n])]
    if unsure:
        owners |= _owners(connection, provider, chain.from_iterable(reports[n].also for n in unsure))
        for n in unsure:
            found[n] = surest(reports[n], owners)
    return [unless_ended(report, best) for report, best in zip(reports, found, strict=True)]


def _owners(
    connection: sqlite3.Connection, provider: str, refs: Iterable[str]
) -> dict[str | None, list[Row]]:
    """The messages and parts with these references."""
    wanted = list(dict.fromkeys(filter(None, refs)))
    if not wanted:
        return {}
    rows = select_in(connection, _BY_REF, wanted, (provider,))
    if parts.has_any(connection):
        rows += parts.find(connection, provider, wanted)
    owners: dict[str | None, list[Row]] = {}
    for row in map(Row._make, rows):
        owners.setdefault(row.ref, []).append(row)
    return owners
