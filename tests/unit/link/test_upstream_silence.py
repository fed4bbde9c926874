"""A bind over which no answer comes any more: it is left soon, and an answer that was lost ends no other."""

import asyncio

import pytest

from smppbridge.link import client as client_module
from smppbridge.link import persistent_bind as bind_module
from smppbridge.link import upstream as module
from smppbridge.smpp.pdu import BindTransceiver, SubmitSm, SubmitSmResp, Unbind
from smppbridge.smpp.session import Timers
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.hand_centre import hand_centre
from tests.support.bridge.running import eventually
from tests.unit.link.peers import Owner, items, settings, texts, unanswered, upstream

HASTY = Timers(bind=1.0, enquire_link=0.0, inactivity=0.0, response=0.2)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_TICK", 0.02)
    monkeypatch.setattr(bind_module, "_FIRST_PAUSE", 0.02)
    monkeypatch.setattr(module, "_GRACE", 0.06)


async def test_a_session_that_answers_nothing_is_left(caplog: pytest.LogCaptureFixture) -> None:
    owner = Owner()
    async with (
        CentreSimulator(Rules(lose_answer=lambda number: number <= 3)) as centre,
        upstream(owner, settings(centre.port, timers=HASTY, window=1)) as link,
    ):
        link.submit(items(*range(4)))
        await eventually(lambda: owner.taken == [3])
        assert unanswered(owner) == [0, 1, 2]
        assert centre.counts["binds"] == 2
        assert texts(centre) == [0, 1, 2, 3]
    assert "does not answer" in caplog.text


@pytest.mark.parametrize("pause", [0.0, 0.5])
async def test_what_is_lost_among_answers_ends_no_session(pause: float) -> None:
    """Neither at once nor when the link has been idle for a while."""
    owner = Owner()
    async with (
        CentreSimulator(Rules(lose_answer=lambda number: number % 4 == 3)) as centre,
        upstream(owner, settings(centre.port, timers=HASTY)) as link,
    ):
        for lost in range(3):
            await asyncio.sleep(pause)
            link.submit(items(*range(12)))
            while len(unanswered(owner)) < 3 * (lost + 1):
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        assert (centre.counts["binds"], owner.counts) == (1, [1])


def deafen(centre: CentreSimulator) -> None:
    """The first of its sessions hears nothing more."""
    centre.sessions[0].connection._deaf = lambda: True


async def test_while_a_line_answers_nothing_another_carries_everything() -> None:
    owner = Owner()
    kinds = (BindTransceiver,) * 2
    async with (
        CentreSimulator() as centre,
        upstream(owner, settings(centre.port, timers=HASTY, window=4), *kinds, up=2) as link,
    ):
        link.submit(items(0, 1))
        await eventually(lambda: len(owner.taken) == 2)
        await asyncio.sleep(0.1)
        deafen(centre)
        began = asyncio.get_running_loop().time()
        link.submit(items(*range(2, 60)))
        await eventually(lambda: unanswered(owner))
        assert len(owner.taken) == 56
        await eventually(lambda: centre.counts["binds"] == 3)
        assert asyncio.get_running_loop().time() - began < HASTY.response + 1
        assert len(unanswered(owner)) == 4


async def test_a_line_that_goes_silent_under_load_costs_little_and_is_left_soon() -> None:
    owner = Owner()
    async with (
        CentreSimulator(Rules(latency=0.01)) as centre,
        upstream(owner, settings(centre.port, timers=HASTY, window=5)) as link,
    ):
        loop = asyncio.get_running_loop()
        link.submit(items(*range(200)))
        await eventually(lambda: len(owner.taken) > 20)
        deafen(centre)
        began = loop.time()
        await eventually(lambda: centre.counts["binds"] == 2)
        assert loop.time() - began < HASTY.response + 1
        assert len(unanswered(owner)) <= 6  # the window, and one that found out
        await eventually(lambda: len(owner.heard) == 200)


async def test_what_was_lost_by_chance_perhaps_costs_one_more() -> None:
    """Most of what was under way when the last answer came was sent before: one request finds out."""
    owner = Owner()
    async with hand_centre() as centre:
        own = settings(centre.port, timers=HASTY, window=5)
        async with upstream(owner, own, up=0) as link:
            session = await centre.session()
            link.submit(items(*range(30)))
            session.reply(await session.expect(SubmitSm), SubmitSmResp("0"))
            window = [await session.expect(SubmitSm) for _ in range(5)]
            session.reply(window[0], SubmitSmResp("1"))
            await session.expect(SubmitSm)
            await session.expect(Unbind)
            assert owner.taken == [0, 1]
            assert unanswered(owner) == [2, 3, 4, 5, 6, 7]
