"""The smsc.ru simulator itself: what it posts to a client's handler, and how that is signed."""

import asyncio
import hashlib
import json
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.simulators.smsc_ru.asking import PHONE, Api, running
from tests.support.bridge.running import PATIENCE
from tests.support.http.server import HttpServer

SECRET = "секрет"
TO = "79010000000"


class Handler:
    """A client's handler. ``posted`` holds (content type, body) of each call, also of those it refuses."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, bytes]] = []
        self.refuse = 0
        self.server = HttpServer(Starlette(routes=[Route("/handler", self._handle, methods=["POST"])]))

    async def _handle(self, request: Request) -> Response:
        self.posted.append((request.headers["content-type"], await request.body()))
        self.refuse -= 1
        return Response(status_code=503 if self.refuse >= 0 else 200)

    async def has(self, count: int) -> list[tuple[str, bytes]]:
        async with asyncio.timeout(PATIENCE):
            while len(self.posted) < count:
                await asyncio.sleep(0.005)
        return self.posted

    async def forms(self, count: int, charset: str) -> list[dict[str, str]]:
        found = await self.has(count)
        assert {kind for kind, _ in found} == {"application/x-www-form-urlencoded"}
        forms = [dict(parse_qsl(body.decode("ascii"), True, True, encoding=charset)) for _, body in found]
        return sorted(forms, key=lambda form: form.get("status", ""))  # they may overtake each other


@asynccontextmanager
async def handled(query: str, **changes: Any) -> AsyncIterator[tuple[Api, Handler]]:
    handler = Handler()
    async with handler.server:
        url = f"{handler.server.url}/handler?{query}"
        async with running(callback_url=url, secret=SECRET, **changes) as api:
            yield api, handler


async def test_every_change_of_status_is_posted() -> None:
    async with handled("charset=utf-8&md5", outcome=(20, 6)) as (api, handler):
        await api.accepted(id="5", sender="Ozon")
        first, last = await handler.forms(2, "utf-8")
    assert [(form["status"], form["err"]) for form in (first, last)] == [("0", "0"), ("20", "6")]
    signature = hashlib.md5(f"5:{PHONE}:20:{SECRET}".encode()).hexdigest()
    plain = {"id": "5", "phone": PHONE, "type": "0", "cost": "1.40", "sender": "Ozon", "flag": "0"}
    assert plain.items() <= last.items()
    assert last["md5"] == signature
    assert last.keys() == plain.keys() | {"status", "err", "time", "ts", "sender_id", "md5"}


@pytest.mark.parametrize(
    ("query", "charset", "name", "signature"),
    [
        ("charset=utf-8&md5", "utf-8", "md5", lambda signed: hashlib.md5(signed).hexdigest()),
        ("sha1", "windows-1251", "sha1", lambda signed: hashlib.sha1(signed).hexdigest()),
        ("charset=koi8-r&crc32", "koi8-r", "crc32", lambda signed: str(zlib.crc32(signed))),
        ("", "windows-1251", "", None),
    ],
)
async def test_a_received_message_is_posted(query: str, charset: str, name: str, signature: Any) -> None:
    async with handled(query) as (api, handler):
        answer = api.simulator.receive(PHONE, "Да & нет: ё", to=TO)
        (form,) = await handler.forms(1, charset)
    expected = {"id": "1", "phone": PHONE, "mes": "Да & нет: ё", "to": TO, "sent": answer.sent}
    assert expected.items() <= form.items()
    assert {"time", "ts"} <= form.keys()
    assert "status" not in form
    if signature:
        assert form[name] == signature(f"{PHONE}:Да & нет: ё:{TO}:{SECRET}".encode(charset))
    assert {"md5", "sha1", "crc32"} & form.keys() == ({name} if name else set())


async def test_checksum_may_be_hexadecimal() -> None:
    async with handled("charset=utf-8&crc32", crc32_format="08x") as (api, handler):
        api.simulator.receive(PHONE, "x", to=TO)
        (form,) = await handler.forms(1, "utf-8")
    assert form["crc32"] == f"{zlib.crc32(f'{PHONE}:x:{TO}:{SECRET}'.encode()):08x}"


@pytest.mark.parametrize("charset", ["windows-1251", "utf-8"])
async def test_json_and_xml(charset: str) -> None:
    async with handled(f"fmt=3&md5&charset={charset}") as (api, handler):
        await api.accepted(id="5")
        api.simulator.receive(PHONE, "Да <b>", to=TO)
        bodies = [body for _, body in await handler.has(3)]
        assert {kind for kind, _ in handler.posted} == {f"application/json; charset={charset}"}
    found = [json.loads(body.decode(charset)) for body in bodies]
    assert {"Да <b>"} == {item["mes"] for item in found if "mes" in item}
    assert sorted((item["id"], item["status"]) for item in found if "status" in item) == [(5, 0), (5, 1)]
    async with handled(f"charset={charset}&fmt=2") as (api, handler):
        api.simulator.receive(PHONE, "Да <b>", to=TO)
        ((kind, body),) = await handler.has(1)
    assert kind == f"text/xml; charset={charset}"
    root = ElementTree.fromstring(body.decode(charset))
    assert (root.findtext("mes"), root.findtext("to")) == ("Да <b>", TO)


async def test_hlr_data_is_posted() -> None:
    async with handled("charset=utf-8") as (api, handler):
        await api.accepted(id="5", hlr="1")
        first, last = await handler.forms(2, "utf-8")
        hlr = api.simulator.rules.hlr
    assert hlr.items() <= last.items()
    assert not hlr.keys() & first.keys()
    assert last["type"] == "4"


async def test_a_refused_callback_comes_again() -> None:
    async with handled("charset=utf-8") as (api, handler):
        handler.refuse = 2
        api.simulator.receive(PHONE, "x", to=TO)
        posted = await handler.has(3)
        async with asyncio.timeout(PATIENCE):
            while not api.simulator.callbacks.answered:
                await asyncio.sleep(0.005)
    assert len(set(posted)) == 1
    assert (api.simulator.callbacks.answered, api.simulator.callbacks.given_up) == (1, 0)


async def test_nothing_is_posted_without_a_handler() -> None:
    async with running() as api:
        await api.accepted(id="5")
        await api.reaches("5", 1)
        api.simulator.receive(PHONE, "x", to=TO)
        await asyncio.sleep(0.02)
        assert (api.simulator.callbacks.answered, api.simulator.callbacks.given_up) == (0, 0)
