"""Log lines for people or for machines. An event is one line: what strangers write is escaped.

Callers use `event`, or plain `logging`. `setup` decides how lines look. `Seldom` and `Complaints` hold back
what repeats.
"""

import json
import logging
import sys
from collections.abc import Hashable
from datetime import UTC, datetime
from typing import Literal, TextIO

_NUMBER_FIELDS = frozenset(
    {"recipient", "sender", "shown", "source", "destination", "source_addr", "destination_addr", "number"}
)
_LONGEST = 2000  # characters of a value: a provider may say as much as it likes
_NUMBER_MIN_DIGITS = 7  # fewer digits are the short code of a service, not somebody's number
# These libraries log whole addresses, with keys and tokens. They are heard only when something is wrong.
_TALKATIVE = ("httpx2", "httpcore2", "uvicorn", "uvicorn.access", "uvicorn.error", "asyncio")

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["text", "json"]


def event(
    logger: logging.Logger, level: int, what: str, /, *, traced: object = False, **fields: object
) -> None:
    """Log that ``what`` happened. ``what`` is a fixed phrase to search for; details are in ``fields``.
    ``traced``: with the traceback of the exception that is being handled."""
    if logger.isEnabledFor(level):
        logger.log(level, "%s", what, extra={"fields": fields}, exc_info=bool(traced))


def mask_number(number: str) -> str:
    """``375291234567`` -> ``37529*****67``: it shows the operator, and is nobody's number.

    Only digits are masked. Names and short codes (fewer than 7 digits) stay as they are.
    """
    places = [place for place, char in enumerate(number) if char.isdigit()]
    if len(places) < _NUMBER_MIN_DIGITS:
        return number
    head = 5 if len(places) >= 10 else 2
    hidden = set(places[head:-2])
    return "".join("*" if place in hidden else char for place, char in enumerate(number))


class _Handler(logging.StreamHandler[TextIO]):
    """A type of its own, so that `setup` finds the handler that it made before."""


def setup(format: Format = "text", level: Level = "info", mask: bool = True) -> None:
    """Send all log lines to stderr from now on. A second call replaces the settings of the first.

    ``mask``: whether numbers are masked, see `mask_number`.
    """
    handler = _Handler(sys.stderr)
    handler.setFormatter(JsonFormatter(mask) if format == "json" else TextFormatter(mask))
    root = logging.getLogger()
    for old in [known for known in root.handlers if isinstance(known, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


class _Formatter(logging.Formatter):
    """What both formats share: fields, masked numbers, tracebacks."""

    def __init__(self, mask: bool = True) -> None:
        super().__init__()
        self._mask = mask

    def fields_of(self, record: logging.LogRecord) -> dict[str, object]:
        """The fields of an `event`, with numbers masked. Empty for a record of plain `logging`."""
        fields: object = getattr(record, "fields", None)
        if not isinstance(fields, dict):
            return {}
        return {str(name): self._shown(str(name), value) for name, value in fields.items()}

    def _shown(self, name: str, value: object) -> object:
        if value is None or isinstance(value, bool | float):
            return value
        masked = self._mask and name in _NUMBER_FIELDS
        if isinstance(value, int) and not masked:
            return value
        text = str(value)
        shown = mask_number(text[:_LONGEST]) if masked else text[:_LONGEST]
        return shown if len(text) <= _LONGEST else f"{shown}... ({len(text)} characters)"

    def failure_of(self, record: logging.LogRecord) -> str:
        """The traceback of the record; "" when it has none."""
        return self.formatException(record.exc_info) if record.exc_info else ""


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def visible(text: str) -> str:
    """``text`` with an escape for whatever could end the line, move the cursor or hide text: a stranger may
    have written it."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text
    )


def _value(value: object) -> str:
    """The value, in quotes where it needs them. In quotes ``\\`` stands before a quote and before itself:
    what a parser takes out of the quotes is what was logged."""
    text = str(value)
    if text and text.isprintable() and not any(char in text for char in ' "=\\'):
        return text
    return '"' + visible(text.replace("\\", r"\\").replace('"', r"\"")) + '"'


class TextFormatter(_Formatter):
    """``2026-01-02T03:04:05.678Z INFO smppbridge.link.server bind accepted account=pbx``."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line. A traceback follows on indented lines."""
        words = [_time(record), record.levelname, record.name, visible(record.getMessage())]
        words += [f"{name}={_value(value)}" for name, value in self.fields_of(record).items()]
        line = " ".join(words)
        for below in self.failure_of(record).splitlines():
            line += "\n    " + visible(below)
        return line


class JsonFormatter(_Formatter):
    """One JSON object per line: ``time``, ``level``, ``logger``, ``message``, the fields, ``exception``.

    A field with one of the first four names gets a ``_`` at its end.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line. JSON escapes line breaks."""
        entry: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name, value in self.fields_of(record).items():
            entry[name + "_" if name in entry else name] = value
        failure = self.failure_of(record)
        if failure:
            entry["exception"] = failure
        return json.dumps(entry, ensure_ascii=True)


class Seldom:
    """Lets each key pass at most once in ``interval`` seconds, so that complaints cannot fill the disk.

    At most ``keys`` keys are remembered. When all these are fresh, further keys count as one key together.
    """

    def __init__(self, interval: float, keys: int = 1024) -> None:
        self._interval = interval
        self._keys = keys
        # By key: when it last passed, and how often it was held back since. Ordered by the time of passing.
        self._known: dict[Hashable, tuple[float, int]] = {}

    def allows(self, key: Hashable, now: float, times: int = 1) -> int:
        """Whether ``key``, which came so many ``times``, passes now: 0 when it does not, else how often it
        came since it last passed.

        The count includes these times. ``now``: seconds of a clock that does not jump.
        """
        if not self.tells_apart(key, now):
            key = None
        passed, count = self._known.get(key, (None, 0))
        if passed is not None and now - passed < self._interval:
            self._known[key] = (passed, count + times)
            return 0
        self._known.pop(key, None)
        self._known[key] = (now, 0)
        return count + times

    def tells_apart(self, key: Hashable, now: float) -> bool:
        """Whether ``key`` counts as a key of its own now."""
        if key not in self._known and len(self._known) >= self._keys:
            self._forget(now)
        return key in self._known or len(self._known) < self._keys

    def _forget(self, now: float) -> None:
        """Drop the keys that would pass by now. They stand first in the order."""
        while self._known:
            oldest = next(iter(self._known))
            if now - self._known[oldest][0] < self._interval:
                return
            del self._known[oldest]


class Complaints:
    """Events that a peer can cause again and again: a line in ``interval`` seconds for each kind of them."""

    def __init__(self, logger: logging.Logger, interval: float = 60.0) -> None:
        self._logger = logger
        self._seldom = Seldom(interval)

    def __call__(
        self,
        now: float,
        what: str,
        key: Hashable,
        level: int = logging.WARNING,
        /,
        *,
        traced: object = False,
        **fields: object,
    ) -> None:
        """Log `event` ``what`` with its fields, unless the same ``what`` and ``key`` came a moment ago. The
        field ``held_back`` says how many were not logged since.

        ``now``: seconds of a clock that does not jump.
        """
        times = self._seldom.allows((what, key), now)
        if times:
            held_back = {"held_back": times - 1} if times > 1 else {}
            event(self._logger, level, what, traced=traced, **fields, **held_back)
