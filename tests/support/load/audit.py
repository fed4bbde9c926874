"""Compares what a bridge promised to an ESME, what it stored, what a provider got, and the receipts."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from smppbridge.model.message import Stage, State
from tests.support.load.recorder import NAME, Recorder, name_of
from tests.support.load.upstreams import Piece

_ROWS = f"""
SELECT substr(text, 1, {NAME}), id, wire_id, stage, state,
    (SELECT count(*) FROM attempts WHERE message_id = messages.id AND result = 'uncertain')
FROM messages"""
_UNFINISHED = f"""
SELECT (SELECT count(*) FROM messages WHERE stage NOT IN (?, {Stage.FINAL:d}))
    + (SELECT count(*) FROM receipts)"""


class Row(NamedTuple):
    """One message in the store."""

    name: str
    id: int
    wire_id: str
    stage: int
    state: int
    uncertain: int  # attempts of which nobody knows how they ended


@dataclass(frozen=True)
class Audit:
    """The three accounts of the same messages, by name, when everything has come to rest."""

    recorder: Recorder
    taken: Counter[str]  # how often the provider took each message whole
    begun: Counter[str]  # how often it took any part of it
    rows: dict[str, Row]

    def faults(self) -> Iterator[str]:
        """What may never be, whatever happens to uncertain messages."""
        yield from self._broken_promises()
        yield from self._false_receipts()
        yield from self._unsettled()

    def _broken_promises(self) -> Iterator[str]:
        for name, message_id in self.recorder.acknowledged.items():
            if name not in self.rows:
                yield f"{name}: acknowledged, not stored"
            elif self.rows[name].wire_id != message_id:
                yield f"{name}: acknowledged as {message_id}, stored as {self.rows[name].wire_id}"
        for name in self.begun.keys() - self.rows.keys():
            yield f"{name}: accepted by the provider, not stored"

    def _false_receipts(self) -> Iterator[str]:
        for receipt in self.recorder.receipts:
            row = self.rows.get(name_of(receipt.text or ""))
            if row is None or row.wire_id != receipt.id or row.name not in self.taken:
                yield f"{receipt}: a receipt for nothing"
            elif receipt.stat != "DELIVRD":
                yield f"{receipt}: the provider said delivered"

    def _unsettled(self) -> Iterator[str]:
        receipts = {name_of(receipt.text or "") for receipt in self.recorder.receipts}
        for row in self.rows.values():
            if row.stage not in (Stage.UNCERTAIN, Stage.FINAL):
                yield f"{row}: not at rest"
            elif row.stage == Stage.FINAL and row.name not in receipts:
                yield f"{row}: final, no receipt"
            elif row.stage == Stage.FINAL and row.state != State.DELIVERED:
                yield f"{row}: the provider said delivered"

    def losses(self) -> Iterator[str]:
        """Messages that did not arrive, and doubles that no uncertain attempt explains."""
        for row in self.rows.values():
            if not self.taken[row.name]:
                yield f"{row}: the provider never got it"
            if row.stage != Stage.FINAL:
                yield f"{row}: not final"
            if self.begun[row.name] > 1 + row.uncertain:
                yield f"{row}: the provider got it {self.begun[row.name]} times"

    def doubles(self) -> Iterator[str]:
        """Messages that arrived more than once, and missing ones that are not held as uncertain."""
        for row in self.rows.values():
            if self.begun[row.name] > 1:
                yield f"{row}: the provider got it {self.begun[row.name]} times"
            if not self.taken[row.name] and row.stage != Stage.UNCERTAIN:
                yield f"{row}: the provider never got it, and nobody is told"

    def held(self) -> set[int]:
        """Ids of the messages that wait for a person."""
        return {row.id for row in self.rows.values() if row.stage == Stage.UNCERTAIN}

    def __str__(self) -> str:
        record = self.recorder
        again = self.taken.total() - len(self.taken)
        repeated = len(record.receipts) - len({receipt.id for receipt in record.receipts})
        held = self.held()
        unseen = sum(row.id in held and not self.begun[row.name] for row in self.rows.values())
        uncertain = sum(row.uncertain for row in self.rows.values())
        return (
            f"{record.binds} binds, {len(record.submitted)} submitted,"
            f" {len(record.acknowledged)} acknowledged, {len(self.rows)} stored;"
            f" the provider took {len(self.taken)} texts, {again} times one again,"
            f" and parts of {len(self.begun.keys() - self.taken.keys())} others;"
            f" {len(record.receipts)} receipts, {repeated} repeated;"
            f" {uncertain} attempts uncertain, {len(held)} messages held,"
            f" {unseen} of them unknown to the provider"
        )


def audit(recorder: Recorder, pieces: Iterable[Piece], store: Path) -> Audit:
    """Read the store (running or not) and put it beside the other two."""
    with closing(_open(store)) as connection:
        rows = [Row._make(row) for row in connection.execute(_ROWS)]
    by_name = {row.name: row for row in rows}
    assert len(by_name) == len(rows), "a message is stored twice"
    return Audit(recorder, *_arrivals(pieces), by_name)


def _arrivals(pieces: Iterable[Piece]) -> tuple[Counter[str], Counter[str]]:
    """How often each message arrived whole, and how often any part of it. Only parts with the same reference
    make a whole: a phone joins no others."""
    times = Counter(pieces)
    taken: Counter[str] = Counter()
    begun: Counter[str] = Counter()
    for name, whole, total in {(piece.name, piece.whole, piece.total) for piece in times}:
        counts = [times[Piece(name, whole, number, total)] for number in range(1, total + 1)]
        taken[name] += min(counts)
        begun[name] += max(counts)
    return +taken, begun


async def at_rest(recorder: Recorder, store: Path, patience: float, *, holding: bool = True) -> None:
    """Wait until every submit_sm is answered, and every message final (or, when ``holding``, held as
    uncertain), its receipt delivered."""
    async with asyncio.timeout(patience):
        while recorder.unanswered or unfinished(store, holding=holding):
            await asyncio.sleep(0.1)


def unfinished(store: Path, *, holding: bool = True) -> int:
    """Messages and receipts on which the bridge has still to act; ``holding``: not on uncertain ones."""
    rests = Stage.UNCERTAIN if holding else Stage.FINAL
    with closing(_open(store)) as connection:
        count: int = connection.execute(_UNFINISHED, (int(rests),)).fetchone()[0]
        return count


def _open(store: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True, timeout=5)
