"""Another revision beside the working tree: its worktree, the order of the rounds, what is left out."""

from pathlib import Path

import click
import pytest

from scripts.benchmarks import against
from scripts.benchmarks.catalogue import BENCHMARKS, WITHIN
from scripts.benchmarks.setting import HERE, Figures, Setting, Tree

OTHER = Tree("other", Path("/other"), "python")
COMMIT = "1234567890abcdef"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A git with one revision, "old", that has our dependencies. What it was asked."""
    asked: list[str] = []

    def git(*words: str) -> str:
        asked.append(" ".join(words[:2]))
        if words[0] == "rev-parse":
            if words[-1] != "old^{commit}":
                raise against._GitRefused("git says no")
            return COMMIT
        if words[1] == "add":
            root = Path(words[-2])
            root.mkdir()
            (root / "pyproject.toml").write_bytes((HERE.root / "pyproject.toml").read_bytes())
        return ""

    monkeypatch.setattr(against, "_git", git)
    return asked


def test_a_worktree_of_the_revision_lasts_as_long_as_it_is_needed(asked: list[str]) -> None:
    with against.checked_out("old") as tree:
        assert tree.name == "old (1234567890)"
        assert tree.python == HERE.python
        assert tree.environment()["PYTHONPATH"] == str(tree.root)
        assert tree.root.is_dir()
    assert asked[-1] == "worktree remove"
    assert not tree.root.parent.exists()


@pytest.mark.parametrize("end", [RuntimeError, KeyboardInterrupt])
def test_the_worktree_goes_however_it_ends(asked: list[str], end: type[BaseException]) -> None:
    with pytest.raises(end), against.checked_out("old") as tree:
        raise end
    assert asked[-1] == "worktree remove"
    assert not tree.root.parent.exists()


def test_a_revision_that_git_does_not_know(asked: list[str]) -> None:
    with pytest.raises(click.ClickException) as caught, against.checked_out("older"):
        pass
    assert caught.value.message == "--against: git knows no revision 'older'"
    assert asked == ["rev-parse --verify"]


def test_a_tree_without_a_project(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match="no project"):
        against.dependencies(tmp_path)


def test_the_order_changes_from_round_to_round() -> None:
    rounds = [against.order(number, HERE, OTHER) for number in range(3)]
    assert rounds == [(HERE, OTHER), (OTHER, HERE), (HERE, OTHER)]


def test_benchmarks_that_time_their_own_process_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert against.comparable(["accept", "joins"]) == ["accept"]
    assert "joins" in capsys.readouterr().err
    assert set(against.comparable([])) == set(BENCHMARKS) - WITHIN
    with pytest.raises(click.UsageError):
        against.comparable(["joins"])


def test_each_round_runs_both_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[Tree] = []

    async def benchmark(setting: Setting) -> Figures:
        assert setting.rounds == 1
        ran.append(setting.tree)
        return {"server_cpu_us": 30.0 if setting.tree is HERE else 20.0}

    monkeypatch.setitem(BENCHMARKS, "accept", benchmark)
    [(name, found)] = against.against(["accept"], Setting(rounds=2), OTHER)
    assert ran == [HERE, OTHER, OTHER, HERE]
    assert name == "accept"
    assert found["server_cpu_us"] == (30.0, 20.0, 1.5, 1.5, 1.5)
