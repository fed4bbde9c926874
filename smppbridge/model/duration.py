"""Durations as people write them in the configuration: ``30s``, ``5m``, ``2h``, ``3d``, ``250ms``, seconds.

`Duration` is the type of such keys. The program itself sees seconds.
"""

import math
import re
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}
_WRITTEN = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|[smhd]?)")
_HINT = "must be a duration such as 30s, 5m, 2h, 3d, 250ms, or a number of seconds"


def parse_duration(value: object) -> float:
    """Seconds (>= 0, finite) of ``"30s"``, ``"5m"``, ``"2h"``, ``"3d"``, ``"250ms"``, ``"1.5"`` or a number.

    Raises ValueError with a hint for anything else.
    """
    if isinstance(value, str):
        seconds = _parse_text(value.strip())
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    else:
        raise ValueError(_HINT)
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(_HINT)
    return seconds


def _parse_text(text: str) -> float:
    written = _WRITTEN.fullmatch(text)
    if written is None:
        raise ValueError(_HINT)
    return float(written[1]) * _UNITS[written[2]]


def write_duration(seconds: float) -> str:
    """The shortest way to write ``seconds`` in the configuration: ``90m``, ``30d``, ``0.5s``."""
    for unit in ("d", "h", "m"):
        if seconds and not seconds % _UNITS[unit]:
            return f"{seconds / _UNITS[unit]:.0f}{unit}"
    return f"{seconds:g}s"


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0},
                {
                    "type": "string",
                    "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*(ms|[smhd]?)\s*$",
                    "examples": ["30s", "5m", "2h", "3d", "250ms"],
                },
            ],
        }
    ),
]
"""Seconds >= 0 as a float, written as a duration or as a number of seconds."""

PositiveDuration = Annotated[Duration, Field(gt=0)]
"""Seconds > 0: for timers that cannot be switched off."""
