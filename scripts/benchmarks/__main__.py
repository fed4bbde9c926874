"""`scripts/bench`: run the benchmarks, print a line for each, `--json FILE` for machines."""

import asyncio
import json
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import fill

import click

from scripts.benchmarks.against import against, checked_out, comparable
from scripts.benchmarks.catalogue import BENCHMARKS
from scripts.benchmarks.compare import lines
from scripts.benchmarks.machine import fsync_latency, head, machine
from scripts.benchmarks.setting import FILL, ROUNDS, Figures, Setting

_WIDTH = 110


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)))
@click.option(
    "--messages",
    type=click.IntRange(min=0),
    default=0,
    help="How many messages; default: what suits the benchmark.",
)
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there."
)
@click.option(
    "--directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the databases lie.",
)
@click.option(
    "--fill",
    "filled",
    type=click.IntRange(min=1),
    default=FILL,
    show_default=True,
    help="How many messages lie in the databases of `growth`.",
)
@click.option(
    "--against",
    "revision",
    metavar="REV",
    help="Run another revision in turns with the working tree, and print both medians and their ratio.",
)
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    help=f"How often, with --against and of `growth`.  [default: {ROUNDS}]",
)
def main(
    names: tuple[str, ...],
    messages: int,
    json_file: Path | None,
    directory: Path | None,
    filled: int,
    revision: str | None,
    rounds: int | None,
) -> None:
    """Run the named benchmarks (all without a name), each with a bridge of its own on 127.0.0.1.

    \b
    server_cpu_us          processor time of the bridge for each message, program and system
    little_ms              outstanding messages / rate (Little's law): the mean wait that the window brings
    spikes                 pauses of all answers of more than twice the usual one: checkpoints, slow COMMITs
    p99_outside_spikes_ms  p99 of the messages that no spike kept waiting
    """
    if rounds is not None and revision is None and names and "growth" not in names:
        raise click.UsageError("--rounds is for --against and `growth`")
    about, fsync = machine(), fsync_latency(directory)
    click.echo(head(about, fsync, directory))
    results: dict[str, object] = {"machine": about, "fsync": fsync}
    setting = Setting(messages, directory, filled, rounds or ROUNDS)
    if revision is None:
        results |= _alone(names or list(BENCHMARKS), setting)
    else:
        results["against"] = _both(comparable(names), setting, revision)
    if json_file is not None:
        json_file.write_text(json.dumps(results, indent=2), encoding="utf-8")


def _alone(names: Sequence[str], setting: Setting) -> Iterator[tuple[str, Figures]]:
    for name in names:
        click.echo(f"{name}: {BENCHMARKS[name].__doc__} ...", err=True)
        figures = asyncio.run(BENCHMARKS[name](setting))
        click.echo(fill(f"{name}: {_line(figures)}", _WIDTH, subsequent_indent="  ", break_on_hyphens=False))
        yield name, figures


def _both(names: Sequence[str], setting: Setting, revision: str) -> dict[str, object]:
    results: dict[str, object] = {}
    with checked_out(revision) as other:
        for name, comparisons in against(names, setting, other):
            click.echo(f"{name}, working tree against {other.name}:\n{lines(comparisons)}")
            results[name] = {key: comparison._asdict() for key, comparison in comparisons.items()}
    return results


def _line(figures: Mapping[str, float]) -> str:
    words = (
        f"{key}={value:,}" if isinstance(value, int) else f"{key}={value:,.2f}"
        for key, value in figures.items()
    )
    return "  ".join(words)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # leaves as little behind as Ctrl-C
    main()
