"""What a provider would be asked to do with a message: its own code makes the request, and nothing is sent.

Requests are caught where they would leave for the network. Secrets are not left out of what was made: the
provider never gets them, so they cannot be in it. Must not know: accounts, routes, the store.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

import httpx2
from pydantic import BaseModel, SecretStr

from smppbridge.errors import ProviderError, Refused
from smppbridge.model.message import Message
from smppbridge.providers.base import News, Provider, SendResult, Upcalls
from smppbridge.providers.http_provider import HttpProvider
from smppbridge.providers.registry import AnyOptions, build_provider
from smppbridge.providers.sandbox import SandboxOptions
from smppbridge.providers.smpp_options import SmppOptions
from smppbridge.providers.smpp_wire import Wire
from smppbridge.smpp.pdu import SubmitSm

HIDDEN = "***"
# Stands where a secret would: letters and digits alone, which no encoding of a request alters.
_STAND_IN = "0hiddenBYsmppbridge0"
_OF_CONNECTION = frozenset({"content-length", "connection"})  # the length would tell that of the secret


class HttpRequest(NamedTuple):
    """A request as it would be sent, without Content-Length and Connection."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]  # names as they are sent
    body: bytes


class Preview(NamedTuple):
    """What a provider would get: HTTP requests, or submit_sm, or nothing, for a ``reason``."""

    requests: tuple[HttpRequest, ...] = ()
    submits: tuple[SubmitSm, ...] = ()
    reason: str = ""


class _Caught(Exception):
    """A request has come to where it would have left for the network."""


class _Catcher(httpx2.AsyncBaseTransport):
    """Keeps the requests, and ends whoever waits for their answers: no retry, no other address."""

    def __init__(self) -> None:
        self.requests: list[HttpRequest] = []

    async def handle_async_request(self, request: httpx2.Request) -> NoReturn:
        headers = tuple(
            (_without_stand_in(name.decode("latin-1")), _header(value.decode("latin-1")))
            for name, value in request.headers.raw
            if name.decode("latin-1").lower() not in _OF_CONNECTION
        )
        body = (await request.aread()).replace(_STAND_IN.encode(), HIDDEN.encode())
        self.requests.append(HttpRequest(request.method, _without_stand_in(str(request.url)), headers, body))
        raise _Caught


def unarmed(name: str, options: AnyOptions, *, callbacks_at: str | None = None) -> Provider:
    """The provider as it is configured, but without its secrets and without the files of its TLS.

    ``callbacks_at``: the address below which it would be called back, without its token; None = it cannot.
    """
    bare = _without_secrets(options)
    if isinstance(bare, SmppOptions):  # the files need not be readable for whoever asks
        bare = bare.model_copy(update={"tls": None, "outbind": None})
    return build_provider(name, bare, f"{callbacks_at}/{_STAND_IN}" if callbacks_at else None)


async def preview(
    name: str, options: AnyOptions, message: Message, now: int, *, callbacks_at: str | None = None
) -> Preview:
    """What ``message`` would be for this provider at ``now`` (ms), alone in its batch. Opens nothing.

    ``callbacks_at`` as for `unarmed`.
    """
    if isinstance(options, SandboxOptions):
        return Preview(reason="the sandbox sends nothing: it makes up what becomes of the message")
    if isinstance(options, SmppOptions):
        try:
            return Preview(submits=tuple(Wire(options).submits(message, now, 1)))
        except Refused as refused:
            return Preview(reason=refused.reason)
    provider = unarmed(name, options, callbacks_at=callbacks_at)
    catcher = _Catcher()
    if isinstance(provider, HttpProvider):
        provider.transport = catcher
    results: Sequence[SendResult] = ()
    await provider.start(Upcalls(_nobody))
    try:
        results = await _send(provider, message, now)
    finally:
        await provider.close()
    if catcher.requests:
        return Preview(requests=tuple(catcher.requests))
    reasons = [result.reason for result in results if isinstance(result, ProviderError)]
    return Preview(reason=_without_stand_in("; ".join(reasons)) or "nothing would be sent")


async def _send(provider: Provider, message: Message, now: int) -> Sequence[SendResult]:
    results: Sequence[SendResult] = ()
    try:
        results = await provider.send([message], now)
    except* _Caught:  # alone, or from a group of tasks
        pass
    return results


def _without_secrets(value: Any) -> Any:
    """The same with every secret replaced, at any depth. What has none is the same object, so that a model
    keeps what it knows about which of its keys were set."""
    match value:
        case SecretStr():
            return SecretStr(_STAND_IN)
        case BaseModel():
            fields = {name: getattr(value, name) for name in type(value).model_fields}
            changed = {name: new for name, old in fields.items() if (new := _without_secrets(old)) is not old}
            return value.model_copy(update=changed) if changed else value
        case dict():
            return {key: _without_secrets(one) for key, one in value.items()} if value else value
        case list() | tuple() if type(value) in (list, tuple):
            replaced = [_without_secrets(one) for one in value]
            same = all(new is old for new, old in zip(replaced, value, strict=True))
            return value if same else type(value)(replaced)
        case _:
            return value


def _without_stand_in(text: str) -> str:
    return text.replace(_STAND_IN, HIDDEN)


def _header(value: str) -> str:
    """Names and passwords in base64 (RFC 7617) are shown as they were before."""
    scheme, _, login = value.partition(" ")
    if scheme.lower() == "basic":
        try:
            plain = base64.b64decode(login, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return f"{scheme} {HIDDEN}"
        return f"{scheme} base64({_without_stand_in(plain)})"
    return _without_stand_in(value)


async def _nobody(news: Sequence[News]) -> None:
    """Nothing is told by a provider that reaches nobody."""
