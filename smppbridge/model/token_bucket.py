"""A rate limiter: the token bucket. ``now``: seconds of a clock that does not jump."""

_ROUNDING = 1e-6  # sums of floats are not exact: a token this close to 1 counts as 1


class TokenBucket:
    """Lets ``rate`` messages per second pass on average, and ``burst`` (at least 1) at once.

    A rate of 0 means no limit. The bucket starts full. Raises ValueError for a negative rate.
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
        """How many of ``n`` may pass now (0..n). Their tokens are taken from the bucket."""
        if not self._rate:
            return n
        self._fill(now)
        passed = min(n, int(self._tokens + _ROUNDING))
        self._tokens -= passed
        return passed

    def put_back(self, n: int) -> None:
        """Give back ``n`` tokens: so many messages did not pass after all."""
        self._tokens = min(self._burst, self._tokens + n)

    def wait(self, now: float) -> float:
        """Seconds until one message may pass. 0.0 when one may pass now."""
        if not self._rate:
            return 0.0
        self._fill(now)
        missing = 1.0 - self._tokens
        return missing / self._rate if missing > _ROUNDING else 0.0

    def _fill(self, now: float) -> None:
        if now > self._at:  # a clock that went back changes nothing
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
            self._at = now
