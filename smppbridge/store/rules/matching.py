"""Which message, or which part of one, a provider means by a reference.

A provider may write a reference in several notations, write phones in a way of its own, or use a reference
again. So the messages that a status may be for are ranked, and it is for the first of them: see `Rank`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from smppbridge.model.message import Stage, StatusReport
from smppbridge.store.rules.verdicts import Row, Verdict, Words

_TAIL = 9  # digits of a phone without its country code or trunk prefix, which each side writes in its way
_SHORTEST = 6  # digits that tell one phone from another; a shorter service number has to be the same


class Rank(NamedTuple):
    """How surely a message is meant: of several, the one with the lowest rank is."""

    strange: bool  # the phones do not agree
    place: int  # of the notation: 0 = the reference as it is stored; 1, 2, ...: others, likeliest first
    age: int  # a provider that uses a reference again means its latest message
    whole: bool  # a message in parts is found by the reference of its first part, too: the part is meant


Match = tuple[Rank, Row]
StatusKey = tuple[int, int]  # of a status that is kept: its first row, its number of rows
# Where a kept status is stored under the reference of a message: the message, the status, the phone that it
# is about, the place of the notation, what it says.
Candidate = tuple[Row, StatusKey, str, int, Verdict]


def same_phone(one: str, other: str) -> bool:
    """Whether two numbers (digits) are of one phone: the last 9 digits, or all of a shorter number."""
    size = min(_TAIL, len(one), len(other))
    return one[-size:] == other[-size:] if size >= _SHORTEST else one == other != ""


def rank(place: int, phone: str, row: Row) -> Rank | None:
    """How surely a status for ``phone`` ("": nobody said) means ``row`` by the notation at ``place``; None
    where it does not.

    1. Another notation than the stored one needs a phone that agrees.
    2. The stored reference does not, because some providers write numbers in a way of their own. But if the
       phones do not agree, it counts last.
    """
    strange = not same_phone(phone, row.recipient) and not (place == 0 and not phone)
    if strange and place:
        return None
    return Rank(strange, place, -row.id, row.part_state is None)


def surest(report: StatusReport, owners: Mapping[str | None, Sequence[Row]]) -> Match | None:
    """The best match of a status among the ``owners`` of references."""
    best: Match | None = None
    for place, ref in enumerate((report.provider_ref, *report.also)):
        for row in owners.get(ref, ()):
            its = rank(place, report.recipient, row)
            if its is not None and (best is None or its < best[0]):
                best = its, row
    return best


def is_sure(match: Match | None) -> bool:
    """Whether no other notation can be surer: the stored reference, and the phones agree."""
    return match is not None and not match[0].strange and match[0].place == 0


def unless_ended(report: StatusReport, match: Match | None) -> Row | None:
    """The message of a match. None for an early status and a message that has ended: such a status is about a
    message that is not on record yet, not about the one that had its reference before."""
    if match is None or (report.early and match[1].stage == Stage.FINAL):
        return None
    return match[1]


def adopters(candidates: Iterable[Candidate]) -> tuple[list[StatusKey], Words]:
    """Which message each kept status is for: (the statuses that are for one, what they say in order).

    1. A status is for the message that `rank` puts first, and for no message that has ended.
    2. Of the statuses for one message those on the way come first, then the final ones, the surest first:
       so the surest final status counts.
    """
    best: dict[StatusKey, tuple[Rank, Row, Verdict]] = {}
    for row, status, phone, place, verdict in candidates:
        its = rank(place, phone, row)
        if its is None or row.stage == Stage.FINAL:
            continue
        if status not in best or its < best[status][0]:
            best[status] = its, row, verdict
    order = sorted((row.id, verdict.final, its, status) for status, (its, row, verdict) in best.items())
    return list(best), [best[status][1:] for *_, status in order]
