"""A provider in the bridge's own process that does what a test says, and a bridge that has some of them."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import yaml

from smppbridge.app import App
from smppbridge.config.sections import Config
from smppbridge.errors import ProviderError, Refused, WrongSignature
from smppbridge.flow.wall_clock import elapsed_ms, now_ms
from smppbridge.model.message import Doubt, Draft, Inbound, Message, Poll, StatusReport
from smppbridge.providers.base import Callback, Limits, News, SendResult, Taken, Trace, Upcalls
from smppbridge.smpp.constants import Status
from tests.support.bridge.running import PATIENCE, config

QUIET: dict[str, Any] = {"batch": 10, "parallel": 1, "poll_interval": 0, "balance_interval": 0}
"""Nothing is asked by itself."""

_CALLBACKS = {"web": {"host": "127.0.0.1", "port": 0, "secret": "of callback tokens"}}


class ScriptedProvider:
    """Takes every message under ``ref-<n>``, unless ``answers`` says something else about the next ones."""

    def __init__(self, name: str, *, services: Sequence[str] = (), **limits: Any) -> None:
        self.name = name
        self.services = frozenset(services)
        self.limits = Limits(**QUIET | limits)
        self.last_balance: float | None = None
        self.codes: frozenset[str] = frozenset()
        self.money: float | ProviderError | None = None  # what balance() says
        self.answers: deque[SendResult] = deque()
        self.sent: list[Message] = []  # all that it was asked to send
        self.sent_at: list[float] = []  # and when, by the loop's clock
        self.balances_asked = 0
        self.reports: deque[StatusReport] = deque()  # what status() says, each once
        self.polled: list[int] = []
        self.traces: Callable[[Doubt], Trace | ProviderError | None] = lambda doubt: None
        self.found: list[list[Doubt]] = []  # every question about doubts
        self.phones: list[Inbound] = []  # what inbound() says; only what is new when it is asked for that
        self.inbound_asked: list[int | None] = []
        self.inbound_fails: deque[ProviderError] = deque()
        self.news: list[News] = []  # what a callback tells
        self.takes_binary = True
        self.takes_parts = False
        self.takes_protocol_id = True
        self.schedules_itself = False
        self._told = 0
        self._upcalls: Upcalls | None = None

    async def start(self, upcalls: Upcalls) -> None:
        self._upcalls = upcalls
        self._told = 0

    def stop(self) -> None:
        """Whatever is under way ends at once anyway."""

    async def close(self) -> None:
        """Nothing is open."""

    def check(self, draft: Draft) -> None:
        if draft.octets is not None and not self.takes_binary:
            raise Refused(Status.ESME_RINVENCODING, "binary content is not carried")

    def schedules(self, send_at: int, now: int) -> bool:
        return self.schedules_itself

    async def send(self, messages: Sequence[Message], now: int) -> list[SendResult]:
        results: list[SendResult] = []
        for message in messages:
            self.sent.append(message)
            self.sent_at.append(asyncio.get_running_loop().time())
            results.append(self.answers.popleft() if self.answers else Taken(f"ref-{len(self.sent)}"))
        return results

    async def status(self, polls: Sequence[Poll]) -> list[StatusReport]:
        self.polled += [poll.id for poll in polls]
        reports = list(self.reports)
        self.reports.clear()
        return reports

    async def find(self, doubts: Sequence[Doubt], now: int) -> list[Trace]:
        self.found.append(list(doubts))
        told = [self.traces(doubt) for doubt in doubts]
        for one in told:
            if isinstance(one, ProviderError):
                raise one
        return [one for one in told if isinstance(one, Trace)]

    async def inbound(self, since: int | None) -> list[Inbound]:
        self.inbound_asked.append(since)
        if self.inbound_fails:
            raise self.inbound_fails.popleft()
        begin = self._told if since is None else 0
        self._told = len(self.phones)
        return [one for one in self.phones[begin:] if since is None or one.at >= since]

    def parse_callback(self, callback: Callback) -> list[News]:
        if callback.headers.get("x-signature") == "forged":
            raise WrongSignature("the signature is not the provider's")
        return list(self.news)

    async def balance(self) -> float | None:
        self.balances_asked += 1
        if isinstance(self.money, ProviderError):
            raise self.money
        return self.money

    async def push(self, *reports: StatusReport) -> None:
        """Tell statuses; returns after COMMIT."""
        assert self._upcalls is not None
        await self._upcalls.report(reports)


def settings(providers: Sequence[ScriptedProvider], sections: str = "") -> str:
    """Sections of a configuration whose providers are scripted; one route through all of them by default."""
    names = [provider.name for provider in providers]
    own = {
        "providers": {name: {"kind": "sandbox"} for name in names},
        "routes": [{"to": names}],
        **_CALLBACKS,
        **(yaml.safe_load(sections) or {}),
    }
    return yaml.safe_dump(own)


@asynccontextmanager
async def scripted(
    directory: Path,
    *providers: ScriptedProvider,
    sections: str = "",
    clock: Callable[[], int] = now_ms,
) -> AsyncIterator[App]:
    """A running App on free ports, whose providers are these."""
    app = App(
        scripted_config(directory, *providers, sections=sections),
        clock,
        elapsed_ms if clock is now_ms else clock,
    )
    app.providers.update({provider.name: provider for provider in providers})
    await app.start()
    try:
        yield app
    finally:
        await app.stop()


def scripted_config(directory: Path, *providers: ScriptedProvider, sections: str = "") -> Config:
    """The configuration of `scripted`, for a reload."""
    return config(directory, settings(providers, sections))


async def call_back(app: App, provider: ScriptedProvider, signature: str = "") -> int:
    """Call the bridge with ``provider.news``; the HTTP status of its answer."""
    token = scripted_config(Path(), provider).callback_token(provider.name)
    path = f"/callbacks/{provider.name}/{token}"
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        answer = await client.post(
            f"http://127.0.0.1:{app.web_port}{path}", headers={"X-Signature": signature}, content=b"news"
        )
    return answer.status_code
