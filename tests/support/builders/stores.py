"""SQLite stores that open fast: in memory where the system has a file system there, with a short log."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path

from smppbridge.store.sqlite.connections import Connections
from smppbridge.store.sqlite.store import SqliteStore
from smppbridge.store.sqlite.writer import commit

_MEMORY = Path("/dev/shm")  # Linux; elsewhere the usual temporary directory serves as well
_SHORT_LOG = 16  # pages
_NEVER_SLOW = 1e9  # seconds: on a busy machine, too, a COMMIT takes no turn of the loop


@asynccontextmanager
async def fast_store() -> AsyncIterator[SqliteStore]:
    """Open and empty while the ``async with`` lasts."""
    with memory() as directory:
        store = store_in(directory)
        await store.open()
        try:
            yield store
        finally:
            await store.close()


@contextmanager
def memory() -> Iterator[Path]:
    """A directory that lasts as long as the ``with``, where COMMITs wait for no disk."""
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as directory:
        yield Path(directory)


def store_in(directory: Path) -> SqliteStore:
    """A store that is not open yet. It goes on with the database ``bridge.db`` of that directory; where there
    is none, it begins with an empty database that was made once for all."""
    path = directory / "bridge.db"
    if not path.exists():
        path.write_bytes(_empty_database())
    return SqliteStore(path, passive_pages=_SHORT_LOG, slow_commit=_NEVER_SLOW)


@contextmanager
def filled_database(fill: Callable[[SqliteStore], Awaitable[None]]) -> Iterator[Path]:
    """A database that was closed after ``fill``. It lasts as long as the ``with``."""

    async def make(directory: Path) -> None:
        store = store_in(directory)
        await store.open()
        await fill(store)
        await store.close()

    with memory() as directory:
        asyncio.run(make(directory))
        yield directory / "bridge.db"


@contextmanager
def copy_of(database: Path) -> Iterator[Path]:
    """A copy of a closed database, to be damaged. It lasts as long as the ``with``."""
    with memory() as directory:
        yield Path(shutil.copyfile(database, directory / database.name))


@cache
def _empty_database() -> bytes:
    with memory() as directory:
        connections = Connections(directory / "bridge.db", 0, 0)
        connections.open(commit)
        connections.close()
        return (directory / "bridge.db").read_bytes()
