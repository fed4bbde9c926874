"""A whole bridge for tests: an App in the test's own event loop, or `smppbridge serve` as a process."""

import asyncio
import os
import re
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import yaml

from smppbridge.app import App
from smppbridge.config.loading import parse
from smppbridge.config.sections import Config
from tests.support.builders.metrics import value

DEFAULTS: dict[str, Any] = {
    "listen": [{"host": "127.0.0.1", "port": 0}],
    "web": {"host": "127.0.0.1", "port": 0},
    "store": {"url": "sqlite:///bridge.db"},
    # Each refusal has a code of its own, and a receipt says which provider had its message.
    "accounts": {
        "pbx": {"password": "secret", "status_codes": "sms-assistent", "receipt": {"tlvs": True}},
    },
    "providers": {"lab": {"kind": "sandbox", "delay": 0, "outcomes": {"DELIVRD": 1}}},
    "routes": [{"to": ["lab"]}],
}
PROGRAM = (sys.executable, "-m", "smppbridge")
PATIENCE = 30.0  # seconds that anything awaited may take on a busy machine
_READY = re.compile(rb"smpp_ports\W+(\d+)\W.*web_port\W+(\d+)")


class Clock:
    """The bridge's clock, which a test can put forward."""

    def __init__(self) -> None:
        self._ahead = 0
        self._stopped_at: int | None = None

    def __call__(self) -> int:
        now = time.time_ns() // 1_000_000 if self._stopped_at is None else self._stopped_at
        return now + self._ahead

    def stop(self) -> None:
        """From now on it goes on by `forward` only, however slow the machine is."""
        self._stopped_at = time.time_ns() // 1_000_000

    def forward(self, seconds: float) -> None:
        self._ahead += round(seconds * 1000)


def config_text(sections: str) -> str:
    """A configuration file: ``sections`` (YAML) in place of those of DEFAULTS."""
    return yaml.safe_dump(DEFAULTS | (yaml.safe_load(sections) or {}), allow_unicode=True, sort_keys=False)


def pilot(url: str, keys: str = "", web_port: int = 0) -> str:
    """Sections for one smspilot provider at ``url``, which calls back when the bridge's web port is known. It
    is asked for nothing but what a test asks for: no balance at the start."""
    web = f"{{host: 127.0.0.1, port: {web_port}, public_url: 'http://127.0.0.1:{web_port}'}}"
    return f"""
providers: {{pilot: {{kind: smspilot, apikey: KEY, url: '{url}', balance_interval: 0, {keys}}}}}
routes: [{{to: [pilot]}}]
{"web: " + web if web_port else ""}
"""


def unreachable() -> str:
    """Sections for a provider that nobody reaches."""
    return pilot(f"http://127.0.0.1:{free_port()}")


def config(directory: Path, sections: str = "") -> Config:
    """The same, checked; its store lies in ``directory``."""
    return parse(config_text(sections), directory)


@asynccontextmanager
async def bridge(
    directory: Path, sections: str = "", clock: Callable[[], int] | None = None
) -> AsyncIterator[App]:
    """A running App on free ports. Started again in the same directory it finds its store again."""
    settings = config(directory, sections)
    app = App(settings) if clock is None else App(settings, clock, clock)
    await app.start()
    try:
        yield app
    finally:
        await app.stop()


class Served:
    """A running `smppbridge serve`."""

    def __init__(
        self, process: Process, smpp_port: int, web_port: int, log: bytearray, reading: "asyncio.Task[None]"
    ) -> None:
        self.process = process
        self.smpp_port = smpp_port
        self.web_port = web_port
        self._log = log
        self._reading = reading

    @property
    def log(self) -> str:
        """Everything it has written to stderr so far."""
        return self._log.decode("utf-8")

    async def stop(self) -> int:
        """SIGTERM; its exit code, once all that it has written is in ``log``."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(self.process.wait(), PATIENCE)
        await asyncio.wait_for(
            asyncio.shield(self._reading), PATIENCE
        )  # it may end before its last lines are read
        return code


def command(*arguments: str) -> tuple[str, ...]:
    """The command line of `smppbridge`."""
    return (*PROGRAM, *arguments)


@asynccontextmanager
async def serving(
    path: Path, *options: str, program: Sequence[str] = PROGRAM, environ: Mapping[str, str] = os.environ
) -> AsyncIterator[Served]:
    """`smppbridge serve -c path` until the block ends; ready when the block begins."""
    line = (*program, "serve", "-c", str(path), *options)
    process = await asyncio.create_subprocess_exec(*line, stderr=PIPE, env=environ)
    assert process.stderr is not None
    log = bytearray()
    ready: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()
    reading = asyncio.create_task(_read_log(process.stderr, log, ready))
    try:
        smpp_port, web_port = await asyncio.wait_for(ready, PATIENCE)
        yield Served(process, smpp_port, web_port, log, reading)
    finally:
        if process.returncode is None:
            process.terminate()
            await _ended(process)
        await reading


async def _ended(process: Process) -> None:
    """It ends in time; else it is killed, and TimeoutError says so."""
    try:
        await asyncio.wait_for(process.wait(), PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise


async def _read_log(
    stream: asyncio.StreamReader, log: bytearray, ready: "asyncio.Future[tuple[int, int]]"
) -> None:
    while line := await stream.readline():
        log += line
        if not ready.done() and (match := _READY.search(line)):
            ready.set_result((int(match[1]), int(match[2])))
    if not ready.done():
        ready.set_exception(AssertionError(f"the bridge did not start: {log.decode()}"))


async def eventually(condition: Callable[[], object], patience: float = PATIENCE) -> None:
    """Return as soon as ``condition`` holds; fail when it does not within ``patience`` seconds."""
    deadline = asyncio.get_running_loop().time() + patience
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it did not come to pass"
        await asyncio.sleep(0.01)


async def get(app: App, path: str) -> httpx2.Response:
    """GET ``path`` from the HTTP side."""
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        return await client.get(f"http://127.0.0.1:{app.web_port}{path}")


def metric(app: App, name: str, **labels: str) -> float:
    """The value of one series, 0 when it has none yet."""
    return value(app.metrics, name, **labels)


def free_port() -> int:
    """A port that nobody listens on now. It stays bound, but not listening, until this process ends (see
    `tests.support.system.ports`), so that nobody else is given it before the test has used it."""
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind(("127.0.0.1", 0))
    port: int = probe.getsockname()[1]
    probe.detach()
    return port
