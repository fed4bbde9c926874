"""Rules of conduct towards providers, kept with real messages."""

from pathlib import Path
from typing import Any

from smppbridge.errors import Postponed, Rejected
from smppbridge.model.message import Stage
from smppbridge.smpp.receipt import parse_receipt
from tests.support.bridge.running import Clock, eventually, get, metric
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted, scripted_config
from tests.support.esme.esme import Esme, submit


def texts(provider: ScriptedProvider) -> list[str]:
    return [message.text for message in provider.sent]


# --- messages that have to wait --------------------------------------------------------------------


async def test_a_postponed_message_waits_and_the_others_go_on(tmp_path: Path) -> None:
    clock = Clock()
    lab, spare = ScriptedProvider("lab"), ScriptedProvider("spare")
    lab.answers.append(Postponed("not at night", after=3600.0, code="233"))
    async with (
        scripted(tmp_path, lab, spare, clock=clock) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit_many([submit("night"), submit("day")])
        await eventually(lambda: metric(app, "attempts_total", provider="lab", result="sent") == 1)
        assert metric(app, "attempts_total", provider="lab", result="postponed") == 1
        assert metric(app, "provider_up", provider="lab") == 1
        assert texts(lab) == ["night", "day"]
        assert len(await app.store.list_stage(Stage.WAITING, 10)) == 1
        clock.forward(3601)
        await eventually(lambda: texts(lab) == ["night", "day", "night"])
        assert spare.sent == []


# --- refusals in a row -----------------------------------------------------------------------------


async def test_refusals_in_a_row_pause_the_provider(tmp_path: Path) -> None:
    lab = ScriptedProvider("lab", batch=1, refusals_in_row=3, refusals_window=600.0)
    lab.answers += [Rejected("no such number", code="215", err=215)] * 3
    async with scripted(tmp_path, lab) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit_many([submit() for _ in range(5)])
        for pdu in await esme.receipts(3):
            receipt = parse_receipt(pdu.short_message.decode("ascii"))
            assert (receipt.stat, receipt.err) == ("REJECTD", "215")
        await eventually(lambda: metric(app, "provider_up", provider="lab") == 0)
        assert len(lab.sent) == 3
        ready = await get(app, "/readyz")
        assert ready.status_code == 503
        assert "3 messages in a row were refused" in ready.json()["reasons"][0]
        app.reload(scripted_config(tmp_path, lab))  # a person has looked
        await eventually(lambda: len(lab.sent) == 5)
        assert metric(app, "provider_up", provider="lab") == 1


# --- money -----------------------------------------------------------------------------------------


def watched(**limits: Any) -> ScriptedProvider:
    """A provider whose balance is looked at all the time."""
    lab = ScriptedProvider("lab", balance_interval=0.05, low_balance=100.0, leave_when_low=True, **limits)
    lab.money = 500.0
    return lab


async def test_a_low_balance_leads_messages_to_the_next_provider_and_back(tmp_path: Path) -> None:
    lab, spare = watched(), ScriptedProvider("spare")
    async with scripted(tmp_path, lab, spare) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await eventually(lambda: metric(app, "provider_balance", provider="lab") == 500)
        await esme.submit(submit("first"))
        await eventually(lambda: texts(lab) == ["first"])
        lab.money = 99.0
        await eventually(lambda: metric(app, "provider_low_balance", provider="lab") == 1)
        assert metric(app, "provider_balance", provider="lab") == 99
        assert metric(app, "provider_up", provider="lab") == 1  # it works, it is only spared
        assert (await get(app, "/readyz")).status_code == 200
        await esme.submit(submit("second"))
        await eventually(lambda: texts(spare) == ["second"])
        lab.money = 500.0
        await eventually(lambda: metric(app, "provider_low_balance", provider="lab") == 0)
        await esme.submit(submit("third"))
        await eventually(lambda: texts(lab) == ["first", "third"])


async def test_what_waits_for_a_provider_whose_money_runs_out_moves(tmp_path: Path) -> None:
    lab, spare = watched(rate=0.001), ScriptedProvider("spare")
    async with scripted(tmp_path, lab, spare) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit_many([submit(f"text {number}") for number in range(5)])
        await eventually(lambda: len(lab.sent) == 1)
        lab.money = 1.0
        await eventually(lambda: len(lab.sent) + len(spare.sent) == 5)
        assert len(spare.sent) >= 3  # at a message in a quarter of an hour, `lab` has sent no other
        assert {*texts(lab), *texts(spare)} == {f"text {number}" for number in range(5)}


async def test_a_provider_without_an_alternative_goes_on(tmp_path: Path) -> None:
    lab = watched()
    lab.money = 1.0
    async with scripted(tmp_path, lab) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await eventually(lambda: metric(app, "provider_low_balance", provider="lab") == 1)
        await esme.submit(submit())
        await eventually(lambda: len(lab.sent) == 1)
