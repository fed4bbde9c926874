"""A rate limit as a token bucket. Must not know the clock: ``now`` is an argument, in monotonic seconds."""

_ROUNDING = 1e-6  # a token this close to whole is whole: sums of floats are not exact


class TokenBucket:
    """Lets ``rate`` per second pass on average and up to ``burst`` (at least 1) at once.

    Rate 0 means no limit. It starts full. Raises ValueError for a negative rate.
    """

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        if rate < 0:
            raise ValueError(f"rate must not be negative: {rate}")
        self._rate = rate
        self._burst = max(1.0, burst)
        self._tokens = self._burst
        self._at = now

    def take(self, n: int, now: float) -> int:
        """How many of ``n`` may pass now (0..n); those are taken from the bucket."""
        if not self._rate:
            return n
        self._fill(now)
        passed = min(n, int(self._tokens + _ROUNDING))
        self._tokens -= passed
        return passed

    def put_back(self, n: int) -> None:
        """``n`` that were taken did not pass after all."""
        self._tokens = min(self._burst, self._tokens + n)

    def wait(self, now: float) -> float:
        """Seconds until at least one may pass; 0.0 when one may pass now."""
        if not self._rate:
            return 0.0
        self._fill(now)
        missing = 1.0 - self._tokens
        return missing / self._rate if missing > _ROUNDING else 0.0

    def _fill(self, now: float) -> None:
        if now > self._at:  # a clock that went back gives nothing, and takes nothing
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
            self._at = now
