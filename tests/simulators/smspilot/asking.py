"""Asks the smspilot simulator by hand, without the provider."""

import asyncio
import json
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smppbridge.providers.base import Callback
from tests.simulators.smspilot.simulator import Rules, SmspilotSimulator
from tests.support.bridge.running import PATIENCE
from tests.support.http.server import HttpServer

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

    async def xml(self, body: str) -> ET.Element:
        """The answer to an XML request; it must be well-formed."""
        return ET.fromstring(await self.raw(body.encode(), **{"content-type": "text/xml"}))

    async def get(self, **query: str) -> str:
        """The answer of API-1 to a GET."""
        query.setdefault("apikey", "KEY")
        answer = await self._client.get(f"{self.simulator.url}/api.php", params=query)
        assert answer.status_code == 200
        return answer.text

    async def get_json(self, **query: str) -> dict[str, Any]:
        """The answer of API-1 to a GET, in JSON."""
        value: dict[str, Any] = json.loads(await self.get(**query, format="json"))
        return value

    async def get_code(self, **query: str) -> int:
        """The code of the error that API-1 answers."""
        answer = await self.get_json(**query)
        assert answer.keys() == {"error"}, answer
        code: int = answer["error"]["code"]
        return code

    async def send_one(self, **keys: object) -> str:
        answer = await self.ask(send=[{"to": PHONE, "text": "x", **keys}])
        ref: str = answer["send"][0]["server_id"]
        return ref


@asynccontextmanager
async def running(rules: Rules | None = None, **keys: Any) -> AsyncIterator[Api]:
    rules = rules or Rules(delay=0.02, poll_interval=0, retry_pause=0.02)
    async with (
        SmspilotSimulator(rules, **keys) as simulator,
        httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client,
    ):
        yield Api(simulator, client)


def rows(good: int, bad: int) -> list[dict[str, str]]:
    return [{"to": f"7908796{n:04d}", "text": "x"} for n in range(good)] + [{"to": "12", "text": "x"}] * bad


class Receiver:
    """A customer's script for statuses and inbound messages. The first ``failures`` calls get a 503."""

    def __init__(self, failures: int = 0) -> None:
        self.calls: list[Callback] = []
        self.failures = failures
        route = Route("/status", self._receive, methods=["GET", "POST"])
        self.server = HttpServer(Starlette(routes=[route]))

    async def _receive(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        query, headers = dict(request.query_params), dict(request.headers)
        self.calls.append(Callback(request.method, query, headers, form))
        if self.failures:
            self.failures -= 1
            return Response(status_code=503)
        return Response("ok")

    async def wait(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while len(self.calls) < count:
                await asyncio.sleep(0.005)
