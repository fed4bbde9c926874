"""The arithmetic of waits: percentiles, Little's law, spikes."""

import pytest

from scripts.benchmarks.esme import Tally
from scripts.benchmarks.latency import calm, latency_figures, little, percentile, spikes, usual_pause

MS = 0.001


def test_percentiles_are_values_that_were_measured() -> None:
    assert percentile(range(1, 1001), 50) == 501
    assert percentile(range(1, 1001), 99) == 991
    assert percentile([7.0], 99) == 7.0


def test_the_wait_is_what_is_outstanding_by_the_rate() -> None:
    assert little(1_000, 20_000) == 0.05


@pytest.mark.parametrize(
    ("pauses", "usual"),
    [
        ([], 0.0),
        ([3.0], 3.0),
        ([0.001] * 900 + [25.0] * 100, 25.0),  # ten connections that are answered one after another
        ([1.0] * 99 + [20.0], 1.0),
    ],
)
def test_the_usual_pause_is_the_one_in_which_time_goes_by(pauses: list[float], usual: float) -> None:
    assert usual_pause(pauses) == usual


def test_a_spike_is_a_pause_of_more_than_twice_the_usual_one() -> None:
    assert spikes([0, 1, 2, 4, 5, 8, 9, 10]) == [(5, 8)]
    assert spikes([0, 1, 2, 3]) == []
    assert spikes([0]) == []


def test_a_message_that_waited_through_a_spike_is_not_calm() -> None:
    answers = [(1.0, 1), (5.0, 2), (6.0, 2)]
    latencies = [0.5, 4.5, 1.0, 2.0, 0.5]  # the fourth was sent at 4.0, before the spike ended
    assert list(calm(latencies, answers, [(1.0, 5.0)])) == [0.5, 0.5]


def test_a_run_with_one_spike() -> None:
    tally = Tally(102, outstanding=1)
    tally.began = 10.0
    now = tally.began
    for number in range(102):
        latency = 50 * MS if number == 60 else 1 * MS
        now += latency
        tally.latencies.append(latency)
        tally.answers.append((now, 1))
    figures = latency_figures(tally)
    assert figures["p50_ms"] == pytest.approx(1)
    assert figures["spikes"] == 1
    assert figures["longest_spike_ms"] == pytest.approx(50)
    assert figures["p99_outside_spikes_ms"] == pytest.approx(1)
    assert figures["little_ms"] == pytest.approx(151 / 102)


def test_no_more_is_outstanding_than_there_are_messages() -> None:
    tally = Tally(10, outstanding=1_000)
    tally.latencies = [1.0] * 10
    tally.answers = [(1.0, 10)]
    assert latency_figures(tally)["little_ms"] == pytest.approx(1_000)
