"""`scripts/bench` from end to end, with few messages: that it measures, not what."""

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from scripts.benchmarks.bridge import bridge
from scripts.benchmarks.setting import ROOT, Setting, Tree
from tests.support.builders.stores import memory


def test_a_benchmark_tells_what_the_bridge_did_and_used(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    with memory() as directory:
        options = ("--directory", str(directory), "--json", str(file))
        subprocess.run(
            [sys.executable, "-m", "scripts.benchmarks", "end-to-end", "--messages", "300", *options],
            cwd=ROOT,
            check=True,
            capture_output=True,
            timeout=50,
        )
        assert list(directory.iterdir()) == []
    figures = json.loads(file.read_text(encoding="utf-8"))["end-to-end"]
    assert figures["messages"] == 300
    assert figures["refused"] == 0
    assert figures["server_cpu_us"] > 0
    assert figures["little_ms"] > 0
    assert 0 < figures["p50_ms"] <= figures["p99_ms"]
    assert 10 < figures["rss_mib"] <= figures["peak_rss_mib"]


async def test_the_bridge_is_that_of_the_tree(tmp_path: Path) -> None:
    package = tmp_path / "smppbridge"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("raise SystemExit('this is another tree')")
    with pytest.raises(click.ClickException, match=r"of other did not start: this is another tree"):
        async with bridge(Setting(tree=Tree("other", tmp_path, sys.executable))):
            pass
