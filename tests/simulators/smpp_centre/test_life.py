"""The simulated SMSC itself: when a receipt comes, to whom, and how often."""

import asyncio

import pytest

from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import DeliverSm, DeliverSmResp
from smppbridge.smpp.session import Timers
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.running import PATIENCE, eventually
from tests.support.esme.esme import PHONE, Esme, submit
from tests.support.system.clock import clock, turns, until


async def bound(centre: CentreSimulator, kind: str = "TRX") -> Esme:
    return await Esme.bound(centre.port, "user", kind)


async def test_receipt_comes_back_to_the_sender() -> None:
    async with CentreSimulator() as centre, await bound(centre) as esme:
        message_id = await esme.submit(submit(source_addr="GATE", source_addr_ton=5))
        receipt = await esme.expect(DeliverSm)
        assert centre.pending == 1
        esme.answer(receipt)
        await asyncio.wait_for(centre.settled(), PATIENCE)
        assert (receipt.source_addr_ton, receipt.source_addr_npi, receipt.source_addr) == (1, 1, PHONE)
        assert (receipt.dest_addr_ton, receipt.dest_addr_npi, receipt.destination_addr) == (5, 0, "GATE")
        assert receipt.esm_class == 0x04
        assert receipt.tlv(Tag.RECEIPTED_MESSAGE_ID) == message_id
        assert (receipt.tlv(Tag.MESSAGE_STATE), centre.pending) == (2, 0)
        ((request, response),) = centre.answers
        assert isinstance(request, DeliverSm)
        assert isinstance(response, DeliverSmResp)
        assert (centre.counts["receipts_sent"], centre.counts["receipts_answered"]) == (1, 1)


async def test_delay_and_latency() -> None:
    rules = Rules(delay=20.0, latency=4.0)
    async with CentreSimulator(rules) as centre, await bound(centre) as esme:
        clock().stop_clock()
        submitting = asyncio.ensure_future(esme.submit_many([submit(), submit()]))
        await until(lambda: len(centre.submitted) == 2)
        clock().forward(3.0)
        await turns()
        assert not submitting.done()
        clock().forward(1.0)
        await submitting
        clock().forward(18.0)
        await turns()
        assert centre.counts["receipts_sent"] == 0
        clock().forward(2.0)
        await esme.receipts(2)


async def test_a_short_delay_does_not_wait_for_a_long_one() -> None:
    async with CentreSimulator(Rules(delay=3600)) as centre, await bound(centre) as esme:
        await esme.submit(submit("slow"))
        centre.rules.delay = 0.0
        await esme.submit(submit("fast"))
        assert (await esme.receipt()).short_message.endswith(b"text:fast")
        await eventually(lambda: centre.pending == 1)  # the slow one


@pytest.mark.parametrize(
    ("registered", "stat", "comes"),
    [
        (0, "DELIVRD", False),
        (1, "DELIVRD", True),
        (1, "UNDELIV", True),
        (2, "DELIVRD", False),
        (2, "EXPIRED", True),
        (3, "DELIVRD", True),
        (3, "REJECTD", False),
        (1, "", False),
    ],
)
async def test_receipts_that_are_asked_for(registered: int, stat: str, comes: bool) -> None:
    rules = Rules(outcomes=lambda pdu: stat)
    async with CentreSimulator(rules) as centre, await bound(centre) as esme:
        await esme.submit(submit(registered_delivery=registered))
        if comes:
            receipt = await esme.receipt()
            assert b"stat:" + stat.encode() in receipt.short_message
        await asyncio.wait_for(centre.settled(), PATIENCE)
        assert centre.counts["receipts_sent"] == comes


async def test_intermediate_notification() -> None:
    async with CentreSimulator(Rules(intermediate=True)) as centre, await bound(centre) as esme:
        await esme.submit(submit(registered_delivery=0x11))
        first, second = await esme.receipts(2)
        assert (first.esm_class, first.tlv(Tag.MESSAGE_STATE)) == (0x20, 1)
        assert b"stat:ENROUTE" in first.short_message
        assert (second.esm_class, second.tlv(Tag.MESSAGE_STATE)) == (0x04, 2)
        await esme.submit(submit(registered_delivery=1))
        assert (await esme.receipt()).esm_class == 0x04
        await asyncio.wait_for(centre.settled(), PATIENCE)


async def test_receipts_go_to_those_who_may_receive() -> None:
    async with (
        CentreSimulator() as centre,
        await bound(centre, "TX") as transmitter,
        await bound(centre, "RX") as receiver,
    ):
        centre.rules.system_id = "other"
        async with await Esme.bound(centre.port, "other") as other:
            await transmitter.submit(submit())
            await receiver.receipt()
            await asyncio.wait_for(centre.settled(), PATIENCE)
            await other.submit(submit())
            await other.receipt()
            await asyncio.wait_for(centre.settled(), PATIENCE)


async def test_receipts_are_shared_among_sessions() -> None:
    async with CentreSimulator() as centre, await bound(centre) as one, await bound(centre) as two:
        for _ in range(4):
            await one.submit(submit())
            await eventually(lambda: centre.counts["receipts_sent"] == centre.counts["taken"])
        await one.receipt()
        await two.receipt()


async def test_receipt_waits_for_a_session() -> None:
    async with CentreSimulator() as centre:
        async with await bound(centre, "TX") as esme:
            await esme.submit(submit())
            await esme.silence(DeliverSm, 0.05)
        assert (centre.pending, centre.counts["receipts_sent"]) == (1, 0)
        async with await bound(centre, "RX") as esme:
            await esme.receipt()


async def test_unanswered_receipts_are_sent_again_in_their_order() -> None:
    async with CentreSimulator() as centre:
        async with await bound(centre) as esme:
            await esme.submit_many([submit(f"text {number}") for number in range(3)])
            lost = [await esme.receipt(status=None) for _ in range(3)]
        assert centre.pending == 3
        async with await bound(centre) as esme:
            again = await esme.receipts(3)
            assert [one.short_message for one in again] == [one.short_message for one in lost]
            await asyncio.wait_for(centre.settled(), PATIENCE)


async def test_receipt_without_an_answer_in_time_is_sent_again() -> None:
    timers = Timers(response=5.0)
    async with CentreSimulator(timers=timers) as centre, await bound(centre) as esme:
        await esme.submit(submit())
        first = await esme.receipt(status=None)
        clock().forward(5.0)
        assert (await esme.receipt()).short_message == first.short_message


@pytest.mark.parametrize("status", [0x08, 0x14, 0x58, 0x64])
async def test_receipt_that_is_refused_for_now_is_sent_again(status: int) -> None:
    async with CentreSimulator(Rules(retry_pause=0.05)) as centre, await bound(centre) as esme:
        await esme.submit(submit())
        first = await esme.receipt(status)
        await eventually(lambda: centre.counts["receipts_refused"] == 1)
        assert centre.pending == 1
        assert (await esme.receipt()).short_message == first.short_message
        await asyncio.wait_for(centre.settled(), PATIENCE)
        assert [response.command_status for _, response in centre.answers] == [status, 0]


async def test_receipt_that_is_refused_for_good_is_given_up() -> None:
    async with CentreSimulator(Rules(retry_pause=0.01)) as centre, await bound(centre) as esme:
        await esme.submit(submit())
        await esme.receipt(0x65)
        await asyncio.wait_for(centre.settled(), PATIENCE)
        await esme.silence(DeliverSm, 0.1)
        assert (centre.counts["receipts_refused"], centre.counts["receipts_answered"]) == (1, 0)


async def test_window_of_receipts() -> None:
    async with CentreSimulator(Rules(window=2)) as centre, await bound(centre) as esme:
        await esme.submit_many([submit()] * 5)
        held = [await esme.receipt(status=None) for _ in range(2)]
        await esme.silence(DeliverSm, 0.05)
        for one in held:
            esme.answer(one)
        await esme.receipts(3)
