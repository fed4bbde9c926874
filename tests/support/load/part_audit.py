"""Compares what ESMEs submitted in parts, what a bridge stored, what a provider got, and the receipts."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from smppbridge.model.message import Stage, State
from tests.support.load.part_esme import Long, PartEsme

_ROWS = """
SELECT m.id, m.account, m.wire_id, m.stage, m.state, m.err, m.text, m.registered_delivery, j.head, j.number,
    (SELECT count(*) FROM attempts WHERE message_id = j.head AND result = 'uncertain')
FROM messages m LEFT JOIN joined j ON j.message_id = m.id"""
_WAITING = "SELECT missing FROM joins WHERE made = 0"
_STAT: dict[int, str] = {State.DELIVERED: "DELIVRD", State.UNDELIVERABLE: "UNDELIV"}
_MISSING = (State.UNDELIVERABLE, 241)


class Row(NamedTuple):
    """One part in the store."""

    id: int
    account: str
    wire_id: str
    stage: int
    state: int
    err: int
    text: str  # of the head only, once it is joined
    asks: int
    head: int
    number: int
    uncertain: int  # attempts with the whole message of which nobody knows how they ended


def _said(row: Row) -> tuple[str | None, str]:
    """stat and err of its receipt."""
    return _STAT.get(row.state), f"{row.err:03}"


class PartAudit:
    """The accounts of the same messages, when everything has come to rest. All of `faults` may never be."""

    def __init__(self, esmes: Sequence[PartEsme], texts: Sequence[str], store: Path) -> None:
        self._esmes = esmes
        self._arrived = Counter(texts)
        with closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            self.rows = [Row._make(row) for row in connection.execute(_ROWS)]
            self.owed: int = connection.execute("SELECT count(*) FROM receipts").fetchone()[0]
            self._waiting: list[int] = [row[0] for row in connection.execute(_WAITING)]
        self._stages = {row.id: row.stage for row in self.rows}

    @cached_property
    def _by_id(self) -> dict[tuple[str, str], Row]:
        return {(row.account, row.wire_id): row for row in self.rows}

    @cached_property
    def _messages(self) -> list[tuple[PartEsme, Long]]:
        return [(esme, long) for esme in self._esmes for long in esme.messages]

    def at_rest(self) -> bool:
        """Whether every part is final, or part of a message that is held as uncertain; no receipt is owed."""
        return not self.owed and all(row.stage == Stage.FINAL or self._is_held(row) for row in self.rows)

    def _is_held(self, row: Row) -> bool:
        return row.stage in (Stage.COLLECTING, Stage.UNCERTAIN) and self._stages[row.head] == Stage.UNCERTAIN

    def under_way(self) -> Counter[str]:
        """How many messages are between two steps, by what comes next."""
        stages = {Stage.QUEUED: "claimed", Stage.SENDING: "sent"}
        found = Counter("completed" if missing else "joined" for missing in self._waiting)
        return found + Counter(stages[Stage(row.stage)] for row in self.rows if row.stage in stages)

    def held(self) -> int:
        """How many messages wait for a person."""
        return sum(row.stage == Stage.UNCERTAIN for row in self.rows)

    def given_up(self) -> int:
        """How many parts ended because others were missing."""
        return sum((row.state, row.err) == _MISSING for row in self.rows)

    def uncertain(self, account: str) -> int:
        """How many attempts with its messages ended uncertain."""
        return sum(row.uncertain for row in self.rows if row.account == account and row.id == row.head)

    # --- what may never be -------------------------------------------------------------------------

    def faults(self) -> Iterator[str]:
        """Whatever becomes of uncertain messages."""
        yield from (fault for esme in self._esmes for fault in esme.faults)
        yield from self._strange_texts()
        yield from self._strange_rows()
        for esme, long in self._messages:
            yield from self._broken_promises(esme, long)
        for esme in self._esmes:
            yield from self._strange_receipts(esme)

    def _strange_texts(self) -> Iterator[str]:
        submitted = {long.text for _, long in self._messages}
        for text in self._arrived.keys() - submitted:
            yield f"{text!r}: nobody submitted it"

    def _strange_rows(self) -> Iterator[str]:
        if len(self._by_id) < len(self.rows):
            yield "two rows with the same message_id"
        promised = {
            (esme.system_id, wire_id) for esme, long in self._messages for wire_id in long.ids.values()
        }
        patient = {esme.system_id for esme in self._esmes if esme.patient}
        for row in self.rows:
            if row.account in patient and (row.account, row.wire_id) not in promised:
                yield f"{row}: stored twice, or for nothing"
            if row.stage != Stage.FINAL and not self._is_held(row):
                yield f"{row}: not at rest"

    def _broken_promises(self, esme: PartEsme, long: Long) -> Iterator[str]:
        rows = {number: self._by_id.get((esme.system_id, one)) for number, one in long.ids.items()}
        found = [row for row in rows.values() if row is not None]
        if len(found) < len(rows):
            yield f"{long.key}: acknowledged, not stored: {rows}"
        if any(row is not None and row.number != number for number, row in rows.items()):
            yield f"{long.key}: the parts are not in their order: {rows}"
        if esme.patient and (len(rows) < long.total or len({row.head for row in found}) > 1):
            yield f"{long.key}: not one message: {rows}"
        fates = {(row.state, row.err) for row in found if row.stage == Stage.FINAL}
        held = any(row.stage != Stage.FINAL for row in found)
        allowed = {(State.DELIVERED, 0)} if esme.patient else {(State.DELIVERED, 0), _MISSING}
        if len(fates) + held > 1 or fates - allowed:
            yield f"{long.key}: its parts ended as {fates}, others are held: {held}"
        arrived = self._arrived[long.text]
        if fates and bool(arrived) != (fates == {(State.DELIVERED, 0)}):
            yield f"{long.key}: arrived {arrived} times, its parts ended as {fates}"
        texts = {row.text for row in found} - {""}
        if texts - {long.text}:
            yield f"{long.key}: joined as {texts}"

    def _strange_receipts(self, esme: PartEsme) -> Iterator[str]:
        asking = {long.ids[number] for long in esme.messages for number in long.asks if number in long.ids}
        known = {one for long in esme.messages for one in long.ids.values()}
        got = set()
        for receipt in esme.receipts:
            row = self._by_id.get((esme.system_id, receipt.id or ""))
            if row is None or not (row.wire_id in asking if row.wire_id in known else row.asks):
                yield f"{receipt}: nobody asked for it"
            elif row.stage != Stage.FINAL or (receipt.stat, receipt.err) != _said(row):
                yield f"{receipt}: for {row}"
            got.add(receipt.id)
        for wire_id in asking - got:
            row = self._by_id.get((esme.system_id, wire_id))
            if row is not None and row.stage == Stage.FINAL:
                yield f"{row}: no receipt"

    def losses(self, account: str) -> Iterator[str]:
        """Messages that did not arrive, and doubles that no uncertain attempt explains."""
        for row, arrived in self._heads(account):
            if not arrived:
                yield f"{row}: the provider never got it"
            if arrived > 1 + row.uncertain:
                yield f"{row}: the provider got it {arrived} times"

    def doubles(self, account: str) -> Iterator[str]:
        """Messages that arrived more than once, and missing ones that are not held as uncertain."""
        for row, arrived in self._heads(account):
            if arrived > 1:
                yield f"{row}: the provider got it {arrived} times"
            if not arrived and row.stage != Stage.UNCERTAIN:
                yield f"{row}: the provider never got it, and nobody is told"

    def _heads(self, account: str) -> Iterator[tuple[Row, int]]:
        """What carries, or should carry, a whole message, and how often that arrived."""
        for row in self.rows:
            if row.account == account and row.id == row.head and (row.state, row.err) != _MISSING:
                yield row, self._arrived[row.text]

    def __str__(self) -> str:
        return "; ".join(
            [*map(self._figures, self._esmes), f"the provider took {self._arrived.total()} texts"]
        )

    def _figures(self, esme: PartEsme) -> str:
        begun, account, receipts = esme.messages, esme.system_id, esme.receipts
        rows = [row for row in self.rows if row.account == account]
        arrived = [self._arrived[long.text] for long in begun]
        return (
            f"{account}: {len(begun)} messages begun, {sum(len(long.ids) for long in begun)} parts"
            f" acknowledged, {len(rows)} stored; {esme.resubmitted} submitted again without an answer,"
            f" {esme.repeated} with one; {esme.reused} references used again;"
            f" {sum(map(bool, arrived))} arrived, {sum(arrived) - sum(map(bool, arrived))} times one again;"
            f" {self.uncertain(account)} attempts uncertain,"
            f" {sum(row.stage == Stage.UNCERTAIN for row in rows)} messages held,"
            f" {sum((row.state, row.err) == _MISSING for row in rows)} parts given up;"
            f" {len(receipts)} receipts, {len(receipts) - len({one.id for one in receipts})} repeated"
        )
