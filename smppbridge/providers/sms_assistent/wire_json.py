"""sms-assistent.by API v1 in JSON (§4): packages as octets, answers as records.

Answers are read as leniently as they come: ids as numbers or strings, keys that no manual names, `status`
where the example has `sms_status`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence

from smppbridge.model.message import Message
from smppbridge.providers.http.lenient import integer, parse_lenient
from smppbridge.providers.sms_assistent.records import (
    AssistAnswer,
    Login,
    SentRow,
    StatusRow,
    answer_text,
    sent,
    status,
    validity_hours,
)

HEADERS = {"Content-Type": "application/json; charset=utf-8"}


def encode_send(
    login: Login, messages: Iterable[Message], *, default_sender: str, date: str, now: int
) -> bytes:
    """Messages in one package (§4.1). ``date``: date_send of them all, "" = at once; ``now`` in ms."""
    package: dict[str, object] = {**login._asdict(), "command": "sms_send"}
    if date:
        package["date_send"] = date
    package["message"] = {"msg": [_encode_message(message, default_sender, now) for message in messages]}
    return _encode(package)


def _encode_message(message: Message, default_sender: str, now: int) -> dict[str, object]:
    item: dict[str, object] = {"recipient": message.recipient, "sms_text": message.text}
    sender = message.sender or default_sender
    if sender:
        item["sender"] = sender
    item["validity_period"] = validity_hours(message, now)
    return item


def encode_status(login: Login, refs: Iterable[str]) -> bytes:
    """The status question for sms_ids, at least one (§4.2)."""
    rows = [{"sms_id": ref} for ref in refs]
    return _encode({**login._asdict(), "command": "statuses", "status": {"msg": rows}})


def _encode(value: Mapping[str, object]) -> bytes:
    # A lone surrogate has no UTF-8 form; one of them must not spoil the whole package.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def decode(body: bytes) -> AssistAnswer:
    """Read an answer of any kind (§4.1.1, §4.1.2, §4.2). Raises ValueError when it is none."""
    value = parse_lenient(answer_text(body, "replace"))
    if not isinstance(value, dict):
        return AssistAnswer(failure=_failure(value))
    code = integer(value.get("error"))
    if code:
        return AssistAnswer(failure=_failure(code))
    messages, statuses = _rows(value, "message"), _rows(value, "status")
    if messages is None and statuses is None:
        raise ValueError("neither messages nor statuses")
    return AssistAnswer(0, tuple(map(_sent, messages or ())), tuple(map(_status, statuses or ())))


def _failure(value: object) -> int:
    code = integer(value)
    if code is None or code >= 0:
        raise ValueError("neither a package nor a code")
    return code


def _rows(answer: Mapping[str, object], part: str) -> Sequence[object] | None:
    """The list inside a part. PHP makes a single row out of a list of one row that came from XML."""
    value = answer.get(part)
    rows = value.get("msg") if isinstance(value, dict) else None
    if isinstance(rows, dict):
        return [rows]
    return rows if isinstance(rows, list) else None


def _sent(value: object) -> SentRow:
    row: Mapping[str, object] = value if isinstance(value, dict) else {}
    return sent(row, row.get("error_code", 0) if row else None)


def _status(value: object) -> StatusRow:
    row: Mapping[str, object] = value if isinstance(value, dict) else {}
    word = row.get("sms_status", row.get("status"))
    return status(row.get("sms_id"), row.get("error_code") if word is None else word)
