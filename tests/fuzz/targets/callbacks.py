"""Callbacks of every provider as the web server hands them over: any query, any body, any character set.

1. The answer is 200, 400, 403 or 404. Nothing is raised, and nothing else is logged as an error.
2. What is told fits the store, and equipment can get it.
3. The name of the character set changes the letters, not whether there is an answer.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from starlette.requests import Request

from smppbridge.providers.base import News, Provider
from smppbridge.providers.registry import build_provider
from smppbridge.providers.webhook.options import WebhookOptions
from smppbridge.web.callbacks import Callbacks
from tests.fuzz.kept import keep
from tests.fuzz.loops import run
from tests.fuzz.reading import BREAK, Octets
from tests.fuzz.settings import BASE, SECRET, config

TOKEN = "t0ken"
METHODS = ("POST", "GET")
BOUNDARY = b"b"
_HEADER = re.compile(rb"([!-9;-~]+): *([ -~\x80-\xff]*)")  # the web server refuses others
KINDS = (
    b"application/x-www-form-urlencoded",
    b"application/json",
    b"text/xml; charset=windows-1251",
    b"multipart/form-data; boundary=" + BOUNDARY,
    b"",
)
_CODE, _ID = {"json": "$.code"}, {"json": "$.id"}
# What no example declares: XPath, regular expressions, several places, parts of a list, particulars.
_DECLARED: Mapping[str, Mapping[str, Any]] = {
    "xpath": {
        "message_id": {"xpath": "sms/@id"},
        "state": [{"xpath": "sms/status"}, {"xpath": ".//state"}],
        "error_text": {"xpath": "sms/words"},
        "inbound": {"id": {"xpath": "mo/@id"}, "source": {"xpath": "mo/@from"}, "text": {"xpath": "mo"}},
    },
    "regex": {
        "message_id": {"regex": "id=([0-9]+)"},
        "state": [{"regex": "state: *([A-Za-z]*)[;,]"}, {"header": "X-State"}],
        "error_code": {"regex": "[a-z]+ [0-9]+"},
    },
    "list": {
        "each": "$.*[*]",
        "message_id": _ID,
        "state": {"json": "$['state']"},
        "error_code": _CODE,
        "told": {
            "price": {"json": "$.price"},
            "currency": {"json": "$.currency"},
            "parts": {"json": "$.parts"},
            "operator": {"json": "$.operator"},
            "sender": {"json": "$.sender"},
        },
        "inbound": {
            "id": _ID,
            "source": {"json": "$.from"},
            "destination": {"json": "$.to"},
            "text": {"json": "$.text"},
            "at": {"json": "$.at"},
        },
    },
    "params": {"message_id": {"param": "id"}, "state": {"query": "state"}, "error_code": {"form": "error"}},
}


def target(data: bytes) -> None:
    """One callback of one provider. Raises whatever the code under test should not raise."""
    octets = Octets(data)
    names = tuple(_providers())
    name, method, kind = octets.choice(names), octets.choice(METHODS), octets.choice(KINDS)
    query, body, *headers = (*octets.pieces(4), b"", b"")
    run(_call(name, method, kind, query, body, headers))


def seeds() -> Iterator[bytes]:
    """A status, a message from a phone and nonsense for every provider, in every form that it may use."""
    status = b"server_id=10000&status=2&id=17&phone=79000000001&err=0&ts=1700000000&state=DELIVERED&error=5"
    inbound = (
        b"id=7&phone=79000000001&message=%D0%94%D0%B0&mes=yes&to=1234&num=1234&created=2026-11-30+12:00:00"
    )
    twilio = (
        b"MessageSid=SM0123456789abcdef0123456789abcdef&MessageStatus=delivered&From=%2B7900&Body=yes&To=1"
    )
    objects = (
        b'{"id": "17", "phone": "79000000001", "status": 1, "err": 0, "time": "30.11.2026 12:00:00"}',
        b'{"results": [{"messageId": "17", "status": {"groupName": "DELIVERED"}, "error": {"id": 0}}]}',
        b'{"results": [{"messageId": "18", "from": "7900", "text": "\\ud800", "receivedAt": "2026-11-30"}]}',
        b'{"a": [{"id": 17, "state": "DELIVERED", "code": 5, "price": "1.5", "currency": "x", "parts": 2}]}',
        b'{"a": [{"id": 17, "from": "79000000001", "to": "1", "text": "yes", "at": 1700000000}]}',
        b'{"message_uuid": "17", "status": "delivered", "to": "7900", "from": "1", "text": "yes"}',
    )
    markup = (
        b'<a><sms id="17"><status>DELIVERED</status><words>x</words></sms></a>',
        b'<a><mo id="17" from="79000000001">yes</mo></a>',
        b"<request><id>17</id><phone>79000000001</phone><status>1</status><err>0</err></request>",
    )
    for place in range(len(_providers())):
        for body in (status, inbound, twilio):
            yield bytes((place, 0, 0)) + BREAK + body
            yield bytes((place, 1, 4)) + body + b"&charset=utf-8"
        yield bytes((place, 0, 3)) + BREAK + _multipart(status)
        for body in objects:
            yield bytes((place, 0, 1)) + BREAK + body
        for body in markup:
            yield bytes((place, 0, 2)) + BREAK + body
        yield (
            bytes((place, 0, 4)) + BREAK + b"id=17 state: DELIVERED; error 5" + BREAK + b"x-state: DELIVERED"
        )


def _multipart(fields: bytes) -> bytes:
    parts = (field.split(b"=", 1) for field in fields.split(b"&"))
    head = b'\r\ncontent-disposition: form-data; name="%b"\r\n\r\n%b\r\n'
    return (
        b"".join(b"--" + BOUNDARY + head % (name, value) for name, value in parts) + b"--" + BOUNDARY + b"--"
    )


@cache
def _providers() -> Mapping[str, Provider]:
    """All providers of the configuration, some with a signature to check, and declared ones of our own."""
    found: dict[str, Any] = dict(config().providers)
    pilot, centre = found["pilot"], found["centre"]
    found["signed"] = type(pilot).model_validate(
        {"kind": "smspilot", "apikey": SECRET, "callback_user": "us", "callback_password": SECRET}
    )
    for kind in ("md5", "sha1", "crc32"):
        found[kind] = type(centre).model_validate(
            {
                **{"kind": "smsc", "login": "us", "password": SECRET, "callback_secret": SECRET},
                "callback_signature": kind,
            }
        )
    for name, callback in _DECLARED.items():
        found[name] = WebhookOptions.model_validate(
            {
                "kind": "webhook",
                "url": "https://api.example.org",
                "send": {
                    "path": "/send",
                    "message_id": {"json": "$.id"},
                    "form": {"to": "{recipient}", "text": "{text}"},
                },
                "callback": callback,
                "states": {"DELIVERED": "DELIVRD", "sent": "ENROUTE", "FAILED": "UNDELIV"},
                "errors": {"default": "perm"},
            },
            context={"base": BASE},
        )
    return {
        name: build_provider(name, options, "https://sms.example.org/c/t") for name, options in found.items()
    }


@cache
def callbacks() -> Callbacks:
    """Of all providers, with one token."""
    return Callbacks(_providers(), dict.fromkeys(_providers(), TOKEN), _hear)


async def _hear(provider: str, news: Sequence[News]) -> None:
    assert len(news) <= 1000
    await keep(news)


async def _call(
    name: str, method: str, kind: bytes, query: bytes, body: bytes, headers: Sequence[bytes]
) -> None:
    named = [found.groups() for header in headers if (found := _HEADER.fullmatch(header))]
    scope = {
        "type": "http",
        "method": method,
        "query_string": query,
        "headers": [(b"content-type", kind), *((key.lower(), value) for key, value in named)],
        "path_params": {"provider": name, "token": TOKEN},
    }
    pieces = [body[:1000], body[1000:]]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    response = await callbacks().receive(Request(scope, receive))
    assert response.status_code in (200, 400, 403), response.status_code
