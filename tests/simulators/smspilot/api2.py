"""API-2 of smspilot's simulator, /api2.php: JSON or XML, the answer in the format of the request."""

import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from tests.simulators.smspilot import xml
from tests.simulators.smspilot.checks import is_on
from tests.simulators.smspilot.errors import Refusal
from tests.simulators.smspilot.gateway import Gateway, Order
from tests.simulators.smspilot.shapes import NO_TIME, item, status_row

# What may stand beside `send` for all messages (API-2 §1.2). `translit` is taken, but no manual says what it
# makes of a text, and nothing is made of it.
_FOR_ALL = ("text", "send_datetime", "callback", "callback_method", "ttl", "translit")


class Api2:
    """Answers requests on behalf of ``gateway``."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def serve(self, request: Request) -> Response:
        """Always HTTP 200; what went wrong stands in the body."""
        is_xml, raw = await _input(request)
        try:
            answer = self._answer(_parse(raw, is_xml=is_xml))
        except Refusal as refusal:
            body = xml.PROLOG + xml.leaves("error", refusal.fields(2)) if is_xml else refusal.json(2)
        else:
            body = self._print_xml(answer) if is_xml else self._print_json(answer)
        media_type = "text/xml" if is_xml else "application/json"
        return Response(body.encode("utf-8", "replace"), media_type=f"{media_type}; charset=utf-8")

    def _answer(self, query: dict[str, Any]) -> dict[str, Any]:
        account = self._gateway.account
        account.authorize(query)
        if "send" in query:
            return self._send(query)
        if "check" in query:
            return {"check": self._check(query)}
        if is_on(query.get("inbound")):
            since = query.get("since")
            if since == "all":  # a word of API-1 alone
                raise Refusal(500)
            return {"inbound": self._gateway.inbox.read("all" if since is None else since)}
        if "balance" in query:
            return {"balance": account.balance(query["balance"])}
        if is_on(query.get("info")):
            return {"info": account.info(2)}
        raise Refusal(14)

    def _send(self, packet: dict[str, Any]) -> dict[str, Any]:
        items = packet["send"]
        if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
            raise Refusal(240)
        shared = {name: packet[name] for name in _FOR_ALL if name in packet}
        order = Order(2, [{**shared, **row} for row in items], packet.get("from"))
        order.test, order.cost = is_on(packet.get("test")), is_on(packet.get("cost"))
        placed = self._gateway.place(order)
        if order.cost:
            return {"cost": f"{placed.cost:.2f}"}
        return {
            "server_packet_id": placed.packet,
            "balance": placed.balance,
            "cost": placed.cost,
            "send": [item(sms) for sms in placed.messages],
        }

    def _check(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        wanted, test = query["check"], is_on(query.get("test"))
        if wanted is True:
            found = self._gateway.find_packet(str(query.get("server_packet_id", "")), test=test)
        else:
            rows = wanted if isinstance(wanted, list) else []
            found = self._gateway.find((_server_id(row) for row in rows), test=test)
        return [status_row(sms) for sms in found]

    def _print_json(self, answer: dict[str, Any]) -> str:
        body = json.dumps(answer, ensure_ascii=False)
        if self._gateway.rules.sloppy:
            body = body.replace('"ttl": 0}', '"ttl": 0,}').replace(', "modified"', ' "modified"')
        return body

    def _print_xml(self, answer: dict[str, Any]) -> str:
        if "cost" in answer and "send" not in answer:
            return xml.element("cost", {}, answer["cost"])
        body = xml.PROLOG + _xml(answer)
        return xml.spoil(body) if self._gateway.rules.sloppy else body


def _server_id(row: object) -> object:
    value = row.get("server_id") if isinstance(row, dict) else None
    return str(value) if isinstance(value, int) else value


def _xml(answer: dict[str, Any]) -> str:
    if "send" in answer:
        head = {"server_packet_id": answer["server_packet_id"]}
        head |= {name: f"{answer[name]:.2f}" for name in ("balance", "cost")}
        return xml.group("send", head, map(_item, answer["send"]))
    if "check" in answer:
        return xml.group("check", {}, (xml.element("sms", _printed(row)) for row in answer["check"]))
    if "inbound" in answer:
        return xml.group("inbound", {}, map(xml.message, answer["inbound"]))
    if "info" in answer:
        return xml.leaves("info", answer["info"])
    balance = answer["balance"]
    return xml.element("balance", {}, str(balance) if isinstance(balance, int) else f"{balance:.2f}")


def _item(row: dict[str, Any]) -> str:
    """As API-2 §1.2 prints it: no time is "", and a refused message has neither price nor parts."""
    refused = row["status"] == -2
    row = {**row, "parts": 0 if refused else row["parts"]}
    row["price"] = "0" if refused else f"{row['price']:.2f}"
    if row["send_datetime"] == NO_TIME:
        row["send_datetime"] = ""
    return xml.message(_printed(row))


def _printed(row: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in row.items()}


async def _input(request: Request) -> tuple[bool, bytes]:
    """Whether the request is XML, and its octets: the body, or `xml` or `json` of a GET or a form."""
    body = await request.body()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    parameters = dict(request.query_params)
    if media_type == "application/x-www-form-urlencoded":
        parameters |= parse_qsl(body.decode("utf-8", "replace"))
        body = b""
    for name in ("json", "xml"):
        if parameters.get(name):
            return name == "xml", parameters[name].encode("utf-8", "replace")
    return body.lstrip().startswith(b"<") or media_type in ("text/xml", "application/xml"), body


def _parse(raw: bytes, *, is_xml: bool) -> dict[str, Any]:
    if not raw.strip():
        raise Refusal(10)
    if is_xml:
        return xml.parse_request(raw)
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        raise Refusal(13) from None
    if not isinstance(value, dict):
        raise Refusal(13)
    return value
