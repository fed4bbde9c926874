"""What a message costs when a million others lie in the database."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median

import click

from scripts.benchmarks import fill
from scripts.benchmarks.bridge import NOWHERE, SANDBOX
from scripts.benchmarks.compare import compare
from scripts.benchmarks.durable import measure
from scripts.benchmarks.setting import Figures, Setting

# What the database is, and the stage of the messages in it.
_EMPTY = "empty"
_STAGES = {_EMPTY: "FINAL", "final": "FINAL", "outstanding": "SENT"}
_PATHS = {"accept": NOWHERE, "end_to_end": SANDBOX}
_COST = "server_cpu_us"
_TOLD = (_COST, "per_second", "p99_ms", "rss_mib", "peak_rss_mib")

Runs = dict[tuple[str, str], list[Figures]]  # of a database and a path, by their names


@contextlib.asynccontextmanager
async def _filled(setting: Setting, count: int, stage: str) -> AsyncIterator[Path]:
    """A database of the tree's schema with ``count`` messages; it lasts as long as the ``async with``."""
    tree = setting.tree
    with tempfile.TemporaryDirectory(prefix="smppbridge-bench-", dir=setting.directory) as scratch:
        path = Path(scratch).resolve() / "filled.db"
        # -P: what lies beside fill.py is of this tree, and is not for its process.
        process = await asyncio.create_subprocess_exec(
            *(tree.python, "-P", fill.__file__, str(path), str(count), stage), env=tree.environment()
        )
        try:
            if await process.wait():
                raise click.ClickException(f"a database of {tree.name} cannot be filled")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        yield path


async def growth(setting: Setting) -> Figures:
    """Accept and end to end: database empty, with --fill final messages, with as many outstanding ones."""
    messages = setting.messages or 50_000
    runs: Runs = {}
    async with contextlib.AsyncExitStack() as stack:
        databases = {
            name: await stack.enter_async_context(
                _filled(setting, 0 if name == _EMPTY else setting.fill, stage)
            )
            for name, stage in _STAGES.items()
        }
        for number in range(setting.rounds):
            for name in turns(list(databases), number):
                for path, provider in _PATHS.items():
                    click.echo(f"  round {number + 1}: {path}, {name} ...", err=True)
                    found = await measure(
                        setting,
                        messages,
                        provider=provider,
                        receipts=provider is SANDBOX,
                        database=databases[name],
                    )
                    runs.setdefault((name, path), []).append(found)
    return {"messages": messages, "fill": setting.fill, **medians(runs), **to_empty(runs)}


def turns(names: list[str], number: int) -> list[str]:
    """The order of a round: each time another one is first, as the machine is not the same all the time."""
    first = number % len(names)
    return names[first:] + names[:first]


def medians(runs: Runs) -> Figures:
    """Of all rounds."""
    return {
        f"{name}_{path}_{key}": median(one[key] for one in found)
        for (name, path), found in runs.items()
        for key in _TOLD
    }


def to_empty(runs: Runs) -> Figures:
    """How many times as much a message costs as with an empty database: of the medians, and of the rounds
    with the least and the most. Without what was too short to be measured."""
    figures: Figures = {}
    for (name, path), found in runs.items():
        empty = [one[_COST] for one in runs[_EMPTY, path]]
        if name != _EMPTY and all(empty):
            ratio = compare([one[_COST] for one in found], empty)
            figures[f"{name}_{path}_to_empty"] = ratio.ratio
            figures[f"{name}_{path}_to_empty_least"] = ratio.least
            figures[f"{name}_{path}_to_empty_most"] = ratio.most
    return figures
