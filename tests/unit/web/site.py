"""A web port, and who talks to it octet by octet."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, Self

from smppbridge.link.admission import Admission
from smppbridge.metrics import Metrics
from smppbridge.providers.base import News
from smppbridge.providers.smspilot.provider import Smspilot, SmspilotOptions
from smppbridge.web.callbacks import Callbacks
from smppbridge.web.server import Web
from tests.support.system.clock import clock, time_flies, until

CALLBACK = "/callbacks/pilot/token"


class Answered(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


class Peer:
    """One connection to the port."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def say(self, text: str) -> None:
        self._writer.write(text.replace("\n", "\r\n").encode())

    async def hear(self, *, body: bool = True) -> Answered:
        """The next answer."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        fields = (line.partition(": ") for line in head[1:] if line)
        headers = {name.lower(): value for name, _, value in fields}
        length = int(headers.get("content-length", 0)) if body else 0
        return Answered(int(head[0].split()[1]), headers, await self._reader.readexactly(length))

    async def ask(self, path: str, *headers: str, method: str = "GET") -> Answered:
        """The answer to a request."""
        self.say("\n".join([f"{method} {path} HTTP/1.1", "Host: bridge", *headers, "", ""]))
        return await self.hear(body=method != "HEAD")

    async def rest(self) -> bytes:
        """What comes until the bridge ends the connection."""
        return await self._reader.read()

    @property
    def closed(self) -> bool:
        """Whether the bridge has ended the connection, and everything it said was heard."""
        return self._reader.at_eof() or self._reader.exception() is not None

    def hang_up(self) -> None:
        self._writer.close()


class Site:
    """The web port. ``saving``: callbacks are answered when it is set. ``asked``: how often for /readyz."""

    def __init__(self, token: str) -> None:
        self.metrics = Metrics()
        self.admission = Admission(1000, self.metrics)
        self.saving = asyncio.Event()
        self.saving.set()
        self.asked = 0
        options = SmspilotOptions.model_validate({"kind": "smspilot", "apikey": "K"})
        callbacks = Callbacks({"pilot": Smspilot("pilot", options)}, {"pilot": "token"}, self._hear)
        self.web = Web(self.metrics, callbacks, self._reasons, self.admission, metrics_token=token)
        self.port = 0
        self._peers: list[Peer] = []
        self._heard = False  # a callback came

    async def connect(self) -> Peer:
        """Somebody connects."""
        peer = await Peer.connect(self.port)
        self._peers.append(peer)
        return peer

    async def ask(self, path: str, *headers: str, method: str = "GET") -> Answered:
        """The answer to a request on a connection of its own."""
        return await (await self.connect()).ask(path, *headers, method=method)

    async def busy(self) -> Peer:
        """Somebody whose callback is not answered before `saving` is set."""
        self.saving.clear()
        peer = await self.connect()
        peer.say(f"GET {CALLBACK}?server_id=1&status=2 HTTP/1.1\nHost: bridge\n\n")
        await until(lambda: self._heard)
        return peer

    def hang_up(self) -> None:
        """All of them leave."""
        for peer in self._peers:
            peer.hang_up()

    async def _hear(self, name: str, news: Sequence[News]) -> None:
        self._heard = True
        await self.saving.wait()

    async def _reasons(self) -> list[str]:
        self.asked += 1
        return []


@asynccontextmanager
async def site(token: str = "") -> AsyncIterator[Site]:
    this = Site(token)
    this.port = await this.web.start("127.0.0.1", 0)
    try:
        yield this
    finally:
        this.saving.set()
        this.hang_up()
        clock().start_clock()
        stopping = asyncio.create_task(this.web.stop())
        await time_flies(stopping.done)
        await stopping
