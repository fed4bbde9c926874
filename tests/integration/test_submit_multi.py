"""submit_multi and data_sm over real sockets: submit_sm in other words (SMPP 3.4 §4.5, §4.7)."""

from pathlib import Path

import pytest

from smppbridge.errors import Rejected
from smppbridge.model.message import Stage
from smppbridge.smpp.addresses import Destination, DistributionList, SmeAddress, UnsuccessSme
from smppbridge.smpp.constants import EsmClass, Status, Tag
from smppbridge.smpp.pdu import DataSm, DataSmResp, DeliverSm, SubmitMulti, SubmitMultiResp
from smppbridge.smpp.tlv import tlv
from tests.support.bridge.failing_store import failing, rows
from tests.support.bridge.running import Clock, eventually, metric
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted
from tests.support.bridge.sync import QUIET, SYNC, Slow, delivered, id_of, stages, stat
from tests.support.esme.asking import HOUR, OTHER, bound, data, in_hand, multi, slow, status, texts, to_many
from tests.support.esme.esme import PHONE, Esme, submit

THIRD = "375331112233"
FRIENDS = DistributionList("friends")
STANDARD = "accounts: {pbx: {password: secret, status_codes: standard}}"


def failed(to: str, code: int, ton: int = 1, npi: int = 1) -> UnsuccessSme:
    return UnsuccessSme(ton, npi, to, int(code))


async def data_sm(esme: Esme, pdu: DataSm) -> str:
    """Submit successfully; the message_id."""
    answer = await esme.ask(pdu)
    assert isinstance(answer, DataSmResp)
    assert answer.command_status == 0, hex(answer.command_status)
    return answer.message_id


# --- submit_multi ------------------------------------------------------------------------------------


async def test_every_phone_gets_it_and_has_its_receipt_under_one_id(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with bound(tmp_path, lab) as (app, esme):
        answer = await to_many(esme, multi([PHONE, OTHER, THIRD]))
        assert (answer.command_status, answer.unsuccess_sme) == (0, ())
        await eventually(lambda: [row[0] for row in stages(tmp_path)] == [Stage.SENT] * 3)
        assert {message.recipient for message in lab.sent} == {PHONE, OTHER, THIRD}
        assert texts(lab) == ["Door 3 opened"] * 3
        await lab.push(*(delivered(f"ref-{number}") for number in (1, 2, 3)))
        receipts = await esme.receipts(3)
        assert {(id_of(pdu), stat(pdu)) for pdu in receipts} == {(answer.message_id, "DELIVRD")}
        assert {pdu.source_addr for pdu in receipts} == {PHONE, OTHER, THIRD}
        assert metric(app, "submit_sm_total", account="pbx", status="ESME_ROK") == 3
        assert metric(app, "submit_seconds_count", account="pbx") == 3


async def test_who_cannot_get_it_is_named(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    routes = "routes: [{destination: '375', to: [lab]}]"
    async with bound(tmp_path, lab, routes) as (app, esme):
        to: list[str | Destination] = [PHONE, "12", FRIENDS, SmeAddress(2, 8, "79991234567"), OTHER]
        answer = await to_many(esme, multi(to))
        assert answer.command_status == 0
        assert answer.unsuccess_sme == (
            failed("12", Status.ESME_RINVDSTADR),
            failed("friends", Status.ESME_RINVDLNAME, 0, 0),
            failed("79991234567", Status.ESME_RNOROUTE, 2, 8),
        )
        await eventually(lambda: len(lab.sent) == 2)
        assert set(rows(tmp_path, "SELECT wire_id FROM messages")) == {(answer.message_id,)}
        assert metric(app, "submit_sm_total", account="pbx", status="ESME_ROK") == 2
        assert metric(app, "submit_sm_total", account="pbx", status="ESME_RINVDLNAME") == 1
        assert metric(app, "submit_sm_total", account="pbx", status="ESME_RNOROUTE") == 1


REFUSED: dict[str, tuple[SubmitMulti, int]] = {
    "bad numbers": (multi(["12", "13"]), Status.ESME_RINVDSTADR),
    "lists": (multi([FRIENDS, FRIENDS]), Status.ESME_RINVDLNAME),
    "no text": (multi([PHONE, OTHER], ""), Status.ESME_RINVTEXT),
    "an impossible priority": (multi([PHONE], priority_flag=4), Status.ESME_RINVPRTFLG),
    "replacing": (multi([PHONE, OTHER], replace_if_present_flag=1), Status.ESME_RINVREPFLAG),
    "a time that is none": (multi([PHONE], schedule_delivery_time="2" * 16), Status.ESME_RINVSCHED),
    "a time in 2125": (multi([PHONE], schedule_delivery_time="990000000000000R"), Status.ESME_RINVSCHED),
    "a service that is none": (multi([PHONE, OTHER], service_type="VIP"), Status.ESME_RINVSERTYP),
}


@pytest.mark.parametrize("why", REFUSED)
async def test_one_reason_for_all_is_the_status(tmp_path: Path, why: str) -> None:
    pdu, expected = REFUSED[why]
    async with bound(tmp_path) as (app, esme):
        answer = await to_many(esme, pdu)
        assert (answer.command_status, answer.message_id, answer.unsuccess_sme) == (expected, "", ())
        count = metric(app, "submit_sm_total", account="pbx", status=Status(expected).name)
        assert count == len(pdu.dest_address)
        assert rows(tmp_path, "SELECT id FROM messages") == []


async def test_several_reasons_are_told_one_by_one(tmp_path: Path) -> None:
    async with bound(tmp_path) as (_, esme):
        answer = await to_many(esme, multi(["12", FRIENDS]))
        assert answer.command_status == Status.ESME_RSUBMITFAIL
        assert answer.unsuccess_sme == (
            failed("12", Status.ESME_RINVDSTADR),
            failed("friends", Status.ESME_RINVDLNAME, 0, 0),
        )


async def test_in_the_codes_that_the_account_wants(tmp_path: Path) -> None:
    sections = STANDARD + "\nroutes: [{destination: '375', to: [lab]}]"
    async with bound(tmp_path, sections=sections) as (_, esme):
        answer = await to_many(esme, multi([PHONE, "79991234567"]))
        assert answer.unsuccess_sme == (failed("79991234567", Status.ESME_RSUBMITFAIL),)
        assert (await to_many(esme, multi([PHONE, OTHER], ""))).command_status == Status.ESME_RINVMSGLEN


async def test_as_many_as_there_may_be(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with bound(tmp_path, lab) as (_, esme):
        to = [f"37529{number:07}" for number in range(254)]
        answer = await to_many(esme, multi(to, registered_delivery=0))
        assert (answer.command_status, answer.unsuccess_sme) == (0, ())
        await eventually(lambda: len(lab.sent) == 254)
        assert {message.recipient for message in lab.sent} == set(to)
        bad = await to_many(esme, multi([f"1{number:03}" for number in range(253)] + [FRIENDS]))
        assert len(bad.unsuccess_sme) == 254


async def test_one_phone_named_twice_gets_it_twice(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with bound(tmp_path, lab) as (_, esme):
        assert (await to_many(esme, multi([PHONE, PHONE]))).command_status == 0
        await eventually(lambda: len(lab.sent) == 2)


async def test_the_rate_counts_every_destination(tmp_path: Path) -> None:
    sections = "accounts: {pbx: {password: secret, rate: 0.001, burst: 3}}"
    async with bound(tmp_path, sections=sections) as (_, esme):
        answer = await to_many(esme, multi([PHONE, OTHER, THIRD, PHONE, OTHER]))
        assert answer.unsuccess_sme == tuple(failed(to, Status.ESME_RTHROTTLED) for to in (PHONE, OTHER))
        assert await status(esme, multi([PHONE])) == Status.ESME_RTHROTTLED
        assert await status(esme, submit()) == Status.ESME_RTHROTTLED
        assert await status(esme, data()) == Status.ESME_RTHROTTLED


async def test_the_answer_waits_for_the_provider(tmp_path: Path) -> None:
    lab = Slow("lab", batch=10)
    lab.answers.extend([Rejected("x", status=int(Status.ESME_RINVDSTADR))])
    async with bound(tmp_path, lab, SYNC) as (app, esme):
        esme.send(multi([PHONE, OTHER, "12"]))
        await esme.silence(SubmitMultiResp, QUIET)
        lab.answer.set()
        answer = await esme.expect(SubmitMultiResp)
        assert answer.command_status == 0
        assert answer.unsuccess_sme == (
            failed(PHONE, Status.ESME_RINVDSTADR),
            failed("12", Status.ESME_RINVDSTADR),
        )
        assert metric(app, "submit_sm_total", account="pbx", status="ESME_ROK") == 1
        await eventually(lambda: Stage.SENT in [row[0] for row in stages(tmp_path)])
        await lab.push(delivered("ref-2"))
        receipt = await esme.receipt()
        assert (id_of(receipt), receipt.source_addr) == (answer.message_id, OTHER)
        await esme.silence(DeliverSm)


async def test_the_provider_refuses_all(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    lab.answers.extend([Rejected("x", status=int(Status.ESME_RNOROUTE))] * 2)
    async with bound(tmp_path, lab, SYNC) as (_, esme):
        answer = await to_many(esme, multi([PHONE, OTHER]))
        assert (answer.command_status, answer.unsuccess_sme) == (Status.ESME_RNOROUTE, ())


async def test_nothing_is_taken_that_is_not_saved(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with bound(tmp_path, lab) as (_, esme):
        with failing(tmp_path, f"INSERT ON messages WHEN NEW.recipient = '{OTHER}'"):
            assert await status(esme, multi([PHONE, OTHER])) == Status.ESME_RSYSERR
        assert rows(tmp_path, "SELECT id FROM messages") == []
        assert await status(esme, multi([PHONE, OTHER])) == Status.ESME_ROK


async def test_its_receipts_come_after_a_restart(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    clock = Clock()
    async with scripted(tmp_path, lab, clock=clock) as app:
        esme = await Esme.bound(app.smpp_ports[0])
        message_id = (await to_many(esme, multi([PHONE, OTHER], schedule_delivery_time=HOUR))).message_id
        await esme.close()
    clock.forward(3700)
    async with bound(tmp_path, lab, clock=clock) as (_, esme):
        await eventually(lambda: [row[0] for row in stages(tmp_path)] == [Stage.SENT] * 2)
        await lab.push(delivered("ref-1"), delivered("ref-2"))
        receipts = await esme.receipts(2)
        assert {id_of(pdu) for pdu in receipts} == {message_id}
        assert {pdu.source_addr for pdu in receipts} == {PHONE, OTHER}


async def test_ids_of_old_clients_are_shared_too(tmp_path: Path) -> None:
    async with (
        scripted(tmp_path, ScriptedProvider("lab")) as app,
        await Esme.bound(app.smpp_ports[0], version=0x33) as esme,
    ):
        answer = await to_many(esme, multi([PHONE, OTHER]))
        assert len(answer.message_id) <= 8
        assert rows(tmp_path, "SELECT wire_id FROM messages") == [(answer.message_id,)] * 2


async def test_a_long_text_in_parts_to_several_phones(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with bound(tmp_path, lab) as (_, esme):
        ids = []
        for number, text in enumerate((b"Door ", b"3 opened"), 1):
            part = multi([PHONE, OTHER], esm_class=int(EsmClass.UDHI))
            part.short_message = b"\x05\0\x03\x09\x02" + bytes((number,)) + text
            ids.append((await to_many(esme, part)).message_id)
        await eventually(lambda: len(lab.sent) == 2)
        assert texts(lab) == ["Door 3 opened"] * 2
        assert {message.recipient for message in lab.sent} == {PHONE, OTHER}
        await eventually(lambda: [row[0] for row in stages(tmp_path)].count(Stage.SENT) == 2)
        await lab.push(delivered("ref-1"), delivered("ref-2"))
        receipts = await esme.receipts(4)
        wanted = {(one, phone) for one in ids for phone in (PHONE, OTHER)}
        assert {(id_of(pdu), pdu.source_addr) for pdu in receipts} == wanted


# --- data_sm -----------------------------------------------------------------------------------------


async def test_a_data_sm_is_sent_like_a_submit_sm(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with bound(tmp_path, lab) as (app, esme):
        language = tlv(Tag.LANGUAGE_INDICATOR, 1)
        message_id = await data_sm(esme, data("Door 3 opened", PHONE, language))
        await eventually(lambda: stages(tmp_path)[0][0] == Stage.SENT)
        [message] = lab.sent
        assert (message.text, message.recipient, message.sender) == ("Door 3 opened", PHONE, "ALARM")
        assert message.tlvs == b"\x02\x0d\0\x01\x01"
        await lab.push(delivered("ref-1"))
        receipt = await esme.receipt()
        assert (id_of(receipt), stat(receipt)) == (message_id, "DELIVRD")
        assert metric(app, "submit_sm_total", account="pbx", status="ESME_ROK") == 1
        assert metric(app, "submit_seconds_count", account="pbx") == 1


async def test_a_text_of_any_length(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with bound(tmp_path, lab) as (_, esme):
        await data_sm(esme, data("x" * 900))
        await eventually(lambda: lab.sent)
        assert texts(lab) == ["x" * 900]


async def test_it_lives_as_long_as_it_says(tmp_path: Path) -> None:
    lab, clock = slow(), Clock()
    async with bound(tmp_path, lab, clock=clock) as (_, esme):
        await in_hand(lab, esme)
        message_id = await data_sm(esme, data("short", PHONE, tlv(Tag.QOS_TIME_TO_LIVE, 60)))
        longest = await data_sm(esme, data("long", PHONE, tlv(Tag.QOS_TIME_TO_LIVE, 30 * 86_400)))
        clock.forward(61)
        receipt = await esme.receipt()
        assert (id_of(receipt), stat(receipt)) == (message_id, "EXPIRED")
        [(days,)] = rows(
            tmp_path, f"SELECT (deadline - submitted_at) / 86400000 FROM messages WHERE wire_id = '{longest}'"
        )
        assert days == 30
        assert rows(tmp_path, "SELECT tlvs FROM messages WHERE tlvs IS NOT NULL") == []


BAD_DATA: dict[str, tuple[DataSm, int]] = {
    "a sender that no receipt could name": (data(source_addr="A" * 21), Status.ESME_RINVSRCADR),
    "a phone that no receipt could name": (data(to="+375 (29) 123 - 45 - 67"), Status.ESME_RINVDSTADR),
    "a phone that is none": (data(to="12"), Status.ESME_RINVDSTADR),
    "no text": (data(tlvs=()), Status.ESME_RINVTEXT),
    "half a character": (data("x", data_coding=8), Status.ESME_RINVTEXT),
    "an alphabet that is not carried": (data(data_coding=5), Status.ESME_RINVENCODING),
    "an acknowledgement": (data(esm_class=8), Status.ESME_RINVESMCLASS),
    "no time to live": (data("x", PHONE, tlv(Tag.QOS_TIME_TO_LIVE, 0)), Status.ESME_RINVEXPIRY),
    "a time to live of 136 years": (
        data("x", PHONE, tlv(Tag.QOS_TIME_TO_LIVE, 2**32 - 1)),
        Status.ESME_RINVEXPIRY,
    ),
    "a service that is none": (data(service_type="VIP"), Status.ESME_RINVSERTYP),
}


@pytest.mark.parametrize("why", BAD_DATA)
async def test_what_is_wrong_with_a_data_sm(tmp_path: Path, why: str) -> None:
    pdu, expected = BAD_DATA[why]
    async with bound(tmp_path) as (app, esme):
        assert await status(esme, pdu) == expected
        assert metric(app, "submit_sm_total", account="pbx", status=Status(expected).name) == 1
        assert rows(tmp_path, "SELECT id FROM messages") == []


async def test_a_data_sm_waits_for_the_provider(tmp_path: Path) -> None:
    lab = Slow("lab")
    lab.answers.append(Rejected("x", status=int(Status.ESME_RNOMONEY)))
    sections = "accounts: {pbx: {password: secret, mode: sync, status_codes: standard}}"
    async with bound(tmp_path, lab, sections) as (app, esme):
        esme.send(data())
        await esme.silence(DataSmResp, QUIET)
        lab.answer.set()
        assert (await esme.expect(DataSmResp)).command_status == Status.ESME_RSYSERR
        assert metric(app, "submit_sm_total", account="pbx", status="ESME_RSYSERR") == 1


async def test_parts_of_a_long_text_in_data_sm(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with bound(tmp_path, lab) as (_, esme):
        for number, text in enumerate(("Door ", "3 opened"), 1):
            sar = (
                tlv(Tag.SAR_MSG_REF_NUM, 9),
                tlv(Tag.SAR_TOTAL_SEGMENTS, 2),
                tlv(Tag.SAR_SEGMENT_SEQNUM, number),
            )
            await data_sm(esme, data(text, PHONE, *sar))
        await eventually(lambda: lab.sent)
        assert texts(lab) == ["Door 3 opened"]
