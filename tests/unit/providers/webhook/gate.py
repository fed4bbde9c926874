"""Declarations of webhooks, and a provider that has one and is answered as prepared."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from starlette.responses import Response

from smppbridge.providers.base import News
from smppbridge.providers.webhook.options import WebhookOptions
from smppbridge.providers.webhook.provider import Webhook
from tests.support.builders.upcalls import Upcalls
from tests.support.http.scripted import ScriptedServer

TOKEN = "5ecret-token"
SINGLE: dict[str, Any] = {
    "kind": "webhook",
    "secrets": {"token": TOKEN},
    "send": {
        "path": "/send",
        "query": {"key": "{secret.token}"},
        "form": {"to": "{recipient}", "text": "{text}", "from": "{sender}", "at": "{send_at_unix}"},
        "message_id": {"json": "$.id"},
        "error_code": {"json": "$.code"},
        "error_text": {"json": "$.words"},
    },
    "states": {"done": "DELIVRD", "lost": "UNDELIV", "odd": "ignore"},
    "errors": {"1": "perm", "2": "account", "3": "duplicate", "4": "bug", "5": "retry"},
}
MANY: dict[str, Any] = {
    **SINGLE,
    "send": {
        "json": {"from": "{sender}", "list": [{"to": "{recipient}", "text": "{text}"}]},
        "batch": {"list": "$.list", "size": 4, "results": "$.results"},
        "message_id": {"json": "$.id"},
        "error_code": {"json": "$.code"},
    },
}
XML = {
    **SINGLE["send"],
    "form": None,
    "body": "<a t='{text}' n='{plus}'/>",
    "content_type": "text/xml",
}
ASKING: dict[str, Any] = {
    **SINGLE,
    "id_pattern": "[a-z]+",
    "status": {"path": "/m/{ref}", "state": {"json": "$.state"}, "error_code": {"json": "$.code"}},
    "find": {
        "path": "/f/{id}",
        "message_id": {"json": "$.refs[*]"},
        "absent": {"status": 404, "when": {"json": "$.missing"}},
        "error_code": {"json": "$.code"},
    },
    "balance": {"path": "/b", "value": {"json": "$.left"}, "error_code": {"json": "$.code"}},
}


async def no_report(reports: Sequence[News]) -> None:
    raise AssertionError(reports)


@asynccontextmanager
async def served(
    keys: dict[str, Any], *answers: bytes | Response, callback_url: str | None = None
) -> AsyncIterator[tuple[Webhook, ScriptedServer]]:
    async with ScriptedServer(*answers) as server:
        options = WebhookOptions.model_validate({"url": server.url, **keys})
        provider = Webhook("gate", options, callback_url=callback_url)
        await provider.start(Upcalls(no_report))
        yield provider, server
        await provider.close()


def of(keys: dict[str, Any], **more: Any) -> Webhook:
    return Webhook("gate", WebhookOptions.model_validate({"url": "https://h", **keys, **more}))
