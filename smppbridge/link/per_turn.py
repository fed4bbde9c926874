"""Bounded work in each turn of the event loop, however much comes in one."""

import asyncio
from collections import deque
from collections.abc import Callable


class PerTurn:
    """Does up to ``most`` pieces of work in a turn; the others wait for the next turns, in order."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._left = most
        self._waiting: deque[Callable[[], None]] = deque()
        self._turning = False

    def do(self, work: Callable[[], None]) -> bool:
        """Do it now, or in a later turn. Whether it was done now."""
        if not self._turning:
            self._turning = True
            asyncio.get_running_loop().call_soon(self._turn)
        if self._waiting or not self._left:
            self._waiting.append(work)
            return False
        self._left -= 1
        work()
        return True

    def _turn(self) -> None:
        self._left = self._most
        self._turning = bool(self._waiting)
        if self._turning:
            asyncio.get_running_loop().call_soon(self._turn)
        while self._waiting and self._left:
            self._left -= 1
            self._waiting.popleft()()
