"""Whether the bridge can do its work now, for GET /readyz."""

import asyncio

from smppbridge.errors import StoreError
from smppbridge.flow.send.fleet import Fleet
from smppbridge.store.base import Housekeeping

_PROBE_INTERVAL = 1.0  # seconds between two trial writes: a question must not cost a write


class Readiness:
    """Ready while the store takes writes and at least one provider works."""

    def __init__(self, store: Housekeeping, fleet: Fleet) -> None:
        self._store = store
        self._fleet = fleet
        self._probed_at = -_PROBE_INTERVAL  # seconds of the loop's clock
        self._trouble: list[str] = []  # of the store, as of then

    async def reasons(self) -> list[str]:
        """Why the bridge is not ready, a line for each reason; empty when it is ready."""
        reasons = await self._store_reasons()
        if not any(self._fleet.working(name) for name in self._fleet):
            reasons += [f"provider {name}: {one.health.reason}" for name, one in self._fleet.items()]
        return reasons

    async def _store_reasons(self) -> list[str]:
        """Why the store takes no writes, as of at most a second ago."""
        now = asyncio.get_running_loop().time()
        if now - self._probed_at >= _PROBE_INTERVAL:
            self._trouble = await self._probe()
            self._probed_at = now
        return list(self._trouble)

    async def _probe(self) -> list[str]:
        try:
            await self._store.probe()
        except StoreError as error:
            return [f"store: {error}"]
        return []
