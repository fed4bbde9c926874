"""How API-1 of smspilot's simulator prints: json, xml, text or v (API-1 §1.1). Every number is a string."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.simulators.smspilot import xml
from tests.simulators.smspilot.errors import Refusal
from tests.simulators.smspilot.gateway import Placed
from tests.simulators.smspilot.shapes import ALL_FIELDS, DEFAULT_FIELDS, ERROR_FIELDS, Sms, columns

MEDIA_TYPES = {"text": "text/plain", "v": "text/plain", "json": "application/json", "xml": "text/xml"}
# What `charset` may be; the manual names two of them, and points to a list that it does not print.
CHARSETS = ("utf-8", "windows-1251", "utf-16le", "utf-16be", "koi8-r", "cp866", "iso-8859-5", "iso-8859-1")


@dataclass(frozen=True, slots=True)
class Style:
    """How one request wants to be answered. ``lang`` is for the errors of text and v only."""

    format: str = "text"
    charset: str = "utf-8"
    lang: str = "en"
    sloppy: bool = False

    @property
    def _prolog(self) -> str:
        return xml.PROLOG.replace("utf-8", self.charset)

    def refusal(self, refusal: Refusal) -> str:
        words = refusal.words(self.lang)
        match self.format:
            case "json":
                return refusal.json(1, sloppy=self.sloppy)
            case "xml":
                return self._prolog + xml.leaves("error", refusal.fields(1))
            case "text":
                return f"ERROR={refusal.code}: {words.upper()}"
        return words

    def sent(self, placed: Placed, names: Sequence[str]) -> str:
        """The answer to `send`. Without ``names`` a refused message brings its error along."""
        money = {"balance": f"{placed.balance:.2f}", "cost": f"{placed.cost:.2f}"}
        head = {**money, "server_packet_id": placed.packet}
        rows = [_sent(sms, names) for sms in placed.messages]
        match self.format:
            case "json":
                body = _json({"send": rows, **head})
                return body.replace('"}], "balance"', '"},], "balance"') if self.sloppy else body
            case "xml":
                return self._prolog + xml.group("send", head, (xml.element("sms", row) for row in rows))
            case "text":
                lines = [f"SUCCESS=SMS SENT {money['cost']}/{money['balance']}"]
                return "\n".join(lines + [self._line(sms, names) for sms in placed.messages])
        return placed.packet

    def statuses(self, messages: Sequence[Sms], names: Sequence[str]) -> str:
        """The answer to `check`, with the columns of the manual's examples unless others are asked for."""
        names = names or DEFAULT_FIELDS
        rows = [_named(sms, names) for sms in messages]
        match self.format:
            case "json":
                return _json({"check": rows})
            case "xml":
                return xml.group("check", {}, (xml.element("sms", row) for row in rows))
            case "text":
                return "\n".join(self._line(sms, names) for sms in messages)
        return columns(messages[0], ("status",))["status"] if messages else ""

    def _line(self, sms: Sms, names: Sequence[str]) -> str:
        """A message in columns. ``sloppy``: the four of the manual's examples, whatever is asked for, with
        spaces behind."""
        if self.sloppy:
            return _csv(columns(sms, DEFAULT_FIELDS)) + "  "
        return _csv(columns(sms, names or DEFAULT_FIELDS))

    def inbound(self, rows: Sequence[Mapping[str, str]]) -> str:
        """CSV is printed as the manual does it: nothing in a text is quoted."""
        match self.format:
            case "json":
                return _json({"inbound": rows})
            case "xml":
                return self._prolog + xml.group("inbound", {}, map(xml.message, rows))
        return "\n".join(map(_csv, rows))

    def value(self, name: str, value: str) -> str:
        """A balance or a cost."""
        match self.format:
            case "json":
                return _json({name: value})
            case "xml":
                return xml.element(name, {}, value)
        return value

    def info(self, facts: Mapping[str, str]) -> str:
        """The answer to a key alone. What v prints is not documented."""
        match self.format:
            case "json":
                return _json(facts)
            case "xml":
                return xml.leaves("info", facts)
        lines = [f"{name}={value}" for name, value in facts.items()]
        lines.insert(-1, "any_sender=0")
        return "\n".join(["SUCCESS=APIKEY INFO", *lines])


def _sent(sms: Sms, names: Sequence[str]) -> dict[str, str]:
    if names:
        return _named(sms, names)
    return columns(sms, (*DEFAULT_FIELDS, *ERROR_FIELDS) if sms.error else DEFAULT_FIELDS)


def _named(sms: Sms, names: Sequence[str]) -> dict[str, str]:
    """Where columns have names, `all` brings what HLRVIP has found, too."""
    row = columns(sms, names)
    return {**row, **sms.extra} if names == ALL_FIELDS else row


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _csv(row: Mapping[str, str]) -> str:
    return ",".join(row.values())
