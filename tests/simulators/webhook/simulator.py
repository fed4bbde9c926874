"""A simulator of "Relay", a strict provider that does not exist: what `kind: webhook` is tested against.

JSON over HTTP: batches of messages, single binary ones, states, search by the sender's reference, balance,
signed callbacks. In a test: ``async with WebhookSimulator() as simulator``. By hand:
``python -m tests.simulators.webhook --port 8085 --token TOKEN``.
"""

import argparse
import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from smppbridge.smpp.text import parts
from tests.simulators.webhook.wire import (
    BAD_RECIPIENT,
    BLACK_LIST,
    NO_MONEY,
    NOT_FOUND,
    WRONG_TOKEN,
    Refused,
    binary_of,
    callback_headers,
    messages_of,
    strict_object,
)
from tests.support.http.by_hand import serve_by_hand
from tests.support.http.server import Fault, HttpServer

PRICE = 1.5


@dataclass(slots=True)
class Rules:
    """How the simulated account and gateway behave. Times in seconds."""

    token: str = "TOKEN"
    sign_key: str = "SIGN"
    balance: float = 1e6
    refused: Mapping[str, int] = field(default_factory=dict)  # number -> error code
    outcome: tuple[str, int] = ("delivered", 0)  # the last state, and its error
    delay: float = 1.0  # from one state to the next; they are accepted, sent, the outcome
    blocked: int = 0  # an error code that every request gets
    retry_pause: float = 5.0  # between tries of a callback


@dataclass(slots=True)
class Accepted:
    """A message that the gateway has taken."""

    id: str
    ref: str
    to: str  # with +
    sender: str
    text: str
    binary: str = ""  # hex of UDH and data, of a binary message
    callback: str = ""
    state: str = "accepted"
    error: int = 0

    def status(self) -> dict[str, Any]:
        """As the answer to a status question has it."""
        return {"id": self.id, "state": self.state} | ({"error": self.error} if self.error else {})


class WebhookSimulator:
    """The gateway. ``accepted`` holds every message taken; ``faults`` breaks coming requests, one each."""

    def __init__(self, rules: Rules | None = None, *, port: int = 0) -> None:
        self.rules = rules or Rules()
        self.accepted: list[Accepted] = []
        routes = [
            Route("/v1/messages", self._guarded(self._send), methods=["POST"]),
            Route("/v1/messages", self._guarded(self._search), methods=["GET"]),
            Route("/v1/binary", self._guarded(self._send_binary), methods=["POST"]),
            Route("/v1/states", self._guarded(self._states), methods=["GET"]),
            Route("/v1/balance", self._guarded(self._balance), methods=["GET"]),
        ]
        self.server = HttpServer(Starlette(routes=routes), port=port)
        self._client: httpx2.AsyncClient | None = None
        self._lives: set[asyncio.Task[None]] = set()
        self._last_id = 1000

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def faults(self) -> deque[Fault]:
        return self.server.faults

    async def __aenter__(self) -> Self:
        self._client = httpx2.AsyncClient(timeout=10.0, trust_env=False)
        await self.server.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.server.__aexit__(*error)
        for task in self._lives:
            task.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    # --- requests ----------------------------------------------------------------------------------

    def _guarded(self, handler: Any) -> Any:
        async def guarded(request: Request) -> Response:
            try:
                if request.headers.get("authorization") != f"Bearer {self.rules.token}":
                    raise Refused(WRONG_TOKEN, 401)
                if self.rules.blocked:
                    raise Refused(self.rules.blocked, 403)
                answer: Response = await handler(request)
                return answer
            except Refused as refused:
                return JSONResponse({"error": refused.as_json()}, status_code=refused.status)

        return guarded

    async def _send(self, request: Request) -> Response:
        packet = messages_of(await request.body())
        cost = sum(PRICE * parts(row["text"]) for row in packet["messages"])
        if cost > self.rules.balance:
            raise Refused(NO_MONEY, 402)
        results = []
        for row in packet["messages"]:
            code = self.rules.refused.get(row["to"].removeprefix("+"), 0)
            if code:
                results.append({"ref": row["ref"], "error": Refused(code).as_json()})
                continue
            message = Accepted(
                self._next_id(), row["ref"], row["to"], packet.get("sender", "RELAY"), row["text"]
            )
            message.callback = packet.get("callback", "")
            self._take(message, PRICE * parts(row["text"]))
            results.append({"ref": row["ref"], "id": message.id, "result": "accepted"})
        # strict in what it takes, free in what it gives: results stand in any order
        body = {"request": self._next_id(), "balance": round(self.rules.balance, 2), "results": results[::-1]}
        return JSONResponse(body)

    async def _send_binary(self, request: Request) -> Response:
        row = binary_of(await request.body())
        if row["to"].removeprefix("+") in self.rules.refused:
            raise Refused(self.rules.refused[row["to"].removeprefix("+")])
        message = Accepted(self._next_id(), row["ref"], row["to"], row.get("sender", "RELAY"), "")
        message.binary = row.get("udh", "") + row["data"]
        self._take(message, PRICE)
        return JSONResponse({"id": message.id, "result": "accepted"}, status_code=201)

    def _take(self, message: Accepted, cost: float) -> None:
        self.accepted.append(message)
        self.rules.balance -= cost
        life = asyncio.create_task(self._live(message))
        self._lives.add(life)
        life.add_done_callback(self._lives.discard)

    def _next_id(self) -> str:
        self._last_id += 1
        return f"r-{self._last_id}"

    async def _search(self, request: Request) -> Response:
        (name,) = strict_object(dict(request.query_params), {"ref": str})
        found = [one for one in self.accepted if one.ref == name]
        if not found:
            raise Refused(NOT_FOUND, 404)
        return JSONResponse({"messages": [one.status() for one in found]})

    async def _states(self, request: Request) -> Response:
        (ids,) = strict_object(dict(request.query_params), {"ids": str})
        wanted = ids.split(",")
        if len(wanted) > 100 or len(set(wanted)) < len(wanted):
            raise Refused(BAD_RECIPIENT)
        return JSONResponse({"states": [one.status() for one in self.accepted if one.id in wanted]})

    async def _balance(self, request: Request) -> Response:
        return JSONResponse({"balance": f"{self.rules.balance:.2f}", "currency": "EUR"})

    # --- the life of a message ---------------------------------------------------------------------

    async def _live(self, message: Accepted) -> None:
        for state, error in (("sent", 0), self.rules.outcome):
            await asyncio.sleep(self.rules.delay)
            message.state, message.error = state, error
            if message.callback:
                await self._call_back(message.callback, {"event": "state", **message.status()})

    async def _call_back(self, url: str, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        for _ in range(3):
            headers = callback_headers(self.rules.sign_key, content, int(time.time()))
            with contextlib.suppress(httpx2.HTTPError, OSError):
                assert self._client is not None
                answer = await self._client.post(url, content=content, headers=headers)
                if answer.status_code == httpx2.codes.OK:
                    return
            await asyncio.sleep(self.rules.retry_pause)


def main() -> None:
    """Run by hand until Ctrl-C."""
    options = argparse.ArgumentParser(description="simulator of Relay, an imaginary strict provider")
    options.add_argument("--port", type=int, default=8085, help="0 = a free one; it is printed")
    options.add_argument("--token", default="TOKEN")
    options.add_argument("--sign-key", default="SIGN", help="key of the callbacks' HMAC")
    options.add_argument("--delay", type=float, default=1.0, help="seconds between states")
    options.add_argument("--black-list", nargs="*", default=[], help="numbers to refuse")
    chosen = options.parse_args()
    refused = dict.fromkeys(chosen.black_list, BLACK_LIST)
    rules = Rules(token=chosen.token, sign_key=chosen.sign_key, delay=chosen.delay, refused=refused)
    serve_by_hand(WebhookSimulator(rules, port=chosen.port))
