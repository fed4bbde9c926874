"""What a provider tells by itself, passed on to functions of a test."""

from collections.abc import Awaitable, Callable, Sequence

from smppbridge.providers import base
from smppbridge.providers.base import News


class Upcalls(base.Upcalls):
    """``report`` gets what is told; the others what they are named after."""

    def __init__(
        self,
        report: Callable[[Sequence[News]], Awaitable[None]],
        linked: Callable[[str], None] = lambda why: None,
        binds: Callable[[int], None] = lambda count: None,
        tried: Callable[[str], None] = lambda status: None,
        unreadable: Callable[[], None] = lambda: None,
    ) -> None:
        self._report = report
        self._linked = linked
        self._binds = binds
        self._tried = tried
        self._unreadable = unreadable

    async def report(self, news: Sequence[News]) -> None:
        await self._report(news)

    def linked(self, why: str) -> None:
        self._linked(why)

    def binds(self, count: int) -> None:
        self._binds(count)

    def tried(self, status: str) -> None:
        self._tried(status)

    def unreadable(self) -> None:
        self._unreadable()
