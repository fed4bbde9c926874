"""The messages table on its way to the provider: add, claim, sent, unsent, promote, reroute, overdue.

Functions of a connection inside a transaction, which the `Writer` begins and commits. Every query names its
index. So a query that would have to scan fails at once, instead of getting slower with the table.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import Any

from smppbridge.model.message import (
    ROUTE_SEPARATOR,
    Doubt,
    Message,
    Overdue,
    Poll,
    Segment,
    Sent,
    Stage,
    Unsent,
)
from smppbridge.store.results import Rerouted
from smppbridge.store.rules.polls import next_question
from smppbridge.store.sqlite import parts
from smppbridge.store.sqlite.rows import placeholders, select_in

SHORT_ID_MAX = 2**31 - 1
ABOVE_ANY_PRIORITY = 256  # one octet on the wire
ASK_GRACE_MS = 15 * 60 * 1000  # how long a question that is due may wait for its provider

_INSERT = f"INSERT INTO messages ({','.join(Segment._fields)}) VALUES ({placeholders(len(Segment._fields))})"

_CLAIM = f"""
UPDATE messages SET stage = {Stage.SENDING:d}, attempt = attempt + 1, due_at = ?, sent_at = ?
WHERE id IN (
    SELECT id FROM messages INDEXED BY messages_queue
    WHERE provider = ? AND account = ? AND stage = {Stage.QUEUED:d} AND deadline > ? AND priority >= ?
    ORDER BY priority DESC, id LIMIT ?)
RETURNING {",".join(Message._fields)}"""

# Only a claim makes the attempt grow: as long as it is the same, nobody else has been given the message. A
# message that has left SENDING may wait for another provider by now; its history knows whose attempt it was.
_SENT = f"""
UPDATE messages SET stage = {Stage.SENT:d}, provider_ref = nullif(?, ''), packet_ref = ?, due_at = ?,
    deadline = ?, sent_at = ?, price = ?, currency = ?, parts = ?, operator = ?,
    provider = CASE stage WHEN {Stage.SENDING:d} THEN provider ELSE ifnull(
        (SELECT a.provider FROM attempts a INDEXED BY attempts_message
         WHERE a.message_id = messages.id AND a.number = messages.attempt LIMIT 1), provider) END
WHERE id = ? AND attempt = ? AND stage < {Stage.SENT:d}"""

_ATTEMPT = f"""
INSERT INTO attempts (message_id, number, provider, result, code, reason, at)
SELECT id, attempt, ?, ?, ?, ?, ? FROM messages
WHERE id = ? AND attempt = ? AND stage IN ({Stage.SENDING:d}, {Stage.UNCERTAIN:d})"""

# `asked` counts the questions about UNCERTAIN messages. WAITING it is 1 where a message waits by a pause of
# the bridge, and not for its schedule.
_UNSENT = f"""
UPDATE messages SET stage = ?, provider = ?, due_at = ?, tries = ?, asked = ?, misses = 0
WHERE id = ? AND attempt = ? AND stage IN ({Stage.SENDING:d}, {Stage.UNCERTAIN:d})"""

_HAND_BACK = f"""
UPDATE messages SET stage = {Stage.WAITING:d}, due_at = min(?, deadline), asked = 1, attempt = attempt - 1
WHERE id = ? AND attempt = ? AND stage = {Stage.SENDING:d}"""

_CLAIM_AMONG = f"""
UPDATE messages SET stage = {Stage.SENDING:d}, attempt = attempt + 1, due_at = ?, sent_at = ?
WHERE id IN (
    SELECT id FROM (
        SELECT id, priority, attempt FROM messages INDEXED BY messages_queue
        WHERE provider = ? AND account = ? AND stage = {Stage.QUEUED:d} AND deadline > ? AND priority >= ?
        ORDER BY priority DESC, id LIMIT ?)
    ORDER BY attempt, priority DESC, id LIMIT ?)
RETURNING {",".join(Message._fields)}"""

_PUT_OFF = f"""
UPDATE messages SET stage = {Stage.WAITING:d}, due_at = min(?, deadline), asked = 1
WHERE id IN (
    SELECT id FROM messages INDEXED BY messages_queue
    WHERE provider = ? AND account = ? AND stage = {Stage.QUEUED:d} AND priority = 0 ORDER BY id LIMIT ?)"""

_PROMOTE = f"""
UPDATE messages SET stage = {Stage.QUEUED:d}, due_at = deadline
WHERE id IN (
    SELECT id FROM messages INDEXED BY messages_due
    WHERE provider = ? AND stage = {Stage.WAITING:d} AND due_at <= ? AND deadline > ?
    ORDER BY due_at LIMIT ?)
RETURNING account"""

_DOUBTS = f"""
SELECT {",".join(Doubt._fields).replace("tried_at", "sent_at")} FROM messages INDEXED BY messages_due
WHERE provider = ? AND stage = {Stage.UNCERTAIN:d} AND due_at <= ? AND (deadline > ? OR asked = 0)
ORDER BY due_at LIMIT ?"""

_NEXT_ACCOUNT = f"""
SELECT account FROM messages INDEXED BY messages_queue
WHERE provider = ? AND stage = {Stage.QUEUED:d} AND account > ? ORDER BY account LIMIT 1"""

_PRIORITIES = f"""
SELECT max(priority) FROM messages INDEXED BY messages_queue
WHERE provider = ? AND stage = {Stage.QUEUED:d} AND account = ? AND priority < ?"""

_IN_FLIGHT = f"""
SELECT recipient, text FROM messages INDEXED BY messages_due
WHERE provider = ? AND stage = {Stage.SENDING:d} AND due_at IS NOT NULL"""

_KNOWN_REFS = """
SELECT provider_ref FROM messages INDEXED BY messages_ref WHERE provider = ? AND provider_ref IN ({})"""

_QUEUED_AFTER = f"""
SELECT id, account, route FROM messages INDEXED BY messages_queue
WHERE provider = ? AND stage = {Stage.QUEUED:d} AND account = ? AND priority = ? AND id > ? ORDER BY id"""

_POLLS = f"""
SELECT {",".join(Poll._fields).replace("provider_ref", "ifnull(provider_ref, '')")}
FROM messages INDEXED BY messages_due
WHERE provider = ? AND stage = {Stage.SENT:d} AND due_at <= ? AND deadline > ?
ORDER BY due_at LIMIT ?"""

OVERDUE_COLUMNS = "id, account, stage, route, provider, attempt, tries, seen, deadline"

_PAST_DUE = f"""
SELECT {OVERDUE_COLUMNS} FROM messages INDEXED BY messages_due
WHERE provider = :provider AND stage = {{:d}} AND due_at <= :now ORDER BY due_at LIMIT :limit"""

_SENT_PAST_DEADLINE = f"""
SELECT {OVERDUE_COLUMNS} FROM messages INDEXED BY messages_deadline
WHERE provider = :provider AND stage = {Stage.SENT:d} AND deadline <= :now ORDER BY deadline LIMIT :limit"""

# A message whose deadline comes before the first question about it is asked about all the same.
_DOUBT_PAST_DEADLINE = f"""
SELECT {OVERDUE_COLUMNS} FROM messages INDEXED BY messages_doubts
WHERE provider = :provider AND stage = {Stage.UNCERTAIN:d} AND deadline <= :now
    AND (asked > 0 OR due_at = deadline OR due_at <= :now - {ASK_GRACE_MS}) ORDER BY deadline LIMIT :limit"""

# Nothing waits beyond its deadline. Messages due earlier are passed over here: they are about to be promoted.
_WAITING_PAST_DEADLINE = f"""
SELECT {OVERDUE_COLUMNS} FROM messages INDEXED BY messages_due
WHERE provider = :provider AND stage = {Stage.WAITING:d} AND due_at <= :now AND deadline <= :now
ORDER BY due_at LIMIT :limit"""

_OVERDUE = (
    _PAST_DUE.format(Stage.SENDING),
    _DOUBT_PAST_DEADLINE,
    _SENT_PAST_DEADLINE,
    _PAST_DUE.format(Stage.QUEUED),
    _WAITING_PAST_DEADLINE,
)


def add(connection: sqlite3.Connection, segments: Sequence[Segment]) -> None:
    """Insert accepted segments."""
    connection.executemany(_INSERT, segments)
    addressed = {row[0] for row in connection.execute("SELECT account FROM addressed").fetchall()}
    if addressed:
        ids = [(one.id,) for one in segments if one.account in addressed]
        connection.executemany("UPDATE messages SET addressed = 1 WHERE id = ?", ids)


def take_short_ids(connection: sqlite3.Connection, count: int) -> int:
    """Advance the counter of short ids past ``count`` consecutive numbers; the first of them."""
    first = mark(connection, "short_id") or 1
    if first + count - 1 > SHORT_ID_MAX:
        first = 1
    set_mark(connection, "short_id", first + count)
    return first


def set_mark(connection: sqlite3.Connection, name: str, value: int) -> None:
    """Remember a number."""
    connection.execute("INSERT OR REPLACE INTO counters (name, value) VALUES (?, ?)", (name, value))


def mark(connection: sqlite3.Connection, name: str) -> int | None:
    """The number that was remembered."""
    row = connection.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()
    return row[0] if row else None


def claim(
    connection: sqlite3.Connection,
    provider: str,
    account: str,
    limit: int,
    now: int,
    lease_until: int,
    among: int,
    least: int,
) -> list[Message]:
    """QUEUED -> SENDING, most urgent first; of the first ``among`` those with the fewest attempts."""
    wanted = (lease_until, now, provider, account, now, least, limit)
    if among:
        rows = connection.execute(_CLAIM_AMONG, (*wanted[:-1], among, limit)).fetchall()
    else:
        rows = connection.execute(_CLAIM, wanted).fetchall()
    messages = list(map(Message._make, rows))
    messages.sort(key=lambda message: (-message.priority, message.id))  # RETURNING keeps no order
    return messages


def put_off(connection: sqlite3.Connection, provider: str, account: str, until: int, limit: int) -> int:
    """QUEUED -> WAITING for messages without priority; how many."""
    return connection.execute(_PUT_OFF, (until, provider, account, limit)).rowcount


def record_sent(connection: sqlite3.Connection, sent: Sequence[Sent], now: int) -> dict[str, int]:
    """-> SENT, unless the message is SENT or FINAL already, or a newer attempt has begun; how many of each
    account."""
    done: dict[str, int] = {}
    by_account: dict[str, list[Sent]] = {}
    for item in sent:
        by_account.setdefault(item.account, []).append(item)
    in_parts = any(item.parts for item in sent)
    for account, theirs in by_account.items():
        rows = [
            (s.provider_ref, s.packet_ref, s.poll_at, s.deadline, now, *s.told[:4], s.id, s.attempt)
            for s in theirs
        ]
        if in_parts:
            done[account] = sum(_sent_in_parts(connection, *pair) for pair in zip(theirs, rows, strict=True))
        else:
            done[account] = connection.executemany(_SENT, rows).rowcount
    return done


def _sent_in_parts(connection: sqlite3.Connection, item: Sent, row: tuple[Any, ...]) -> int:
    done = connection.execute(_SENT, row).rowcount
    if done and item.parts:
        parts.add(connection, item)
    return done


def record_unsent(connection: sqlite3.Connection, unsent: Sequence[Unsent]) -> None:
    """SENDING or UNCERTAIN -> the stage that was decided, with a row of history."""
    # First the history: its condition is the stage that the second statement changes.
    connection.executemany(
        _ATTEMPT, [(u.tried, u.result, u.code, u.reason, u.at, u.id, u.attempt) for u in unsent]
    )
    connection.executemany(
        _UNSENT,
        [(u.stage, u.provider, u.due_at, u.tries, u.stage == Stage.WAITING, u.id, u.attempt) for u in unsent],
    )


def hand_back(connection: sqlite3.Connection, items: Sequence[tuple[int, int, int]]) -> None:
    """SENDING -> WAITING as if it had never been claimed."""
    connection.executemany(
        _HAND_BACK, [(due_at, message_id, attempt) for message_id, attempt, due_at in items]
    )


def claim_doubts(
    connection: sqlite3.Connection, provider: str, now: int, limit: int, next_at: int
) -> list[Doubt]:
    """UNCERTAIN messages about which their provider is to be asked. They are due again at ``next_at``."""
    doubts = list(map(Doubt._make, connection.execute(_DOUBTS, (provider, now, now, limit)).fetchall()))
    connection.executemany(
        "UPDATE messages SET due_at = min(?, deadline), asked = asked + 1 WHERE id = ?",
        [(next_at, doubt.id) for doubt in doubts],
    )
    return doubts


def note_doubts(connection: sqlite3.Connection, missed: Sequence[int], unclear: Sequence[int]) -> None:
    """Count the times in a row that the provider did not know a message."""
    same = f"WHERE id = ? AND stage = {Stage.UNCERTAIN:d}"
    connection.executemany(f"UPDATE messages SET misses = misses + 1 {same}", [(one,) for one in missed])
    connection.executemany(f"UPDATE messages SET misses = 0 {same}", [(one,) for one in unclear])


def in_flight(connection: sqlite3.Connection, provider: str) -> frozenset[tuple[str, str]]:
    """(recipient, text) of messages that the provider is being given."""
    return frozenset(connection.execute(_IN_FLIGHT, (provider,)).fetchall())


def known_refs(connection: sqlite3.Connection, provider: str, refs: Sequence[str]) -> frozenset[str]:
    """Which references belong to messages already, or to parts of some."""
    known = {row[0] for row in select_in(connection, _KNOWN_REFS, refs, (provider,))}
    if parts.has_any(connection):
        known |= {row[0] for row in parts.find(connection, provider, refs)}
    return frozenset(known)


def promote(connection: sqlite3.Connection, provider: str, now: int, limit: int) -> frozenset[str]:
    """WAITING -> QUEUED for messages whose time has come and whose deadline has not; their accounts."""
    return frozenset(row[0] for row in connection.execute(_PROMOTE, (provider, now, now, limit)).fetchall())


def _queued_in_order(
    connection: sqlite3.Connection, provider: str, after: int
) -> Iterator[tuple[int, str, str]]:
    """(id, account, route) of QUEUED messages of ``provider`` with id > ``after``, in order of id.

    The index orders them within (account, priority). To merge those few runs reads no row in vain.
    """
    runs: list[Iterator[tuple[int, str, str]]] = []
    account = ""
    while row := connection.execute(_NEXT_ACCOUNT, (provider, account)).fetchone():
        account = row[0]
        priority = ABOVE_ANY_PRIORITY
        while (row := connection.execute(_PRIORITIES, (provider, account, priority)).fetchone())[
            0
        ] is not None:
            priority = row[0]
            runs.append(connection.execute(_QUEUED_AFTER, (provider, account, priority, after)))
    return merge(*runs)


def reroute(
    connection: sqlite3.Connection, provider: str, usable: Sequence[str], after: int, limit: int
) -> Rerouted:
    """Move QUEUED messages to another provider of their route."""
    looked = list(islice(_queued_in_order(connection, provider, after), limit))
    targets: dict[str, str | None] = {}  # routes are few, messages many
    moves: list[tuple[str, int]] = []
    accounts: set[str] = set()
    for message_id, account, route in looked:
        if route not in targets:
            names = route.split(ROUTE_SEPARATOR)
            targets[route] = next((name for name in names if name in usable and name != provider), None)
        target = targets[route]
        if target is not None:
            moves.append((target, message_id))
            accounts.add(account)
    connection.executemany("UPDATE messages SET provider = ? WHERE id = ?", moves)
    return Rerouted(frozenset(accounts), len(moves), looked[-1][0] if len(looked) == limit else 0)


def claim_polls(
    connection: sqlite3.Connection,
    provider: str,
    now: int,
    limit: int,
    interval: int,
    slowest: int,
    early: Sequence[int],
) -> list[Poll]:
    """SENT messages whose status is to be asked. `next_question` says when they are due again."""
    polls = list(map(Poll._make, connection.execute(_POLLS, (provider, now, now, limit)).fetchall()))
    connection.executemany(
        "UPDATE messages SET due_at = ? WHERE id = ?",
        [(next_question(poll.sent_at, now, interval, slowest, early), poll.id) for poll in polls],
    )
    return polls


def to_overdue(row: tuple[int, str, int, str, str, int, int, int, int]) -> Overdue:
    """A row of OVERDUE_COLUMNS."""
    return Overdue(*row[:7], row[7] != 0, row[8])


def overdue(connection: sqlite3.Connection, provider: str, now: int, limit: int) -> list[Overdue]:
    """Messages to give up on. Those that a provider may have come first."""
    rows: list[tuple[int, str, int, str, str, int, int, int, int]] = []
    for sql in _OVERDUE:
        wanted = {"provider": provider, "now": now, "limit": limit - len(rows)}
        rows += connection.execute(sql, wanted).fetchall()
    return list(map(to_overdue, rows))
