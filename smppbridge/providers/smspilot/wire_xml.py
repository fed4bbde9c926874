"""smspilot API-2 in XML: requests as octets, answers as plain records. API-1 answers in the same words.

Answers are repaired where the manuals print them wrong: attributes without quotes, names of attributes in
quotes.
"""

import re
from collections.abc import Mapping, Sequence

from smppbridge.providers.http.lenient import number
from smppbridge.providers.http.xml import parse_xml
from smppbridge.providers.smspilot.records import (
    Packet,
    PacketLine,
    PilotAnswer,
    Question,
    arrivals_of,
    failure_of,
    item_of,
    server_id,
)

PATH = "/api2.php"
CONTENT_TYPE = "text/xml; charset=utf-8"

MAX_TAGS = 20_000  # 1000 messages have 2000; parsing many more would take seconds

_PROLOG = '<?xml version="1.0" encoding="utf-8"?>\n'
_NOT_IN_XML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# White space is what a parser would alter: a line break in an attribute, a carriage return anywhere.
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
_ESCAPED = re.compile("|".join(map(re.escape, _ESCAPES)))
# Neither can look at an octet more than a few times, whatever stands there: no "<" inside a tag.
_TAG = re.compile(r'<[A-Za-z](?>"[^"<]*"|[^<>"])*+>')
_ATTRIBUTE = re.compile(r'(?<=\s)"?(\w{1,40})"?\s*+=\s*+(?:"([^"]*)"|([^\s"\'/>]++))')


class XmlWire:
    """API-2 in XML with one key. ``test``: what is asked about was sent in a test (API-2 §10)."""

    def __init__(self, apikey: str, *, test: bool = False) -> None:
        self._apikey = apikey
        self._test = {"test": "1"} if test else {}

    def encode_send(self, packet: Packet) -> Question:
        """Messages to different recipients (API-2 §1.2)."""
        attributes = {
            "from": packet.sender,
            "text": packet.text,
            "send_datetime": str(packet.send_at or ""),
            "callback": packet.callback,
            "callback_method": packet.callback_method if packet.callback else "",
            "test": "1" if packet.test else "",
        }
        return self._question("send", attributes, "\n".join(map(_line, packet.lines)))

    def encode_check(self, refs: Sequence[str]) -> Question:
        """The status question for server_ids (API-2 §2.2)."""
        inside = "".join(_element("sms", {"server_id": ref}) for ref in refs)
        return self._question("check", self._test, inside)

    def encode_check_packet(self, ref: str) -> Question:
        """The status question for a packet (API-2 §2.3)."""
        return self._question("check", {"server_packet_id": ref, **self._test})

    def encode_balance(self) -> Question:
        """The question for roubles (API-2 §7)."""
        return self._question("balance", {"return": "rur"})

    def encode_inbound(self, since: str) -> Question:
        """The question for messages from phones (API-2 §5.2)."""
        return self._question("inbound", {"since": since})

    def _question(self, tag: str, attributes: Mapping[str, str], inside: str = "") -> Question:
        text = _PROLOG + _element(tag, {"apikey": self._apikey, **attributes}, inside)
        return Question(PATH, text.encode(), CONTENT_TYPE, decode)


def _line(line: PacketLine) -> str:
    attributes = {"id": str(line.id), "to": line.to, "ttl": str(line.ttl or "")}
    return _element("sms", attributes, _escape(line.text))


def _element(tag: str, attributes: Mapping[str, str], inside: str = "") -> str:
    """An element; attributes without a value are left out."""
    words = [tag, *(f'{name}="{_escape(value)}"' for name, value in attributes.items() if value)]
    return f"<{' '.join(words)}>{inside}</{tag}>" if inside else f"<{' '.join(words)} />"


def writable(text: str) -> str:
    """``text`` as XML can carry it: a character that it knows no form of becomes a question mark.

    Left out it must not be: what stood on its two sides could then mean something else.
    """
    return _NOT_IN_XML.sub("?", text)


def _escape(text: str) -> str:
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], writable(text))


def decode(body: bytes) -> PilotAnswer:
    """Read an answer. Raises ValueError when it is not one of smspilot's."""
    root = parse_xml(body.decode("utf-8-sig", "replace").strip(), max_tags=MAX_TAGS, repair=_repair)
    if root.tag == "error":
        return PilotAnswer(failure=failure_of({child.tag: child.text for child in root}))
    rows = [{**child.attrib, "text": child.text or ""} for child in root if child.tag == "sms"]
    if root.tag == "inbound":
        return arrivals_of(rows)
    balance = number(root.text if root.tag == "balance" else root.get("balance"))
    if root.tag not in ("send", "check") and (root.tag != "balance" or balance is None):
        raise ValueError("neither messages nor a balance")
    return PilotAnswer(None, server_id(root.get("server_packet_id")), balance, tuple(map(item_of, rows)))


def _repair(text: str) -> str:
    """Attributes as ``name="value"``: without quotes in API-2 §2.2, with too many in §1.2."""
    return _TAG.sub(lambda tag: _ATTRIBUTE.sub(_attribute, tag[0]), _NOT_IN_XML.sub("\ufffd", text))


def _attribute(found: re.Match[str]) -> str:
    name, quoted, bare = found.groups()
    return f'{name}="{bare if quoted is None else quoted}"'
