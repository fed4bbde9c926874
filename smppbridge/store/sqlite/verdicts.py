"""What a verdict does to a message: its outcome and the receipts owed for it, together.

Functions of a connection inside a transaction. Must not know: asyncio, whose verdict it is and how its
message was found, how receipts are delivered.
"""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from smppbridge.model.message import Settled, Stage
from smppbridge.model.owed import owes_receipt
from smppbridge.store.results import Settlement
from smppbridge.store.sqlite import alerts
from smppbridge.store.sqlite.rows import select_in

Binds = Collection[tuple[str, int]]  # (account, origin) of the binds that claim receipts now


class Row(NamedTuple):
    """What a decision about a message needs to know of it, and of the part that is meant."""

    ref: str | None  # of the message or of the part
    id: int
    account: str
    origin: int
    provider: str
    recipient: str
    stage: int
    state: int
    seen: int
    registered_delivery: int
    submitted_at: int
    segments: int  # submit_sm that it was joined of
    part_state: int | None  # None: the message as a whole is meant
    part_final: int


class Verdict(NamedTuple):
    """One status, whoever tells it."""

    state: int
    final: bool
    err: int
    code: str
    at: int
    details: str = ""
    silent: bool = False  # no receipt is owed for it


_OF_MESSAGE = ",".join(f"m.{name}" for name in Row._fields[1:-2])
WHOLE = f"m.provider_ref, {_OF_MESSAGE}, NULL, 0"
"""The columns of a `Row` that means all of message m."""
PART = f"p.provider_ref, {_OF_MESSAGE}, p.state, p.final"
"""Those of one that means its part p."""

_FOLLOWERS = f"""
SELECT j.head, {WHOLE} FROM joined j JOIN messages m ON m.id = j.message_id
WHERE j.head IN ({{}}) AND j.message_id <> j.head"""

_FINAL = (
    f"UPDATE messages SET stage = {Stage.FINAL:d}, due_at = NULL, state = ?, err = ?, code = ?, done_at = ?, "
    "details = ? WHERE id = ?"
)
_CARRIED = "UPDATE messages SET provider = ? WHERE id = ?"
_NOTE = "UPDATE messages SET state = ?, err = ?, code = ?, seen = seen | ? WHERE id = ?"
_OWE = """
INSERT INTO receipts (account, origin, message_id, state, final, err, code, at, due_at, details)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""


def apply(
    connection: sqlite3.Connection, pairs: Iterable[tuple[Row, Sequence[Verdict]]], live: Binds
) -> Settlement:
    """Write verdicts to their messages, and the receipts owed by them. FINAL messages stay as they are.

    What a message was joined of shares its fate: each part owes the receipts that it asked for itself."""
    changes = _Changes(live)
    heads: dict[int, tuple[Row, Sequence[Verdict]]] = {}
    for row, verdicts in pairs:
        changes.add(row, verdicts)
        if row.segments > 1:
            heads[row.id] = (row, verdicts)
    for head, *fields in select_in(connection, _FOLLOWERS, list(heads)):
        changes.follow(Row._make(fields), *heads[head])
    # A message may be in both: its final state comes last.
    connection.executemany(_NOTE, changes.notes)
    connection.executemany(_FINAL, changes.finals)
    connection.executemany(_CARRIED, changes.carried)
    connection.executemany(_OWE, changes.receipts)
    alerted = alerts.settle(connection, changes.ended)
    return Settlement(changes.settled, frozenset(changes.notified), changes.late, alerted)


class _Changes:
    """The rows that a batch of verdicts writes, and what is told of it."""

    def __init__(self, live: Binds) -> None:
        self._live = live
        self.notes: list[tuple[int, int, str, int, int]] = []
        self.finals: list[tuple[int, int, str, int, str, int]] = []
        self.receipts: list[tuple[str, int, int, int, bool, int, str, int, int, str]] = []
        self.carried: list[tuple[str, int]] = []  # parts whose message went another way
        self.ended: list[alerts.Ended] = []
        self.settled: list[Settled] = []
        self.notified: set[str] = set()
        self.late = 0

    def add(self, row: Row, verdicts: Sequence[Verdict]) -> None:
        """What ``verdicts`` do to one message, in their order."""
        ended, last, seen = row.stage == Stage.FINAL, row.state, row.seen
        for verdict in verdicts:
            state, final, err, code, at, details, silent = verdict
            if ended:
                self.late += state != last  # the same word again is only a repetition
                continue
            owed = not silent and owes_receipt(row.registered_delivery, state, final)
            if final:
                ended = True
                self.finals.append((state, err, code, at, details, row.id))
                self.ended.append((row.id, row.account, row.recipient, state, at))
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

    def follow(self, row: Row, head: Row, verdicts: Sequence[Verdict]) -> None:
        """The same to a part of ``head``: its receipts are its own, but it is counted with its message."""
        settled, ended, late, owed = len(self.settled), len(self.ended), self.late, len(self.receipts)
        if row.provider != head.provider:
            self.carried.append((head.provider, row.id))
        self.add(row, verdicts)
        del self.settled[settled:], self.ended[ended:]
        self.late = late
        if len(self.receipts) > owed:
            self.notified.add(row.account)

    def _owe(self, row: Row, verdict: Verdict) -> None:
        origin = row.origin if (row.account, row.origin) in self._live else 0
        state, final, err, code, at, details, _ = verdict
        self.receipts.append((row.account, origin, row.id, state, final, err, code, at, at, details))
