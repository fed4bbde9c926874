"""The examples in config/providers: each one loads, and speaks with its provider as the documentation says.

The prepared answers are those of the providers' public documentation.
"""

import base64
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, get_args
from urllib.parse import parse_qsl

import pytest
import yaml
from starlette.responses import JSONResponse, Response

from smppbridge.config import advice, loading
from smppbridge.errors import Disabled, ProviderError, Rejected
from smppbridge.model.message import State, StatusReport
from smppbridge.providers.base import Callback, News, SendResult, Taken
from smppbridge.providers.webhook.codes import STATUSES, Class
from smppbridge.providers.webhook.options import WebhookOptions
from smppbridge.providers.webhook.placeholders import (
    FIND_FIELDS,
    MESSAGE_FIELDS,
    SIGNATURE_FIELDS,
    STATUS_FIELDS,
)
from smppbridge.providers.webhook.provider import Webhook
from tests.support.builders.messages import NOW, message, poll
from tests.support.builders.upcalls import Upcalls
from tests.support.http.scripted import ScriptedServer

FOLDER = Path(__file__).parent.parent.parent / "config" / "providers"
CALLBACK_URL = "https://sms.example.org/callbacks/x/token"
SENT = message(7, sender="", text="Код: 1234", deadline=NOW + 600_000)  # ten minutes
TO = SENT.recipient

ENVIRON = {
    "PBX_PASSWORD": "password",
    "TWILIO_SID": "AC0123456789abcdef0123456789abcdef",
    "TWILIO_TOKEN": "twilio-token",
    "TWILIO_FROM": "+15005550006",
    "VONAGE_KEY": "abcd1234",
    "VONAGE_SECRET": "vonage-secret",
    "VONAGE_FROM": "AcmeInc",
    "INFOBIP_URL": "https://xxxxx.api.infobip.com",
    "INFOBIP_KEY": "infobip-key",
    "INFOBIP_FROM": "InfoSMS",
    "MESSAGEBIRD_KEY": "live_key",
    "MESSAGEBIRD_FROM": "YourName",
    "PLIVO_ID": "MAXXXXXXXXXXXXXXXXXX",
    "PLIVO_TOKEN": "plivo-token",
    "PLIVO_FROM": "14155550100",
    "SMSRU_API_ID": "0B5E2E8D-1111-2222-3333-444455556666",
    "SMSAERO_EMAIL": "user@example.org",
    "SMSAERO_KEY": "aero-key",
    "SMSAERO_SIGN": "SMS Aero",
}
SECRETS = [value for name, value in ENVIRON.items() if name.endswith(("TOKEN", "SECRET", "_KEY", "API_ID"))]


class Example(NamedTuple):
    """What one provider is asked and answers."""

    name: str
    path: str
    headers: Mapping[str, str]
    body: Any  # JSON, or the fields of a form
    accepted: Response
    ref: str
    refused: Response
    error: type[ProviderError]
    code: str
    status: int  # command_status


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{ENVIRON[user]}:{ENVIRON[password]}".encode()).decode()


TWILIO_ACCOUNT = f"/2010-04-01/Accounts/{ENVIRON['TWILIO_SID']}"
TWILIO_REF = "SMaa00bb11cc22dd33ee44ff5566778899"
BIRD_REF = "e8077d803532c0b5937c639b60216938"
PLIVO_REF = "db3ce55a-7f1d-11e1-8ea7-1231380bc196"
ACCEPTED_BY_INFOBIP = {"groupId": 1, "groupName": "PENDING", "id": 26, "name": "PENDING_ACCEPTED"}

EXAMPLES = (
    Example(
        "twilio",
        f"{TWILIO_ACCOUNT}/Messages.json",
        {"authorization": basic("TWILIO_SID", "TWILIO_TOKEN")},
        {
            "To": f"+{TO}",
            "From": "+15005550006",
            "Body": SENT.text,
            "ValidityPeriod": "600",
            "StatusCallback": CALLBACK_URL,
        },
        JSONResponse({"sid": TWILIO_REF, "status": "queued", "error_code": None}, 201),
        TWILIO_REF,
        JSONResponse({"code": 21211, "message": f"The 'To' number {TO} is not valid.", "status": 400}, 400),
        Rejected,
        "21211",
        0x0B,
    ),
    Example(
        "vonage",
        "/sms/json",
        {},
        {
            "api_key": "abcd1234",
            "api_secret": "vonage-secret",
            "from": "AcmeInc",
            "to": TO,
            "text": SENT.text,
            "type": "unicode",
            "ttl": "600000",
            "client-ref": "7",
            "callback": CALLBACK_URL,
        },
        JSONResponse(
            {
                "message-count": "1",
                "messages": [
                    {"to": TO, "message-id": "0A0000000123ABCD1", "status": "0", "remaining-balance": "3.14"}
                ],
            }
        ),
        "0A0000000123ABCD1",
        JSONResponse(
            {"message-count": "1", "messages": [{"status": "9", "error-text": "Quota Exceeded - rejected"}]}
        ),
        Disabled,
        "9",
        0x4A4,
    ),
    Example(
        "infobip",
        "/sms/3/messages",
        {"authorization": "App infobip-key", "accept": "application/json"},
        {
            "messages": [
                {
                    "sender": "InfoSMS",
                    "destinations": [{"to": TO, "messageId": "7"}],
                    "content": {"text": SENT.text},
                    "options": {"validityPeriod": {"amount": 10, "timeUnit": "MINUTES"}},
                    "webhooks": {"delivery": {"url": CALLBACK_URL}, "contentType": "application/json"},
                }
            ]
        },
        JSONResponse(
            {
                "bulkId": "2034072219640523072",
                "messages": [{"messageId": "7", "status": ACCEPTED_BY_INFOBIP, "destination": TO}],
            }
        ),
        "7",
        JSONResponse(
            {
                "requestError": {
                    "serviceException": {"messageId": "UNAUTHORIZED", "text": "Invalid login details"}
                }
            },
            401,
        ),
        Disabled,
        "UNAUTHORIZED",
        0x08,
    ),
    Example(
        "messagebird",
        "/messages",
        {"authorization": "AccessKey live_key"},
        {
            "originator": "YourName",
            "recipients": [TO],
            "body": SENT.text,
            "datacoding": "auto",
            "reference": "7",
            "validity": 600,
            "reportUrl": CALLBACK_URL,
        },
        JSONResponse({"id": BIRD_REF, "recipients": {"totalCount": 1, "items": []}}, 201),
        BIRD_REF,
        JSONResponse({"errors": [{"code": 25, "description": "Not enough balance", "parameter": None}]}, 402),
        Disabled,
        "25",
        0x4A4,
    ),
    Example(
        "plivo",
        "/v1/Account/MAXXXXXXXXXXXXXXXXXX/Message/",
        {"authorization": basic("PLIVO_ID", "PLIVO_TOKEN")},
        {"src": "14155550100", "dst": TO, "text": SENT.text, "url": CALLBACK_URL},
        JSONResponse({"message": "message(s) queued", "message_uuid": [PLIVO_REF], "api_id": "a"}, 202),
        PLIVO_REF,
        JSONResponse({"api_id": "97ceeb52", "error": "dst is invalid"}, 400),
        Rejected,
        "400",
        0x45,
    ),
    Example(
        "smsru",
        "/sms/send",
        {},
        {"api_id": ENVIRON["SMSRU_API_ID"], "to": TO, "msg": SENT.text, "json": "1"},
        JSONResponse(
            {
                "status": "OK",
                "status_code": 100,
                "sms": {TO: {"status": "OK", "status_code": 100, "sms_id": "000000-10000000"}},
                "balance": 4122.56,
            }
        ),
        "000000-10000000",
        JSONResponse(
            {
                "status": "OK",
                "status_code": 100,
                "sms": {TO: {"status": "ERROR", "status_code": 207, "status_text": "Нет маршрута"}},
                "balance": 4122.56,
            }
        ),
        Rejected,
        "207",
        0x22,
    ),
    Example(
        "smsaero",
        "/v2/sms/send",
        {"authorization": basic("SMSAERO_EMAIL", "SMSAERO_KEY")},
        {"number": TO, "sign": "SMS Aero", "text": SENT.text},
        JSONResponse({"success": True, "data": {"id": 12345, "status": 0, "extendStatus": "queue"}}),
        "12345",
        JSONResponse({"result": "no credits"}),
        Disabled,
        "no credits",
        0x4A4,
    ),
)
by_name = {example.name: example for example in EXAMPLES}
every = pytest.mark.parametrize("example", EXAMPLES, ids=[example.name for example in EXAMPLES])


def load(name: str) -> WebhookOptions:
    options = loading.load(FOLDER / f"{name}.yaml", ENVIRON).providers[name]
    assert isinstance(options, WebhookOptions)
    return options


@asynccontextmanager
async def served(name: str, *answers: Response) -> AsyncIterator[tuple[Webhook, ScriptedServer]]:
    """The provider of an example, which talks to prepared answers instead of the real service."""

    async def no_report(reports: Sequence[News]) -> None:
        raise AssertionError(reports)

    async with ScriptedServer(*answers) as server:
        options = load(name).model_copy(update={"url": server.url})
        provider = Webhook(name, options, callback_url=CALLBACK_URL)
        await provider.start(Upcalls(no_report))
        yield provider, server
        await provider.close()


async def send(example: Example, *answers: Response) -> tuple[SendResult, ScriptedServer, Webhook]:
    async with served(example.name, *answers) as (provider, server):
        (result,) = await provider.send([SENT], NOW)
    return result, server, provider


def test_every_file_is_an_example() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(by_name)


@every
def test_it_loads_without_warnings_about_the_provider(example: Example) -> None:
    environ = {**ENVIRON, "SMPPBRIDGE_PUBLIC_URL": "https://sms.example.org"}
    loaded = loading.load(FOLDER / f"{example.name}.yaml", environ)
    assert [line for line in advice.warnings(loaded) if line.startswith("providers.")] == []
    head = (FOLDER / f"{example.name}.yaml").read_text(encoding="utf-8").split("\n\n")[0]
    assert "untested against the live service" in head
    assert all(name in head for name in ENVIRON if name.startswith(f"{example.name.upper()}_"))


def test_what_the_readme_shows_is_true() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```yaml\n(providers:.*?)```", text, re.DOTALL)
    options = WebhookOptions.model_validate(yaml.safe_load(shown)["providers"]["mine"])
    assert options.warnings(callbacks=True) == []
    for words in (MESSAGE_FIELDS, STATUS_FIELDS, FIND_FIELDS, SIGNATURE_FIELDS, STATUSES, get_args(Class)):
        assert [word for word in words if f"`{word}`" not in text] == []


@every
async def test_a_message_is_sent_as_documented(example: Example) -> None:
    result, server, _ = await send(example, example.accepted)
    assert isinstance(result, Taken)
    assert result.ref == example.ref
    ((target, body),) = server.asked
    assert target == example.path
    (headers,) = server.headers
    assert {name: headers[name] for name in example.headers} == example.headers
    if headers["content-type"] == "application/json":
        assert json.loads(body) == example.body
    else:
        assert headers["content-type"] == "application/x-www-form-urlencoded"
        assert dict(parse_qsl(body.decode(), strict_parsing=True)) == example.body


@every
async def test_a_documented_refusal_is_understood(example: Example) -> None:
    result, _, _ = await send(example, example.refused)
    assert isinstance(result, ProviderError)
    assert (type(result), result.code, result.status) == (example.error, example.code, example.status)
    assert TO not in result.reason
    assert not any(secret in result.reason for secret in SECRETS)


STATUS_ANSWERS = {
    "twilio": (f"{TWILIO_ACCOUNT}/Messages/{TWILIO_REF}.json", {"sid": TWILIO_REF, "status": "delivered"}),
    "infobip": (
        "/sms/3/logs?messageId=7",
        {"results": [{"messageId": "7", "status": {"groupName": "DELIVERED"}, "error": {"id": 0}}]},
    ),
    "messagebird": (
        f"/messages/{BIRD_REF}",
        {"id": BIRD_REF, "recipients": {"items": [{"recipient": int(TO), "status": "delivered"}]}},
    ),
    "plivo": (
        f"/v1/Account/MAXXXXXXXXXXXXXXXXXX/Message/{PLIVO_REF}/",
        {"message_uuid": PLIVO_REF, "message_state": "delivered", "error_code": "000"},
    ),
    "smsru": (
        "/sms/status",
        {"status": "OK", "status_code": 100, "sms": {"000000-10000000": {"status_code": 103, "cost": 0.5}}},
    ),
    "smsaero": ("/v2/sms/status", {"success": True, "data": {"id": 12345, "status": 1}}),
}


@pytest.mark.parametrize("name", STATUS_ANSWERS)
async def test_a_status_is_asked_for_as_documented(name: str) -> None:
    path, answer = STATUS_ANSWERS[name]
    ref = by_name[name].ref
    async with served(name, JSONResponse(answer)) as (provider, server):
        (report,) = await provider.status([poll(ref, NOW)])
    assert (report.provider_ref, report.state, report.final, report.err) == (ref, State.DELIVERED, True, 0)
    assert [target for target, _ in server.asked] == [path]


BALANCES = {
    "twilio": {"account_sid": "AC", "balance": "12.5", "currency": "USD"},
    "vonage": {"value": 12.5, "autoReload": False},
    "infobip": {"balance": 12.5, "currency": "EUR"},
    "messagebird": {"payment": "prepaid", "type": "euros", "amount": 12.5},
    "plivo": {"cash_credits": "12.50000", "api_id": "a"},
    "smsru": {"status": "OK", "status_code": 100, "balance": 12.5},
    "smsaero": {"success": True, "data": {"balance": 12.5}},
}


@pytest.mark.parametrize("name", BALANCES)
async def test_the_balance_is_read(name: str) -> None:
    async with served(name, JSONResponse(BALANCES[name])) as (provider, _):
        assert await provider.balance() == 12.5


async def test_twilio_signs_its_callbacks() -> None:
    """The signature is one of openssl, over the address and the sorted parameters."""
    form = {"MessageStatus": "delivered", "MessageSid": TWILIO_REF, "To": f"+{TO}"}
    provider = Webhook("twilio", load("twilio"), callback_url=CALLBACK_URL)
    headers = {"x-twilio-signature": "4ZxIm1Fc71rjl/Fx8Z/laJtxG2k="}
    (report,) = provider.parse_callback(Callback("POST", {}, headers, form))
    assert isinstance(report, StatusReport)
    assert (report.provider_ref, report.state) == (TWILIO_REF, State.DELIVERED)


async def test_infobip_reports_many_messages_at_once() -> None:
    results = [
        {"messageId": "7", "status": {"groupName": "DELIVERED"}, "error": {"id": 0}},
        {"messageId": "8", "status": {"groupName": "UNDELIVERABLE"}, "error": {"id": 27}},
    ]
    body = json.dumps({"results": results}).encode()
    provider = Webhook("infobip", load("infobip"), callback_url=CALLBACK_URL)
    reports = provider.parse_callback(Callback("POST", {}, {}, body=body))
    assert [report[:4] for report in reports] == [
        ("7", State.DELIVERED, True, 0),
        ("8", State.UNDELIVERABLE, True, 27),
    ]
