"""A simulator of smspilot's API-2 (JSON): a real HTTP server, as strict as the manual.

In a test: ``async with SmspilotSimulator() as simulator``. By hand:
``python -m tests.support.smspilot --port 8081 --apikey KEY``. What it does that no manual states (what a ban
answers, how many bad messages spoil a packet when good and bad are equal) is the harsher possibility.
"""

import argparse
import asyncio
import contextlib
import json
import re
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TextIO
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smppbridge.smpp.text import parts
from tests.support.callbacks import Call, CallbackSender
from tests.support.http_server import Fault, HttpServer
from tests.support.smspilot_errors import Refusal, check_parameters, message_error
from tests.support.smspilot_shapes import Accepted, Sms, callback_fields, item, status_row

PRICE = 1.29
SENDER = re.compile(r"[A-Za-z0-9.-]{3,11}")
SERVICES = ("HLR", "PING", "HLRVIP")


@dataclass(slots=True)
class Rules:
    """How the simulated account and gateway behave. Times in seconds."""

    apikey: str = "KEY"
    senders: frozenset[str] | None = None  # allowed ones; None = any
    default_sender: str = "INFORM"
    balance: float = 1e9
    black_list: frozenset[str] = frozenset()
    outcomes: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # phone -> (status, error)
    outcome: tuple[int, int] = (2, 0)  # of all other phones
    delay: float = 1.0  # from one status to the next; they are 0, 1, outcome
    poll_interval: float = 120.0  # asking sooner is flood
    ban: float = 600.0  # what flood costs
    loop_protection: float = 0.0  # the same text to the same phone within this is refused; 0 = off
    archive_after: float = 70 * 86400.0
    retry_pause: float = 20.0  # between tries of a callback
    blocked: int = 0  # an account error (105, 106, 110 ...) that every request gets
    sloppy: bool = False  # print JSON with the manual's mistakes


class SmspilotSimulator:
    """The gateway. ``accepted`` holds every message taken; ``faults`` breaks coming requests, one each."""

    def __init__(self, rules: Rules | None = None, *, port: int = 0, journal: Path | None = None) -> None:
        self.rules = rules or Rules()
        self.accepted: list[Accepted] = []
        self.violations: list[str] = []  # what earned, or would earn, a ban
        self.packets = 0  # send requests that were well-formed, refused ones too
        self.callbacks = CallbackSender(pause=self.rules.retry_pause)
        app = Starlette(routes=[Route("/api2.php", self._serve, methods=["GET", "POST"])])
        self.server = HttpServer(app, port=port)
        self._journal_path = journal
        self._journal: TextIO | None = None
        self._sms: dict[str, Sms] = {}
        self._by_packet: dict[str, list[Sms]] = {}
        self._changes: deque[tuple[float, Sms]] = deque()  # in order of time: the delay is the same for all
        self._changed = asyncio.Event()
        self._last_id = 10_000
        self._last_poll = float("-inf")
        self._banned_until = float("-inf")
        self._texts_seen: dict[tuple[str, str], float] = {}
        self._clock: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def faults(self) -> deque[Fault]:
        return self.server.faults

    async def __aenter__(self) -> Self:
        if self._journal_path is not None:
            self._journal = self._journal_path.open("a", encoding="utf-8")
        await self.callbacks.start()
        await self.server.__aenter__()
        self._clock = asyncio.create_task(self._age())
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.server.__aexit__(*error)
        assert self._clock is not None
        self._clock.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._clock
        await self.callbacks.stop()
        if self._journal is not None:
            self._journal.close()

    # --- requests ----------------------------------------------------------------------------------

    async def _serve(self, request: Request) -> Response:
        try:
            body = json.dumps(self._answer(await _input(request)), ensure_ascii=False)
        except Refusal as refusal:
            body = refusal.body()
        if self.rules.sloppy:
            body = body.replace('"ttl": 0}', '"ttl": 0,}').replace(', "modified"', ' "modified"')
        return Response(body, media_type="application/json")

    def _answer(self, query: dict[str, Any]) -> dict[str, Any]:
        self._authorize(query.get("apikey"))
        if "send" in query:
            return self._send(query)
        if "check" in query:
            return self._check(query)
        if query.get("balance") in ("rur", "sms"):
            return {"balance": round(self.rules.balance, 2)}
        raise Refusal(14)

    def _authorize(self, apikey: object) -> None:
        if not apikey:
            raise Refusal(100)
        if not isinstance(apikey, str) or not apikey.isalnum():
            raise Refusal(101)
        if apikey != self.rules.apikey:
            raise Refusal(102)
        if time.monotonic() < self._banned_until:
            raise Refusal(122)
        if self.rules.blocked:
            raise Refusal(self.rules.blocked)

    # --- sending -----------------------------------------------------------------------------------

    def _send(self, packet: dict[str, Any]) -> dict[str, Any]:
        items = packet["send"]
        if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
            raise Refusal(240)
        self.packets += 1
        sender = self._sender(packet)
        seen: set[str] = set()
        rows = [{**packet, **item} for item in items]
        errors = [self._error_of(row, seen) for row in rows]
        bad = sum(error != 0 for error in errors)
        if bad * 2 >= len(errors):
            first = next(index for index, error in enumerate(errors) if error)
            raise Refusal(errors[first], str(rows[first].get("to", "")))
        cost = round(sum(PRICE * parts(r["text"]) for r, e in zip(rows, errors, strict=True) if not e), 2)
        if packet.get("cost"):
            return {"cost": f"{cost:.2f}"}
        if cost > self.rules.balance:
            raise Refusal(241)
        return self._take(rows, errors, sender, cost, test=bool(packet.get("test")))

    def _sender(self, packet: dict[str, Any]) -> str:
        sender = packet.get("from") or self.rules.default_sender
        if not sender:
            raise Refusal(200)
        if not isinstance(sender, str) or not SENDER.fullmatch(sender):
            raise Refusal(201)
        if self.rules.senders is not None and sender not in self.rules.senders:
            raise Refusal(204)
        return sender

    def _error_of(self, row: dict[str, Any], seen: set[str]) -> int:
        """What is wrong with one message, 0 if nothing; a malformed parameter spoils the whole packet."""
        check_parameters(row)
        error = message_error(row.get("to"), row.get("text"))
        if error:
            return error
        to, text = str(row["to"]), str(row["text"])
        if to in seen:
            return 214
        seen.add(to)
        if to in self.rules.black_list:
            return 212
        return 243 if self._repeats(to, text) else 0

    def _repeats(self, to: str, text: str) -> bool:
        if not self.rules.loop_protection:
            return False
        return time.monotonic() - self._texts_seen.get((to, text), float("-inf")) < self.rules.loop_protection

    def _take(
        self, rows: list[dict[str, Any]], errors: list[int], sender: str, cost: float, *, test: bool
    ) -> dict[str, Any]:
        packet = str(self._next_id())
        answer = [
            self._refused(row, error, sender) if error else self._taken(row, sender, packet, test=test)
            for row, error in zip(rows, errors, strict=True)
        ]
        if self._journal is not None:
            self._journal.flush()
        if not test:
            self.rules.balance -= cost
        return {
            "server_packet_id": packet,
            "balance": round(self.rules.balance, 2),
            "cost": cost,
            "send": answer,
        }

    def _taken(self, row: dict[str, Any], sender: str, packet: str, *, test: bool) -> dict[str, Any]:
        text, now = row["text"], time.time()
        accepted: Accepted = {
            "id": int(row.get("id", 0)),
            "to": row["to"],
            "text": text,
            "from": text if text in SERVICES else sender,
            "server_id": str(self._next_id()),
            "packet": packet,
            "ttl": int(row.get("ttl", 0)),
        }
        sms = Sms(accepted, row.get("callback", ""), row.get("callback_method", "get"), now, now)
        self._sms[accepted["server_id"]] = sms
        if not test:
            self._record(sms)
        return item(accepted, price=PRICE * parts(text), status=0, error=0)

    def _record(self, sms: Sms) -> None:
        row = sms.row
        self.accepted.append(row)
        self._by_packet.setdefault(row["packet"], []).append(sms)
        if self.rules.loop_protection:
            self._texts_seen[row["to"], row["text"]] = time.monotonic()
        if self._journal is not None:
            self._journal.write(json.dumps(row, ensure_ascii=False) + "\n")
        self._schedule(sms)

    def _refused(self, row: dict[str, Any], error: int, sender: str) -> dict[str, Any]:
        accepted: Accepted = {
            "id": int(row.get("id", 0)),
            "to": str(row.get("to", "")),
            "text": str(row.get("text", "")),
            "from": sender,
            "server_id": "0",
            "packet": "",
            "ttl": int(row.get("ttl", 0)),
        }
        return item(accepted, price=0, status=-2, error=error)

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    # --- statuses ----------------------------------------------------------------------------------

    def _check(self, query: dict[str, Any]) -> dict[str, Any]:
        self._guard_flood()
        wanted = query["check"]
        if wanted is True:
            packet = self._by_packet.get(str(query.get("server_packet_id", "")))
            if packet is None:
                raise Refusal(304)
            return {"check": [status_row(sms) for sms in packet]}
        if not isinstance(wanted, list) or not wanted:
            self._punish("empty list of server_ids")
            raise Refusal(303)
        found = []
        for row in wanted:
            ref = str(row.get("server_id", "")) if isinstance(row, dict) else ""
            if not ref.isdigit() or int(ref) == 0:
                self._punish("wrong server_id")
                raise Refusal(303)
            sms = self._sms.get(ref)
            if sms is not None and time.time() - sms.created > self.rules.archive_after:
                self._punish("archived message")
            elif sms is not None:
                found.append(status_row(sms))
        if not found:
            self._punish("only unknown server_ids")
            raise Refusal(303)
        return {"check": found}

    def _guard_flood(self) -> None:
        now = time.monotonic()
        if now - self._last_poll < self.rules.poll_interval:
            self._punish("asked too often")
            raise Refusal(122)
        self._last_poll = now

    def _punish(self, what: str) -> None:
        self.violations.append(what)
        self._banned_until = time.monotonic() + self.rules.ban

    # --- the life of a message ---------------------------------------------------------------------

    def _schedule(self, sms: Sms) -> None:
        self._changes.append((time.monotonic() + self.rules.delay, sms))
        self._changed.set()

    async def _age(self) -> None:
        while True:
            if not self._changes:
                self._changed.clear()
                await self._changed.wait()
            await asyncio.sleep(max(self._changes[0][0] - time.monotonic(), 0.001))
            while self._changes and self._changes[0][0] <= time.monotonic():
                self._step(self._changes.popleft()[1])

    def _step(self, sms: Sms) -> None:
        """0 -> 1 -> outcome; a refused message (-2) never reaches the operator."""
        outcome = self.rules.outcomes.get(sms.row["to"], self.rules.outcome)
        if sms.status == 0 and outcome[0] != -2:
            sms.status = 1
            self._schedule(sms)
        else:
            sms.status, sms.error = outcome
        sms.modified = time.time()
        if sms.callback:
            self.callbacks.push(Call(sms.callback, sms.method, callback_fields(sms)))


async def _input(request: Request) -> dict[str, Any]:
    """The JSON of a request: the body, or the parameter ``json`` of a GET or a form."""
    body = await request.body()
    raw: str | bytes = request.query_params.get("json", "") or body
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raw = dict(parse_qsl(body.decode())).get("json", "")
    if not raw:
        raise Refusal(10)
    try:
        value = json.loads(raw)
    except ValueError:
        raise Refusal(13) from None
    if not isinstance(value, dict):
        raise Refusal(13)
    return value


async def _serve_forever(simulator: SmspilotSimulator) -> None:
    async with simulator:
        print(f"listening on {simulator.url}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Run by hand until Ctrl-C."""
    options = argparse.ArgumentParser(description="smspilot API-2 simulator")
    options.add_argument("--port", type=int, default=8081, help="0 = a free one; it is printed")
    options.add_argument("--apikey", default="KEY", help="letters and digits")
    options.add_argument("--delay", type=float, default=1.0, help="seconds between statuses")
    options.add_argument("--poll-interval", type=float, default=120.0, help="asking sooner is flood")
    options.add_argument("--journal", type=Path, help="append one JSON line for each accepted message")
    chosen = options.parse_args()
    rules = Rules(apikey=chosen.apikey, delay=chosen.delay, poll_interval=chosen.poll_interval)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve_forever(SmspilotSimulator(rules, port=chosen.port, journal=chosen.journal)))


if __name__ == "__main__":
    main()
