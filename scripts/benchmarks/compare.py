"""The figures of two trees beside each other, and how far their ratio can be trusted."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

from scripts.benchmarks.setting import Figures

_COMPARED = ("server_cpu_us", "per_second", "p99_ms")


class Comparison(NamedTuple):
    """``here`` and ``there``: medians over the rounds; ``ratio``: here / there; ``least`` and ``most``: the
    ratios of single rounds."""

    here: float
    there: float
    ratio: float
    least: float
    most: float

    def __str__(self) -> str:
        return (
            f"{self.here:,.2f} against {self.there:,.2f}, "
            f"ratio {self.ratio:.3f} ({self.least:.3f}..{self.most:.3f})"
        )


def compared(here: Sequence[Figures], there: Sequence[Figures]) -> dict[str, Comparison]:
    """Processor time, rate and p99, of rounds in the same order. What was 0 cannot be compared."""
    keys = [key for key in here[0] if key.endswith(_COMPARED)]
    pairs = {key: ([one[key] for one in here], [one[key] for one in there]) for key in keys}
    return {key: compare(*both) for key, both in pairs.items() if all(both[1])}


def compare(here: Sequence[float], there: Sequence[float]) -> Comparison:
    """One figure over the rounds. The ratio of the medians lies between the least and the greatest."""
    ratios = [one / other for one, other in zip(here, there, strict=True)]
    return Comparison(median(here), median(there), median(here) / median(there), min(ratios), max(ratios))


def lines(comparisons: Mapping[str, Comparison]) -> str:
    """A line for each figure, for people."""
    return "\n".join(f"  {key}: {comparison}" for key, comparison in comparisons.items())
