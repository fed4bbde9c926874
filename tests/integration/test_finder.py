"""Messages whose hand-over ended without a clear answer, and what is asked about them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from smppbridge.app import App
from smppbridge.errors import Uncertain
from smppbridge.model.message import Doubt, Overdue, Stage
from smppbridge.providers.base import Trace
from smppbridge.smpp.constants import Tag
from tests.support.bridge.running import Clock, eventually, metric
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted
from tests.support.bridge.sync import delivered, id_of, stat
from tests.support.esme.esme import Esme, submit

ASKABLE: dict[str, Any] = {"find_first": 0.02, "find_interval": 0.05}
POLICY = "accounts: {pbx: {password: secret, validity: 1h, uncertain: %s}}"


async def held(app: App) -> list[Overdue]:
    return await app.store.list_stage(Stage.UNCERTAIN, 10)


def asked(lab: ScriptedProvider) -> int:
    """How many questions about doubts it has heard."""
    return len(lab.found)


def nowhere(doubt: Doubt) -> Trace:
    """The provider certainly does not have it."""
    return Trace(doubt.id)


# --- providers that can be asked -------------------------------------------------------------------


async def test_what_the_provider_has_is_sent_after_all(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab", poll_first=0, poll_interval=0.05, **ASKABLE)
    lab.answers.append(Uncertain("read timeout"))
    lab.traces = lambda doubt: Trace(doubt.id, ("ref-77", "ref-78"))
    async with scripted(tmp_path, lab) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        message_id = await esme.submit(submit("Door 3 opened"))
        await eventually(lambda: lab.polled)  # it is SENT: its status is asked for
        [[doubt]] = lab.found
        assert (doubt.text, doubt.recipient, doubt.attempt, doubt.asked) == (
            "Door 3 opened",
            "375291234567",
            1,
            0,
        )
        assert doubt.tried_at > 0
        lab.reports.append(delivered("ref-77"))
        pdu = await esme.receipt()
        assert (id_of(pdu), stat(pdu)) == (message_id, "DELIVRD")
        assert len(lab.sent) == 1
        assert await held(app) == []


async def test_what_the_provider_does_not_have_goes_to_the_next_one_at_once(tmp_path: Path) -> None:
    lab, spare = ScriptedProvider("lab", **ASKABLE), ScriptedProvider("spare")
    lab.answers.append(Uncertain("read timeout"))
    lab.traces = nowhere
    async with scripted(tmp_path, lab, spare) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        message_id = await esme.submit(submit())
        await eventually(lambda: spare.sent)
        await eventually(lambda: metric(app, "attempts_total", provider="spare", result="sent") == 1)
        await spare.push(delivered("ref-1"))
        pdu = await esme.receipt()
        assert (id_of(pdu), pdu.tlv(Tag.PROVIDER)) == (message_id, b"spare\0")
        assert (len(lab.sent), asked(lab)) == (1, 2)


async def test_a_doubt_is_solved_after_a_restart(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab", **ASKABLE)
    lab.answers.append(Uncertain("read timeout"))
    async with scripted(tmp_path, lab) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        message_id = await esme.submit(submit())
        await eventually(lambda: asked(lab) >= 1)
    again = ScriptedProvider("lab", poll_first=0, poll_interval=0.05, **ASKABLE)
    again.traces = lambda doubt: Trace(doubt.id, ("ref-7",))
    again.reports.append(delivered("ref-7"))
    async with scripted(tmp_path, again) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        assert id_of(await esme.receipt()) == message_id
        assert again.sent == []


# --- providers that cannot be asked ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "end"), [("hold", ("UNKNOWN", 1)), ("resend", ("DELIVRD", 2)), ("fail", ("UNDELIV", 1))]
)
async def test_a_message_that_a_provider_may_have_who_cannot_be_asked(
    tmp_path: Path, policy: str, end: tuple[str, int]
) -> None:
    clock = Clock()
    lab = ScriptedProvider("lab")
    lab.answers.append(Uncertain("read timeout"))
    async with (
        scripted(tmp_path, lab, sections=POLICY % policy, clock=clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit())
        await eventually(lambda: metric(app, "attempts_total", provider="lab", result="uncertain") == 1)
        if policy == "hold":
            while not await held(app):
                await asyncio.sleep(0.01)
            clock.forward(3601)
        elif policy == "resend":
            clock.forward(10)
            await eventually(lambda: metric(app, "attempts_total", provider="lab", result="sent") == 1)
            await lab.push(delivered("ref-2"))
        assert (stat(await esme.receipt()), len(lab.sent)) == end
        assert asked(lab) == 0
