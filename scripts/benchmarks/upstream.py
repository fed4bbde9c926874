"""Benchmarks of the upstream link: an SMSC on the same machine, one bind, window 50."""

import asyncio
import time
from collections.abc import Sequence

import yaml

from scripts.benchmarks.bridge import Bridge, Meter, bridge
from scripts.benchmarks.esme import load
from scripts.benchmarks.latency import latency_figures
from scripts.benchmarks.provider import HOLD
from scripts.benchmarks.providers import OUTCOMES, SENT, provider, reached
from scripts.benchmarks.setting import Figures, Setting
from smppbridge.model.message import Message
from smppbridge.providers.base import News, Taken
from smppbridge.providers.upstream.options import SmppOptions
from smppbridge.providers.upstream.provider import Smpp
from tests.support.builders.messages import message
from tests.support.builders.upcalls import Upcalls

_WINDOW = ", window: 50"
_FEW = 1_000


def _message(number: int) -> Message:
    return message(
        number,
        recipient=f"37529{number % 10_000_000:07}",
        text="Door 3 opened at 12:34, alarm set. " * 4,
        data_coding=0,
        deadline=int(time.time() * 1000) + 86_400_000,
    )


async def _nothing(news: Sequence[News]) -> None:
    """Receipts are acknowledged, and that is all."""


async def _forward(smpp: Smpp, messages: int) -> int:
    """Hand over messages from memory as a dispatcher does; how many were taken."""
    limits = smpp.limits
    numbers = iter(range(0, messages, limits.batch))
    taken = 0

    async def slot() -> None:
        nonlocal taken
        for first in numbers:
            batch = [_message(number) for number in range(first, min(first + limits.batch, messages))]
            results = await smpp.send(batch, int(time.time() * 1000))
            taken += sum(isinstance(result, Taken) for result in results)

    await asyncio.gather(*(slot() for _ in range(limits.parallel)))
    return taken


async def smpp_link(setting: Setting) -> Figures:
    """submit_sm forwarded from memory, without a store, answered and receipts acknowledged."""
    messages = setting.messages or 200_000
    async with provider("smpp", more=_WINDOW) as entry:
        options = SmppOptions.model_validate(yaml.safe_load(entry))
        smpp = Smpp("lab", options)
        up = asyncio.Event()
        await smpp.start(Upcalls(_nothing, linked=lambda why: None if why else up.set()))
        await asyncio.wait_for(up.wait(), 10)
        began, cpu = time.perf_counter(), time.process_time()
        taken = await _forward(smpp, messages)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        await smpp.close()
    return {
        "messages": messages,
        "taken": taken,
        "per_second": taken / seconds,
        "cpu_percent": cpu / seconds * 100,
    }


async def _round_trip(server: Bridge, messages: int) -> Figures:
    meter = Meter(server)
    tally, seconds = await load(
        server.smpp_port, messages=messages, connections=10, window=100, receipts=True
    )
    return {**meter.figures(messages, seconds), **latency_figures(tally)}


async def smpp_end_to_end(setting: Setting) -> Figures:
    """From an ESME through store and link, and the SMSC's receipt back to the ESME."""
    messages = setting.messages or 100_000
    async with provider("smpp", more=_WINDOW) as entry, bridge(setting, entry) as server:
        await _round_trip(server, messages // 10)
        return {"messages": messages, **await _round_trip(server, messages)}


async def smpp_outstanding(setting: Setting) -> Figures:
    """The same while 1,000, and then 1,000,000 other messages wait for their receipts."""
    messages = max(setting.messages or 1_000_000, 2 * _FEW)
    figures: Figures = {}
    async with provider("smpp", more=_WINDOW) as entry, bridge(setting, entry) as server:
        await _round_trip(server, 20_000)
        sent = 20_000
        for waiting, more in ((_FEW, _FEW), (messages, messages - _FEW)):
            await load(
                server.smpp_port, messages=more, connections=10, window=100, receipts=False, source=HOLD
            )
            sent += more
            await reached(server, SENT, sent, time.perf_counter())
            for name, value in (await _round_trip(server, 100_000)).items():
                figures[f"{waiting}_{name}"] = value
            sent += 100_000
            await reached(server, OUTCOMES, sent - waiting, time.perf_counter())
    return figures
