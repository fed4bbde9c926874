"""The HTTP server of the bridge: /metrics, /healthz, /readyz and the callbacks of providers.

`web.callbacks` says what becomes of a callback, `flow.readiness` whether the bridge is ready.
"""

import asyncio
import contextlib
import re
import socket
from collections.abc import Awaitable, Callable, Iterator

import h11
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from smppbridge.metrics import CONTENT_TYPE, Metrics
from smppbridge.web.callbacks import Callbacks

MAX_REQUESTS = 500  # connections and requests at once; uvicorn answers further requests with 503
_HIGH_OCTET = re.compile(rb"[\x80-\xff]")

Readiness = Callable[[], Awaitable[list[str]]]
"""Returns the reasons why the bridge is not ready: an empty list when it is ready."""


class Web:
    """The HTTP server. `start` and `stop` once each; ``application`` serves without a socket, too."""

    def __init__(self, metrics: Metrics, callbacks: Callbacks, readiness: Readiness) -> None:
        self._metrics = metrics
        self._readiness = readiness
        self._server: _Uvicorn | None = None
        self._serving: asyncio.Task[None] | None = None
        self.application = Starlette(
            routes=[
                Route("/metrics", self._expose),
                Route("/healthz", self._health),
                Route("/readyz", self._ready),
                Route("/callbacks/{provider}/{token}", callbacks.receive, methods=["GET", "POST"]),
            ]
        )

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port. ``port`` 0 asks for a free one. Raises OSError."""
        listener = _listening_socket(host, port)
        config = uvicorn.Config(
            self.application,
            http=_LenientProtocol,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=5,
            limit_concurrency=MAX_REQUESTS,
        )
        self._server = _Uvicorn(config)
        self._serving = asyncio.get_running_loop().create_task(self._server.serve(sockets=[listener]))
        bound: int = listener.getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Stop listening, and wait for the requests under way, 5 s at most."""
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving

    # --- pages ---------------------------------------------------------------------------------

    async def _expose(self, request: Request) -> Response:
        return Response(self._metrics.expose(), media_type=CONTENT_TYPE)

    async def _health(self, request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def _ready(self, request: Request) -> Response:
        reasons = await self._readiness()
        return JSONResponse({"ready": not reasons, "reasons": reasons}, status_code=503 if reasons else 200)


class _LenientProtocol(H11Protocol):
    """HTTP/1.1, and octets above 0x7F in the address of a request, which RFC 9112 wants percent-encoded:
    smspilot shows callbacks with them (API-1 §2.1)."""

    def data_received(self, data: bytes) -> None:
        if not data.isascii() and self.conn.their_state is h11.IDLE:
            begun, _ = self.conn.trailing_data  # of the request, as far as it came before
            if b"\n" not in begun:
                line, end, rest = data.partition(b"\n")
                data = _HIGH_OCTET.sub(lambda found: b"%%%02X" % ord(found[0]), line) + end + rest
        super().data_received(data)


class _Uvicorn(uvicorn.Server):
    """uvicorn without its signal handlers: the signals belong to `commands.serve`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listening_socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named asyncio sets TCP_NODELAY: else each answer waits 40 ms for an acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listener
