"""Messages in doubt whose time is over before their provider could be asked about them."""

import asyncio
from pathlib import Path
from typing import Any

from smppbridge.app import App
from smppbridge.errors import Uncertain
from smppbridge.model.message import Overdue, Stage, State, StatusReport
from smppbridge.providers.base import Trace
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.times import format_relative
from tests.support.bridge.running import Clock, eventually
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted
from tests.support.bridge.sync import stat
from tests.support.esme.esme import Esme, submit

LATE: dict[str, Any] = {"find_first": 300.0, "find_interval": 0.05}
FOUR_MINUTES = format_relative(240)


async def held(app: App) -> list[Overdue]:
    return await app.store.list_stage(Stage.UNCERTAIN, 10)


async def in_doubt(app: App) -> None:
    """Wait until a message is held."""
    while not await held(app):
        await asyncio.sleep(0.01)


async def test_a_doubt_is_asked_about_though_its_time_is_over(tmp_path: Path) -> None:
    clock = Clock()
    lab = ScriptedProvider("lab", **LATE)
    lab.answers.append(Uncertain("read timeout"))
    lab.traces = lambda doubt: Trace(doubt.id, ("ref-9",))
    async with scripted(tmp_path, lab, clock=clock) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        message_id = await esme.submit(submit(validity_period=FOUR_MINUTES))
        await in_doubt(app)
        clock.forward(310)
        await eventually(lambda: lab.found)
        while await held(app):
            await asyncio.sleep(0.01)
        await lab.push(StatusReport("ref-9", int(State.DELIVERED), True, 0, "2"))
        pdu = await esme.receipt()
        assert (pdu.tlv(Tag.RECEIPTED_MESSAGE_ID), stat(pdu)) == (message_id, "DELIVRD")
