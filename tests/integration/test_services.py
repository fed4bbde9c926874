"""What is not an ordinary text message: special services, binary content, flash, schedules of providers."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from smppbridge.errors import Unavailable
from smppbridge.model.message import Stage, State, StatusReport
from smppbridge.smpp.constants import Status, Tag
from smppbridge.smpp.pdu import DeliverSm, SubmitSm, SubmitSmResp
from smppbridge.smpp.receipt import parse_receipt
from smppbridge.smpp.times import format_relative
from smppbridge.smpp.tlv import tlv
from tests.support.bridge.running import Clock, eventually, metric
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted
from tests.support.esme.esme import Esme, submit

ALLOWED = """
accounts:
  pbx: {password: secret, services: [HLR, CALL, BOT], status_codes: sms-assistent, receipt: {tlvs: true}}
  plain: {password: secret}
"""
CHECKED = "imsi=257010000000000 mcc=257 mnc=01 net=A1"


async def status_of(esme: Esme, pdu: SubmitSm) -> int:
    answer = await esme.ask(pdu)
    assert isinstance(answer, SubmitSmResp)
    return answer.command_status


def check(**changes: Any) -> SubmitSm:
    """A number check, with the text that some equipment cannot leave out."""
    return submit("HLR", service_type="HLR", **changes)


# --- special services ------------------------------------------------------------------------------


async def test_a_service_needs_permission_and_somebody_who_sells_it(tmp_path: Path) -> None:
    lab, spare = ScriptedProvider("lab"), ScriptedProvider("spare", services=["HLR"])
    async with (
        scripted(tmp_path, lab, spare, sections=ALLOWED) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
        await Esme.bound(app.smpp_ports[0], "plain") as plain,
    ):
        assert await status_of(plain, check()) == Status.ESME_RINVSERTYP
        assert await status_of(esme, submit(service_type="VIBER")) == Status.ESME_RINVSERTYP
        assert await status_of(esme, submit(service_type="CALL")) == Status.ESME_RINVSERTYP  # nobody sells it
        assert await status_of(plain, submit(service_type="CMT")) == 0
        assert await status_of(esme, check()) == 0
        await eventually(lambda: spare.sent and lab.sent)
        assert [message.service_type for message in spare.sent] == ["HLR"]
        assert [message.service_type for message in lab.sent] == [""]


async def test_equipment_that_cannot_ask_for_a_service_gets_its_default(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab", services=["CALL"])
    sections = "accounts: {pbx: {password: secret, services: [CALL], default_service: CALL}}"
    async with (
        scripted(tmp_path, lab, sections=sections) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert await status_of(esme, submit("Door open")) == 0
        assert await status_of(esme, submit("")) == Status.ESME_RINVMSGLEN
        assert await status_of(esme, submit("Door shut", service_type="CMT")) == 0
        await eventually(lambda: len(lab.sent) == 2)
        assert [one.service_type for one in lab.sent] == ["CALL", ""]


async def test_a_service_never_goes_to_a_provider_that_does_not_sell_it(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab", services=["HLR"])
    spare = ScriptedProvider("spare")
    last = ScriptedProvider("last", services=["HLR", "CALL"])
    lab.answers += [Unavailable("connection refused")] * 9
    async with (
        scripted(tmp_path, lab, spare, last, sections=ALLOWED) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(check())
        await eventually(lambda: last.sent)
        assert (len(lab.sent), spare.sent) == (1, [])
        last.answers.append(Unavailable("connection refused"))
        await esme.submit(submit("door", service_type="CALL"))
        while not await app.store.list_stage(Stage.WAITING, 10):  # later, but not elsewhere
            await asyncio.sleep(0.01)
        assert spare.sent == []


async def test_what_a_number_check_found(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab", services=["HLR"])
    async with scripted(tmp_path, lab, sections=ALLOWED) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        message_id = await esme.submit(check())
        ordinary = await esme.submit(submit("Door 3"))
        await eventually(lambda: metric(app, "attempts_total", provider="lab", result="sent") == 2)
        await lab.push(StatusReport("ref-1", int(State.DELIVERED), True, 0, "2", CHECKED))
        pdu = await esme.receipt()
        receipt = parse_receipt(pdu.short_message.decode("ascii"))
        assert (receipt.id, receipt.stat, receipt.text) == (message_id, "DELIVRD", CHECKED)
        assert pdu.tlv(Tag.DETAILS) == CHECKED.encode() + b"\0"
        await lab.push(StatusReport("ref-2", int(State.DELIVERED), True, 0, "2"))
        pdu = await esme.receipt()
        receipt = parse_receipt(pdu.short_message.decode("ascii"))
        assert (receipt.id, receipt.text, pdu.tlv(Tag.DETAILS)) == (ordinary, "Door 3", None)


async def test_details_that_came_before_the_reference(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab", services=["HLR"])
    async with scripted(tmp_path, lab, sections=ALLOWED) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await lab.push(StatusReport("ref-1", int(State.UNDELIVERABLE), True, 1, "20", "status=absent"))
        await esme.submit(check())
        pdu = await esme.receipt()
        assert parse_receipt(pdu.short_message.decode("ascii")).text == "status=absent"


async def test_an_address_that_only_the_service_knows(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab", services=["BOT"])
    sections = ALLOWED + "\nroutes: [{destination: '375', to: [lab]}, {to: [lab]}]"
    async with scripted(tmp_path, lab, sections=sections) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit(submit(to="@castle_bot", dest_addr_ton=5, service_type="BOT"))
        assert await status_of(esme, submit(to="@castle_bot")) == Status.ESME_RINVDSTADR
        await eventually(lambda: lab.sent)
        assert lab.sent[0].recipient == "@castle_bot"
        await eventually(lambda: metric(app, "attempts_total", provider="lab", result="sent") == 1)
        await lab.push(StatusReport("ref-1", int(State.DELIVERED), True, 0, "2"))
        assert (await esme.receipt()).source_addr == "@castle_bot"


# --- binary content, flash -------------------------------------------------------------------------


async def test_binary_content_goes_to_the_providers_that_carry_it(tmp_path: Path) -> None:
    lab, spare = ScriptedProvider("lab"), ScriptedProvider("spare")
    lab.takes_binary = False
    udh = bytes.fromhex("0605040b8423f0")
    async with scripted(tmp_path, lab, spare) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit(submit(b"\0\xff", data_coding=4, protocol_id=0x7F))
        await esme.submit(submit(udh + b"\1\2", data_coding=0xF5, esm_class=0x40))
        await esme.submit(submit("text"))
        await eventually(lambda: len(spare.sent) == 2 and lab.sent)
        first, second = spare.sent
        assert (first.octets, first.text, first.data_coding, first.protocol_id) == (b"\0\0\xff", "", 4, 0x7F)
        assert (second.octets, second.data_coding) == (udh + b"\1\2", 0xF5)
        assert {first.route, second.route} == {"spare"}  # it never comes to the other one
        assert [message.text for message in lab.sent] == ["text"]


async def test_binary_content_that_nobody_carries(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    lab.takes_binary = False
    async with scripted(tmp_path, lab) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        assert await status_of(esme, submit(b"\1", data_coding=4)) == Status.ESME_RINVENCODING


@pytest.mark.parametrize(
    "changes", [{"data_coding": 0x10}, {"tlvs": (tlv(Tag.DEST_ADDR_SUBUNIT, 1),)}], ids=["class", "subunit"]
)
async def test_flash(tmp_path: Path, changes: dict[str, Any]) -> None:
    lab = ScriptedProvider("lab")
    async with scripted(tmp_path, lab) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit(submit("alarm", **changes))
        await esme.submit(submit("no alarm"))
        await eventually(lambda: len(lab.sent) == 2)
        assert [(message.text, message.flash) for message in lab.sent] == [
            ("alarm", True),
            ("no alarm", False),
        ]


# --- schedules -------------------------------------------------------------------------------------


async def test_a_schedule_that_the_provider_keeps(tmp_path: Path) -> None:
    clock = Clock()
    lab = ScriptedProvider("lab", poll_first=60, poll_interval=0.05)
    lab.schedules_itself = True
    async with scripted(tmp_path, lab, clock=clock) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        before = clock()
        message_id = await esme.submit(submit(schedule_delivery_time=format_relative(3600)))
        at_once = await esme.submit(submit())
        await eventually(lambda: metric(app, "attempts_total", provider="lab", result="sent") == 2)
        assert before + 3_599_000 < lab.sent[0].send_at < clock() + 3_601_000
        assert lab.sent[1].send_at == 0
        clock.forward(65)
        await eventually(lambda: lab.polled)  # the other one; this one is not sent yet
        clock.forward(3700)
        await eventually(lambda: len(set(lab.polled)) == 2)
        assert str(lab.polled[0]) == at_once
        await lab.push(StatusReport("ref-1", int(State.DELIVERED), True, 0, "2"))
        assert (await esme.receipt()).tlv(Tag.RECEIPTED_MESSAGE_ID) == message_id


async def test_a_schedule_that_is_kept_here(tmp_path: Path) -> None:
    clock = Clock()
    lab = ScriptedProvider("lab")
    async with scripted(tmp_path, lab, clock=clock) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit(submit(schedule_delivery_time=format_relative(3600)))
        await esme.silence(DeliverSm)
        assert lab.sent == []
        clock.forward(3601)
        await eventually(lambda: lab.sent)
        assert lab.sent[0].send_at == 0


async def test_a_schedule_that_the_next_provider_does_not_keep(tmp_path: Path) -> None:
    clock = Clock()
    lab, spare = ScriptedProvider("lab"), ScriptedProvider("spare")
    lab.schedules_itself = True
    lab.answers.append(Unavailable("connection refused"))
    async with (
        scripted(tmp_path, lab, spare, clock=clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit(schedule_delivery_time=format_relative(3600)))
        await eventually(lambda: lab.sent)
        await esme.silence(DeliverSm)
        assert spare.sent == []  # it would send it at once
        clock.forward(3601)
        await eventually(lambda: spare.sent)
        assert len(lab.sent) == 1
