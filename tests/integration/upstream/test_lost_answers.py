"""An answer of the SMSC that never comes delays its own message, and no other."""

from pathlib import Path
from typing import Any

from smppbridge.smpp.pdu import SubmitSmResp
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.running import eventually, metric
from tests.support.bridge.upstream import linked
from tests.support.bridge.upstream_steps import FINAL, SENDING, UNCERTAIN, stages
from tests.support.esme.esme import Esme, submit
from tests.support.system.clock import clock

COUNT, EACH = 500, 50  # messages; one answer in so many is lost
LOST = COUNT // EACH
TIMEOUT = 15
KEYS: dict[str, Any] = {"window": 50, "response_timeout": TIMEOUT}


def some_lost() -> Rules:
    return Rules(lose_answer=lambda number: number <= COUNT and number % EACH == 0)


async def test_all_others_are_recorded_at_once_and_more_can_go(tmp_path: Path) -> None:
    async with (
        CentreSimulator(some_lost()) as centre,
        linked(tmp_path, centre, **KEYS) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit_many([submit(str(number)) for number in range(COUNT)])
        await eventually(lambda: stages(tmp_path) == {SENDING: LOST, FINAL: COUNT - LOST})
        await esme.submit_many([submit(str(number)) for number in range(COUNT, COUNT + 100)])
        await eventually(lambda: stages(tmp_path) == {SENDING: LOST, FINAL: COUNT + 100 - LOST})
        clock().forward(TIMEOUT)
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
        await eventually(lambda: stages(tmp_path) == {SENDING: LOST, FINAL: COUNT - LOST})
        clock().forward(TIMEOUT)
        await eventually(lambda: stages(tmp_path) == {UNCERTAIN: LOST, FINAL: COUNT - LOST})
        assert metric(app, "provider_up", provider="link") == 1
        await esme.submit_many([submit(str(number)) for number in range(20)])
        await eventually(lambda: stages(tmp_path) == {UNCERTAIN: LOST, FINAL: COUNT - LOST + 20})


async def test_who_waits_for_the_others_has_the_answer_at_once(tmp_path: Path) -> None:
    async with (
        CentreSimulator(some_lost()) as centre,
        linked(tmp_path, centre, account={"mode": "sync"}, **KEYS) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        esme.send(*(submit(str(number)) for number in range(COUNT)))
        answers = [await esme.expect(SubmitSmResp) for _ in range(COUNT - LOST)]
        assert {answer.command_status for answer in answers} == {0}
        await esme.silence(SubmitSmResp, 0.1)
        clock().forward(TIMEOUT)
        await eventually(lambda: stages(tmp_path).get(UNCERTAIN) == LOST)
        assert centre.counts["binds"] == 1
