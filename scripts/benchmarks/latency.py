"""What the times of answers say: percentiles, Little's law, and the tail that belongs to spikes.

With a window that is always full, the wait is a matter of arithmetic: outstanding messages / rate (Little's
law). So a p50 beside it says nothing of the bridge, and a p99 far above it says that the bridge paused. A
spike is a pause of all answers that is longer than twice the usual one: a checkpoint, a slow COMMIT, or
somebody else on the core.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from scripts.benchmarks.esme import Tally
from scripts.benchmarks.setting import Figures

_SPIKE = 2  # times the usual pause

Answers = Sequence[tuple[float, int]]  # when answers arrived, and how many at once
Span = tuple[float, float]


def latency_figures(tally: Tally) -> Figures:
    """p50 and p99, beside what Little's law demands and what spikes had a part in."""
    ordered = sorted(tally.latencies)
    found = spikes([when for when, _ in tally.answers])
    outside = sorted(calm(tally.latencies, tally.answers, found))
    seconds = tally.answers[-1][0] - tally.began
    figures = {
        "p50_ms": percentile(ordered, 50) * 1000,
        "p99_ms": percentile(ordered, 99) * 1000,
        "little_ms": little(min(tally.outstanding, tally.wanted), tally.wanted / seconds) * 1000,
        "spikes": len(found),
        "longest_spike_ms": max((end - start for start, end in found), default=0.0) * 1000,
    }
    if outside:
        figures["p99_outside_spikes_ms"] = percentile(outside, 99) * 1000
    return figures


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The value that ``percent`` of them do not exceed. They are in order, and at least one."""
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def little(outstanding: float, rate: float) -> float:
    """Little's law: the mean wait in seconds of so many outstanding messages at ``rate`` per second."""
    return outstanding / rate


def usual_pause(pauses: Sequence[float]) -> float:
    """Half of the time went by in pauses up to this one. (A plain median would be that of the moments between
    the connections, whose answers come right after one another.) 0 without pauses."""
    ordered = sorted(pauses)
    left = sum(ordered) / 2
    for pause in ordered:
        left -= pause
        if left <= 0:
            return pause
    return 0.0


def spikes(moments: Sequence[float]) -> list[Span]:
    """The pauses between ``moments``, which are in order, that are longer than twice the usual one."""
    pauses = list(pairwise(moments))
    limit = _SPIKE * usual_pause([end - start for start, end in pauses])
    return [(start, end) for start, end in pauses if end - start > limit]


def calm(latencies: Sequence[float], answers: Answers, found: Sequence[Span]) -> Iterator[float]:
    """The latencies, given in the order of ``answers``, of messages that no spike kept waiting."""
    at, passed, last = 0, 0, float("-inf")
    for when, count in answers:
        while passed < len(found) and found[passed][1] <= when:
            last = found[passed][1]
            passed += 1
        yield from (one for one in latencies[at : at + count] if when - one >= last)
        at += count
