"""What HTTP providers answer, in every API and format: any status, any body, to every question.

1. Only the ProviderErrors leave a provider. A hand-over has a result for each message.
2. Whatever an answer says, words of it that are kept are one line, bounded, and without our secrets.
3. Statuses, messages from phones and references fit the store.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import httpx2

from smppbridge.errors import ProviderError
from smppbridge.model.message import Doubt, Inbound, StatusReport
from smppbridge.providers.base import Provider, SendResult, Taken, Trace, Upcalls
from smppbridge.providers.http.provider import HttpProvider
from smppbridge.providers.registry import AnyOptions, build_provider
from smppbridge.providers.webhook.options import WebhookOptions
from tests.fuzz.kept import LONGEST_WORD, check_told, check_words, keep
from tests.fuzz.loops import run
from tests.fuzz.reading import BREAK, Octets
from tests.fuzz.settings import BASE, SECRET, config
from tests.support.builders.messages import NOW, doubt, message, poll

STATUSES = (200, 200, 200, 201, 204, 301, 400, 401, 403, 404, 429, 500, 503)
MESSAGES = (
    message(17, sender="ALARM", text="Door"),
    message(18, sender="ALARM", text="Door", priority=2),
    message(19, sender="", text="Привет", attempt=2, tries=1),
)
REFS = ("17", "10000", "b17.1", "SM0123456789abcdef0123456789abcdef")
LONGEST_PAUSE = 90 * 86400.0  # seconds
_FORMS: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "pilot": (
        {},
        {"api": "api2-xml"},
        *({"api": "api1", "format": name} for name in ("json", "xml", "text", "v")),
    ),
    "centre": (
        *({"format": name} for name in ("json", "xml", "numbers", "text")),
        {"api": "rest"},
    ),
    "assist": ({}, {"api": "xml"}, {"api": "plain"}),
}
_PLACES = ({"xpath": "sms/@id"}, {"regex": "id: ([0-9]+)"}, {"json": "$[0]['id'].*"})
_ASKED = {"success": {"when": {"regex": "ok|OK"}}, "error_code": {"regex": "ERR = ?([0-9]+)"}}


def target(data: bytes) -> None:
    """One answer, or several in a row, to one question. Raises whatever the provider should not raise."""
    octets = Octets(data)
    name, options = octets.choice(_entries())
    question = octets.choice(QUESTIONS)
    answers = [(octets.choice(STATUSES), octets.number() & 1)]
    bodies = octets.pieces(3)
    run(_ask(name, options, question, answers[0], bodies))


def seeds() -> Iterator[bytes]:
    """What every kind of provider answers to every question, given to all its forms."""
    bodies = (
        b'{"send":[{"server_id":"10000","id":"17","from":"A","to":"79000000017","price":"1.5","status":"0"}],'
        b'"server_packet_id":"123","balance":"10.5"}',
        b'{"check":[{"id":"0","server_id":"17","status":"-1","error":"604","error_en":"Undeliverable"}]}',
        b'{"error":{"code":"112","description":"Insufficient credits"}}',
        b'{"inbound":[{"id":"5","num":"1","phone":"79000000001","text":"yes"}]}',
        b'{"balance":"1.5"}',
        b'<send balance="1.5" server_packet_id="3"><sms id="17" server_id="10000" status="0"'
        b' phone="79000000017" price="1.0">Door</sms></send>',
        b"<error><code>112</code><description>Insufficient credits</description></error>",
        b"SUCCESS=SMS SENT 1.5/10.5\n10000,79000000017,1.5,0\n10001,79000000018,1.5,0",
        b"ERROR=112:Insufficient credits",
        b"10000,79000000017,-1,604",
        b"2",
        b'{"id":"b17.1","cnt":1,"cost":"1.40","balance":"100.50","phones":[{"phone":"7900","status":"0"}]}',
        b'{"status":1,"last_timestamp":1,"err":0,"id":17,"phone":"79000000017"}',
        b'[{"id":17,"phone":"79000000001","message":"yes","to_phone":"1","received":"30.11.2026 12:00:00"}]',
        b'{"error":"no money","error_code":3,"id":17}',
        b"OK - 1 SMS, ID - b17.1, COST - 1.40, BALANCE - 100.50\n79000000017 = 1",
        b"b17.1,1,1.40,100.50\n79000000017,25001,1.40,1,0",
        b"ERROR = 3 (no money), ID - 17",
        b"<result><id>b17.1</id><cnt>1</cnt><cost>1.4</cost></result>",
        b'{"message":{"msg":[{"sms_id":17,"sms_count":1,"operator":1,"error_code":0,"recipient":"79000000017"}]}}',
        b'{"status":{"msg":[{"sms_id":17,"sms_status":"Delivered"}]}}',
        b'{"error":-3}',
        b'<package><message><msg sms_id="17" sms_count="1">0</msg></message></package>',
        b'<package><status><msg sms_id="17">Delivered</msg></status><error>-3</error></package>',
        b"-3",
        b"Delivered",
        b"100,50",
        b'{"messages":[{"messageId":"17","status":{"groupName":"PENDING","name":"x","description":"y"}}],"bulkId":"b"}',
        b'{"results":[{"messageId":"17","status":{"groupName":"REJECTED"},"error":{"id":5}}]}',
        b'{"sid":"SM0123456789abcdef0123456789abcdef","status":"undelivered","error_code":30003,"message":"x"}',
        b'[{"id":[17,18]}] id: 17 OK ERR = 5',
        b"<a><sms id='17'>OK</sms></a>",
        b"",
    )
    for place in range(len(_entries())):
        for number, body in enumerate(bodies):
            for question in range(len(QUESTIONS)):
                if (place + number + question) % 3 == 0:  # each form sees each answer to some question
                    yield bytes((place, question, 0, 0)) + body
        yield bytes((place, 0, 10, 1)) + bodies[2] + BREAK + bodies[0]


@cache
def _entries() -> tuple[tuple[str, AnyOptions], ...]:
    """Every HTTP provider in every form, and a declared one with XPath and regular expressions."""
    found: list[tuple[str, AnyOptions]] = []
    for name, options in config().providers.items():
        if name in _FORMS:
            keys = {"apikey": SECRET} if name == "pilot" else {"login": "us", "password": SECRET}
            forms = [{"kind": options.kind, **keys, **form} for form in _FORMS[name]]
            found += [(name, type(options).model_validate(form)) for form in forms]
        elif isinstance(options, WebhookOptions):
            found.append((name, options))
    question = {"path": "/q/{ref}", **_ASKED}
    declared = {
        "kind": "webhook",
        "url": "https://api.example.org",
        "secrets": {"key": SECRET},
        "send": {
            "path": "/send",
            "form": {"to": "{recipient}", "text": "{text}", "key": "{secret.key}"},
            "message_id": list(_PLACES),
            "balance": {"xpath": "@balance"},
            **_ASKED,
        },
        "status": {
            **question,
            "state": [{"xpath": "sms"}, {"regex": "[A-Z]+"}],
            "message_error": {"xpath": "e"},
        },
        "find": {"path": "/f/{id}", "message_id": list(_PLACES), "absent": {"status": 404}},
        "balance": {"path": "/b", "value": [{"xpath": "b"}, {"regex": "-?[0-9.]+"}]},
        "states": {"OK": "DELIVRD", "ERR": "UNDELIV", "0": "ENROUTE"},
        "errors": {"5": "perm", "7": {"class": "account", "pause": "30m"}, "default": "retry"},
    }
    found.append(("declared", WebhookOptions.model_validate(declared, context={"base": BASE})))
    return tuple(found)


class _Server(httpx2.AsyncBaseTransport):
    """Answers the first requests with one body each, and all later ones with the last."""

    def __init__(self, status: int, odd: int, bodies: Sequence[bytes]) -> None:
        self._status = status
        self._odd = odd
        self._bodies = list(bodies)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = self._bodies.pop(0) if len(self._bodies) > 1 else self._bodies[0]
        status = 200 if self._odd and len(self._bodies) == 1 else self._status
        headers = [(b"retry-after", body[:40]), (b"location", body[:200])] if self._odd else []
        return httpx2.Response(status, headers=headers, content=body)


async def _ask(
    name: str, options: AnyOptions, question: str, how: tuple[int, int], bodies: Sequence[bytes]
) -> None:
    provider = build_provider(name, options, "https://sms.example.org/c/t")
    assert isinstance(provider, HttpProvider)
    provider.transport = _Server(*how, bodies)
    await provider.start(Upcalls())
    try:
        await _questions[question](provider)
    except ProviderError as error:
        _check_error(error)
    finally:
        await provider.close()


async def _send(provider: Provider) -> None:
    messages = MESSAGES[: provider.limits.batch]
    results = await provider.send(messages, NOW)
    assert len(results) == len(messages)
    for result in results:
        _check_result(result)


async def _status(provider: Provider) -> None:
    reports = await provider.status([poll(ref, NOW - 3_600_000) for ref in REFS])
    assert len(reports) <= 1000
    assert all(isinstance(report, StatusReport) for report in reports)
    await keep(reports)


async def _find(provider: Provider) -> None:
    doubts: list[Doubt] = [doubt(one) for one in MESSAGES]
    for trace in await provider.find(doubts, NOW):
        assert isinstance(trace, Trace)
        assert trace.id in {one.id for one in doubts}
        check_words(*trace.refs, *trace.unlikely)


async def _balance(provider: Provider) -> None:
    balance = await provider.balance()
    assert balance is None or math.isfinite(balance)


async def _inbound(provider: Provider) -> None:
    for since in (None, NOW):
        messages = await provider.inbound(since)
        assert all(isinstance(one, Inbound) for one in messages)
        await keep(messages)


def _check_result(result: SendResult) -> None:
    if isinstance(result, ProviderError):
        _check_error(result)
        return
    assert isinstance(result, Taken)
    check_words(result.ref, result.packet, *result.parts)
    check_told(result.told)
    assert result.ref
    for word in (result.ref, result.packet, *result.parts):
        word.encode()


def _check_error(error: ProviderError) -> None:
    reason, code = error.reason, error.code
    assert len(reason) <= 2 * LONGEST_WORD and len(code) <= LONGEST_WORD, (reason, code)
    assert "\n" not in reason + code
    assert SECRET not in reason + code
    (reason + code).encode()
    assert 0 <= error.status <= 0x4FF
    for name in ("after", "pause"):
        assert 0 <= getattr(error, name, 0.0) <= LONGEST_PAUSE, name
    assert 0 <= getattr(error, "err", 0) <= 999


_questions = {"send": _send, "status": _status, "find": _find, "balance": _balance, "inbound": _inbound}
QUESTIONS = tuple(_questions)
