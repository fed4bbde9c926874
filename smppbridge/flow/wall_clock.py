"""The clock by which the bridge tells what is due, over and too old: the machine's, unless that jumps.

A wrong clock must not end messages or delete what is owed. So the clock of the machine (wall clock) is
compared with one that never jumps (elapsed time):

1. A wall clock that was right for a while and jumps is not followed: the time goes on as before. It is
   followed once it has not jumped for `SETTLE_MS`, or as soon as it is back. If the jump was right (a virtual
   machine that was paused), dates are wrong for so long. If it was wrong, no message that is scheduled for
   later, or held for quiet hours, has been sent too early, which nobody could take back.
2. Soon after a start nobody knows which time is right, so a jump is followed at once.
3. In both cases the clock is suspect until it has not jumped for `SETTLE_MS`. Nothing may be given up,
   expired or deleted meanwhile.
4. The same holds after a start whose time is far from what the store knows: see `compare`.

A jump is noticed by the reading of the clock that would show it: nobody gets a time before it is judged.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from smppbridge.logs import event

log = logging.getLogger(__name__)

JUMP_MS = 60 * 1000  # less is drift, and corrections of it
SETTLE_MS = 10 * 60 * 1000
_SUSPECT_AFTER_MS = 3600 * 1000  # off for longer, or a wrong clock: to wait costs little
_TOLD_AFTER_MS = 24 * 3600 * 1000
_TOLD_AGAIN_MS = 3600 * 1000  # while it goes on jumping
_ELAPSED = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # Linux: goes on while the machine sleeps


def now_ms() -> int:
    """The clock of the machine: milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


def elapsed_ms() -> int:
    """Milliseconds of a clock that never jumps."""
    return time.clock_gettime_ns(_ELAPSED) // 1_000_000


class WallClock:
    """Call it for the time: milliseconds since 1970, UTC."""

    def __init__(self, wall: Callable[[], int], elapsed: Callable[[], int]) -> None:
        """``wall``: ms since 1970. ``elapsed``: ms of a clock that never jumps, since whenever."""
        self._wall = wall
        self._elapsed = elapsed
        self._calm_since = elapsed()
        self._seen = wall() - self._calm_since  # from elapsed to the wall clock
        self._offset = self._seen  # from elapsed to our time
        self._known = False  # our time was right before the jumps that make the clock suspect
        self._held = False  # our time goes on as before them
        self._suspect = False
        self._told = 0  # when the log last said that it jumps
        self.moves = 0  # how often our time has jumped
        self.put_back = 0  # how often it was put back
        self.certain_from = 0  # what happened before this time may be older than it seems

    def __call__(self) -> int:
        """The time. It jumps only where `moves` changes."""
        elapsed = self._elapsed()
        seen = self._wall() - elapsed
        jump, self._seen = seen - self._seen, seen
        if abs(jump) > JUMP_MS:
            self._jumped(jump, elapsed)
        if self._suspect and elapsed - self._calm_since >= SETTLE_MS:
            self._settle(elapsed)
        if not self._held:
            self._offset = seen
        return elapsed + self._offset

    @property
    def suspect(self) -> bool:
        """Whether nothing may be given up, expired or deleted by the time that was read last. Read it in the
        same turn of the event loop."""
        return self._suspect

    def machine(self) -> int:
        """What the clock of the machine says, jump or not."""
        return self._wall()

    def compare(self, latest: int) -> None:
        """``latest`` (ms): a time at which the bridge ran before this start; 0: it never did. If the clock is
        behind that, or far ahead, it is suspect, and the log says so."""
        ahead = self() - latest
        if not latest or -JUMP_MS <= ahead <= _SUSPECT_AFTER_MS:
            return
        self._suspect = True
        if ahead < 0:
            self.put_back += 1
            self.certain_from = max(self.certain_from, latest)
        event(
            log,
            logging.INFO if 0 < ahead < _TOLD_AFTER_MS else logging.WARNING,
            "the clock is far from when the bridge ran last; if it is wrong, set it within 10 minutes: "
            "nothing is given up or deleted until then",
            clock=_shown(latest + ahead),
            ran=_shown(latest),
            difference=_span(ahead),
        )

    def _jumped(self, jump: int, elapsed: int) -> None:
        calm, self._calm_since = elapsed - self._calm_since, elapsed
        again = self._suspect
        if not again:
            self._suspect, self._known = True, calm >= SETTLE_MS
        if self._known:
            self._held = abs(self._seen - self._offset) > JUMP_MS  # else it is back
        else:
            self._move(jump, elapsed)
        if not again or elapsed - self._told >= _TOLD_AGAIN_MS:
            self._told = elapsed
            unused = "its time is not used, and " if self._held else ""
            event(
                log,
                logging.WARNING,
                f"the clock of this machine has jumped; for 10 minutes {unused}nothing is ended or deleted",
                by=_span(jump),
                clock=_shown(elapsed + self._seen),
            )

    def _settle(self, elapsed: int) -> None:
        """The wall clock can be believed."""
        moved = self._seen - self._offset if self._held else 0
        if self._held:
            self._move(moved, elapsed)
        self._suspect = self._held = False
        event(log, logging.WARNING, "the clock of this machine is believed again", moved=_span(moved))

    def _move(self, jump: int, elapsed: int) -> None:
        self.moves += 1
        if jump < 0:
            self.put_back += 1
            self.certain_from = max(self.certain_from, elapsed + self._seen - jump)


def _shown(time: int) -> str:
    try:
        return f"{datetime.fromtimestamp(time / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, ValueError, OSError):  # a clock can be as wrong as that
        return str(time)


def _span(span: int) -> str:
    sign = "-" if span < 0 else "+"
    return f"{sign}{timedelta(seconds=abs(span) // 1000)}"
