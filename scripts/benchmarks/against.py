"""Another revision beside the working tree: the same benchmarks, in turns, driven by this code."""

import asyncio
import contextlib
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import click

from scripts.benchmarks.catalogue import BENCHMARKS, WITHIN
from scripts.benchmarks.compare import Comparison, compared
from scripts.benchmarks.setting import HERE, ROOT, Figures, Setting, Tree


class _GitRefused(click.ClickException):
    """Git said no."""


def comparable(names: Sequence[str]) -> list[str]:
    """Those of ``names`` (all without a name) that can be run with another revision. Says which cannot.
    Raises UsageError where none is left."""
    wanted = names or list(BENCHMARKS)
    left_out = ", ".join(name for name in wanted if name in WITHIN)
    if left_out:
        click.echo(f"left out, as they time smppbridge in the benchmark's own process: {left_out}", err=True)
    if WITHIN.issuperset(wanted):
        raise click.UsageError("no benchmark is left for --against")
    return [name for name in wanted if name not in WITHIN]


def against(
    names: Sequence[str], setting: Setting, other: Tree
) -> Iterator[tuple[str, dict[str, Comparison]]]:
    """Each benchmark with its comparison, when all of its rounds are over. `growth` has one in each."""
    runs = count(1)
    once = replace(setting, rounds=1)
    for name in names:
        figures: dict[Tree, list[Figures]] = {HERE: [], other: []}
        for number in range(setting.rounds):
            for tree in order(number, HERE, other):
                done = f"[{next(runs)}/{2 * setting.rounds * len(names)}]"
                click.echo(f"{done} {name}, round {number + 1}: {tree.name} ...", err=True)
                figures[tree].append(asyncio.run(BENCHMARKS[name](replace(once, tree=tree))))
        yield name, compared(figures[HERE], figures[other])


def order(number: int, one: Tree, other: Tree) -> tuple[Tree, Tree]:
    """Who comes first in a round. It changes, because the first one may find the machine cooler."""
    return (other, one) if number % 2 else (one, other)


@contextlib.contextmanager
def checked_out(revision: str) -> Iterator[Tree]:
    """A worktree of ``revision`` with an environment that works; both are gone afterwards. Raises
    ClickException where git does not know it."""
    commit = _commit(revision)
    with tempfile.TemporaryDirectory(prefix="smppbridge-against-") as scratch:
        root = Path(scratch).resolve() / "tree"
        try:
            _git("worktree", "add", "--quiet", "--detach", str(root), commit)
            yield Tree(_name(revision, commit), root, _python_for(root))
        finally:
            with contextlib.suppress(_GitRefused):  # it was not even made
                # Twice: a half-made one is locked.
                _git("worktree", "remove", "--force", "--force", str(root))


def _commit(revision: str) -> str:
    try:
        return _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    except _GitRefused as error:
        raise click.ClickException(f"--against: git knows no revision {revision!r}") from error


def _name(revision: str, commit: str) -> str:
    return commit[:10] if commit.startswith(revision) else f"{revision} ({commit[:10]})"


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    except OSError as error:
        raise click.ClickException(f"--against needs git: {error}") from error
    if done.returncode:
        raise _GitRefused(f"git {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()


def _python_for(root: Path) -> str:
    """Our interpreter, where its packages serve; else that of a new environment beside ``root``."""
    if dependencies(root) == dependencies(ROOT):
        return sys.executable
    click.echo(
        "the revision has other dependencies: setting up an environment, which may take minutes", err=True
    )
    venv = root.with_name("venv")
    python = str(venv / "bin" / "python")
    for command in (
        [sys.executable, "-m", "venv", str(venv)],
        [python, "-m", "pip", "install", "--quiet", "--quiet", "--disable-pip-version-check", str(root)],
    ):
        if subprocess.run(command, check=False).returncode:
            raise click.ClickException("the environment of the revision cannot be set up")
    return python


def dependencies(root: Path) -> set[str]:
    """What the program of a tree needs. Raises ClickException where there is none."""
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return set(project.get("dependencies", ()))
    except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
        raise click.ClickException(f"no project that can be installed: {error!r}") from error
