"""Asks a provider for messages from phones (polling)."""

import logging
from collections.abc import Callable

from smppbridge.errors import ProviderError
from smppbridge.flow.deliver.inbound import InboundRouter
from smppbridge.flow.health.health import ProviderHealth
from smppbridge.flow.worker import Asker, persist
from smppbridge.logs import event
from smppbridge.providers.base import Provider
from smppbridge.store.base import Delivering

log = logging.getLogger(__name__)

_LOOK = 10.0  # seconds
_AFTER_START = 15.0  # seconds: with a wrong key, one question at a time should find that out
_OVERLAP_MS = 3600 * 1000  # clocks differ, and providers may list a message late


class InboundPoller(Asker):
    """Polls one provider every ``limits.inbound_interval`` seconds, while there are rules for inbound.

    1. After an answer that was saved, the next question is for what is new.
    2. After a restart or a failed question, it is for everything since an hour before the last answer that
       was saved. What is told twice is stored once.
    3. A new installation asks for nothing that phones sent before its first question.
    """

    def __init__(
        self,
        provider: Provider,
        store: Delivering,
        inbound: InboundRouter,
        clock: Callable[[], int],
        health: ProviderHealth,
        *,
        after_start: float = _AFTER_START,
        look: float = _LOOK,
    ) -> None:
        """``after_start``: seconds until the first question, at most. ``look``: seconds between two looks
        while the provider is to be left alone, at most."""
        super().__init__(f"inbound {provider.name}", provider.limits.inbound_interval)
        self._provider = provider
        self._store = store
        self._inbound = inbound
        self._clock = clock
        self._health = health
        self._after_start = after_start
        self._look = look
        self._mark = f"inbound {provider.name}"  # everything up to this time is saved
        self._first_mark = f"inbound {provider.name} first"  # when the first question was asked
        self._started = False
        self._in_step = False  # the last answer is saved: ask for what is new since then

    async def _step(self) -> float:
        if not self._started:
            self._started = True
            return min(self._interval, self._after_start)
        wait = self._health.pause()
        if wait > 0 or not self._inbound.rules:
            return min(wait or self._look, self._look)
        began = self._clock()
        since = None if self._in_step else await self._since(began)
        self._in_step = False
        try:
            messages = await self._provider.inbound(since)
        except ProviderError as error:
            name = self._provider.name
            event(log, logging.WARNING, "messages from phones: no answer", provider=name, reason=error.reason)
            self._health.question_failed(error)
            return self._interval
        await persist(self._mark, lambda: self._inbound.arrive(self._provider.name, messages))
        await persist(self._mark, lambda: self._store.set_mark(self._mark, began))
        self._in_step = True
        return self._interval

    async def _since(self, now: int) -> int:
        """From when on to ask, in ms; for the first question ``now``."""
        saved = await self._store.mark(self._mark)
        if saved is None:
            # One after the other: with the other mark alone the next question would reach back an hour.
            await self._store.set_mark(self._first_mark, now)
            await self._store.set_mark(self._mark, now)
            return now
        # A mark from the future was set by a clock that was ahead.
        first = await self._store.mark(self._first_mark) or 0
        return min(now, max(first, min(saved, now) - _OVERLAP_MS))
