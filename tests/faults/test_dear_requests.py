"""A customer who asks for what is dear, as much as the window takes, holds up nobody else."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from smppbridge.smpp.pdu import Pdu
from tests.support.attack.rig import attacked
from tests.support.esme.asking import cancel, later, multi, query
from tests.support.esme.esme import PHONE, Esme, submit

SHORT = [f"29{number:07}" for number in range(254)]  # national: each is read by the rules of the country
BAD = [f"x{number}" for number in range(254)]
BINDS = 4
ACCOUNTS = "accounts: {pbx: {password: secret, country: DE}}"
ATTACKS: dict[str, tuple[int, Callable[[], Pdu]]] = {
    "254 national numbers": (200, lambda: multi(SHORT)),
    "254 bad numbers": (200, lambda: multi(BAD)),
    "questions": (3000, lambda: query("1")),
    "cancels for all": (60, lambda: cancel(to=PHONE)),
    "messages": (20_000, submit),
}


async def test_dear_requests(tmp_path: Path, faults: bool) -> None:
    async with attacked(tmp_path, ACCOUNTS) as bridge, AsyncExitStack() as stack:
        binds = [await stack.enter_async_context(await Esme.bound(bridge.smpp_port)) for _ in range(BINDS)]
        await binds[0].submit_many([later() for _ in range(2000)])
        await bridge.heart.beat(1)
        reading = [asyncio.create_task(esme.closed()) for esme in binds]
        for attack, (count, request) in ATTACKS.items():
            began = bridge.cpu
            for esme in binds:
                esme.send(*(request() for _ in range((3 * count if faults else count) // BINDS)))
            await bridge.heart.beat(15 if faults else 3)
            print(f"{attack}: {bridge.cpu - began:.2f} s of the main thread; {bridge.heart}")
        for task in reading:
            task.cancel()
        await bridge.is_well()
