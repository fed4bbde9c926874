"""The page /metrics: made once a second at most, however many ask for it, and for whoever has the token."""

import asyncio
import hmac

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from smppbridge.metrics import CONTENT_TYPE, Metrics

FRESH = 1.0  # seconds for which a page is given again


class MetricsPage:
    """``token``: what ``Authorization: Bearer`` must bring (RFC 6750); "" = the page is for everybody."""

    def __init__(self, metrics: Metrics, token: str) -> None:
        self._metrics = metrics
        self._token = token.encode()
        self._page = b""
        self._made_at = float("-inf")  # loop's clock

    async def answer(self, request: Request) -> Response:
        """The page, or 401."""
        if self._token and not self._may(request.headers.get("authorization", "")):
            return PlainTextResponse(
                "this page needs web.metrics_token\n",
                status_code=401,
                headers={"WWW-Authenticate": 'Bearer realm="metrics"'},
            )
        now = asyncio.get_running_loop().time()
        if now - self._made_at >= FRESH:
            self._page, self._made_at = self._metrics.expose(), now
        return Response(self._page, media_type=CONTENT_TYPE)

    def _may(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        octets = token.strip().encode("latin-1")  # as they came: Starlette makes a character of each
        right = hmac.compare_digest(octets, self._token)
        return right and scheme.lower() == "bearer"
