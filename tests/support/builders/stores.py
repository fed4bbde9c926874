"""A SQLite store that opens fast: in memory where the system has a file system there; and one that fails."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from smppbridge.errors import StoreError
from smppbridge.store.sqlite.store import SqliteStore

_MEMORY = Path("/dev/shm")  # Linux; elsewhere the usual temporary directory serves as well
_SHORT_LOG = 16  # pages


@asynccontextmanager
async def fast_store() -> AsyncIterator[SqliteStore]:
    """Open and empty while the ``async with`` lasts."""
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as directory:
        store = SqliteStore(Path(directory) / "bridge.db", passive_pages=_SHORT_LOG)
        await store.open()
        try:
            yield store
        finally:
            await store.close()


class FailingStore:
    """A store that refuses its ``number``-th call, from 1 on, without effect. Other calls reach ``store``.

    It has no more to tell once `failed` is true: a test goes through 1, 2, ... until nothing fails any more.
    """

    def __init__(self, store: SqliteStore, number: int = 0) -> None:
        self._store = store
        self._left = number

    @property
    def failed(self) -> bool:
        """Whether a call was refused."""
        return self._left < 0

    def fail_at(self, number: int) -> None:
        """Refuse the ``number``-th call from now on."""
        self._left = number

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._store, name)

        def call(*args: Any, **keys: Any) -> Any:
            if self._left == 1:
                self._left = -1
                refused = asyncio.get_running_loop().create_future()
                refused.set_exception(StoreError("the disk is full"))
                return refused
            self._left -= self._left > 0
            return verb(*args, **keys)

        return call
