"""Time for what is built by hand: a clock in milliseconds that follows the running loop's."""

import asyncio

from tests.support.builders.rows import NOW


class Clock:
    """NOW when it is made; from then on it goes as the loop's clock does, on a virtual one in jumps."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._ahead = 0.0

    def __call__(self) -> int:
        return NOW + round((self.seconds + self._ahead) * 1000)

    def elapsed(self) -> int:
        """Milliseconds of a clock that `jump` does not move."""
        return round(self.seconds * 1000)

    def jump(self, seconds: float) -> None:
        """Somebody puts this clock forward, or back."""
        self._ahead += seconds

    @property
    def seconds(self) -> float:
        """How long ago it was made, to the millisecond."""
        return round(self._loop.time() - self._began, 3)
