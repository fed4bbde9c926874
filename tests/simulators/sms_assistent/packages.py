"""What a request to sms-assistent's simulator says: PLAIN, XML and JSON read into one `Package`.

Only shapes are judged here: what is not in the manual's examples makes a package malformed (-10), so that
a misspelt name is never ignored.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, ParseError, XMLParser

MALFORMED = -10
LONGEST = 48 * 3600  # seconds; a longer validity_period counts as this one (§2.1, §3.1, §4.1)
COMMANDS = {"sms_send": "message", "statuses": "status"}  # command -> the part that it cannot do without
PLAIN_SEND = frozenset({"user", "password", "recipient", "message", "sender", "date_send", "validity_period"})
_JSON_MESSAGE = frozenset({"recipient", "sender", "validity_period", "sms_text"})
_XML_MESSAGE = frozenset({"recipient", "sender", "validity_period"})


class Refusal(Exception):
    """The whole request is refused with one code of §1.2."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Message:
    """One message as it was asked for. None: neither it nor the defaults say anything."""

    recipient: object
    text: object
    sender: object
    validity: int | None  # seconds, cut to 48 h; 0 = malformed


@dataclass(slots=True)
class Package:
    """One request. Without messages it sends nothing, without ids it asks for no status."""

    api: str
    date_send: object = None
    messages: list[Message] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)  # 0 = malformed


# --- PLAIN (§2) ------------------------------------------------------------------------------------


def read_form(octets: bytes) -> dict[str, str]:
    """Parameters of a query string or a form; UTF-8, each at most once."""
    try:
        pairs = parse_qsl(octets.decode(), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        _malformed()
    if len(dict(pairs)) != len(pairs):
        _malformed()
    return dict(pairs)


def plain_send(form: Mapping[str, str]) -> Package:
    only(form, PLAIN_SEND)
    message = Message(
        form.get("recipient"),
        form.get("message"),
        form.get("sender", ""),  # only XML calls it optional
        _validity(form.get("validity_period"), 3600),
    )
    return Package("plain", form.get("date_send"), [message])


# --- JSON (§4) -------------------------------------------------------------------------------------


def read_json(octets: bytes) -> dict[str, Any]:
    try:
        root = json.loads(octets.decode(), parse_constant=lambda _: _malformed())
    except (ValueError, RecursionError):
        _malformed()
    return _object(root)


def json_package(root: Mapping[str, Any]) -> Package:
    only(root, ("login", "password", "command", "date_send", "message", "status"))
    if COMMANDS.get(str(root.get("command"))) not in root:
        _malformed()
    _no_nulls(root)
    package = Package("json", root.get("date_send"))
    if "message" in root:
        package.messages = _json_messages(_object(root["message"]))
    if "status" in root:
        status = _object(root["status"])
        only(status, ("msg",))
        package.ids = [_json_id(row) for row in _objects(status.get("msg"))]
    return package


def _json_messages(part: Mapping[str, Any]) -> list[Message]:
    only(part, ("default", "msg"))
    default = _object(part.get("default", {}))
    only(default, _JSON_MESSAGE - {"recipient"})
    return [_json_message({**default, **row}) for row in _objects(part.get("msg"))]


def _json_message(row: Mapping[str, Any]) -> Message:
    only(row, _JSON_MESSAGE)
    _no_nulls(row)
    hours = row.get("validity_period")
    if hours is not None:
        hours = max(min(hours * 3600, LONGEST), 0) if type(hours) is int else 0
    return Message(row.get("recipient"), row.get("sms_text"), row.get("sender"), hours)


def _json_id(row: Mapping[str, Any]) -> int:
    only(row, ("sms_id",))
    value = row.get("sms_id")
    return value if type(value) is int else message_id(value)


def _no_nulls(row: Mapping[str, Any]) -> None:
    """None would look like a key that was left out."""
    if None in row.values():
        _malformed()


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        _malformed()
    return value


def _objects(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value or not all(isinstance(row, dict) for row in value):
        _malformed()
    return value


# --- XML (§3) --------------------------------------------------------------------------------------


def read_xml(octets: bytes) -> Element:
    """The root element. A document type is refused before the parser could expand its entities."""
    parser = XMLParser()
    try:
        text = octets.decode()
        if "<!DOCTYPE" in text or "\0" in text:
            _malformed()
        head = text.partition("?>")[0].lower() if text.startswith("<?xml") else ""
        if "encoding" in head and "utf-8" not in head:
            _malformed()
        parser.feed(text)
        root: Element = parser.close()
    except (ParseError, ValueError):
        _malformed()
    if root.tag != "package":
        _malformed()
    return root


def xml_package(root: Element) -> Package:
    only(root.attrib, ("login", "password", "date_send"))
    package = Package("xml", root.get("date_send"))
    parts = {part.tag: part for part in _children(root, ("message", "status"))}
    if not parts or len(parts) != len(root):
        _malformed()
    if "message" in parts:
        package.messages = _xml_messages(parts["message"])
    if "status" in parts:
        package.ids = [_xml_id(row) for row in _children(parts["status"], ("msg",))]
        if not package.ids:
            _malformed()
    return package


def _xml_messages(part: Element) -> list[Message]:
    rows = _children(part, ("default", "msg"))
    defaults = [row for row in rows if row.tag == "default"]
    if len(defaults) > 1 or len(defaults) == len(rows):
        _malformed()
    default = defaults[0] if defaults else Element("default")
    only(default.attrib, _XML_MESSAGE - {"recipient"})
    text = _text(default)
    return [_xml_message(row, default, text) for row in rows if row.tag == "msg"]


def _xml_message(row: Element, default: Element, text: str) -> Message:
    only(row.attrib, _XML_MESSAGE)
    named = {**default.attrib, **row.attrib}
    return Message(
        named.get("recipient"),
        _text(row) or text,
        named.get("sender"),
        _validity(named.get("validity_period"), 1),
    )


def _xml_id(row: Element) -> int:
    only(row.attrib, ("sms_id",))
    if _text(row):
        _malformed()
    return message_id(row.get("sms_id"))


def _children(element: Element, tags: Collection[str]) -> list[Element]:
    """The elements inside; between them may only be white space."""
    rows = list(element)
    if (element.text or "").strip() or any(row.tag not in tags or (row.tail or "").strip() for row in rows):
        _malformed()
    return rows


def _text(element: Element) -> str:
    """The content, "" when there is nothing but white space, which indents and says nothing."""
    if len(element):
        _malformed()
    text = element.text or ""
    return text if text.strip() else ""


# --- all -------------------------------------------------------------------------------------------


def message_id(value: object) -> int:
    """A message id from its digits, 0 if it is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return 0


def only(names: Collection[str], allowed: Collection[str]) -> None:
    for name in names:
        if name not in allowed:
            _malformed()


def _validity(value: str | None, unit: int) -> int | None:
    """Seconds from digits that count ``unit`` seconds each."""
    if value is None:
        return None
    return min(message_id(value) * unit, LONGEST)


def _malformed() -> NoReturn:
    raise Refusal(MALFORMED) from None
