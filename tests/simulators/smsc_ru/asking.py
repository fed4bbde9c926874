"""Asks the smsc.ru simulator by hand, without the provider."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from tests.simulators.smsc_ru.simulator import Rules, SmscRuSimulator
from tests.support.bridge.running import PATIENCE

PHONE = "79087964781"
OTHER = "79087964782"
RIGHTS = {"login": "LOGIN", "psw": "PASSWORD"}


class Api:
    """Talks to a simulator the way a script of the manual would; parameters go in as they are."""

    def __init__(self, simulator: SmscRuSimulator, client: httpx2.AsyncClient) -> None:
        self.simulator = simulator
        self.client = client

    async def ask(self, script: str, **parameters: str) -> str:
        """POST a form with login and password, which ``parameters`` may replace."""
        answer = await self.client.post(
            f"{self.simulator.url}/sys/{script}.php", data={**RIGHTS, **parameters}
        )
        assert answer.status_code == 200
        return answer.text

    async def send(self, text: str = "x", phones: str = PHONE, **parameters: str) -> str:
        return await self.ask("send", **{"phones": phones, "mes": text, "charset": "utf-8", **parameters})

    async def send_json(self, text: str = "x", phones: str = PHONE, **parameters: str) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(await self.send(text, phones, fmt="3", **parameters))
        return value

    async def code(self, text: str = "x", phones: str = PHONE, **parameters: str) -> int:
        """Of a refused send request; 0 if it was taken."""
        answer = await self.send_json(text, phones, **parameters)
        return int(answer.get("error_code", 0))

    async def accepted(self, text: str = "x", phones: str = PHONE, **parameters: str) -> dict[str, str]:
        """The one message that a send request came to."""
        before = len(self.simulator.accepted)
        assert await self.code(text, phones, **parameters) == 0
        (row,) = self.simulator.accepted[before:]
        return row

    async def rest(self, content: bytes) -> dict[str, Any]:
        answer = await self.client.post(f"{self.simulator.url}/rest/send/", content=content)
        value: dict[str, Any] = answer.json()
        return value

    async def status(self, ident: str, phone: str = PHONE, **parameters: str) -> Any:
        keys = {"id": ident, "phone": phone, "charset": "utf-8", "fmt": "3", **parameters}
        return json.loads(await self.ask("status", **keys))

    async def reaches(self, ident: str, status: int) -> None:
        """Wait until the last message of PHONE with this id has the status."""
        async with asyncio.timeout(PATIENCE):
            while (await self.status(ident))["status"] != status:
                await asyncio.sleep(0.005)


@asynccontextmanager
async def running(
    rules: Rules | None = None, *, clock: Callable[[], float] = time.monotonic, **changes: Any
) -> AsyncIterator[Api]:
    """A simulator that is quick and does not mind being asked often, unless ``changes`` says otherwise."""
    quick: Mapping[str, Any] = {"delay": 0.02, "latency": 0, "status_limit": 10**6, "retry_pause": 0.02}
    async with (
        SmscRuSimulator(rules or Rules(**{**quick, **changes}), clock=clock) as simulator,
        httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client,
    ):
        yield Api(simulator, client)
