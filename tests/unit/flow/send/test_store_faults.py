"""Each call of the store fails once, in every worker that sends: nothing is lost, nothing is sent twice, and
the worker goes on by itself.

Each scenario is run with its n-th call failing, for every n, and with the first n calls failing. One more run
shows that no call of the scenario is left out.
"""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

import pytest

from smppbridge.errors import Disabled, Unavailable, Uncertain
from smppbridge.flow.send.finder import Finder
from smppbridge.flow.send.rerouter import Rerouter
from smppbridge.model.message import Doubt, Message, Stage
from smppbridge.model.route import Route
from smppbridge.providers.base import SendResult, Taken, Trace
from tests.support.builders.failing import FailingStore
from tests.support.builders.rows import segment, stages
from tests.support.system.virtual_time import moment
from tests.unit.flow.send.rig import Lab, rigged, sending

pytestmark = pytest.mark.virtual_time


class Decided(Lab):
    """Its result for a message depends on its id: taken, unless ``results`` says something else."""

    def __init__(self, name: str, results: dict[int, SendResult], **limits: Any) -> None:
        super().__init__(name, **limits)
        self._results = results

    async def send(self, messages: Sequence[Message], now: int) -> list[SendResult]:
        await super().send(messages, now)
        return [self._results.get(message.id, Taken(f"{self.name}-{message.id}")) for message in messages]


def sent_by(lab: Lab) -> list[int]:
    return sorted(message.id for message in lab.sent)


def single(calls: int) -> list[Collection[int]]:
    """One call fails, or all up to one."""
    return [{number} for number in range(1, calls + 1)] + [
        range(1, number + 1) for number in range(2, calls + 1)
    ]


def name_of(fail: Collection[int]) -> str:
    return f"{max(fail)}" if len(fail) == 1 else f"1-{max(fail)}"


# --- dispatcher --------------------------------------------------------------------------------------


async def dispatched(fail: Collection[int]) -> FailingStore:
    """Four messages: taken, passed on, to be held back, in doubt."""
    results: dict[int, SendResult] = {2: Unavailable("connection refused"), 4: Uncertain("read timeout")}
    lab, spare = Decided("lab", results, same_text_gap=6000.0), Decided("spare", {})
    async with sending(lab, spare) as rig:
        rig.store.fail_at(*fail)
        await rig.queue(
            segment(1, text="door", account="crm"),
            segment(2, text="gate"),
            segment(3, text="gate"),
            segment(4, text="lamp", route="lab"),
        )
        await asyncio.sleep(300)
        assert (sent_by(lab), sent_by(spare)) == ([1, 2, 4], [2])
        assert await stages(rig.disk) == {
            1: Stage.SENT,
            2: Stage.SENT,
            3: Stage.WAITING,
            4: Stage.UNCERTAIN,
        }
        assert (await rig.row(2)).provider == "spare"
        assert (await rig.found(3)).attempt == 0
        assert await rig.disk.known_refs("lab", ["lab-1"]) == {"lab-1"}
        await rig.queue(segment(5, text="more"))
        await moment()
        assert sent_by(lab) == [1, 2, 4, 5]  # it goes on
    return rig.store


DISPATCHED = 6  # two claims, a record and a hand_back; a claim and a record of the other provider


@pytest.mark.parametrize("fail", single(DISPATCHED), ids=name_of)
async def test_dispatcher(fail: Collection[int]) -> None:
    assert len((await dispatched(fail)).failed) == len(fail)


async def test_every_call_of_the_dispatcher_is_in_the_matrix() -> None:
    calls = (await dispatched(())).called[:-2]  # but those for the message at the end
    assert sorted(calls) == ["claim_messages"] * 3 + ["hand_back"] + ["record"] * 2
    assert len(calls) == DISPATCHED


# --- finder ------------------------------------------------------------------------------------------


async def found(fail: Collection[int]) -> FailingStore:
    """Three messages in doubt: one is there, one certainly is not, and one nobody can tell about."""
    doubtful: dict[int, SendResult] = {number: Uncertain("read timeout") for number in (2, 3, 4)}
    lab, spare = Decided("lab", doubtful, find_first=20.0, find_interval=60.0), Decided("spare", {})
    answers = {2: Trace(2, ("ref-7",)), 3: Trace(3, unlikely=("lab-1",)), 4: Trace(4, complete=False)}
    misses: list[int] = []  # of the one that it does not have, whenever it is asked about it

    def trace(doubt: Doubt) -> Trace:
        if doubt.id == 3:
            misses.append(doubt.misses)
        return answers[doubt.id]

    lab.traces = trace
    async with sending(lab, spare) as rig:
        await rig.queue(*(segment(number, text=f"text {number}") for number in (1, 2, 3, 4)))
        await moment()
        finder = Finder(lab, rig.store.store, rig.recorder, rig.fleet, rig.clock)
        rig.store.fail_at(*fail)
        finder.start()
        await asyncio.sleep(1000)
        assert (sent_by(lab), sent_by(spare)) == ([1, 2, 3, 4], [3])
        assert await stages(rig.disk) == {
            1: Stage.SENT,
            2: Stage.SENT,
            3: Stage.SENT,
            4: Stage.UNCERTAIN,
        }
        assert await rig.disk.known_refs("lab", ["ref-7"]) == {"ref-7"}
        assert sorted(set(misses)) == [0, 1]  # never without a second answer
        assert misses[-1] == 1
        before = len(lab.found)
        await asyncio.sleep(100)
        assert len(lab.found) > before  # it goes on
        await finder.stop()
    return rig.store


FOUND = 19  # until the message that is certainly not there is sent by the other provider


@pytest.mark.parametrize("fail", single(FOUND), ids=name_of)
async def test_finder(fail: Collection[int]) -> None:
    assert len((await found(fail)).failed) == len(fail)


async def test_every_call_of_the_finder_is_in_the_matrix() -> None:
    calls = (await found(())).called
    last = max(place for place, verb in enumerate(calls) if verb == "claim_messages") + 2  # and its record
    assert last == FOUND
    assert set(calls[:last]) == {
        "claim_doubts",
        "in_flight",
        "known_refs",
        "record",
        "note_doubts",
        "claim_messages",
    }


# --- rerouter ----------------------------------------------------------------------------------------


async def rerouted(fail: Collection[int]) -> FailingStore:
    """A long queue of a provider that is down, and one of a provider that is no longer configured."""
    lab, spare = Lab("lab"), Decided("spare", {}, batch=2)
    async with rigged(lab, spare) as rig:
        rig.fleet["spare"].health.breaker.record_success()
        rig.fleet["lab"].health.record_failure(Disabled("wrong key", pause=3600.0))
        rerouter = Rerouter(rig.store.store, rig.fleet, [Route(to=("lab", "spare"))], chunk=2)
        rig.store.fail_at(*fail)
        await rig.disk.add_segments(
            [segment(number, provider="lab", route="lab,spare") for number in range(1, 6)]
            + [segment(number, provider="gone", route="gone,lab,spare") for number in range(6, 9)]
        )
        rig.fleet.start()
        rerouter.start()
        rerouter.soon("gone")
        rerouter.soon("lab")
        await asyncio.sleep(59)  # less than between two looks without a wake
        assert (lab.sent, sent_by(spare)) == ([], list(range(1, 9)))
        assert set((await stages(rig.disk)).values()) == {Stage.SENT}
        await rig.disk.add_segments([segment(9, provider="lab", route="lab,spare")])
        rerouter.soon("lab")
        await moment()
        assert sent_by(spare)[-1] == 9  # it goes on
        await rerouter.stop()
    return rig.store


REROUTED = 16


@pytest.mark.parametrize("fail", single(REROUTED), ids=name_of)
async def test_rerouter(fail: Collection[int]) -> None:
    assert len((await rerouted(fail)).failed) == len(fail)


async def test_every_call_of_the_rerouter_is_in_the_matrix() -> None:
    calls = (await rerouted(())).called[:-4]  # but those for the message at the end
    assert len(calls) == REROUTED
    assert calls.count("reroute") == 7  # three looks at the long queue, two at the other; spared providers
