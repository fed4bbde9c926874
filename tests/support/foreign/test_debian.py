"""What cannot be had is told by its name."""

from pathlib import Path

import pytest

from tests.support.foreign.debian import DebianMissing, call, libraries, tool, unpacked


async def test_another_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DebianMissing, match=r"there is no apt-get|this is no Debian"):
        await unpacked("kannel")
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(DebianMissing, match="there is no no-such-compiler in PATH"):
        tool("no-such-compiler")


async def test_a_command_that_fails_is_told_with_what_it_says(tmp_path: Path) -> None:
    with pytest.raises(DebianMissing, match="sh for kannel failed: E: no kannel"):
        await call(tmp_path, "/bin/sh", "-c", "echo E: no kannel; exit 3", "sh", "for kannel")


def test_libraries_of_both_places(tmp_path: Path) -> None:
    places = [tmp_path / "usr/lib/x86_64-linux-gnu", tmp_path / "lib/x86_64-linux-gnu"]
    for place in places:
        place.mkdir(parents=True)
    assert libraries(tmp_path) == places
