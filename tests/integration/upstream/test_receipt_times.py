"""When receipts of an SMSC come: before the answer, twice, after a restart, part by part, and on the way."""

from pathlib import Path

import pytest

from smppbridge.smpp.constants import EsmClass, RegisteredDelivery
from smppbridge.smpp.pdu import DeliverSm
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.failing_store import rows
from tests.support.bridge.running import eventually
from tests.support.bridge.upstream import linked
from tests.support.bridge.upstream_steps import FINAL, NEVER, SENT, kept, newest_stage, read
from tests.support.esme.esme import Esme, submit
from tests.support.system.clock import clock

# --- when it comes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("receipt_first", [False, True])
@pytest.mark.parametrize("receipt_twice", [False, True])
@pytest.mark.parametrize(("ids", "written"), [("decimal", "same"), ("hex", "decimal")])
async def test_before_the_answer_and_twice(
    tmp_path: Path, receipt_first: bool, receipt_twice: bool, ids: str, written: str
) -> None:
    rules = Rules(receipt_first=receipt_first, receipt_twice=receipt_twice, ids=ids, receipt_ids=written)
    async with (
        CentreSimulator(rules) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        ids_given = await esme.submit_many([submit(to=f"3752911111{number:02}") for number in range(30)])
        assert {read(pdu).id for pdu in await esme.receipts(30)} == set(ids_given)
        await centre.settled()
        assert centre.counts["receipts_answered"] == 30 * (1 + receipt_twice)
        assert centre.counts["receipts_refused"] == 0
        await esme.silence(DeliverSm, 0.1)


@pytest.mark.parametrize(("ids", "written"), [("decimal", "same"), ("hex", "decimal")])
async def test_kept_until_the_answer_names_its_message(tmp_path: Path, ids: str, written: str) -> None:
    rules = Rules(latency=5.0, outcomes=lambda pdu: NEVER, ids=ids, receipt_ids=written)
    async with (
        CentreSimulator(rules) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        message_id = await esme.submit(submit())
        await eventually(lambda: centre.submitted)
        (taken,) = centre.submitted
        await centre.send_receipt(taken.message_id, "DELIVRD")
        assert kept(tmp_path) > 0
        assert newest_stage(tmp_path) not in (SENT, FINAL)
        clock().forward(5.0)
        receipt = read(await esme.receipt())
        assert (receipt.id, receipt.stat) == (message_id, "DELIVRD")
        assert kept(tmp_path) == 0


async def test_the_last_word_is_the_first_final_one(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules()) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit())
        assert read(await esme.receipt()).stat == "DELIVRD"
        await centre.send_receipt(centre.submitted[0].message_id, "UNDELIV")
        await esme.silence(DeliverSm, 0.1)
        assert rows(tmp_path, "SELECT state FROM messages") == [(2,)]


async def test_after_a_restart(tmp_path: Path) -> None:
    rules = Rules(outcomes=lambda pdu: NEVER)
    async with CentreSimulator(rules) as centre:
        async with linked(tmp_path, centre) as app, await Esme.bound(app.smpp_ports[0]) as esme:
            ids = await esme.submit_many([submit(str(number)) for number in range(3)])
            await eventually(lambda: rows(tmp_path, "SELECT DISTINCT stage FROM messages") == [(SENT,)])
        async with linked(tmp_path, centre) as app, await Esme.bound(app.smpp_ports[0]) as esme:
            for taken in centre.submitted:
                await centre.send_receipt(taken.message_id, "DELIVRD")
            assert {read(pdu).id for pdu in await esme.receipts(3)} == set(ids)
        assert len(centre.submitted) == 3


async def test_while_the_bridge_was_away(tmp_path: Path) -> None:
    async with CentreSimulator(Rules(delay=20.0)) as centre:
        async with linked(tmp_path, centre) as app, await Esme.bound(app.smpp_ports[0]) as esme:
            message_id = await esme.submit(submit())
            await eventually(lambda: newest_stage(tmp_path) == SENT)
        assert newest_stage(tmp_path) == SENT
        async with linked(tmp_path, centre) as app, await Esme.bound(app.smpp_ports[0]) as esme:
            clock().forward(20.0)
            assert read(await esme.receipt()).id == message_id
            await centre.settled()


# --- on its way ------------------------------------------------------------------------------------

INTERIM = RegisteredDelivery.SUCCESS_OR_FAILURE | RegisteredDelivery.INTERMEDIATE


async def test_intermediate_notifications(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules(intermediate=True, delay=0.3)) as centre,
        linked(tmp_path, centre, intermediate=True) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        message_id = await esme.submit(submit(registered_delivery=INTERIM))
        first, last = await esme.receipts(2)
        assert (first.esm_class, read(first).stat, read(first).id) == (0x20, "ENROUTE", message_id)
        assert (last.esm_class, read(last).stat, read(last).id) == (0x04, "DELIVRD", message_id)
        assert centre.submitted[0].pdu.registered_delivery == INTERIM
        await esme.silence(DeliverSm, 0.1)


@pytest.mark.parametrize(("asked", "of_esme"), [(True, 0x01), (False, INTERIM)])
async def test_intermediate_notifications_must_be_wanted(tmp_path: Path, asked: bool, of_esme: int) -> None:
    async with (
        CentreSimulator(Rules(intermediate=True, delay=0.1)) as centre,
        linked(tmp_path, centre, intermediate=asked) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit(registered_delivery=of_esme))
        assert (await esme.receipt()).esm_class == 0x04
        assert centre.submitted[0].pdu.registered_delivery == (INTERIM if asked else 0x01)
        await centre.settled()
        await esme.silence(DeliverSm, 0.1)


async def test_a_notification_is_never_the_end(tmp_path: Path) -> None:
    """Whatever word it has."""
    async with (
        CentreSimulator(Rules(outcomes=lambda pdu: NEVER)) as centre,
        linked(tmp_path, centre, intermediate=True) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit())
        await eventually(lambda: newest_stage(tmp_path) == SENT)
        await centre.send_receipt(centre.submitted[0].message_id, "UNDELIV", esm_class=EsmClass.INTERMEDIATE)
        await esme.silence(DeliverSm, 0.1)
        assert newest_stage(tmp_path) == SENT
        await centre.send_receipt(centre.submitted[0].message_id, "DELIVRD")
        assert read(await esme.receipt()).stat == "DELIVRD"


# --- messages in parts -----------------------------------------------------------------------------

LONG = submit(b"", tlvs=((0x0424, b"Long text. " * 40),))  # three parts


@pytest.mark.parametrize("word", ["DELIVRD", "UNDELIV"])
@pytest.mark.parametrize("part", [0, 1, 2])
async def test_the_receipt_of_one_part_before_the_answers(tmp_path: Path, part: int, word: str) -> None:
    rules = Rules(latency=5.0, ids="hex", receipt_ids="decimal")
    rules.outcomes = lambda pdu: NEVER if pdu.short_message[5] == part + 1 else "DELIVRD"
    async with (
        CentreSimulator(rules) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        message_id = await esme.submit(LONG)
        await eventually(lambda: len(centre.submitted) == 3)
        await centre.send_receipt(centre.submitted[part].message_id, word)
        assert kept(tmp_path) > 0
        clock().forward(5.0)
        receipt = read(await esme.receipt())
        assert (receipt.id, receipt.stat) == (message_id, word)
        await centre.settled()
        await esme.silence(DeliverSm, 0.1)
        assert kept(tmp_path) == 0


@pytest.mark.parametrize("twice", [False, True])
async def test_all_receipts_before_the_answers(tmp_path: Path, twice: bool) -> None:
    async with (
        CentreSimulator(Rules(receipt_first=True, receipt_twice=twice)) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        message_id = await esme.submit(LONG)
        receipt = read(await esme.receipt())
        assert (receipt.id, receipt.stat) == (message_id, "DELIVRD")
        await centre.settled()
        await esme.silence(DeliverSm, 0.1)


async def test_half_a_message_is_no_message(tmp_path: Path) -> None:
    """Nothing is told before the last part is final."""
    rules = Rules(outcomes=lambda pdu: NEVER)
    async with (
        CentreSimulator(rules) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(LONG)
        await eventually(lambda: newest_stage(tmp_path) == SENT)
        first, second, third = (taken.message_id for taken in centre.submitted)
        for message_id in (third, first, third):
            await centre.send_receipt(message_id, "DELIVRD")
        await esme.silence(DeliverSm, 0.1)
        await centre.send_receipt(second, "EXPIRED", err="042")
        receipt = read(await esme.receipt())
        assert (receipt.stat, receipt.err) == ("EXPIRED", "042")
