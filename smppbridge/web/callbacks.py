"""Callbacks of providers: from an HTTP request to statuses and messages from phones, and its answer.

200  what the callback tells is on disk
400  the provider's parser does not understand it
403  its signature is wrong
404  no provider has this name and this token
408  its body did not come within `BODY_TIMEOUT`
413  its body is longer than `MAX_BODY`
503  the store could not save it: the provider is to try again
"""

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from smppbridge.errors import StoreError, WrongSignature
from smppbridge.logs import Complaints, event
from smppbridge.providers.base import Callback, News, Provider
from smppbridge.web.charsets import Charset, charset_of, fields_of, in_charset, octets_of, parameter_of
from smppbridge.web.forms import form_fields

log = logging.getLogger(__name__)

MAX_BODY = 1 << 20  # octets of a callback's body
BODY_TIMEOUT = 10.0  # seconds from the start of a callback to the end of its body
LARGE_BODY = 32 * 1024  # octets; above, a body is read in a thread: a broken one of 1 MiB takes 0.6 s

Hear = Callable[[str, Sequence[News]], Awaitable[None]]
"""Takes the name of a provider and what it tells. Returns after COMMIT. Raises StoreError."""


class Callbacks:
    """Answers the callbacks of all providers.

    ``tokens``: the secret part of each provider's address, by the provider's name. "" means no callbacks.
    """

    def __init__(self, providers: Mapping[str, Provider], tokens: Mapping[str, str], hear: Hear) -> None:
        self._providers = providers
        self._tokens = tokens
        self._hear = hear
        self._complain = Complaints(log)
        self._guessed: set[str] = set()  # providers whose character set was guessed, and told

    async def receive(self, request: Request) -> Response:
        """Answer a callback: 200 after COMMIT. A provider tries again after any other answer."""
        name, token = request.path_params["provider"], request.path_params["token"]
        if not hmac.compare_digest(token.encode(), self._tokens.get(name, "").encode()) or not token:
            return PlainTextResponse("not found\n", status_code=404)
        try:
            async with asyncio.timeout(BODY_TIMEOUT):
                body = await _bounded_body(request)
        except TimeoutError:
            return PlainTextResponse("too slow\n", status_code=408)
        except ClientDisconnect:  # nobody is there any more to read an answer
            return PlainTextResponse("gone\n", status_code=400)
        if body is None:
            return PlainTextResponse("too large\n", status_code=413)
        status, what = await self._take(name, request, body)
        return PlainTextResponse(f"{what}\n", status_code=status)

    async def _take(self, name: str, request: Request, body: bytes) -> tuple[int, str]:
        """Save what the callback tells. Returns status and words of the answer."""
        try:
            large = len(body) > LARGE_BODY
            news, charset = (
                await asyncio.to_thread(self._read, name, request, body)
                if large
                else self._read(name, request, body)
            )
            await self._hear(name, news)
        except WrongSignature as error:
            self._complain_of("callback with a wrong signature", name, error)
            return 403, "wrong signature"
        except ValueError as error:
            self._complain_of("callback not understood", name, error)
            return 400, "not understood"
        except StoreError as error:
            self._complain_of("callback not saved", name, error)
            return 503, "try again later"
        if charset.guessed:
            self._tell_guess(name, charset)
        return 200, "ok"

    def _read(self, name: str, request: Request, body: bytes) -> tuple[Sequence[News], Charset]:
        """What the provider tells. Raises ValueError, WrongSignature."""
        callback, charset = _callback_of(request, body)
        return self._providers[name].parse_callback(callback), charset

    def _complain_of(self, what: str, name: str, error: Exception) -> None:
        now = asyncio.get_running_loop().time()
        self._complain(now, what, (name, str(error)), provider=name, reason=str(error))

    def _tell_guess(self, name: str, charset: Charset) -> None:
        """Say once for each provider that its letters may be wrong."""
        if name not in self._guessed:
            self._guessed.add(name)
            hint = "end the callback address at the provider with ?charset=utf-8"
            event(
                log, logging.WARNING, "callback not in UTF-8", provider=name, read_as=charset.name, hint=hint
            )


async def _bounded_body(request: Request) -> bytes | None:
    """The body of the request; None when it is longer than `MAX_BODY`."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return None
    return bytes(body)


def _callback_of(request: Request, body: bytes) -> tuple[Callback, Charset]:
    """The callback, and in which character set it is: the `charset` of its address or of its content type."""
    kind = request.headers.get("content-type", "")
    query, form = fields_of(request.scope["query_string"]), form_fields(kind, body)
    octets = octets_of(query) + (octets_of(form) if form else body)
    charset = charset_of(octets, query.get("charset", ""), parameter_of(kind, "charset"))
    callback = Callback(
        method=request.method,
        query=in_charset(query, charset.name),
        headers=dict(request.headers),
        form=in_charset(form, charset.name),
        body=body,
        charset=charset.name,
    )
    return callback, charset
