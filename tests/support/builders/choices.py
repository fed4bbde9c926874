"""Which providers may be used, for rules that choose among them."""

from typing import NamedTuple

from smppbridge.model.route import Choice
from smppbridge.smpp.constants import Status


class Providers(NamedTuple):
    """Implements ``model.route.Choice``."""

    down: str = ""
    spared: str = ""

    def usable(self, provider: str) -> bool:
        return provider not in self.down + self.spared

    def working(self, provider: str) -> bool:
        return provider not in self.down

    def status(self, provider: str) -> int:
        return Status.ESME_RSYSERR


def choice(down: str = "", spared: str = "") -> Choice:
    """All providers work, except these: each letter is a name."""
    return Providers(down, spared)
