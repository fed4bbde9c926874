"""Regular expressions that an operator of `kind: webhook` may write: those that end soon, whatever they read.

Python's search goes through all the ways in which a pattern can match. Texts come from the network, so
patterns with too many ways are refused when the configuration is read, and what they read is cut.
"""

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any, NamedTuple

from smppbridge.model.settings import mistake

MAX_MATCHED = 1024  # characters that a pattern is shown: two open repetitions in a row take 0.3 s then
MAX_WHOLE = 200  # characters of a text that must match as a whole: an id or a sender
MAX_OPEN = 2  # open repetitions of one pattern
_FEW = 100  # a repetition that may happen more often than this is an open one, like * and +
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
_parser: Any = import_module("re._parser")  # has no types, and no public name since Python 3.11


class _Repeat(NamedTuple):
    low: int
    high: int
    inside: Any  # the parsed pattern that is repeated

    @property
    def is_open(self) -> bool:
        return self.high > max(self.low, _FEW)


def safe_regex(pattern: str) -> str:
    """The pattern, if it compiles and cannot take for ever. Raises a mistake."""
    try:
        re.compile(pattern)
        problem = _problem(_parser.parse(pattern))
    except (re.error, RecursionError, OverflowError):
        raise mistake("must be a regular expression") from None
    if problem:
        raise mistake(f"{problem}: it could take for ever")
    return pattern


def _problem(tree: Any) -> str:
    """What makes a pattern take for ever; "" for nothing."""
    repeats = [part for part in _parts(tree) if isinstance(part, _Repeat)]
    for repeat in repeats:
        below = list(_parts(repeat.inside))
        if repeat.is_open and below:
            return "must not repeat a group that holds a repetition or alternatives"
        if repeat.high > 1 and any(isinstance(part, _Repeat) and part.is_open for part in below):
            return "must not repeat a group that holds a repetition"
    if sum(repeat.is_open for repeat in repeats) > MAX_OPEN:
        return f"must not hold more than {MAX_OPEN} repetitions without an end, such as * and +"
    return ""


def _parts(tree: Any) -> Iterator[_Repeat | str]:
    """Every repetition, and "BRANCH" for alternatives, at any depth."""
    for name, value in tree:
        if str(name) in _REPEATS:
            yield _Repeat(*value)
        elif str(name) == "BRANCH":
            yield "BRANCH"
        for below in _patterns(value):
            yield from _parts(below)


def _patterns(value: object) -> Iterator[Any]:
    """The parsed patterns inside of what stands beside an operation."""
    if isinstance(value, _parser.SubPattern):
        yield value
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _patterns(one)


def is_whole(pattern: re.Pattern[str], text: str) -> bool:
    """Whether all of ``text`` matches. A text of more than 200 characters does not."""
    return len(text) <= MAX_WHOLE and pattern.fullmatch(text) is not None
