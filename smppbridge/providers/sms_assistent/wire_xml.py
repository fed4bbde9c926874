"""sms-assistent.by API v1 in XML (§3): packages as octets, answers as records.

One package may carry messages and a status question together. Answers come from a network: more markup than
an honest answer has is refused.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from smppbridge.model.message import Message
from smppbridge.providers.http.lenient import integer
from smppbridge.providers.http.xml import parse_xml
from smppbridge.providers.sms_assistent.records import (
    AssistAnswer,
    Login,
    SentRow,
    StatusRow,
    answer_text,
    sent,
    status,
    validity_seconds,
)

HEADERS = {"Content-Type": "text/xml; charset=utf-8"}
MAX_TAGS = 10_000  # in an answer: that of 1000 messages and 100 statuses has 2200

_HEAD = '<?xml version="1.0" encoding="utf-8"?>'
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0 §2.2
_CARRIAGE_RETURN = {"\r": "&#13;"}  # a parser reads a bare one as a line feed


def encode(
    login: Login,
    messages: Sequence[Message],
    refs: Sequence[str] = (),
    *,
    default_sender: str = "",
    date: str = "",
    now: int = 0,
) -> bytes:
    """Messages and the status question for sms_ids in one package; at least one of either (§3.1, §3.2).

    ``date``: date_send of all messages, "" = at once; ``now`` in ms.
    """
    scheduled = f" date_send={_attribute(date)}" if date else ""
    parts = [
        f"{_HEAD}<package login={_attribute(login.login)} password={_attribute(login.password)}{scheduled}>"
    ]
    if messages:
        parts += ["<message>", *_encode_messages(messages, default_sender, now), "</message>"]
    if refs:
        parts += ["<status>", *(f"<msg sms_id={_attribute(ref)}/>" for ref in refs), "</status>"]
    return "".join([*parts, "</package>"]).encode()


def _encode_messages(messages: Iterable[Message], default_sender: str, now: int) -> Iterator[str]:
    for message in messages:
        sender = message.sender or default_sender
        named = f" sender={_attribute(sender)}" if sender else ""
        lasting = f' validity_period="{validity_seconds(message, now)}"'
        text = escape(_clean(message.text), _CARRIAGE_RETURN)
        yield f"<msg recipient={_attribute(message.recipient)}{named}{lasting}>{text}</msg>"


def _attribute(value: str) -> str:
    return quoteattr(_clean(value))


def _clean(text: str) -> str:
    """Without the characters that no XML document can hold, not even escaped."""
    return _FORBIDDEN.sub("", text)


def decode(body: bytes) -> AssistAnswer:
    """Read an answer of any kind (§3.1.1, §3.1.2, §3.2). Raises ValueError when it is none."""
    root = _parse(body)
    error = root.find("error")
    if error is not None:
        code = integer(error.text)
        if code is None or code >= 0:
            raise ValueError("an error without a code")
        return AssistAnswer(failure=code)
    messages, statuses = root.find("message"), root.find("status")
    if messages is None and statuses is None:
        raise ValueError("neither messages nor statuses")
    return AssistAnswer(0, tuple(map(_sent, _rows(messages))), tuple(map(_status, _rows(statuses))))


def _parse(body: bytes) -> Element:
    root = parse_xml(answer_text(body), max_tags=MAX_TAGS)
    if root.tag != "package":
        raise ValueError("not a package")
    return root


def _rows(part: Element | None) -> list[Element]:
    return [] if part is None else part.findall("msg")


def _sent(row: Element) -> SentRow:
    words = (row.text or "").strip() or row.get("error_code", "0")
    return sent(row.attrib, words)


def _status(row: Element) -> StatusRow:
    named = row.get("status") or row.get("sms_status") or row.get("error_code")
    return status(row.get("sms_id"), (row.text or "").strip() or named)
