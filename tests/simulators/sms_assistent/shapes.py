"""How sms-assistent's simulator prints its answers, in the manual's shapes.

Every function gets numbers and status words only, so nothing has to be escaped.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict

_XML_HEAD = '<?xml version="1.0" encoding="utf-8" ?>\n'
_UNKNOWN_ID = -11


class Accepted(TypedDict):
    """One message that will be sent."""

    sms_id: int
    recipient: str  # digits, international
    text: str
    sender: str
    api: str  # plain, xml or json
    validity: int | None  # seconds
    date_send: str  # YYYYMMDDhhmm in Minsk, "" = at once


@dataclass(slots=True)
class Sms:
    """What the gateway knows of a message that has an id."""

    recipient: str
    sms_count: int  # 0: taken although the number is malformed
    start: float  # when sending begins, by the simulator's clock


class Sent(NamedTuple):
    """One message in the answer to sending."""

    sms_id: int
    sms_count: int
    error: int
    recipient: str


class Status(NamedTuple):
    """One message in the answer to a status question; no ``sms``: the id is unknown."""

    sms_id: int
    sms: Sms | None
    word: str


def plain_sent(sent: Sent) -> str:
    return str(sent.error or sent.sms_id)


def xml_error(code: int) -> str:
    return f"{_XML_HEAD}<package><error>{code}</error></package>"


def json_error(code: int) -> str:
    return json.dumps({"error": code})


def xml_answer(sent: Sequence[Sent], statuses: Sequence[Status]) -> str:
    """§3.1.1 and §3.2."""
    parts = [_XML_HEAD, "<package>"]
    if sent:
        parts += ["<message>", *map(_xml_sent, sent), "</message>"]
    if statuses:
        parts += ["<status>", *map(_xml_status, statuses), "</status>"]
    return "".join([*parts, "</package>"])


def _xml_sent(row: Sent) -> str:
    head = f'<msg sms_id="{row.sms_id}" sms_count="{row.sms_count}"'
    return f"{head}>{row.error}</msg>" if row.error else f"{head}/>"


def _xml_status(row: Status) -> str:
    count, word = (row.sms.sms_count, row.word) if row.sms else (0, _UNKNOWN_ID)
    return f'<msg sms_id="{row.sms_id}" sms_count="{count}">{word}</msg>'


def json_answer(sent: Sequence[Sent], statuses: Sequence[Status], *, extra: bool) -> str:
    """§4.1.1 and §4.2. ``extra``: with the keys that are seen live and not in the manual."""
    answer: dict[str, Any] = {}
    if sent:
        answer["message"] = {"msg": [_json_sent(row, extra) for row in sent]}
    if statuses:
        answer["status"] = {"msg": [_json_status(row, extra) for row in statuses]}
    return json.dumps(answer, separators=(",", ":"))


def _json_sent(row: Sent, extra: bool) -> dict[str, Any]:
    keys = {"sms_id": row.sms_id, "sms_count": row.sms_count, "error_code": row.error}
    if not extra:
        return keys
    operator = 2 if row.sms_count and not row.error else 0
    return {**keys, "operator": operator, "recipient": int(row.recipient or 0)}


def _json_status(row: Status, extra: bool) -> dict[str, Any]:
    if row.sms is None:
        return {"sms_id": row.sms_id, "sms_count": 0, "error_code": _UNKNOWN_ID}
    keys: dict[str, Any] = {"sms_id": row.sms_id, "sms_count": row.sms.sms_count, "sms_status": row.word}
    if not extra:
        return keys
    operator = "2" if row.sms.sms_count else "0"
    return {
        **keys,
        "sms_count": str(row.sms.sms_count),
        "operator": operator,
        "recipient": f"+{row.sms.recipient}",
    }
