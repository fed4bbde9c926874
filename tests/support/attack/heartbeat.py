"""A heartbeat ESME beside an attack, and what must hold for it: see `Heartbeat.is_well`.

A delay counts in CPU time of the bridge's main thread between request and answer: a busy test machine makes
answers late, but does not make the bridge work more.
"""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.attack.heart import LAST_WAIT, Beat, End
from tests.support.bridge.running import eventually

MOST_CPU = 250.0  # ms of the bridge's main thread between a request and its answer
ROOT = Path(__file__).parents[3]


class Heartbeat:
    """One such ESME. ``beats``: its answers so far."""

    def __init__(self, process: Process) -> None:
        self.beats: list[Beat] = []
        self._process = process
        self._bound = False
        self._end: End | None = None
        self._reading = asyncio.create_task(self._read())

    async def bound(self) -> None:
        """Return when it is bound."""
        await eventually(lambda: self._bound or self._reading.done())
        assert self._bound, "the heartbeat ESME could not bind"

    async def beat(self, count: int = 5) -> None:
        """Return after so many further answers to submit_sm."""
        wanted = len(self.submits) + count
        await eventually(lambda: len(self.submits) >= wanted or self._reading.done())

    @property
    def submits(self) -> Sequence[Beat]:
        """The answers to its submit_sm."""
        return [beat for beat in self.beats if beat.request == "SubmitSm"]

    async def is_well(self, *, most_cpu: float = MOST_CPU, refusals: Collection[int] = ()) -> None:
        """Stop it, and fail unless it was served well all the time:

        1. Every request was answered within ``most_cpu`` ms of the bridge's main thread, a submit_sm within
           twice that: it waits for two COMMITs, and the main thread does other work meanwhile.
        2. Every submit_sm was accepted or, where the attack is on the store, refused with one of
           ``refusals``.
        3. The receipt of every accepted message was delivered."""
        end = await self.stop()
        print(self)
        assert end == End(0, 0, ""), end
        late = [beat for beat in self.beats if beat.cpu > most_cpu * (1 + (beat.request == "SubmitSm"))]
        assert not late, f"{self}: too much work before {late[:5]}"
        assert any(not beat.status for beat in self.submits), self
        assert {beat.status for beat in self.beats} <= {0, *refusals}, self

    async def stop(self) -> End:
        """Submit no more, wait for the last answers and receipts; what is missing then."""
        if self._end is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            await asyncio.wait_for(self._reading, 1.5 * LAST_WAIT)
            await self._process.wait()
        assert self._end is not None, "the heartbeat ESME failed"
        return self._end

    async def kill(self) -> None:
        """End the process, however it is."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        await self._reading

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            what = json.loads(line)
            if what == "bound":
                self._bound = True
            elif len(what) == len(End._fields):
                self._end = End(*what)
            else:
                self.beats.append(Beat(*what))

    def __str__(self) -> str:
        def worst(times: list[float]) -> str:
            return f"{max(times, default=0):.0f} ms"

        return (
            f"{len(self.beats)} beats, {len(self.submits)} of them submit_sm; worst:"
            f" {worst([beat.wall for beat in self.beats])} in all,"
            f" {worst([beat.cpu for beat in self.beats])} of the bridge's main thread,"
            f" {worst([beat.wall - beat.queued for beat in self.beats])} without its waits for a processor"
        )


@asynccontextmanager
async def beating(port: int, pid: int, system_id: str = "heart") -> AsyncIterator[Heartbeat]:
    """A heartbeat ESME at the bridge ``pid``, bound when the block begins."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.attack.heart", str(port), str(pid), system_id),
        cwd=ROOT,
        stdin=PIPE,
        stdout=PIPE,
    )
    heart = Heartbeat(process)
    try:
        await heart.bound()
        yield heart
    finally:
        await heart.kill()
