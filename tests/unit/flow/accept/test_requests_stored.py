"""query_sm, cancel_sm, replace_sm, submit_multi and data_sm over a real store while nothing is sent."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from smppbridge.errors import Disabled
from smppbridge.model.message import Outcome, Stage, State
from smppbridge.smpp.addresses import DistributionList, SmeAddress
from smppbridge.smpp.constants import MessageState, Status, Tag
from smppbridge.smpp.pdu import (
    CancelSm,
    DataSm,
    DataSmResp,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    Request,
    SubmitMulti,
    SubmitMultiResp,
)
from smppbridge.smpp.tlv import tlv
from tests.support.bridge.failing_store import rows
from tests.support.builders.accounts import account
from tests.unit.flow.accept.scene import PHONE, Scene, scene, submit

pytestmark = pytest.mark.virtual_time

OTHER = "375297654321"


async def status_of(here: Scene, request: Request) -> int:
    [(response, _)] = await here.ask(request)
    return response.command_status


async def submitted(here: Scene, **fields: Any) -> str:
    [response] = await here.submit(submit(**fields))
    assert response.command_status == 0
    return response.message_id


async def state_of(here: Scene, message_id: str) -> int:
    [(response, _)] = await here.ask(QuerySm(message_id, source_addr="ALARM"))
    assert isinstance(response, QuerySmResp)
    return response.message_state


# --- query_sm --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("err", "code"), [(0, 0), (45, 45), (255, 255), (256, 255), (300, 255), (601, 255)])
async def test_a_message_under_way_and_one_that_has_ended(err: int, code: int) -> None:
    async with scene() as here:
        message_id = await submitted(here)
        [(response, _)] = await here.ask(QuerySm(message_id, source_addr="ALARM"))
        assert response == QuerySmResp(message_id, "", MessageState.ENROUTE, 0)
        [claimed] = await here.store.claim_messages("lab", "pbx", 1, here.clock(), here.clock() + 1000)
        ended = Outcome(claimed.id, State.UNDELIVERABLE, err, "x", 1_760_000_060_000)
        await here.recorder.record("lab", here.clock(), outcomes=[ended])
        [(response, _)] = await here.ask(QuerySm(message_id, source_addr="ALARM"))
        # error_code is one octet.
        assert response == QuerySmResp(message_id, "251009085420000+", MessageState.UNDELIVERABLE, code)


async def test_of_several_with_one_id_the_one_that_lasts_longest_is_told() -> None:
    async with scene() as here:
        first, _ = await here.submit(submit(), submit(to=OTHER), one_id=True)
        await here.ask(CancelSm(message_id=first.message_id, source_addr="ALARM", destination_addr=PHONE))
        assert await state_of(here, first.message_id) == MessageState.ENROUTE
        await here.ask(CancelSm(message_id=first.message_id, source_addr="ALARM", destination_addr=OTHER))
        assert await state_of(here, first.message_id) == MessageState.DELETED


async def test_of_several_that_ended_the_last_to_end_is_told() -> None:
    async with scene() as here:
        first, _ = await here.submit(submit(), submit(to=OTHER), one_id=True)
        claimed = await here.store.claim_messages("lab", "pbx", 2, here.clock(), here.clock() + 1000)
        ids = {message.recipient: message.id for message in claimed}
        for to, end, told in (
            (OTHER, State.DELIVERED, MessageState.ENROUTE),
            (PHONE, State.EXPIRED, MessageState.EXPIRED),
        ):
            ended = Outcome(ids[to], end, 0, "x", here.clock())
            await here.recorder.record("lab", here.clock(), outcomes=[ended])
            assert await state_of(here, first.message_id) == told
            await asyncio.sleep(1)


async def test_only_its_sender_is_told() -> None:
    async with scene() as here:
        named, unnamed = await submitted(here), await submitted(here, source_addr="")
        assert await state_of(here, named) == MessageState.ENROUTE
        [(response, _)] = await here.ask(QuerySm(unnamed, source_addr=""))
        assert response == QuerySmResp(unnamed, "", MessageState.ENROUTE, 0)
        wrong = [
            QuerySm(named, source_addr="OTHER"),
            QuerySm(named, source_addr=""),
            QuerySm(unnamed, source_addr="ALARM"),
            QuerySm("4711", source_addr="ALARM"),
            QuerySm("", source_addr="ALARM"),
        ]
        assert {await status_of(here, request) for request in wrong} == {Status.ESME_RINVMSGID}
        here.link.account = account(name="other")
        assert await status_of(here, QuerySm(named, source_addr="ALARM")) == Status.ESME_RINVMSGID


@pytest.mark.parametrize("ask", [QuerySm, CancelSm, ReplaceSm], ids=lambda one: one.__name__)
async def test_only_who_names_the_sender_may_ask(ask: Callable[..., Request]) -> None:
    async with scene() as here:
        message_id = await submitted(here)
        assert await status_of(here, ask(message_id=message_id, source_addr="WRONG")) == 0x0C
        assert await status_of(here, ask(message_id="404", source_addr="ALARM")) == 0x0C


# --- cancel_sm -------------------------------------------------------------------------------------


async def test_what_waits_is_cancelled_with_its_receipt() -> None:
    async with scene() as here:
        message_id = await submitted(here)
        assert await status_of(here, CancelSm(message_id=message_id, source_addr="ALARM")) == 0
        assert await state_of(here, message_id) == MessageState.DELETED
        assert here.owed == ["pbx"]
        assert rows(here.directory, "SELECT state FROM receipts") == [(State.DELETED,)]


async def test_what_a_provider_has_is_not_cancelled() -> None:
    async with scene() as here:
        message_id = await submitted(here)
        await here.store.claim_messages("lab", "pbx", 1, here.clock(), here.clock() + 1000)
        assert (
            await status_of(here, CancelSm(message_id=message_id, source_addr="ALARM"))
            == Status.ESME_RCANCELFAIL
        )


async def test_all_between_two_addresses() -> None:
    async with scene() as here:
        here.settings(services=["HLR"])
        ids = [await submitted(here, to=to) for to in (PHONE, PHONE, OTHER)]
        of_another_sender = await submitted(here, source_addr="DOOR")
        cancel = CancelSm(source_addr="ALARM", destination_addr="+375 29 123-45-67", dest_addr_ton=1)
        assert await status_of(here, cancel) == 0
        assert [await state_of(here, one) for one in ids] == [MessageState.DELETED] * 2 + [
            MessageState.ENROUTE
        ]
        [(response, _)] = await here.ask(QuerySm(of_another_sender, source_addr="DOOR"))
        assert response == QuerySmResp(of_another_sender, "", MessageState.ENROUTE, 0)
        owed = rows(here.directory, "SELECT m.wire_id FROM receipts r JOIN messages m ON m.id = r.message_id")
        assert {wire_id for (wire_id,) in owed} == set(ids[:2])
        assert len(owed) == 2
        cancel.destination_addr = PHONE
        assert await status_of(here, cancel) == Status.ESME_RCANCELFAIL
        assert here.owed == ["pbx"]


async def test_a_cancelled_message_is_answered_first() -> None:
    async with scene() as here:
        here.settings(mode="sync")
        here.accept(submit())
        await here.submit()  # nothing: time for the COMMIT
        assert here.answers == []
        cancel = CancelSm(source_addr="ALARM", destination_addr=PHONE, dest_addr_ton=1)
        assert await status_of(here, cancel) == 0
        assert [one.command_status for call in here.answers for one in call] == [0]


# --- replace_sm ------------------------------------------------------------------------------------


async def test_a_message_that_waits_gets_a_new_text_and_time() -> None:
    async with scene() as here:
        message_id = await submitted(here, text=b"old")
        replace = ReplaceSm(
            message_id=message_id,
            source_addr="ALARM",
            schedule_delivery_time="000000010000000R",
            short_message=b"new",
        )
        assert await status_of(here, replace) == 0
        assert rows(here.directory, "SELECT text, stage, due_at FROM messages") == [
            ("new", Stage.WAITING, here.clock() + 3_600_000)
        ]
        later = ReplaceSm(
            message_id=message_id,
            source_addr="ALARM",
            schedule_delivery_time="200101000000000+",  # past: at once
            short_message=b"now",
        )
        here.fleet.start()
        assert await status_of(here, later) == 0
        assert ([one.text for one in here.providers["lab"].sent], here.passed) == (["now"], 0)


async def test_a_text_that_would_not_be_taken_changes_nothing() -> None:
    async with scene() as here:
        message_id = await submitted(here, text=b"old")
        refused = await status_of(here, ReplaceSm(message_id=message_id, source_addr="ALARM"))
        assert refused == here.link.account.status_for(Status.ESME_RINVTEXT)
        assert rows(here.directory, "SELECT text FROM messages") == [("old",)]


async def test_what_a_provider_has_is_not_replaced() -> None:
    async with scene() as here:
        message_id = await submitted(here)
        await here.store.claim_messages("lab", "pbx", 1, here.clock(), here.clock() + 1000)
        replace = ReplaceSm(message_id=message_id, source_addr="ALARM", short_message=b"new")
        assert await status_of(here, replace) == Status.ESME_RREPLACEFAIL


async def test_what_is_replaced_is_not_waited_for_any_longer() -> None:
    async with scene() as here:
        here.settings(mode="sync")
        here.accept(submit(b"old"))
        await here.submit()  # nothing: time for the COMMIT
        assert here.answers == []
        [(message_id,)] = rows(here.directory, "SELECT wire_id FROM messages")
        replace = ReplaceSm(message_id=str(message_id), source_addr="ALARM", short_message=b"new")
        assert await status_of(here, replace) == 0
        answers = [(one.command_status, one.message_id) for call in here.answers for one in call]
        assert answers == [(0, message_id)]


@pytest.mark.parametrize("why", ["no connection", "no money"])
async def test_replacing_waits_for_no_provider(why: str) -> None:
    async with scene() as here:
        message_id = await submitted(here)
        here.settings(mode="sync", status_codes="sms-assistent")
        for name in here.fleet:
            if why == "no connection":
                here.fleet[name].linked("gone")
            else:
                here.fleet[name].health.record_failure(
                    Disabled("no money", status=Status.ESME_RNOMONEY, pause=600.0)
                )
        if why == "no money":
            assert await here.statuses(submit(), submit()) == [Status.ESME_RNOMONEY] * 2
        replace = ReplaceSm(message_id=message_id, source_addr="ALARM", short_message=b"new")
        assert await status_of(here, replace) == 0


# --- submit_multi and data_sm ----------------------------------------------------------------------


async def test_some_destinations_are_taken_and_some_are_not() -> None:
    async with scene() as here:
        pdu = SubmitMulti(
            source_addr="ALARM",
            dest_address=(
                SmeAddress(1, 1, PHONE),
                SmeAddress(1, 1, "G777"),
                DistributionList("friends"),
                SmeAddress(1, 1, OTHER),
            ),
            short_message=b"hello",
        )
        [(response, submitted_statuses)] = await here.ask(pdu)
        assert isinstance(response, SubmitMultiResp)
        assert response.command_status == 0
        assert [(one.destination_addr, one.error_status_code) for one in response.unsuccess_sme] == [
            ("G777", Status.ESME_RINVDSTADR),
            ("friends", Status.ESME_RINVDLNAME),
        ]
        assert sorted(submitted_statuses) == [0, 0, Status.ESME_RINVDSTADR, Status.ESME_RINVDLNAME]
        assert len(await here.store.find_messages("pbx", response.message_id)) == 2


async def test_lists_alone_submit_nothing() -> None:
    async with scene() as here:
        pdu = SubmitMulti(dest_address=(DistributionList("a"), DistributionList("b")), short_message=b"hello")
        [(response, _)] = await here.ask(pdu)
        assert response.command_status == Status.ESME_RINVDLNAME


async def test_data_sm_is_a_submit_sm() -> None:
    async with scene() as here:
        pdu = DataSm(
            source_addr="ALARM",
            dest_addr_ton=1,
            destination_addr=PHONE,
            tlvs=(tlv(Tag.MESSAGE_PAYLOAD, b"hello"),),
        )
        [(response, statuses)] = await here.ask(pdu)
        assert isinstance(response, DataSmResp)
        assert statuses == [0]
        assert rows(here.directory, "SELECT text FROM messages") == [("hello",)]


# --- a store that fails ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ask",
    [
        lambda message_id: QuerySm(message_id, source_addr="ALARM"),
        lambda message_id: CancelSm(message_id=message_id, source_addr="ALARM"),
        lambda message_id: CancelSm(source_addr="ALARM", destination_addr=PHONE, dest_addr_ton=1),
        lambda message_id: ReplaceSm(message_id=message_id, source_addr="ALARM", short_message=b"new"),
        lambda message_id: SubmitMulti(dest_address=(SmeAddress(1, 1, OTHER),), short_message=b"hello"),
    ],
    ids=["query", "cancel", "cancel all", "replace", "submit_multi"],
)
async def test_a_store_that_fails_at_any_call_is_said_once(
    ask: Callable[[str], Request], caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(1, 10):
        async with scene() as here:
            message_id = await submitted(here)
            here.failing.fail_at(number)
            status = await status_of(here, ask(message_id))
            assert status == (Status.ESME_RSYSERR if here.failing.failed else 0)
            if not here.failing.failed:
                return
            assert "not carried out" in caplog.text or "not saved" in caplog.text
            caplog.clear()
    raise AssertionError("the store failed for ever")
