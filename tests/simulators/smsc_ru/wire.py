"""Reads a request to smsc.ru's simulator as PHP would, and prints answers in the formats of ``fmt``."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape, quoteattr

from starlette.requests import Request
from starlette.responses import Response

from tests.simulators.smsc_ru.rules import NUMBERED, Refusal

CHARSETS = ("windows-1251", "utf-8", "koi8-r")
FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"

Fields = Mapping[str, object]


@dataclass(slots=True)
class Query:
    """The parameters of one request: decoded by its own ``charset``, and as octets."""

    values: Mapping[str, str]
    octets: Mapping[str, bytes]
    files: tuple[str, ...] = ()
    rest: bool = False  # a JSON request, answered in JSON

    def get(self, name: str, default: str = "") -> str:
        return self.values.get(name) or default

    @property
    def charset(self) -> str:
        """What requests are read and answers are written in; windows-1251 unless told (send.php, charset)."""
        name = self.get("charset", "utf-8" if self.rest else CHARSETS[0]).lower()
        return name if name in CHARSETS else CHARSETS[0]

    @property
    def fmt(self) -> int:
        """0 where it makes no sense: the error about that must be printed, too."""
        if self.rest:
            return 3
        fmt = self.get("fmt", "0")
        return int(fmt) if fmt in {"0", "1", "2", "3"} else 0


async def read_query(request: Request) -> Query:
    """Query string, then form, then files; a later value of the same name wins. Raises Refusal(1)."""
    body = await request.body()
    octets = _form(request.scope["query_string"])
    files: list[str] = []
    kind = request.headers.get("content-type", "")
    if kind.startswith(FORM):
        octets |= _form(body)
    elif kind.startswith(MULTIPART):
        for name, filename, content in _multipart(kind, body):
            if filename:
                files.append(filename)
            else:
                octets[name] = content
    charset = Query({"charset": octets.get("charset", b"").decode("ascii", "replace")}, {}).charset
    values = {name: value.decode(charset, "replace") for name, value in octets.items()}
    return Query(values, octets, tuple(files))


async def read_json(request: Request) -> Query:
    """The object in the body of /rest/send/. Raises Refusal(1) for anything but strings and numbers in it."""
    try:
        parsed = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise Refusal(1) from None
    if not isinstance(parsed, dict) or not all(_is_plain(value) for value in parsed.values()):
        raise Refusal(1)
    return Query({name: str(value) for name, value in parsed.items()}, {}, rest=True)


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _form(octets: bytes) -> dict[str, bytes]:
    pairs = parse_qsl(octets.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    return {name: value.encode("latin-1") for name, value in pairs}


def _multipart(kind: str, body: bytes) -> Iterable[tuple[str, str, bytes]]:
    """(name, file name, content) of each part."""
    whole = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode("latin-1") + body)
    for part in whole.walk():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            yield name, part.get_filename() or "", content


# --- answers ---------------------------------------------------------------------------------------


def respond(query: Query, text: str) -> Response:
    kinds = {2: "text/xml", 3: "application/json"}
    kind = f"{kinds.get(query.fmt, 'text/html')}; charset={query.charset}"
    return Response(text.encode(query.charset, "replace"), headers={"content-type": kind})


def print_error(refusal: Refusal, fmt: int) -> str:
    """send.php, errors: 3, 6, 7 and 8 carry the id, the others do not."""
    ident = refusal.ident if refusal.code in NUMBERED else ""
    if fmt == 1:
        return _with_rows(f"{ident or 0},-{refusal.code}", refusal.rows)
    if fmt >= 2:
        fields: dict[str, object] = {"error": refusal.words, "error_code": refusal.code}
        if ident:
            fields["id"] = number(ident)
        return _json_or_xml(fields, refusal.rows, fmt)
    line = f"ERROR = {refusal.code} ({refusal.words})" + (f", ID - {ident}" if ident else "")
    return _with_rows(line, refusal.rows)


def print_sent(fields: dict[str, object], rows: list[dict[str, str]] | None, fmt: int) -> str:
    """The answer to a send request. ``fields`` are in the order of fmt 1, ``rows`` are what op or err add."""
    if fmt >= 2:
        return _json_or_xml(fields, rows, fmt)
    return _with_rows(",".join(map(str, fields.values())) if fmt == 1 else _sentence(fields), rows)


def _json_or_xml(fields: Fields, rows: list[dict[str, str]] | None, fmt: int) -> str:
    if fmt == 3:
        return to_json(fields if rows is None else {**fields, "phones": rows})
    return xml("result", fields, None if rows is None else _phones(rows))


def _with_rows(line: str, rows: list[dict[str, str]] | None) -> str:
    order = ("phone", "mccmnc", "cost", "status", "error")
    return "\n".join([line, *(",".join(row[name] for name in order) for row in rows or ())])


def _sentence(fields: Fields) -> str:
    if "id" not in fields:
        return f"{fields['cost']} ({fields['cnt']} SMS)"
    text = f"OK - {fields['cnt']} SMS, ID - {fields['id']}"
    return text + "".join(
        f", {name.upper()} - {fields[name]}" for name in ("cost", "balance") if name in fields
    )


def _phones(rows: list[dict[str, str]]) -> str:
    lines = [
        "<phone "
        + " ".join(f"{name}={quoteattr(value)}" for name, value in row.items() if name != "phone")
        + f">{escape(row['phone'])}</phone>"
        for row in rows
    ]
    return "\n".join(["<phones>", *lines, "</phones>"])


def xml(root: str, fields: Fields, more: str | None = None) -> str:
    lines = [f"<{name}>{escape(str(value))}</{name}>" for name, value in fields.items()]
    return "\n".join([f"<{root}>", *lines, *([] if more is None else [more]), f"</{root}>"])


def to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def number(ident: str) -> int | str:
    """An id as JSON prints it: a number where it is one."""
    return int(ident) if ident.isdecimal() and ident.isascii() and str(int(ident)) == ident else ident
