"""What makes figures of two machines, or two days, comparable: interpreter, SQLite, cores, disk."""

import os
import platform
import shlex
import sqlite3
import sysconfig
import tempfile
import time
from pathlib import Path
from statistics import median

from scripts.benchmarks.latency import percentile
from scripts.benchmarks.setting import Figures

_SAMPLES = 100
_NO = ("no", "n")


def machine() -> dict[str, str | int | None]:
    """Everything but the disk."""
    return {
        "python": platform.python_version(),
        "optimisations": optimisations(sysconfig.get_config_var("CONFIG_ARGS")),
        "sqlite": sqlite3.sqlite_version,
        "cores": os.cpu_count(),
    }


def optimisations(configured: str | None) -> str:
    """How an interpreter was built, by the arguments of its configure; "unknown" where nothing tells them, as
    on Windows."""
    if configured is None:
        return "unknown"
    given = dict(word.partition("=")[::2] for word in shlex.split(configured))
    wanted = {
        "debug build": "--with-pydebug",
        "PGO": "--enable-optimizations",
        "LTO": "--with-lto",
    }
    found = [name for name, option in wanted.items() if given.get(option, "no") not in _NO]
    return " and ".join(found) or "none"


def fsync_latency(directory: Path | None) -> Figures:
    """Milliseconds of a small write and its fsync: what every COMMIT waits for."""
    samples = []
    with tempfile.NamedTemporaryFile(dir=directory, buffering=0) as file:
        for _ in range(_SAMPLES):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
            samples.append((time.perf_counter() - began) * 1000)
    return {"p50_ms": median(samples), "p99_ms": percentile(sorted(samples), 99)}


def head(about: dict[str, str | int | None], fsync: Figures, directory: Path | None) -> str:
    """Two lines for people."""
    slow = (
        " (which costs about 15 % more processor time than PGO and LTO)"
        if about["optimisations"] == "none"
        else ""
    )
    return (
        f"Python {about['python']}, optimisations: {about['optimisations']}{slow}; "
        f"SQLite {about['sqlite']}; {about['cores']} cores\n"
        f"fsync in {directory or tempfile.gettempdir()}: "
        f"median {fsync['p50_ms']:.2f} ms, p99 {fsync['p99_ms']:.2f} ms"
    )
