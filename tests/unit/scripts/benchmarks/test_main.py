"""The options of `scripts/bench`, and what it prints; no benchmark is run."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from scripts.benchmarks.__main__ import main
from scripts.benchmarks.catalogue import BENCHMARKS
from scripts.benchmarks.setting import FILL, ROUNDS, Figures, Setting

NAMES = (
    "accept accept-and-send accept-one end-to-end memory growth texts joins smspilot sms-assistent "
    "slow-provider slow-sms-assistent sms-assistent-statuses smspilot-callbacks smpp-link "
    "smpp-end-to-end smpp-outstanding"
)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> dict[str, Setting]:
    """Benchmarks that only remember their settings."""
    ran: dict[str, Setting] = {}

    def one(name: str) -> None:
        async def benchmark(setting: Setting) -> Figures:
            ran[name] = setting
            return {"messages": 3, "server_cpu_us": 1.5}

        monkeypatch.setitem(BENCHMARKS, name, benchmark)

    for name in BENCHMARKS:
        one(name)
    return ran


def test_all_benchmarks_run_without_a_name(ran: dict[str, Setting]) -> None:
    result = CliRunner().invoke(main)
    assert result.exit_code == 0
    assert list(ran) == NAMES.split()
    assert set(ran.values()) == {Setting(0, None, FILL, ROUNDS)}


def test_options_reach_the_benchmark_and_figures_the_file(ran: dict[str, Setting], tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    words = [
        "growth",
        "--messages",
        "7",
        "--fill",
        "9",
        "--rounds",
        "2",
        "--directory",
        str(tmp_path),
        "--json",
        str(file),
    ]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0
    assert "growth: messages=3  server_cpu_us=1.50" in result.stdout
    assert ran == {"growth": Setting(7, tmp_path, 9, 2)}
    figures = json.loads(file.read_text(encoding="utf-8"))
    assert figures["growth"] == {"messages": 3, "server_cpu_us": 1.5}
    assert {"python", "optimisations", "sqlite", "cores"} <= figures["machine"].keys()
    assert {"p50_ms", "p99_ms"} <= figures["fsync"].keys()


@pytest.mark.parametrize(
    "words",
    [
        ["nonesuch"],
        ["accept", "--messages", "-1"],
        ["growth", "--fill", "0"],
        ["accept", "--rounds", "2"],
        ["accept", "--against", "HEAD", "--rounds", "0"],
        ["joins", "--against", "HEAD"],
        ["accept", "--directory", "/nonesuch"],
    ],
)
def test_wrong_usage_runs_nothing(ran: dict[str, Setting], words: list[str]) -> None:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert not ran
