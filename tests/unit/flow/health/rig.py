"""The health of a provider, for the tests of it."""

from typing import Any

from smppbridge.errors import Disabled
from smppbridge.flow.health.health import ProviderHealth
from smppbridge.metrics import Metrics
from smppbridge.providers.base import Taken
from smppbridge.smpp.constants import Status
from tests.support.bridge.scripted_provider import ScriptedProvider

TAKEN = Taken("ref-1")
WRONG_KEY = Disabled("wrong key", pause=600.0)
NO_MONEY = Disabled("no money", pause=600.0, status=Status.ESME_RNOMONEY)


class Rig:
    """The health of a provider, that provider, the time, and what was announced."""

    def __init__(self, **limits: Any) -> None:
        self.now = 100.0
        self.lab = ScriptedProvider("lab", **limits)
        self.metrics = Metrics()
        self.changes: list[str] = []
        self.health = ProviderHealth(self.lab, self.metrics, lambda: self.now, self.changes.append)

    def value(self, name: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"smppbridge_{name}", {"provider": "lab"})

    @property
    def open(self) -> bool:
        return self.health.pause() == 0.0
