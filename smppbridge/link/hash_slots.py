"""Turns for password hashes, which take a quarter of a second of a core each.

1. At most AT_ONCE are computed at once, and one in each lane. A lane is the address of a stranger, or an
   account at an address where it is at home: what one hash tells counts before the next one of its lane.
2. The lowest rank goes first, then the lane that waited in vain least often, then the newest. So a crowd that
   waits already delays nobody, and cannot come again and again as if it were new.
3. Few wait. Where there are too many the last of this order is sent away.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from enum import Enum
from typing import Protocol

AT_ONCE = 2  # a flood of binds must not take all cores, and 32 MiB for each hash
WAITING = 100  # more could not have their turn within bind_timeout
IN_LINE = 64  # of these in one lane: equipment behind one NAT comes all at once after a restart
_IN_VAIN = 8192  # lanes of which is remembered that they waited in vain, the newest


class Missed(Enum):
    """Why a hash was not computed."""

    GONE = "its peer has left"
    TOLD = "a hash of its lane is done, which may have told enough"
    CROWDED = "too many wait"


class Claim(Protocol):
    """Somebody who wants a hash computed."""

    @property
    def lane(self) -> Hashable:
        """Of all with the same one only one has its turn at a time."""

    @property
    def since(self) -> float:
        """When it came: seconds of any clock."""

    def rank(self) -> tuple[float, ...]:
        """The lowest goes first. It may change while the claim waits."""

    def gone(self) -> bool:
        """Whether it wants no hash any more."""


class HashSlots:
    """Who computes, and who waits."""

    def __init__(self) -> None:
        self.limit = AT_ONCE
        self.most_waiting = WAITING
        self._busy: set[Hashable] = set()
        self._waiting: dict[Claim, asyncio.Future[Missed | None]] = {}
        self._in_line: Counter[Hashable] = Counter()
        self._in_vain: OrderedDict[Hashable, int] = OrderedDict()

    @property
    def used(self) -> int:
        """How many hashes are computed now."""
        return len(self._busy)

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._waiting)

    async def compute(self, claim: Claim, work: Callable[[], bool]) -> bool | Missed:
        """What ``work()`` says, which runs in a thread when it is this claim's turn; or why it did not."""
        missed = await self._turn(claim)
        if missed is not None:
            return missed
        try:
            return await asyncio.to_thread(work)
        finally:
            self._done(claim.lane)

    async def _turn(self, claim: Claim) -> Missed | None:
        called: asyncio.Future[Missed | None] = asyncio.get_running_loop().create_future()
        self._waiting[claim] = called
        self._in_line[claim.lane] += 1
        self._call_next()
        if self._in_line[claim.lane] > IN_LINE:
            self._call(claim, Missed.CROWDED)
        elif len(self._waiting) > self.most_waiting:
            self._call(max(self._waiting, key=self._order), Missed.CROWDED)
        try:
            return await called
        except asyncio.CancelledError:
            if claim in self._waiting:
                self._call(claim, Missed.GONE)
            elif called.result() is None:  # it was its turn, and it did not run yet
                self._done(claim.lane)
            raise

    def _done(self, lane: Hashable) -> None:
        self._busy.discard(lane)
        self._in_vain.pop(lane, None)
        for claim in [one for one in self._waiting if one.lane == lane]:
            self._call(claim, Missed.TOLD)
        self._call_next()

    def _call_next(self) -> None:
        for claim in [one for one in self._waiting if one.gone()]:
            self._call(claim, Missed.GONE)
        while len(self._busy) < self.limit:
            ready = [claim for claim in self._waiting if claim.lane not in self._busy]
            if not ready:
                return
            first = min(ready, key=self._order)
            self._busy.add(first.lane)
            self._call(first, None)

    def _order(self, claim: Claim) -> tuple[tuple[float, ...], int, float]:
        return claim.rank(), self._in_vain.get(claim.lane, 0), -claim.since

    def _call(self, claim: Claim, missed: Missed | None) -> None:
        called = self._waiting.pop(claim)
        self._in_line[claim.lane] -= 1
        if not self._in_line[claim.lane]:
            del self._in_line[claim.lane]
        if missed in (Missed.GONE, Missed.CROWDED):
            self._in_vain[claim.lane] = self._in_vain.pop(claim.lane, 0) + 1
            if len(self._in_vain) > _IN_VAIN:
                self._in_vain.popitem(last=False)
        if not called.done():
            called.set_result(missed)
