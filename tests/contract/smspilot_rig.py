"""smspilot and its simulator, as the provider contract needs them."""

import random
from collections import deque
from typing import Self

from pydantic import SecretStr

from smppbridge.errors import Disabled, ProviderError, Unavailable
from smppbridge.providers.base import Callback, Provider, Report
from smppbridge.providers.smspilot import Smspilot, SmspilotOptions
from tests.support.http_server import Fault
from tests.support.smspilot import Rules, SmspilotSimulator

APIKEY = "5ECRETKEY5ECRETKEY5ECRETKEY5ECRETKEY5ECRETKEY5ECRETKEY5ECRETKEY0"


class SmspilotRig:
    """One simulator, and providers that talk to it."""

    secrets: tuple[str, ...] = (APIKEY,)
    # what the provider may say about us -> what we make of it
    refusals: tuple[tuple[int, type[ProviderError]], ...] = (
        (106, Disabled),
        (110, Unavailable),
        (113, Disabled),
    )
    # each buys another service
    unfit: tuple[tuple[str, str], ...] = (("Demo", "HLR"), ("Demo", "ping\0"), ("VIBER", "Привет"))

    def __init__(self) -> None:
        self.simulator = SmspilotSimulator(Rules(apikey=APIKEY, delay=0.02, poll_interval=0))
        self._opened: list[Smspilot] = []

    async def __aenter__(self) -> Self:
        await self.simulator.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        for provider in self._opened:
            await provider.close()
        await self.simulator.__aexit__(*error)

    async def open(
        self, report: Report, *, url: str = "", timeout: float = 10.0, secret: str = ""
    ) -> Provider:
        """A started provider; ``url`` and ``secret`` when they are to be wrong."""
        options = SmspilotOptions(
            kind="smspilot",
            apikey=SecretStr(secret or APIKEY),
            url=url or self.simulator.url,
            timeout=timeout,
            parallel=2,
        )
        provider = Smspilot("pilot", options)
        await provider.start(report)
        self._opened.append(provider)
        return provider

    @property
    def faults(self) -> deque[Fault]:
        return self.simulator.faults

    @property
    def requests(self) -> int:
        return self.simulator.server.requests

    def taken(self) -> list[tuple[str, str]]:
        """(recipient, text) of what the provider's side has really taken."""
        return [(row["to"], row["text"]) for row in self.simulator.accepted]

    def refuse_recipients(self, *recipients: str) -> None:
        self.simulator.rules.black_list = frozenset(recipients)

    def refuse_all(self, code: int) -> None:
        """Every request gets this account error."""
        self.simulator.rules.blocked = code

    def spend_everything(self) -> None:
        self.simulator.rules.balance = 0.5

    def never_deliver(self) -> None:
        self.simulator.rules.outcome = (-1, 601)

    def unknown_ref(self) -> str:
        return str(random.randrange(10**8, 10**9))

    def callback(self, ref: str, *, delivered: bool) -> Callback:
        status = {"status": "2", "error": "0"} if delivered else {"status": "-1", "error": "601"}
        return Callback("POST", {}, {}, {"server_id": ref, "phone": "79000000001", **status})

    def garbage_callbacks(self) -> list[Callback]:
        return [
            Callback("GET", {}, {}),
            Callback("GET", {"server_id": "10005"}, {}),
            Callback("GET", {"status": "2"}, {}),
            Callback("GET", {"server_id": "0", "status": "2"}, {}),
            Callback("GET", {"server_id": "one", "status": "2"}, {}),
            Callback("POST", {}, {}, {"server_id": "10005", "status": "delivered"}),
            Callback("POST", {}, {}, {}, b"\xff\x00garbage"),
        ]
