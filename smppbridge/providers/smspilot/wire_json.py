"""smspilot API-2 in JSON: requests as octets, answers as plain records.

Answers are read as leniently as the manual prints them: ids and codes as strings or numbers, fields missing,
JSON slightly broken. API-1 answers in the same words.
"""

import json
import re
from collections.abc import Sequence

from smppbridge.providers.http.lenient import number, parse_lenient
from smppbridge.providers.smspilot.records import (
    Packet,
    PacketLine,
    PilotAnswer,
    PilotFailure,
    Question,
    arrivals_of,
    failure_of,
    item_of,
    server_id,
)

PATH = "/api2.php"
CONTENT_TYPE = "application/json; charset=utf-8"

_FAILURE = re.compile(r'\s*\{\s*"error"\s*:\s*\{.{0,2000}?"code"\s*:\s*"?([0-9]{1,6})\b', re.DOTALL)


class JsonWire:
    """API-2 in JSON with one key. ``test``: what is asked about was sent in a test (API-2 §10)."""

    def __init__(self, apikey: str, *, test: bool = False) -> None:
        self._apikey = apikey
        self._test: dict[str, object] = {"test": 1} if test else {}

    def encode_send(self, packet: Packet) -> Question:
        """Messages to different recipients (API-2 §1.2)."""
        keys: dict[str, object] = {}
        if packet.sender:
            keys["from"] = packet.sender
        if packet.text:
            keys["text"] = packet.text
        if packet.send_at:
            keys["send_datetime"] = packet.send_at
        if packet.callback:
            keys |= {"callback": packet.callback, "callback_method": packet.callback_method}
        if packet.test:
            keys["test"] = 1
        return self._question({**keys, "send": [_line(line) for line in packet.lines]})

    def encode_check(self, refs: Sequence[str]) -> Question:
        """The status question for server_ids (API-2 §2.2)."""
        return self._question({"check": [{"server_id": ref} for ref in refs], **self._test})

    def encode_check_packet(self, ref: str) -> Question:
        """The status question for a packet (API-2 §2.3)."""
        return self._question({"check": True, "server_packet_id": ref, **self._test})

    def encode_balance(self) -> Question:
        """The question for roubles (API-2 §7)."""
        return self._question({"balance": "rur"})

    def encode_inbound(self, since: str) -> Question:
        """The question for messages from phones (API-2 §5.2)."""
        return self._question({"inbound": True, "since": since})

    def _question(self, keys: dict[str, object]) -> Question:
        text = json.dumps({"apikey": self._apikey, **keys}, ensure_ascii=False, separators=(",", ":"))
        # A lone surrogate has no UTF-8 form; one of them must not spoil the whole packet.
        return Question(PATH, text.encode("utf-8", "replace"), CONTENT_TYPE, decode)


def _line(line: PacketLine) -> dict[str, object]:
    item: dict[str, object] = {"id": line.id, "to": line.to}
    if line.text:
        item["text"] = line.text
    if line.ttl:
        item["ttl"] = line.ttl
    return item


def decode(body: bytes) -> PilotAnswer:
    """Read an answer. Raises ValueError when it is not one of smspilot's."""
    text = body.decode("utf-8-sig", "replace")
    try:
        value = _parse(text)
    except ValueError:
        # Refusals matter most and are printed worst: their code alone is enough.
        found = _FAILURE.match(text)
        if found is None:
            raise
        return PilotAnswer(failure=PilotFailure(int(found[1]), ""))
    if not isinstance(value, dict):
        raise ValueError("not an object")
    error = value.get("error")
    if isinstance(error, dict):
        return PilotAnswer(failure=failure_of(error))
    if isinstance(value.get("inbound"), list):
        return arrivals_of(_rows(value["inbound"]))
    items = value.get("send", value.get("check"))
    if "server_packet_id" not in value and isinstance(items, list):
        value = next((row for row in _rows(items) if "server_packet_id" in row), value)
    balance = number(value.get("balance"))
    if not isinstance(items, list):
        if balance is None:
            raise ValueError("neither messages nor a balance")
        items = []
    return PilotAnswer(
        None, server_id(value.get("server_packet_id")), balance, tuple(map(item_of, _rows(items)))
    )


def _parse(text: str) -> object:
    """The value of a text. API-1 §4 shows an answer without its last bracket, its balance among the rows."""
    try:
        return parse_lenient(text)
    except ValueError:
        if not text.rstrip().endswith("]"):
            raise
        return parse_lenient(text + "}")


def _rows(values: Sequence[object]) -> list[dict[str, object]]:
    """What is no object keeps its place."""
    return [value if isinstance(value, dict) else {} for value in values]
