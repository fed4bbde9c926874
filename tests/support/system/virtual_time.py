"""An event loop whose clock stands still while there is work, and jumps to the next timer when there is none.

A test on such a loop waits an hour in no time, and sees the exact second at which something happened: a
worker that was not woken is late by its whole idle pause, however busy the machine is. Mark a test, or a
module by its ``pytestmark``, with ``virtual_time``. Sockets are not for it: time may jump while octets are
on their way.
"""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_MOMENT = 0.0001  # seconds: rounded to milliseconds it is nothing
_THREAD_PATIENCE = 30.0  # real seconds for a thread to end


async def moment() -> None:
    """Return when everything has happened that needs no time."""
    await asyncio.sleep(_MOMENT)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Time begins at 1000 s."""

    def __init__(self) -> None:
        self._clock = 1000.0
        self._threads = 0
        super().__init__(_Selector(self))

    def time(self) -> float:
        """Seconds of the virtual clock."""
        return self._clock

    def jump(self, seconds: float) -> None:
        """Nothing happens for so long."""
        self._clock += seconds

    @property
    def threads(self) -> int:
        """How many threads work for this loop: time must not pass meanwhile."""
        return self._threads

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> "asyncio.Future[T]":
        """As ever, but counted."""
        future = super().run_in_executor(executor, func, *args)
        self._threads += 1
        future.add_done_callback(self._ended)
        return future

    def _ended(self, future: "asyncio.Future[T]") -> None:
        self._threads -= 1


class _Selector(selectors.DefaultSelector):
    """Passes time instead of waiting for it."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if events or timeout == 0:
            return events
        if self._loop.threads or timeout is None:
            events = super().select(_THREAD_PATIENCE)
            if not events and timeout is None:
                raise RuntimeError("nothing can happen any more: no timer, no thread, nothing to read")
            return events
        self._loop.jump(timeout)
        return []
