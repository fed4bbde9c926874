"""A store that fails for a moment: nothing is lost, nothing is done twice, nobody is pestered."""

import asyncio
from pathlib import Path

import pytest

from smppbridge.flow.deliver.courier import Courier
from smppbridge.flow.deliver.inbound_poller import InboundPoller
from smppbridge.model.message import State, StatusReport
from smppbridge.smpp.pdu import DeliverSm
from smppbridge.smpp.receipt import parse_receipt
from tests.support.bridge.failing_store import failing, rows
from tests.support.bridge.pauses import build_with
from tests.support.bridge.running import Clock, eventually, metric
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted
from tests.support.esme.esme import Esme, submit
from tests.support.esme.phones import ALL_TO_PBX, arrive, from_phone, text_of

DELIVERED = StatusReport("ref-1", int(State.DELIVERED), True, 0, "2")


async def test_what_was_claimed_before_the_store_failed_comes_when_its_lease_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    build_with(monkeypatch, Courier, idle=0.2)
    clock = Clock()
    lab = ScriptedProvider("lab")
    async with scripted(tmp_path, lab, sections=ALL_TO_PBX, clock=clock) as app:
        async with await Esme.bound(app.smpp_ports[0], kind="TX") as transmitter:
            await transmitter.submit(submit())
            await eventually(lambda: metric(app, "attempts_total", provider="lab", result="sent") == 1)
        await lab.push(DELIVERED)
        assert await arrive(app, lab, from_phone("yes")) == 200
        with failing(tmp_path, "UPDATE ON receipts"):
            esme = await Esme.bound(app.smpp_ports[0], kind="RX")
            await eventually(lambda: "worker step failed" in caplog.text)
        async with esme:
            pdu = await esme.receipt()
            assert parse_receipt(pdu.short_message.decode("ascii")).stat == "DELIVRD"
            await esme.silence(DeliverSm, 0.5)  # the message is still leased
            clock.forward(3600)
            assert text_of(await esme.receipt()) == "yes"
            await esme.silence(DeliverSm)


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


async def test_messages_from_phones_that_cannot_be_saved_are_not_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_with(monkeypatch, InboundPoller, after_start=0.2)
    clock = Clock()
    lab = ScriptedProvider("lab", inbound_interval=60.0)
    lab.phones = [from_phone("yes", at=clock() + 60_000)]
    async with (
        scripted(tmp_path, lab, sections=ALL_TO_PBX, clock=clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        with failing(tmp_path, "INSERT ON inbound"):
            await eventually(lambda: lab.inbound_asked)
            await asyncio.sleep(1.3)  # longer than the pause before the next try to save
            assert len(lab.inbound_asked) == 1
        assert text_of(await esme.receipt()) == "yes"
        assert len(lab.inbound_asked) == 1
