"""The store that a url means."""

from collections.abc import Callable
from pathlib import Path

from smppbridge.errors import StoreError
from smppbridge.store.base import Store
from smppbridge.store.sqlite.store import SqliteStore

SQLITE = "sqlite:///"


def sqlite_file(url: str) -> str:
    """FILE of ``sqlite:///FILE``, "" for any other url."""
    return url.removeprefix(SQLITE) if url.startswith(SQLITE) else ""


def make_store(url: str, on_commit: Callable[[float, int], None]) -> Store:
    """The store for ``sqlite:///FILE``, not open yet. Raises StoreError for any other url; a configuration
    that was checked has none (see ``config.sections.StoreConfig``).

    ``on_commit(seconds, rows)`` hears of every COMMIT that changed rows: how long it took, and how many."""
    name = sqlite_file(url)
    if not name:
        raise StoreError(f"there is no store for {url}; use {SQLITE}FILE")
    return SqliteStore(Path(name), on_commit=on_commit)
