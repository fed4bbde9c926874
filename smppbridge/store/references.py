"""Which message, or which part of one, a provider means by a reference.

Functions of a connection inside a transaction. Must not know: asyncio, what the status says.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from itertools import chain

from smppbridge.model.message import Stage, StatusReport
from smppbridge.store import parts
from smppbridge.store.rows import select_in
from smppbridge.store.verdicts import WHOLE, Row

_TAIL = 9  # digits of a phone without its country code or trunk prefix, which each side writes in its way
_SHORTEST = 6  # digits that tell one phone from another; a shorter service number has to be the same

_BY_REF = f"""
SELECT {WHOLE} FROM messages m INDEXED BY messages_ref WHERE m.provider = ? AND m.provider_ref IN ({{}})"""


def same_phone(one: str, other: str) -> bool:
    """Whether two numbers (digits) are of one phone: the last 9 digits, or all of a shorter number."""
    size = min(_TAIL, len(one), len(other))
    return one[-size:] == other[-size:] if size >= _SHORTEST else one == other != ""


def find(connection: sqlite3.Connection, provider: str, reports: Sequence[StatusReport]) -> list[Row | None]:
    """What each report is about, in order; None where nobody knows its reference.

    Where the reference may be meant in another notation, a phone that agrees decides; the reference as it
    is without its phone comes last, because some providers write numbers in a way of their own. A reference
    that the provider uses again means its latest message.
    """
    exact = _owners(connection, provider, [report.provider_ref for report in reports if report.provider_ref])
    sure = [_sure(report, exact.get(report.provider_ref, ())) for report in reports]
    others = [report.also for report, row in zip(reports, sure, strict=True) if row is None]
    converted = _owners(connection, provider, list(chain.from_iterable(others)))
    return [
        _unless_ended(report, row or _by_notation(report, converted) or _latest(report, exact))
        for report, row in zip(reports, sure, strict=True)
    ]


def _sure(report: StatusReport, same: Sequence[Row]) -> Row | None:
    """The owner of the very reference, if no other notation of it can be meant."""
    if report.also and report.recipient:
        return _to_phone(report.recipient, same)
    return same[0] if same else None


def _by_notation(report: StatusReport, owners: Mapping[str | None, Sequence[Row]]) -> Row | None:
    found = (_to_phone(report.recipient, owners.get(notation, ())) for notation in report.also)
    return next(filter(None, found), None)


def _latest(report: StatusReport, owners: Mapping[str | None, Sequence[Row]]) -> Row | None:
    return next(iter(owners.get(report.provider_ref, ())), None)


def _to_phone(phone: str, same: Sequence[Row]) -> Row | None:
    return next((row for row in same if same_phone(phone, row.recipient)), None)


def _unless_ended(report: StatusReport, row: Row | None) -> Row | None:
    """An early report is for a message not on record yet, not for one that had its reference before."""
    return None if report.early and row is not None and row.stage == Stage.FINAL else row


def _owners(
    connection: sqlite3.Connection, provider: str, refs: Sequence[str]
) -> Mapping[str | None, Sequence[Row]]:
    """The messages and parts with these references, the latest message first."""
    if not refs:
        return {}
    wanted = list(dict.fromkeys(refs))
    rows = select_in(connection, _BY_REF, wanted, (provider,))
    if parts.has_any(connection):
        rows += parts.find(connection, provider, wanted)
    owners: dict[str | None, list[Row]] = {}
    for row in map(Row._make, rows):
        owners.setdefault(row.ref, []).append(row)
    for same in owners.values():
        if len(same) > 1:
            same.sort(key=_rank, reverse=True)
    return owners


def _rank(row: Row) -> tuple[int, bool]:
    """A message in parts is found by the reference of its first part, too: the part is meant."""
    return row.id, row.part_state is not None
