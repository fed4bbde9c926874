"""The HTTP client of all providers: bounded requests and answers, and our errors instead of the library's.

What counts is whether the request may have been carried out. Until its first octet was handed to the
connection it certainly was not (Unavailable). From then on every failure is Uncertain.

Errors and log lines never hold bodies, queries or headers: these hold keys, numbers and texts.
"""

import asyncio
import logging
import math
import socket
import ssl
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import httpx2

from smppbridge.errors import UNREADABLE, ProviderError, Throttled, Unavailable, Uncertain

# The largest honest answer repeats the texts of 1000 messages of 10 parts: 1.7 MB of UTF-8.
MAX_ANSWER_OCTETS = 8 * 1024 * 1024
# Of the timeout, for each of: a free connection, connecting, TLS. The library leaves a socket open when it is
# cancelled inside TLS, so its own timers must end all three before the whole request's deadline does.
CONNECT_SHARE = 0.3
# Servers close idle connections after 5 s or more, and a request that meets such a close is uncertain.
KEEP_ALIVE_SECONDS = 4.0
DEFAULT_RETRY_AFTER, MAX_RETRY_AFTER = 5.0, 3600.0

# At INFO the library logs whole URLs, at DEBUG headers: both can hold credentials.
for _library in ("httpx2", "httpcore2"):
    logging.getLogger(_library).setLevel(logging.WARNING)


class HttpAnswer(NamedTuple):
    """An answer that came complete, whatever its status."""

    status: int
    body: bytes
    location: str = ""  # where else it is to be asked: an absolute address, without credentials and query


class HttpClient:
    """Connections of one provider entry. Use from one event loop."""

    def __init__(
        self,
        *,
        timeout: float,
        connections: int,
        verify: ssl.SSLContext | bool = True,
        transport: httpx2.AsyncBaseTransport | None = None,
        keep_alive: float = KEEP_ALIVE_SECONDS,
        max_answer_octets: int = MAX_ANSWER_OCTETS,
    ) -> None:
        """``timeout``: seconds for one whole request. ``verify``: whose certificates are trusted.
        ``transport``: what carries the requests instead of the network. ``keep_alive``: seconds for which an
        idle connection is used again."""
        self._timeout = timeout
        self._max_answer_octets = max_answer_octets
        self._client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(timeout, connect=timeout * CONNECT_SHARE, pool=timeout * CONNECT_SHARE),
            limits=httpx2.Limits(
                max_connections=connections,
                max_keepalive_connections=connections,
                keepalive_expiry=keep_alive,
            ),
            headers={"User-Agent": "smppbridge", "Accept-Encoding": "identity"},
            follow_redirects=False,
            trust_env=False,  # what is in the environment must not lead messages elsewhere
            verify=verify,
            transport=transport,
        )

    async def close(self) -> None:
        """Close all connections; requests under way fail."""
        await self._client.aclose()

    async def request(
        self, method: str, url: str, content: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        """Send one request and read the whole answer, within the timeout.

        Raises Unavailable when nothing was sent, Throttled on HTTP 429, Uncertain when the request left
        and no complete answer came. Any other HTTP status is returned: its body may say more.
        """
        host = host_of(url)
        progress = _Progress()
        try:
            async with asyncio.timeout(self._timeout):
                return await self._exchange(method, url, content, headers or {}, host, progress)
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError) as error:
            # "from None": what the library says may quote the URL
            raise _translate(error, host, sent=progress.sent) from None

    async def _exchange(
        self,
        method: str,
        url: str,
        content: bytes,
        headers: Mapping[str, str],
        host: str,
        progress: "_Progress",
    ) -> HttpAnswer:
        async with self._client.stream(
            method, url, content=content, headers=dict(headers), extensions={"trace": progress.trace}
        ) as response:
            if response.status_code == httpx2.codes.TOO_MANY_REQUESTS:
                after = retry_after(response.headers.get("Retry-After", ""), time.time())
                raise Throttled(f"{host} answered HTTP 429", after=after)
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._max_answer_octets:
                    raise Uncertain(f"{host} answered more than {self._max_answer_octets} octets")
            location = response.headers.get("Location", "")
            return HttpAnswer(response.status_code, bytes(body), address_of(url, location))


class _Progress:
    """Watches one request: has any of it been handed to a connection?"""

    def __init__(self) -> None:
        self.sent = False

    async def trace(self, event: str, info: Mapping[str, object]) -> None:
        if event.endswith(".send_request_headers.started"):
            self.sent = True


def not_understood(answer: HttpAnswer, url: str) -> ProviderError:
    """The error for an answer whose body makes no sense: 503 took nothing, all others may have. It is not
    quoted: answers repeat texts, numbers and keys."""
    reason = (
        f"{host_of(url)} answered HTTP {answer.status} with {len(answer.body)} octets"
        f" of {_looks(answer.body)} that cannot be understood"
    )
    if answer.location:
        reason += f"; it points to {host_of(answer.location)}"
    if answer.status == httpx2.codes.SERVICE_UNAVAILABLE:
        return Unavailable(reason, code=UNREADABLE)
    return Uncertain(reason, code=UNREADABLE)


def _looks(body: bytes) -> str:
    """What a body seems to be."""
    start = body[:200].lstrip().lower()
    openings = {"HTML": (b"<!doctype html", b"<html"), "XML": (b"<",), "JSON": (b"{", b"[")}
    return next((name for name, opening in openings.items() if start.startswith(opening)), "data")


# RFC 9110 §15.4: the resource is elsewhere, and the request is to be made there as it is. After 302 and 303
# it stays open whether the request was carried out: scripts answer so when they are done.
NOT_HERE = frozenset({301, 307, 308})


def address_of(url: str, location: str) -> str:
    """Where a Location header (RFC 9110 §10.2.2) of the answer from ``url`` leads; "" for nowhere. Never
    raises."""
    if not location:
        return ""
    try:
        parts = urlsplit(urljoin(url, location))
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return ""
    return f"{parts.scheme}://{host}{parts.path}" if host else ""


def retry_after(value: str, now: float) -> float:
    """Seconds to wait by a Retry-After header (number or date, RFC 9110 §10.2.3): 1 to 3600, else 5."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except (ValueError, OverflowError):
            seconds = DEFAULT_RETRY_AFTER
    if math.isnan(seconds):
        seconds = DEFAULT_RETRY_AFTER
    return min(max(seconds, 1.0), MAX_RETRY_AFTER)


def host_of(url: str) -> str:
    """Host (and port, where one is written) of a URL: all that may be told about it. Never raises."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname}:{parts.port}" if parts.port else f"{parts.hostname}"
    except ValueError:  # a port or an IPv6 address that is none
        return "a broken address"


_CAUSES: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "host name not found"),
    (ssl.SSLError, "TLS failed"),
    (ConnectionRefusedError, "connection refused"),
    (httpx2.PoolTimeout, "no free connection"),
    (httpx2.ConnectTimeout, "connect timeout"),
    (httpx2.InvalidURL, "not a usable address"),
    (httpx2.UnsupportedProtocol, "not a usable address"),
    (httpx2.ConnectError, "cannot connect"),
    (httpx2.DecodingError, "answer with a broken encoding"),
    (httpx2.RemoteProtocolError, "connection closed or broken HTTP in the answer"),
    (httpx2.NetworkError, "connection lost"),
    (httpx2.TimeoutException, "timeout"),
    (TimeoutError, "timeout"),
)


def _translate(error: BaseException, host: str, *, sent: bool) -> ProviderError:
    chain = _chain(error)
    cause = next((words for kind, words in _CAUSES for link in chain if isinstance(link, kind)), "failed")
    if sent:
        return Uncertain(f"{host}: {cause}, after the request was sent")
    return Unavailable(f"{host}: {cause}")


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what it came from: the library wraps the system's errors."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    return chain
