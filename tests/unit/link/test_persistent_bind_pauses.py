"""Pauses between tries to bind: how long they grow, and when other binds wait, too."""

from typing import Any

import pytest

from smppbridge.link.client import TICK
from smppbridge.link.connection import ConnectionLimits
from smppbridge.link.persistent_bind import (
    TIMINGS,
    BindTimings,
    SmscState,
    refusal_pause,
)
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import (
    BindTransceiver,
)
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.running import eventually, free_port
from tests.support.system.clock import clock, turns, until
from tests.unit.link.peers import ENDED, QUICK, UP, Owner, binds, settings

# --- pauses ----------------------------------------------------------------------------------------


def test_the_pauses_of_the_bridge() -> None:
    """Those that other tests shorten."""
    assert (
        BindTimings(
            connect=10,
            handshake=10,
            first_pause=0.5,
            steady=30,
            refused_first=30,
            refused_last=600,
            patience=3,
            unbind_grace=1,
            slowest=1,
            connection=ConnectionLimits(unanswered=5000, unread=262_144, linger=5),
        )
        == TIMINGS
    )
    assert TICK == 0.5


def test_the_pause_after_a_refusal_grows() -> None:
    assert refusal_pause(0, TIMINGS) == 30
    for times, least, most in ((1, 30, 60), (3, 120, 240), (4, 240, 480), (50, 300, 600)):
        assert {least <= refusal_pause(times, TIMINGS) <= most for _ in range(100)} == {True}


async def test_a_refusal_makes_all_binds_wait() -> None:
    smsc = SmscState(TIMINGS)
    assert smsc.wait(100.0) == 0
    smsc.refused(100.0)
    assert (smsc.wait(100.0), smsc.wait(125.0), smsc.wait(130.0), smsc.wait(200.0)) == (30, 5, 0, 0)
    for _ in range(4):
        smsc.refused(200.0)
    assert 240 <= smsc.wait(200.0) <= 480
    smsc.accepted()
    assert smsc.wait(200.0) == 0
    smsc.refused(201.0)
    assert smsc.wait(201.0) == 30


async def tried(owner: Owner, times: int) -> None:
    await until(lambda: len(owner.tries) == times)


async def told(owner: Owner, change: tuple[str, bool], times: int) -> None:
    await until(lambda: owner.changes.count(change) == times)


def pause() -> float:
    """Seconds until the next try. The only other timers are a tick of each session and of the simulator."""
    return clock().timers()[-1]


async def test_an_unreachable_smsc_is_tried_at_growing_intervals(caplog: pytest.LogCaptureFixture) -> None:
    owner = Owner()
    clock().stop_clock()
    async with binds(owner, settings(free_port(), longest_pause=20.0, timings=BindTimings())):
        for tries in range(1, 10):
            await tried(owner, tries)
            most = min(20.0, 0.5 * 2**tries)
            assert most / 2 <= pause() <= most
            clock().forward(20.0)
        assert caplog.text.count("upstream bind failed") == 1  # once in five minutes
        await tried(owner, 10)
        clock().forward(300.0)
        await tried(owner, 11)
        await turns()
        assert caplog.text.count("upstream bind failed") == 2
    assert owner.tries == ["unreachable"] * 11
    assert all("Connection refused" in why for why, _ in owner.changes)


async def test_a_long_first_pause_is_no_longer_than_allowed() -> None:
    """The longest pause may be set below the first one."""
    owner = Owner()
    async with CentreSimulator() as centre, binds(owner, settings(centre.port, longest_pause=0.001)):
        await eventually(lambda: owner.changes == [UP])
        centre.hang_up()
        await eventually(lambda: owner.changes == [UP, ENDED, UP])


async def test_a_refusal_of_long_ago_makes_no_pause_longer() -> None:
    """It was refused, and then nobody was there: tries are short of each other again."""
    owner = Owner()
    full = Rules(bind_status=lambda bind: Status.ESME_RBINDFAIL)
    async with CentreSimulator(full) as centre, binds(owner, settings(centre.port)):
        await eventually(lambda: owner.tries == ["ESME_RBINDFAIL"])
        centre.stop_listening()
        await eventually(lambda: pause() > QUICK.refused_first / 4)  # it waits by now
        clock().forward(QUICK.refused_first)
        await eventually(lambda: len(owner.tries) == 6)
        assert owner.tries[1:] == ["unreachable"] * 5


async def test_a_bind_that_had_to_wait_for_the_refusal_of_another_has_not_tried() -> None:
    """It has no reason to wait longer than that refusal asks for."""
    owner = Owner()
    centre = CentreSimulator(Rules(password="other"))
    timings = BindTimings(first_pause=200.0, refused_first=30.0)
    async with (
        centre,
        binds(owner, settings(centre.port, timings=timings), BindTransceiver, BindTransceiver) as both,
    ):
        await eventually(lambda: owner.tries == ["ESME_RINVPASWD"])
        centre.rules.password = "secret"
        await turns()
        clock().forward(30.0)
        await eventually(lambda: both[1].client is not None)
        assert owner.tries == ["ESME_RINVPASWD", "ESME_ROK"]


async def test_a_refusal_is_not_repeated_soon() -> None:
    owner = Owner()
    clock().stop_clock()
    full = Rules(bind_status=lambda bind: Status.ESME_RBINDFAIL)
    async with CentreSimulator(full) as centre, binds(owner, settings(centre.port)):
        for tries, least, most in ((1, 30, 30), (2, 30, 60), (3, 60, 120)):
            await tried(owner, tries)
            await until(lambda: pause() > 1)  # the refused connection has ended
            assert owner.changes[-1][1]  # it is hopeless
            assert least <= pause() <= most
            clock().forward(most)


@pytest.mark.parametrize("lasted", [0.0, 29.0, 30.0])
async def test_a_bind_that_is_cut_each_time_does_not_hammer(lasted: float) -> None:
    """Bound is not good yet: pauses grow until a bind has lasted."""
    owner = Owner()
    clock().stop_clock()
    pauses: dict[str, Any] = {"longest_pause": 60.0, "timings": BindTimings(first_pause=2.0)}
    async with CentreSimulator() as centre, binds(owner, settings(centre.port, **pauses)):
        for times in range(1, 5):
            await told(owner, UP, times)
            clock().forward(lasted)
            centre.hang_up()
            await told(owner, ENDED, times)
            least, most = (2, 2) if lasted == 30.0 else (2**times, 2 * 2**times)
            assert least <= pause() <= most
            clock().forward(most)
        await until(lambda: centre.counts["binds"] == 5)
