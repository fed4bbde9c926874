"""Moves queued messages of a provider that is down, or no longer configured, to another one of their route.

Must not know: why a provider is down, how one sends.
"""

import logging
from collections.abc import Sequence

from smppbridge.errors import StoreError
from smppbridge.flow.send.fleet import Fleet
from smppbridge.flow.worker import Worker
from smppbridge.logs import event
from smppbridge.model.route import Route
from smppbridge.store.base import Store

log = logging.getLogger(__name__)

_CHUNK = 500  # rows of one look: none may hold up the loop
_IDLE = 60.0  # seconds; a wake comes before when there is work


class Rerouter:
    """Walks queues when it is told to. ``routes`` may be changed at any time."""

    def __init__(
        self,
        store: Store,
        fleet: Fleet,
        routes: Sequence[Route],
    ) -> None:
        self.routes = routes
        self._store = store
        self._fleet = fleet
        self._asked: dict[str, None] = {}  # providers whose queue is to be walked, in order
        self._worker = Worker("rerouter", self._step)

    def start(self) -> None:
        """Begin."""
        self._worker.start()

    async def stop(self) -> None:
        """End; a queue walked halfway is walked again after the next start."""
        await self._worker.stop()

    def soon(self, provider: str) -> None:
        """Messages may be queued for this provider in vain."""
        self._asked.setdefault(provider)
        self._worker.wake()

    def provider_changed(self, provider: str) -> None:
        """One went down: its messages may have another way. One is back: it may be that way for others."""
        if not self._fleet.usable(provider):
            self.soon(provider)
        if self._fleet.working(provider):
            for name in self._fleet:
                if name != provider and not self._fleet.usable(name):
                    self.soon(name)

    async def _step(self) -> float:
        while self._asked:
            provider = next(iter(self._asked))
            del self._asked[provider]  # what is queued behind the walk asks anew
            try:
                await self._walk(provider)
            except StoreError:
                self._asked.setdefault(provider)
                raise
        return _IDLE

    async def _walk(self, provider: str) -> None:
        others = self._alternatives(provider)
        await self._move(provider, [name for name in others if self._fleet.usable(name)])
        if not self._fleet.working(provider):  # then one that is to be spared is better than none
            await self._move(provider, [name for name in others if self._fleet.working(name)])

    async def _move(self, provider: str, usable: list[str]) -> None:
        after, total = 0, 0
        while usable:
            accounts, moved, after = await self._store.reroute(provider, usable, after, _CHUNK)
            total += moved
            for name in usable:
                for account in accounts:
                    self._fleet.wake(name, account)
            if not after:
                break
        if total:
            event(
                log, logging.WARNING, "messages rerouted", provider=provider, count=total, to=",".join(usable)
            )

    def _alternatives(self, provider: str) -> set[str]:
        """Who may carry messages of ``provider`` in its place; for one no longer configured, everybody, as
        nobody knows the routes that it was in."""
        if provider not in self._fleet:
            return set(self._fleet)
        return {name for route in self.routes if provider in route.to for name in route.to} - {provider}
