"""`Told` as lines for people, or as JSON. Must not know: what it is about.

What a stranger wrote must not speak to the terminal: everything that is not printable is shown as an escape.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from smppbridge.commands.explain.parameters import Told

_INDENT = "  "
# Characters that JSON lets through but a terminal would obey, and surrogates, which no output takes.
_UNSAFE = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def as_json(told: Told) -> str:
    """One line of JSON."""
    text = json.dumps(told, ensure_ascii=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def as_text(title: str, told: Told) -> str:
    """Several lines, the last one empty."""
    return "\n".join([visible(title), *_lines(told, 1), ""])


def visible(text: str) -> str:
    """``text`` with an escape for whatever is not printable."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _lines(told: Told, depth: int) -> Iterator[str]:
    for key, value in told.items():
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
