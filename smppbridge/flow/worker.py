"""The loop that every worker of the flow runs: do a step, survive its errors, sleep until there is work."""

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import TypeVar
from weakref import WeakKeyDictionary

from smppbridge.errors import SmppBridgeError, StoreError
from smppbridge.logs import Complaints

log = logging.getLogger(__name__)

Result = TypeVar("Result")

_PAUSE_AFTER_ERROR = 1.0  # seconds
_LONGEST_PAUSE = 10.0

# A store that fails, fails every worker and every record again and again: they complain together.
_complaints: WeakKeyDictionary[asyncio.AbstractEventLoop, Complaints] = WeakKeyDictionary()


def complain(what: str, kind: str, error: BaseException, *, traced: bool = False, **fields: object) -> None:
    """Log that something failed and will be tried again: once a minute for each ``kind`` and error.
    ``traced``: with the traceback of the exception that is being handled."""
    loop = asyncio.get_running_loop()
    told = _complaints.setdefault(loop, Complaints(log))
    told(loop.time(), what, (kind, str(error)), logging.ERROR, traced=traced, **fields, error=str(error))


class Worker:
    """Runs ``step`` again and again in a task of its own.

    A step returns for how many seconds there is nothing to do; 0 = there is more work. `wake` cuts that
    short. An error in a step is logged, and the next step begins a second later: a worker never ends by
    itself.
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
        """There may be work: begin the next step at once, or as soon as the present one ends."""
        self._woken = True
        if self._sleeping is not None and not self._sleeping.done():
            self._sleeping.set_result(None)

    async def stop(self, grace: float = 5.0) -> None:
        """End after the present step. A step that takes longer than ``grace`` seconds is cancelled: every
        step starts at rows of the store, so the next run finds its work again."""
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
                complain("worker step failed, will go on", _kind(self._name), error, worker=self._name)
                pause = _PAUSE_AFTER_ERROR
            except Exception as error:
                what = "unexpected error in a worker, will go on"
                complain(what, _kind(self._name), error, traced=True, worker=self._name)
                pause = _PAUSE_AFTER_ERROR
            if pause > 0 and not self._stopping and not self._woken:
                await self._sleep(pause)

    async def _sleep(self, pause: float) -> None:
        """Wait for a wake, ``pause`` seconds at most. An Event with a timeout would need a task each time."""
        loop = asyncio.get_running_loop()
        self._sleeping = loop.create_future()
        alarm = loop.call_later(pause, self.wake)
        try:
            await self._sleeping
        finally:
            alarm.cancel()
            self._sleeping = None


class Asker(ABC):
    """A worker that asks a provider something now and then.

    ``interval``: seconds between two questions; 0 = the provider is never asked, and no worker runs.
    """

    def __init__(self, name: str, interval: float) -> None:
        self._interval = interval
        self._worker = Worker(name, self._step)

    def start(self) -> None:
        """Begin to ask, unless the interval is 0."""
        if self._interval > 0:
            self._worker.start()

    async def stop(self) -> None:
        """Ask no more. An answer under way is not waited for: the next run asks again."""
        await self._worker.stop(grace=0.1)

    @abstractmethod
    async def _step(self) -> float:
        """See Worker."""


async def persist(what: str, save: Callable[[], Awaitable[Result]]) -> Result:
    """Save what cannot be done again: a provider's answer, a paid receipt. Returns what ``save`` returns.

    After a StoreError ``save`` is called again, for as long as it takes, after pauses of 1, 2, 4, 8 and then
    10 seconds. Other errors are the caller's. ``what`` names the record in the log.
    """
    pause = _PAUSE_AFTER_ERROR
    while True:
        try:
            return await save()
        except StoreError as error:
            complain("cannot save, trying again", _kind(what), error, record=what)
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _kind(name: str) -> str:
    """The first word of a name: "courier pbx 17" is a courier, one of thousands."""
    return name.partition(" ")[0]
