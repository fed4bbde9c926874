"""How many requests smsc.ru gets at once from one entry, and which of its addresses they go to."""

import asyncio
import json
from collections.abc import Awaitable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Self
from urllib.parse import parse_qsl

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smppbridge.errors import Unavailable
from smppbridge.providers.base import SendResult, Taken
from smppbridge.providers.http.client import HttpAnswer
from smppbridge.providers.smsc_ru.options import SmscRuOptions
from smppbridge.providers.smsc_ru.provider import SmscRu
from tests.support.bridge.running import eventually
from tests.support.builders.messages import NOW, doubt, message
from tests.support.builders.upcalls import Upcalls
from tests.support.http.server import HttpServer
from tests.unit.providers.smsc_ru.centre import hand_over, no_report, poll


class Desk(HttpServer):
    """Understands every question, and answers when it is opened."""

    def __init__(self) -> None:
        super().__init__(Starlette(routes=[Route("/{path:path}", self._answer, methods=["POST"])]))
        self.now = self.most = 0
        self.opened = asyncio.Event()

    async def crowd(self, count: int) -> None:
        """Wait until ``count`` requests wait, and see that no more come."""
        async with asyncio.timeout(30):
            while self.now < count:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert self.now == count

    async def _answer(self, request: Request) -> Response:
        fields = dict(parse_qsl((await request.body()).decode()))
        self.now += 1
        self.most = max(self.most, self.now)
        await self.opened.wait()
        self.now -= 1
        told: dict[str, object] = {
            "/sys/status.php": {"status": 1, "err": 0},
            "/sys/balance.php": {"balance": "1"},
            "/sys/get.php": [],
            "/sys/send.php": {"id": fields.get("id"), "cnt": 1},
        }
        return Response(json.dumps(told[request.url.path]))


class Office(AsyncExitStack):
    """A provider, and the desk that it asks."""

    def __init__(self, made: type[SmscRu] = SmscRu, *, patience: float | None = None, **keys: Any) -> None:
        super().__init__()
        self._made, self._patience = made, patience
        self._keys = {"kind": "smsc", "login": "alex", "password": "SECRET", "timeout": 10, **keys}

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.desk = await self.enter_async_context(Desk())
        options = SmscRuOptions.model_validate({"url": self.desk.url, **self._keys})
        self.provider = self._made("office", options, patience=self._patience)
        await self.provider.start(Upcalls(no_report))
        self.push_async_callback(self.provider.close)
        return self

    def send(self, number: int) -> Awaitable[list[SendResult]]:
        return asyncio.create_task(hand_over(self.provider, [message(number)], NOW))


@pytest.mark.slow
async def test_messages_and_questions_together_are_not_too_many() -> None:
    async with Office() as office:
        provider = office.provider
        sending = [office.send(number) for number in range(1, 4)]
        asking = [
            asyncio.create_task(provider.status([poll("b9.1")])),
            asyncio.create_task(provider.find([doubt(message(7))], NOW)),
            asyncio.create_task(provider.balance()),
            asyncio.create_task(provider.inbound(None)),
        ]
        await office.desk.crowd(4)
        office.desk.opened.set()
        assert [await result for result in sending] == [[Taken(f"b{n}.1")] for n in range(1, 4)]
        assert all(await asyncio.gather(*asking[:3]))
        assert await asking[3] == []
        assert office.desk.most == 4


@pytest.mark.slow
async def test_who_waits_too_long_for_a_place_has_sent_nothing() -> None:
    async with Office(parallel=1, patience=0.05) as office:
        first = office.send(1)
        await office.desk.crowd(1)
        (late,) = await office.send(2)
        assert isinstance(late, Unavailable)
        assert office.desk.requests == 1
        office.desk.opened.set()
        assert await first == [Taken("b1.1")]
        assert await office.send(3) == [Taken("b3.1")]  # the place is free again


@pytest.mark.slow
async def test_who_waits_for_a_place_ends_at_a_stop() -> None:
    async with Office(parallel=1, timeout=60) as office:
        first = office.send(1)
        await office.desk.crowd(1)
        waiting = [office.send(number) for number in (2, 3)]
        await eventually(lambda: office.provider._queued == 2)
        office.provider.stop()
        async with asyncio.timeout(30):
            results = [(await result)[0] for result in [*waiting, office.send(4)]]
        assert [type(result) for result in results] == [Unavailable] * 3
        office.desk.opened.set()
        assert await first == [Taken("b1.1")]
        assert office.desk.requests == 1


async def test_an_address_that_others_found_is_not_skipped() -> None:
    """Two requests meet the dead address; the first one moves on while the second still waits for it."""
    meetings: list[asyncio.Event] = []

    class Met(SmscRu):
        async def exchange(
            self, method: str, url: str, content: bytes, headers: Mapping[str, str]
        ) -> HttpAnswer:
            if ":9/" in url:
                meetings.append(asyncio.Event())
                await meetings[-1].wait()
                raise Unavailable("connect timeout")
            ref = dict(parse_qsl(content.decode()))["id"]
            return HttpAnswer(200, json.dumps({"id": ref, "cnt": 1}).encode())

    async with Office(Met, url="http://127.0.0.1:9", backup_urls=["http://127.0.0.1:8"]) as office:
        sending = [office.send(1), office.send(2)]
        while len(meetings) < 2:
            await asyncio.sleep(0.01)
        for result, meeting in zip(sending, meetings, strict=True):
            meeting.set()
            assert isinstance((await result)[0], Taken)
