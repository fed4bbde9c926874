"""Whose input is handled next, so that no peer holds up the others by what it asks.

1. Input is handled in slices. After TURN seconds of them everything else on the event loop has its turn.
2. Connections of one share have one turn in common, as those of an account. So a peer with many connections
   gets no more time than a peer with one.
3. A share that the store has enough to do for waits, because the store works in the order of the requests.
4. While there is time, input is handled as soon as it comes: nothing waits on a bridge that keeps up.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Protocol
from weakref import WeakKeyDictionary, WeakValueDictionary

TURN = 0.020  # seconds of slices before the loop has its turn; the last slice may take longer
MOST_ASKED = 1024  # submit_sm of a share that are being saved, before its input waits: 40 ms of work
QUESTION = 32  # a request about stored messages counts as so many submit_sm


class Taker(Protocol):
    """A connection with input."""

    @property
    def share(self) -> "Share":
        """Whose turn it is."""

    def take_slice(self) -> bool:
        """Handle a slice of the input. Returns whether more is left that can be handled now."""


class Share:
    """Those that have one turn in common, and how much they ask of the store at this moment."""

    def __init__(self, scheduler: "Scheduler") -> None:
        self._scheduler = scheduler
        self.asked = 0  # in submit_sm
        self.takers: deque[Taker] = deque()  # those that wait, in their order
        self.in_line = False

    @property
    def busy(self) -> bool:
        """Whether the store has enough to do for it already."""
        return self.asked >= MOST_ASKED

    def ask(self, count: int) -> None:
        """Requests of this share went to the store: so many submit_sm, or QUESTION for each other."""
        self.asked += count

    def told(self, count: int) -> None:
        """The store is done with what has been counted so."""
        self.asked -= count
        self._scheduler.let(self)


class Scheduler:
    """Gives all connections of one event loop their turns. ``clock``: seconds; ``turn``: see TURN."""

    def __init__(self, *, clock: Callable[[], float] = perf_counter, turn: float = TURN) -> None:
        self._clock = clock
        self._length = turn
        self._line: deque[Share] = deque()  # shares with takers, in the order of their turns
        self._shares: WeakValueDictionary[str, Share] = WeakValueDictionary()
        self._planned = False
        self._ends = 0.0  # when this turn is over

    def share(self, name: str) -> Share:
        """The share of this name. It lasts as long as somebody holds it."""
        share = self._shares.get(name)
        if share is None:
            share = self._shares[name] = Share(self)
        return share

    def offer(self, taker: Taker) -> bool:
        """There is input for ``taker``: a slice is handled now if there is time. Returns whether ``taker``
        waits for another turn, which comes by itself."""
        if self._line or taker.share.busy or not self._has_time() or taker.take_slice():
            self.wait(taker)
            return True
        return False

    def wait(self, taker: Taker) -> None:
        """There is input for ``taker``, which is handled when its turn comes."""
        share = taker.share
        share.takers.append(taker)
        self.let(share)

    def let(self, share: Share) -> None:
        """Put ``share`` in line, if there is something for it to do."""
        if share.takers and not share.in_line and not share.busy:
            share.in_line = True
            self._line.append(share)
            self._plan()

    def _has_time(self) -> bool:
        if self._planned:
            return self._clock() < self._ends
        self._ends = self._clock() + self._length
        self._plan()
        return True

    def _plan(self) -> None:
        if not self._planned:
            self._planned = True
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        """A new turn of the loop: those that wait come first."""
        self._ends = self._clock() + self._length
        try:
            while self._line and self._clock() < self._ends:
                self._take(self._line.popleft())
        finally:  # a mistake in one connection costs the others no turn
            self._planned = False
            if self._line:
                self._plan()

    def _take(self, share: Share) -> None:
        share.in_line = False
        if share.busy:
            return  # it comes back when the store has answered
        taker = share.takers.popleft()
        try:
            if taker.take_slice():
                self.wait(taker)
        finally:
            self.let(share)


_SCHEDULERS: WeakKeyDictionary[asyncio.AbstractEventLoop, Scheduler] = WeakKeyDictionary()


def scheduler_of(loop: asyncio.AbstractEventLoop) -> Scheduler:
    """The one scheduler of an event loop: servers and clients on it share its time."""
    scheduler = _SCHEDULERS.get(loop)
    if scheduler is None:
        scheduler = _SCHEDULERS[loop] = Scheduler()
    return scheduler
