"""What a provider brings along to join the contract suite: its simulator, and where it differs."""

from collections import deque
from typing import Protocol, Self

from smppbridge.errors import ProviderError
from smppbridge.providers.base import Callback, Provider, Report
from tests.support.http_server import Fault


class Rig(Protocol):
    """A running simulator, and providers that talk to it."""

    secrets: tuple[str, ...]  # must never be told
    refusals: tuple[tuple[int, type[ProviderError]], ...]  # account errors -> what we make of them
    unfit: tuple[tuple[str, str], ...]  # (sender, text) that the provider would take, but we must not send

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *error: object) -> None: ...

    async def open(
        self, report: Report, *, url: str = "", timeout: float = 10.0, secret: str = ""
    ) -> Provider:
        """A started provider; ``url`` and ``secret`` when they are to be wrong. ``timeout`` in seconds."""

    @property
    def faults(self) -> deque[Fault]:
        """What goes wrong with the requests to come, one each."""

    @property
    def requests(self) -> int:
        """How many requests the simulator has seen."""

    def taken(self) -> list[tuple[str, str]]:
        """(recipient, text) of what the provider's side has really taken."""

    def refuse_recipients(self, *recipients: str) -> None:
        """Messages to these numbers are refused."""

    def refuse_all(self, code: int) -> None:
        """Every request gets this account error."""

    def spend_everything(self) -> None:
        """The account has no money left."""

    def never_deliver(self) -> None:
        """Messages from now on end undelivered."""

    def unknown_ref(self) -> str:
        """A well-formed reference of no message."""

    def callback(self, ref: str, *, delivered: bool) -> Callback:
        """What the provider would tell us about a final status."""

    def garbage_callbacks(self) -> list[Callback]:
        """Requests that are none of the provider's callbacks."""
