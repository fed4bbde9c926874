"""Whole packages that are refused: whether that is about us, or about one of their messages."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smppbridge.model.message import Stage
from smppbridge.providers.sms_assistent import codes
from smppbridge.providers.sms_assistent.provider import SmsAssistent
from smppbridge.providers.sms_assistent.suspicion import MAX_IN_ROW, Suspicion
from tests.simulators.sms_assistent.simulator import Rules, SmsAssistentSimulator
from tests.support.builders.messages import message
from tests.support.builders.rows import segment
from tests.support.builders.upcalls import Upcalls
from tests.support.system.virtual_time import VirtualTimeLoop
from tests.unit.flow.send.rig import Rig, sending
from tests.unit.providers.sms_assistent.steps import SECRET, no_report, options

BAD = "375290000000"
DAY = 86_400_000  # ms


@asynccontextmanager
async def at_work(rules: Rules, **keys: object) -> AsyncIterator[tuple[Rig, SmsAssistentSimulator]]:
    """A fleet with one sms-assistent provider, on the virtual clock: the simulator is asked without sockets.
    What waits is queued again every five seconds."""
    rules.password = SECRET
    simulator = SmsAssistentSimulator(rules)
    provider = SmsAssistent("assist", options(default_sender="CMC", **keys))
    provider.transport = httpx2.ASGITransport(simulator.app)
    await provider.start(Upcalls(no_report))

    async def promote(rig: Rig) -> None:
        while True:
            await asyncio.sleep(5.0)
            for account in await rig.disk.promote("assist", rig.clock(), 200):
                rig.fleet.wake("assist", account)

    async with sending(provider) as rig:
        promoting = asyncio.create_task(promote(rig))
        yield rig, simulator
        promoting.cancel()
    await provider.close()


async def queue(rig: Rig, first: int, *recipients: str) -> None:
    numbered = enumerate(recipients, first)
    await rig.queue(
        *(
            segment(number, recipient=to, route="assist", provider="assist", deadline=rig.clock() + DAY)
            for number, to in numbered
        )
    )


@pytest.mark.virtual_time
@pytest.mark.parametrize("code", [-12, -13, -1, -10])
@pytest.mark.parametrize("place", [0, 57])
async def test_one_message_that_spoils_its_package_stops_no_other(code: int, place: int) -> None:
    async with at_work(Rules(spoils={BAD: code})) as (rig, simulator):
        good = [f"37529{number:07d}" for number in range(1, 120)]
        await queue(rig, 1, *good[:place], BAD, *good[place:])
        await asyncio.sleep(15 * 60)
        assert sorted(row["recipient"] for row in simulator.accepted) == good
        before = simulator.requests_by_api.total()
        for number in range(200, 260):  # what comes later does not wait for it
            await queue(rig, number, f"37529{number:07d}")
            await asyncio.sleep(17.0)
            assert len(simulator.accepted) == number - 80
            assert rig.fleet["assist"].health.works
        assert simulator.requests_by_api.total() - before < 60 + 40
        assert (await rig.row(place + 1)).stage in {Stage.WAITING, Stage.QUEUED}


async def hand_over(rules: Rules, api: str, place: int) -> float:
    """Seconds until all are taken but the bad one, which is the message at ``place``."""
    rules.plain_per_minute = 1000
    async with at_work(rules, api=api) as (rig, simulator):
        good = [f"37529{number:07d}" for number in range(1, 120)]
        await queue(rig, 1, *good[:place], BAD, *good[place:])
        for passed in range(0, 3 * 3600, 30):
            if {row["recipient"] for row in simulator.accepted} == set(good):
                return passed
            await asyncio.sleep(30.0)
    raise AssertionError(f"{len(good) - len(simulator.accepted)} are left after hours")


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted([*codes.ERRORS, -99])), st.integers(0, 119), st.sampled_from(["json", "xml"]))
def test_whatever_one_message_meets_all_others_go_at_once(code: int, place: int, api: str) -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert runner.run(hand_over(Rules(errors={BAD: code}), api, place)) <= 30.0


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(sorted([*codes.ERRORS, -99])),
    st.integers(0, 119),
    st.sampled_from(["json", "xml", "plain"]),
)
@example(-14, 100, "json")
def test_whatever_one_message_does_to_its_package_all_others_go(code: int, place: int, api: str) -> None:
    """A code of a whole package may be about the account: then its pause comes first."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(hand_over(Rules(spoils={BAD: code}), api, place))


@pytest.mark.virtual_time
@pytest.mark.parametrize(("api", "code"), [("json", -10), ("xml", -99), ("plain", -10)])
async def test_an_outage_is_waited_for_with_an_alert(
    api: str, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with at_work(Rules(blocked=code), api=api) as (rig, simulator):
        await queue(rig, 1, *(f"37529{number:07d}" for number in range(1, 121)))
        await asyncio.sleep(6 * 3600)
        assert not rig.fleet["assist"].health.works
        held = [await rig.disk.list_stage(stage, 200) for stage in (Stage.WAITING, Stage.QUEUED)]
        assert sum(map(len, held)) == 120
        alerts = [one.getMessage() for one in caplog.records if one.levelno == logging.ERROR]
        assert "provider is down" in alerts
        simulator.rules.blocked = 0
        await asyncio.sleep(15 * 60)
        assert len(simulator.accepted) == 120
        assert rig.fleet["assist"].health.works


def test_what_is_suspected() -> None:
    suspicion = Suspicion(max_remembered=3)
    one, two, three = message(1), message(2), message(3)
    assert not suspicion.refused([one, two])
    assert not suspicion.refused([one])  # nothing passed since
    suspicion.passed([three])
    assert suspicion.refused([one, three])
    assert not suspicion.refused([three])
    assert suspicion.refused([one])
    suspicion.passed([one])
    assert not suspicion.refused([one])
    assert suspicion.refused([two], likely=True)
    suspicion.passed([])
    assert not suspicion.refused([message(number) for number in range(10, 14)])
    suspicion.passed([])
    assert suspicion.refused([message(11)])
    assert not suspicion.refused([message(10)])  # forgotten: too many others came after it


def test_when_nothing_passes_any_more_packages_are_not_split() -> None:
    suspicion = Suspicion()
    both = [message(1), message(2)]
    answers = [suspicion.refused(both, likely=True) for _ in range(MAX_IN_ROW + 2)]
    assert answers == [True] * MAX_IN_ROW + [False] * 2
    assert suspicion.refused(both[:1], likely=True)  # it is alone
    suspicion.passed([])
    assert suspicion.refused(both)
