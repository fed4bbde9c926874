"""What the head of the output says."""

from pathlib import Path

import pytest

from scripts.benchmarks.machine import fsync_latency, head, machine, optimisations


@pytest.mark.parametrize(
    ("configured", "said"),
    [
        (None, "unknown"),
        ("", "none"),
        ("'--prefix=/usr' '--enable-shared' 'LDFLAGS=-L/usr/lib -Wl,-rpath'", "none"),
        ("'--enable-optimizations' '--with-lto'", "PGO and LTO"),
        ("'--enable-optimizations'", "PGO"),
        ("--with-lto=thin", "LTO"),
        ("--enable-optimizations=no --with-lto=no", "none"),
        ("--with-pydebug", "debug build"),
    ],
)
def test_what_configure_was_told(configured: str | None, said: str) -> None:
    assert optimisations(configured) == said


def test_the_head_says_what_figures_depend_on(tmp_path: Path) -> None:
    about = machine() | {"optimisations": "none"}
    text = head(about, {"p50_ms": 0.2, "p99_ms": 1.5}, tmp_path)
    assert all(str(value) in text for value in about.values())
    assert "15 %" in text
    assert f"fsync in {tmp_path}: median 0.20 ms, p99 1.50 ms" in text
    assert "15 %" not in head(about | {"optimisations": "PGO"}, {"p50_ms": 1, "p99_ms": 1}, tmp_path)


def test_fsync_is_measured_where_the_databases_lie(tmp_path: Path) -> None:
    latency = fsync_latency(tmp_path)
    assert 0 < latency["p50_ms"] <= latency["p99_ms"]
    assert list(tmp_path.iterdir()) == []
