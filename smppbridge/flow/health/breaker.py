"""Whether a provider may be used now: pauses that it asked for, and a breaker for when it does not work.

Pure state, the clock is an argument. Must not know: the store, requests.
"""

from smppbridge.errors import Disabled, Postponed, ProviderError, Throttled
from smppbridge.model.backoff import backoff
from smppbridge.smpp.constants import Status

FAILURES_BEFORE_PAUSE = 3  # hand-overs in a row that the provider did not work for


class CircuitBreaker:
    """Open, or closed until a time (seconds of the loop's clock)."""

    def __init__(self) -> None:
        self._closed_until = 0.0
        self._failures = 0
        self._proven = False  # a first success: several requests with a wrong key can earn a ban at once
        self.reason = ""  # why it is down, for /readyz and the log; "" while it works
        self.status = int(Status.ESME_RSYSERR)  # what an ESME is told that would wait for it

    def is_open(self, now: float) -> bool:
        """True when a hand-over may begin."""
        return now >= self._closed_until

    def wait(self, now: float) -> float:
        """Seconds until it may."""
        return max(0.0, self._closed_until - now)

    @property
    def works(self) -> bool:
        """False from a pause for a failure until a hand-over succeeds."""
        return not self.reason

    @property
    def lacks_money(self) -> bool:
        """True while it is down for that."""
        return bool(self.reason) and self.status == Status.ESME_RNOMONEY

    @property
    def on_trial(self) -> bool:
        """True when only one hand-over at a time should find out whether it works."""
        return not self._proven or self._failures >= FAILURES_BEFORE_PAUSE or bool(self.reason)

    def succeeded(self) -> None:
        """The provider answered as it should."""
        self._proven = True
        self._failures = 0
        self.reason = ""
        self.status = int(Status.ESME_RSYSERR)

    def failed(self, error: ProviderError, now: float) -> None:
        """A whole hand-over met this error."""
        if isinstance(error, Postponed):
            return  # it is about one message
        if isinstance(error, Throttled):
            self._close(now + error.after)
        elif isinstance(error, Disabled):
            self.reason, self.status = error.reason, error.status
            self._close(now + error.pause)
        else:
            self._failures += 1
            excess = self._failures - FAILURES_BEFORE_PAUSE
            if excess >= 0:
                self.reason, self.status = error.reason, error.status
                self._close(now + backoff(excess, jitter=1.0))

    def doubt(self) -> None:
        """Whether it works is open again: one hand-over has to find out."""
        self._proven = False

    def reopen(self) -> None:
        """A person has changed something: try again now instead of after the pause."""
        self._closed_until = 0.0

    def _close(self, until: float) -> None:
        self._closed_until = max(self._closed_until, until)
