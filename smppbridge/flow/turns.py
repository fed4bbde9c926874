"""Whose turn it is to ask a provider a question, also after a restart."""

import asyncio
from collections.abc import Callable

from smppbridge.flow.health.health import ProviderHealth
from smppbridge.store.base import Marking


class Turns:
    """The turns of one worker that asks a provider. Workers of one account share its gap between questions.

    ``kind`` names the questions of this worker. ``clock`` is in ms. Where there is a gap, the store keeps the
    time of the last question: the provider does not know that the bridge was restarted.
    """

    def __init__(self, kind: str, store: Marking, health: ProviderHealth, clock: Callable[[], int]) -> None:
        self._kind = f"{kind} of {health.name}"
        self._mark = f"questions {health.account}"
        self._store = store
        self._health = health
        self._questions = health.send_policy.questions
        self._clock = clock
        self._recalled = False

    async def wait(self) -> float:
        """Seconds until the worker may ask; 0 = now. After 0 the caller must call `take` or `withdraw`.
        Raises StoreError."""
        if not self._recalled:
            await self._recall()
        return self._health.pause() or self._questions.wait(self._kind, asyncio.get_running_loop().time())

    async def take(self) -> None:
        """The question goes out when this returns. Raises StoreError."""
        self._questions.asked(self._kind, asyncio.get_running_loop().time())
        if self._questions.gap:
            await self._store.set_mark(self._mark, self._clock())

    def withdraw(self) -> None:
        """There is nothing to ask."""
        self._questions.withdraw(self._kind)

    async def _recall(self) -> None:
        """Keep the gap from the last question before the start."""
        if gap := self._questions.gap:
            asked = await self._store.mark(self._mark)
            since = gap if asked is None else (self._clock() - asked) / 1000
            left = min(gap, max(0.0, gap - since))  # a clock may have been set back
            self._questions.hold(asyncio.get_running_loop().time() + left)
        self._recalled = True
