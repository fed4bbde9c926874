"""Which providers may be used, as a test says."""

from collections.abc import Collection
from dataclasses import dataclass

from smppbridge.smpp.constants import Status


@dataclass(frozen=True, slots=True)
class Available:
    """Who may be used: all but those ``down`` or ``spared``. Implements ``model.route.Choice``."""

    down: Collection[str] = ()
    spared: Collection[str] = ()
    why: int = Status.ESME_RSYSERR  # what `status` says

    def usable(self, provider: str) -> bool:
        return provider not in self.down and provider not in self.spared

    def working(self, provider: str) -> bool:
        return provider not in self.down

    def status(self, provider: str) -> int:
        return self.why
