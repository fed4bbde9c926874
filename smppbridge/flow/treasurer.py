"""Looks at the money that is left at a provider, now and then. Must not know: what is done about it."""

from collections.abc import Callable

from smppbridge.errors import ProviderError
from smppbridge.flow.worker import Worker
from smppbridge.providers.base import Provider

_AFTER_START = 5.0  # seconds: with a wrong key, one request at a time should find that out
_LOOK = 10.0  # seconds between two looks while the provider is to be left alone


class Treasurer:
    """One provider's. ``paused()``: seconds for which it must be left alone; ``told(balance)`` hears the
    balance, ``trouble(error)`` why there was none."""

    def __init__(
        self,
        provider: Provider,
        *,
        paused: Callable[[], float],
        told: Callable[[float | None], None],
        trouble: Callable[[ProviderError], None],
    ) -> None:
        self._provider = provider
        self._paused = paused
        self._told = told
        self._trouble = trouble
        self._started = False
        self._worker = Worker(f"treasurer {provider.name}", self._step)

    def start(self) -> None:
        """Begin, where there is a balance to look at."""
        if self._provider.limits.balance_interval > 0:
            self._worker.start()

    async def stop(self) -> None:
        """End; an answer under way is not waited for."""
        await self._worker.stop(grace=0.1)

    async def _step(self) -> float:
        interval = self._provider.limits.balance_interval
        if not self._started:
            self._started = True
            return min(interval, _AFTER_START)
        wait = self._paused()
        if wait > 0:
            return min(wait, _LOOK)
        try:
            self._told(await self._provider.balance())
        except ProviderError as error:
            self._trouble(error)
        return interval
