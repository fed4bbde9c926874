"""Quiet hours of an account, from submit_sm to receipt: everything that asks for a message meets them."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from smppbridge.model.message import Stage, State
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import ReplaceSmResp, SubmitMultiResp
from smppbridge.smpp.times import format_relative
from tests.support.bridge.running import Clock, eventually
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted
from tests.support.bridge.sync import id_of, stages, stat
from tests.support.esme.asking import OTHER, cancel, data, multi, replace, state, status, texts
from tests.support.esme.esme import PHONE, Esme, submit

THREE_HOURS = 3 * 3600


def quiet_now(**others: str) -> str:
    """Sections for an account with quiet hours that have begun, and are over in three hours at the latest."""
    hour = datetime.fromtimestamp(time.time(), UTC).hour
    keys = {"password": "secret", "quiet": f"{hour}-{(hour + 3) % 24}", **others}
    return f"accounts: {{pbx: {{{', '.join(f'{key}: {value!r}' for key, value in keys.items())}}}}}"


async def test_what_waits_for_the_morning(tmp_path: Path) -> None:
    lab, clock = ScriptedProvider("lab"), Clock()
    async with (
        scripted(tmp_path, lab, sections=quiet_now(), clock=clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit("alarm"))
        assert await status(esme, data("by data_sm")) == Status.ESME_ROK
        answer = await esme.ask(multi([PHONE, OTHER], "to two"))
        assert isinstance(answer, SubmitMultiResp)
        assert (answer.command_status, answer.unsuccess_sme) == (0, ())
        for number, half in ((1, b"long "), (2, b"text")):
            await esme.submit(submit(b"\5\0\3\7\2" + bytes((number,)) + half, esm_class=0x40))
        await esme.submit(submit("code 4711", priority_flag=1))
        await eventually(lambda: lab.sent)
        assert texts(lab) == ["code 4711"]
        assert [stage for stage, _ in stages(tmp_path)].count(Stage.WAITING) >= 4
        clock.forward(THREE_HOURS)
        await eventually(lambda: len(lab.sent) == 6)
        assert sorted(texts(lab)[1:]) == ["alarm", "by data_sm", "long text", "to two", "to two"]


async def test_what_is_asked_about_it_meanwhile(tmp_path: Path) -> None:
    lab, clock = ScriptedProvider("lab"), Clock()
    async with (
        scripted(tmp_path, lab, sections=quiet_now(), clock=clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        first, second = await esme.submit(submit("first")), await esme.submit(submit("second"))
        assert await state(esme, first) == int(State.ENROUTE)
        assert await status(esme, cancel(first)) == Status.ESME_ROK
        receipt = await esme.receipt()
        assert (id_of(receipt), stat(receipt)) == (first, "DELETED")
        assert isinstance(await esme.ask(replace(second, "third")), ReplaceSmResp)
        short = replace(second, "fourth", validity_period=format_relative(60))
        assert await status(esme, short) == Status.ESME_RINVEXPIRY
        soon = replace(second, "fifth", schedule_delivery_time=format_relative(60))
        assert await status(esme, soon) == Status.ESME_ROK
        await esme.submit(submit("urgent", priority_flag=1))
        await eventually(lambda: lab.sent)
        clock.forward(THREE_HOURS)
        await eventually(lambda: len(lab.sent) == 2)
        assert texts(lab) == ["urgent", "fifth"]


@pytest.mark.parametrize("mode", ["queued", "sync"])
async def test_a_validity_period_that_ends_before_is_refused_at_once(tmp_path: Path, mode: str) -> None:
    lab = ScriptedProvider("lab")
    async with (
        scripted(tmp_path, lab, sections=quiet_now(mode=mode)) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        assert await status(esme, submit(validity_period=format_relative(60))) == Status.ESME_RINVEXPIRY
        assert await esme.submit(submit("waits"))  # and is answered before it is sent
        assert await esme.submit(submit("goes", validity_period=format_relative(60), priority_flag=1))
        await eventually(lambda: lab.sent)
        assert texts(lab) == ["goes"]
