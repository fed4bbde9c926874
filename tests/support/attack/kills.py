"""Lives of a bridge that end at a step of a message's life: see `killed_at`."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.support.bridge.running import PATIENCE, eventually

ROOT = Path(__file__).parents[3]


class Lives:
    """Lives with one configuration and one store, while the `async with` of `dying` lasts."""

    def __init__(self, process: Process) -> None:
        self.log: list[str] = []
        self._process = process
        self._life = 0

    async def killed(self, step: str) -> None:
        """One life, which ends at ``step`` by SIGKILL. Fails where the step is not reached."""
        status, log = await self._live(step)
        assert os.WIFSIGNALED(status), log
        assert os.WTERMSIG(status) == signal.SIGKILL, log
        assert f"killed at {step}" in log

    @asynccontextmanager
    async def life(self) -> AsyncIterator[None]:
        """One whole life: ready when the block begins, stopped cleanly at its end."""
        begins = len(self.log)
        living = asyncio.create_task(self._live("none"))
        await eventually(lambda: living.done() or any("smpp_ports=" in line for line in self.log[begins:]))
        try:
            yield
        finally:
            if self._life:
                os.kill(self._life, signal.SIGTERM)
            status, log = await living
            assert status == 0, log

    async def _live(self, step: str) -> tuple[int, list[str]]:
        """How the life ended (see `os.waitpid`), and what it logged."""
        begins = len(self.log)
        assert self._process.stdin is not None
        self._process.stdin.write(f"{step}\n".encode())
        async with asyncio.timeout(3 * PATIENCE):
            while not (line := await self._line()).startswith("end "):
                if line.startswith("life "):
                    self._life = int(line.split()[1])
        self._life = 0
        return int(line.split()[1]), self.log[begins:]

    async def end(self) -> None:
        """End what still runs."""
        if self._life:
            with suppress(ProcessLookupError):
                os.kill(self._life, signal.SIGKILL)
        self._process.kill()
        assert self._process.stderr is not None
        await self._process.stderr.read()
        await self._process.wait()

    async def _line(self) -> str:
        assert self._process.stderr is not None
        line = (await self._process.stderr.readline()).decode()
        assert line, self.log
        self.log.append(line.rstrip())
        return line


@asynccontextmanager
async def dying(config: Path) -> AsyncIterator[Lives]:
    """A bridge that lives when it is told to."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.attack.killed_at", str(config)),
        stdin=PIPE,
        stderr=PIPE,
        cwd=ROOT,
    )
    lives = Lives(process)
    try:
        yield lives
    finally:
        await lives.end()
