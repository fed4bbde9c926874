"""How long to wait before a message is tried again. Must not know chance: the jitter is an argument."""

import math

_MAX_DOUBLINGS = 63  # beyond any useful pause; keeps 2**tries inside a float


def backoff(tries: int, *, first: float = 5.0, last: float = 300.0, jitter: float) -> float:
    """Seconds to wait after ``tries`` failed rounds, always within ``first``..``last``.

    The ceiling doubles with every round; ``jitter`` (0..1, random) picks from its upper half, so that
    messages that failed together do not come back together.
    """
    doublings = min(max(tries, 0), _MAX_DOUBLINGS)
    ceiling = min(last, math.ldexp(first, doublings))
    floor = min(max(first, ceiling / 2), ceiling)
    return floor + jitter * (ceiling - floor)
