"""Moves queued messages of a provider that may not be used to another provider of their route.

That provider is down, is to be spared, or is no longer configured.
"""

import logging
from collections.abc import Sequence

from smppbridge.errors import StoreError
from smppbridge.flow.send.fleet import Fleet
from smppbridge.flow.worker import Worker
from smppbridge.logs import event
from smppbridge.model.route import Route
from smppbridge.store.base import Sending

log = logging.getLogger(__name__)

_CHUNK = 500  # rows of one look at a queue: no look may hold up the loop
_IDLE = 60.0  # seconds; a wake comes before when there is work


class Rerouter:
    """Walks queues when it is told to. ``routes`` may be changed at any time. ``chunk``: rows of one look at
    a queue."""

    def __init__(self, store: Sending, fleet: Fleet, routes: Sequence[Route], *, chunk: int = _CHUNK) -> None:
        self.routes = routes
        self._chunk = chunk
        self._store = store
        self._fleet = fleet
        self._asked: dict[str, None] = {}  # providers whose queue is to be walked, in order
        self._worker = Worker("rerouter", self._step)

    def start(self) -> None:
        """Begin."""
        self._worker.start()

    async def stop(self) -> None:
        """End. A queue that was walked halfway is walked anew after the next start."""
        await self._worker.stop()

    def soon(self, provider: str) -> None:
        """Walk the queue of this provider: its messages may have to take another way."""
        self._asked.setdefault(provider)
        self._worker.wake()

    def provider_changed(self, provider: str) -> None:
        """The provider went down, works again, or its balance passed the threshold:

        1. If it may not be used, its messages may have another way.
        2. If it works, it may be that way for messages of others that may not be used.
        """
        if not self._fleet.usable(provider):
            self.soon(provider)
        if self._fleet.working(provider):
            for name in self._fleet:
                if name != provider and not self._fleet.usable(name):
                    self.soon(name)

    async def _step(self) -> float:
        while self._asked:
            provider = next(iter(self._asked))
            del self._asked[provider]  # before the walk: messages that are queued behind it ask anew
            try:
                await self._walk(provider)
            except StoreError:
                self._asked.setdefault(provider)
                raise
        return _IDLE

    async def _walk(self, provider: str) -> None:
        others = self._alternatives(provider)
        await self._move(provider, [name for name in others if self._fleet.usable(name)])
        if not self._fleet.working(provider):  # then a provider that is to be spared is better than none
            await self._move(provider, [name for name in others if self._fleet.working(name)])

    async def _move(self, provider: str, usable: list[str]) -> None:
        after, total = 0, 0
        while usable:
            accounts, moved, after = await self._store.reroute(provider, usable, after, self._chunk)
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
        """The providers that may take messages of ``provider``: those that share a route with it. If it is no
        longer configured nobody knows its routes: then all. The store keeps to the route of each message."""
        if provider not in self._fleet:
            return set(self._fleet)
        return {name for route in self.routes if provider in route.to for name in route.to} - {provider}
