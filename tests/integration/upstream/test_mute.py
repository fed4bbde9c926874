"""A session over which no answers come any more is left, and meanwhile another carries what there is."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from smppbridge.app import App
from smppbridge.link.connection import ConnectionLimits
from smppbridge.smpp.pdu import DeliverSm
from tests.simulators.smpp_centre.life import Link
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.running import eventually, metric
from tests.support.bridge.upstream import BINDS, TIMINGS, Held, linked, outstanding
from tests.support.bridge.upstream_steps import FINAL, SENDING, SENT, UNCERTAIN, stages
from tests.support.esme.esme import Esme, submit
from tests.support.system.clock import clock, time_flies, turns

TIMEOUT = 15  # seconds for an answer


def silence(session: Link) -> None:
    """It hears nothing more, so it answers nothing."""
    session.connection._deaf = lambda: True


async def left(app: App, caplog: pytest.LogCaptureFixture) -> None:
    """A mute session is left, two response times after its last answer at the latest."""
    for _ in range(2):
        await eventually(lambda: outstanding(app))
        clock().forward(TIMEOUT)
        await turns()
        if "does not answer" in caplog.text:
            break
    assert "does not answer" in caplog.text
    clock().forward(BINDS.unbind_grace)


async def test_it_is_left_and_another_carries_everything(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        CentreSimulator() as centre,
        linked(tmp_path, centre, binds=2, up=2, response_timeout=TIMEOUT) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit_many([submit(str(number)) for number in range(50)])
        await esme.receipts(50)
        silence(centre.sessions[0])
        await esme.submit_many([submit(str(number)) for number in range(100)])
        await eventually(lambda: stages(tmp_path) == {SENDING: 10, FINAL: 140})
        await left(app, caplog)
        await eventually(lambda: stages(tmp_path) == {UNCERTAIN: 10, FINAL: 140})
        await eventually(lambda: centre.counts["binds"] == 3)
        assert metric(app, "provider_up", provider="link") == 1


async def test_one_that_is_alone_is_left_and_costs_no_more_than_its_window(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        CentreSimulator() as centre,
        linked(tmp_path, centre, response_timeout=TIMEOUT) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit("x"))
        await esme.receipt()

        async def load() -> None:
            for number in range(1000):
                await esme.submit(submit(str(number)))
                await asyncio.sleep(0.01)

        loading = asyncio.ensure_future(load())
        await eventually(lambda: len(centre.submitted) >= 20)
        silence(centre.sessions[0])
        await eventually(lambda: outstanding(app) >= 2)
        await left(app, caplog)
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)
        await eventually(lambda: centre.counts["binds"] == 2)
        await time_flies(lambda: set(stages(tmp_path)) == {UNCERTAIN, FINAL})
        assert stages(tmp_path)[UNCERTAIN] <= 12  # three of them said that it is mute, and made room for two


async def test_one_with_a_full_window_is_left_and_costs_hardly_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What was under way when the last answer came may have been lost by chance: one more finds out."""
    async with (
        CentreSimulator(Rules(latency=0.02)) as centre,
        linked(tmp_path, centre, response_timeout=TIMEOUT) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit_many([submit(str(number)) for number in range(500)])
        await eventually(lambda: len(centre.submitted) >= 100)
        silence(centre.sessions[0])
        await left(app, caplog)
        await time_flies(lambda: stages(tmp_path).get(FINAL, 0) >= 489)
        assert stages(tmp_path)[UNCERTAIN] <= 11
        assert centre.counts["binds"] == 2


async def test_some_answers_that_are_lost_do_not_make_it_mute(tmp_path: Path) -> None:
    async with (
        CentreSimulator(Rules(lose_answer=lambda number: number in (5, 7, 9))) as centre,
        linked(tmp_path, centre, response_timeout=TIMEOUT) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit("x"))
        await esme.receipt()
        clock().forward(TIMEOUT)
        await esme.submit_many([submit(str(number)) for number in range(10)])
        await eventually(lambda: stages(tmp_path) == {SENDING: 3, FINAL: 8})
        clock().forward(TIMEOUT)
        await eventually(lambda: stages(tmp_path) == {UNCERTAIN: 3, FINAL: 8})
        await esme.submit(submit("y"))
        await eventually(lambda: stages(tmp_path) == {UNCERTAIN: 3, FINAL: 9})
        assert centre.counts["binds"] == 1


async def test_answers_expire_though_nothing_is_read(tmp_path: Path) -> None:
    """Too many of the SMSC's requests wait for the store, so its answers are not read, either."""
    timings = replace(TIMINGS, binds=replace(BINDS, connection=ConnectionLimits(unanswered=3)))
    keys: dict[str, Any] = {"response_timeout": 5, "enquire_link": 2}
    async with (
        CentreSimulator(Rules(outcomes=lambda pdu: "")) as centre,
        linked(tmp_path, centre, timings=timings, make=Held, **keys) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        link = app.providers["link"]
        assert isinstance(link, Held)
        await esme.submit(submit("x"))
        await eventually(lambda: stages(tmp_path) == {SENT: 1})
        phones = [
            asyncio.ensure_future(centre.deliver(DeliverSm(source_addr="375291234567", short_message=b"y")))
            for _ in range(3)
        ]
        await eventually(lambda: len(link._hearing) > 0)
        await turns(50)
        await esme.submit(submit("z"))
        await eventually(lambda: len(centre.submitted) == 2)
        clock().forward(5)
        await eventually(lambda: stages(tmp_path) == {UNCERTAIN: 1, SENT: 1})
        assert centre.counts["binds"] == 1
        link.go_on.set()
        assert {answer.command_status for answer in await asyncio.gather(*phones)} == {0}
        assert metric(app, "upstream_binds", provider="link") == 1
