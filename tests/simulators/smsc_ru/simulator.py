"""A simulator of smsc.ru's HTTP API: a real HTTP server, as strict and as dangerous as the manual.

In a test: ``async with SmscRuSimulator() as simulator``. By hand:
``python -m tests.simulators.smsc_ru --port 8082 --login LOGIN --password PASSWORD``. Lists, groups, corrected
numbers, prefixes and comments all take effect, so that a test sees what a client lets through. What it does
that no manual states (how long a request takes, the order of checks) is the harsher possibility.
"""

import argparse
import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.simulators.smsc_ru.callbacks import BodySender, Posted, answer_callback, status_callback
from tests.simulators.smsc_ru.guard import Guard
from tests.simulators.smsc_ru.history import History, sent_rows
from tests.simulators.smsc_ru.orders import Order, correct_phone, read_orders
from tests.simulators.smsc_ru.parameters import time_of
from tests.simulators.smsc_ru.rules import DUPLICATE, FATES, NUMBERED, Refusal, Rules
from tests.simulators.smsc_ru.statuses import (
    Answer,
    Sms,
    print_balance,
    print_statuses,
    status_row,
    unknown_row,
)
from tests.simulators.smsc_ru.wire import (
    Query,
    number,
    print_error,
    print_sent,
    read_json,
    read_query,
    respond,
)
from tests.support.http.by_hand import serve_by_hand
from tests.support.http.server import Fault, HttpServer

__all__ = ["Rules", "SmscRuSimulator"]

Endpoint = Callable[[Query], str]
Reader = Callable[[Request], Awaitable[Query]]
FLOOD = (23, 0)  # the outcome of a message too many to one subscriber


class SmscRuSimulator:
    """The gateway. ``accepted`` holds every message taken; ``faults`` breaks coming requests, one each.
    ``clock`` tells the seconds in which it counts requests."""

    def __init__(
        self, rules: Rules | None = None, *, port: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rules = rules or Rules()
        self.accepted: list[dict[str, str]] = []
        self.callbacks = BodySender(pause=self.rules.retry_pause)
        self.server = HttpServer(Starlette(routes=self._routes()), port=port)
        self.quick = asyncio.Event()  # while it is not set, requests take for ever
        self.quick.set()
        self._guard = Guard(self.rules, clock)
        self._history = History()
        self._last_id = 0
        self._timers: dict[asyncio.TimerHandle, Sms] = {}

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def faults(self) -> deque[Fault]:
        return self.server.faults

    @property
    def violations(self) -> list[str]:
        """What earned, or would earn, a ban."""
        return self._guard.violations

    @property
    def under_way(self) -> int:
        """How many requests are being carried out."""
        return self._guard.under_way

    @property
    def peak(self) -> int:
        """The most requests that were carried out at once."""
        return self._guard.peak

    async def __aenter__(self) -> Self:
        await self.callbacks.start()
        await self.server.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.server.__aexit__(*error)
        for timer in self._timers:
            timer.cancel()
        await self.callbacks.stop()

    def receive(self, phone: str, text: str, to: str) -> Answer:
        """A subscriber sends ``text`` to our number ``to``."""
        answer = self._history.receive(phone, text, to)
        self._post(answer_callback(answer, self.rules))
        return answer

    def move_on(self) -> None:
        """Every message takes its next step now."""
        timers, self._timers = self._timers, {}
        for timer, sms in timers.items():
            timer.cancel()
            self._step(sms)

    # --- requests ----------------------------------------------------------------------------------

    def _routes(self) -> list[Route]:
        scripts = {"send": self._send, "status": self._status, "balance": self._balance, "get": self._get}
        routes = [
            Route(f"/sys/{name}.php", self._serve(name, read_query, answer), methods=["GET", "POST"])
            for name, answer in scripts.items()
        ]
        return [*routes, Route("/rest/send/", self._serve("send", read_json, self._send), methods=["POST"])]

    def _serve(self, name: str, read: Reader, answer: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            query = Query({}, {}, rest=read is read_json)
            try:
                query = await read(request)
                self._guard.check_address()
                self._authorize(query)
                with self._guard.running(name):
                    await asyncio.sleep(self.rules.latency)
                    await self.quick.wait()
                    return respond(query, answer(query))
            except Refusal as refusal:
                if name == "send":
                    self._note_refusal(query, refusal)
                return respond(query, print_error(refusal, query.fmt))

        return endpoint

    def _note_refusal(self, query: Query, refusal: Refusal) -> None:
        if refusal.code not in (2, 4):
            self._guard.send_refused()
        if refusal.code in NUMBERED and not refusal.ident:
            refusal.ident = self._ident(query)

    def _authorize(self, query: Query) -> None:
        """Login and password, or the key in their place, with or without the login."""
        rules, login = self.rules, query.get("login")
        if query.get("apikey"):
            known = query.get("apikey") == rules.apikey and login in ("", rules.login)
        else:
            known = (login, query.get("psw")) == (rules.login, rules.password)
        if not known or rules.blocked == 2:
            self._guard.authentication_failed()
        if rules.blocked:
            raise Refusal(rules.blocked)

    # --- sending -----------------------------------------------------------------------------------

    def _send(self, query: Query) -> str:
        orders = read_orders(query, self.rules)
        ident = self._ident(query)
        for order in orders:
            order.error = order.error or self.rules.errors.get(order.phone, 0)
            if order.error and order.error not in FATES:
                raise Refusal(order.error)
        good = [order for order in orders if not order.error]
        cost = sum(map(self._cost, good))
        price_only = query.get("cost") == "1"
        same = tuple(sorted(order.same for order in orders))
        self._guard_repetition(same, price_only=price_only)
        if not good or (cost > self.rules.balance and not price_only):
            rows = sent_rows(query, orders, self._cost)
            raise Refusal(3 if good else orders[0].error, ident=ident, rows=rows)
        if not price_only:
            self.rules.balance -= cost
            self._guard.send_accepted()
            self._guard.note(("send", same))
            self._take(query, good, ident)
        return self._receipt(query, orders, ident, cost)

    def _ident(self, query: Query) -> str:
        """The client's id; 0, like none, asks for one of ours."""
        ident = query.get("id", "0")
        if ident != "0":
            return ident
        self._last_id += 1
        return str(self._last_id)

    def _guard_repetition(self, same: Hashable, *, price_only: bool) -> None:
        rules = self.rules
        if price_only:
            words = "duplicate requests for a price"
            self._guard.limit(("cost", same), rules.cost_limit, rules.cost_window, words, violation=False)
        elif self._guard.seen(("send", same), rules.duplicate_window):
            raise Refusal(9, DUPLICATE)

    def _cost(self, order: Order) -> float:
        return order.parts * self.rules.price

    def _take(self, query: Query, good: list[Order], ident: str) -> None:
        wait = max((time_of(query) or 0) - time.time(), 0)
        for order in good:
            row = {
                "id": ident,
                "phone": order.phone,
                "text": order.text,
                "sender": order.sender,
                "service": order.service,
                **order.options,
            }
            sms = self._history.add(row, self._cost(order))
            sms.doomed = self._guard.floods(order.phone)
            self.accepted.append(row)
            self._later(wait + self.rules.delay, sms)

    def _receipt(self, query: Query, orders: list[Order], ident: str, cost: float) -> str:
        """The answer to a send request; ``cost`` says which money it names (send.php, cost)."""
        wish = query.get("cost", "0")
        count = sum(order.parts for order in orders if not order.error)
        fields: dict[str, object] = {"id": number(ident), "cnt": count}
        if wish == "1":
            fields = {"cost": _money(cost, query), "cnt": count}
        elif wish in ("2", "3"):
            fields["cost"] = _money(cost, query)
        if wish == "3":
            fields["balance"] = _money(self.rules.balance, query)
        return print_sent(fields, sent_rows(query, orders, self._cost), query.fmt)

    # --- questions ---------------------------------------------------------------------------------

    def _status(self, query: Query) -> str:
        phones, idents = query.get("phone"), query.get("id")
        listed = "," in phones or "," in idents
        pairs = list(zip(_listed(idents), _listed(phones), strict=False))
        wide = query.get("all", "0")
        uneven = len(_listed(idents)) != len(_listed(phones))
        if not pairs or uneven or wide not in ("0", "1", "2"):
            raise Refusal(1)
        self._guard_questions(pairs)
        rows = []
        for ident, phone in pairs:
            sms = self._history.find(ident, correct_phone(phone) or phone)
            if sms is None and not listed:
                raise Refusal(3, "message not found")
            found = sms and status_row(sms, self.rules.hlr, wide=int(wide), listed=listed)
            rows.append(found or unknown_row(ident, phone))
        return print_statuses(rows, query.fmt, listed=listed)

    def _guard_questions(self, pairs: list[tuple[str, str]]) -> None:
        guard, rules = self._guard, self.rules
        if len(pairs) > 1:
            words = "more than one mass status request in a minute"
            guard.limit("mass", 1, rules.mass_window, words, violation=True)
        for pair in pairs:
            words = "too many status requests for one message"
            guard.limit(("status", pair), rules.status_limit, rules.status_window, words, violation=False)

    def _balance(self, query: Query) -> str:
        rules, words = self.rules, "too many balance requests"
        self._guard.limit("balance", rules.balance_limit, rules.balance_window, words, violation=True)
        return print_balance(rules.balance, query.fmt, with_currency=query.get("cur") == "1")

    def _get(self, query: Query) -> str:
        if query.get("get_answers") == "1":
            return self._history.answers(query)
        if query.get("get_messages") == "1":
            return self._history.messages(query)
        raise Refusal(1)

    # --- the life of a message ---------------------------------------------------------------------

    def _later(self, seconds: float, sms: Sms) -> None:
        def act() -> None:
            del self._timers[timer]
            self._step(sms)

        timer = asyncio.get_running_loop().call_later(seconds, act)
        self._timers[timer] = sms

    def _step(self, sms: Sms) -> None:
        """-1 -> 0 -> outcome; smsc.ru posts every change."""
        if sms.status == -1:
            sms.status = 0
            self._later(self.rules.delay, sms)
        else:
            outcome = self.rules.outcomes.get(sms.row["phone"], self.rules.outcome)
            sms.status, sms.err = FLOOD if sms.doomed else outcome
        sms.changed = time.time()
        self._post(status_callback(sms, self.rules))

    def _post(self, posted: Posted) -> None:
        if self.rules.callback_url:
            self.callbacks.post(self.rules.callback_url, posted)


def _money(amount: float, query: Query) -> str:
    """With two decimals, but in answers of /rest/send/ as short as it gets."""
    text = f"{amount:.2f}"
    return text.rstrip("0").rstrip(".") if query.rest else text


def _listed(value: str) -> list[str]:
    """The items of a list; a comma at its end only says that it is one (status.php)."""
    return [item.strip() for item in value.split(",") if item.strip()]


def main() -> None:
    """Run by hand until Ctrl-C."""
    options = argparse.ArgumentParser(description="smsc.ru HTTP API simulator")
    options.add_argument("--port", type=int, default=8082, help="0 = a free one; it is printed")
    options.add_argument("--login", default="LOGIN")
    options.add_argument("--password", default="PASSWORD")
    options.add_argument("--apikey", default="KEY")
    options.add_argument("--delay", type=float, default=1.0, help="seconds between statuses")
    options.add_argument("--callback-url", default="", help="of your handler, with ?charset=utf-8&md5 or so")
    options.add_argument("--secret", default="", help="signs callbacks")
    chosen = vars(options.parse_args())
    port = chosen.pop("port")
    serve_by_hand(SmscRuSimulator(Rules(**chosen), port=port))
