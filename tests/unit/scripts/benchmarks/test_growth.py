"""The order of the databases, and what a full one adds."""

import pytest

from scripts.benchmarks.growth import Runs, medians, to_empty, turns
from scripts.benchmarks.setting import Figures


def run(cost: float) -> Figures:
    return {"server_cpu_us": cost, "per_second": 1.0, "p99_ms": 1.0, "rss_mib": 1.0, "peak_rss_mib": 1.0}


def test_another_database_is_first_in_each_round() -> None:
    names = ["a", "b", "c"]
    assert [turns(names, number)[0] for number in range(4)] == ["a", "b", "c", "a"]
    assert turns(names, 1) == ["b", "c", "a"]


def test_medians_and_ratios_of_the_rounds() -> None:
    runs: Runs = {
        ("empty", "accept"): [run(20), run(40), run(30)],
        ("final", "accept"): [run(30), run(40), run(36)],
    }
    assert medians(runs)["final_accept_server_cpu_us"] == 36
    assert to_empty(runs) == pytest.approx(
        {
            "final_accept_to_empty": 1.2,
            "final_accept_to_empty_least": 1.0,
            "final_accept_to_empty_most": 1.5,
        }
    )


def test_what_was_too_short_to_be_measured_has_no_ratio() -> None:
    assert to_empty({("empty", "accept"): [run(0)], ("final", "accept"): [run(30)]}) == {}
