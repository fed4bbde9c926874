"""Helpers for batches in SQL."""

import sqlite3
from collections.abc import Sequence
from itertools import repeat
from typing import Any

CHUNK = 256


def placeholders(count: int) -> str:
    """``count`` question marks for VALUES or IN."""
    return ",".join("?" * count)


def select_in(
    connection: sqlite3.Connection, sql: str, values: Sequence[Any], before: tuple[Any, ...] = ()
) -> list[tuple[Any, ...]]:
    """The rows of ``sql``, in which ``{}`` stands for the placeholders of ``values``, bound after ``before``.

    The values are bound in chunks. Each chunk is filled up to a power of two with its last value, so that a
    handful of prepared statements serves every length.
    """
    rows: list[tuple[Any, ...]] = []
    for start in range(0, len(values), CHUNK):
        chunk = values[start : start + CHUNK]
        size = 1 << (len(chunk) - 1).bit_length()
        filled = (*before, *chunk, *repeat(chunk[-1], size - len(chunk)))
        rows += connection.execute(sql.format(placeholders(size)), filled).fetchall()
    return rows
