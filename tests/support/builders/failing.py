"""A store some of whose verbs fail, or take their time, while all others go to a real one."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

from smppbridge.errors import StoreError
from smppbridge.store.base import Store


class FailingStore:
    """Give ``store`` to whoever is to be tested. A verb that fails has done nothing, as a store promises."""

    def __init__(self, store: Store) -> None:
        self._real = store
        self._fails_at: frozenset[int] = frozenset()  # of the calls in `called`
        self.called: list[str] = []  # verbs, in order, since `fail_at`
        self.failed: list[str] = []  # those of them that failed
        self.arguments: list[tuple[Any, ...]] = []  # of all that were called since then
        self.failing: set[str] = set()  # verbs that fail now, each time
        self.futures: list[asyncio.Future[Any]] = []  # what every call has returned
        self.error: Exception = StoreError("disk full")
        self.takes: Counter[str] = Counter()  # verb -> seconds from its call until it begins

    @property
    def store(self) -> Store:
        """All verbs of a store."""
        return cast(Store, self)

    def fail_at(self, *nth: int) -> None:
        """Of the verbs that are called from now on, these fail, counted from 1. 0: none does."""
        self._fails_at = frozenset(nth)
        self.called.clear()
        self.arguments.clear()
        self.failed.clear()

    def __getattr__(self, verb: str) -> Callable[..., "asyncio.Future[Any]"]:
        def call(*arguments: Any) -> "asyncio.Future[Any]":
            self.called.append(verb)
            self.arguments.append(arguments)
            fails = verb in self.failing or len(self.called) in self._fails_at
            if fails:
                self.failed.append(verb)
            real = getattr(self._real, verb)
            if fails or self.takes[verb]:
                work = self._later(real, arguments, self.takes[verb], fails)
            else:
                work = real(*arguments)
            future: asyncio.Future[Any] = asyncio.ensure_future(work)
            self.futures.append(future)
            return future

        return call

    async def _later(
        self, real: Callable[..., Any], arguments: tuple[Any, ...], seconds: float, fails: bool
    ) -> Any:
        await asyncio.sleep(seconds)
        if fails:
            raise self.error
        return await real(*arguments)
