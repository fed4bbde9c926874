"""Benchmarks with HTTP providers: simulators on the same machine, real requests, default settings."""

import asyncio
import contextlib
import re
import sys
import time
from collections.abc import AsyncIterator

import httpx2

from scripts.benchmarks.bridge import Bridge, Meter, bridge
from scripts.benchmarks.esme import load
from scripts.benchmarks.latency import latency_figures
from scripts.benchmarks.provider import SECRET
from scripts.benchmarks.setting import Figures, Setting

_LOOK = 0.1  # seconds between two looks at the bridge's counters
_ENTRIES = {
    "smspilot": "{{kind: smspilot, apikey: {secret}, url: '{url}'{more}}}",
    "sms-assistent": "{{kind: sms-assistent, login: {secret}, password: {secret}, url: '{url}', "
    "default_sender: CMC{more}}}",
    "smpp": "{{kind: smpp, host: 127.0.0.1, port: {url}, system_id: user, password: {secret}{more}}}",
}


@contextlib.asynccontextmanager
async def provider(kind: str, *, latency: float = 0.0, more: str = "") -> AsyncIterator[str]:
    """A simulator; the entry of a configuration that uses it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "scripts.benchmarks.provider", kind, "--latency", str(latency)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        url = (await process.stdout.readline()).decode().strip()
        yield _ENTRIES[kind].format(secret=SECRET, url=url, more=more)
    finally:
        with contextlib.suppress(ProcessLookupError):  # Ctrl-C reaches it, too
            process.terminate()
        await process.wait()


async def count(client: httpx2.AsyncClient, server: Bridge, series: str) -> float:
    """The sum of a counter's children whose labels match the regular expression in ``series``."""
    text = (await client.get(f"http://127.0.0.1:{server.web_port}/metrics")).text
    return sum(float(value) for value in re.findall(rf"^smppbridge_{series} (\S+)$", text, re.MULTILINE))


async def reached(server: Bridge, series: str, wanted: float, since: float) -> float:
    """Seconds from ``since`` until a counter has reached ``wanted``."""
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
        while await count(client, server, series) < wanted:
            await asyncio.sleep(_LOOK)
            if time.perf_counter() - since > 600:
                raise RuntimeError(f"{series} did not reach {wanted:,.0f} within ten minutes")
    return time.perf_counter() - since


SENT = r'attempts_total\{provider="lab",result="sent"\}'
OUTCOMES = r'outcomes_total\{provider="lab",[^}]*\}'


async def _hand_over(kind: str, setting: Setting, latency: float = 0.0) -> Figures:
    """Submit, and wait until the provider has taken everything."""
    messages = setting.messages or 100_000
    async with provider(kind, latency=latency) as entry, bridge(setting, entry) as server:
        await load(server.smpp_port, messages=200, connections=1, window=10, receipts=False)
        await reached(server, SENT, 200, time.perf_counter())
        began, meter = time.perf_counter(), Meter(server)
        tally, accepted = await load(
            server.smpp_port, messages=messages, connections=10, window=100, receipts=False
        )
        seconds = await reached(server, SENT, messages + 200, began)
        return {
            "messages": messages,
            "accepted_per_second": messages / accepted,
            **meter.figures(messages, seconds),
            **latency_figures(tally),
        }


async def smspilot(setting: Setting) -> Figures:
    """Accepted, stored and taken by the smspilot simulator."""
    return await _hand_over("smspilot", setting)


async def sms_assistent(setting: Setting) -> Figures:
    """Accepted, stored and taken by the sms-assistent simulator."""
    return await _hand_over("sms-assistent", setting)


async def slow_provider(setting: Setting) -> Figures:
    """The same with a provider that takes 50 ms for each request, default settings (smspilot)."""
    return await _hand_over("smspilot", setting, latency=0.05)


async def slow_sms_assistent(setting: Setting) -> Figures:
    """The same with a provider that takes 50 ms for each request, default settings (sms-assistent)."""
    return await _hand_over("sms-assistent", setting, latency=0.05)


async def sms_assistent_statuses(setting: Setting) -> Figures:
    """Final statuses from sms-assistent's lists, settled, with nobody bound to take receipts."""
    messages = setting.messages or 60_000
    async with (
        provider("sms-assistent", more=", poll_first: 20s") as entry,
        bridge(setting, entry) as server,
    ):
        began = time.perf_counter()
        await load(server.smpp_port, messages=messages, connections=10, window=100, receipts=False)
        sent = await reached(server, SENT, messages, began)
        if sent > 20:
            raise RuntimeError("sending took longer than the first question waits; use fewer --messages")
        asked = began + await reached(server, OUTCOMES, 1, began)
        meter = Meter(server)
        seconds = await reached(server, OUTCOMES, messages, asked)
        return {"messages": messages, **meter.figures(messages, seconds)}


async def smspilot_callbacks(setting: Setting) -> Figures:
    """Callbacks of smspilot (two for each message: handed over, delivered), each answered after COMMIT."""
    messages = setting.messages or 10_000
    async with provider("smspilot") as entry, bridge(setting, entry, callbacks=True) as server:
        began, meter = time.perf_counter(), Meter(server)
        tally, _ = await load(server.smpp_port, messages=messages, connections=10, window=100, receipts=False)
        seconds = await reached(server, OUTCOMES, messages, began)
        return {
            "callbacks": 2 * messages,
            "callbacks_per_second": 2 * messages / seconds,
            **meter.figures(messages, seconds),
            **latency_figures(tally),
        }
