"""A disk that takes nothing more, and what a crash leaves on it."""

import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def full_disk(pid: int) -> Iterator[None]:
    """Until the block ends the process can write to no file: every COMMIT of it fails."""
    limits = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


def after_crash(directory: Path) -> Path:
    """A directory with the store as a bridge would find it if the running one ended now."""
    copy = directory / "after-crash"
    copy.mkdir()
    for name in ("bridge.db", "bridge.db-wal"):
        shutil.copy(directory / name, copy / name)
    return copy
