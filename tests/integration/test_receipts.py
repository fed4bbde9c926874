"""Receipts on their way to the equipment: which, to whom, in which order, and when the answer is not yes."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from smppbridge.app import App
from smppbridge.smpp.constants import Status, Tag
from smppbridge.smpp.pdu import DeliverSm, SubmitSmResp
from tests.simulators.smspilot.simulator import Rules, SmspilotSimulator
from tests.support.bridge.owed import all_delivered
from tests.support.bridge.running import Clock, bridge, eventually, free_port, metric, pilot
from tests.support.bridge.sync import id_of
from tests.support.esme.esme import Esme, submit

SLOW = "providers: {lab: {kind: sandbox, delay: 0.3s, outcomes: {DELIVRD: 1}}}\n"
GOOD, BAD = "375291234567", "79021234567"
BOTH_ENDS = """
providers:
  good: {kind: sandbox, delay: 0, outcomes: {DELIVRD: 1}}
  bad: {kind: sandbox, delay: 0, outcomes: {UNDELIV: 1}}
routes: [{destination: '375', to: [good]}, {to: [bad]}]
"""


async def outcomes(app: App, count: int) -> None:
    """Wait until ``count`` messages are final."""
    await eventually(lambda: metric(app, "outcomes_total", provider="lab", state="DELIVERED") == count)


async def answers(app: App, word: str, count: int) -> None:
    """Wait until ``count`` deliver_sm ended so."""
    await eventually(lambda: metric(app, "deliver_sm_total", account="pbx", status=word) == count)


# --- which -----------------------------------------------------------------------------------------


async def test_registered_delivery(tmp_path: Path) -> None:
    async with bridge(tmp_path, BOTH_ENDS) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        ids = {
            (asked, phone): await esme.submit(submit(to=phone, registered_delivery=asked))
            for asked in (0, 1, 2, 3)
            for phone in (GOOD, BAD)
        }
        wanted = {ids[asked] for asked in ((1, GOOD), (1, BAD), (2, BAD), (3, GOOD))}
        assert {id_of(pdu) for pdu in await esme.receipts(4)} == wanted
        await eventually(
            lambda: (
                metric(app, "outcomes_total", provider="good", state="DELIVERED") == 4
                and metric(app, "outcomes_total", provider="bad", state="UNDELIVERABLE") == 4
            )
        )
        await all_delivered(tmp_path, esme)


async def test_a_datagram_has_no_receipt(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit(submit(esm_class=1))
        await outcomes(app, 1)
        await all_delivered(tmp_path, esme)


async def test_intermediate_notifications(tmp_path: Path) -> None:
    port = free_port()
    async with (
        SmspilotSimulator(Rules(delay=3600)) as simulator,
        bridge(tmp_path, pilot(simulator.url, web_port=port)) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        plain = await esme.submit(submit(to=GOOD))
        watched = await esme.submit(submit(to=BAD, registered_delivery=0x11))
        await eventually(lambda: metric(app, "attempts_total", provider="pilot", result="sent") == 2)
        simulator.move_on()  # each callback has come before the next one goes
        pdus = [await esme.receipt()]
        await eventually(lambda: simulator.callbacks.answered == 2)
        simulator.move_on()
        pdus += await esme.receipts(2)
        assert [pdu.esm_class for pdu in pdus if id_of(pdu) == plain] == [0x04]
        told = [(pdu.esm_class, pdu.tlv(Tag.MESSAGE_STATE)) for pdu in pdus if id_of(pdu) == watched]
        assert told == [(0x20, 1), (0x04, 2)]
        assert b"stat:ENROUTE" in next(pdu for pdu in pdus if pdu.esm_class == 0x20).short_message
        await all_delivered(tmp_path, esme)


# --- to whom ---------------------------------------------------------------------------------------


async def test_receipts_wait_for_a_bind_that_may_receive(tmp_path: Path) -> None:
    async with bridge(tmp_path, "accounts: {pbx: {password: secret}, other: {password: secret}}") as app:
        port = app.smpp_ports[0]
        async with await Esme.bound(port, kind="TX") as sender:
            ids = await sender.submit_many([submit() for _ in range(5)])
            await outcomes(app, 5)
            await sender.quiet(DeliverSm)
        async with (
            await Esme.bound(port, kind="TX") as sender,
            await Esme.bound(port, "other") as other,
            await Esme.bound(port, kind="RX") as receiver,
        ):
            assert [id_of(pdu) for pdu in await receiver.receipts(5)] == ids
            await all_delivered(tmp_path, sender, other, receiver)


async def test_a_receipt_goes_to_the_bind_that_submitted_else_to_another(tmp_path: Path) -> None:
    async with (
        bridge(tmp_path, SLOW) as app,
        await Esme.bound(app.smpp_ports[0]) as first,
        await Esme.bound(app.smpp_ports[0]) as second,
    ):
        for esme in (second, first):
            message_id = await esme.submit(submit())
            assert id_of(await esme.receipt()) == message_id
        lost = await second.submit(submit())
        await second.close()
        assert id_of(await first.receipt()) == lost


async def test_a_receipt_of_a_transmitter_goes_to_a_receiver(tmp_path: Path) -> None:
    async with (
        bridge(tmp_path) as app,
        await Esme.bound(app.smpp_ports[0], kind="TX") as sender,
        await Esme.bound(app.smpp_ports[0], kind="RX") as receiver,
    ):
        message_id = await sender.submit(submit())
        assert id_of(await receiver.receipt()) == message_id
        await all_delivered(tmp_path, sender)


async def test_receipts_survive_a_restart(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        ids = await esme.submit_many([submit() for _ in range(20)])
        unanswered = [await esme.receipt(None) for _ in range(20)]
        assert [id_of(pdu) for pdu in unanswered] == ids
        for pdu in unanswered[:5]:
            esme.answer(pdu)
        await answers(app, "ESME_ROK", 5)
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        assert [id_of(pdu) for pdu in await esme.receipts(15)] == ids[5:]
        await answers(app, "ESME_ROK", 15)
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await all_delivered(tmp_path, esme)


# --- the answers -----------------------------------------------------------------------------------


async def test_the_window(tmp_path: Path) -> None:
    async with (
        bridge(tmp_path, "accounts: {pbx: {password: secret, window: 2}}") as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        ids = await esme.submit_many([submit() for _ in range(6)])
        await outcomes(app, 6)
        came = [await esme.receipt(None), await esme.receipt(None)]
        for _ in range(4):
            await esme.quiet(DeliverSm)
            esme.answer(came[-2])
            came.append(await esme.receipt(None))
        assert [id_of(pdu) for pdu in came] == ids


async def test_a_temporary_refusal_puts_a_receipt_behind_the_others(tmp_path: Path) -> None:
    clock = Clock()
    async with bridge(tmp_path, clock=clock) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        refused = await esme.submit(submit())
        assert id_of(await esme.receipt(Status.ESME_RX_T_APPN)) == refused
        await answers(app, "ESME_RX_T_APPN", 1)
        others = [await esme.submit(submit()) for _ in range(3)]
        assert [id_of(pdu) for pdu in await esme.receipts(3)] == others
        await answers(app, "ESME_ROK", 3)
        await esme.quiet(DeliverSm)
        clock.forward(10)
        last = await esme.submit(submit())
        assert {id_of(pdu) for pdu in await esme.receipts(2)} == {refused, last}
        await all_delivered(tmp_path, esme)


async def test_a_connection_that_is_lost_owes_its_receipts_to_the_next(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app:
        async with await Esme.bound(app.smpp_ports[0]) as esme:
            ids = await esme.submit_many([submit() for _ in range(10)])
            esme.answer(await esme.receipt(None))
            for _ in range(9):
                await esme.receipt(None)
            await answers(app, "ESME_ROK", 1)
        async with await Esme.bound(app.smpp_ports[0], kind="RX") as esme:
            assert [id_of(pdu) for pdu in await esme.receipts(9)] == ids[1:]


async def test_the_oldest_comes_first(tmp_path: Path) -> None:
    async with bridge(tmp_path, "accounts: {pbx: {password: secret, window: 3}}") as app:
        async with await Esme.bound(app.smpp_ports[0], kind="TX") as sender:
            ids = []
            for count in range(1, 11):
                ids += await sender.submit_many([submit() for _ in range(10)])
                await outcomes(app, 10 * count)
        async with await Esme.bound(app.smpp_ports[0], kind="RX") as receiver:
            assert [id_of(pdu) for pdu in await receiver.receipts(100)] == ids


async def test_no_receipt_comes_before_the_response_to_its_submit(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        known: set[object] = set()
        receipts = 0
        for _ in range(10):
            esme.send(*(submit() for _ in range(50)))
        while receipts < 500:
            pdu = await esme.next()
            if isinstance(pdu, SubmitSmResp):
                known.add(pdu.message_id)
            elif isinstance(pdu, DeliverSm):
                assert id_of(pdu) in known
                esme.answer(pdu)
                receipts += 1


# --- how they look ---------------------------------------------------------------------------------

NOW = datetime(2026, 3, 5, 22, 59, 58, tzinfo=UTC)


WITHOUT_TEXT = (
    "id:%s sub:001 dlvrd:001 submit date:2603052259 done date:2603052259 stat:DELIVRD err:000 text:"
)
LOOKS = {  # profile -> message and receipt
    "{}": ("Door 3 opened, the alarm is set", WITHOUT_TEXT + "Door 3 opened, the a"),
    "{tlvs: false}": ("Café", WITHOUT_TEXT),  # not ASCII
    "{text: false}": ("short", WITHOUT_TEXT),
    "{time_zone: Europe/Minsk, dates: YYMMDDhhmmss}": (
        "short",
        "id:%s sub:001 dlvrd:001 submit date:260306015958 done date:260306015958 stat:DELIVRD err:000"
        " text:short",
    ),
}


async def test_the_text_of_a_receipt(tmp_path: Path) -> None:
    accounts = [f"a{n}: {{password: secret, receipt: {profile}}}" for n, profile in enumerate(LOOKS)]
    settings = f"accounts: {{{', '.join(accounts)}}}"
    milliseconds = int(NOW.timestamp() * 1000)
    async with bridge(tmp_path, settings, lambda: milliseconds) as app:
        for number, (text, receipt) in enumerate(LOOKS.values()):
            async with await Esme.bound(app.smpp_ports[0], f"a{number}") as esme:
                message_id = await esme.submit(submit(text))
                assert (await esme.receipt()).short_message.decode() == receipt % message_id


async def test_the_words_of_a_rejected_message(tmp_path: Path) -> None:
    settings = """
accounts: {a: {password: secret}, b: {password: secret, receipt: {words: sms-assistent}}}
providers: {lab: {kind: sandbox, delay: 0, outcomes: {REJECTD: 1}}}
"""
    async with bridge(tmp_path, settings) as app:
        for account, stat in (("a", b" stat:REJECTD err:001 "), ("b", b" stat:REJECTED err:001 ")):
            async with await Esme.bound(app.smpp_ports[0], account) as esme:
                await esme.submit(submit())
                pdu = await esme.receipt()
                assert stat in pdu.short_message
                assert b" dlvrd:000 " in pdu.short_message
                assert pdu.tlv(Tag.MESSAGE_STATE) == 8


@pytest.mark.parametrize("tlvs", [True, False])
async def test_the_rest_of_a_receipt(tmp_path: Path, tlvs: bool) -> None:
    accounts = f"accounts: {{pbx: {{password: secret, receipt: {{tlvs: {str(tlvs).lower()}}}}}}}"
    async with bridge(tmp_path, accounts) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        message_id = await esme.submit(submit(to="+375 29 123-45-67"))
        pdu = await esme.receipt()
        assert (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr) == (1, 1, "+375 29 123-45-67")
        assert (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr) == (5, 0, "ALARM")
        assert (pdu.esm_class, pdu.data_coding, pdu.registered_delivery) == (0x04, 0, 0)
        expected = (
            (Tag.RECEIPTED_MESSAGE_ID, message_id.encode() + b"\0"),
            (Tag.MESSAGE_STATE, b"\x02"),
            (Tag.PROVIDER, b"lab\0"),
            (Tag.PROVIDER_CODE, b"DELIVRD\0"),
            (Tag.NETWORK_ERROR_CODE, b"\x03\0\0"),
        )
        assert pdu.tlvs == (expected if tlvs else ())
