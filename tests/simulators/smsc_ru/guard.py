"""What smsc.ru's simulator does against clients that ask too much: counts, bans, violations."""

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

from tests.simulators.smsc_ru.rules import CONCURRENT, Refusal, Rules


class Guard:
    """``violations`` names everything that earned, or would earn, a ban. ``clock`` tells seconds."""

    def __init__(self, rules: Rules, clock: Callable[[], float]) -> None:
        self.violations: list[str] = []
        self.peak = 0  # the most requests that were carried out at once
        self._rules = rules
        self._clock = clock
        self._times: dict[Hashable, deque[float]] = {}
        self._running: dict[str, int] = {}
        self._blocked_until = float("-inf")
        self._floods: dict[str, tuple[int, float]] = {}  # phone -> (messages in a row, time of the last)

    # --- counting ----------------------------------------------------------------------------------

    def note(self, what: Hashable) -> None:
        self._times.setdefault(what, deque()).append(self._clock())

    def seen(self, what: Hashable, window: float) -> int:
        """How often ``what`` was noted in the last ``window`` seconds."""
        times = self._times.get(what)
        if times is None:
            return 0
        while times and self._clock() - times[0] >= window:
            times.popleft()
        return len(times)

    def limit(self, what: Hashable, times: int, window: float, words: str, *, violation: bool) -> None:
        """Note ``what`` once more, unless that is more than ``times`` in ``window``: Refusal(9)."""
        if self.seen(what, window) >= times:
            if violation:
                self.violations.append(words)
            raise Refusal(9, words)
        self.note(what)

    # --- the address -------------------------------------------------------------------------------

    def check_address(self) -> None:
        if self._clock() < self._blocked_until:
            raise Refusal(4)

    def authentication_failed(self) -> None:
        """Always raises; five in half an hour block the address."""
        rules = self._rules
        self.note("authentication")
        if self.seen("authentication", rules.auth_window) >= rules.auth_errors:
            self._ban("too many authentication errors", rules.auth_ban)
            self._times.pop("authentication")
        raise Refusal(2)

    def send_refused(self) -> None:
        rules = self._rules
        self.note("refused")
        if self.seen("refused", rules.bad_window) >= rules.bad_sends:
            self._ban("too many refused sends in a row", rules.bad_ban)
            self._times.pop("refused")

    def send_accepted(self) -> None:
        self._times.pop("refused", None)

    def _ban(self, what: str, seconds: float) -> None:
        self.violations.append(what)
        self._blocked_until = self._clock() + seconds

    # --- parallel requests, floods -----------------------------------------------------------------

    @property
    def under_way(self) -> int:
        """How many requests are being carried out."""
        return sum(self._running.values())

    @contextmanager
    def running(self, endpoint: str) -> Iterator[None]:
        """One request is being carried out. Raises Refusal(9) when there are too many already."""
        of_all, of_status = self.under_way, self._running.get("status", 0)
        crowded = endpoint == "status" and of_status >= self._rules.max_parallel_status
        if crowded or of_all >= self._rules.max_parallel:
            self.violations.append(f"{CONCURRENT}: {endpoint}")
            raise Refusal(9, CONCURRENT)
        self._running[endpoint] = self._running.get(endpoint, 0) + 1
        self.peak = max(self.peak, self.under_way)
        try:
            yield
        finally:
            self._running[endpoint] -= 1

    def floods(self, phone: str) -> bool:
        """Count a message to ``phone``; True when it is one too many without a pause."""
        count, last = self._floods.get(phone, (0, float("-inf")))
        now = self._clock()
        count = count + 1 if now - last < self._rules.flood_gap else 1
        self._floods[phone] = count, now
        if count > self._rules.flood_count:
            self.violations.append("flood to one subscriber")
            return True
        return False
