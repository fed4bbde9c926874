"""Asks a provider now and then how much money is left, and reports that to its health."""

from smppbridge.errors import ProviderError
from smppbridge.flow.health.health import ProviderHealth
from smppbridge.flow.worker import Asker
from smppbridge.providers.base import Provider

_AFTER_START = 5.0  # seconds: with a wrong key, one request at a time should find that out
_LOOK = 10.0  # seconds between two looks while the provider is to be left alone


class BalancePoller(Asker):
    """Asks one provider."""

    def __init__(self, provider: Provider, health: ProviderHealth) -> None:
        super().__init__(f"balance {provider.name}", provider.limits.balance_interval)
        self._provider = provider
        self._health = health
        self._started = False

    async def _step(self) -> float:
        if not self._started:
            self._started = True
            return min(self._interval, _AFTER_START)
        wait = self._health.pause()
        if wait > 0:
            return min(wait, _LOOK)
        try:
            self._health.record_balance(await self._provider.balance())
        except ProviderError as error:
            self._health.question_failed(error)
        return self._interval
