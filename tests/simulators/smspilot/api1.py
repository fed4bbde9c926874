"""API-1 (v1.12) of smspilot's simulator, /api.php: a GET or a form; one text to many numbers."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from tests.simulators.smspilot.checks import is_on
from tests.simulators.smspilot.errors import Refusal
from tests.simulators.smspilot.gateway import Gateway, Order
from tests.simulators.smspilot.print import CHARSETS, MEDIA_TYPES, Style
from tests.simulators.smspilot.shapes import Accepted, Sms, field_list

MAX_ROWS = 1000  # of one answer to `check`
DAY = 86400.0
_FOR_EACH = ("send_datetime", "ttl", "callback", "callback_method")
_AUTHORIZE = {"apikey", "login", "password"}
_COMMON = {*_AUTHORIZE, "format", "charset", "lang", "debug", "r", "test", "cost"}
_TEST_ID = "1000"


class Api1:
    """Answers requests on behalf of ``gateway``."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def serve(self, request: Request) -> Response:
        """Always HTTP 200; what went wrong stands in the body."""
        style = Style()
        raw = [request.scope["query_string"]]
        if request.method == "POST":
            raw.append(await request.body())
        try:
            charset = _charset(raw)
            query = _parse(raw, charset)
            style = self._style(query, charset)
            body = self._answer(query, style)
        except Refusal as refusal:
            body = style.refusal(refusal)
        media_type = f"{MEDIA_TYPES[style.format]}; charset={style.charset}"
        return Response(body.encode(style.charset, "replace"), media_type=media_type)

    def _style(self, query: Mapping[str, str], charset: str) -> Style:
        wanted = query.get("format", "text")
        if wanted not in MEDIA_TYPES:
            raise Refusal(11)
        return Style(wanted, charset, query.get("lang", "en"), self._gateway.rules.sloppy)

    def _answer(self, query: Mapping[str, str], style: Style) -> str:
        if not query:
            raise Refusal(10)
        self._gateway.account.authorize(query)
        if "send" in query:
            return self._send(query, style)
        if "check" in query:
            names = field_list(query.get("fields", ""))
            return style.statuses(self._check(query), names)
        if "inbound" in query:
            return style.inbound(self._gateway.inbox.read(query["inbound"]))
        if "balance" in query:
            balance = self._gateway.account.balance(query["balance"])
            return style.value("balance", str(balance) if isinstance(balance, int) else f"{balance:.2f}")
        if query.keys() <= _COMMON:
            return style.info(self._gateway.account.info(1))
        raise Refusal(14)

    def _send(self, query: Mapping[str, str], style: Style) -> str:
        names = field_list(query.get("fields", ""))
        shared = {name: query[name] for name in _FOR_EACH if name in query}
        rows = [{**shared, "to": to, "text": query["send"]} for to in query.get("to", "").split(",")]
        test, cost = is_on(query.get("test")), is_on(query.get("cost"))
        placed = self._gateway.place(Order(1, rows, query.get("from"), test, cost))
        return style.value("cost", f"{placed.cost:.2f}") if cost else style.sent(placed, names)

    def _check(self, query: Mapping[str, str]) -> list[Sms]:
        limit, offset = _number(query, "limit", MAX_ROWS), _number(query, "offset", 0)
        limit = min(limit, MAX_ROWS)
        what = query["check"]
        if what in ("all", "recent"):
            age = DAY if what == "recent" else float("inf")
            return self._gateway.find_recent(age, limit, offset)
        if what == "packet":
            found = self._gateway.find_packet(query.get("id", ""))
        elif what == _TEST_ID and is_on(query.get("test")):
            self._gateway.account.guard_flood()
            found = [_test_message(self._gateway.rules.default_sender)]
        else:
            found = self._gateway.find(what.split(","))
        return found[offset : offset + limit]


def _test_message(sender: str) -> Sms:
    """What a test asks for instead of its own messages, which are not stored (API-1 §11)."""
    row: Accepted = {
        "id": 0,
        "to": "79000000000",
        "text": "test",
        "from": sender,
        "server_id": _TEST_ID,
        "packet": _TEST_ID,
        "ttl": 0,
        "service": "",
    }
    return Sms(row, 1, 0, "", "get", created=0, modified=0, status=2)


def _charset(raw: list[bytes]) -> str:
    """The charset of request and answer. Raises Refusal 11 for one that is not on the list."""
    charset = _parse(raw, "latin-1").get("charset", "utf-8").lower()
    if charset not in CHARSETS:
        raise Refusal(11)
    return charset


def _parse(raw: list[bytes], charset: str) -> dict[str, str]:
    """Parameters of the query, then of the form. Raises Refusal 11."""
    query: dict[str, str] = {}
    try:
        for octets in raw:
            text = octets.decode("ascii")
            query |= parse_qsl(
                text, keep_blank_values=True, encoding=charset, errors="strict", max_num_fields=50
            )
    except ValueError:
        raise Refusal(11) from None
    return query


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    value = query.get(name, "")
    if not value:
        return default
    if not value.isdecimal() or len(value) > 9:
        raise Refusal(303)
    return int(value)
