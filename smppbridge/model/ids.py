"""Our own message ids: 63-bit integers in order of time, unique across nodes and restarts.

    | 41 bits: milliseconds since 2024-01-01 UTC | 10 bits: node | 12 bits: sequence |

Must not know: the clock (an argument), the store.
"""

EPOCH_MS = 1_704_067_200_000
_NODE_BITS = 10
_SEQUENCE_BITS = 12
_TIME_SHIFT = _NODE_BITS + _SEQUENCE_BITS
_SEQUENCE_MASK = (1 << _SEQUENCE_BITS) - 1
MAX_NODE = (1 << _NODE_BITS) - 1


class IdSource:
    """Gives ids that only grow, even when the clock stands still or goes back.

    ``node`` is 0..1023, a different one on each node of a store; ``last_id`` the highest id already used.
    """

    def __init__(self, node: int = 0, last_id: int = 0) -> None:
        if not 0 <= node <= MAX_NODE:
            raise ValueError(f"node must be 0..{MAX_NODE}, not {node}")
        self._node = node << _SEQUENCE_BITS
        self._time = last_id >> _TIME_SHIFT
        self._sequence = _SEQUENCE_MASK  # the millisecond of last_id counts as used up

    def next(self, now_ms: int) -> int:
        """The next id. More than 4096 in a millisecond run ahead of the clock rather than wait."""
        time = now_ms - EPOCH_MS
        if time > self._time:
            self._time, self._sequence = time, 0
        elif self._sequence < _SEQUENCE_MASK:
            self._sequence += 1
        else:
            self._time, self._sequence = self._time + 1, 0
        return self._time << _TIME_SHIFT | self._node | self._sequence
