"""Whether a refusal of a whole package by sms-assistent.by is about one of its messages.

Most codes may be about us or about a message: -10 is "temporarily unavailable" in API v1 and "malformed
package" in newer versions, -12 and -13 say nothing exact. A message whose package was refused before, while
others passed meanwhile, is suspected: then it is worth the requests to find out which one is at fault.
"""

from collections.abc import Iterable, Sequence

from smppbridge.model.message import Message

MAX_REMEMBERED = 20_000  # refused messages
# Refusals without a package that passed, after which no package is split: we are refused. A bad message among
# 1000 is found with 11.
MAX_IN_ROW = 12


class Suspicion:
    """What happened to the packages of one account, in one format."""

    def __init__(self, *, max_remembered: int = MAX_REMEMBERED) -> None:
        self._max_remembered = max_remembered
        self._passed = 0  # packages that were not refused
        self._in_row = 0  # refusals since the last of these
        self._refused: dict[int, int] = {}  # our id -> packages that had passed by then; oldest first

    def passed(self, messages: Iterable[Message]) -> None:
        """A package of these messages was not refused as a whole."""
        self._passed += 1
        self._in_row = 0
        for message in messages:
            self._refused.pop(message.id, None)

    def refused(self, messages: Sequence[Message], *, likely: bool = False) -> bool:
        """A package of these messages was refused as a whole. Whether one of them may be at fault.

        ``likely``: something else than what happened to other packages says so.
        """
        self._in_row += 1
        ids = [message.id for message in messages]
        likely = likely or any(self._refused.get(one, self._passed) < self._passed for one in ids)
        if likely and (len(ids) == 1 or self._in_row <= MAX_IN_ROW):
            return True
        for one in ids:
            self._refused.pop(one, None)
            self._refused[one] = self._passed
        while len(self._refused) > self._max_remembered:
            del self._refused[next(iter(self._refused))]
        return False
