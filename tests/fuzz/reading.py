"""How a target reads its choices out of the octets that a fuzzer made: few octets at the front decide, the
rest is what the code under test gets. So a mutation of the rest changes nothing else.
"""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

BREAK = b"\x00|\xff"  # stands between two pieces of one input


class Octets:
    """Octets that are taken from the front. Behind the end there are zeros, so that no input is too short."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def number(self) -> int:
        """The next octet."""
        position = self._position
        self._position += 1
        return self._data[position] if position < len(self._data) else 0

    def choice(self, among: Sequence[T]) -> T:
        """One of a few, by the next octet."""
        return among[self.number() % len(among)]

    def take(self, count: int) -> bytes:
        """The next octets, as many as there are."""
        start = self._position
        self._position += count
        return self._data[start : self._position]

    @property
    def more(self) -> bool:
        """Whether any are left."""
        return self._position < len(self._data)

    def rest(self) -> bytes:
        """All that are left."""
        return self.take(len(self._data))

    def pieces(self, most: int) -> list[bytes]:
        """All that are left, cut at every `BREAK`: at most so many pieces."""
        return self.rest().split(BREAK, most - 1)
