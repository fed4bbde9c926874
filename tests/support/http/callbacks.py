"""Sends a simulated provider's status callbacks: one shared HTTP client, bounded parallelism, retries."""

import asyncio
import contextlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

import httpx2


@dataclass(slots=True)
class Call:
    """One callback: "get" adds ``fields`` to the query of ``url``, "post" puts them into a form.

    "raw get" leaves octets above 0x7F in the query as they are; "multipart post" encodes the form as
    multipart/form-data.

    `user:password@` in ``url`` becomes HTTP Basic. ``retries``: None = as many as the sender's.
    """

    url: str
    method: str
    fields: Mapping[str, str]
    retries: int | None = None
    tries: int = 0


class CallbackSender:
    """Works off callbacks in order while the `async with` of its owner lasts."""

    def __init__(self, *, parallel: int = 16, retries: int = 3, pause: float = 20.0, timeout: float = 30.0):
        self.answered = 0  # with HTTP 200
        self.given_up = 0
        self._retries = retries
        self._pause = pause
        self._parallel = parallel
        self._timeout = timeout
        self._queue: asyncio.Queue[Call] = asyncio.Queue()
        self._workers: list[asyncio.Task[None]] = []
        self._client: httpx2.AsyncClient | None = None

    async def start(self) -> None:
        self._client = httpx2.AsyncClient(
            timeout=self._timeout,
            limits=httpx2.Limits(max_connections=self._parallel, max_keepalive_connections=self._parallel),
            trust_env=False,
        )
        self._workers = [asyncio.create_task(self._work(self._client)) for _ in range(self._parallel)]

    async def stop(self) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def push(self, call: Call) -> None:
        """Send it soon."""
        self._queue.put_nowait(call)

    async def _work(self, client: httpx2.AsyncClient) -> None:
        loop = asyncio.get_running_loop()
        while True:
            call = await self._queue.get()
            call.tries += 1
            if await _answered(client, call):
                self.answered += 1
            elif call.tries <= (self._retries if call.retries is None else call.retries):
                loop.call_later(self._pause, self.push, call)
            else:
                self.given_up += 1


def _quoted(text: str) -> str:
    """Percent-encoded, but for letters beyond ASCII."""
    return "".join(char if char > "\x7f" else quote(char, safe="") for char in text)


async def _raw_get(call: Call) -> bytes:
    """The status of the answer."""
    url = urlsplit(call.url)
    words = "&".join(f"{name}={_quoted(value)}" for name, value in call.fields.items())
    target = f"{url.path}?{'&'.join(filter(None, (url.query, words)))}"
    head = [f"GET {target} HTTP/1.1", f"Host: {url.hostname}", "Connection: close"]
    if url.username:
        pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
        head.append(f"Authorization: Basic {b64encode(pair.encode()).decode()}")
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        writer.write("\r\n".join([*head, "", ""]).encode())
        return (await reader.readline()).split()[1]
    finally:
        writer.close()


async def _answered(client: httpx2.AsyncClient, call: Call) -> bool:
    with contextlib.suppress(httpx2.HTTPError, OSError):
        if call.method == "raw get":
            return await _raw_get(call) == b"200"
        if call.method == "multipart post":
            parts = {name: (None, value) for name, value in call.fields.items()}
            answer = await client.post(call.url, files=parts)
        elif call.method == "post":
            answer = await client.post(call.url, data=dict(call.fields))
        else:
            url = httpx2.URL(call.url).copy_merge_params(dict(call.fields))
            answer = await client.get(url)
        return answer.status_code == httpx2.codes.OK
    return False
