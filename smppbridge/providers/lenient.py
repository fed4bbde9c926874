"""Reads JSON that its author got slightly wrong, as providers' manuals (and PHP scripts) print it.

Repaired: backslashes that escape nothing, line breaks inside strings, commas missing between fields or
left over before a closing bracket. Never repaired: anything cut short, because half a number is a wrong
number. Must not know: any provider.
"""

import json
import re

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")|(?P<word>[-+.\w]+)|(?P<mark>[{}\[\]:,]))""", re.DOTALL
)
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}|(?P<stray>.))', re.DOTALL)


def parse_lenient(text: str) -> object:
    """The value that ``text`` means. Raises ValueError when that is not clear."""
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
