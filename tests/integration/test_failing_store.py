"""A store that fails for a moment: nothing is lost, nothing is done twice, nobody is pestered."""

from pathlib import Path

import pytest

from smppbridge.model.message import State, StatusReport
from smppbridge.smpp.pdu import DeliverSm
from tests.support.bridge.failing_store import failing, rows
from tests.support.bridge.running import eventually, metric
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted
from tests.support.esme.esme import Esme, submit

DELIVERED = StatusReport("ref-1", int(State.DELIVERED), True, 0, "2")


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
