"""The octets of a database file, page by page, where SQLite itself would refuse to read on.

Reads what SQLite writes ("Database File Format", https://sqlite.org/fileformat.html): pages of b-trees, their
cells, and records. Whatever does not fit together is passed over and told: nothing here raises because of
damage. Knows nothing of tables' columns, and never writes.
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

MAGIC = b"SQLite format 3\0"
HEADER = 100  # octets before the b-tree of page 1
LOWEST, HIGHEST = -(2**63), 2**63 - 1  # of rowids

_INTERIOR_INDEX, _INTERIOR_TABLE, _LEAF_INDEX, _LEAF_TABLE = 2, 5, 10, 13
_INTEGER_OCTETS = (0, 1, 2, 3, 4, 6, 8)  # by serial type
_USUAL_PAGE = 4096
# Pages of 4 KiB, a write-ahead log (2, 2), cookie and format of the schema (1, 4), UTF-8 (1).
_SOUND_HEADER = struct.pack(
    ">16sH6B19I", MAGIC, _USUAL_PAGE, 2, 2, 0, 64, 32, 32, 0, 0, 0, 0, 1, 4, 0, 0, 1, *bytes(10)
)

Value = int | float | str | bytes | None


class Cell(NamedTuple):
    """An entry of a leaf: a row, or an entry of an index."""

    rowid: int  # 0 in an index and in a table WITHOUT ROWID
    values: tuple[Value, ...]


class Leaf(NamedTuple):
    """What could be read of a page with rows."""

    page: int
    cells: list[Cell]
    lost: int  # cells that make no sense


class Hole(NamedTuple):
    """A page of a tree, with everything below it, that could not be read: rowids above ``low``, up to
    ``high``."""

    page: int
    low: int
    high: int


class Tree(NamedTuple):
    """A line of sqlite_schema: what has pages of its own."""

    kind: str  # "table" or "index"
    name: str
    root: int


class _Unreadable(Exception):
    """These octets are not what they should be."""


_BROKEN = (_Unreadable, struct.error, IndexError, UnicodeDecodeError)


class Pages:
    """The pages of a file, by their numbers from 1 on. Used in a ``with``."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._file = path.open("rb", buffering=0)
        self.header = self._file.read(HEADER)
        self.size = self._page_size()
        self._usable = self.size - (self.header[20] if self.intact else 0)
        self.count = path.stat().st_size // self.size
        self._reached = bytearray(self.count + 1)  # by number: whether the use of the page is known

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def intact(self) -> bool:
        """Whether the file begins as a database does."""
        return self.header.startswith(MAGIC) and len(self.header) == HEADER

    @property
    def version(self) -> int:
        """user_version."""
        return int.from_bytes(self.header[60:64], "big")

    def openable_header(self) -> bytes:
        """A header with which SQLite opens the file, whatever is damaged behind it or missing at its end."""
        header = bytearray(self.header if self.intact else _SOUND_HEADER)
        header[28:32] = self.count.to_bytes(4, "big")
        header[92:96] = header[24:28]  # says that the count is up to date
        return bytes(header)

    def _page_size(self) -> int:
        size = int.from_bytes(self.header[16:18], "big")
        return 65536 if size == 1 else size if self.intact and size >= 512 else _USUAL_PAGE

    def page(self, number: int) -> bytes:
        """The octets of a page. Zeros where the file has no such page."""
        self._file.seek((number - 1) * self.size)
        return (self._file.read(self.size) or b"").ljust(self.size, b"\0")

    # --- trees -----------------------------------------------------------------------------------

    def walk(self, root: int) -> Iterator[Leaf | Hole]:
        """The leaves of the tree at page ``root``, in order, and the holes in it. An entry between two leaves
        of an index comes as a leaf of its own."""
        left: list[tuple[int, int, int] | Leaf] = [(root, LOWEST - 1, HIGHEST)]
        while left:
            step = left.pop()
            if isinstance(step, Leaf):
                yield step
                continue
            number, low, high = step
            if not self._reach(number):
                yield Hole(number, low, high)
                continue
            try:
                left += reversed(self._below(number, low, high))
            except _BROKEN:
                yield Hole(number, low, high)

    def schema(self, *, search: bool = False) -> Iterator[Tree]:
        """The tables and indexes, from what is whole of sqlite_schema; with ``search`` also from pages that
        only look like it, where part of it is damaged."""
        torn = False
        for leaf in self.walk(1):
            torn |= isinstance(leaf, Hole)
            yield from _trees(leaf)
        if torn and search:
            for stray in self.strays(rows=True):
                yield from _trees(stray)

    def numbers(self, root: int) -> Iterator[int]:
        """The pages of the tree at page ``root``, as far as it can be followed; its rows are not read."""
        left = [root]
        while left:
            number = left.pop()
            if not self._reach(number):
                continue
            yield number
            octets = self.page(number)
            with suppress(*_BROKEN):
                kind, offsets = self._cells(number, octets)
                if kind in (_INTERIOR_INDEX, _INTERIOR_TABLE):
                    places = (*offsets, (HEADER if number == 1 else 0) + 8)
                    left += [int.from_bytes(octets[place : place + 4], "big") for place in places]

    def _reach(self, number: int) -> bool:
        """Note that the use of a page is known. False where it was before, or where there is no such page."""
        if not 1 <= number <= self.count or self._reached[number]:
            return False
        self._reached[number] = 1
        return True

    def _below(self, number: int, low: int, high: int) -> list[tuple[int, int, int] | Leaf]:
        octets = self.page(number)
        kind, offsets = self._cells(number, octets)
        if kind in (_LEAF_TABLE, _LEAF_INDEX):
            leaf = self._leaf(number, octets, kind, offsets)
            if kind == _LEAF_TABLE and any(not low < cell.rowid <= high for cell in leaf.cells):
                raise _Unreadable  # a page of another place
            return [leaf]
        start = HEADER if number == 1 else 0
        last = int.from_bytes(octets[start + 8 : start + 12], "big")
        below: list[tuple[int, int, int] | Leaf] = []
        for offset in offsets:
            child = int.from_bytes(octets[offset : offset + 4], "big")
            if kind == _INTERIOR_INDEX:
                below += [(child, low, high), Leaf(number, [self._entry(octets, offset + 4)], 0)]
                continue
            key, _ = _varint(octets, offset + 4)
            key = _signed(key)
            if not low < key <= high:
                raise _Unreadable
            below.append((child, low, key))
            low = key
        return [*below, (last, low, high)]

    def free(self) -> None:
        """Count the pages that are out of use as known: what they look like is of the past."""
        trunk = int.from_bytes(self.header[32:36], "big") if self.intact else 0
        while self._reach(trunk):
            octets = self.page(trunk)
            trunk, count = struct.unpack_from(">II", octets)
            if count > self.size // 4 - 2:
                return
            for number in struct.unpack_from(f">{count}I", octets, 8):
                self._reach(number)

    def strays(self, *, rows: bool) -> Iterator[Leaf]:
        """Leaves that no tree has led to: with ``rows`` those with rowids, else those without."""
        wanted = _LEAF_TABLE if rows else _LEAF_INDEX
        for number in range(1, self.count + 1):
            if self._reached[number]:
                continue
            octets = self.page(number)
            with suppress(*_BROKEN):
                kind, offsets = self._cells(number, octets)
                if kind == wanted and offsets:
                    yield self._leaf(number, octets, kind, offsets)

    # --- pages -----------------------------------------------------------------------------------

    def _cells(self, number: int, octets: bytes) -> tuple[int, tuple[int, ...]]:
        """(kind of page, offsets of its cells)."""
        start = HEADER if number == 1 else 0
        kind, _, count = struct.unpack_from(">BHH", octets, start)
        if kind not in (_INTERIOR_INDEX, _INTERIOR_TABLE, _LEAF_INDEX, _LEAF_TABLE):
            raise _Unreadable
        first = start + (12 if kind in (_INTERIOR_INDEX, _INTERIOR_TABLE) else 8)
        offsets = struct.unpack_from(f">{count}H", octets, first)
        if any(not first + 2 * count <= offset < self._usable for offset in offsets):
            raise _Unreadable
        return kind, offsets

    def _leaf(self, number: int, octets: bytes, kind: int, offsets: tuple[int, ...]) -> Leaf:
        cells: list[Cell] = []
        lost = 0
        for offset in offsets:
            try:
                cell = self._row(octets, offset) if kind == _LEAF_TABLE else self._entry(octets, offset)
                if kind == _LEAF_TABLE and cells and cell.rowid <= cells[-1].rowid:
                    raise _Unreadable
            except _BROKEN:
                lost += 1
            else:
                cells.append(cell)
        return Leaf(number, cells, lost)

    def _row(self, octets: bytes, offset: int) -> Cell:
        length, offset = _varint(octets, offset)
        rowid, offset = _varint(octets, offset)
        return Cell(_signed(rowid), _record(self._payload(octets, offset, length, self._usable - 35)))

    def _entry(self, octets: bytes, offset: int) -> Cell:
        length, offset = _varint(octets, offset)
        most = (self._usable - 12) * 64 // 255 - 23
        return Cell(0, _record(self._payload(octets, offset, length, most)))

    def _payload(self, octets: bytes, offset: int, length: int, most: int) -> bytes:
        """``length`` octets, of which a page holds ``most``; the rest is a chain of pages."""
        usable = self._usable
        if length <= most:
            if offset + length > usable:
                raise _Unreadable
            return octets[offset : offset + length]
        least = (usable - 12) * 32 // 255 - 23
        here = least + (length - least) % (usable - 4)
        here = here if here <= most else least
        if offset + here + 4 > usable or length > self.count * self.size:
            raise _Unreadable
        found = [octets[offset : offset + here]]
        missing = length - here
        following = int.from_bytes(octets[offset + here : offset + here + 4], "big")
        while missing > 0:
            if not 1 <= following <= self.count:
                raise _Unreadable
            self._reach(following)
            more = self.page(following)
            found.append(more[4 : 4 + min(missing, usable - 4)])
            missing -= usable - 4
            following = int.from_bytes(more[:4], "big")
        return b"".join(found)


def _trees(leaf: Leaf | Hole) -> Iterator[Tree]:
    for cell in leaf.cells if isinstance(leaf, Leaf) else ():
        if len(cell.values) == 5 and cell.values[0] in ("table", "index"):
            kind, name, _, root, _ = cell.values
            if isinstance(root, int) and root:
                yield Tree(str(kind), str(name), root)


def _varint(octets: bytes, offset: int) -> tuple[int, int]:
    """(a number of one to nine octets, the offset behind it)."""
    value = octets[offset]
    if value < 0x80:
        return value, offset + 1
    value &= 0x7F
    for place in range(offset + 1, offset + 8):
        octet = octets[place]
        value = value << 7 | octet & 0x7F
        if octet < 0x80:
            return value, place + 1
    return value << 8 | octets[offset + 8], offset + 9


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def _record(payload: bytes) -> tuple[Value, ...]:
    """The values of a record."""
    ends, offset = _varint(payload, 0)
    kinds = []
    while offset < ends:
        kind, offset = _varint(payload, offset)
        kinds.append(kind)
    if offset != ends:
        raise _Unreadable
    values: list[Value] = []
    for kind in kinds:
        if kind >= 12:
            after = offset + (kind - 12) // 2
            some = payload[offset:after]
            values.append(some.decode("utf-8") if kind % 2 else some)
            offset = after
        elif kind in (8, 9):
            values.append(kind - 8)
        elif kind == 7:
            values.append(struct.unpack_from(">d", payload, offset)[0])
            offset += 8
        elif kind == 0:
            values.append(None)
        elif kind < 7:
            after = offset + _INTEGER_OCTETS[kind]
            values.append(int.from_bytes(payload[offset:after], "big", signed=True))
            offset = after
        else:
            raise _Unreadable
    if offset != len(payload):
        raise _Unreadable
    return tuple(values)
