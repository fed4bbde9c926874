"""A real HTTP server for simulators, in the test's own event loop, that can also misbehave on purpose.

uvicorn's HTTP protocol carries any ASGI application; faults are played around the application, so that
every simulator has the same ones: before or after it has acted on the request.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections import deque
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from email.utils import formatdate
from enum import Enum
from typing import Any, Self

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

HANG = 3600.0  # seconds: longer than any client waits


@dataclass(frozen=True, slots=True)
class Play:
    """How one fault goes. ``acts``: the request is carried out first."""

    acts: bool
    pause: float = 0.0  # seconds before the answer
    reset: bool = False  # the connection is reset instead of the (rest of the) answer
    half: bool = False  # half of the answer comes first
    status: int = 0  # another answer than the simulator's own
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


_PAGE = b"<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Sorry</h1></body></html>"


class Fault(Enum):
    """What may go wrong with one request."""

    RESET_BEFORE = Play(acts=False, reset=True)
    RESET_AFTER = Play(acts=True, reset=True)
    CUT_ANSWER = Play(acts=True, reset=True, half=True)
    HANG_BEFORE = Play(acts=False, pause=HANG)
    HANG_AFTER = Play(acts=True, pause=HANG)
    SLOW = Play(acts=True, pause=0.3)
    GARBAGE = Play(acts=True, status=200, body=b"\x00\xff{]]garbage\xfe" * 50)
    EMPTY = Play(acts=True, status=200)
    HTML = Play(acts=True, status=200, body=_PAGE, headers={"content-type": "text/html"})
    REDIRECT = Play(acts=False, status=302, headers={"location": "/elsewhere"})
    MOVED = Play(acts=False, status=308, headers={"location": "https://moved.example/elsewhere?key=1"})
    HTTP_408 = Play(acts=False, status=408, body=_PAGE)
    HTTP_425 = Play(acts=False, status=425, body=_PAGE)
    HTTP_429 = Play(acts=False, status=429, headers={"retry-after": "17"})
    HTTP_429_PLAIN = Play(acts=False, status=429)
    HTTP_500 = Play(acts=True, status=500, body=_PAGE)
    HTTP_502 = Play(acts=True, status=502, body=_PAGE)
    HTTP_503 = Play(acts=False, status=503, body=_PAGE)
    HTTP_504 = Play(acts=True, status=504, body=_PAGE)


class HttpServer:
    """Serves ``app`` on 127.0.0.1 while the `async with` lasts. ``faults``: one for each request to come."""

    def __init__(self, app: ASGIApp, *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.port = port
        self.faults: deque[Fault] = deque()
        self.latency = 0.0  # seconds before each request is looked at: a provider far away
        self.requests = 0
        self.hung = 0  # requests that got no answer at once, as their fault says
        self.go_on = asyncio.Event()  # when it is set, those that wait for their pause are answered
        self._app = app
        self._tls = tls
        self._state = ServerState()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Base URL, without a slash at the end."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        config = Config(
            self._faulty,
            interface="asgi3",
            proxy_headers=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            ws="none",
            timeout_keep_alive=75,
        )
        config.load()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: H11Protocol(config, self._state, {}, loop),
            "127.0.0.1",
            self.port,
            ssl=self._tls,
            reuse_address=True,
            backlog=1024,
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._state.tasks):
            task.cancel()
        for connection in list(self._state.connections):
            connection.transport.abort()
        await asyncio.gather(*self._state.tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _faulty(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests += 1
        if self.latency:
            await asyncio.sleep(self.latency)
        if not self.faults:
            await self._app(scope, receive, send)
            return
        play = self.faults.popleft().value
        answer = _Recorder()
        if play.acts:
            await self._app(scope, receive, answer)
        else:
            await _read_all(receive)
        if play.pause:
            self.hung += 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(play.pause):
                    await self.go_on.wait()
        if play.status:
            answer.replace(play)
        if play.half:
            await answer.half().replay(send)
            await asyncio.sleep(0.05)  # let the half reach the client before the reset overtakes it
        if play.reset:
            self._reset(scope["client"])
            await asyncio.sleep(0.01)  # until uvicorn has noticed; else it would add an answer of its own
        else:
            await answer.replay(send)

    def _reset(self, client: tuple[str, int]) -> None:
        """Send RST instead of an orderly close."""
        for connection in self._state.connections:
            if isinstance(connection, H11Protocol) and connection.client == client:
                sock: socket.socket = connection.transport.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.transport.abort()
                return


class _Recorder:
    """Stands in for `send`, so that an answer can be held back, replaced or cut."""

    def __init__(self) -> None:
        self._messages: list[MutableMapping[str, Any]] = []

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        self._messages.append(message)

    def replace(self, play: Play) -> None:
        headers = {"content-length": str(len(play.body)), "date": formatdate(usegmt=True), **play.headers}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        self._messages = [
            {"type": "http.response.start", "status": play.status, "headers": raw},
            {"type": "http.response.body", "body": play.body},
        ]

    def half(self) -> "_Recorder":
        start, body, *_ = self._messages
        cut = _Recorder()
        octets = body["body"]
        cut._messages = [start, {**body, "body": octets[: len(octets) // 2], "more_body": True}]
        return cut

    async def replay(self, send: Send) -> None:
        for message in self._messages:
            await send(message)


async def _read_all(receive: Receive) -> None:
    while (await receive()).get("more_body"):
        pass
