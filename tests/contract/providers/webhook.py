"""A declared provider (`kind: webhook`) and its simulator, as the provider contract needs them."""

import json
import time
from collections.abc import Sequence
from typing import Any

from smppbridge.errors import Disabled, Postponed, Rejected, Unavailable
from smppbridge.providers.base import Callback, Provider
from smppbridge.providers.webhook.options import WebhookOptions
from smppbridge.providers.webhook.provider import Webhook
from tests.contract.providers.rig import Kept, Refusal, Report, SimulatedRig, body_callback, query_callback
from tests.simulators.webhook import wire
from tests.simulators.webhook.simulator import Rules, WebhookSimulator
from tests.support.builders.messages import draft

TOKEN = "5ECRETT0KEN5ECRETT0KEN"
SIGN_KEY = "5ECRETS1GN5ECRETS1GN"
AUTHORIZATION = {"Authorization": "Bearer {secret.token}"}


def declaration(url: str, token: str = TOKEN, sign_key: str = SIGN_KEY) -> dict[str, Any]:
    """Relay as an operator declares it."""
    code, words = {"json": "$.error.code"}, {"json": "$.error.message"}
    failed = {"error_code": code, "error_text": words}
    asked = {"headers": AUTHORIZATION, **failed}
    return {
        "kind": "webhook",
        "url": url,
        "secrets": {"token": token, "sign_key": sign_key},
        "id_pattern": "r-[0-9]+",
        "sender_pattern": "[A-Za-z0-9]{3,11}",
        "send": {
            "path": "/v1/messages",
            "headers": AUTHORIZATION,
            "json": {
                "sender": "{sender}",
                "callback": "{callback_url}",
                "messages": [
                    {"to": "{plus}", "text": "{text}", "ref": "{id}", "ttl": "{ttl_minutes:number}"}
                ],
            },
            "batch": {
                "list": "$.messages",
                "size": 100,
                "results": "$.results",
                "match": {"json": "$.ref", "equals": "{id}"},
            },
            "success": {"when": {"json": "$.result", "equals": "accepted"}},
            "message_id": {"json": "$.id"},
            "packet_id": {"json": "$.request"},
            "balance": {"json": "$.balance"},
            **failed,
        },
        "send_binary": {
            "path": "/v1/binary",
            "headers": AUTHORIZATION,
            "json": {
                "to": "{plus}",
                "sender": "{sender}",
                "udh": "{udh_hex}",
                "data": "{data_hex}",
                "ref": "{id}",
            },
            "message_id": {"json": "$.id"},
            **failed,
        },
        "status": {
            "path": "/v1/states",
            "query": {"ids": "{refs}"},
            "batch": {"results": "$.states", "match": {"json": "$.id", "equals": "{ref}"}},
            "state": {"json": "$.state"},
            "message_error": {"json": "$.error"},
            **asked,
        },
        "find": {
            "path": "/v1/messages",
            "query": {"ref": "{id}"},
            "message_id": {"json": "$.messages[*].id"},
            "absent": {"status": 404, "when": {"json": "$.error.code", "equals": wire.NOT_FOUND}},
            **asked,
        },
        "balance": {"path": "/v1/balance", "value": {"json": "$.balance"}, **asked},
        "callback": {
            "message_id": {"json": "$.id"},
            "state": {"json": "$.state"},
            "error_code": {"json": "$.error"},
            "inbound": {
                "id": {"json": "$.inbound_id"},
                "source": {"json": "$.from"},
                "destination": {"json": "$.to"},
                "text": {"json": "$.text"},
                "at": {"json": "$.time"},
            },
            "signature": {
                "header": "X-Relay-Signature",
                "hmac": "sha256",
                "key": "{secret.sign_key}",
                "signed": "{header.X-Relay-Time}.{body}",
                "prefix": "sha256=",
            },
        },
        "states": {"accepted": "ACCEPTD", "sent": "ENROUTE", "delivered": "DELIVRD", "failed": "UNDELIV"},
        "errors": {
            str(wire.WRONG_TOKEN): {"class": "account", "pause": "30m"},
            str(wire.ACCOUNT_BLOCKED): "account",
            str(wire.MAINTENANCE): "retry",
            str(wire.NO_MONEY): {"class": "account", "status": "no_money"},
            str(wire.MALFORMED): "bug",
            str(wire.BAD_RECIPIENT): {"class": "perm", "status": "invalid_destination"},
            str(wire.BLACK_LIST): "perm",
            str(wire.NOT_AT_NIGHT): "window",
        },
    }


class WebhookRig(SimulatedRig):
    """One simulator, and providers that talk to it."""

    name = "webhook"
    secrets = (TOKEN, SIGN_KEY)
    account_refusals = (
        Refusal(wire.ACCOUNT_BLOCKED, Disabled),
        Refusal(wire.MAINTENANCE, Unavailable),
        Refusal(wire.MALFORMED, Rejected),
        Refusal(wire.NO_MONEY, Disabled, 0x4A4),
    )
    message_refusals = (
        Refusal(wire.BLACK_LIST, Rejected, 0x45),
        Refusal(wire.BAD_RECIPIENT, Rejected, 0x0B),
        Refusal(wire.NOT_AT_NIGHT, Postponed, 0x45),
    )
    unfit = (
        draft(text=""),
        draft(sender="Пример"),
        draft(sender="to-long-a-name"),
        draft(text="a" * 2000),
        draft(text="\ud800"),
    )
    signs_callbacks = True
    can_find = True
    carries_octets = True
    inbound_by_callback = True

    def __init__(self) -> None:
        rules = Rules(token=TOKEN, sign_key=SIGN_KEY, delay=0.02, retry_pause=0.1)
        self.simulator = WebhookSimulator(rules)
        super().__init__(self.simulator)
        self._inbound = 0
        self._unknown = 5000

    async def open(
        self, report: Report, *, url: str = "", timeout: float = 10.0, secret: str = ""
    ) -> Provider:
        keys = declaration(url or self.simulator.url, secret or TOKEN)
        options = WebhookOptions.model_validate({**keys, "timeout": timeout, "parallel": 2})
        provider = Webhook("relay", options)
        return await self.opened(provider, report)

    def settings(self) -> dict[str, Any]:
        return declaration(self.simulator.url)

    def taken(self) -> list[Kept]:
        return [
            Kept(one.id, one.to.removeprefix("+"), one.text)
            for one in self.simulator.accepted
            if not one.binary
        ]

    def refuse_recipients(self, recipients: Sequence[str], code: int) -> None:
        self.simulator.rules.refused = dict.fromkeys(recipients, code)

    def refuse_all(self, code: int) -> None:
        self.simulator.rules.blocked = code

    def spend_everything(self) -> None:
        self.simulator.rules.balance = 0.5

    def never_deliver(self) -> None:
        self.simulator.rules.outcome = ("failed", 42)

    def unknown_ref(self) -> str:
        self._unknown += 1
        return f"r-{self._unknown}"

    def _signed(self, body: dict[str, Any], key: str = SIGN_KEY) -> Callback:
        content = json.dumps(body, ensure_ascii=False).encode()
        headers = wire.callback_headers(key, content, int(time.time()))
        return body_callback(content, {name.lower(): value for name, value in headers.items()})

    def callback(self, ref: str, *, delivered: bool) -> Callback:
        state = {"state": "delivered"} if delivered else {"state": "failed", "error": 42}
        return self._signed({"event": "state", "id": ref, **state})

    def forged_callbacks(self) -> list[Callback]:
        good = self.callback("r-1001", delivered=True)
        other = self.callback("r-1001", delivered=False)
        return [
            self._signed({"id": "r-1001", "state": "delivered"}, key="another key"),
            body_callback(good.body),
            body_callback(good.body, other.headers),
            body_callback(good.body, {**good.headers, "x-relay-time": "1"}),
        ]

    def garbage_callbacks(self) -> list[Callback]:
        bodies: list[dict[str, Any]] = [
            {},
            {"id": "r-1001"},
            {"state": "delivered"},
            {"id": "one", "state": "delivered"},
            {"id": ["r-1001"], "state": {"delivered": True}},
            {"inbound_id": "i-1", "from": "somebody", "text": "hello"},
        ]
        nonsense = b"\xff\x00garbage"
        headers = wire.callback_headers(SIGN_KEY, nonsense, 0)
        signed = {name.lower(): value for name, value in headers.items()}
        empty = wire.callback_headers(SIGN_KEY, b"", 0)
        return [
            *(self._signed(body) for body in bodies),
            body_callback(nonsense, signed),
            query_callback({"id": "r-1001"}, {name.lower(): value for name, value in empty.items()}),
        ]

    def inbound_callback(self, source: str, text: str) -> Callback:
        self._inbound += 1
        body = {"event": "inbound", "inbound_id": f"i-{self._inbound}", "from": f"+{source}", "to": "4444"}
        return self._signed({**body, "text": text, "time": int(time.time())})
