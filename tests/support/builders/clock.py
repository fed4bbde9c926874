"""The bridge's clock on a loop with virtual time, see `tests.support.system.virtual_time`."""

import asyncio

from tests.support.builders.rows import NOW


class Clock:
    """Milliseconds: NOW when a test begins, then as much later as the loop's clock is."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()

    def __call__(self) -> int:
        return NOW + round((self._loop.time() - self._began) * 1000)
