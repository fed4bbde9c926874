"""`mode: sync`: answers before receipts, what is not withheld any more, and records that are saved or not."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from smppbridge.errors import Rejected, Unavailable
from smppbridge.link.connection import ConnectionLimits
from smppbridge.link.server import Server, ServerLimits
from smppbridge.model.message import Message, Stage
from smppbridge.providers.base import SendResult, Taken
from smppbridge.smpp.pdu import DeliverSm, EnquireLink, EnquireLinkResp, SubmitSmResp
from tests.support.bridge.failing_store import failing, rows
from tests.support.bridge.owed import all_delivered
from tests.support.bridge.running import eventually
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted
from tests.support.bridge.sync import SYNC, Slow, answers, delivered, few, id_of, stages, stat
from tests.support.esme.esme import Esme, submit

FINAL = f"UPDATE ON messages WHEN NEW.stage = {Stage.FINAL:d}"


class Early(ScriptedProvider):
    """Tells the status of a message before it says that it has taken it."""

    async def send(self, messages: Sequence[Message], now: int) -> list[SendResult]:
        refs = [f"ref-{message.id}" for message in messages]
        await self.push(*map(delivered, refs))
        return [Taken(ref) for ref in refs]


@pytest.mark.parametrize("sections", [SYNC, ""], ids=["sync", "queued"])
async def test_no_receipt_comes_before_its_answer(tmp_path: Path, sections: str) -> None:
    count, lab = 1000, Early("lab", batch=1, parallel=20)
    async with (
        scripted(tmp_path, lab, sections=sections) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):

        async def feed() -> None:
            for number in range(count):
                esme.send(submit(str(number)))
                if number % 20 == 0:
                    await asyncio.sleep(0.002)

        feeding = asyncio.create_task(feed())
        known: set[object] = set()
        early = receipts = 0
        while len(known) < count or receipts < count:
            pdu = await esme.next()
            if isinstance(pdu, SubmitSmResp):
                assert pdu.command_status == 0
                known.add(pdu.message_id)
            elif isinstance(pdu, DeliverSm):
                receipts += 1
                early += id_of(pdu) not in known
                esme.answer(pdu)
        await feeding
        assert early == 0


async def test_an_enquire_link_is_answered_however_many_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = ServerLimits(connection=ConnectionLimits(unanswered=20))
    monkeypatch.setattr("smppbridge.app.Server", partial(Server, limits=limits))
    few(monkeypatch, 10)
    lab = Slow("lab")
    async with (
        scripted(tmp_path, lab, sections=SYNC) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        pdus = [submit(str(number)) for number in range(50)]
        esme.send(*pdus)
        await eventually(lambda: len(rows(tmp_path, "SELECT id FROM messages")) == 50)
        assert isinstance(await esme.ask(EnquireLink()), EnquireLinkResp)
        at_once = await answers(esme, 40)
        await esme.quiet(SubmitSmResp)
        lab.answer.set()
        found = at_once | await answers(esme, 10)
        assert set(found) == {pdu.sequence_number for pdu in pdus}
        assert {status for status, _ in found.values()} == {0}


async def test_what_is_not_withheld_any_more_is_a_queued_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few(monkeypatch, 1)
    lab = Slow("lab")
    lab.answers.extend([Rejected("x", status=0x0B), Rejected("x", status=0x0B)])
    async with (
        scripted(tmp_path, lab, sections=SYNC) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        first, second = submit("first"), submit("second")
        esme.send(first, second)
        found = await answers(esme, 1)
        status, message_id = found[second.sequence_number]
        assert status == 0
        lab.answer.set()
        assert (await answers(esme, 1))[first.sequence_number] == (0x0B, "")
        pdu = await esme.receipt()
        assert (id_of(pdu), stat(pdu)) == (message_id, "REJECTD")
        await all_delivered(tmp_path, esme)


async def test_a_record_is_not_half_saved(tmp_path: Path) -> None:
    lab, spare = Slow("lab"), ScriptedProvider("spare")
    lab.answers.extend([Taken("ref-1"), Unavailable("connection refused"), Rejected("x", status=0x0B)])
    async with (
        scripted(tmp_path, lab, spare, sections=SYNC) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        lab.answer.set()
        await esme.submit(submit("the first one goes alone"))
        lab.answer.clear()
        moves, ends = submit("moves"), submit("ends")
        esme.send(moves, ends)
        await eventually(lambda: len(lab.sent) == 3)
        with failing(tmp_path, FINAL):
            lab.answer.set()
            status, message_id = (await answers(esme, 1))[ends.sequence_number]
            assert status == 0  # its refusal could not be saved
            app.fleet["spare"].wake("pbx")  # as other messages of the account do
            await esme.quiet(SubmitSmResp)
            assert spare.sent == []
            assert [row[0] for row in stages(tmp_path)] == [Stage.SENT, Stage.SENDING, Stage.SENDING]
        assert (await answers(esme, 1))[moves.sequence_number][0] == 0
        assert [message.text for message in spare.sent] == ["moves"]
        pdu = await esme.receipt()
        assert (id_of(pdu), stat(pdu)) == (message_id, "REJECTD")
