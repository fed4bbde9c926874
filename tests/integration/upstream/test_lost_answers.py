"""An answer of the SMSC that never comes delays its own message, and no other."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from smppbridge.link import persistent_bind
from smppbridge.smpp.pdu import SubmitSmResp
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.running import eventually, metric
from tests.support.bridge.upstream import linked
from tests.support.bridge.upstream_steps import FINAL, UNCERTAIN, stages
from tests.support.esme.esme import Esme, submit

COUNT, EACH = 500, 50  # messages; one answer in so many is lost
LOST = COUNT // EACH
TIMEOUT = 3
KEYS: dict[str, Any] = {"window": 50, "response_timeout": TIMEOUT}
SENDING = 3  # stage


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persistent_bind, "_FIRST_PAUSE", 0.05)


def now() -> float:
    return asyncio.get_running_loop().time()


def some_lost() -> Rules:
    return Rules(lose_answer=lambda number: number <= COUNT and number % EACH == 0)


async def test_all_others_are_recorded_at_once_and_more_can_go(tmp_path: Path) -> None:
    async with (
        CentreSimulator(some_lost()) as centre,
        linked(tmp_path, centre, **KEYS) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        began = now()
        await esme.submit_many([submit(str(number)) for number in range(COUNT)])
        await eventually(lambda: stages(tmp_path) == {SENDING: LOST, FINAL: COUNT - LOST})
        await esme.submit_many([submit(str(number)) for number in range(COUNT, COUNT + 100)])
        await eventually(lambda: stages(tmp_path) == {SENDING: LOST, FINAL: COUNT + 100 - LOST})
        assert now() - began < TIMEOUT - 0.5
        await eventually(lambda: stages(tmp_path) == {UNCERTAIN: LOST, FINAL: COUNT + 100 - LOST})
        assert len(centre.submitted) == COUNT + 100
        assert centre.counts["binds"] == 1


async def test_they_do_not_take_the_link_down(tmp_path: Path) -> None:
    """Most of each hand-over was taken: that some answers are missing is about these messages."""
    async with (
        CentreSimulator(some_lost()) as centre,
        linked(tmp_path, centre, **KEYS) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit_many([submit(str(number)) for number in range(COUNT)])
        await eventually(lambda: stages(tmp_path) == {UNCERTAIN: LOST, FINAL: COUNT - LOST})
        assert metric(app, "provider_up", provider="link") == 1
        began = now()
        await esme.submit_many([submit(str(number)) for number in range(20)])
        await eventually(lambda: stages(tmp_path) == {UNCERTAIN: LOST, FINAL: COUNT - LOST + 20})
        assert now() - began < 1


async def test_who_waits_for_the_others_has_the_answer_at_once(tmp_path: Path) -> None:
    async with (
        CentreSimulator(some_lost()) as centre,
        linked(tmp_path, centre, account={"mode": "sync"}, **KEYS) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        began = now()
        esme.send(*(submit(str(number)) for number in range(COUNT)))
        answers = [await esme.expect(SubmitSmResp) for _ in range(COUNT - LOST)]
        assert now() - began < TIMEOUT - 0.5
        assert {answer.command_status for answer in answers} == {0}
        await esme.silence(SubmitSmResp, 0.1)
        await eventually(lambda: stages(tmp_path).get(UNCERTAIN) == LOST)
        assert centre.counts["binds"] == 1
