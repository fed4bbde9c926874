"""What a message costs when a million others lie in the database."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import click

from scripts.benchmarks import fill
from scripts.benchmarks.bridge import NOWHERE, SANDBOX
from scripts.benchmarks.durable import measure
from scripts.benchmarks.setting import Figures, Setting

# What the database is, and the stage of the messages in it.
_STAGES = {"empty": "FINAL", "final": "FINAL", "outstanding": "SENT"}
_COST = "server_cpu_us"


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
    messages = setting.messages or 100_000
    figures: Figures = {"messages": messages, "fill": setting.fill}
    for name, stage in _STAGES.items():
        async with _filled(setting, 0 if name == "empty" else setting.fill, stage) as database:
            for path, provider in (("accept", NOWHERE), ("end_to_end", SANDBOX)):
                click.echo(f"  {path}, {name} ...", err=True)
                found = await measure(
                    setting, messages, provider=provider, receipts=provider is SANDBOX, database=database
                )
                wanted = (_COST, "per_second", "p99_ms", "rss_mib", "peak_rss_mib")
                figures |= {f"{name}_{path}_{key}": found[key] for key in wanted}
    return figures | _to_empty(figures)


def _to_empty(figures: Figures) -> Figures:
    """How many times as much a message costs as with an empty database."""
    return {
        f"{name}_{path}_to_empty": figures[f"{name}_{path}_{_COST}"] / figures[f"empty_{path}_{_COST}"]
        for name in _STAGES
        if name != "empty"
        for path in ("accept", "end_to_end")
        if figures[f"empty_{path}_{_COST}"]
    }
