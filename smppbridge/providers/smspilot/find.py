"""What became of messages whose hand-over ended without a clear answer: they are looked for among those of
the last day (API-1 v1.12 §2.2), by number and text, because smspilot finds nothing by our ids.
"""

import re
from collections.abc import Sequence
from functools import partial

from smppbridge.model.message import Doubt
from smppbridge.providers.base import Trace
from smppbridge.providers.smspilot.records import Item
from smppbridge.providers.smspilot.sales import wire_text
from smppbridge.providers.smspilot.wire_xml import writable

DAY, HOUR, MINUTE = 86_400_000, 3_600_000, 60_000  # ms
LISTED = DAY - HOUR  # older messages may have left the list
TOLERANCE = 2 * HOUR  # between smspilot's clock and ours
WESTERNMOST = 12 * HOUR  # no time zone that `created` may be in is further behind UTC
NEAR = 5  # minutes, whole hours aside, between a hand-over and what it made
SPREAD = 10 * MINUTE  # by which the newest message that a list holds may be older than now
PAGE_OVERLAP = 100  # messages; less where a page is short
SAME_ENDING = 10  # digits that all spellings of a number share: 8921... is 7921...

_NO_DIGIT = re.compile("[^0-9]")


class Recent:
    """The list as far as it is known. It may begin with the newest message or with the oldest."""

    def __init__(self) -> None:
        self.offset = 0  # of the next page; it overlaps with the one before: the list moves on meanwhile
        self._rows: dict[str, Item] = {}
        self._by_ending: dict[str, list[Item]] = {}  # by the last digits of the number
        self._span: int | None = None  # ms from the first row to the last, None = not newest first
        self._first = ""  # what the last page began with
        self._whole = False  # the end was reached
        self._torn = False  # something may be missing between two pages, or cannot be read

    def add(self, page: Sequence[Item]) -> None:
        """Add the page at `offset`.

        smspilot decides how many rows an answer has. So a page is the last one only when nothing new comes
        behind it, however short it is.
        """
        page = [item._replace(phone=_NO_DIGIT.sub("", item.phone)) for item in page]
        refs = [item.ref for item in page]
        joins = self.offset == len(self._rows) or not self._rows.keys().isdisjoint(refs)
        again = bool(self._first) and refs[:1] == [self._first]  # the same page, whatever the offset
        self._torn |= not joins or again or not all(item.ref and item.phone for item in page)
        # Where all is known, but the last row does not show, an answer has less room than the overlap.
        self._whole = self._rows.keys() >= set(refs) and (not refs or next(reversed(self._rows)) in refs)
        for item in page:
            if item.ref not in self._rows:
                self._rows[item.ref] = item
                self._by_ending.setdefault(item.phone[-SAME_ENDING:], []).append(item)
        self._span = _span([item.created for item in self._rows.values()])
        self._first = refs[0] if refs else ""
        self.offset = len(self._rows) - min(PAGE_OVERLAP, len(page) // 4)

    def reaches(self, moment: int, now: int) -> bool:
        """Whether nothing sent at ``moment`` (ms) or later can be missing.

        The time zone of `created` is unknown, so only differences count: the first row is not newer than now,
        and what is not listed is older than the last row.
        """
        if self._whole or self._torn:
            return self._whole and not self._torn
        return self._span is not None and self._span > now - moment + SPREAD

    def trace(self, doubt: Doubt, now: int) -> Trace:
        """Messages to this number with this text, the likeliest first. What else may have gone to this number
        since is unlikely, but possible: smspilot may list another spelling of number or text."""
        sure = self.reaches(doubt.tried_at, now) and now - doubt.tried_at < LISTED
        text, ending = plain(wire_text(doubt)), doubt.recipient[-SAME_ENDING:]
        ours = filter(partial(_may_be, doubt), self._by_ending.get(ending, ()))
        young = sorted(ours, key=lambda item: _distance(item, doubt))
        likely = [
            item.ref
            for item in young
            if item.phone == doubt.recipient
            and item.text is not None
            and plain(item.text) == text
            and _distance(item, doubt)[1] <= NEAR
        ]
        return Trace(
            doubt.id, tuple(likely), sure, tuple(item.ref for item in young if item.ref not in likely)
        )


def _span(created: Sequence[int | None]) -> int | None:
    known = [at for at in created if at is not None]
    if not known or len(known) < len(created) or known != sorted(known, reverse=True):
        return None
    return known[0] - known[-1]


def traces(recent: Recent, doubts: Sequence[Doubt], now: int) -> list[Trace]:
    """What is known about each doubt."""
    return [recent.trace(doubt, now) for doubt in doubts]


def plain(text: str) -> str:
    """What is left of a text on its way there and back: white space may be altered."""
    return " ".join(writable(text).split())


def _may_be(doubt: Doubt, item: Item) -> bool:
    """Not certainly older than the hand-over."""
    return item.created is None or item.created >= doubt.tried_at - TOLERANCE - WESTERNMOST


def _distance(item: Item, doubt: Doubt) -> tuple[bool, int, int]:
    """The order of likelihood: refused messages last, then by the time between (whole hours are the time
    zone's), then the newest first."""
    if item.created is None:
        return item.status == -2, 0, 0
    apart = (item.created - doubt.tried_at + HOUR // 2) % HOUR - HOUR // 2
    return item.status == -2, abs(apart) // MINUTE, -item.created
