"""Messages whose hand-over ended without a clear answer, and what is asked about them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from smppbridge.app import App
from smppbridge.errors import Disabled, Uncertain
from smppbridge.model.message import Doubt, Message, Overdue, Stage, State, StatusReport
from smppbridge.providers.base import SendResult, Trace
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import DeliverSm
from smppbridge.smpp.receipt import parse_receipt
from smppbridge.smpp.times import format_relative
from tests.support.bridge.running import Clock, eventually, metric
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted
from tests.support.esme.esme import Esme, submit

ASKABLE: dict[str, Any] = {"find_first": 0.02, "find_interval": 0.05}
POLICY = "accounts: {pbx: {password: secret, validity: 1h, uncertain: %s}}"


def delivered(ref: str) -> StatusReport:
    return StatusReport(ref, int(State.DELIVERED), True, 0, "2")


def stat(pdu: DeliverSm) -> str | None:
    return parse_receipt(pdu.short_message.decode("ascii")).stat


def id_of(pdu: DeliverSm) -> object:
    return pdu.tlv(Tag.RECEIPTED_MESSAGE_ID)


async def held(app: App) -> list[Overdue]:
    return await app.store.list_stage(Stage.UNCERTAIN, 10)


def asked(lab: ScriptedProvider) -> int:
    """How many questions about doubts it has heard."""
    return len(lab.found)


def nowhere(doubt: Doubt) -> Trace:
    """The provider certainly does not have it."""
    return Trace(doubt.id)


class Slow(ScriptedProvider):
    """Answers hand-overs while ``answer`` is set; takes them at once."""

    def __init__(self, name: str, **limits: Any) -> None:
        super().__init__(name, **limits)
        self.answer = asyncio.Event()
        self.answer.set()

    async def send(self, messages: Sequence[Message], now: int) -> list[SendResult]:
        results = await super().send(messages, now)
        await self.answer.wait()
        return results


# --- providers that can be asked -------------------------------------------------------------------


async def test_what_the_provider_has_is_sent_after_all(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab", poll_first=0, poll_interval=0.05, **ASKABLE)
    lab.answers.append(Uncertain("read timeout"))
    lab.traces = lambda doubt: Trace(doubt.id, ("ref-77", "ref-78"))
    async with scripted(tmp_path, lab) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        message_id = await esme.submit(submit("Door 3 opened"))
        await eventually(lambda: lab.polled)  # it is SENT: its status is asked for
        [[doubt]] = lab.found
        assert (doubt.text, doubt.recipient, doubt.attempt, doubt.asked) == (
            "Door 3 opened",
            "375291234567",
            1,
            0,
        )
        assert doubt.tried_at > 0
        lab.reports.append(delivered("ref-77"))
        pdu = await esme.receipt()
        assert (id_of(pdu), stat(pdu)) == (message_id, "DELIVRD")
        assert len(lab.sent) == 1
        assert await held(app) == []


async def test_what_belongs_to_another_message_is_not_taken_for_this_one(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab", **ASKABLE)
    async with scripted(tmp_path, lab) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        first = await esme.submit(submit())
        await eventually(lambda: metric(app, "attempts_total", provider="lab", result="sent") == 1)
        assert [message.text for message in lab.sent] == ["Door 3 opened"]  # it has ref-1
        lab.answers += [Uncertain("read timeout")] * 2
        lab.traces = lambda doubt: Trace(doubt.id, ("ref-1", "ref-8", "ref-9"))
        others = await esme.submit_many([submit(), submit()])
        await eventually(lambda: asked(lab) == 1)
        assert len(lab.found[0]) == 2
        await lab.push(delivered("ref-1"))
        assert id_of(await esme.receipt()) == first
        await lab.push(delivered("ref-8"), delivered("ref-9"))
        assert {id_of(pdu) for pdu in await esme.receipts(2)} == set(others)
        assert len(lab.sent) == 3


async def test_a_reference_that_is_taken_already_leaves_nothing_but_a_question(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab", **ASKABLE)
    async with scripted(tmp_path, lab) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit(submit())
        await eventually(lambda: metric(app, "attempts_total", provider="lab", result="sent") == 1)
        lab.answers.append(Uncertain("read timeout"))
        lab.traces = lambda doubt: Trace(doubt.id, ("ref-1",), complete=False)
        await esme.submit(submit())
        await eventually(lambda: asked(lab) == 3)
        assert len(lab.sent) == 2
        assert len(await held(app)) == 1


@pytest.mark.parametrize("policy", ["hold", "resend", "fail"])
async def test_what_the_provider_does_not_have_goes_out_once_more(tmp_path: Path, policy: str) -> None:
    clock = Clock()
    lab = ScriptedProvider("lab", **ASKABLE)
    lab.answers.append(Uncertain("read timeout"))
    lab.traces = nowhere
    async with (
        scripted(tmp_path, lab, sections=POLICY % policy, clock=clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        message_id = await esme.submit(submit())
        await eventually(lambda: asked(lab) == 2)
        assert len(lab.sent) == 1
        clock.forward(10)  # it backs off first
        await eventually(lambda: len(lab.sent) == 2)
        assert [message.attempt for message in lab.sent] == [1, 2]
        await eventually(lambda: metric(app, "attempts_total", provider="lab", result="sent") == 1)
        await lab.push(delivered("ref-2"))
        assert id_of(await esme.receipt()) == message_id
        assert (asked(lab), len(lab.sent)) == (2, 2)


async def test_what_the_provider_does_not_have_goes_to_the_next_one_at_once(tmp_path: Path) -> None:
    lab, spare = ScriptedProvider("lab", **ASKABLE), ScriptedProvider("spare")
    lab.answers.append(Uncertain("read timeout"))
    lab.traces = nowhere
    async with scripted(tmp_path, lab, spare) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        message_id = await esme.submit(submit())
        await eventually(lambda: spare.sent)
        await eventually(lambda: metric(app, "attempts_total", provider="spare", result="sent") == 1)
        await spare.push(delivered("ref-1"))
        pdu = await esme.receipt()
        assert (id_of(pdu), pdu.tlv(Tag.PROVIDER)) == (message_id, "spare")
        assert (len(lab.sent), asked(lab)) == (1, 2)


async def test_a_miss_between_two_that_say_nothing_is_not_certain(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab", **ASKABLE)
    lab.answers.append(Uncertain("read timeout"))
    lab.traces = lambda doubt: Trace(doubt.id, complete=doubt.asked % 2 == 1)
    async with scripted(tmp_path, lab) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit(submit())
        await eventually(lambda: asked(lab) == 8)
        assert {doubt.misses for [doubt] in lab.found} == {0, 1}
        assert len(await held(app)) == 1


async def test_a_schedule_that_the_provider_keeps_is_not_given_up_before_its_time(tmp_path: Path) -> None:
    clock = Clock()
    lab = ScriptedProvider("lab", poll_first=60, poll_interval=0.05, validity_max=3600.0, **ASKABLE)
    lab.schedules_itself = True
    lab.answers.append(Uncertain("read timeout"))
    lab.traces = lambda doubt: Trace(doubt.id, ("ref-7",))
    async with scripted(tmp_path, lab, clock=clock) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit(submit(schedule_delivery_time=format_relative(36_000)))
        await eventually(lambda: asked(lab) == 1)
        clock.forward(18_000)
        await esme.silence(DeliverSm, 1.2)  # longer than between two looks at what is overdue
        assert lab.polled == []
        clock.forward(18_100)
        await eventually(lambda: lab.polled)


async def test_what_an_equal_message_on_its_way_may_have_is_left_alone(tmp_path: Path) -> None:
    lab = Slow("lab", parallel=2, **ASKABLE)
    async with scripted(tmp_path, lab) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit(submit("another text"))
        await eventually(lambda: metric(app, "attempts_total", provider="lab", result="sent") == 1)
        lab.answers.append(Uncertain("read timeout"))
        doubtful = await esme.submit(submit())
        await eventually(lambda: asked(lab) >= 1)
        lab.answer.clear()
        sure = await esme.submit(submit())
        await eventually(lambda: len(lab.sent) == 3)  # the provider has it as ref-3
        lab.traces = lambda doubt: Trace(doubt.id, ("ref-3",))
        questions = asked(lab)
        await eventually(lambda: asked(lab) >= questions + 4)
        assert len(await held(app)) == 1
        lab.answer.set()
        await eventually(lambda: metric(app, "attempts_total", provider="lab", result="sent") == 2)
        await lab.push(delivered("ref-3"))
        assert id_of(await esme.receipt()) == sure
        lab.traces = lambda doubt: Trace(doubt.id, ("ref-3", "ref-9"))
        await lab.push(delivered("ref-9"))
        assert id_of(await esme.receipt()) == doubtful
        assert len(lab.sent) == 3


@pytest.mark.parametrize(
    "change", [{"to": "375297654321"}, {"text": "Door 4 opened"}], ids=["number", "text"]
)
async def test_another_message_on_its_way_hides_nothing(tmp_path: Path, change: dict[str, str]) -> None:
    lab = Slow("lab", parallel=2, **ASKABLE)
    async with scripted(tmp_path, lab) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit(submit("another text"))
        await eventually(lambda: metric(app, "attempts_total", provider="lab", result="sent") == 1)
        lab.answers.append(Uncertain("read timeout"))
        message_id = await esme.submit(submit())
        await eventually(lambda: asked(lab) >= 1)
        lab.answer.clear()
        await esme.submit(submit(**change))
        await eventually(lambda: len(lab.sent) == 3)
        lab.traces = lambda doubt: Trace(doubt.id, ("ref-2",))
        await lab.push(delivered("ref-2"))
        assert id_of(await esme.receipt()) == message_id
        lab.answer.set()


# --- who never tells -------------------------------------------------------------------------------


async def test_what_nobody_can_tell_is_held_to_its_end(tmp_path: Path) -> None:
    clock = Clock()
    lab = ScriptedProvider("lab", **ASKABLE)
    lab.answers.append(Uncertain("read timeout"))
    async with (
        scripted(tmp_path, lab, sections=POLICY % "hold", clock=clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit())
        await eventually(lambda: asked(lab) == 8)
        assert [row.account for row in await held(app)] == ["pbx"]
        clock.forward(3601)
        assert stat(await esme.receipt()) == "UNKNOWN"
        assert len(lab.sent) == 1


async def test_what_nobody_can_tell_is_resent_where_the_account_would_rather_have_it_twice(
    tmp_path: Path,
) -> None:
    clock = Clock()
    lab = ScriptedProvider("lab", **ASKABLE)
    lab.answers.append(Uncertain("read timeout"))
    async with (
        scripted(tmp_path, lab, sections=POLICY % "resend", clock=clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit())
        await eventually(lambda: asked(lab) == 5)
        assert len(lab.sent) == 1
        clock.forward(10)
        await eventually(lambda: len(lab.sent) == 2)
        assert asked(lab) == 5


async def test_what_nobody_can_tell_fails_where_the_account_says_so(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab", **ASKABLE)
    lab.answers.append(Uncertain("read timeout"))
    async with (
        scripted(tmp_path, lab, sections=POLICY % "fail") as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit())
        assert stat(await esme.receipt()) == "UNDELIV"
        assert (asked(lab), len(lab.sent)) == (5, 1)


async def test_a_provider_that_refuses_us_is_not_asked_again_at_once(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab", **ASKABLE)
    lab.answers.append(Uncertain("read timeout"))
    lab.traces = lambda doubt: Disabled("wrong key", pause=600.0)
    async with scripted(tmp_path, lab) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit(submit())
        await eventually(lambda: metric(app, "provider_up", provider="lab") == 0)
        await esme.silence(DeliverSm)
        assert asked(lab) == 1
        assert len(await held(app)) == 1


async def test_a_doubt_is_solved_after_a_restart(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab", **ASKABLE)
    lab.answers.append(Uncertain("read timeout"))
    async with scripted(tmp_path, lab) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        message_id = await esme.submit(submit())
        await eventually(lambda: asked(lab) >= 1)
    again = ScriptedProvider("lab", poll_first=0, poll_interval=0.05, **ASKABLE)
    again.traces = lambda doubt: Trace(doubt.id, ("ref-7",))
    again.reports.append(delivered("ref-7"))
    async with scripted(tmp_path, again) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        assert id_of(await esme.receipt()) == message_id
        assert again.sent == []


# --- providers that cannot be asked ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "end"), [("hold", ("UNKNOWN", 1)), ("resend", ("DELIVRD", 2)), ("fail", ("UNDELIV", 1))]
)
async def test_a_message_that_a_provider_may_have_who_cannot_be_asked(
    tmp_path: Path, policy: str, end: tuple[str, int]
) -> None:
    clock = Clock()
    lab = ScriptedProvider("lab")
    lab.answers.append(Uncertain("read timeout"))
    async with (
        scripted(tmp_path, lab, sections=POLICY % policy, clock=clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit())
        await eventually(lambda: metric(app, "attempts_total", provider="lab", result="uncertain") == 1)
        if policy == "hold":
            while not await held(app):
                await esme.silence(DeliverSm, 0.01)
            clock.forward(3601)
        elif policy == "resend":
            clock.forward(10)
            await eventually(lambda: metric(app, "attempts_total", provider="lab", result="sent") == 1)
            await lab.push(delivered("ref-2"))
        assert (stat(await esme.receipt()), len(lab.sent)) == end
        assert asked(lab) == 0
