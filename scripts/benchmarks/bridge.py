"""A bridge in a process of its own for one benchmark, on a core of its own where there are several."""

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from scripts.benchmarks.setting import Figures, Setting, Tree
from tests.support.system.ports import reserved_ports

_CONFIG = """
listen: [{host: 127.0.0.1, port: 0}]
web: {host: 127.0.0.1, port: %(web_port)d%(public_url)s}
store: {url: "sqlite:///bench.db", max_queued: 100000000}
%(accounts)s
providers:
  lab: %(provider)s
routes:
  - {to: [lab]}
"""
_DATABASE = "bench.db"
SANDBOX = "{kind: sandbox, delay: 0s, outcomes: {DELIVRD: 1}}"
NOWHERE = "{kind: smspilot, apikey: none, url: 'http://127.0.0.1:9'}"  # nobody listens: messages stay queued

_READY = re.compile(rb"smpp_ports=\[?(\d+)\]?.*web_port=(\d+)")


@dataclass(frozen=True, slots=True)
class Bridge:
    """A running bridge."""

    pid: int
    smpp_port: int
    web_port: int

    def memory(self) -> Figures:
        """Resident memory in MiB: at present, and the most so far."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return {
            "rss_mib": int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) / 1024,
            "peak_rss_mib": int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024,
        }

    def cpu(self) -> float:
        """Seconds of processor time used so far, in the program and in the system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Meter:
    """What a bridge does and uses from now on."""

    def __init__(self, server: Bridge) -> None:
        self._server = server
        self._cpu = server.cpu()

    def figures(self, messages: int, seconds: float) -> Figures:
        """Its rate, its processor time (µs of each message, and the share of a core), and its memory."""
        cpu = self._server.cpu() - self._cpu
        return {
            "per_second": messages / seconds,
            "server_cpu_us": cpu / messages * 1e6,
            "server_cpu_percent": cpu / seconds * 100,
            **self._server.memory(),
        }


@contextlib.asynccontextmanager
async def bridge(
    setting: Setting,
    provider: str = SANDBOX,
    *,
    accounts: str = "",
    window: int = 100,
    database: Path | None = None,
    callbacks: bool = False,
) -> AsyncIterator[Bridge]:
    """Start one, wait until it is ready, stop it with SIGTERM in the end. ``accounts``: the section, where it
    is not the usual one; ``database``: begin with a copy of it; ``callbacks``: the provider may reach it."""
    accounts = accounts or f"accounts:\n  load: {{password: load, binds: 100, window: {window}}}\n"
    with (
        tempfile.TemporaryDirectory(prefix="smppbridge-bench-", dir=setting.directory) as scratch,
        reserved_ports(1) as [web_port],
    ):
        place = Path(scratch).resolve()
        public_url = f', public_url: "http://127.0.0.1:{web_port}"' if callbacks else ""
        (place / "bench.yaml").write_text(
            _CONFIG
            % {"accounts": accounts, "provider": provider, "web_port": web_port, "public_url": public_url},
            encoding="utf-8",
        )
        if database is not None:
            _copy(database, place / _DATABASE)
        async with _process(setting.tree, place) as process:
            yield await _ready(process, setting.tree)


def _copy(database: Path, to: Path) -> None:
    """Onto the disk at once: otherwise the first COMMITs would wait for it."""
    shutil.copyfile(database, to)
    with to.open("rb") as file:
        os.fsync(file.fileno())


@contextlib.asynccontextmanager
async def _process(tree: Tree, place: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    # The directory counts as well as PYTHONPATH: `-m` looks there first.
    process = await asyncio.create_subprocess_exec(
        *(tree.python, "-m", "smppbridge", "serve", "-c", str(place / "bench.yaml")),
        env=tree.environment(),
        cwd=place,
        stderr=subprocess.PIPE,
    )
    try:
        with _cores_apart(process.pid):
            yield process
    finally:
        with contextlib.suppress(ProcessLookupError):  # Ctrl-C reaches it, too
            process.terminate()
        await process.communicate()


@contextlib.contextmanager
def _cores_apart(pid: int) -> Iterator[None]:
    """The last core for the bridge, the others for us: the first usually serves the interrupts of disk and
    network as well."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        with contextlib.suppress(ProcessLookupError):  # it could not even start: `_ready` says why
            os.sched_setaffinity(pid, {cores[-1]})
        os.sched_setaffinity(0, set(cores[:-1]))
    try:
        yield
    finally:
        os.sched_setaffinity(0, set(cores))


async def _ready(process: asyncio.subprocess.Process, tree: Tree) -> Bridge:
    assert process.stderr is not None
    seen = b""
    while line := await process.stderr.readline():
        seen += line
        if match := _READY.search(line):
            return Bridge(process.pid, int(match[1]), int(match[2]))
    await process.wait()
    raise click.ClickException(f"the bridge of {tree.name} did not start: {seen.decode().strip()}")
