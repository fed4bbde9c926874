"""Reports as lines for people, or as JSON.

What a stranger wrote must not speak to the terminal: everything that is not printable is shown as an escape.
"""

import dataclasses
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from smppbridge.commands.explain import meanings
from smppbridge.commands.explain.found import FoundPdu, Remark
from smppbridge.commands.explain.parameters import command_name
from smppbridge.commands.explain.report import PduReport
from smppbridge.commands.explain.values import INLINE, Hex, Instant, Meant, NamedStatus, Octets
from smppbridge.commands.explain.verdict import verdict
from smppbridge.errors import ProtocolError
from smppbridge.logs import visible
from smppbridge.smpp.codec import HEADER
from smppbridge.smpp.constants import RESPONSE_BIT, status_name
from smppbridge.smpp.fields import HEADER_OCTETS

_INDENT = "  "
# Characters that JSON lets through but a terminal would obey, and surrogates, which no output takes.
_UNSAFE = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


JsonObject = dict[str, Any]
"""A report as JSON has it."""


_WRITERS: Mapping[type, Callable[[Any], Any]] = {
    bytes: bytes.hex,
    Hex: lambda one: f"0x{one.number:0{one.digits}X}",
    Octets: lambda one: {"octets": len(one.octets), "hex": one.octets.hex()},
    Instant: lambda one: meanings.instant(one.ms),
    NamedStatus: lambda one: {"value": f"0x{one.number:08X}", "meaning": one.name},
    Meant: lambda one: {"value": written(one.value), "meaning": one.meaning},
}


def written(value: object) -> Any:
    """A value of a report as JSON has it."""
    if writer := _WRITERS.get(type(value)):
        return writer(value)
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, tuple):
        return [written(one) for one in value]
    if isinstance(value, Mapping):
        return {name: written(one) for name, one in value.items()}
    return _fields(value)


def _fields(values: Any) -> JsonObject:
    """The fields of a dataclass by their names. A None is left out where it is the default of its field."""
    fields: JsonObject = {}
    for field in dataclasses.fields(values):
        value = getattr(values, field.name)
        if value is None and field.default is None:
            continue
        fields |= written(value) if field.metadata == INLINE else {field.name: written(value)}
    return fields


def as_json(report: JsonObject) -> str:
    """One line of JSON."""
    text = json.dumps(report, ensure_ascii=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def as_text(title: str, report: JsonObject) -> str:
    """Several lines, the last one empty."""
    return "\n".join([visible(title), *_lines(report, 1), ""])


def _lines(report: JsonObject, depth: int) -> Iterator[str]:
    for key, value in report.items():
        yield from _entry(key, value, depth)


def _entry(key: str, value: Any, depth: int) -> Iterator[str]:
    start = f"{_INDENT * depth}{visible(key)}:"
    plain = _plain(value)
    if plain is not None:
        yield f"{start} {plain}".rstrip()
    elif isinstance(value, list):
        yield start
        for one in value:
            yield from _item(one, depth + 1)
    else:
        yield start
        yield from _lines(value, depth + 1)


def _item(value: Any, depth: int) -> Iterator[str]:
    """One entry of a list."""
    plain = _plain(value)
    if plain is not None:
        yield f"{_INDENT * depth}- {plain}"
    elif "tag" in value:
        shown = _plain({"value": _plain(value["value"]), "meaning": value.get("meaning", "")})
        name = visible(f"{value['name']} {value['tag']}")
        yield f"{_INDENT * depth}{name}: {shown}"
    else:
        first, *others = _lines(value, depth + 1)
        yield f"{_INDENT * depth}- {first.lstrip()}"
        yield from others


def _plain(value: Any) -> str | None:
    """What fits behind its name; None for what takes lines of its own."""
    if isinstance(value, str):
        return visible(value)
    if value is None or isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        plain = [_plain(one) for one in value if not isinstance(one, list)]
        short = all(isinstance(one, str | int) for one in value) and sum(map(len, map(str, value))) < 80
        return ", ".join(filter(None, plain)) if short else None
    if value.keys() == {"value", "meaning"}:
        return (
            f"{_plain(value['value'])} ({visible(value['meaning'])})"
            if value["meaning"]
            else _plain(value["value"])
        )
    if value.keys() == {"octets", "hex"}:
        return f"{value['hex']} ({value['octets']} octets)" if value["octets"] else "empty"
    return None


Emit = Callable[[str], None]
MAX_KINDS = 500  # of PDUs that are counted apart
_OTHERS = ("other", "")


@dataclass(frozen=True, slots=True)
class ExplainOptions:
    """Whose messages they are, and how to print what is said about them."""

    account: str | None = None  # None: of whoever has bound, or the only one
    limit: int = 100  # PDUs that are shown, 0 = all
    json: bool = False


class Printer:
    """Prints PDUs up to the limit, and counts them all."""

    def __init__(self, options: ExplainOptions, emit: Emit, warn: Emit) -> None:
        self._options = options
        self._emit = emit
        self._warn = warn
        self._seen = 0
        self._warned: set[str] = set()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._remarks = 0

    def count(self, found: FoundPdu) -> bool:
        """Note a PDU; whether it is to be shown."""
        self._seen += 1
        kind = _kind(found)
        self._counts[kind if kind in self._counts or len(self._counts) < MAX_KINDS else _OTHERS] += 1
        return not self._options.limit or self._seen <= self._options.limit

    def show(self, found: FoundPdu, report: PduReport) -> None:
        """Print one PDU, with the verdict on it first."""
        warning = report.warning
        if warning is not None and warning not in self._warned:
            self._warned.add(warning)
            self._warn(f"warning: {visible(warning)}")
        command, said = _kind(found)[0], verdict(report)
        shown = ({"verdict": said} if said else {}) | written(report)
        if self._options.json:
            self._emit(as_json({"kind": "pdu", "number": self._seen, "command": command, **shown}))
        else:
            self._emit(as_text(f"{self._seen}. {command}", shown))

    def remark(self, remark: Remark) -> None:
        """Print something about the source."""
        self._remarks += 1
        if self._options.limit and self._remarks > self._options.limit:
            return
        if self._options.json:
            place = {"place": remark.place} if remark.place else {}
            self._emit(as_json({"kind": "remark", **place, "remark": remark.text}))
        else:
            place_text = f"{remark.place}: " if remark.place else ""
            self._emit(f"-- {visible(place_text + remark.text)}\n")

    def summary(self) -> None:
        """Print what there was, where it is more than one PDU."""
        if self._seen < 2:
            return
        shown = min(self._seen, self._options.limit or self._seen)
        counts = sorted(self._counts.items())
        if self._options.json:
            rows = [{"command": name, "status": state, "count": count} for (name, state), count in counts]
            self._emit(as_json({"kind": "summary", "pdus": self._seen, "shown": shown, "counts": rows}))
            return
        more = "; --limit shows more" if shown < self._seen else ""
        self._emit(f"{self._seen} PDUs, {shown} of them shown{more}")
        for (name, state), count in counts:
            self._emit(f"{count:8} {name}{f' {state}' if state else ''}")


def _kind(found: FoundPdu) -> tuple[str, str]:
    """Name of a command, and in a response its status; what is wrong with a malformed one."""
    _, command_id, command_status, _ = HEADER.unpack_from(found.raw.ljust(HEADER_OCTETS, b"\0"))
    name = command_name(command_id)
    if isinstance(found.item, ProtocolError):
        return name, f"malformed: {status_name(found.item.status)}"
    if not command_id & RESPONSE_BIT:
        return name, ""
    status = NamedStatus(command_status)
    return name, status.name if status.known else f"0x{command_status:08X}"


def to_stderr(line: str) -> None:
    """Print a line on stderr."""
    print(line, file=sys.stderr)
