"""`mode: sync`: a submit_sm is answered with what the provider said, and a refusal owes no receipt."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from smppbridge.errors import (
    Disabled,
    Postponed,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
    Uncertain,
)
from smppbridge.model.message import Doubt, Stage, State
from smppbridge.providers.base import Trace
from smppbridge.smpp.pdu import SubmitSmResp
from smppbridge.smpp.times import format_relative
from tests.support.bridge.failing_store import rows
from tests.support.bridge.running import Clock, eventually, metric
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted
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

POLICY = "accounts: {pbx: {password: secret, mode: sync, validity: 1h, uncertain: %s}}"
ASKABLE: dict[str, Any] = {"find_first": 0.02, "find_interval": 0.05}
NO_MONEY = Disabled("no money", code="112", pause=600.0, status=0x4A4)
REJECTED = (int(Stage.FINAL), int(State.REJECTED))


# --- what the provider says ------------------------------------------------------------------------


async def test_the_answer_comes_when_the_provider_has_the_message(tmp_path: Path) -> None:
    lab = Slow("lab")
    async with (
        scripted(tmp_path, lab, sections=SYNC) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        esme.send(submit())
        await eventually(lambda: lab.sent)
        began = asyncio.get_running_loop().time()
        await esme.quiet(SubmitSmResp)
        assert metric(app, "submit_sm_total", account="pbx", status="ESME_ROK") == 0
        waited = asyncio.get_running_loop().time() - began
        lab.answer.set()
        answer = await esme.expect(SubmitSmResp)
        assert answer.command_status == 0
        assert metric(app, "submit_sm_total", account="pbx", status="ESME_ROK") == 1
        assert metric(app, "submit_seconds_count", account="pbx") == 1
        assert metric(app, "submit_seconds_sum", account="pbx") >= waited
        await lab.push(delivered("ref-1"))
        pdu = await esme.receipt()
        assert (id_of(pdu), stat(pdu)) == (answer.message_id, "DELIVRD")


REFUSALS: dict[str, ProviderError] = {
    "an impossible recipient": Rejected("x", code="215", status=0x0B, err=215),
    "no way there": Rejected("x", status=0x22),
    "an alphabet that is not carried": Rejected("x", status=0x4A3),
    "a text that is not carried": Rejected("x", status=0x4A5),
    "a code that nobody knows": Rejected("x", status=0x4FF),
    "no money": NO_MONEY,
    "a wrong key": Disabled("wrong key", pause=600.0),
    "unreachable": Unavailable("connection refused"),
    "no way there now": Postponed("x", after=5.0, status=0x22),
    "not at night": Postponed("x", after=3600.0),
}


@pytest.mark.parametrize("why", REFUSALS)
async def test_the_provider_s_refusal_is_the_answer(tmp_path: Path, why: str) -> None:
    lab, error = ScriptedProvider("lab"), REFUSALS[why]
    lab.answers.append(error)
    async with (
        scripted(tmp_path, lab, sections=SYNC) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert await ask(esme) == (error.status, "")
        assert stages(tmp_path) == [REJECTED]
        assert rows(tmp_path, "SELECT code FROM messages") == [(error.code,)]
        await nothing_owed(tmp_path, esme)
        assert metric(app, "outcomes_total", provider="lab", state="REJECTED") == 1
        assert len(lab.sent) == 1


async def test_refusals_have_no_vendor_codes_unless_they_are_asked_for(tmp_path: Path) -> None:
    standard = {0x0B: 0x0B, 0x22: 0x45, 0x4A3: 0x45, 0x4A4: 0x08, 0x4A5: 0x01}
    lab = ScriptedProvider("lab")
    lab.answers.extend(Rejected("x", status=status) for status in standard)
    settings = "accounts: {pbx: {password: secret, mode: sync}}"
    async with (
        scripted(tmp_path, lab, sections=settings) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert [await ask(esme) for _ in standard] == [(status, "") for status in standard.values()]


async def test_what_the_bridge_itself_refuses_waits_for_nobody(tmp_path: Path) -> None:
    lab = Slow("lab")
    async with (
        scripted(tmp_path, lab, sections=SYNC) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        good = submit()
        esme.send(submit(to="G777"), good, submit(b""))
        found = await answers(esme, 2)
        assert sorted(status for status, _ in found.values()) == [0x0B, 0x4A5]
        assert good.sequence_number not in found
        lab.answer.set()
        assert (await answers(esme, 1))[good.sequence_number][0] == 0


# --- where else it may go --------------------------------------------------------------------------


@pytest.mark.parametrize("error", [NO_MONEY, Unavailable("x"), Postponed("x", after=60.0)])
async def test_the_next_provider_has_the_last_word(tmp_path: Path, error: ProviderError) -> None:
    lab, spare = ScriptedProvider("lab"), Slow("spare")
    lab.answers.append(error)
    async with (
        scripted(tmp_path, lab, spare, sections=SYNC) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        esme.send(submit())
        await eventually(lambda: spare.sent)
        await esme.quiet(SubmitSmResp)
        spare.answer.set()
        assert (await esme.expect(SubmitSmResp)).command_status == 0


async def test_the_last_provider_s_refusal_is_the_answer(tmp_path: Path) -> None:
    lab, spare = ScriptedProvider("lab"), ScriptedProvider("spare")
    lab.answers.append(NO_MONEY)
    spare.answers.append(Unavailable("x"))
    async with (
        scripted(tmp_path, lab, spare, sections=SYNC) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert await ask(esme) == (0x08, "")
        await nothing_owed(tmp_path, esme)
        assert (len(lab.sent), len(spare.sent)) == (1, 1)


async def test_who_comes_too_fast_waits_on(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    lab.answers.append(Throttled("slow down", after=0.3))
    async with (
        scripted(tmp_path, lab, sections=SYNC) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert (await ask(esme))[0] == 0
        assert len(lab.sent) == 2
        assert stages(tmp_path)[0][0] == Stage.SENT


async def test_nothing_is_taken_while_no_provider_works(tmp_path: Path) -> None:
    lab, spare = ScriptedProvider("lab"), ScriptedProvider("spare")
    lab.answers.append(NO_MONEY)
    spare.answers.append(Disabled("wrong key", pause=600.0))
    routes = """
routes: [{destination: "37529", to: [lab, spare]}, {destination: "37533", to: [spare]}, {to: [spare, lab]}]
accounts: {pbx: {password: secret, mode: sync, status_codes: sms-assistent}, other: {password: secret}}
"""
    async with (
        scripted(tmp_path, lab, spare, sections=routes) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert await ask(esme) == (0x08, "")  # the last one's word
        stored = len(stages(tmp_path))
        assert await ask(esme) == (0x4A4, "")  # the first one's
        assert await ask(esme, submit(to="375331234567")) == (0x08, "")
        assert await ask(esme, submit(to="375441234567")) == (0x08, "")
        assert len(stages(tmp_path)) == stored
        assert (await ask(esme, submit(schedule_delivery_time=format_relative(3600))))[0] == 0
        async with await Esme.bound(app.smpp_ports[0], "other") as other:
            await other.submit(submit())  # it does not wait, so it is held
        assert len(stages(tmp_path)) == stored + 2
        await nothing_owed(tmp_path, esme)


async def test_a_scheduled_message_is_answered_at_once(tmp_path: Path) -> None:
    clock, lab = Clock(), ScriptedProvider("lab")
    lab.answers.append(Rejected("x", err=7))
    async with (
        scripted(tmp_path, lab, sections=SYNC, clock=clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        status, message_id = await ask(esme, submit(schedule_delivery_time=format_relative(3600)))
        assert status == 0
        clock.forward(3601)
        pdu = await esme.receipt()
        assert (id_of(pdu), stat(pdu)) == (message_id, "REJECTD")


# --- doubts ----------------------------------------------------------------------------------------


async def test_a_doubt_fails_where_the_account_says_so(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab")
    lab.answers.append(Uncertain("read timeout"))
    async with (
        scripted(tmp_path, lab, sections=POLICY % "fail") as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        status, message_id = await ask(esme)
        assert status == 0  # the provider may have it: a refusal would bring it once more
        pdu = await esme.receipt()
        assert (id_of(pdu), stat(pdu)) == (message_id, "UNDELIV")


async def test_a_doubt_that_is_held_is_a_queued_message_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch)
    clock, lab = Clock(), ScriptedProvider("lab")
    lab.answers.append(Uncertain("read timeout"))
    async with (
        scripted(tmp_path, lab, sections=POLICY % "hold", clock=clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        status, message_id = await ask(esme)
        assert status == 0
        await eventually(lambda: stages(tmp_path)[0][0] == Stage.UNCERTAIN)
        clock.forward(3601)
        pdu = await esme.receipt()
        assert (id_of(pdu), stat(pdu)) == (message_id, "UNKNOWN")


async def test_a_doubt_that_is_sent_again_is_waited_for(tmp_path: Path) -> None:
    clock, lab = Clock(), ScriptedProvider("lab")
    clock.stop()  # it waits until it was looked at
    lab.answers.append(Uncertain("read timeout"))
    async with (
        scripted(tmp_path, lab, sections=POLICY % "resend", clock=clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        esme.send(submit())
        await eventually(lambda: stages(tmp_path)[0][0] == Stage.WAITING if lab.sent else False)
        await esme.quiet(SubmitSmResp)
        clock.forward(10)
        assert (await esme.expect(SubmitSmResp)).command_status == 0
        assert len(lab.sent) == 2


@pytest.mark.parametrize(("refs", "status"), [(("found",), 0), ((), 0x08)])
async def test_the_answer_to_a_question_about_a_doubt(
    tmp_path: Path, refs: tuple[str, ...], status: int
) -> None:
    lab = ScriptedProvider("lab", **ASKABLE)
    lab.answers.append(Uncertain("read timeout"))

    def trace(doubt: Doubt) -> Trace:
        return Trace(doubt.id, refs)

    lab.traces = trace
    async with (
        scripted(tmp_path, lab, sections=SYNC) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert (await ask(esme))[0] == status
        await nothing_owed(tmp_path, esme)
        await lab.push(delivered("found"))
        if refs:
            assert stat(await esme.receipt()) == "DELIVRD"
        else:
            await nothing_owed(tmp_path, esme)
