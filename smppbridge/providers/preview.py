"""What a provider would be asked to do with a message: its own code makes the request, and nothing is sent.

Requests are caught where they would leave for the network. Secrets are not left out of what was made: the
provider never gets them, so they cannot be in it. What a declared provider writes into its requests by itself
counts as a secret when it came from the environment, or when its name is that of a secret.
"""

import base64
import binascii
import re
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, NoReturn
from urllib.parse import urlsplit

import httpx2
from pydantic import BaseModel, SecretStr

from smppbridge.errors import ProviderError, Refused
from smppbridge.model.message import Message
from smppbridge.providers.base import Provider, SendResult, Upcalls
from smppbridge.providers.http.provider import HttpProvider
from smppbridge.providers.registry import AnyOptions, build_provider
from smppbridge.providers.sandbox import SandboxOptions
from smppbridge.providers.upstream.options import SmppOptions
from smppbridge.providers.upstream.wire import Wire
from smppbridge.providers.webhook.template import Template
from smppbridge.smpp.pdu import SubmitSm

HIDDEN = "***"
# Stands where a secret would: letters and digits alone, which no encoding of a request alters.
_STAND_IN = "0hiddenBYsmppbridge0"
_NAMED_SECRET = re.compile(
    r"(?i)auth|api[-_.]?(key|id)|token|secret|passw|psw|pwd|signature|^key$|[-_]key$"
)  # a header, parameter or key of JSON
_SHORTEST = 6  # characters: shorter values from the environment are no secrets, and stand in other words
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
    """Keeps requests instead of sending them, and raises _Caught in the code that waits for their answers."""

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


def unarmed(
    name: str, options: AnyOptions, *, callbacks_at: str | None = None, variables: Collection[str] = ()
) -> Provider:
    """The provider as it is configured, but without its secrets and without the files of its TLS.

    ``callbacks_at``: the address below which it would be called back, without its token; None = it cannot.
    ``variables``: what its options have from the environment.
    """
    bare = _Disarmer(variables).without_secrets(options)
    if isinstance(bare, SmppOptions):  # the files need not be readable for whoever asks
        bare = bare.model_copy(update={"tls": None, "outbind": None})
    return build_provider(name, bare, f"{callbacks_at}/{_STAND_IN}" if callbacks_at else None)


async def preview(
    name: str,
    options: AnyOptions,
    message: Message,
    now: int,
    *,
    callbacks_at: str | None = None,
    variables: Collection[str] = (),
) -> Preview:
    """What ``message`` would be for this provider at ``now`` (ms), alone in its batch. Opens nothing.

    ``callbacks_at`` and ``variables`` as for `unarmed`.
    """
    if isinstance(options, SandboxOptions):
        return Preview(reason="the sandbox sends nothing: it makes up what becomes of the message")
    if isinstance(options, SmppOptions):
        try:
            return Preview(submits=tuple(Wire(options).submits(message, now, 1)))
        except Refused as refused:
            return Preview(reason=refused.reason)
    provider = unarmed(name, options, callbacks_at=callbacks_at, variables=variables)
    catcher = _Catcher()
    if not isinstance(provider, HttpProvider):
        return Preview(reason="a provider of this kind cannot show what it would send")
    provider.transport = catcher
    results: Sequence[SendResult] = ()
    await provider.start(Upcalls())
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


class _Disarmer:
    """Replaces secrets in the options of a provider. ``variables``: what came from the environment."""

    def __init__(self, variables: Collection[str]) -> None:
        # An address tells nothing, unless the rest of it holds a secret.
        hidden = {one for one in variables if len(one) >= _SHORTEST and "://" not in one}
        longest_first = sorted(hidden, key=len, reverse=True)
        self._hidden = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def without_secrets(self, value: Any, name: str = "") -> Any:
        """The same with every secret replaced, at any depth. What has none is the same object, so that a
        model keeps what it knows about which of its keys were set. ``name``: of the key that holds it."""
        match value:
            case SecretStr():
                return SecretStr(_STAND_IN)
            case Template() | str():
                return self._text(value, name)
            case BaseModel():
                fields = {key: getattr(value, key) for key in type(value).model_fields}
                changed = self._changed(fields)
                return value.model_copy(update=changed) if changed else value
            case dict():
                changed = self._changed(value)
                return {**value, **changed} if changed else value
            case list() | tuple() if type(value) in (list, tuple):
                replaced = [self.without_secrets(one, name) for one in value]
                same = all(new is old for new, old in zip(replaced, value, strict=True))
                return value if same else type(value)(replaced)
            case _:
                return value

    def _changed(self, values: dict[Any, Any]) -> dict[Any, Any]:
        pairs = ((key, old, self.without_secrets(old, str(key))) for key, old in values.items())
        return {key: new for key, old, new in pairs if new is not old}

    def _text(self, value: Template | str, name: str) -> Template | str:
        """Text of a request, or the base of its address."""
        if isinstance(value, Template):  # without fields it has nothing from the message or from `secrets`
            named = not value.fields and _NAMED_SECRET.search(name)
            return Template(_STAND_IN) if named else value.altered(self._hide)
        if name != "url":
            return value
        host = urlsplit(value).netloc  # stays readable: it is where the message goes
        start = value.find(host) + len(host)
        return value[:start] + self._hide(value[start:])

    def _hide(self, text: str) -> str:
        return self._hidden.sub(_STAND_IN, text)


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
