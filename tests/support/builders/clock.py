"""Time for what is built by hand: a clock in milliseconds that follows the running loop's."""

import asyncio

from tests.support.builders.rows import NOW


class Clock:
    """NOW when it is made; from then on it goes as the loop's clock does, on a virtual one in jumps."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()

    def __call__(self) -> int:
        return NOW + round(self.seconds * 1000)

    @property
    def seconds(self) -> float:
        """How long ago it was made, to the millisecond."""
        return round(self._loop.time() - self._began, 3)
