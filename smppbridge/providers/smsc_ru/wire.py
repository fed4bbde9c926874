"""smsc.ru's HTTP API on the wire: requests as octets, answers in any of its four formats as plain records.

An answer is read by what it looks like, not by the ``fmt`` that was asked for: errors about the request
itself may come in another one. Every answer is asked for in UTF-8 (the API's default is windows-1251); octets
that are none spoil only the words around them.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import NamedTuple
from urllib.parse import urlencode
from xml.etree.ElementTree import Element

from smppbridge.providers.http.lenient import millionths, parse_lenient, text_of
from smppbridge.providers.http.xml import parse_xml

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json; charset=utf-8"}
FORMATS = {"text": "0", "numbers": "1", "xml": "2", "json": "3"}  # fmt
MAX_ANSWER = 512 * 1024  # octets of an answer; one about 50 messages may repeat 1000 characters of each
MOSCOW = timezone(timedelta(hours=3))  # smsc.ru prints its own clock; there is no summer time

_OWN_CHARSET = "windows-1251"  # what the API writes unless it is told otherwise
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_MONEY = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_BARE_ID = re.compile(r'("id"\s*:\s*)(b[0-9.]{1,60})(?=\s*[,}])')  # the manual prints "id": <id>
# Behind an error, op=1 adds a line about the number.
_TEXT_FAILURE = re.compile(
    r"ERROR = ([0-9]{1,6}) *(?:\((.*?)\))? *(?:, *ID - ([A-Za-z0-9._-]{1,40}))? *(?:[,\r\n]|\Z)", re.DOTALL
)
_NUMBERS_FAILURE = re.compile(r"([A-Za-z0-9._-]{0,40}),-([0-9]{1,6}) *(?:[\r\n]|\Z)")
_TEXT_SENT = re.compile(r"OK - ([0-9]{1,9}) SMS, ID - ([A-Za-z0-9._-]{1,40})(?:, COST - ([^,\n]*))?(.*)")
_TEXT_BALANCE = re.compile(r", BALANCE - (\S+)")
_NUMBERS_SENT = re.compile(r"([A-Za-z0-9._-]{1,40}),([0-9]{1,9})(?:,([^,]*))?(?:,([^,]*))?")
_TEXT_FIELD = re.compile(r"([A-Za-z_]{1,30}) = ([^,\n]*)")
_PHONE_COLUMNS = ("phone", "mccmnc", "cost", "status", "error")  # op=1, fmt 0 and 1


class SmscRuFailure(NamedTuple):
    """An error envelope: nothing of the request was carried out."""

    code: int
    words: str
    id: str = ""  # of the message that is at fault; "": the request is, or we are


class MessageRow(NamedTuple):
    """What an answer says about one message. ``fields`` by their names in the API; ``loose``: values whose
    names fmt 1 does not print."""

    status: int | None
    err: int
    fields: Mapping[str, str]
    loose: frozenset[str] = frozenset()

    def is_about(self, ref: str, phone: str) -> bool:
        """Whether this is the row of the message ``ref`` to ``phone``: only both together are a key."""
        if "id" in self.fields:
            return (self.fields["id"], self.fields.get("phone", "").removeprefix("+")) == (ref, phone)
        return {ref, phone} <= self.loose


class SmscRuAnswer(NamedTuple):
    """One answer of any kind; what the kind does not have is empty."""

    failure: SmscRuFailure | None = None
    id: str = ""
    sms: int | None = None  # how many were taken; of a call: seconds
    cost: int = 0  # of them, in millionths
    balance: float | None = None
    rows: tuple[MessageRow, ...] = ()


# --- requests --------------------------------------------------------------------------------------


def encode_form(fields: Mapping[str, str]) -> bytes:
    """The body of a POST to a script: nothing of it stands in an address, because addresses are logged."""
    return urlencode(fields, encoding="utf-8", errors="replace").encode("ascii")


def encode_json(fields: Mapping[str, str]) -> bytes:
    """The body of a POST to /rest/send/: the same names."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


# --- answers ---------------------------------------------------------------------------------------


def decode_sent(body: bytes) -> SmscRuAnswer:
    """The answer to a send request with cost=3 and op=1. Raises ValueError when it is none."""
    value, failure = _opened(_small(body))
    if failure is not None:
        return SmscRuAnswer(failure)
    if isinstance(value, str):
        return _sent_lines(value)
    fields = _sent_fields(value)
    ref = text_of(fields.get("id"))
    phones = fields.get("phones")
    if not ref:
        raise ValueError("no id")
    rows = phones if isinstance(phones, list) else []
    count, cost = integer_of(text_of(fields.get("cnt"))), millionths(fields.get("cost"))
    return SmscRuAnswer(None, ref, count, cost, money_of(fields.get("balance")), tuple(map(_sent_row, rows)))


def decode_statuses(body: bytes) -> SmscRuAnswer:
    """The answer of status.php about one message or several. Raises ValueError when it is none."""
    value, failure = _opened(_small(body))
    if failure is not None:
        return SmscRuAnswer(failure)
    if isinstance(value, str):
        rows = tuple(_status_line(line) for line in value.splitlines() if line.strip())
    elif isinstance(value, Element):
        rows = tuple(_row(_leaves(element), "err") for element in value.iter() if _is_status(element))
    else:
        items = value if isinstance(value, list) else [value]
        rows = tuple(_row(item, "err") for item in items if isinstance(item, dict))
    if all(row.status is None for row in rows) and value != []:
        raise ValueError("no status")
    return SmscRuAnswer(rows=rows)


def decode_balance(body: bytes) -> SmscRuAnswer:
    """The answer of balance.php. Raises ValueError when it is none."""
    value, failure = _opened(_small(body))
    if failure is not None:
        return SmscRuAnswer(failure)
    told: object = value
    if isinstance(value, dict):
        told = value.get("balance")
    elif isinstance(value, Element):
        told = next((element.text for element in value.iter("balance")), None)
    balance = money_of(told)
    if balance is None:
        raise ValueError("no balance")
    return SmscRuAnswer(balance=balance)


def decode_list(body: bytes) -> SmscRuAnswer:
    """The JSON answer of get.php: a row for each message from a phone. Raises ValueError when it is none."""
    value, failure = _opened(body)
    if failure is not None:
        return SmscRuAnswer(failure)
    if not isinstance(value, list):
        raise ValueError("not a list")
    return SmscRuAnswer(rows=tuple(_row(item, "err") for item in value if isinstance(item, dict)))


def decode_fields(body: str) -> dict[str, str]:
    """The fields of a callback in JSON or XML. Raises ValueError when it is neither."""
    value = _value(body.removeprefix("\ufeff").strip())
    if isinstance(value, Element):
        return {child.tag: child.text or "" for child in value if len(child) == 0}  # as it was signed
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return {str(name): text_of(item) for name, item in value.items()}


# --- the formats -----------------------------------------------------------------------------------

_Value = dict[str, object] | list[object] | Element | str


def _small(body: bytes) -> bytes:
    if len(body) > MAX_ANSWER:
        raise ValueError("larger than any honest answer, and reading it takes long")
    return body


def _opened(body: bytes) -> tuple[_Value, SmscRuFailure | None]:
    """The answer, and the error that it is."""
    value, failure = _read(body.decode("utf-8-sig", "replace"))
    if failure is not None and "\ufffd" in failure.words:
        return _read(body.decode(_OWN_CHARSET, "replace"))  # refused before its charset was read
    return value, failure


def _read(text: str) -> tuple[_Value, SmscRuFailure | None]:
    value = _value(text.strip())
    fields: Mapping[str, object] = {}
    if isinstance(value, dict):
        fields = value
    elif isinstance(value, Element):
        fields = _leaves(value)
    elif isinstance(value, str):
        if found := _TEXT_FAILURE.match(value):
            return value, _failure(found[1], found[2] or "", found[3] or "")
        if found := _NUMBERS_FAILURE.match(value):
            return value, _failure(found[2], "", found[1])
    if "error_code" in fields:
        code, words, ref = (text_of(fields.get(name)) for name in ("error_code", "error", "id"))
        return value, _failure(code, words, ref)
    return value, None


def _value(text: str) -> _Value:
    if text.startswith("<"):
        return parse_xml(text)
    if not text.startswith(("{", "[")):
        return text
    try:
        value = parse_lenient(text)
    except ValueError:
        value = parse_lenient(_BARE_ID.sub(r'\1"\2"', text))
    if not isinstance(value, dict | list):
        raise ValueError("not JSON of this API")
    return value


def _failure(code: str, words: str, ref: str) -> SmscRuFailure:
    number = integer_of(code)
    if number is None or number <= 0:
        raise ValueError("an error without a code")
    return SmscRuFailure(number, words, "" if ref == "0" else ref)


def _leaves(element: Element) -> dict[str, str]:
    return {child.tag: (child.text or "").strip() for child in element if len(child) == 0}


def _is_status(element: Element) -> bool:
    """Whether an element holds one message: lists and items are both called <status> somewhere."""
    return integer_of(_leaves(element).get("status")) is not None


def _sent_fields(value: _Value) -> Mapping[str, object]:
    if isinstance(value, Element):
        phones = [
            {**phone.attrib, "phone": (phone.text or "").strip()}
            for phones in value.iter("phones")
            for phone in phones
        ]
        return {**_leaves(value), "phones": phones}
    if isinstance(value, dict):
        return value
    raise ValueError("not an object")


def _sent_lines(text: str) -> SmscRuAnswer:
    first, *others = text.splitlines() or [""]
    if words := _TEXT_SENT.fullmatch(first.strip()):
        balance = _TEXT_BALANCE.match(words[4])
        count, ref, cost, money = *words.group(1, 2, 3), balance[1] if balance else None
    elif numbers := _NUMBERS_SENT.fullmatch(first.strip()):
        ref, count, cost, money = numbers.groups()
    else:
        raise ValueError("not an answer to a send request")
    rows = (
        _sent_row(dict(zip(_PHONE_COLUMNS, line.strip().split(","), strict=False)))
        for line in others
        if line.strip()
    )
    return SmscRuAnswer(None, ref, int(count), millionths(cost), money_of(money), tuple(rows))


def _sent_row(value: object) -> MessageRow:
    return _row(value, "error")


def _status_line(line: str) -> MessageRow:
    """fmt 0 names its fields; fmt 1 has status, time, err, and then more in an order that has changed."""
    named = {name.lower(): value.strip() for name, value in _TEXT_FIELD.findall(line)}
    if "status" in named:
        return _row(named, "err")
    columns = [column.strip() for column in line.split(",")]
    err = columns[2] if len(columns) > 2 else None
    return MessageRow(integer_of(columns[0]), integer_of(err) or 0, {}, frozenset(columns[3:]))


def _row(value: object, err: str) -> MessageRow:
    fields: dict[str, str] = {}
    if isinstance(value, Mapping):
        fields = {str(name): text_of(item) for name, item in value.items()}
    return MessageRow(integer_of(fields.get("status")), integer_of(fields.get(err)) or 0, fields)


# --- values ----------------------------------------------------------------------------------------


def integer_of(value: str | None) -> int | None:
    """A whole number; None for anything else."""
    return int(value) if value is not None and _INTEGER.fullmatch(value) else None


def money_of(value: object) -> float | None:
    """An amount of money, printed with a point; None for anything else."""
    text = text_of(value).strip()
    if not _MONEY.fullmatch(text):
        return None
    amount = float(text)
    return amount if math.isfinite(amount) else None


def moment_of(text: str) -> int | None:
    """DD.MM.YYYY hh:mm:ss in Moscow as ms since 1970; None for anything else."""
    try:
        moment = datetime.strptime(text, "%d.%m.%Y %H:%M:%S").replace(tzinfo=MOSCOW)
    except ValueError:
        return None
    return round(moment.timestamp() * 1000)


def rows_about(
    rows: tuple[MessageRow, ...], asked: list[tuple[str, str]]
) -> Iterator[tuple[str, str, MessageRow]]:
    """(ref, phone, row) for each of the ``asked`` pairs (ref, phone) of which the answer has a row.

    The answer about a single message does not say which message it is about. fmt 1 has more columns for some
    messages.
    """
    if len(asked) == 1 and len(rows) == 1 and "id" not in rows[0].fields:
        yield (*asked[0], rows[0])
        return
    for ref, phone in asked:
        row = next((row for row in rows if row.is_about(ref, phone)), None)
        if row is not None:
            yield ref, phone, row
