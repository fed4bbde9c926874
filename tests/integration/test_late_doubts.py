"""Messages in doubt whose time is over before their provider could be asked about them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from smppbridge.app import App
from smppbridge.errors import Disabled, Uncertain
from smppbridge.model.message import Overdue, Stage, State, StatusReport
from smppbridge.providers.base import Trace
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import DeliverSm
from smppbridge.smpp.receipt import parse_receipt
from smppbridge.smpp.times import format_relative
from tests.support.bridge.running import Clock, eventually
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted
from tests.support.esme.esme import Esme, submit

LATE: dict[str, Any] = {"find_first": 300.0, "find_interval": 0.05}
FOUR_MINUTES = format_relative(240)


def stat(pdu: DeliverSm) -> str | None:
    return parse_receipt(pdu.short_message.decode("ascii")).stat


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
        clock.forward(250)
        await esme.silence(DeliverSm, 1.2)  # longer than between two looks at what is overdue
        assert len(lab.found) == 0
        clock.forward(60)
        await eventually(lambda: lab.found)
        while await held(app):
            await asyncio.sleep(0.01)
        await lab.push(StatusReport("ref-9", int(State.DELIVERED), True, 0, "2"))
        pdu = await esme.receipt()
        assert (pdu.tlv(Tag.RECEIPTED_MESSAGE_ID), stat(pdu)) == (message_id, "DELIVRD")


@pytest.mark.parametrize("complete", [True, False])
async def test_one_question_in_vain_ends_a_doubt_whose_time_is_over(tmp_path: Path, complete: bool) -> None:
    clock = Clock()
    lab = ScriptedProvider("lab", **LATE)
    lab.answers.append(Uncertain("read timeout"))
    lab.traces = lambda doubt: Trace(doubt.id, complete=complete)
    async with scripted(tmp_path, lab, clock=clock) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit(submit(validity_period=FOUR_MINUTES))
        await in_doubt(app)
        clock.forward(310)
        assert stat(await esme.receipt()) == "UNKNOWN"
        assert (len(lab.found), len(lab.sent)) == (1, 1)


async def test_a_doubt_whose_time_is_over_ends_when_nobody_can_be_asked(tmp_path: Path) -> None:
    clock = Clock()
    lab = ScriptedProvider("lab", **LATE)
    lab.answers.append(Uncertain("read timeout"))
    async with scripted(tmp_path, lab, clock=clock) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit(submit(validity_period=FOUR_MINUTES))
        await in_doubt(app)
        app.fleet["lab"].health.record_failure(Disabled("wrong key", pause=9999.0))
        clock.forward(310 + 14 * 60)
        await esme.silence(DeliverSm, 1.2)
        clock.forward(60)
        assert stat(await esme.receipt()) == "UNKNOWN"
        assert (len(lab.found), len(lab.sent)) == (0, 1)
