"""HTTP of the bridge: /metrics, /healthz, /readyz and the providers' callbacks.

What a callback means and whether the bridge is ready is not known here: `app` hands in callables.
"""

import asyncio
import contextlib
import hmac
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from smppbridge.errors import StoreError, WrongSignature
from smppbridge.logs import event
from smppbridge.metrics import CONTENT_TYPE, Metrics
from smppbridge.providers.base import Callback, News, Provider

log = logging.getLogger(__name__)

MAX_BODY = 1 << 20  # octets of a callback's body
BODY_TIMEOUT = 10.0  # seconds for it to come
MAX_REQUESTS = 500  # at once; more are answered 503
_FORM = "application/x-www-form-urlencoded"

Hear = Callable[[str, Sequence[News]], Awaitable[None]]
"""Takes what a provider tells; returns after COMMIT."""
Readiness = Callable[[], Awaitable[list[str]]]
"""The reasons why the bridge is not ready; none when it is."""


class Web:
    """The HTTP side. ``tokens`` maps each provider's name to the secret part of its callback path."""

    def __init__(
        self,
        metrics: Metrics,
        providers: Mapping[str, Provider],
        tokens: Mapping[str, str],
        hear: Hear,
        readiness: Readiness,
    ) -> None:
        self._metrics = metrics
        self._providers = providers
        self._tokens = tokens
        self._hear = hear
        self._readiness = readiness
        self._server: _Uvicorn | None = None
        self._serving: asyncio.Task[None] | None = None
        self.application = Starlette(
            routes=[
                Route("/metrics", self._expose),
                Route("/healthz", self._health),
                Route("/readyz", self._ready),
                Route("/callbacks/{provider}/{token}", self._callback, methods=["GET", "POST"]),
            ]
        )

    async def start(self, host: str, port: int) -> int:
        """Listen; the port it got (``port`` 0: a free one). Raises OSError."""
        listener = _listening_socket(host, port)
        config = uvicorn.Config(
            self.application,
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
        """Finish the requests under way and stop listening."""
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

    async def _callback(self, request: Request) -> Response:
        """What a provider tells. 200 only after COMMIT: anything else makes the provider try again."""
        name, token = request.path_params["provider"], request.path_params["token"]
        if not hmac.compare_digest(token.encode(), self._tokens.get(name, "").encode()) or not token:
            return PlainTextResponse("not found\n", status_code=404)
        try:
            async with asyncio.timeout(BODY_TIMEOUT):
                body = await _bounded_body(request)
        except TimeoutError:
            return PlainTextResponse("too slow\n", status_code=408)
        if body is None:
            return PlainTextResponse("too large\n", status_code=413)
        status, what = await self._take(name, _callback(request, body))
        return PlainTextResponse(f"{what}\n", status_code=status)

    async def _take(self, name: str, callback: Callback) -> tuple[int, str]:
        """Status and words of the answer."""
        try:
            await self._hear(name, self._providers[name].parse_callback(callback))
        except WrongSignature as error:
            event(log, logging.WARNING, "callback with a wrong signature", provider=name, reason=str(error))
            return 403, "wrong signature"
        except ValueError as error:
            event(log, logging.WARNING, "callback not understood", provider=name, reason=str(error))
            return 400, "not understood"
        except StoreError as error:
            event(log, logging.ERROR, "callback not saved", provider=name, error=str(error))
            return 503, "try again later"
        return 200, "ok"


class _Uvicorn(uvicorn.Server):
    """Leaves the signals to the program that it runs in."""

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


async def _bounded_body(request: Request) -> bytes | None:
    """The body, or None when it is larger than any callback can be."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return None
    return bytes(body)


def _callback(request: Request, body: bytes) -> Callback:
    is_form = request.headers.get("content-type", "").split(";")[0].strip().lower() == _FORM
    form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)) if is_form else {}
    return Callback(
        method=request.method,
        query=dict(request.query_params),
        headers=dict(request.headers),
        form=form,
        body=body,
    )
