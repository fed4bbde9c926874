"""`mode: sync`: who waits in vain, who goes away, many at once, and a bridge that fails or ends meanwhile."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from smppbridge.app import App
from smppbridge.errors import (
    Rejected,
    Throttled,
    Unavailable,
)
from smppbridge.flow.settle.pending import PATIENCE
from smppbridge.model.message import Message, Stage
from smppbridge.providers.base import SendResult, Taken
from smppbridge.smpp.pdu import SubmitSmResp, Unbind, UnbindResp
from smppbridge.smpp.times import format_relative
from tests.support.bridge.failing_store import failing, rows
from tests.support.bridge.running import Clock, eventually, metric
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted, scripted_config
from tests.support.bridge.sync import (
    SYNC,
    Slow,
    answers,
    ask,
    delivered,
    hurry,
    id_of,
    nothing_owed,
    stages,
    stat,
)
from tests.support.esme.esme import Esme, submit

FINAL = f"UPDATE ON messages WHEN NEW.stage = {Stage.FINAL:d}"


# --- those that wait in vain -----------------------------------------------------------------------


async def test_what_takes_too_long_becomes_a_queued_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch)
    lab = Slow("lab")
    lab.answers.extend([Rejected("x", err=215), Taken("late")])
    async with (
        scripted(tmp_path, lab, sections=SYNC) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        loop = asyncio.get_running_loop()
        began = loop.time()
        esme.send(submit(), submit())
        found = await answers(esme, 2)
        assert 0.5 <= loop.time() - began < PATIENCE  # of a bridge that is not in a hurry
        assert [status for status, _ in found.values()] == [0, 0]
        lab.answer.set()
        pdu = await esme.receipt()
        assert stat(pdu) == "REJECTD"
        await lab.push(delivered("late"))
        last = await esme.receipt()
        assert stat(last) == "DELIVRD"
        assert {id_of(pdu), id_of(last)} == {message_id for _, message_id in found.values()}
        await esme.quiet(SubmitSmResp)


async def test_a_message_whose_time_runs_out_while_it_is_waited_for(tmp_path: Path) -> None:
    clock, lab = Clock(), ScriptedProvider("lab")
    lab.answers.append(Throttled("slow down", after=600.0))
    async with (
        scripted(tmp_path, lab, sections=SYNC, clock=clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        esme.send(submit(validity_period=format_relative(60)))
        await eventually(lambda: stages(tmp_path)[0][0] == Stage.WAITING if lab.sent else False)
        clock.forward(61)
        answer = await esme.next()  # before its receipt
        assert isinstance(answer, SubmitSmResp)
        assert answer.command_status == 0
        pdu = await esme.receipt()
        assert (id_of(pdu), stat(pdu)) == (answer.message_id, "EXPIRED")


async def test_who_goes_away_is_owed_a_receipt(tmp_path: Path) -> None:
    lab = Slow("lab")
    lab.answers.append(Rejected("x", err=215))
    async with scripted(tmp_path, lab, sections=SYNC) as app:
        async with await Esme.bound(app.smpp_ports[0]) as esme:
            esme.send(submit())
            await eventually(lambda: lab.sent)
        await eventually(lambda: metric(app, "binds", account="pbx", bind_type="TRX") == 0)
        lab.answer.set()
        async with await Esme.bound(app.smpp_ports[0]) as esme:
            assert stat(await esme.receipt()) == "REJECTD"
        assert metric(app, "submit_sm_total", account="pbx", status="ESME_RSUBMITFAIL") == 0
        assert metric(app, "submit_sm_total", account="pbx", status="ESME_ROK") == 1


async def test_who_goes_away_leaves_a_message_that_is_tried_again(tmp_path: Path) -> None:
    clock, lab = Clock(), Slow("lab")
    clock.stop()  # it waits until it was looked at
    lab.answers.append(Unavailable("connection refused"))
    async with scripted(tmp_path, lab, sections=SYNC, clock=clock) as app:
        async with await Esme.bound(app.smpp_ports[0]) as esme:
            esme.send(submit())
            await eventually(lambda: lab.sent)
        await eventually(lambda: metric(app, "binds", account="pbx", bind_type="TRX") == 0)
        lab.answer.set()
        await eventually(lambda: stages(tmp_path)[0][0] == Stage.WAITING)
        clock.forward(10)
        await eventually(lambda: stages(tmp_path)[0][0] == Stage.SENT)


async def test_who_says_unbind_still_gets_the_answer(tmp_path: Path) -> None:
    lab = Slow("lab")
    lab.answers.append(Rejected("x", status=0x0B))
    async with (
        scripted(tmp_path, lab, sections=SYNC) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        esme.send(submit(b""), submit())
        await eventually(lambda: lab.sent)
        assert (await esme.expect(SubmitSmResp)).command_status == 0x4A5
        esme.send(Unbind())
        await esme.silence(UnbindResp)
        lab.answer.set()
        first, second = await esme.next(), await esme.next()
        assert (type(first), first.command_status) == (SubmitSmResp, 0x0B)
        assert type(second) is UnbindResp
        await esme.closed()


async def test_at_the_end_everybody_is_answered_and_nothing_is_lost(tmp_path: Path) -> None:
    clock, lab = Clock(), Slow("lab", batch=1)
    app = App(scripted_config(tmp_path, lab, sections=SYNC), clock, clock)
    app.providers["lab"] = lab
    await app.start()
    async with await Esme.bound(app.smpp_ports[0]) as esme:
        esme.send(submit("under way"), submit("queued"))
        await eventually(lambda: lab.sent)
        stopping = asyncio.create_task(app.stop())
        found = await answers(esme, 2)
        assert [status for status, _ in found.values()] == [0, 0]
        esme.reply(await esme.expect(Unbind), UnbindResp())
        await stopping
    clock.forward(60)
    lab = Slow("lab")
    lab.answer.set()
    async with (
        scripted(tmp_path, lab, sections=SYNC, clock=clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await eventually(lambda: len(lab.sent) == 2)
        await eventually(lambda: {row[0] for row in stages(tmp_path)} == {Stage.SENT})
        await lab.push(delivered("ref-1"), delivered("ref-2"))
        ids = {id_of(pdu) for pdu in await esme.receipts(2)}
        assert ids == {message_id for _, message_id in found.values()}


# --- many ------------------------------------------------------------------------------------------


async def test_answers_come_in_the_order_of_the_results(tmp_path: Path) -> None:
    lab, quick = Slow("lab"), ScriptedProvider("quick")
    routes = "routes: [{destination: '37529', to: [lab]}, {to: [quick]}]\n"
    async with (
        scripted(tmp_path, lab, quick, sections=routes + SYNC) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        slow, fast = submit(), submit(to="375331234567")
        esme.send(slow, fast)
        first = await esme.expect(SubmitSmResp)
        assert first.sequence_number == fast.sequence_number
        lab.answer.set()
        second = await esme.expect(SubmitSmResp)
        assert second.sequence_number == slow.sequence_number
        ids = rows(tmp_path, "SELECT wire_id FROM messages ORDER BY id")
        assert ids == [(second.message_id,), (first.message_id,)]


async def test_a_thousand_wait_for_a_slow_provider(tmp_path: Path) -> None:
    class Busy(ScriptedProvider):
        """Needs a moment for each batch, and refuses every third message."""

        async def send(self, messages: Sequence[Message], now: int) -> list[SendResult]:
            await asyncio.sleep(0.02)
            results: list[SendResult] = []
            for message in messages:
                self.sent.append(message)
                third = int(message.text) % 3 == 0
                results.append(Rejected("x", status=0x0B) if third else Taken(f"ref-{message.text}"))
            return results

    lab = Busy("lab", batch=50, parallel=2)
    async with (
        scripted(tmp_path, lab, sections=SYNC) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        pdus = [submit(str(number)) for number in range(1000)]
        esme.send(*pdus[:500])
        await esme.writer.drain()
        esme.send(*pdus[500:])
        found = await answers(esme, 1000)
        stored = {row[0]: row[1] for row in rows(tmp_path, "SELECT text, wire_id FROM messages")}
        for pdu in pdus:
            text = pdu.short_message.decode()
            expected = (0x0B, "") if int(text) % 3 == 0 else (0, stored[text])
            assert found[pdu.sequence_number] == expected
        assert len(lab.sent) == 1000
        await nothing_owed(tmp_path, esme)


async def test_two_binds_of_an_account_get_their_own_answers(tmp_path: Path) -> None:
    lab = Slow("lab")
    lab.answers.extend([Taken("a"), Rejected("x", status=0x0B)])
    async with (
        scripted(tmp_path, lab, sections=SYNC) as app,
        await Esme.bound(app.smpp_ports[0], kind="TX") as first,
        await Esme.bound(app.smpp_ports[0], kind="TX") as second,
    ):
        first.send(submit("first"))
        await eventually(lambda: rows(tmp_path, "SELECT text FROM messages"))
        second.send(submit("second"))
        await eventually(lambda: len(rows(tmp_path, "SELECT text FROM messages")) == 2)
        lab.answer.set()
        assert (await first.expect(SubmitSmResp)).command_status == 0
        assert (await second.expect(SubmitSmResp)).command_status == 0x0B


async def test_a_reload_changes_the_mode_of_what_comes_after(tmp_path: Path) -> None:
    lab = Slow("lab")
    lab.answers.append(Rejected("x", status=0x0B))
    async with (
        scripted(tmp_path, lab, sections=SYNC) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        waiting, queued = submit(), submit()
        esme.send(waiting)
        await eventually(lambda: lab.sent)
        app.reload(scripted_config(tmp_path, lab))
        esme.send(queued)
        first = await esme.expect(SubmitSmResp)
        assert (first.sequence_number, first.command_status) == (queued.sequence_number, 0)
        lab.answer.set()
        second = await esme.expect(SubmitSmResp)
        assert (second.sequence_number, second.command_status) == (waiting.sequence_number, 0x0B)


# --- a store that fails, a process that dies -------------------------------------------------------


async def test_a_refusal_that_cannot_be_saved_becomes_a_receipt(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    lab.answers.append(Rejected("x", status=0x0B))
    async with (
        scripted(tmp_path, lab, sections=SYNC) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        with failing(tmp_path, FINAL):
            status, message_id = await ask(esme)
            assert status == 0
        pdu = await esme.receipt()
        assert (id_of(pdu), stat(pdu)) == (message_id, "REJECTD")


async def test_what_cannot_be_stored_waits_for_nobody(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    async with (
        scripted(tmp_path, lab, sections=SYNC) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        with failing(tmp_path, "INSERT ON messages"):
            assert await ask(esme) == (0x08, "")
        assert (await ask(esme))[0] == 0
        assert len(lab.sent) == 1


async def test_what_was_waited_for_when_the_process_died_goes_on(tmp_path: Path) -> None:
    clock, lab = Clock(), Slow("lab", batch=1)
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    async with (
        scripted(first, lab, sections=SYNC, clock=clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        esme.send(submit("under way"), submit("queued"))
        await eventually(lambda: lab.sent)
        shutil.copytree(first, second)  # what a kill at this moment leaves behind
        assert [row[0] for row in stages(second)] == [Stage.SENDING, Stage.QUEUED]
    lab = Slow("lab")
    lab.answer.set()
    async with (
        scripted(second, lab, sections=SYNC, clock=clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await eventually(lambda: [message.text for message in lab.sent] == ["queued"])
        await eventually(lambda: [row[0] for row in stages(second)] == [Stage.UNCERTAIN, Stage.SENT])
        await lab.push(delivered("ref-1"))
        assert stat(await esme.receipt()) == "DELIVRD"
        clock.forward(86401)
        assert stat(await esme.receipt()) == "UNKNOWN"
