"""Who keeps the connection when much equipment comes at once."""

import asyncio

from smppbridge.link.listeners import StrangerLimits
from smppbridge.link.server import ServerLimits
from smppbridge.smpp.pdu import BindTransceiver, BindTransceiverResp
from tests.unit.link.served import Rig, account, served


async def all_bind(rig: Rig, count: int) -> None:
    """So many connect from one address, then all bind: each on its first connection."""
    site = [await rig.connect() for _ in range(count)]
    for one in site:
        one.send(BindTransceiver("pbx", "secret"))
    answers = [await one.expect(BindTransceiverResp) for one in site]
    for one in site:
        await one.close()
    assert {answer.command_status for answer in answers} == {0}


async def test_a_site_that_connects_all_at_once_is_let_in() -> None:
    """Behind one address, as after a power cut."""
    async with served(account(binds=150), connections=400) as rig, asyncio.timeout(20):
        await all_bind(rig, 150)


async def test_binds_that_are_answered_at_once_take_nobody_s_place() -> None:
    """Only those count that wait for the hash of a password."""
    limits = ServerLimits(StrangerLimits(binding=2))
    async with served(account(binds=30), limits=limits) as rig, asyncio.timeout(20):
        await all_bind(rig, 30)
