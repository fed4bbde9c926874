"""The end: what is under way is finished or queued again, nothing is lost, and nothing new begins."""

import asyncio
from collections.abc import Sequence

import pytest

from smppbridge.errors import Disabled, StoreError, Unavailable
from smppbridge.model.message import Message, Stage
from smppbridge.providers.base import SendResult
from tests.support.builders.rows import NOW, segment
from tests.support.system.virtual_time import moment
from tests.unit.flow.fleets import stop_all
from tests.unit.flow.send.rig import Lab, rigged, sending, times
from tests.unit.flow.send.streams import Step, Streamed, ok

pytestmark = pytest.mark.virtual_time


class Stoppable(Lab):
    """Ends its requests when it is stopped: what it has not sent is Unavailable."""

    def __init__(self) -> None:
        super().__init__(delay=60.0)
        self._stop = asyncio.Event()

    def stop(self) -> None:
        self._stop.set()

    async def send(self, messages: Sequence[Message], now: int) -> list[SendResult]:
        self.batches.append([message.id for message in messages])
        await self._stop.wait()
        return [Unavailable("the bridge stops")] * len(messages)


async def test_a_hand_over_under_way_is_waited_for_and_saved() -> None:
    lab = Lab(delay=4.0)
    async with sending(lab) as rig:
        await rig.queue(segment(1))
        await asyncio.sleep(1)
        await stop_all(rig.fleet, 10.0)
        assert rig.machine.seconds == 4.0  # no longer than that
        assert lab.stopped
        assert (await rig.row(1)).stage == Stage.SENT


async def test_a_hand_over_that_takes_too_long_is_cancelled_and_found_by_its_lease() -> None:
    lab = Lab(delay=30.0)
    async with sending(lab) as rig:
        await rig.queue(segment(1))
        await asyncio.sleep(1)
        await stop_all(rig.fleet, 5.0)
        assert rig.machine.seconds == 6.0
        assert (await rig.row(1)).stage == Stage.SENDING
        await asyncio.sleep(60)
        assert lab.ended == []  # it was cancelled, not forgotten
        assert [row.id for row in await rig.disk.overdue("lab", NOW + 120_000, 10)] == [1]


async def test_all_dispatchers_stop_at_the_same_time() -> None:
    labs = [Lab(name, delay=4.0) for name in ("lab", "spare", "other")]
    async with sending(*labs) as rig:
        await rig.queue(*(segment(number, provider=lab.name) for number, lab in enumerate(labs, 1)))
        await moment()
        await stop_all(rig.fleet, 10.0)
        assert rig.machine.seconds == 4.0
        assert [(await rig.row(number)).stage for number in (1, 2, 3)] == [Stage.SENT] * 3


async def test_what_the_provider_had_not_sent_goes_back_to_its_queue() -> None:
    lab, spare = Stoppable(), Lab("spare")
    async with sending(lab, spare) as rig:
        await rig.queue(segment(1), segment(2))
        await asyncio.sleep(1)
        await stop_all(rig.fleet, 10.0)
        assert rig.machine.seconds == 1.0
        for number in (1, 2):
            found, row = await rig.found(number), await rig.row(number)
            assert (found.stage, found.due_at, row.provider, row.tries) == (
                Stage.WAITING,
                NOW + 1000,
                "lab",
                0,
            )
        assert spare.batches == []


@pytest.mark.parametrize("error", [Unavailable("the bridge stops"), Disabled("wrong key", pause=600.0)])
async def test_what_happens_at_the_end_says_nothing_about_the_provider(error: Exception) -> None:
    lab = Lab(delay=4.0, batch=1, parallel=3)
    async with sending(lab) as rig:
        lab.errors.extend([error] * 3)
        await rig.queue(*(segment(number, route="lab") for number in (1, 2, 3)))
        await moment()
        await stop_all(rig.fleet, 10.0)
        assert (rig.fleet.working("lab"), rig.changes) == (True, [])
        assert rig.fleet["lab"].health.breaker.works


async def test_another_error_at_the_end_counts_for_its_message() -> None:
    lab, spare = Lab(delay=4.0), Lab("spare")
    async with sending(lab, spare) as rig:
        lab.errors.append(Disabled("wrong key", pause=600.0))
        await rig.queue(segment(1))
        await moment()
        await stop_all(rig.fleet, 10.0)
        row = await rig.row(1)
        assert (row.stage, row.provider) == (Stage.QUEUED, "spare")


async def test_nothing_new_begins_after_the_stop() -> None:
    lab = Lab()
    async with sending(lab) as rig:
        await moment()
        await stop_all(rig.fleet, 5.0)
        assert rig.machine.seconds < 0.01  # there was nothing to wait for
        await rig.queue(segment(1))
        await asyncio.sleep(100)
        assert lab.batches == []
        assert (await rig.row(1)).stage == Stage.QUEUED


async def test_what_is_put_back_to_wait_is_saved_before_the_end() -> None:
    lab = Lab(same_text_gap=600.0)
    async with sending(lab) as rig:
        rig.store.failing = {"hand_back"}
        await rig.queue(segment(1), segment(2))
        await moment()
        stopping = asyncio.create_task(stop_all(rig.fleet, 5.0))
        await moment()
        rig.store.failing = set()
        await stopping
        assert rig.machine.seconds == 1.0  # the next try to save it
        assert (await rig.row(2)).stage == Stage.WAITING


async def test_answers_that_are_waited_for_come_before_the_end() -> None:
    lab = Streamed([Step(0.0), Step(4.0, (ok(0),))])
    async with sending(lab) as rig:
        await rig.queue(segment(1))
        await asyncio.sleep(1)
        await stop_all(rig.fleet, 10.0)
        assert rig.machine.seconds == 4.0
        assert (await rig.row(1)).stage == Stage.SENT


async def test_answers_that_do_not_come_are_not_waited_for_longer_than_the_grace() -> None:
    lab = Streamed([Step(0.0), Step(40.0, (ok(0),))])
    async with sending(lab) as rig:
        await rig.queue(segment(1))
        await asyncio.sleep(1)
        await stop_all(rig.fleet, 10.0)
        assert rig.machine.seconds == 11.0
        await asyncio.sleep(60)
        assert (await rig.row(1)).stage == Stage.SENDING


async def test_a_hand_over_that_breaks_at_the_end_stops_nobody() -> None:
    lab, spare = (
        Streamed([Step(1.0, (ok(0),), True), StoreError("not from the store")]),
        Lab("spare", delay=3.0),
    )
    async with sending(lab, spare) as rig:
        await rig.queue(segment(1), segment(2, provider="spare"))
        await moment()
        await stop_all(rig.fleet, 10.0)
        assert (await rig.row(2)).stage == Stage.SENT


async def test_a_dispatcher_that_was_not_started_stops_at_once() -> None:
    lab = Lab()
    async with rigged(lab) as rig:
        await rig.queue(segment(1))
        await stop_all(rig.fleet, 5.0)
        assert (rig.machine.seconds, times(lab)) == (0.0, [])
