"""Exponential backoff with jitter: how long to wait before a message is tried again."""

import math

_MAX_DOUBLINGS = 63  # longer than any useful pause; keeps 2**tries inside a float


def backoff(tries: int, *, first: float = 5.0, last: float = 300.0, jitter: float) -> float:
    """Seconds to wait after ``tries`` failed rounds through the route, from ``first`` to ``last``.

    The longest wait doubles with every round. ``jitter`` is a random number from 0 to 1, which picks a wait
    from the upper half: messages that failed together do not come back together.
    """
    doublings = min(max(tries, 0), _MAX_DOUBLINGS)
    ceiling = min(last, math.ldexp(first, doublings))
    floor = min(max(first, ceiling / 2), ceiling)
    return floor + jitter * (ceiling - floor)
