"""smspilot API-1: requests as forms, answers in one of its four formats as plain records.

One text goes to many numbers, and nothing of ours is echoed: what an answer says about a message is found by
its number. Lines of text are not quoted, so whatever holds somebody's words (messages from phones, the list
of the last day) is always asked for in JSON.
"""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal
from urllib.parse import urlencode

from smppbridge.providers.http.lenient import number
from smppbridge.providers.smspilot import wire_json, wire_xml
from smppbridge.providers.smspilot.codes import code_of_words
from smppbridge.providers.smspilot.records import (
    Item,
    Packet,
    PilotAnswer,
    PilotFailure,
    Question,
    item_of,
    server_id,
)

Format = Literal["json", "xml", "text", "v"]

PATH = "/api.php"
CONTENT_TYPE = "application/x-www-form-urlencoded"
MAX_RECIPIENTS = 300  # of one request; the manual advises POST above that and names no maximum (API-1 §1)
PAGE = 1000  # messages in one answer about the last day (API-1 v1.12 §2.2)
MAX_LINES = 20_000  # of an answer in lines: far more than any honest one has
TEST_REF = "1000"  # messages of a test are not kept: this one is asked about instead (API-1 §11)

# The order of columns is ours only when we name them; a refusal tells its error only when asked to.
_SENT = ("server_id", "phone", "price", "status", "error")
# Where columns have names, whatever else there is comes along.
NAMED = (*_SENT[:4], "sender", "sender_orig", "parts", "country", "operator", "error", "error_en", "error_ru")
_STATUSES = ("server_id", "phone", "status", "error", "error_en")
# What the manual prints whatever is asked for, and what its table names instead (API-1 §1.1, §2.2).
_PRINTED = ("server_id", "phone", "price", "status")
_TABLED = ("server_id", "phone", "status", "error")
_RECENT = ("server_id", "phone", "status", "created", "message")
_FIELDS_OF_ORDER = {"text": ",".join(_SENT), "json": ",".join(NAMED), "xml": ",".join(NAMED), "v": ""}
_ERROR = re.compile(r"ERROR=([0-9]{1,6}):?([^\n]*)")
_HEAD = re.compile(r"SUCCESS=SMS SENT [^/\n]*/([^\n]*)")
_ROW = re.compile(r"[0-9]{1,20},")
_STATUS = re.compile(r"-?[0-9]{1,2}")
_MONEY = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,6})?")


class Api1:
    """API-1 in one format with one key."""

    def __init__(self, apikey: str, format: Format) -> None:
        self._apikey = apikey
        self._format = format

    def encode_send(self, packet: Packet) -> Question:
        """One text to one number or several (API-1 §1); with `v` only to one, because one id comes back."""
        line = packet.lines[0]
        keys = {
            "send": packet.text or line.text,
            "to": ",".join(line.to for line in packet.lines),
            "from": packet.sender,
            "ttl": str(line.ttl or ""),
            "send_datetime": str(packet.send_at or ""),
            "callback": packet.callback,
            "callback_method": packet.callback_method if packet.callback else "",
            "test": "1" if packet.test else "",
            "fields": _FIELDS_OF_ORDER[self._format],
        }
        return self._question(keys, text=_read_sent, v=_read_sent_id)

    def encode_check(self, refs: Sequence[str]) -> Question:
        """The status question for server_ids (API-1 §2.2); with `v` for the first of them alone."""
        if self._format == "v":
            return self._question({"check": refs[0]}, v=partial(_read_status, refs[0]))
        return self._statuses({"check": ",".join(refs)})

    def encode_check_packet(self, ref: str) -> Question:
        """The status question for a packet (API-1 §2.2); not with `v`."""
        return self._statuses({"check": "packet", "id": ref})

    def encode_check_test(self) -> Question:
        """The status question of a test (API-1 §11)."""
        if self._format == "v":
            return self._question({"check": TEST_REF, "test": "1"}, v=partial(_read_status, TEST_REF))
        return self._statuses({"check": TEST_REF, "test": "1"})

    def encode_recent(self, offset: int) -> Question:
        """One page of the messages of the last day, with their texts, in JSON (API-1 v1.12 §2.2)."""
        keys = {"check": "recent", "fields": ",".join(_RECENT), "limit": str(PAGE), "offset": str(offset)}
        return self._json(keys)

    def encode_balance(self) -> Question:
        """The question for roubles (API-1 §8)."""
        return self._question({"balance": "rur"}, text=_read_balance, v=_read_balance)

    def encode_inbound(self, since: str) -> Question:
        """The question for messages from phones, in JSON (API-1 §6.2)."""
        return self._json({"inbound": since})

    def _statuses(self, keys: dict[str, str]) -> Question:
        """`all` also shows what a number check found; where its columns stand is not documented."""
        fields = ",".join(_STATUSES) if self._format == "text" else "all"
        return self._question({**keys, "fields": fields}, text=_read_statuses)

    def _question(
        self,
        keys: dict[str, str],
        *,
        text: Callable[[str], PilotAnswer] | None = None,
        v: Callable[[str], PilotAnswer] | None = None,
    ) -> Question:
        read = {"text": text, "v": v}.get(self._format)
        if self._format == "xml":
            return self._encode(keys, "xml", wire_xml.decode)
        return self._json(keys) if read is None else self._encode(keys, self._format, partial(_decode, read))

    def _json(self, keys: dict[str, str]) -> Question:
        return self._encode(keys, "json", wire_json.decode)

    def _encode(
        self, keys: dict[str, str], format: Format, decode: Callable[[bytes], PilotAnswer]
    ) -> Question:
        form = {"apikey": self._apikey, "format": format, **{key: keys[key] for key in keys if keys[key]}}
        content = urlencode(form, encoding="utf-8", errors="replace").encode("ascii")
        return Question(PATH, content, CONTENT_TYPE, decode)


def _decode(read: Callable[[str], PilotAnswer], body: bytes) -> PilotAnswer:
    return read(body.decode("utf-8-sig", "replace").strip())


# --- format=text: CSV without quotes (API-1 §1.1) ----------------------------------------------------------


def _read_sent(text: str) -> PilotAnswer:
    head = _HEAD.match(text)
    if head is None:
        return _read_error(text)
    rows = _lines(text)[1:]
    return PilotAnswer(balance=number(head[1]), items=tuple(_item(row, _SENT) for row in rows))


def _read_statuses(text: str) -> PilotAnswer:
    if not _ROW.match(text):
        return _read_error(text)
    return PilotAnswer(items=tuple(_item(row, _STATUSES) for row in _lines(text)))


def _lines(text: str) -> list[str]:
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        raise ValueError("too many lines")
    return lines


def _item(row: str, names: Sequence[str]) -> Item:
    """A row has the columns that were asked for, or the four of the manual. Another one says nothing."""
    columns = row.split(",", len(names) - 1)
    if len(columns) == len(_PRINTED):
        names = _PRINTED if names == _SENT or "." in columns[2] else _TABLED
    return item_of(dict(zip(names, columns, strict=True)) if len(columns) == len(names) else {})


def _read_error(text: str) -> PilotAnswer:
    found = _ERROR.match(text)
    if found is not None and int(found[1]) > 0:
        return PilotAnswer(failure=PilotFailure(int(found[1]), found[2].strip()))
    return _read_words(text)


# --- format=v: one bare value ----------------------------------------------------------------------------


def _read_sent_id(text: str) -> PilotAnswer:
    ref = server_id(text) if text.isdigit() else ""
    if not ref:
        return _read_words(text)
    return PilotAnswer(packet=ref, items=(Item(None, ref, "", 0, 0, ""),))


def _read_status(ref: str, text: str) -> PilotAnswer:
    if not _STATUS.fullmatch(text):
        return _read_words(text)
    return PilotAnswer(items=(Item(None, ref, "", int(text), 0, ""),))


def _read_balance(text: str) -> PilotAnswer:
    if not _MONEY.fullmatch(text):
        return _read_error(text) if text.startswith("ERROR=") else _read_words(text)
    return PilotAnswer(balance=number(text))


def _read_words(text: str) -> PilotAnswer:
    """An error of `v` is words alone. Words that no manual prints cannot be told from other trouble:
    ValueError."""
    code = code_of_words(text)
    if not code:
        raise ValueError("not an answer")
    return PilotAnswer(failure=PilotFailure(code, text))
