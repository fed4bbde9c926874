"""A session over which no answers come any more is left, and meanwhile another carries what there is."""

import asyncio
from pathlib import Path

import pytest

from smppbridge.link import persistent_bind
from smppbridge.smpp.pdu import DeliverSm
from tests.simulators.smpp_centre.life import Link
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.running import eventually, metric
from tests.support.bridge.upstream import linked
from tests.support.bridge.upstream_steps import FINAL, UNCERTAIN, stages
from tests.support.esme.esme import Esme, submit

TIMEOUT = 1.5  # seconds for an answer
SOON = 2.0  # seconds more, after which a mute session is left
SENDING = 3  # stage


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persistent_bind, "_FIRST_PAUSE", 0.05)


def now() -> float:
    return asyncio.get_running_loop().time()


def silence(session: Link) -> None:
    """It hears nothing more, so it answers nothing."""
    session.connection._deaf = lambda: True


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
        began = now()
        await esme.submit_many([submit(str(number)) for number in range(100)])
        await eventually(lambda: stages(tmp_path) == {SENDING: 10, FINAL: 140})
        assert now() - began < TIMEOUT
        await eventually(lambda: "does not answer" in caplog.text)
        assert now() - began < 2 * TIMEOUT + SOON
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
        began = now()
        await eventually(lambda: "does not answer" in caplog.text)
        assert now() - began < 2 * TIMEOUT + SOON
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)
        await eventually(lambda: centre.counts["binds"] == 2)
        await eventually(lambda: set(stages(tmp_path)) == {UNCERTAIN, FINAL}, patience=20)
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
        began = now()
        await eventually(lambda: "does not answer" in caplog.text)
        assert now() - began < 2 * TIMEOUT + SOON
        await eventually(lambda: stages(tmp_path).get(FINAL, 0) >= 489, patience=20)
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
        await asyncio.sleep(TIMEOUT + 0.2)
        await esme.submit_many([submit(str(number)) for number in range(10)])
        await eventually(lambda: stages(tmp_path) == {UNCERTAIN: 3, FINAL: 8})
        await asyncio.sleep(TIMEOUT + 0.2)
        await esme.submit(submit("y"))
        await eventually(lambda: stages(tmp_path) == {UNCERTAIN: 3, FINAL: 9})
        assert centre.counts["binds"] == 1


async def test_answers_expire_though_nothing_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many of the SMSC's requests wait for the store, so its answers are not read, either."""
    monkeypatch.setattr("smppbridge.link.connection.MAX_UNANSWERED", 3)
    async with (
        CentreSimulator() as centre,
        linked(tmp_path, centre, response_timeout=TIMEOUT, enquire_link=0.5) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit("x"))
        await esme.receipt()
        go_on = asyncio.Event()
        arrive = app.inbound.arrive

        async def slowly(provider: str, inbound: list[object]) -> None:
            await go_on.wait()
            await arrive(provider, inbound)  # type: ignore[arg-type]  # passed on as it is

        monkeypatch.setattr(app.inbound, "arrive", slowly)
        phones = [
            asyncio.ensure_future(centre.deliver(DeliverSm(source_addr="375291234567", short_message=b"y")))
            for _ in range(3)
        ]
        await asyncio.sleep(0.2)
        await esme.submit(submit("z"))
        await eventually(lambda: stages(tmp_path) == {UNCERTAIN: 1, FINAL: 1})
        assert centre.counts["binds"] == 1
        go_on.set()
        assert {answer.command_status for answer in await asyncio.gather(*phones)} == {0}
        assert metric(app, "upstream_binds", provider="link") == 1
