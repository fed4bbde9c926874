"""The web port under attack: what it must still do, and what SMPP must not notice."""

import asyncio
from pathlib import Path

import httpx2

from tests.support.attack.rig import Attacked, attacked
from tests.support.attack.strangers import FIRST, crowd

MANY_ACCOUNTS = "accounts: {" + ", ".join(f"a{number}: {{password: secret12}}" for number in range(300)) + "}"


async def get(bridge: Attacked, path: str, source: str = "127.0.0.1") -> int:
    """The status of the answer."""
    transport = httpx2.AsyncHTTPTransport(local_address=source)
    async with httpx2.AsyncClient(transport=transport, timeout=60) as client:
        return (await client.get(f"http://127.0.0.1:{bridge.web_port}{path}")).status_code


async def test_idle_sockets_keep_nobody_out(tmp_path: Path) -> None:
    async with attacked(tmp_path) as bridge:
        with crowd(bridge.web_port) as strangers:
            await strangers.connect(505)
            for source in (FIRST, "127.0.0.1"):
                for path in ("/healthz", "/readyz", "/metrics"):
                    assert await get(bridge, path, source) == 200
            assert strangers.left <= 150
        assert sum(bridge.log_lines.values()) < 20
        await bridge.heart.is_well()


async def test_scrapers_cost_smpp_nothing(tmp_path: Path) -> None:
    async with attacked(tmp_path, MANY_ACCOUNTS) as bridge:
        await bridge.heart.beat(3)
        statuses = await asyncio.gather(*(get(bridge, "/metrics") for _ in range(100)))
        assert set(statuses) == {200}
        await bridge.heart.beat(3)
        await bridge.heart.is_well()
