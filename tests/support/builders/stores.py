"""A SQLite store that opens fast: in memory where the system has a file system there, with a short log."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from smppbridge.store.sqlite.store import SqliteStore

_MEMORY = Path("/dev/shm")  # Linux; elsewhere the usual temporary directory serves as well
_SHORT_LOG = 16  # pages
_NEVER_SLOW = 1e9  # seconds: on a busy machine, too, a COMMIT takes no turn of the loop


@asynccontextmanager
async def fast_store() -> AsyncIterator[SqliteStore]:
    """Open and empty while the ``async with`` lasts."""
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as directory:
        store = SqliteStore(Path(directory) / "bridge.db", passive_pages=_SHORT_LOG, slow_commit=_NEVER_SLOW)
        await store.open()
        try:
            yield store
        finally:
            await store.close()
