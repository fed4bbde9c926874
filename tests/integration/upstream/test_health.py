"""Why a link does not work: that it has no bind is one thing, that the SMSC does not want us another."""

from pathlib import Path

import pytest

from smppbridge.app import App
from smppbridge.link.persistent_bind import UNPROVEN_WINDOW
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import SubmitSm, SubmitSmResp
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.running import eventually, metric
from tests.support.bridge.upstream import PATIENCE, link, linked, sections, upstream_bridge, waiting
from tests.support.bridge.upstream_steps import stages
from tests.support.esme.esme import Esme, submit
from tests.support.system.clock import clock, turns

NO_MONEY = Status.ESME_RNOMONEY


async def nothing_happens() -> None:
    """Let some time pass, in which what must not be sent would be sent."""
    clock().forward(10)
    await turns(50)


def binds(app: App) -> float:
    return metric(app, "upstream_binds", provider="link")


def is_up(app: App) -> bool:
    return metric(app, "provider_up", provider="link") == 1


def poor(pdu: SubmitSm) -> int:
    return NO_MONEY if pdu.short_message == b"poor" else 0


async def spend_all(app: App, esme: Esme) -> None:
    """The SMSC says that there is no money left."""
    await esme.submit(submit("rich"))
    await esme.receipt()
    await esme.submit(submit("poor"))
    await eventually(lambda: not is_up(app))


async def test_no_money_is_no_money_though_binds_come_and_go(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules(status_of=poor)) as centre,
        linked(tmp_path, centre, binds=2, up=2, profile="sms-assistent", data_codings=[3, 8]) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await spend_all(app, esme)
        centre.sessions[0].connection.abort()
        await eventually(lambda: centre.counts["binds"] == 3 and binds(app) == 2)
        centre.sessions[0].connection.unbind()
        await eventually(lambda: centre.counts["binds"] == 4 and binds(app) == 2)
        await esme.submit(submit("rich"))
        await nothing_happens()
        assert len(centre.submitted) == 2
        assert not is_up(app)
        assert "ESME_RNOMONEY" in " ".join(await app.readiness.reasons())


async def test_no_money_is_no_money_though_all_binds_were_lost(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules(status_of=poor)) as centre,
        linked(tmp_path, centre, profile="sms-assistent") as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await spend_all(app, esme)
        for _ in range(2):
            centre.stop_listening()
            centre.hang_up()
            await eventually(lambda: binds(app) == 0)
            clock().forward(PATIENCE)
            await eventually(lambda: "ESME_RNOMONEY" not in app.fleet["link"].health.reason)
            centre.listen_again()
            await eventually(lambda: binds(app) == 1)
            await esme.submit(submit("rich"))
            await nothing_happens()
            assert len(centre.submitted) == 2
            assert "ESME_RNOMONEY" in " ".join(await app.readiness.reasons())
        centre.rules.status_of = None  # somebody has paid
        app.fleet["link"].retry()
        await eventually(lambda: is_up(app))
        await esme.receipts(2)


async def test_an_answer_of_before_does_not_bring_the_money_back(tmp_path: Path) -> None:
    rules = Rules(status_of=poor)
    async with (
        CentreSimulator(rules) as centre,
        linked(tmp_path, centre, profile="sms-assistent") as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit("first"))
        await esme.receipt()
        rules.latency = 5.0
        await esme.submit(submit("slow"))
        await eventually(lambda: len(centre.submitted) == 2)
        rules.latency = 0.0
        await esme.submit(submit("poor"))
        await eventually(lambda: not is_up(app))
        clock().forward(5.0)
        await esme.receipt()
        assert not is_up(app)
        assert "ESME_RNOMONEY" in " ".join(await app.readiness.reasons())


async def test_who_waits_is_told_why_it_does_not_work_now(tmp_path: Path) -> None:
    """Not why it did not work some time ago."""
    async with (
        CentreSimulator(Rules(status_of=poor)) as centre,
        linked(tmp_path, centre, account={"mode": "sync"}, profile="sms-assistent") as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        said = []
        for text in ("rich", "poor", "rich"):
            said.append((await esme.ask(submit(text))).command_status)
        app.fleet["link"].retry()
        said.append((await esme.ask(submit("rich"))).command_status)
        assert said == [0, NO_MONEY, NO_MONEY, 0]
        centre.stop_listening()
        centre.hang_up()
        await eventually(lambda: binds(app) == 0)
        clock().forward(PATIENCE)
        await eventually(lambda: not is_up(app))
        answer = await esme.ask(submit("rich"))
        assert isinstance(answer, SubmitSmResp)
        assert answer.command_status == Status.ESME_RSYSERR


async def test_after_no_money_nothing_new_is_submitted(tmp_path: Path) -> None:
    rules = Rules()
    async with (
        CentreSimulator(rules) as centre,
        linked(tmp_path, centre, window=3, profile="sms-assistent") as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit("the first one is sent alone"))
        await esme.receipt()
        rules.latency = 1.0
        rules.status_of = lambda pdu: NO_MONEY
        await esme.submit_many([submit(str(number)) for number in range(400)])
        await eventually(lambda: len(centre.submitted) == 1 + 3 and waiting(app) == 17)  # of two hand-overs
        clock().forward(1.0)
        await eventually(lambda: not is_up(app))
        await nothing_happens()
        assert len(centre.submitted) == 1 + 3
        assert centre.counts["binds"] == 1
        assert sum(stages(tmp_path).values()) == 401


async def test_after_no_money_the_others_go_elsewhere(tmp_path: Path) -> None:
    rules = Rules()
    async with CentreSimulator(rules) as first, CentreSimulator() as second:
        config = sections(link(first.port, window=3, profile="sms-assistent"), link(second.port))
        async with upstream_bridge(tmp_path, config) as app, await Esme.bound(app.smpp_ports[0]) as esme:
            await eventually(lambda: binds(app) == 1)
            await esme.submit(submit("the first one is sent alone"))
            await esme.receipt()
            rules.latency = 1.0
            rules.status_of = lambda pdu: NO_MONEY
            await esme.submit_many([submit(str(number)) for number in range(100)])
            await eventually(lambda: len(first.submitted) == 1 + 3 and waiting(app) == 17)
            clock().forward(1.0)
            await esme.receipts(100)
            assert (len(first.submitted), len(second.submitted)) == (4, 100)


async def test_after_a_reconnection_a_few_messages_are_tried(tmp_path: Path) -> None:
    rules = Rules()
    async with (
        CentreSimulator(rules) as centre,
        linked(tmp_path, centre, binds=3, up=3) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit_many([submit(str(number)) for number in range(30)])
        await esme.receipts(30)
        centre.stop_listening()
        centre.hang_up()
        await eventually(lambda: binds(app) == 0)
        clock().forward(PATIENCE)
        await eventually(lambda: not is_up(app))
        await esme.submit_many([submit(str(number)) for number in range(30)])
        rules.latency = 9.0
        centre.listen_again()
        await eventually(lambda: len(centre.submitted) == 30 + UNPROVEN_WINDOW)
        await eventually(lambda: binds(app) == 3)
        await turns(50)
        assert len(centre.submitted) == 30 + UNPROVEN_WINDOW
        rules.latency = 0.0
        clock().forward(9.0)
        await esme.receipts(30)


async def test_one_message_without_money_among_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What goes out after it proves that the link works: for the metrics, for readiness, and for sending."""
    async with (
        CentreSimulator(Rules(status_of=poor)) as centre,
        linked(tmp_path, centre, window=1, profile="sms-assistent", data_codings=[3, 8]) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit_many([submit(text) for text in ("rich", "poor", *["rich"] * 20)])
        await eventually(lambda: len(centre.submitted) == 22)
        await eventually(lambda: is_up(app))
        assert await app.readiness.reasons() == []
        await esme.submit(submit("rich"))
        await eventually(lambda: len(centre.submitted) == 23)


async def test_a_phone_that_no_money_suffices_for_holds_up_no_other(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules(status_of=poor)) as centre,
        linked(tmp_path, centre, window=3, profile="sms-assistent") as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit("rich"))
        await esme.receipt()
        dear = [submit("poor") for _ in range(6)]
        await esme.submit_many([*dear, *(submit("rich", to=f"3752912345{n:02}") for n in range(20))])
        await eventually(lambda: sum(one.pdu.short_message == b"rich" for one in centre.submitted) == 21)
        await eventually(lambda: is_up(app))
        assert await app.readiness.reasons() == []
