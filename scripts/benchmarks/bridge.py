"""A bridge in a process of its own for one benchmark, on a core of its own where there are several."""

import asyncio
import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

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
SANDBOX = "{kind: sandbox, delay: 0s, outcomes: {DELIVRD: 1}}"
NOWHERE = "{kind: smspilot, apikey: none, url: 'http://127.0.0.1:9'}"  # nobody listens: messages stay queued

_READY = re.compile(rb"smpp_ports=\[?(\d+)\]?.*web_port=(\d+)")


@dataclass(frozen=True, slots=True)
class Bridge:
    """A running bridge."""

    pid: int
    smpp_port: int
    web_port: int

    def memory(self) -> int:
        """Resident memory in octets."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        match = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(match[1]) * 1024 if match else 0

    def cpu(self) -> float:
        """Seconds of processor time used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.asynccontextmanager
async def bridge(
    provider: str = SANDBOX,
    *,
    accounts: str = "",
    window: int = 100,
    directory: Path | None = None,
    callbacks: bool = False,
) -> AsyncIterator[Bridge]:
    """Start one, wait until it is ready, stop it with SIGTERM in the end. ``accounts``: the section, where it
    is not the usual one; ``callbacks``: the provider may reach it."""
    accounts = accounts or f"accounts:\n  load: {{password: load, binds: 100, window: {window}}}\n"
    cores = sorted(os.sched_getaffinity(0))
    with (
        tempfile.TemporaryDirectory(prefix="smppbridge-bench-", dir=directory) as scratch,
        reserved_ports(1) as [web_port],
    ):
        public_url = f', public_url: "http://127.0.0.1:{web_port}"' if callbacks else ""
        path = Path(scratch) / "bench.yaml"
        path.write_text(
            _CONFIG
            % {"accounts": accounts, "provider": provider, "web_port": web_port, "public_url": public_url},
            encoding="utf-8",
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "smppbridge", "serve", "-c", str(path), stderr=subprocess.PIPE
        )
        if len(cores) > 1:
            # The last one: the first usually serves the interrupts of disk and network as well.
            os.sched_setaffinity(process.pid, {cores[-1]})
            os.sched_setaffinity(0, set(cores[:-1]))
        try:
            yield await _ready(process)
        finally:
            os.sched_setaffinity(0, set(cores))
            process.terminate()
            await process.communicate()


async def _ready(process: asyncio.subprocess.Process) -> Bridge:
    assert process.stderr is not None
    seen = b""
    while line := await process.stderr.readline():
        seen += line
        if match := _READY.search(line):
            return Bridge(process.pid, int(match[1]), int(match[2]))
    raise RuntimeError(f"the bridge did not start: {seen.decode()}")
