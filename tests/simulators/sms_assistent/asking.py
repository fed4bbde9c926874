"""Asks the sms-assistent simulator by hand, without the provider."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from tests.simulators.sms_assistent.simulator import Rules, SmsAssistentSimulator
from tests.support.bridge.running import PATIENCE

PHONE = "375296717259"
HEAD = '<?xml version="1.0" encoding="utf-8" ?>\n'


class Api:
    """Talks to a simulator the way a script of the manual would."""

    def __init__(self, simulator: SmsAssistentSimulator, client: httpx2.AsyncClient) -> None:
        self.simulator = simulator
        self.client = client

    async def raw(self, api: str, body: bytes, status: int = 200) -> str:
        answer = await self.client.post(f"{self.simulator.url}/api/v1/{api}", content=body)
        assert answer.status_code == status
        return answer.text

    async def form(self, path: str, **keys: str) -> str:
        """POST a form to a PLAIN endpoint; login and password unless ``keys`` say others."""
        form = {"user": "user", "password": "PASSWORD", **keys}
        answer = await self.client.post(f"{self.simulator.url}/api/v1/{path}/plain", data=form)
        assert answer.status_code == 200
        return answer.text

    async def plain(self, **keys: str) -> str:
        """Send one message over PLAIN."""
        return await self.form("send_sms", **{"recipient": PHONE, "message": "x", "sender": "CMC", **keys})

    async def json(self, **keys: object) -> dict[str, Any]:
        query = {"login": "user", "password": "PASSWORD", "command": "sms_send", **keys}
        value: dict[str, Any] = json.loads(await self.raw("json", json.dumps(query).encode()))
        return value

    async def send(self, *rows: dict[str, Any], **keys: object) -> list[dict[str, Any]]:
        """Send a JSON package; its rows."""
        answer = await self.json(message={"msg": list(rows)}, **keys)
        assert answer.keys() == {"message"}, answer
        found: list[dict[str, Any]] = answer["message"]["msg"]
        return found

    async def send_one(self, **keys: object) -> int:
        (row,) = await self.send({"recipient": PHONE, "sms_text": "x", **keys})
        sms_id: int = row["sms_id"]
        return sms_id

    async def statuses(self, *ids: object) -> dict[str, Any]:
        return await self.json(command="statuses", status={"msg": [{"sms_id": each} for each in ids]})

    async def word(self, sms_id: int) -> str:
        (row,) = (await self.statuses(sms_id))["status"]["msg"]
        word: str = row["sms_status"]
        return word

    async def xml(self, content: str, attributes: str = 'login="user" password="PASSWORD"') -> str:
        """What stands inside the package of the answer."""
        answer = await self.raw("xml", f"{HEAD}<package {attributes}>{content}</package>".encode())
        head, tail = f"{HEAD}<package>", "</package>"
        assert answer.startswith(head) and answer.endswith(tail), answer
        return answer.removeprefix(head).removesuffix(tail)


@asynccontextmanager
async def running(rules: Rules | None = None, **keys: Any) -> AsyncIterator[Api]:
    simulator = SmsAssistentSimulator(rules or Rules(delay=0.02), **keys)
    async with simulator, httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        yield Api(simulator, client)


def minsk(**ahead: float) -> str:
    """A date_send so far from now; Minsk is 3 hours ahead of UTC all the year."""
    return (datetime.now(UTC) + timedelta(hours=3) + timedelta(**ahead)).strftime("%Y%m%d%H%M")
