"""Reads JSON that its author got slightly wrong, as providers' manuals (and PHP scripts) print it, and values
of the wrong type.

Repaired: backslashes that escape nothing, line breaks inside strings, commas missing between fields or
left over before a closing bracket. Never repaired: anything cut short, because half a number is a wrong
number.
"""

import json
import math
import re

# Objects and lists; an answer about 1000 messages has a few thousand. A million take seconds and a gigabyte.
MAX_NESTED = 100_000
# Characters of a text that is repaired, which takes a second for each million. An answer that repeats the
# texts of 1000 messages of 10 parts has 1.6 million.
MAX_REPAIRED = 2_000_000

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")|(?P<word>[-+.\w]+)|(?P<mark>[{}\[\]:,]))""", re.DOTALL
)
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_MOST_PARTS = 255  # of one message
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}|(?P<stray>.))', re.DOTALL)


def parse_lenient(text: str) -> object:
    """The value that ``text`` means. Raises ValueError when that is not clear, and for more than 100,000
    characters ``{`` and ``[``."""
    if text.count("{") + text.count("[") > MAX_NESTED:
        raise ValueError("too many objects and lists")
    try:
        try:
            return _loads(text)
        except ValueError:
            return _loads(_repair(text))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _loads(text: str) -> object:
    # strict=False: control characters, such as a line break, may stand inside strings
    value: object = json.loads(text, strict=False, parse_constant=_refuse_constant)
    return value


def _refuse_constant(word: str) -> object:
    raise ValueError(f"{word} is not JSON")


def _repair(text: str) -> str:
    if len(text) > MAX_REPAIRED:
        raise ValueError("not JSON")
    repaired: list[str] = []
    position, ended = 0, False  # ended: the last token ended a value, so a comma or bracket must follow
    text = text.rstrip()
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise ValueError("not JSON")
        position = token.end()
        mark = token["mark"]
        if mark in ("}", "]"):
            if repaired and repaired[-1] == ",":
                repaired.pop()
            ended = True
        elif mark in (":", ","):
            ended = False
        else:
            if ended:
                repaired.append(",")
            ended = mark is None
        repaired.append(mark or _escape_strays(token))
    return "".join(repaired)


def _escape_strays(token: re.Match[str]) -> str:
    string = token["string"]
    if string is None:
        return token["word"]
    return _ESCAPE.sub(lambda found: "\\" + found[0] if found["stray"] else found[0], string)


def integer(value: object) -> int | None:
    """A whole number, also when it comes as a string or as 1.0."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if abs(value) < 10**20 else None
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else None
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    return None


def number(value: object) -> float | None:
    """A number, also when it comes as a string."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def millionths(value: object) -> int:
    """An amount of money in millionths; 0 for anything else, for one below 0, and from a billion on."""
    amount = number(value)
    return 0 if amount is None or not 0 < amount < 1e9 else round(amount * 1e6)


def counted(parts: int | None) -> int:
    """How many SMS a provider counts for one message; 0 for what cannot be that number."""
    return parts if parts is not None and 0 < parts <= _MOST_PARTS else 0


def text_of(value: object) -> str:
    """Text, also when it comes as a number; "" for anything else."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
