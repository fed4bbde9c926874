"""Medians, ratios and their spread."""

import pytest

from scripts.benchmarks.compare import Comparison, compare, compared, lines


def test_medians_and_the_ratios_of_the_rounds() -> None:
    assert compare([30, 20, 40], [20, 20, 20]) == Comparison(30, 20, 1.5, 1.0, 2.0)


def test_the_ratio_lies_within_its_spread() -> None:
    comparison = compare([1, 2, 3], [2, 3, 1])
    assert comparison.least <= comparison.ratio == 1.0 <= comparison.most


def test_rounds_come_in_pairs() -> None:
    with pytest.raises(ValueError, match="shorter"):
        compare([1, 2], [1])


def test_cost_rate_and_tail_are_compared() -> None:
    here = {"server_cpu_us": 30.0, "gsm_per_second": 10.0, "p99_ms": 4.0, "p50_ms": 1.0, "spikes": 2.0}
    found = compared([here], [here])
    assert list(found) == ["server_cpu_us", "gsm_per_second", "p99_ms"]


def test_nothing_is_compared_to_0() -> None:
    assert compared([{"server_cpu_us": 1.0}], [{"server_cpu_us": 0.0}]) == {}


def test_a_line_shows_both_medians_and_the_spread() -> None:
    text = lines({"server_cpu_us": Comparison(36.0, 30.0, 1.2, 1.1, 1.25)})
    assert text == "  server_cpu_us: 36.00 against 30.00, ratio 1.200 (1.100..1.250)"
