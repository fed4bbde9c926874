"""The circuit breaker of one provider: whether a hand-over may begin now.

It has three states:

1. Closed: hand-overs begin freely.
2. Open: nothing is handed over until the pause ends. A provider opens it by asking for a pause (`Throttled`),
   by refusing us (`Disabled`), or by failing `FAILURES_BEFORE_PAUSE` times in a row.
3. On trial, or "half open": the pause is over, or the provider has never worked yet. One hand-over at a time
   finds out whether it works, or a few do. A success closes the breaker.

Pure state. The clock is an argument: seconds that do not jump.
"""

from smppbridge.errors import Disabled, Postponed, ProviderError, Throttled
from smppbridge.model.backoff import backoff
from smppbridge.smpp.constants import Status

FAILURES_BEFORE_PAUSE = 3  # hand-overs in a row that the provider did not work for


class CircuitBreaker:
    """Closed at first, and on trial until the first success.

    ``reason`` says why the provider is down, for /readyz and the log; "" while it works. ``status`` is the
    command_status for an ESME that waits for the provider.
    """

    def __init__(self) -> None:
        self._open_until = 0.0  # after failures
        self._slow_until = 0.0  # because we were too fast
        self._failures = 0
        self._throttled = False  # and nothing was taken since
        self.failed_at = 0.0  # what began before, and goes well, proves nothing
        self._proven = False  # a first success: several requests with a wrong key can earn a ban at once
        self.reason = ""
        self.status = int(Status.ESME_RSYSERR)

    def allows(self, now: float) -> bool:
        """Whether a hand-over may begin."""
        return self.wait(now) == 0.0

    def wait(self, now: float) -> float:
        """Seconds until a hand-over may begin; 0 = now."""
        return max(0.0, self._open_until - now, self._slow_until - now)

    @property
    def works(self) -> bool:
        """False from a pause for a failure until a hand-over succeeds."""
        return not self.reason

    @property
    def lacks_money(self) -> bool:
        """Whether the provider is down because no money is left there."""
        return bool(self.reason) and self.status == Status.ESME_RNOMONEY

    @property
    def on_trial(self) -> bool:
        """Whether only one hand-over at a time may find out if the provider works."""
        return not self._proven or self._failures >= FAILURES_BEFORE_PAUSE or bool(self.reason)

    @property
    def in_doubt(self) -> bool:
        """Whether there was trouble since the last success: the message that met it may be the cause."""
        return self._failures > 0 or self._throttled or bool(self.reason)

    def record_success(self) -> None:
        """The provider answered as it should. That ends a pause after failures, not that of `Throttled`."""
        self._proven = True
        self._throttled = False
        self._failures = 0
        self._open_until = 0.0
        self.reason = ""
        self.status = int(Status.ESME_RSYSERR)

    def record_failure(self, error: ProviderError, now: float) -> None:
        """A whole hand-over met this error."""
        if isinstance(error, Postponed):
            return  # it is about one message
        if isinstance(error, Throttled):
            self._throttled = True
            self._slow_until = max(self._slow_until, now + error.after)
        elif isinstance(error, Disabled):
            self.reason, self.status = error.reason, error.status
            self._open(now + error.pause)
        elif now >= self._open_until:  # else it began before the pause, whose cause is its cause
            self._failures += 1
            excess = self._failures - FAILURES_BEFORE_PAUSE
            if excess >= 0:
                self.reason, self.status = error.reason, error.status
                self._open(now + backoff(excess, jitter=1.0))

    def require_trial(self) -> None:
        """The provider has to prove anew that it works, for instance after a reconnection."""
        self._proven = False

    def retry_now(self) -> None:
        """End the pause: a person has changed something."""
        self._open_until = self._slow_until = 0.0

    def _open(self, until: float) -> None:
        """A shorter pause never ends a longer one."""
        self._open_until = max(self._open_until, until)
