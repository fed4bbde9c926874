"""The claim → act → record loop, once: sleep until there is work, do a step, survive its errors.

Must not know: what a step does.
"""

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import TypeVar

from smppbridge.errors import SmppBridgeError, StoreError
from smppbridge.logs import event

log = logging.getLogger(__name__)

Result = TypeVar("Result")

_PAUSE_AFTER_ERROR = 1.0  # seconds
_LONGEST_PAUSE = 10.0


class Worker:
    """Runs ``step`` again and again in a task of its own.

    A step returns how many seconds there is nothing to do (0: there is more work); `wake` cuts that short.
    An error in a step is logged, and the next step comes after a second: a worker never ends by itself.
    """

    def __init__(self, name: str, step: Callable[[], Awaitable[float]]) -> None:
        self._name = name
        self._step = step
        self._woken = False
        self._sleeping: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name=self._name)

    def wake(self) -> None:
        """There may be work."""
        self._woken = True
        if self._sleeping is not None and not self._sleeping.done():
            self._sleeping.set_result(None)

    async def stop(self, grace: float = 5.0) -> None:
        """End after the current step; a step longer than ``grace`` seconds is cancelled (every step starts
        at a row of the store, so another run finds it)."""
        self._stopping = True
        self.wake()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=grace)
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        while not self._stopping:
            self._woken = False
            try:
                pause = await self._step()
            except SmppBridgeError as error:
                event(
                    log, logging.ERROR, "worker step failed, will go on", worker=self._name, error=str(error)
                )
                pause = _PAUSE_AFTER_ERROR
            except Exception:
                log.exception("worker %s: unexpected error, will go on", self._name)
                pause = _PAUSE_AFTER_ERROR
            if pause > 0 and not self._stopping and not self._woken:
                await self._sleep(pause)

    async def _sleep(self, pause: float) -> None:
        """Like waiting for an Event with a timeout, without a task for it: workers sleep often."""
        loop = asyncio.get_running_loop()
        self._sleeping = loop.create_future()
        alarm = loop.call_later(pause, self.wake)
        try:
            await self._sleeping
        finally:
            alarm.cancel()
            self._sleeping = None


class Asker(ABC):
    """Asks a provider something now and then. ``interval``: seconds between two questions, 0 = it is never
    asked."""

    def __init__(self, name: str, interval: float) -> None:
        self._interval = interval
        self._worker = Worker(name, self._step)

    def start(self) -> None:
        """Begin, where there is something to ask."""
        if self._interval > 0:
            self._worker.start()

    async def stop(self) -> None:
        """Ask no more; an answer under way is not waited for, as the next run asks again."""
        await self._worker.stop(grace=0.1)

    @abstractmethod
    async def _step(self) -> float:
        """See Worker."""


async def persist(what: str, save: Callable[[], Awaitable[Result]]) -> Result:
    """Save what cannot be done again (a provider's answer, a paid receipt), for as long as it takes: on
    StoreError once more, after pauses that grow to ten seconds."""
    pause = _PAUSE_AFTER_ERROR
    while True:
        try:
            return await save()
        except StoreError as error:
            event(log, logging.ERROR, "cannot save, trying again", record=what, error=str(error))
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
