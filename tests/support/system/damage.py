"""Damage to a database file, as a disk that failed or lost power leaves it."""

import random
from pathlib import Path

from smppbridge.store.sqlite.pages import HEADER, Pages

PAGE = 4096
_SOUND = random.Random(13)  # the same damage each time


def trees(path: Path) -> dict[str, list[int]]:
    """The pages of each table and index of a closed database, its root first."""
    with Pages(path) as pages:
        return {tree.name: list(pages.numbers(tree.root)) for tree in list(pages.schema())}


def overwrite(path: Path, page: int, octets: bytes | None = None, offset: int = 0) -> None:
    """Put ``octets`` into a page; without them the whole page becomes random, but for the header of the
    file."""
    if octets is None:
        offset = HEADER if page == 1 else 0
        octets = _SOUND.randbytes(PAGE - offset)
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE + offset)
        file.write(octets)
