"""Providers as far as appraising asks them, and routes to them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from smppbridge.errors import Refused
from smppbridge.model.message import Draft
from smppbridge.model.route import Choice, Route, Router
from smppbridge.submission.appraisal import Appraiser
from tests.support.builders.choice import Available

NOW = 1_790_000_000_000  # ms
HOUR = 3_600_000


@dataclass
class FakeChecker:
    """Refuses with ``status`` what ``takes`` does not let through, and notes what it was asked."""

    name: str = "lab"
    status: int = 0
    takes: Callable[[Draft], bool] = lambda draft: False
    services: frozenset[str] = frozenset()
    takes_parts: bool = False
    takes_protocol_id: bool = False
    keeps: bool = False  # scheduled messages
    asked: list[Draft] = field(default_factory=list)
    times: list[tuple[int, int]] = field(default_factory=list)

    def check(self, draft: Draft) -> None:
        self.asked.append(draft)
        if self.status and not self.takes(draft):
            raise Refused(self.status, f"{self.name} does not carry it")

    def schedules(self, send_at: int, now: int) -> bool:
        self.times.append((send_at, now))
        return self.keeps


def choice(down: Sequence[str] = (), spared: Sequence[str] = (), status: int = 0x45) -> Choice:
    """Every provider works and has money, but those that are ``down`` or ``spared``."""
    return Available(down, spared, status)


def appraiser(*checkers: FakeChecker, routes: Sequence[Route] = (), by: Choice | None = None) -> Appraiser:
    """By default one route to all of ``checkers`` in their order."""
    named = {one.name: one for one in checkers}
    return Appraiser(Router(routes or (Route(to=tuple(named)),)), named, by or choice())
