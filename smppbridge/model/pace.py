"""Adaptive rate limit towards an SMSC: additive increase, multiplicative decrease (AIMD).

``now``: seconds of a clock that never goes back.
"""

SLOWEST = 1.0  # messages per second; complaints never slow it down further
_FACTOR = 0.5  # a complaint reduces the rate to this share
_ONE_SIGNAL = 1.0  # seconds; several complaints within this time count once
_CLIMB = 20.0  # seconds in which the rate grows by the rate at the time of the complaint
_FREE_AGAIN = 4.0  # times the fastest rate seen: the limit is lifted there
_SHORTEST = 0.1  # seconds; a rate is measured over at least this time
_ROUNDING = 1e-6


class Pace:
    """Messages per second towards one SMSC.

    1. ``rate`` is the limit of the operator; 0 = no limit.
    2. `slower` halves the rate of the last second or two.
    3. Then the rate grows steadily, back to ``rate``. Without a ``rate`` the limit is lifted in the end.
    """

    def __init__(self, rate: float, now: float, slowest: float = SLOWEST) -> None:
        """``slowest``: `slower` never goes below it, unless the operator allows less."""
        self._slowest = slowest
        self._ceiling = rate
        self._current = rate  # 0 = no limit
        self._step = 0.0  # growth per second while slowed down
        self._tokens = 1.0
        self._at = now
        self._slowed_at = now - _ONE_SIGNAL
        self._second = now  # when the current second began
        self._passed = 0
        self._fastest = 0.0  # per second, in this second or the last

    @property
    def rate(self) -> float:
        """Messages per second that are allowed now, 0 = no limit."""
        return self._current

    def take(self, n: int, now: float) -> int:
        """How many of ``n`` messages may go now. They count as sent."""
        self._advance(now)
        if self._current:
            n = min(n, int(self._tokens + _ROUNDING))
            self._tokens -= n
        self._passed += n
        return n

    def give_back(self, n: int) -> None:
        """``n`` of the messages that the last `take` allowed were not sent."""
        self._passed = max(0, self._passed - n)
        if self._current:
            self._tokens = min(self._most, self._tokens + n)

    def wait(self, now: float) -> float:
        """Seconds until the next message may go."""
        self._advance(now)
        if not self._current or self._tokens >= 1.0 - _ROUNDING:
            return 0.0
        return (1.0 - self._tokens) / self._current

    def slower(self, now: float) -> None:
        """The SMSC complained (ESME_RTHROTTLED, ESME_RMSGQFUL). Complaints within one second count once."""
        self._advance(now)
        if now - self._slowed_at < _ONE_SIGNAL:
            return
        self._slowed_at = now
        seen = max(self._fastest, self._passed / max(now - self._second, _SHORTEST))
        base = min(self._current, seen) if self._current else seen
        slowed = max(self._slowest, base * _FACTOR)
        self._current = min(slowed, self._ceiling) if self._ceiling else slowed
        self._step = max(base, self._slowest) / _CLIMB
        self._tokens = min(self._tokens, 0.0)

    @property
    def _most(self) -> float:
        """How many messages may go at once."""
        return max(1.0, self._current / 10)

    def _advance(self, now: float) -> None:
        elapsed = now - self._at
        if elapsed <= 0:
            return
        self._at = now
        if now - self._second >= 1.0:
            self._fastest = self._passed / (now - self._second)
            self._second, self._passed = now, 0
        if not self._current:
            return
        self._tokens = min(self._most, self._tokens + elapsed * self._current)
        if self._step:
            self._grow(elapsed)

    def _grow(self, elapsed: float) -> None:
        self._current += self._step * elapsed
        if self._ceiling and self._current >= self._ceiling:
            self._current, self._step = self._ceiling, 0.0
        elif not self._ceiling and self._current >= _FREE_AGAIN * self._step * _CLIMB:
            self._current, self._step = 0.0, 0.0
