"""query_sm and cancel_sm over real sockets (SMPP 3.4 §4.8, §4.9), and what all requests share."""

from datetime import UTC, datetime
from pathlib import Path

from smppbridge.model.message import Stage, State, StatusReport
from smppbridge.smpp.addresses import SmeAddress
from smppbridge.smpp.constants import EsmClass, Status
from smppbridge.smpp.pdu import DataSm, DeliverSm, Pdu, SubmitMulti, SubmitSmResp
from smppbridge.smpp.times import parse_time
from tests.support.bridge.failing_store import failing
from tests.support.bridge.running import Clock, eventually, metric
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted
from tests.support.bridge.sync import QUIET, SYNC, delivered, id_of, stages, stat
from tests.support.esme.asking import (
    HOUR,
    OTHER,
    bound,
    cancel,
    in_hand,
    later,
    multi,
    query,
    replace,
    slow,
    state,
    status,
    texts,
    to_many,
    told,
)
from tests.support.esme.esme import PHONE, Esme, submit

NOBODY = "4711"  # a message_id that nobody has been given
ACCOUNTS = "accounts: {pbx: {password: secret, services: [HLR]}, other: {password: secret}}"
ENROUTE, DELETED = int(State.ENROUTE), int(State.DELETED)


OTHERS: tuple[tuple[Pdu, int], ...] = (
    (SubmitMulti(dest_address=(SmeAddress(1, 1, PHONE),), short_message=b"x"), Status.ESME_ROK),
    (DataSm(destination_addr=PHONE), Status.ESME_RINVTEXT),
    (query(NOBODY), Status.ESME_RINVMSGID),
    (cancel(NOBODY), Status.ESME_RINVMSGID),
    (replace(NOBODY), Status.ESME_RINVMSGID),
)


async def test_every_request_has_an_answer_of_its_own(tmp_path: Path) -> None:
    async with bound(tmp_path) as (_, esme):
        assert [await status(esme, pdu) for pdu, _ in OTHERS] == [expected for _, expected in OTHERS]
        assert await esme.submit(submit())


async def test_and_is_refused_on_a_receiver(tmp_path: Path) -> None:
    async with (
        scripted(tmp_path, ScriptedProvider("lab")) as app,
        await Esme.bound(app.smpp_ports[0], kind="RX") as esme,
    ):
        assert {await status(esme, pdu) for pdu, _ in OTHERS} == {Status.ESME_RINVBNDSTS}


# --- query_sm ----------------------------------------------------------------------------------------


async def test_a_message_is_enroute_until_it_ends(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with bound(tmp_path, lab) as (_, esme):
        scheduled = await told(esme, await esme.submit(later()))
        assert (scheduled.message_state, scheduled.final_date, scheduled.error_code) == (ENROUTE, "", 0)
        message_id = await esme.submit(submit())
        await eventually(lambda: stages(tmp_path)[1][0] == Stage.SENT)
        await lab.push(StatusReport("ref-1", int(State.ACCEPTED), False, 0, "0"))
        assert await state(esme, message_id) == ENROUTE
        await lab.push(delivered("ref-1"))
        ended = await told(esme, message_id)
        assert (ended.message_state, ended.error_code) == (State.DELIVERED, 0)
        done = parse_time(ended.final_date, datetime.now(UTC))
        assert done is not None
        assert abs((datetime.now(UTC) - done).total_seconds()) < 60
        assert ended.final_date.endswith("000+")


# --- cancel_sm ---------------------------------------------------------------------------------------


async def test_a_scheduled_message_is_cancelled(tmp_path: Path) -> None:
    lab, clock = ScriptedProvider("lab"), Clock()
    async with bound(tmp_path, lab, clock=clock) as (app, esme):
        message_id = await esme.submit(later())
        assert await status(esme, cancel(message_id)) == Status.ESME_ROK
        receipt = await esme.receipt()
        assert (id_of(receipt), stat(receipt)) == (message_id, "DELETED")
        assert await state(esme, message_id) == DELETED
        assert metric(app, "outcomes_total", provider="lab", state="DELETED") == 1
        clock.forward(7200)
        await esme.submit(submit("after"))
        await eventually(lambda: lab.sent)
        await esme.silence(DeliverSm)
        assert texts(lab) == ["after"]


async def test_a_queued_one_too(tmp_path: Path) -> None:
    lab = slow()
    async with bound(tmp_path, lab) as (_, esme):
        await in_hand(lab, esme)
        queued = [await esme.submit(submit(f"text {n}")) for n in range(2)]
        assert await status(esme, cancel(queued[0], to=PHONE)) == Status.ESME_ROK
        assert stat(await esme.receipt()) == "DELETED"
        lab.answer.set()
        await eventually(lambda: len(lab.sent) == 2)
        assert texts(lab) == ["Door 3 opened", "text 1"]


async def test_what_left_the_bridge_is_not(tmp_path: Path) -> None:
    lab = slow()
    async with bound(tmp_path, lab) as (_, esme):
        message_id = await in_hand(lab, esme)
        refusals = [await status(esme, cancel(message_id))]
        lab.answer.set()
        await eventually(lambda: stages(tmp_path)[0][0] == Stage.SENT)
        refusals.append(await status(esme, cancel(message_id)))
        await lab.push(delivered("ref-1"))
        refusals.append(await status(esme, cancel(message_id)))
        assert refusals == [Status.ESME_RCANCELFAIL] * 3
        assert stat(await esme.receipt()) == "DELIVRD"


async def test_nor_is_it_cancelled_twice(tmp_path: Path) -> None:
    async with bound(tmp_path) as (_, esme):
        message_id = await esme.submit(later())
        assert await status(esme, cancel(message_id)) == Status.ESME_ROK
        assert await status(esme, cancel(message_id)) == Status.ESME_RCANCELFAIL
        assert stat(await esme.receipt()) == "DELETED"
        await esme.silence(DeliverSm)


async def test_whose_message_it_is_must_be_right(tmp_path: Path) -> None:
    async with (
        scripted(tmp_path, ScriptedProvider("lab"), sections=ACCOUNTS) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
        await Esme.bound(app.smpp_ports[0], "other") as other,
    ):
        message_id = await esme.submit(later())
        wrong = [
            cancel(NOBODY),
            cancel(message_id, "OTHER"),
            cancel(message_id, ""),
            cancel(message_id, to=OTHER),
        ]
        assert {await status(esme, pdu) for pdu in wrong} == {Status.ESME_RINVMSGID}
        assert await status(other, cancel(message_id)) == Status.ESME_RINVMSGID
        assert await state(esme, message_id) == ENROUTE


async def test_those_of_one_service_only(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab", services=["HLR"])
    async with bound(tmp_path, lab, sections=ACCOUNTS) as (_, esme):
        check = await esme.submit(later("", service_type="HLR"))
        plain = await esme.submit(later())
        assert await status(esme, cancel(to=PHONE, service_type="HLR")) == Status.ESME_ROK
        assert (await state(esme, check), await state(esme, plain)) == (DELETED, ENROUTE)
        assert await status(esme, cancel(to=PHONE, service_type="HLR")) == Status.ESME_RCANCELFAIL
        assert await status(esme, cancel(to=PHONE, service_type="CMT")) == Status.ESME_ROK
        assert await state(esme, plain) == DELETED


async def test_addresses_that_make_no_sense(tmp_path: Path) -> None:
    async with bound(tmp_path) as (_, esme):
        assert await status(esme, cancel()) == Status.ESME_RINVDSTADR
        assert await status(esme, cancel(to="12")) == Status.ESME_RINVDSTADR
        assert await status(esme, cancel(to=PHONE, service_type="VIP")) == Status.ESME_RINVSERTYP


async def test_what_came_just_before_is_cancelled_with_the_rest(tmp_path: Path) -> None:
    """In one write, and so in one read."""
    async with bound(tmp_path) as (_, esme):
        esme.send(later(), cancel(to=PHONE), later("after"))
        answers = [await esme.next() for _ in range(3)]
        assert [answer.command_status for answer in answers] == [0, 0, 0]
        await eventually(lambda: len(stages(tmp_path)) == 2)
        assert [row[0] for row in stages(tmp_path)] == [Stage.FINAL, Stage.WAITING]


async def test_more_than_one_chunk(tmp_path: Path) -> None:
    count = 1100
    async with bound(tmp_path) as (app, esme):
        await esme.submit_many([later(registered_delivery=0) for _ in range(count)])
        assert await status(esme, cancel(to=PHONE)) == Status.ESME_ROK
        assert set(stages(tmp_path)) == {(Stage.FINAL, DELETED)}
        assert metric(app, "outcomes_total", provider="lab", state="DELETED") == count


async def test_one_destination_of_several(tmp_path: Path) -> None:
    lab, clock = ScriptedProvider("lab"), Clock()
    async with bound(tmp_path, lab, clock=clock) as (_, esme):
        message_id = (await to_many(esme, multi([PHONE, OTHER], schedule_delivery_time=HOUR))).message_id
        assert await status(esme, cancel(message_id, to=OTHER)) == Status.ESME_ROK
        receipt = await esme.receipt()
        assert (stat(receipt), receipt.source_addr) == ("DELETED", OTHER)
        assert await state(esme, message_id) == ENROUTE
        clock.forward(3700)
        await eventually(lambda: lab.sent)
        assert [message.recipient for message in lab.sent] == [PHONE]


async def test_a_long_message_by_any_of_its_parts(tmp_path: Path) -> None:
    async with bound(tmp_path) as (_, esme):
        parts = [
            later(b"\x05\0\x03\x09\x02" + bytes((number,)) + b"Door ", esm_class=int(EsmClass.UDHI))
            for number in (1, 2)
        ]
        ids = await esme.submit_many(parts)
        await eventually(lambda: Stage.WAITING in [row[0] for row in stages(tmp_path)])
        assert await state(esme, ids[1]) == ENROUTE
        assert await status(esme, cancel(ids[1])) == Status.ESME_ROK
        receipts = await esme.receipts(2)
        assert {(id_of(pdu), stat(pdu)) for pdu in receipts} == {(one, "DELETED") for one in ids}
        assert [await state(esme, one) for one in ids] == [DELETED] * 2


async def test_it_is_cancelled_after_a_restart(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with bound(tmp_path, lab) as (_, esme):
        first, second = [await esme.submit(later()) for _ in range(2)]
        assert await status(esme, cancel(first, to=PHONE)) == Status.ESME_ROK
    async with bound(tmp_path, lab) as (_, esme):
        assert [await state(esme, one) for one in (first, second)] == [DELETED, ENROUTE]
        assert await status(esme, cancel(second)) == Status.ESME_ROK
        assert {(id_of(pdu), stat(pdu)) for pdu in await esme.receipts(2)} == {
            (first, "DELETED"), (second, "DELETED"),
        }  # fmt: skip


async def test_who_waits_for_the_provider_is_answered(tmp_path: Path) -> None:
    lab = slow()
    async with bound(tmp_path, lab, sections=SYNC) as (_, esme):
        esme.send(submit(to=OTHER))
        await eventually(lambda: lab.sent)
        esme.send(submit())
        await esme.silence(SubmitSmResp, QUIET)
        esme.send(cancel(to=PHONE))
        answer = await esme.next()
        assert (type(answer), answer.command_status) == (SubmitSmResp, 0)
        assert (await esme.next()).command_status == 0
        assert isinstance(answer, SubmitSmResp)
        receipt = await esme.receipt()
        assert (id_of(receipt), stat(receipt)) == (answer.message_id, "DELETED")


async def test_a_store_that_fails_cancels_nothing(tmp_path: Path) -> None:
    async with bound(tmp_path) as (_, esme):
        message_id = await esme.submit(later())
        with failing(tmp_path, "UPDATE ON messages"):
            assert await status(esme, cancel(message_id)) == Status.ESME_RSYSERR
            assert await status(esme, cancel(to=PHONE)) == Status.ESME_RSYSERR
            assert await status(esme, replace(message_id)) == Status.ESME_RSYSERR
        assert await state(esme, message_id) == ENROUTE
        assert await status(esme, cancel(message_id)) == Status.ESME_ROK
