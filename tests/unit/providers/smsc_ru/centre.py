"""A smsc.ru provider, a server that answers as prepared, and such answers."""

import json
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, Self
from urllib.parse import parse_qsl

from starlette.responses import Response

from smppbridge.model.message import UNTOLD, Message, Poll
from smppbridge.providers.base import News, SendResult, Taken
from smppbridge.providers.http.sending import SENDING_TIME
from smppbridge.providers.smsc_ru.options import SmscRuOptions
from smppbridge.providers.smsc_ru.provider import SmscRu
from tests.support.builders.messages import NOW, message
from tests.support.builders.upcalls import Upcalls
from tests.support.http.scripted import ScriptedServer

PHONE = "79001112233"


async def no_report(reports: Sequence[News]) -> None:
    raise AssertionError


async def hand_over(provider: SmscRu, messages: Sequence[Message], now: int) -> list[SendResult]:
    """The results of a hand-over, without prices and the like."""
    results = await provider.send(messages, now)
    return [result._replace(told=UNTOLD) if isinstance(result, Taken) else result for result in results]


class Centre(AsyncExitStack):
    """A provider and a server that answers as prepared."""

    def __init__(
        self,
        *answers: str | Response,
        callback_url: str | None = None,
        sending_time: float = SENDING_TIME,
        **keys: object,
    ) -> None:
        super().__init__()
        self.server = ScriptedServer(*answers)
        self._keys = keys
        self._callback_url = callback_url
        self._sending_time = sending_time

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        await self.enter_async_context(self.server)
        rights = {} if "apikey" in self._keys else {"login": "alex", "password": "SECRET"}
        self.provider = SmscRu(
            "centre",
            SmscRuOptions.model_validate(
                {"kind": "smsc", "url": self.server.url, "timeout": 5, **rights, **self._keys}
            ),
            callback_url=self._callback_url,
            sending_time=self._sending_time,
        )
        await self.provider.start(Upcalls(no_report))
        self.push_async_callback(self.provider.close)
        return self

    @property
    def forms(self) -> list[dict[str, str]]:
        return [dict(parse_qsl(body.decode("ascii"))) for _, body in self.server.asked]

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.server.asked]

    async def send(self, *numbers: int, **changes: Any) -> list[SendResult]:
        return await hand_over(self.provider, [message(number, **changes) for number in numbers], NOW)


def ok(number: int = 1, attempt: int = 1, **more: object) -> str:
    return json.dumps({"id": f"b{number}.{attempt}", "cnt": 1, "cost": "1.4", "balance": "98.6", **more})


def refuse(code: int, words: str = "no") -> str:
    return json.dumps({"error": words, "error_code": code})


def poll(ref: str, recipient: str = PHONE, age: float = 0) -> Poll:
    return Poll(1, ref, "", recipient, int((time.time() - age) * 1000))


def told(*rows: tuple[str, int], **more: object) -> str:
    """The answer about several messages to PHONE."""
    return json.dumps(
        [{"id": ref, "phone": PHONE, "status": status, "err": 0, **more} for ref, status in rows]
    )
