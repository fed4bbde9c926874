"""The HTTP server of the bridge: /metrics, /healthz, /readyz and the callbacks of providers.

`web.callbacks` says what becomes of a callback, `flow.readiness` whether the bridge is ready, `web.protocol`
how long a request may take.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from smppbridge.link.acceptor import Acceptor
from smppbridge.link.admission import Admission, Place
from smppbridge.logs import Seldom
from smppbridge.metrics import Metrics
from smppbridge.web.callbacks import Callbacks
from smppbridge.web.metrics_page import MetricsPage
from smppbridge.web.protocol import WebBudgets, WebProtocol

MOST_WAITING = 400  # connections without a whole request
OF_ONE = 150  # of these, from one address: a proxy may bring the callbacks of all providers
MOST_ANSWERING = 400  # connections whose request is being answered
MOST_HEAD = 16 << 10  # octets of the head of a request
_TO_END = 5  # seconds for the requests under way, at a stop

Readiness = Callable[[], Awaitable[list[str]]]
"""Returns the reasons why the bridge is not ready: an empty list when it is ready."""


class Web:
    """The HTTP server. `start` and `stop` once each; ``application`` serves without a socket, too."""

    def __init__(
        self,
        metrics: Metrics,
        callbacks: Callbacks,
        readiness: Readiness,
        admission: Admission,
        *,
        metrics_token: str = "",
    ) -> None:
        """``metrics_token``: see `MetricsPage`."""
        self._readiness = readiness
        self._admission = admission
        self._budgets = WebBudgets(admission, MOST_WAITING, OF_ONE, MOST_ANSWERING)
        self._acceptor: Acceptor | None = None
        self._server: _Uvicorn | None = None
        self._serving: asyncio.Task[None] | None = None
        self.application = Starlette(
            routes=[
                Route("/metrics", MetricsPage(metrics, metrics_token).answer),
                Route("/healthz", self._health),
                Route("/readyz", self._ready),
                Route("/callbacks/{provider}/{token}", callbacks.receive, methods=["GET", "POST"]),
            ]
        )

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port. ``port`` 0 asks for a free one. Raises OSError."""
        config = uvicorn.Config(
            self.application,
            http=WebProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=_TO_END,
            h11_max_incomplete_event_size=MOST_HEAD,
        )
        server = _Uvicorn(config)

        def connected(place: Place) -> WebProtocol:
            return WebProtocol(config, server.server_state, self._budgets, place)

        acceptor = Acceptor(self._admission, self._budgets.waiting, connected)
        bound = await acceptor.listen(host, port)
        logging.getLogger("uvicorn.error").addFilter(_ONCE_A_MINUTE)
        self._acceptor, self._server = acceptor, server
        self._serving = asyncio.get_running_loop().create_task(server.serve(sockets=[]))
        return bound

    async def stop(self) -> None:
        """Stop listening, and wait for the requests under way, 5 s at most."""
        if self._acceptor is None or self._server is None or self._serving is None:
            return
        await self._acceptor.stop()
        self._server.should_exit = True
        await self._serving
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()

    # --- pages ---------------------------------------------------------------------------------

    async def _health(self, request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def _ready(self, request: Request) -> Response:
        reasons = await self._readiness()
        return JSONResponse({"ready": not reasons, "reasons": reasons}, status_code=503 if reasons else 200)


class _Uvicorn(uvicorn.Server):
    """uvicorn without its signal handlers: the signals belong to `commands.serve`. And without a listening
    socket: connections come from our `Acceptor`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _OnceAMinute(logging.Filter):
    """What uvicorn says about requests anybody can make it say again and again."""

    def __init__(self) -> None:
        super().__init__()
        self._seldom = Seldom(60.0, keys=20)

    def filter(self, record: logging.LogRecord) -> bool:
        count = self._seldom.allows(record.msg, time.monotonic())
        if count > 1:
            record.fields = {"times": count}
        return count > 0


_ONCE_A_MINUTE = _OnceAMinute()
