"""Providers that are no help: what they do to other providers and to equipment is nothing."""

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from smppbridge.model.passwords import hash_password
from tests.simulators.smspilot.simulator import Rules, SmspilotSimulator
from tests.support.attack.conduct import Conduct, conducting
from tests.support.attack.rig import attacked
from tests.support.esme.esme import Esme, submit
from tests.support.load.rig import errors

MB_OF_ANSWERS = 100  # five providers, eight requests each, 8 MB at most an answer
SLOW_NAMES = (sys.executable, "-m", "tests.support.attack.slow_names")


def named(name: str, host: str, keys: str = "") -> str:
    """A provider with this name at this host."""
    return f"  {name}: {{kind: smspilot, apikey: KEY, url: 'http://{host}', timeout: 1s, {keys}}}"


async def test_names_that_do_not_resolve(tmp_path: Path) -> None:
    """Resolvers hang for many seconds, and cannot be asked to stop: a thread hangs with each question."""
    async with SmspilotSimulator(Rules(delay=0.05, poll_interval=0)) as simulator:
        hanging = [named(f"hangs{number}", f"{number}.hangs.test", "parallel: 8") for number in range(3)]
        here = named(
            "here",
            simulator.url.replace("http://127.0.0.1", "pilot.here.test"),
            "poll_first: 0.5s, poll_interval: 0.5s",
        )
        settings = f"""
drain: 1s
accounts:
  hashed: {{password_hash: "{hash_password("secret")}"}}
  heart: {{password: secret}}
providers:
  lab: {{kind: sandbox, delay: 0, outcomes: {{DELIVRD: 1}}}}
{chr(10).join(hanging)}
{here}
routes:
  - {{account: heart, to: [lab]}}
  - {{account: pbx, destination: "1", to: [hangs0]}}
  - {{account: pbx, destination: "2", to: [hangs1]}}
  - {{account: pbx, destination: "3", to: [hangs2]}}
  - {{to: [here]}}
"""
        async with (
            attacked(tmp_path, settings, program=SLOW_NAMES) as bridge,
            await Esme.bound(bridge.smpp_port) as esme,
        ):
            await esme.submit_many([submit(to=f"{number % 3 + 1}5291234567") for number in range(60)])
            await bridge.heart.beat(5)
            async with await Esme.bound(bridge.smpp_port, "hashed") as other:
                await other.submit(submit())
                assert (await other.receipt()).short_message.startswith(b"id:")
            await bridge.is_well()
            assert errors(bridge.served.log.splitlines()) == []
            assert await bridge.served.stop() == 0


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """No answer."""
    await reader.read(65536)
    await asyncio.sleep(60)


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An octet a second, for ever."""
    await reader.read(65536)
    for octet in HEAD + b"Content-Length: 1000000\r\n\r\n":
        writer.write(bytes([octet]))
        await asyncio.sleep(1)


async def breaks_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Half of an answer."""
    await reader.read(65536)
    writer.write(HEAD + b'Content-Length: 1000\r\n\r\n{"send": [')


def pours(begin: bytes, more: bytes) -> Conduct:
    """``begin``, then ``more`` as long as somebody reads."""

    async def conduct(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(begin)
        while True:
            writer.write(more)
            await writer.drain()

    return conduct


endless_body = pours(CHUNKED, b"10000\r\n" + b" " * 0x10000 + b"\r\n")
endless_headers = pours(HEAD, b"X-Header: " + b"x" * 8000 + b"\r\n")
CONDUCTS = (hangs, drips, breaks_off, endless_body, endless_headers)


async def test_providers_that_answer_badly(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(conducting(conduct)) for conduct in CONDUCTS]
        simulator = await stack.enter_async_context(SmspilotSimulator(Rules(delay=0.05, poll_interval=0)))
        bad = [
            named(f"bad{number}", f"127.0.0.1:{server.port}", "parallel: 8")
            for number, server in enumerate(servers)
        ]
        here = named("here", simulator.url.removeprefix("http://"), "poll_first: 0.5s, poll_interval: 0.5s")
        routes = [
            f"  - {{account: pbx, destination: '{number + 1}', to: [bad{number}]}}"
            for number in range(len(bad))
        ]
        settings = f"""
drain: 1s
providers:
  lab: {{kind: sandbox, delay: 0, outcomes: {{DELIVRD: 1}}}}
{chr(10).join([*bad, here])}
routes:
  - {{account: heart, to: [lab]}}
{chr(10).join(routes)}
  - {{to: [here]}}
"""
        bridge = await stack.enter_async_context(attacked(tmp_path, settings))
        esme = await stack.enter_async_context(await Esme.bound(bridge.smpp_port))
        before = bridge.rss
        numbers = [f"{number % len(bad) + 1}5291234567" for number in range(20 * len(bad))]
        await esme.submit_many([submit(to=number) for number in numbers])
        await bridge.newcomer()
        await bridge.heart.beat(5)
        assert bridge.rss <= before + MB_OF_ANSWERS
        await bridge.is_well()
