"""Looks at the money that is left at a provider, now and then. Must not know: what is done about it."""

from smppbridge.errors import ProviderError
from smppbridge.flow.health.health import Standing
from smppbridge.flow.worker import Asker
from smppbridge.providers.base import Provider

_AFTER_START = 5.0  # seconds: with a wrong key, one request at a time should find that out
_LOOK = 10.0  # seconds between two looks while the provider is to be left alone


class Treasurer(Asker):
    """One provider's."""

    def __init__(self, provider: Provider, standing: Standing) -> None:
        super().__init__(f"treasurer {provider.name}", provider.limits.balance_interval)
        self._provider = provider
        self._standing = standing
        self._started = False

    async def _step(self) -> float:
        if not self._started:
            self._started = True
            return min(self._interval, _AFTER_START)
        wait = self._standing.pause()
        if wait > 0:
            return min(wait, _LOOK)
        try:
            self._standing.note_balance(await self._provider.balance())
        except ProviderError as error:
            self._standing.question_failed(error)
        return self._interval
