"""How a stop keeps within its time: everything that may take long gets a share of it, and is cut off then.

What is cut off is found again by the next start, as after a crash.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from smppbridge.logs import event

log = logging.getLogger(__name__)

_LAST_WORDS = 0.1  # seconds for what was cut off to close its sockets


class Drain:
    """The time of one stop, ``seconds`` in all. It begins with the first call."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began: float | None = None

    def left(self, share: float) -> float:
        """Seconds until this share of the time (0 to 1) is over; 0 when it is."""
        now = asyncio.get_running_loop().time()
        if self._began is None:
            self._began = now
        return max(0.0, self._began + share * self._seconds - now)

    async def until(self, share: float, **parts: Coroutine[Any, Any, None]) -> None:
        """Run these side by side. What is not done when this share of the time is over is cut off. An error
        of one of them is logged, and keeps no other from its end."""
        tasks = {asyncio.get_running_loop().create_task(part, name=name) for name, part in parts.items()}
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=self.left(share))
        for task in late:
            event(log, logging.WARNING, "cut off: the time for the stop is over", part=task.get_name())
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=_LAST_WORDS)
        for task in tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                log.error("unexpected error while stopping %s", task.get_name(), exc_info=error)
