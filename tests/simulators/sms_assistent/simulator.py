"""A simulator of sms-assistent.by (API v1: PLAIN, XML, JSON): a real HTTP server, as strict as the manual.

In a test: ``async with SmsAssistentSimulator() as simulator``. By hand:
``python -m tests.simulators.sms_assistent --port 8083 --login user --password PASSWORD``. What no manual
states (an unknown id in a list of statuses, a validity that is no number) is the harsher possibility.
"""

import argparse
import json
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TextIO

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smppbridge.smpp.text import parts
from tests.simulators.sms_assistent.checks import recipient_digits, seconds_ahead, sender_fits, some_digits
from tests.simulators.sms_assistent.packages import (
    MALFORMED,
    Message,
    Package,
    Refusal,
    json_package,
    message_id,
    only,
    plain_send,
    read_form,
    read_json,
    read_xml,
    xml_package,
)
from tests.simulators.sms_assistent.shapes import (
    Accepted,
    Sent,
    Sms,
    Status,
    json_answer,
    json_error,
    plain_sent,
    xml_answer,
    xml_error,
)
from tests.support.http.by_hand import serve_by_hand
from tests.support.http.server import Fault, HttpServer


@dataclass(slots=True)
class Rules:
    """How the simulated account and gateway behave. Times in seconds."""

    login: str = "user"
    password: str = "PASSWORD"
    senders: frozenset[str] | None = None  # allowed ones, as they are spelt; None = any; empty = -17
    default_sender: str = "CMC"  # of XML and JSON messages that name none; Latin letters
    balance: float = 1e9  # credits
    price: float = 1.0  # credits for one part
    outcomes: Mapping[str, str] = field(default_factory=dict)  # digits -> status word
    outcome: str = "Delivered"  # of all other numbers
    errors: Mapping[str, int] = field(default_factory=dict)  # digits -> code that refuses the message
    spoils: Mapping[str, int] = field(default_factory=dict)  # digits -> code that refuses the whole package
    delay: float = 1.0  # from one status to the next; they are Queued, Sent, outcome
    blocked: int = 0  # a code that every request gets
    error_status: int = 200  # HTTP status of a request that is refused as a whole
    outside_hours: bool = False  # the account may not send now
    blocked_plain: bool = False
    plain_per_minute: int = 20  # more are refused
    single_packages_per_minute: int = 60  # more packages of one message are a violation
    minute: float = 60.0  # the minute of both
    accept_bad_numbers: bool = False  # seen live: an id and sms_count 0 for a malformed number
    unknown_id_spoils: bool = True  # an unknown id refuses the whole question; else its own row says -11
    extra_keys: bool = False  # seen live in JSON: operator, recipient


class SmsAssistentSimulator:
    """The gateway. ``accepted`` holds every message that will be sent; ``faults`` breaks coming requests.
    ``clock`` tells the seconds that a message has lived."""

    def __init__(
        self,
        rules: Rules | None = None,
        *,
        port: int = 0,
        journal: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rules = rules or Rules()
        self.accepted: list[Accepted] = []
        self.violations: list[str] = []  # of the traffic rules, §2 to §4
        self.requests_by_api: Counter[str] = Counter()  # plain (sending), statuses, credits, xml, json
        self.app = Starlette(routes=self._routes())  # to be asked without sockets
        self.server = HttpServer(self.app, port=port)
        self._clock = clock
        self._journal_path = journal
        self._journal: TextIO | None = None
        self._sms: dict[int, Sms] = {}
        self._last_id = 1_000_000
        self._plain_sends: deque[float] = deque()
        self._single_packages: deque[float] = deque()

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def faults(self) -> deque[Fault]:
        return self.server.faults

    async def __aenter__(self) -> Self:
        if self._journal_path is not None:
            self._journal = self._journal_path.open("a", encoding="utf-8")
        await self.server.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.server.__aexit__(*error)
        if self._journal is not None:
            self._journal.close()

    # --- requests ----------------------------------------------------------------------------------

    def _routes(self) -> list[Route]:
        both, post = ["GET", "POST"], ["POST"]
        endpoints = (
            ("send_sms/plain", "plain", both, self._plain_send, str, "text/plain"),
            ("statuses/plain", "statuses", both, self._plain_status, str, "text/plain"),
            ("credits/plain", "credits", both, self._plain_credits, str, "text/plain"),
            ("xml", "xml", post, self._xml, xml_error, "text/xml"),
            ("json", "json", post, self._json, json_error, "application/json"),
        )
        return [
            Route(f"/api/v1/{path}", self._endpoint(api, serve, error, media), methods=methods)
            for path, api, methods, serve, error, media in endpoints
        ]

    def _endpoint(
        self, api: str, serve: Callable[[bytes], str], error: Callable[[int], str], media: str
    ) -> Callable[[Request], object]:
        async def handle(request: Request) -> Response:
            self.requests_by_api[api] += 1
            octets = await _input(request, form=media == "text/plain")
            status = 200
            try:
                if self.rules.blocked:
                    raise Refusal(self.rules.blocked)
                body = serve(octets)
            except Refusal as refusal:
                body, status = error(refusal.code), self.rules.error_status
            return Response(body, status_code=status, media_type=media)

        return handle

    def _plain_send(self, octets: bytes) -> str:
        package = plain_send(self._form(octets))
        (sent,) = self._send(package)
        return plain_sent(sent)

    def _plain_status(self, octets: bytes) -> str:
        form = self._form(octets)
        only(form, ("user", "password", "id"))
        wanted = message_id(form.get("id"))
        if wanted not in self._sms:
            raise Refusal(-11)
        return self._word(self._sms[wanted])

    def _plain_credits(self, octets: bytes) -> str:
        only(self._form(octets), ("user", "password"))
        return str(round(self.rules.balance, 2))

    def _form(self, octets: bytes) -> dict[str, str]:
        form = read_form(octets)
        self._authorize(form.get("user"), form.get("password"))
        return form

    def _xml(self, octets: bytes) -> str:
        root = read_xml(octets)
        self._authorize(root.get("login"), root.get("password"))
        return xml_answer(*self._carry_out(xml_package(root)))

    def _json(self, octets: bytes) -> str:
        root = read_json(octets)
        self._authorize(root.get("login"), root.get("password"))
        return json_answer(*self._carry_out(json_package(root)), extra=self.rules.extra_keys)

    def _authorize(self, login: object, password: object) -> None:
        if not login:
            raise Refusal(-6)
        if not password:
            raise Refusal(-7)
        if (login, password) != (self.rules.login, self.rules.password):
            raise Refusal(-2)

    def _carry_out(self, package: Package) -> tuple[list[Sent], list[Status]]:
        """Both parts; the ids are looked up first, because a request that is refused sends nothing."""
        if self.rules.unknown_id_spoils and not self._sms.keys() >= set(package.ids):
            raise Refusal(-11)
        statuses = [self._status(sms_id) for sms_id in package.ids]
        return (self._send(package) if package.messages else []), statuses

    # --- sending -----------------------------------------------------------------------------------

    def _send(self, package: Package) -> list[Sent]:
        ahead = 0.0 if package.date_send is None else seconds_ahead(package.date_send)
        if ahead is None:
            raise Refusal(-15)
        if self.rules.outside_hours:
            raise Refusal(-14)
        judged = [(message, *self._judge(message)) for message in package.messages]
        for *_, digits in judged:
            if digits in self.rules.spoils:
                raise Refusal(self.rules.spoils[digits])
        self._watch_traffic(package)
        start = self._clock() + ahead
        sent = [self._take(package, *one, start=start) for one in judged]
        if self._journal is not None:
            self._journal.flush()
        return sent

    def _judge(self, message: Message) -> tuple[int, int, str]:
        """Error (0 if none), number of parts and recipient of one message."""
        text, digits = message.text, recipient_digits(message.recipient)
        if not isinstance(text, str) or not text.strip():
            return -3, 1, digits
        try:
            count = parts(text)
        except ValueError:  # half a character: the text cannot be written in UTF-8
            raise Refusal(MALFORMED) from None
        error = self._sender_error(message.sender)
        if message.validity == 0:
            error = -12
        if not digits:
            digits = some_digits(message.recipient)
            if not self.rules.accept_bad_numbers or not digits:
                error = -4
            count = 1 if error else 0
        return error or self.rules.errors.get(digits, 0), count, digits

    def _sender_error(self, sender: object) -> int:
        if self.rules.senders is not None and not self.rules.senders:
            return -17
        if sender is None:
            sender = self.rules.default_sender
        if not sender_fits(sender):
            return -5
        return 0 if self.rules.senders is None or sender in self.rules.senders else -5

    def _watch_traffic(self, package: Package) -> None:
        """PLAIN is for single urgent messages (§2), and bulk comes in one package (§3, §4)."""
        rules = self.rules
        if package.api == "plain":
            if rules.blocked_plain:
                raise Refusal(-13)
            if _full(self._plain_sends, rules.plain_per_minute, rules.minute):
                self.violations.append("too many PLAIN messages in a minute")
                raise Refusal(-13)
        elif len(package.messages) == 1 and _full(
            self._single_packages, rules.single_packages_per_minute, rules.minute
        ):
            self.violations.append("too many packages of one message in a minute")

    def _take(
        self, package: Package, message: Message, error: int, count: int, recipient: str, *, start: float
    ) -> Sent:
        cost = self.rules.price * count
        if not error and cost > self.rules.balance:
            error = -1
        if error:
            return Sent(0, count, error, recipient)
        self.rules.balance -= cost
        self._last_id += 1
        self._sms[self._last_id] = Sms(recipient, count, start)
        if count:
            self._record(package, message, recipient)
        return Sent(self._last_id, count, 0, recipient)

    def _record(self, package: Package, message: Message, recipient: str) -> None:
        row: Accepted = {
            "sms_id": self._last_id,
            "recipient": recipient,
            "text": str(message.text),
            "sender": str(message.sender or self.rules.default_sender),
            "api": package.api,
            "validity": message.validity,
            "date_send": str(package.date_send or ""),
        }
        self.accepted.append(row)
        if self._journal is not None:
            self._journal.write(json.dumps(row, ensure_ascii=False) + "\n")

    # --- statuses ----------------------------------------------------------------------------------

    def _status(self, sms_id: int) -> Status:
        sms = self._sms.get(sms_id)
        return Status(sms_id, sms, self._word(sms) if sms is not None else "")

    def _word(self, sms: Sms) -> str:
        """Worked out when somebody asks: no timer runs for a message. Before its date it is Queued (§1.3)."""
        age = self._clock() - sms.start
        if age < self.rules.delay:
            return "Queued"
        if sms.sms_count == 0:  # a malformed number ends as Failed (§1.3)
            return "Failed"
        if age < 2 * self.rules.delay:
            return "Sent"
        return self.rules.outcomes.get(sms.recipient, self.rules.outcome)


def _full(moments: deque[float], limit: int, minute: float) -> bool:
    """Whether ``limit`` events came within the last ``minute`` seconds; if not, this one is added."""
    now = time.monotonic()
    while moments and now - moments[0] >= minute:
        moments.popleft()
    if len(moments) >= limit:
        return True
    moments.append(now)
    return False


async def _input(request: Request, *, form: bool) -> bytes:
    """The query of a GET, else the body. PLAIN takes no body that is not a form."""
    if request.method != "POST":
        query: bytes = request.scope["query_string"]
        return query
    body = await request.body()
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return b"" if form and media != "application/x-www-form-urlencoded" else body


def main() -> None:
    """Run by hand until Ctrl-C."""
    options = argparse.ArgumentParser(description="sms-assistent.by HTTP simulator")
    options.add_argument("--port", type=int, default=8083, help="0 = a free one; it is printed")
    options.add_argument("--login", default="user")
    options.add_argument("--password", default="PASSWORD")
    options.add_argument("--delay", type=float, default=1.0, help="seconds between statuses")
    options.add_argument("--journal", type=Path, help="append one JSON line for each accepted message")
    chosen = options.parse_args()
    rules = Rules(login=chosen.login, password=chosen.password, delay=chosen.delay)
    serve_by_hand(SmsAssistentSimulator(rules, port=chosen.port, journal=chosen.journal))
