"""What the tests of sms-assistent do again and again: a provider, and a server that answers as prepared."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, Self
from urllib.parse import parse_qsl
from xml.etree import ElementTree

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smppbridge.model.message import Particulars
from smppbridge.providers.base import News, SendResult, Taken
from smppbridge.providers.http.sending import SENDING_TIME
from smppbridge.providers.sms_assistent.provider import SmsAssistent, SmsAssistentOptions
from tests.support.builders.upcalls import Upcalls
from tests.support.http.scripted import ScriptedServer
from tests.support.http.server import HttpServer

SECRET = "5ECRETpassword"


async def no_report(reports: Sequence[News]) -> None:
    raise AssertionError


def options(**keys: object) -> SmsAssistentOptions:
    """A configured account; the shortest configuration, and ``keys``."""
    return SmsAssistentOptions.model_validate(
        {"kind": "sms-assistent", "login": "user", "password": SECRET, **keys}
    )


class Assist(AsyncExitStack):
    """A provider and a server that answers as prepared. PLAIN requests go one after the other."""

    def __init__(
        self,
        *answers: str | Response,
        url: str = "",
        path: str = "",
        sending_time: float = SENDING_TIME,
        **keys: object,
    ) -> None:
        super().__init__()
        self.server = ScriptedServer(*answers)
        self._url = url
        self._path = path
        self._sending_time = sending_time
        self._keys = {"timeout": 5, "parallel": 1, "batch_wait": 0, **keys}

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        await self.enter_async_context(self.server)
        chosen = options(url=self._url or self.server.url + self._path, **self._keys)
        self.provider = SmsAssistent("assist", chosen, sending_time=self._sending_time)
        await self.provider.start(Upcalls(no_report))
        self.push_async_callback(self.provider.close)
        return self

    @property
    def ways(self) -> list[str]:
        """Last words of the paths that were asked, "send_sms/plain" as "plain"."""
        return [path.removeprefix("/api/v1/").removeprefix("send_sms/") for path, _ in self.server.asked]

    @property
    def packages(self) -> list[dict[str, Any]]:
        """What was asked in JSON."""
        return [json.loads(body) for path, body in self.server.asked if path == "/api/v1/json"]

    @property
    def forms(self) -> list[dict[str, str]]:
        """What was asked in PLAIN."""
        asked = [body.decode() for path, body in self.server.asked if path.endswith("/plain")]
        return [dict(parse_qsl(body)) for body in asked]

    @property
    def documents(self) -> list[ElementTree.Element]:
        """What was asked in XML."""
        return [ElementTree.fromstring(body) for path, body in self.server.asked if path == "/api/v1/xml"]


class Gate(HttpServer):
    """Gives every request the same answer, but not before it is opened."""

    def __init__(self, answer: str) -> None:
        super().__init__(Starlette(routes=[Route("/{path:path}", self._answer, methods=["POST"])]))
        self._opened = asyncio.Event()
        self._text = answer

    async def crowd(self, count: int) -> None:
        """Wait until ``count`` requests wait, and see that no more come."""
        async with asyncio.timeout(30):
            while self.requests < count:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert self.requests == count

    def open(self) -> None:
        """Answer."""
        self._opened.set()

    async def _answer(self, request: Request) -> Response:
        await self._opened.wait()
        return Response(self._text)


def taken(*ids: int, **changes: object) -> str:
    """An answer in JSON that takes as many messages under these ids."""
    rows = [{"sms_id": sms_id, "sms_count": 1, "error_code": 0, **changes} for sms_id in ids]
    return json.dumps({"message": {"msg": rows}})


def rows(*pairs: tuple[int, int]) -> str:
    """An answer in JSON: (sms_id, error_code) of each message."""
    return json.dumps(
        {
            "message": {
                "msg": [{"sms_id": sms_id, "sms_count": 1, "error_code": code} for sms_id, code in pairs]
            }
        }
    )


def packed(ref: object) -> Taken:
    """The result of a message that `taken` takes: unlike PLAIN, packages tell the number of parts."""
    return Taken(str(ref), told=Particulars(parts=1))


def taken_xml(*ids: int) -> str:
    """The same in XML."""
    found = "".join(f'<msg sms_id="{sms_id}" sms_count="1"/>' for sms_id in ids)
    return f"<package><message>{found}</message></package>"


def refused(code: int) -> str:
    """A refusal of a whole request in JSON."""
    return json.dumps({"error": code})


def kinds(results: Sequence[SendResult]) -> list[type[object]]:
    return [type(result) for result in results]
