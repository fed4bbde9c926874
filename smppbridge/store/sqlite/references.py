"""Which message, or which part of one, a provider means by a reference.

Functions of a connection inside a transaction. Must not know: asyncio, what the status says.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from smppbridge.model.message import Stage, StatusReport
from smppbridge.store.sqlite import parts
from smppbridge.store.sqlite.rows import select_in
from smppbridge.store.sqlite.verdicts import WHOLE, Row

_TAIL = 9  # digits of a phone without its country code or trunk prefix, which each side writes in its way
_SHORTEST = 6  # digits that tell one phone from another; a shorter service number has to be the same

_BY_REF = f"""
SELECT {WHOLE} FROM messages m INDEXED BY messages_ref WHERE m.provider = ? AND m.provider_ref IN ({{}})"""


class Rank(NamedTuple):
    """How surely a message is meant: of several, the one with the lowest rank is."""

    strange: bool  # the phones do not agree
    place: int  # of the notation: 0 = the reference as it is stored; 1, 2, ...: others, likeliest first
    age: int  # a provider that uses a reference again means its latest message
    whole: bool  # a message in parts is found by the reference of its first part, too: the part is meant


_Found = tuple[Rank, Row]


def same_phone(one: str, other: str) -> bool:
    """Whether two numbers (digits) are of one phone: the last 9 digits, or all of a shorter number."""
    size = min(_TAIL, len(one), len(other))
    return one[-size:] == other[-size:] if size >= _SHORTEST else one == other != ""


def rank(place: int, phone: str, row: Row) -> Rank | None:
    """How surely a status for ``phone`` ("": nobody said) means ``row`` by the notation at ``place``; None
    where it does not.

    Another notation needs a phone that agrees. The reference itself does not, because some providers write
    numbers in a way of their own; but then it counts last.
    """
    strange = not same_phone(phone, row.recipient) and not (place == 0 and not phone)
    if strange and place:
        return None
    return Rank(strange, place, -row.id, row.part_state is None)


def find(connection: sqlite3.Connection, provider: str, reports: Sequence[StatusReport]) -> list[Row | None]:
    """What each report is about, in order; None where nobody knows its reference. See `rank`."""
    owners = _owners(connection, provider, (report.provider_ref for report in reports))
    found = [_surest(report, owners) for report in reports]
    unsure = [n for n, report in enumerate(reports) if report.also and not _is_sure(found[n])]
    if unsure:
        owners |= _owners(connection, provider, chain.from_iterable(reports[n].also for n in unsure))
        for n in unsure:
            found[n] = _surest(reports[n], owners)
    return [_unless_ended(report, best) for report, best in zip(reports, found, strict=True)]


def _is_sure(best: _Found | None) -> bool:
    """No other notation can be surer."""
    return best is not None and not best[0].strange and best[0].place == 0


def _surest(report: StatusReport, owners: Mapping[str | None, Sequence[Row]]) -> _Found | None:
    best: _Found | None = None
    for place, ref in enumerate((report.provider_ref, *report.also)):
        for row in owners.get(ref, ()):
            its = rank(place, report.recipient, row)
            if its is not None and (best is None or its < best[0]):
                best = its, row
    return best


def _unless_ended(report: StatusReport, best: _Found | None) -> Row | None:
    """An early report is for a message not on record yet, not for one that had its reference before."""
    if best is None or (report.early and best[1].stage == Stage.FINAL):
        return None
    return best[1]


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
