"""XML at smspilot's simulator: strict in requests; in answers, if asked, with the manual's mistakes."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from tests.simulators.smspilot.errors import Refusal

PROLOG = '<?xml version="1.0" encoding="utf-8"?>\n'
_NOT_IN_XML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def parse_request(raw: bytes) -> dict[str, Any]:
    """An API-2 request in the shape of its JSON sibling. Raises Refusal 12, 14."""
    root = _parse(raw)
    query: dict[str, Any] = dict(root.attrib)
    messages = [child for child in root if child.tag == "sms"]
    match root.tag:
        case "send":
            return {**query, "send": [_message(child) for child in messages]}
        case "check":
            by_packet = not messages and "server_packet_id" in query
            return {**query, "check": by_packet or [dict(child.attrib) for child in messages]}
        case "balance":
            return {**query, "balance": query.get("return")}
        case "inbound" | "info":
            return {**query, root.tag: True}
    raise Refusal(14)


def _parse(raw: bytes) -> ET.Element:
    if b"<!DOCTYPE" in raw:
        raise Refusal(12, xmlerror="XML error: DOCTYPE")
    try:
        return ET.fromstring(raw)
    except (ET.ParseError, ValueError, LookupError) as error:
        raise Refusal(12, xmlerror=f"XML error: {error}") from None


def _message(element: ET.Element) -> dict[str, Any]:
    """The text of a message is the content of its element (API-2 §1)."""
    message = {name: value for name, value in element.attrib.items() if name != "text"}
    return {**message, "text": element.text} if element.text else message


def element(tag: str, attributes: Mapping[str, str], content: str | None = None) -> str:
    """One element; without ``content``, which is text, it is an empty one."""
    start = "".join([f"<{tag}", *(f" {name}={quoteattr(_clean(text))}" for name, text in attributes.items())])
    return f"{start}/>" if content is None else f"{start}>{escape(_clean(content))}</{tag}>"


def message(row: Mapping[str, str]) -> str:
    """A message whose text is the content of its element."""
    return element("sms", {name: value for name, value in row.items() if name != "text"}, row["text"])


def group(tag: str, attributes: Mapping[str, str], children: Iterable[str]) -> str:
    """An element of elements, one in a line."""
    start = element(tag, attributes)[:-2]
    return "\n".join([f"{start}>", *children, f"</{tag}>"])


def leaves(tag: str, fields: Mapping[str, object]) -> str:
    """An element with one child for each field."""
    return group(tag, {}, [element(name, {}, str(value)) for name, value in fields.items()])


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("", text)


# The manual's mistakes: attributes of a status without quotes (API-2 §2.2), names of the words of an error in
# quotes (§1.2).
_UNQUOTED = re.compile(r'(?<= )(status|error)="(-?\d+)"')
_QUOTED_NAME = re.compile(r"(?<= )(error_en|error_ru)=")


def spoil(xml: str) -> str:
    """``xml``, an answer to `send` or `check`, with the mistakes of the manual."""
    if "<check>" in xml:
        return _UNQUOTED.sub(r"\1=\2", xml)
    return _QUOTED_NAME.sub(r'"\1"=', xml)
