"""`mode: sync` with an SMSC behind: its own error codes reach the equipment."""

from pathlib import Path

import pytest

from smppbridge.smpp.pdu import DeliverSm, SubmitSmResp
from smppbridge.smpp.receipt import parse_receipt
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.failing_store import rows
from tests.support.bridge.running import eventually, metric
from tests.support.bridge.upstream import linked
from tests.support.esme.esme import Esme, submit
from tests.support.system.clock import clock

SYNC = {"mode": "sync"}


@pytest.mark.parametrize("nack", [False, True])
@pytest.mark.parametrize("status", [0x0A, 0x0B, 0x22, 0x4A3, 0x4A4, 0x4A5])
async def test_the_codes_of_sms_assistent_reach_the_esme_unchanged(
    tmp_path: Path, status: int, nack: bool
) -> None:
    async with (
        CentreSimulator(Rules(dialect="sms-assistent", status_of=lambda pdu: status, nack=nack)) as centre,
        linked(tmp_path, centre, account=SYNC, profile="sms-assistent") as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        answer = await esme.ask(submit("x"))
        assert isinstance(answer, SubmitSmResp)
        assert answer.command_status == status
        await esme.silence(DeliverSm)
        assert rows(tmp_path, "SELECT stage, (SELECT count(*) FROM receipts) FROM messages") == [(6, 0)]


@pytest.mark.parametrize(
    ("status", "answered"), [(0x02, 0x08), (0x45, 0x45), (0x66, 0x45), (0x401, 0x45), (0xFF, 0x45)]
)
async def test_all_other_codes_become_what_equipment_knows(
    tmp_path: Path, status: int, answered: int
) -> None:
    async with (
        CentreSimulator(Rules(dialect="sms-assistent", status_of=lambda pdu: status)) as centre,
        linked(tmp_path, centre, account=SYNC, profile="sms-assistent") as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        answer = await esme.ask(submit("x"))
        assert answer.command_status == answered


async def test_an_equipment_that_wants_no_vendor_codes_gets_none(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules(dialect="sms-assistent", status_of=lambda pdu: 0x4A5)) as centre,
        linked(
            tmp_path, centre, account={**SYNC, "status_codes": "standard"}, profile="sms-assistent"
        ) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert (await esme.ask(submit("x"))).command_status == 0x01


async def test_what_the_smsc_takes_is_answered_then_and_gets_its_receipt(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules(latency=5.0)) as centre,
        linked(tmp_path, centre, account=SYNC) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        esme.send(submit("x"))
        await eventually(lambda: len(centre.submitted) == 1)
        await esme.silence(SubmitSmResp, 0.1)
        clock().forward(5.0)
        answer = await esme.expect(SubmitSmResp)
        receipt = parse_receipt((await esme.receipt()).short_message.decode())
        assert (answer.command_status, receipt.id) == (0, answer.message_id)


async def test_no_money_stops_the_link_and_says_so_to_the_next_one(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules(dialect="sms-assistent", status_of=lambda pdu: 0x4A4)) as centre,
        linked(tmp_path, centre, account=SYNC, profile="sms-assistent") as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert (await esme.ask(submit("x"))).command_status == 0x4A4
        assert metric(app, "provider_up", provider="link") == 0
        assert (await esme.ask(submit("y"))).command_status == 0x4A4
        assert len(centre.submitted) == 1
        assert metric(app, "upstream_binds", provider="link") == 1
