"""`scripts/bench`: run the benchmarks, print a line for each, `--json FILE` for machines."""

import asyncio
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import click

from scripts.benchmarks import providers, texts, upstream
from scripts.benchmarks.bridge import NOWHERE, SANDBOX, bridge
from scripts.benchmarks.esme import Tally, load

Figures = dict[str, float]
_WARM_UP = 20_000


def fsync_latency(directory: Path | None) -> Figures:
    """Milliseconds of one fdatasync of 4 KiB: what every commit must wait for."""
    with tempfile.NamedTemporaryFile(dir=directory) as file:
        samples = []
        for _ in range(200):
            file.write(b"x" * 4096)
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            samples.append((time.perf_counter() - began) * 1000)
    return {"p50_ms": statistics.median(samples), "p99_ms": statistics.quantiles(samples, n=100)[98]}


def _figures(tally: Tally, seconds: float, cpu: float) -> Figures:
    latencies = sorted(tally.latencies)
    return {
        "messages": tally.wanted,
        "refused": tally.refused,
        "per_second": tally.wanted / seconds,
        "p50_ms": latencies[len(latencies) // 2] * 1000,
        "p99_ms": latencies[len(latencies) * 99 // 100] * 1000,
        "server_cpu_percent": cpu / seconds * 100,
    }


async def _measure(
    messages: int, connections: int, window: int, directory: Path | None, provider: str, *, receipts: bool
) -> Figures:
    async with bridge(provider, directory=directory) as server:
        warm_up = min(_WARM_UP, messages // 10)
        await load(
            server.smpp_port, messages=warm_up, connections=connections, window=window, receipts=receipts
        )
        began = server.cpu()
        tally, seconds = await load(
            server.smpp_port, messages=messages, connections=connections, window=window, receipts=receipts
        )
        return _figures(tally, seconds, server.cpu() - began)


async def accept(messages: int, directory: Path | None) -> Figures:
    """Durable accept: 10 connections x window 100, each answer after its COMMIT."""
    return await _measure(messages or 300_000, 10, 100, directory, NOWHERE, receipts=False)


async def accept_and_send(messages: int, directory: Path | None) -> Figures:
    """The same while every message is handed to the sandbox at once."""
    return await _measure(messages or 300_000, 10, 100, directory, SANDBOX, receipts=False)


async def accept_one(messages: int, directory: Path | None) -> Figures:
    """Durable accept: 1 connection x window 1."""
    return await _measure(messages or 20_000, 1, 1, directory, NOWHERE, receipts=False)


async def end_to_end(messages: int, directory: Path | None) -> Figures:
    """Submit, hand over to the sandbox, settle, receipt acknowledged: 10 connections x window 100."""
    return await _measure(messages or 100_000, 10, 100, directory, SANDBOX, receipts=True)


async def memory(messages: int, directory: Path | None) -> Figures:
    """Resident memory of the bridge over a million messages, end to end."""
    messages = messages or 1_000_000
    figures: Figures = {"messages": messages}
    began = time.perf_counter()
    async with bridge(directory=directory) as server:
        for part in range(1, 11):
            await load(server.smpp_port, messages=messages // 10, connections=10, window=100, receipts=True)
            figures[f"mib_after_{part * 10}_percent"] = server.memory() / 2**20
    figures["per_second"] = messages / (time.perf_counter() - began)
    return figures


BENCHMARKS: dict[str, Callable[[int, Path | None], Awaitable[Figures]]] = {
    "accept": accept,
    "accept-and-send": accept_and_send,
    "accept-one": accept_one,
    "end-to-end": end_to_end,
    "memory": memory,
    "texts": texts.texts,
    "joins": texts.joins,
    "smspilot": providers.smspilot,
    "sms-assistent": providers.sms_assistent,
    "slow-provider": providers.slow_provider,
    "slow-sms-assistent": providers.slow_sms_assistent,
    "sms-assistent-statuses": providers.sms_assistent_statuses,
    "smspilot-callbacks": providers.smspilot_callbacks,
    "smpp-link": upstream.smpp_link,
    "smpp-end-to-end": upstream.smpp_end_to_end,
    "smpp-outstanding": upstream.smpp_outstanding,
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)))
@click.option("--messages", default=0, help="How many messages; default: what suits the benchmark.")
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there."
)
@click.option(
    "--directory", type=click.Path(file_okay=False, path_type=Path), help="Where the databases lie."
)
def main(names: tuple[str, ...], messages: int, json_file: Path | None, directory: Path | None) -> None:
    """Run the named benchmarks (all without a name), each with a bridge of its own on 127.0.0.1."""
    results: dict[str, object] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "fsync": fsync_latency(directory),
    }
    click.echo(f"fsync: {_line(fsync_latency(directory))}")
    for name in names or BENCHMARKS:
        click.echo(f"{name}: {BENCHMARKS[name].__doc__} ...", err=True)
        figures = asyncio.run(_run(name, messages, directory))
        results[name] = figures
        click.echo(f"{name}: {_line(figures)}")
    if json_file is not None:
        json_file.write_text(json.dumps(results, indent=2), encoding="utf-8")


async def _run(name: str, messages: int, directory: Path | None) -> Figures:
    return await BENCHMARKS[name](messages, directory)


def _line(figures: Figures) -> str:
    return "  ".join(f"{key}={value:,.2f}" for key, value in figures.items())


if __name__ == "__main__":
    main()
