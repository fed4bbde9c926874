"""What anybody can do who reaches the SMPP port, without an account: nothing to those who have one."""

import asyncio
import struct
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.attack.rig import attacked
from tests.support.attack.strangers import crowd

MOST_OPEN = 1100  # descriptors: 1,000 of connections that are not bound, and those of the bridge
MB_OF_HALVES = 10
UNKNOWN = struct.pack(">4I", 16, 0x0BAD, 0, 1)  # a command_id that there is not
HALF = struct.pack(">4I", 60_000, 0x9, 0, 1) + bytes(30_000)  # of a bind_transceiver


@pytest.mark.parametrize("tls", [False, True])
async def test_a_burst_of_connects(tmp_path: Path, tls: bool, faults: bool) -> None:
    """From one address, and from many: who is not bound goes when somebody else needs the place."""
    async with attacked(tmp_path, tls=tls) as bridge:
        port = bridge.tls_port or bridge.smpp_port
        with crowd(port) as strangers, ExitStack() as stack:
            await strangers.connect(10_000 if faults else 1_000)
            for number in range(3, 60 if faults else 15):
                await stack.enter_context(crowd(port, f"127.0.0.{number}")).connect(50)
            await bridge.heart.beat(2)
            await bridge.newcomer()
            # The system takes more than the bridge accepts, so the strangers' side of it does not tell.
            assert bridge.open_files <= MOST_OPEN
        await bridge.is_well()


async def test_what_comes_before_a_bind(tmp_path: Path) -> None:
    """Commands that there are not, as fast as they go; then PDUs that stop in the middle."""
    async with attacked(tmp_path) as bridge:
        with crowd(bridge.smpp_port) as loud:
            await loud.connect(45)
            for _ in range(10):
                loud.say(UNKNOWN * 500)
                await asyncio.sleep(0)
            await bridge.heart.beat(1)
            await bridge.newcomer()
            await loud.gone()
        before = bridge.rss
        with ExitStack() as stack:
            for number in range(3, 12):
                half = stack.enter_context(crowd(bridge.smpp_port, f"127.0.0.{number}"))
                await half.connect(45)
                half.say(HALF)
            await bridge.heart.beat(1)
            await bridge.newcomer()
            assert bridge.rss <= before + MB_OF_HALVES
        await bridge.is_well()
