"""Messages from phones: each is taken once, and then owed to its accounts part by part.

Functions of a connection inside a transaction.
"""

import sqlite3
from collections.abc import Sequence

from smppbridge.model.message import Inbound, InboundPart
from smppbridge.store.results import Arrival
from smppbridge.store.sqlite.rows import placeholders

_KEPT = ("provider", *Inbound._fields, "taken_at", "accounts")
_TAKE = f"INSERT OR IGNORE INTO inbound ({','.join(_KEPT)}) VALUES ({placeholders(len(_KEPT))})"
_OWE = """
INSERT INTO inbound_parts (account, provider, source, destination, esm_class, data_coding, octets, at, due_at,
    taken_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_CLAIM = f"""
SELECT {",".join(InboundPart._fields)} FROM inbound_parts INDEXED BY inbound_parts_due
WHERE account = ? AND due_at <= ? ORDER BY due_at, id LIMIT ?"""
_EXPIRE = """
DELETE FROM inbound_parts WHERE id IN (
    SELECT id FROM inbound_parts INDEXED BY inbound_parts_taken WHERE account = ? AND taken_at < ? LIMIT ?)"""
_PURGE = """
DELETE FROM inbound WHERE (provider, ref) IN (
    SELECT provider, ref FROM inbound INDEXED BY inbound_taken WHERE taken_at < ? LIMIT ?)"""


def add(connection: sqlite3.Connection, arrivals: Sequence[Arrival], now: int) -> list[Arrival]:
    """Take the messages that are new; these."""
    taken: list[Arrival] = []
    for arrival in arrivals:
        message, accounts = arrival.message, list(dict.fromkeys(part.account for part in arrival.parts))
        row = (arrival.provider, *message, now, ",".join(accounts))
        if connection.execute(_TAKE, row).rowcount != 1:
            continue
        taken.append(arrival)
        connection.executemany(
            _OWE,
            [
                (
                    part.account,
                    part.provider,
                    part.source,
                    part.destination,
                    part.esm_class,
                    part.data_coding,
                    part.octets,
                    part.at,
                    now,
                    now,
                )
                for part in arrival.parts
            ],
        )
    return taken


def claim(
    connection: sqlite3.Connection, account: str, now: int, lease_until: int, limit: int
) -> list[InboundPart]:
    """Parts that are due for an account, in order. They are leased until ``lease_until``."""
    parts = list(map(InboundPart._make, connection.execute(_CLAIM, (account, now, limit)).fetchall()))
    connection.executemany(
        "UPDATE inbound_parts SET due_at = ? WHERE id = ?", [(lease_until, part.id) for part in parts]
    )
    return parts


def pay(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Delete parts that are delivered, or given up."""
    connection.executemany("DELETE FROM inbound_parts WHERE id = ?", [(part_id,) for part_id in ids])


def defer(connection: sqlite3.Connection, items: Sequence[tuple[int, int, int]]) -> None:
    """Put parts off: (part id, due at, tries) each."""
    connection.executemany(
        "UPDATE inbound_parts SET due_at = ?, tries = ? WHERE id = ?",
        [(due_at, tries, part_id) for part_id, due_at, tries in items],
    )


def expire(connection: sqlite3.Connection, account: str, before: int, limit: int) -> int:
    """Delete up to ``limit`` parts that were taken before ``before``; how many."""
    return connection.execute(_EXPIRE, (account, before, limit)).rowcount


def purge(connection: sqlite3.Connection, before: int, limit: int) -> int:
    """Delete up to ``limit`` messages that were taken before ``before``; how many."""
    return connection.execute(_PURGE, (before, limit)).rowcount
