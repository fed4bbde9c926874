"""A simulator of smspilot.ru: a real HTTP server with API-1 and API-2, as strict as the manuals.

In a test: ``async with SmspilotSimulator() as simulator``. By hand:
``python -m tests.simulators.smspilot --port 8081 --apikey KEY``. Messages from phones come by `receive()`, or
by ``/receive?phone=79000000000&text=hello``, an address that smspilot itself does not have.
"""

import argparse
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.simulators.smspilot.account import Account
from tests.simulators.smspilot.api1 import Api1
from tests.simulators.smspilot.api2 import Api2
from tests.simulators.smspilot.gateway import Gateway
from tests.simulators.smspilot.inbox import Inbox
from tests.simulators.smspilot.life import Life
from tests.simulators.smspilot.rules import Rules
from tests.simulators.smspilot.shapes import Accepted
from tests.support.http.by_hand import serve_by_hand
from tests.support.http.callbacks import CallbackSender
from tests.support.http.server import Fault, HttpServer

__all__ = ["Rules", "SmspilotSimulator"]

SERVICE_NUMBER = "79099999999"


class SmspilotSimulator:
    """The gateway. ``accepted`` holds every message taken; ``faults`` breaks coming requests, one each.
    ``clock`` tells the seconds in which it counts questions."""

    def __init__(
        self,
        rules: Rules | None = None,
        *,
        port: int = 0,
        journal: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rules = rules or Rules()
        self.callbacks = CallbackSender(pause=self.rules.retry_pause)
        self._account = Account(self.rules, clock)
        self._life = Life(self.rules, self.callbacks)
        self._inbox = Inbox(self.rules, self.callbacks)
        self._gateway = Gateway(self.rules, self._account, self._life, self._inbox)
        self._journal = journal
        routes = [
            Route("/api.php", Api1(self._gateway).serve, methods=["GET", "POST"]),
            Route("/api2.php", Api2(self._gateway).serve, methods=["GET", "POST"]),
            Route("/receive", self._receive, methods=["GET", "POST"]),
        ]
        self.server = HttpServer(Starlette(routes=routes), port=port)

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def faults(self) -> deque[Fault]:
        return self.server.faults

    @property
    def accepted(self) -> list[Accepted]:
        """Every message sold, the oldest first; calls and checks of numbers, too."""
        return self._gateway.accepted

    @property
    def violations(self) -> list[str]:
        """What earned, or would earn, a ban."""
        return self._account.violations

    @property
    def packets(self) -> int:
        """Send requests that were well-formed, refused ones too."""
        return self._gateway.packets

    def receive(self, phone: str, text: str, num: str = SERVICE_NUMBER, *, at: float | None = None) -> str:
        """A phone sends ``text`` to the service number ``num`` (``at``: Unix time); the id of the message."""
        return self._inbox.receive(phone, text, num, time.time() if at is None else at)

    def age(self, seconds: float) -> None:
        """Let every message that was taken be older by so much."""
        for sms in self._gateway.messages.by_id.values():
            sms.created -= seconds

    def move_on(self) -> None:
        """Every message takes its next step now."""
        self._life.move_on()

    async def __aenter__(self) -> Self:
        if self._journal is not None:
            self._gateway.journal = self._journal.open("a", encoding="utf-8")
        await self.callbacks.start()
        await self.server.__aenter__()
        self._life.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.server.__aexit__(*error)
        await self._life.stop()
        await self.callbacks.stop()
        if self._gateway.journal is not None:
            self._gateway.journal.close()

    async def _receive(self, request: Request) -> Response:
        query = request.query_params
        if not query.get("phone") or "text" not in query:
            return Response("phone and text, please\n", status_code=400)
        return Response(self.receive(query["phone"], query["text"], query.get("num") or SERVICE_NUMBER))


def main() -> None:
    """Run by hand until Ctrl-C."""
    options = argparse.ArgumentParser(
        description="smspilot simulator: API-1 (/api.php) and API-2 (/api2.php)"
    )
    options.add_argument("--port", type=int, default=8081, help="0 = a free one; it is printed")
    options.add_argument("--apikey", default="KEY", help="letters and digits")
    options.add_argument("--delay", type=float, default=1.0, help="seconds between statuses")
    options.add_argument("--poll-interval", type=float, default=120.0, help="asking sooner is flood")
    options.add_argument("--journal", type=Path, help="append one JSON line for each accepted message")
    options.add_argument("--balance", type=float, default=1e9, help="roubles on the account")
    options.add_argument("--callback", default="", help="URL for statuses of messages that name none")
    options.add_argument("--inbound-url", default="", help="URL for messages from phones, see /receive")
    options.add_argument("--sloppy", action="store_true", help="print with the manual's mistakes")
    chosen = vars(options.parse_args())
    port, journal = chosen.pop("port"), chosen.pop("journal")
    serve_by_hand(SmspilotSimulator(Rules(**chosen), port=port, journal=journal))
