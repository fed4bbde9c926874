"""The preview of a request is the request that each provider's simulator really gets, but without secrets."""

import re
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import httpx2
import pytest
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from smppbridge.config.loading import parse
from smppbridge.model.message import Message
from smppbridge.providers.preview import HIDDEN, HttpRequest, preview
from smppbridge.providers.registry import AnyOptions, build_provider
from smppbridge.providers.upstream.options import SmppOptions
from smppbridge.providers.upstream.wire import Wire
from tests.contract.providers.rig import Rig
from tests.contract.providers.rigs import RIGS, with_rigs
from tests.contract.providers.smsc_ru import SmscRuTextRig, SmscRuXmlRig
from tests.contract.providers.steps import as_message, fresh, no_report, now, refs_of
from tests.support.bridge.running import PATIENCE
from tests.support.builders.messages import DAY
from tests.support.builders.upcalls import Upcalls
from tests.support.http.server import HttpServer

OPTIONS: TypeAdapter[AnyOptions] = TypeAdapter(AnyOptions)
EXAMPLES = Path(__file__).parents[3] / "config" / "providers"
CALLBACKS = "https://sms.example.org/callbacks/one"
TOKEN = "T0KENofCALLBACKS"
UNSEEN = frozenset({"content-length", "connection"})
ALL_RIGS: tuple[type[Rig], ...] = (*RIGS, SmscRuXmlRig, SmscRuTextRig)


class Tap:
    """Passes HTTP requests on to ``url``, and keeps them."""

    def __init__(self, url: str) -> None:
        self.seen: list[HttpRequest] = []
        self._url = url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        headers = tuple((name.decode(), value.decode()) for name, value in request.headers.raw)
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        self.seen.append(HttpRequest(request.method, target, headers, body))
        async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
            kept = [(name, value) for name, value in headers if name not in (*UNSEEN, "host")]
            answer = await client.request(request.method, self._url + target, content=body, headers=kept)
        await Response(answer.content, answer.status_code, media_type="x/y")(scope, receive, send)


class Asked(NamedTuple):
    """One provider behind a tap."""

    options: AnyOptions
    tap: Tap
    base: str


@asynccontextmanager
async def tapped(rig: Rig, **changes: Any) -> AsyncIterator[Asked]:
    """The rig's settings, pointing at a tap in front of its simulator."""
    tap = Tap(str(rig.settings()["url"]))
    async with HttpServer(tap) as server:
        yield Asked(
            OPTIONS.validate_python({**rig.settings(), "url": server.url, **changes}), tap, server.url
        )


async def really_sent(asked: Asked, message: Message, moment: int) -> HttpRequest:
    """The request that reaches the provider's side, which takes the message."""
    provider = build_provider("one", asked.options, f"{CALLBACKS}/{TOKEN}")
    await provider.start(Upcalls(no_report))
    try:
        refs_of(await provider.send([message], moment))
    finally:
        await provider.close()
    (request,) = asked.tap.seen
    return request


def forms(secret: str) -> set[str]:
    """A secret in every form in which a request may carry it."""
    octets, quoted = secret.encode(), quote(secret, safe="")
    encoded = {b64encode(octets).decode(), octets.hex(), octets.hex().upper()}
    return {secret, escape(secret), quoted, quote(quoted, safe=""), quote_plus(secret)} | encoded


def without(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        for form in sorted(forms(secret), key=len, reverse=True):
            text = text.replace(form, HIDDEN)
    return text


def shown(request: HttpRequest, secrets: tuple[str, ...] = ()) -> tuple[str, str, dict[str, str], str]:
    headers = {
        name.lower(): without(value, secrets) for name, value in request.headers if name.lower() not in UNSEEN
    }
    return request.method, without(request.url, secrets), headers, without(request.body.decode(), secrets)


MESSAGES: dict[str, dict[str, Any]] = {
    "text": {},
    "urgent": {"priority": 3, "text": "Code 1234 & <more> + 100%"},
    "without sender": {"sender": ""},
}


@pytest.mark.parametrize("kind", MESSAGES)
@pytest.mark.parametrize("rig", ALL_RIGS, indirect=True, ids=[rig.name for rig in ALL_RIGS])
async def test_preview_is_what_the_provider_gets(rig: Rig, kind: str) -> None:
    moment = now()
    message = fresh(1, deadline=moment + 3 * DAY, **MESSAGES[kind])
    changes = {"default_sender": "Demo"} if not message.sender else {}
    async with tapped(rig, **changes) as asked:
        real = await really_sent(asked, message, moment)
        seen = await preview("one", asked.options, message, moment, callbacks_at=CALLBACKS)
    assert not seen.submits
    (request,) = seen.requests
    secrets = (*rig.secrets, TOKEN)
    expected = shown(real, secrets)
    assert shown(request) == (expected[0], asked.base + expected[1], *expected[2:])
    assert len(asked.tap.seen) == 1, "the preview has sent something"


@with_rigs(lambda rig: rig.carries_octets)
async def test_preview_of_binary_content(rig: Rig) -> None:
    moment = now()
    octets = bytes.fromhex("0605040b8423f0") + b"\x01\x06\x00\xff"
    message = fresh(1, text="", octets=octets, data_coding=4, deadline=moment + 3 * DAY)
    async with tapped(rig) as asked:
        real = await really_sent(asked, message, moment)
        (request,) = (await preview("one", asked.options, message, moment, callbacks_at=CALLBACKS)).requests
    assert shown(request)[3] == shown(real, (*rig.secrets, TOKEN))[3]


@pytest.mark.parametrize("rig", ALL_RIGS, indirect=True, ids=[rig.name for rig in ALL_RIGS])
async def test_preview_holds_no_secret(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """And nobody is told that an answer is missing: no request was sent."""
    options = OPTIONS.validate_python(rig.settings())
    caplog.clear()
    seen = await preview("one", options, fresh(1), now(), callbacks_at=CALLBACKS)
    assert [one for one in caplog.records if one.name.startswith("smppbridge")] == []
    assert len(seen.requests) == 1
    for secret in rig.secrets:
        for form in forms(secret) | {
            b64encode(f"{rig.settings().get('login', 'x')}:{secret}".encode()).decode()
        }:
            assert form not in repr(seen)
    assert HIDDEN in repr(seen)


async def test_name_and_password_of_a_header_are_shown_without_the_password() -> None:
    options = OPTIONS.validate_python(
        {
            "kind": "webhook",
            "url": "http://127.0.0.1:9",
            "secrets": {"word": "5ECRETw0rd", "key": "5ECRETkey"},
            "send": {
                "path": "/{secret.key}",
                "query": {"key": "{secret.key}"},
                "headers": {"X-{}".format("Key"): "{secret.key}"},
                "basic_auth": {"user": "firma", "password": "{secret.word}"},
                "form": {"to": "{recipient}", "text": "{text}"},
                "message_id": {"json": "$.id"},
            },
        }
    )
    (request,) = (await preview("one", options, fresh(1, text="***"), now())).requests
    assert request.url == "http://127.0.0.1:9/***?key=***"
    assert dict(request.headers)["X-Key"] == "***"
    assert dict(request.headers)["Authorization"] == "Basic base64(firma:***)"
    assert request.body == b"to=79000000001&text=%2A%2A%2A"
    assert "5ECRET" not in repr(request)


@pytest.mark.parametrize("rig", RIGS, indirect=True, ids=[rig.name for rig in RIGS])
async def test_what_is_not_sent_has_a_reason(rig: Rig) -> None:
    options = OPTIONS.validate_python(rig.settings())
    for draft in rig.unfit:
        seen = await preview("one", options, as_message(1, draft), now())
        assert seen.requests == ()
        assert seen.reason
    assert rig.requests == 0


async def test_preview_of_submit_sm() -> None:
    options = OPTIONS.validate_python(
        {"kind": "smpp", "host": "smsc.example.org", "system_id": "us", "password": "5ECRET", "long": "udh"}
    )
    assert isinstance(options, SmppOptions)
    message, moment = fresh(1, text="Привет " * 20), now()
    seen = await preview("one", options, message, moment)
    assert list(seen.submits) == Wire(options).submits(message, moment, 1)
    assert len(seen.submits) == 3
    assert "5ECRET" not in repr(seen)
    refused = await preview("one", options, message._replace(text="я" * 20_000), moment)
    assert (refused.submits, "parts" in refused.reason) == ((), True)


async def test_sandbox_has_no_request() -> None:
    seen = await preview("lab", OPTIONS.validate_python({"kind": "sandbox"}), fresh(1), now())
    assert (seen.requests, seen.submits) == ((), ())
    assert "sandbox" in seen.reason


# --- what a declared provider writes into its requests by itself -----------------------------------------


KEY, NUMBER = "live+key/0123=456", "+15005550006"
DECLARED = """
accounts: {pbx: {password: s3cret78}}
providers:
  one:
    kind: webhook
    url: ${URL}/${KEY}
    default_sender: ${FROM}
    send:
      path: /bot${KEY}/send
      query: {api_id: "${KEY}", format: "${SHORT}"}
      headers: {Authorization: "Bearer ${KEY}", X-Api-Key: written-here, Accept: application/json}
      basic_auth: {user: "${KEY}", password: "{secret.word}"}
      BODY
      message_id: {json: "$.id"}
    secrets: {word: "${KEY}"}
routes: [{to: [one]}]
"""
BODIES = {
    "form": 'form: {to: "{recipient}", text: "{text}", from: "{sender}", x: "${KEY}", psw: written-here}',
    "json": 'json: {to: "{recipient}", text: "{text}", a: [{b: "x ${KEY}", token: written-here, c: 1}]}',
    "body": 'body: "<a><b>{recipient}</b><c>{text}</c>${KEY}</a>"\n      content_type: text/xml',
}


@pytest.mark.parametrize("body", BODIES)
async def test_what_came_from_the_environment_is_not_shown(body: str) -> None:
    """Nor what stands under the name of a secret; but whatever the message says, and where it goes, is."""
    variables = {"URL": "https://host.example.org", "KEY": KEY, "FROM": NUMBER, "SHORT": "json"}
    settings = parse(DECLARED.replace("BODY", BODIES[body]), Path("/nonexistent"), variables)
    message = fresh(1, text=f"the text {KEY}", sender="")
    seen = await preview("one", settings.providers["one"], message, now(), variables=settings.variables)
    (request,) = seen.requests
    assert request.url == "https://host.example.org/***/bot***/send?api_id=***&format=json"
    headers = dict(request.headers)
    assert headers["Authorization"] == "Basic base64(***:***)"
    assert (headers["X-Api-Key"], headers["Accept"]) == ("***", "application/json")
    text = request.body.decode()
    assert "the" in text and "live" in text, "the message itself is altered"
    assert "written-here" not in text
    for form in forms(KEY):
        assert form not in text.replace(f"the text {KEY}", "").replace(quote_plus(f"the text {KEY}"), "")
    if body == "form":
        assert text.endswith(f"from={quote_plus(NUMBER)}&x=***&psw=***")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
@pytest.mark.parametrize("plain", [False, True])
async def test_the_examples_show_no_secret(path: Path, plain: bool) -> None:
    """Also when their secrets are written into the requests instead of being named there."""
    text = path.read_text()
    secrets = dict(re.findall(r"^      ([a-z_]+): (\$\{[A-Z_]+\})", text, re.MULTILINE))
    assert secrets
    if plain:
        for name, variable in secrets.items():
            named = rf'(?<!password: ")(?<!      key: ")\{{secret\.{name}\}}'  # these two must be named
            text = re.sub(named, variable, text)
    names = re.findall(r"\$\{([A-Z_]+)\}", text)
    variables = {name: f"value-of-{name.lower()}" for name in names}
    variables |= {name: "https://xxxxx.api.example.org" for name in names if name.endswith("_URL")}
    variables |= {name: "Sender" for name in names if name.endswith(("_FROM", "_SIGN"))}
    settings = parse(text, path.parent, variables)
    (name,) = settings.providers
    seen = await preview(
        name, settings.providers[name], fresh(1, sender=""), now(), variables=settings.variables
    )
    assert HIDDEN in repr(seen)
    assert "value-of" not in repr(seen)
