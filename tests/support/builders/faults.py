"""A store some of whose calls fail, as on a full disk."""

import asyncio
from collections.abc import Callable, Collection
from typing import Any, cast

from smppbridge.errors import StoreError
from smppbridge.store.base import Store


class FaultyStore:
    """Passes calls on to a real store, and counts them from 1.

    The calls with a number in ``fail``, or of a verb in ``refuse``, raise StoreError instead. Nothing of them
    happens.
    """

    def __init__(self, store: Store, fail: Collection[int] = ()) -> None:
        self.calls: list[str] = []  # verbs
        self.failed: list[str] = []  # those that failed
        self.fail = fail
        self.refuse: set[str] = set()
        self._store = store

    @property
    def store(self) -> Store:
        """The same, as the flow sees it."""
        return cast(Store, self)

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        real: Callable[..., Any] = getattr(self._store, verb)

        def call(*arguments: Any) -> Any:
            self.calls.append(verb)
            if len(self.calls) in self.fail or verb in self.refuse:
                self.failed.append(verb)
                refused: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
                refused.set_exception(StoreError("disk full"))
                return refused
            return real(*arguments)

        return call
