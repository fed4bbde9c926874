"""Benchmarks of the durable path: accept, and end to end with the sandbox."""

from pathlib import Path

import click

from scripts.benchmarks.bridge import NOWHERE, SANDBOX, Meter, bridge
from scripts.benchmarks.esme import load
from scripts.benchmarks.latency import latency_figures
from scripts.benchmarks.setting import Figures, Setting
from smppbridge.smpp.pdu import SubmitSm

_WARM_UP = 20_000
_STEP = 100_000  # messages between two looks at the memory


async def measure(
    setting: Setting,
    messages: int,
    *,
    provider: str = NOWHERE,
    connections: int = 10,
    window: int = 100,
    receipts: bool = False,
    accounts: str = "",
    database: Path | None = None,
    submit: SubmitSm | None = None,
) -> Figures:
    """A bridge that is warm takes ``messages``; with ``receipts`` until the last one is acknowledged. What is
    not said here is as in `bridge` and `load`."""
    async with bridge(setting, provider, accounts=accounts, database=database) as server:

        async def run(count: int) -> Figures:
            meter = Meter(server)
            tally, seconds = await load(
                server.smpp_port,
                messages=count,
                connections=connections,
                window=window,
                receipts=receipts,
                submit=submit,
            )
            return {
                "messages": count,
                "refused": tally.refused,
                **meter.figures(count, seconds),
                **latency_figures(tally),
            }

        await run(max(1, min(_WARM_UP, messages // 10)))
        return await run(messages)


async def accept(setting: Setting) -> Figures:
    """Durable accept: 10 connections x window 100, each answer after its COMMIT."""
    return await measure(setting, setting.messages or 300_000)


async def accept_and_send(setting: Setting) -> Figures:
    """The same while every message is handed to the sandbox at once."""
    return await measure(setting, setting.messages or 300_000, provider=SANDBOX)


async def accept_one(setting: Setting) -> Figures:
    """Durable accept: 1 connection x window 1."""
    return await measure(setting, setting.messages or 20_000, connections=1, window=1)


async def end_to_end(setting: Setting) -> Figures:
    """Submit, hand over to the sandbox, settle, receipt acknowledged: 10 connections x window 100."""
    return await measure(setting, setting.messages or 100_000, provider=SANDBOX, receipts=True)


async def memory(setting: Setting) -> Figures:
    """Resident memory of the bridge over a million messages, end to end, every 100,000."""
    messages = setting.messages or 1_000_000
    figures: Figures = {"messages": messages}
    sent, seconds = 0, 0.0
    async with bridge(setting) as server:
        meter = Meter(server)
        while sent < messages:
            part = min(_STEP, messages - sent)
            seconds += (
                await load(server.smpp_port, messages=part, connections=10, window=100, receipts=True)
            )[1]
            sent += part
            figures[f"mib_after_{sent}"] = server.memory()["rss_mib"]
            click.echo(f"  {sent:,} messages: {figures[f'mib_after_{sent}']:.1f} MiB", err=True)
        return {**figures, **meter.figures(messages, seconds)}
