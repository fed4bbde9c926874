"""smppbridge.store.sqlite.pages: the octets of a database say the same as SQLite does."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from smppbridge.store.sqlite.pages import Cell, Hole, Leaf, Pages
from tests.support.system.damage import overwrite, trees

SIZES = (0, 1, 2, 100, 488, 489, 490, 3990, 4053, 4054, 4061, 4062, 8200, 100_000)
NUMBERS = [sign * 2**bits + more for bits in range(0, 63, 7) for sign in (1, -1) for more in (-1, 0, 1)]


def write(path: Path, page_size: int = 4096) -> list[tuple[object, ...]]:
    """A database with every kind of value; its rows."""
    chance = random.Random(7)
    rows: list[tuple[int, str, bytes | None, float]]
    rows = [(number, "я" * chance.randrange(60), None, chance.random()) for number in NUMBERS]
    rows += [(2**63 - 1 - size, "", chance.randbytes(size), float(size)) for size in SIZES]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {page_size}")
        connection.execute(
            "CREATE TABLE plain (id INTEGER PRIMARY KEY, number ANY, text ANY, octets ANY, real ANY)"
        )
        connection.execute(
            "CREATE TABLE keyed (id, number, text, octets, real, PRIMARY KEY (id)) WITHOUT ROWID"
        )
        connection.execute("CREATE INDEX texts ON plain (text)")
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT OR REPLACE INTO plain VALUES (?, ?, ?, ?, ?)", [(row[0], *row) for row in rows]
        )
        connection.execute("INSERT INTO keyed SELECT * FROM plain")
        connection.execute("COMMIT")
        return connection.execute("SELECT * FROM plain ORDER BY id").fetchall()


def read(pages: Pages, name: str) -> list[Cell]:
    """The cells of a tree without holes."""
    [root] = [tree.root for tree in pages.schema() if tree.name == name]
    leaves = list(pages.walk(root))
    assert all(isinstance(leaf, Leaf) and not leaf.lost for leaf in leaves)
    return [cell for leaf in leaves if isinstance(leaf, Leaf) for cell in leaf.cells]


@pytest.mark.parametrize("page_size", [512, 4096, 65536])
def test_rows_are_those_that_sqlite_reads(tmp_path: Path, page_size: int) -> None:
    rows = write(tmp_path / "a.db", page_size)
    with Pages(tmp_path / "a.db") as pages:
        assert [(cell.rowid, *cell.values[1:]) for cell in read(pages, "plain")] == rows
    with Pages(tmp_path / "a.db") as pages:
        assert [cell.values for cell in read(pages, "keyed")] == rows
    with Pages(tmp_path / "a.db") as pages:
        assert [cell.values for cell in read(pages, "texts")] == sorted((row[2], row[0]) for row in rows)


def test_a_page_of_another_place_is_a_hole(tmp_path: Path) -> None:
    """As a disk leaves it that wrote to the wrong place, or not at all."""
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE plain (id INTEGER PRIMARY KEY, text TEXT)")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO plain VALUES (?, ?)", [(id, "x" * 100) for id in range(1, 201)])
        connection.execute("COMMIT")
    root, last, *_, second, first = trees(path)["plain"]
    overwrite(path, second, path.read_bytes()[(first - 1) * 4096 : first * 4096])
    with Pages(path) as pages:
        found = list(pages.walk(root))
    assert [type(leaf) for leaf in found[:3]] == [Leaf, Hole, Leaf]
    before, hole, after = found[:3]
    assert isinstance(before, Leaf) and isinstance(hole, Hole) and isinstance(after, Leaf)
    assert (before.cells[-1].rowid, after.cells[0].rowid) == (hole.low, hole.high + 1)
    assert last == found[-1].page


@pytest.mark.parametrize("seed", range(20))
def test_no_damage_stops_the_reading(tmp_path: Path, seed: int) -> None:
    """Random octets anywhere: what is found may be less, and nothing is raised."""
    write(tmp_path / "a.db", 512)
    chance = random.Random(seed)
    octets = bytearray((tmp_path / "a.db").read_bytes())
    for _ in range(chance.randrange(1, 60)):
        place = chance.randrange(len(octets))
        octets[place : place + 8] = chance.randbytes(chance.choice((1, 2, 8)))
    (tmp_path / "a.db").write_bytes(octets)
    with Pages(tmp_path / "a.db") as pages:
        for tree in list(pages.schema(search=True)):
            list(pages.walk(tree.root))
        pages.free()
        list(pages.strays(rows=True))
        list(pages.strays(rows=False))
        assert pages.page(pages.count + 5) == bytes(pages.size)
