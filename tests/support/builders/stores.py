"""Stores that open fast."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from smppbridge.store.sqlite.connections import Connections
from smppbridge.store.sqlite.store import SqliteStore
from smppbridge.store.sqlite.writer import commit


def small_store(path: Path) -> SqliteStore:
    """A store that is not open yet. Where there is no file yet, it begins with a database that was made
    before; its log is 2 MB long, not 16."""
    if not path.exists():
        path.write_bytes(_empty_database())
    return SqliteStore(path, passive_pages=500, restart_pages=4_000)


@cache
def _empty_database() -> bytes:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "bridge.db"
        connections = Connections(path, 0, 0)
        connections.open(commit)
        connections.close()
        return path.read_bytes()
