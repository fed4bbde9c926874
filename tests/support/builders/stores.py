"""A SQLite store that opens fast: in memory where the system has a file system there, with a short log.

Its COMMITs stay on the loop, however busy the machine is: what happens in which order is always the same.
"""

import math
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from smppbridge.store.sqlite.store import SqliteStore

_MEMORY = Path("/dev/shm")  # Linux; elsewhere the usual temporary directory serves as well
_SHORT_LOG = 16  # pages


@asynccontextmanager
async def fast_store() -> AsyncIterator[SqliteStore]:
    """Open and empty while the ``async with`` lasts."""
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as directory:
        path = Path(directory) / "bridge.db"
        store = SqliteStore(path, passive_pages=_SHORT_LOG, slow_commit=math.inf)
        await store.open()
        try:
            yield store
        finally:
            await store.close()
