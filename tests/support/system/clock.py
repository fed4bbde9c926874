"""An event loop whose clock a test moves, so that no test has to wait for a timer.

A `conftest.py` gives it to all tests of its folder:

    def pytest_asyncio_loop_factories() -> dict[str, type[ClockLoop]]:
        return {"clock": ClockLoop}
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_PATIENCE = 30.0  # seconds that anything awaited may take on a busy machine


class ClockLoop(asyncio.SelectorEventLoop):
    """Its clock goes as that of the machine until a test moves it. Sockets work as ever."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._stopped_at: float | None = None
        self.threads = 0  # that work for this loop now, such as a COMMIT
        super().__init__()

    def time(self) -> float:
        now = time.monotonic()
        if (
            self._stopped_at is not None
        ):  # after a while it goes on, so that a test that fails comes to an end
            now = max(self._stopped_at, now - 1.5 * _PATIENCE)
        return now + self._ahead

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> "asyncio.Future[T]":
        """As ever, but counted."""
        future = super().run_in_executor(executor, func, *args)
        self.threads += 1
        future.add_done_callback(self._ended)
        return future

    def _ended(self, future: "asyncio.Future[T]") -> None:
        self.threads -= 1

    def stop_clock(self) -> None:
        """From now on time passes by `forward` only. `eventually` would wait for ever: use `until`."""
        self._stopped_at = time.monotonic()

    def start_clock(self) -> None:
        """From now on time passes by itself again."""
        if self._stopped_at is not None:
            self._ahead = self.time() - time.monotonic()
            self._stopped_at = None

    def forward(self, seconds: float) -> None:
        """From now on it is so much later: what is due by then runs in the next turn of the loop."""
        self._ahead += seconds

    def now_ms(self) -> int:
        """The clock of a bridge that is to go as this one: milliseconds since 1970."""
        return time.time_ns() // 1_000_000 + round(self._ahead * 1000)

    def timers(self) -> list[float]:
        """Seconds until each timer that waits, the next one first."""
        handles: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]  # asyncio has no other list
        return sorted(handle.when() - self.time() for handle in handles if not handle.cancelled())


def clock() -> ClockLoop:
    """The loop of the running test."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ClockLoop), "the folder's conftest.py does not ask for it"
    return loop


async def turns(count: int = 5) -> None:
    """Let what is due now run."""
    for _ in range(count):
        await asyncio.sleep(0)


async def soon(awaited: Awaitable[Any]) -> Any:
    """Its result, which comes without any timer."""
    return await asyncio.wait_for(awaited, _PATIENCE)


async def until(condition: Callable[[], object]) -> None:
    """Return as soon as ``condition`` holds, whatever the loop's clock does."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0)


async def time_flies(condition: Callable[[], object]) -> None:
    """Return as soon as ``condition`` holds; until then time passes about fifty times as fast, but not while
    a thread works: a disk that is slow for a moment is not one that takes minutes."""
    deadline = time.monotonic() + 1.5 * _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0.005)
        if not clock().threads:
            clock().forward(0.25)
