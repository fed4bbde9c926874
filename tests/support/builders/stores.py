"""Stores that open fast."""

from pathlib import Path

from smppbridge.store.sqlite.store import SqliteStore


def small_store(path: Path) -> SqliteStore:
    """A store whose log is 2 MB, not 16: it is written once when the store opens."""
    return SqliteStore(path, passive_pages=500, restart_pages=4_000)
