"""Our own message ids: 63-bit integers in order of time, unique across nodes and restarts.

| 41 bits: milliseconds since 2024-01-01 UTC | 10 bits: node | 12 bits: sequence |
"""

EPOCH_MS = 1_704_067_200_000
_NODE_BITS = 10
_SEQUENCE_BITS = 12
_TIME_SHIFT = _NODE_BITS + _SEQUENCE_BITS
_SEQUENCE_MASK = (1 << _SEQUENCE_BITS) - 1
MAX_NODE = (1 << _NODE_BITS) - 1


def taken_at(message_id: int) -> int:
    """When an id was given: milliseconds since 1970, UTC."""
    return (message_id >> _TIME_SHIFT) + EPOCH_MS


class IdSource:
    """Generates ids that always grow, even when the clock stands still or goes back.

    ``node``: 0..1023, different on each node of a store. ``last_id``: the highest id that was used before.
    Raises ValueError for another ``node``.
    """

    def __init__(self, node: int = 0, last_id: int = 0) -> None:
        if not 0 <= node <= MAX_NODE:
            raise ValueError(f"node must be 0..{MAX_NODE}, not {node}")
        self._node = node << _SEQUENCE_BITS
        self._time = last_id >> _TIME_SHIFT
        self._sequence = _SEQUENCE_MASK  # no more ids for the millisecond of last_id

    def next(self, now_ms: int) -> int:
        """The next id. With more than 4096 ids in a millisecond, ids run ahead of the clock."""
        time = now_ms - EPOCH_MS
        if time > self._time:
            self._time, self._sequence = time, 0
        elif self._sequence < _SEQUENCE_MASK:
            self._sequence += 1
        else:
            self._time, self._sequence = self._time + 1, 0
        return self._time << _TIME_SHIFT | self._node | self._sequence
