"""Time that passes only when a test says so."""


class HandClock:
    """Seconds, as `time.monotonic` tells them."""

    def __init__(self) -> None:
        self._now = 1000.0

    def __call__(self) -> float:
        return self._now

    def forward(self, seconds: float) -> None:
        self._now += seconds
