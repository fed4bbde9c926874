"""Asks the smspilot simulator by hand, without the provider."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from tests.support.smspilot import Rules, SmspilotSimulator

PHONE = "79087964781"


class Api:
    """Talks to a simulator the way a script of the manual would."""

    def __init__(self, simulator: SmspilotSimulator, client: httpx2.AsyncClient) -> None:
        self.simulator = simulator
        self._client = client

    async def raw(self, body: bytes, **headers: str) -> str:
        answer = await self._client.post(f"{self.simulator.url}/api2.php", content=body, headers=headers)
        assert answer.status_code == 200
        return answer.text

    async def ask(self, **query: object) -> dict[str, Any]:
        query.setdefault("apikey", "KEY")
        value: dict[str, Any] = json.loads(await self.raw(json.dumps(query).encode()))
        return value

    async def code(self, **query: object) -> int:
        answer = await self.ask(**query)
        assert answer.keys() == {"error"}, answer
        assert {"code", "description", "description_ru", "ip"} <= answer["error"].keys()
        code: int = answer["error"]["code"]
        return code

    async def send_one(self, **keys: object) -> str:
        answer = await self.ask(send=[{"to": PHONE, "text": "x", **keys}])
        ref: str = answer["send"][0]["server_id"]
        return ref


@asynccontextmanager
async def running(rules: Rules | None = None, **keys: Any) -> AsyncIterator[Api]:
    rules = rules or Rules(delay=0.02, poll_interval=0, retry_pause=0.02)
    async with SmspilotSimulator(rules, **keys) as simulator, httpx2.AsyncClient(trust_env=False) as client:
        yield Api(simulator, client)


def rows(good: int, bad: int) -> list[dict[str, str]]:
    return [{"to": f"7908796{n:04d}", "text": "x"} for n in range(good)] + [{"to": "12", "text": "x"}] * bad
