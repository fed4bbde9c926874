"""A store that fails for a moment: nothing is lost, nothing is done twice, nobody is pestered."""

from pathlib import Path

import pytest

from smppbridge.model.message import Stage, State, StatusReport
from smppbridge.smpp.pdu import DeliverSm
from tests.support.bridge.failing_store import failing, rows
from tests.support.bridge.running import eventually, metric
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted
from tests.support.esme.esme import Esme, submit

HAND_BACK = f"UPDATE ON messages WHEN OLD.stage = {Stage.SENDING:d} AND NEW.stage = {Stage.WAITING:d}"
DELIVERED = StatusReport("ref-1", int(State.DELIVERED), True, 0, "2")


async def test_what_has_to_wait_does_not_delay_the_others_while_it_cannot_be_saved(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab", same_text_gap=600.0)
    async with scripted(tmp_path, lab) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit(submit("door"))
        await eventually(lambda: metric(app, "attempts_total", provider="lab", result="sent") == 1)
        with failing(tmp_path, HAND_BACK):
            await esme.submit_many([submit("door"), submit("gate")])
            await eventually(lambda: [message.text for message in lab.sent] == ["door", "gate"])
            await esme.submit(submit("lamp"))
            await eventually(lambda: [message.text for message in lab.sent] == ["door", "gate", "lamp"])
        await eventually(
            lambda: rows(tmp_path, "SELECT text, attempt FROM messages WHERE stage = 1") == [("door", 0)]
        )
        assert len(lab.sent) == 3


async def test_an_answered_receipt_that_cannot_be_paid_yet_does_not_go_to_another_bind(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lab = ScriptedProvider("lab")
    async with scripted(tmp_path, lab) as app:
        first = await Esme.bound(app.smpp_ports[0])
        await first.submit(submit())
        await eventually(lambda: metric(app, "attempts_total", provider="lab", result="sent") == 1)
        with failing(tmp_path, "DELETE ON receipts"):
            await lab.push(DELIVERED)
            await first.receipt()
            await eventually(lambda: "cannot save" in caplog.text)
            async with await Esme.bound(app.smpp_ports[0]) as second:
                await first.close()
                await eventually(lambda: rows(tmp_path, "SELECT origin FROM receipts") == [(0,)])
                await second.silence(DeliverSm, 0.5)
        await eventually(lambda: rows(tmp_path, "SELECT id FROM receipts") == [])
        async with await Esme.bound(app.smpp_ports[0]) as third:
            await third.silence(DeliverSm)
