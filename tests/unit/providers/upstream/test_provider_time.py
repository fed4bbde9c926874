"""How long an SMSC may take with a batch: what has begun becomes whole, what has not goes back; and results
that come one by one."""

import asyncio
from dataclasses import replace

import pytest

from smppbridge.errors import Throttled, Unavailable, Uncertain
from smppbridge.link.persistent_bind import TIMINGS as BIND_TIMINGS
from smppbridge.providers.base import SendResult, Stream, Taken
from smppbridge.providers.upstream.jobs import GROUP, LATER_AT_MOST
from smppbridge.providers.upstream.timings import SMPP_TIMINGS, SmppTimings
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import SubmitSm
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.running import eventually
from tests.support.builders.messages import NOW, message
from tests.support.system.clock import clock, soon, turns, until
from tests.unit.providers.upstream.link import (
    TIMINGS,
    batch,
    kinds,
    linked,
    outstanding,
    prove,
    slowest,
    waiting,
)

RESPONSE = 20.0  # seconds for submit_sm_resp


def test_the_times_of_the_bridge() -> None:
    """Those that other tests shorten."""
    assert SmppTimings(bind=10, sending=60, finishing=30, saving=5, binds=BIND_TIMINGS) == SMPP_TIMINGS
    assert GROUP == 0.01


async def later(centre: CentreSimulator, submitted: int, seconds: float) -> None:
    """Let so much time pass as soon as the SMSC has so many submit_sm."""
    await eventually(lambda: len(centre.submitted) == submitted)
    clock().forward(seconds)
    await turns()


async def test_results_come_one_by_one() -> None:
    rules = Rules(lose_answer=lambda number: number == 4)
    async with CentreSimulator(rules) as centre, linked(centre, response_timeout=RESPONSE) as provider:
        await prove(provider, centre)
        assert isinstance(provider, Stream)
        progress = provider.begin(batch(*range(10)), NOW)
        assert (progress.done, progress.holding) == (False, False)
        told: dict[int, SendResult] = {}
        while len(told) < 9:
            told.update(await soon(progress.more()))
        assert kinds(list(told.values())) == [Taken] * 9
        assert not progress.done
        clock().forward(RESPONSE)
        ((place, result),) = await soon(progress.more())
        assert place == 2  # one had gone before
        assert isinstance(result, Uncertain)
        assert progress.done


async def test_a_batch_that_has_ended_keeps_no_messages() -> None:
    """Its time would go on for a minute, and with it all messages of that minute in memory."""
    async with CentreSimulator() as centre, linked(centre) as provider:
        progress = provider.begin(batch(*range(10)), NOW)
        while not progress.done:
            await progress.more()
        assert progress.jobs == []
        assert progress.alarm is not None
        assert progress.alarm.cancelled()


async def test_a_batch_holds_its_place_until_all_of_it_is_on_its_way() -> None:
    rules = Rules()
    async with CentreSimulator(rules) as centre, linked(centre, window=2) as provider:
        await prove(provider, centre)
        rules.latency = 1.0
        progress = provider.begin(batch(*range(4)), NOW)
        assert progress.holding
        await later(centre, 2, 1.0)
        told = dict(await soon(progress.more()))
        assert (len(told), progress.holding) == (2, False)
        await later(centre, 4, 1.0)
        told.update(await soon(progress.more()))
        assert progress.done
        assert kinds(list(told.values())) == [Taken] * 4


async def test_a_slow_smsc() -> None:
    timings = replace(TIMINGS, sending=8.0)
    async with (
        CentreSimulator(Rules(latency=5.0)) as centre,
        linked(centre, None, timings, window=1) as provider,
    ):
        sending = asyncio.ensure_future(provider.send(batch(*range(10)), NOW))
        await later(centre, 1, 5.0)
        await later(centre, 2, 3.0)
        assert not sending.done()
        clock().forward(2.0)
        results = await soon(sending)
        assert kinds(results) == [Taken, Taken] + [Throttled] * 8
        assert isinstance(results[-1], Throttled)
        assert results[-1].after >= 1
        assert waiting(provider) == 0
        clock().forward(60.0)
        await turns()
        assert len(centre.submitted) == 2


async def test_what_has_begun_when_the_time_is_over_becomes_whole() -> None:
    timings = replace(TIMINGS, sending=1.0)
    async with (
        CentreSimulator(Rules(latency=2.0)) as centre,
        linked(centre, None, timings, window=1) as provider,
    ):
        texts = [message(number, text="x" * 300, data_coding=0) for number in (1, 2)]
        sending = asyncio.ensure_future(provider.send(texts, NOW))
        await later(centre, 1, 1.0)
        clock().forward(1.0)
        await later(centre, 2, 2.0)
        whole, other = await soon(sending)
        assert isinstance(whole, Taken)
        assert len(whole.parts) == 1
        assert isinstance(other, Throttled)
        assert len(centre.submitted) == 2
        assert waiting(provider) == 0


async def test_what_cannot_become_whole_is_in_doubt() -> None:
    timings = replace(TIMINGS, sending=1.0, finishing=1.0)
    async with (
        CentreSimulator(Rules(latency=4.0)) as centre,
        linked(centre, None, timings, window=1) as provider,
    ):
        sending = asyncio.ensure_future(provider.send([message(1, text="x" * 300, data_coding=0)], NOW))
        await later(centre, 1, 1.0)
        await later(centre, 1, 1.0)
        clock().forward(2.0)
        (result,) = await soon(sending)
        assert isinstance(result, Uncertain)
        assert len(centre.submitted) == 1
        assert waiting(provider) == 0


async def test_throttling_ends_with_the_time() -> None:
    rules = Rules(status_of=lambda pdu: Status.ESME_RTHROTTLED)
    async with CentreSimulator(rules) as centre, linked(centre, timings=slowest(50.0)) as provider:
        sending = asyncio.ensure_future(provider.send(batch(1, 2), NOW))
        # An answer that is on its way when the time is over would be in doubt.
        await eventually(lambda: len(centre.submitted) > 2 and not outstanding(provider))
        assert not sending.done()
        clock().forward(TIMINGS.sending)
        assert kinds(await soon(sending)) == [Throttled, Throttled]
        tries = len(centre.submitted)
        await eventually(lambda: waiting(provider) == 0)
        clock().forward(60.0)
        await turns()
        assert len(centre.submitted) == tries


@pytest.mark.parametrize("others", [(), (2, 3)])
async def test_a_message_that_is_too_much_for_long_is_at_fault_where_others_are_taken(
    others: tuple[int, ...],
) -> None:
    def status_of(pdu: SubmitSm) -> int:
        return Status.ESME_RTHROTTLED if pdu.short_message == b"text 1" else 0

    rules = Rules(status_of=status_of)
    async with CentreSimulator(rules) as centre, linked(centre, timings=slowest(50.0)) as provider:
        sending = asyncio.ensure_future(provider.send(batch(1, *others), NOW))
        await eventually(lambda: len(centre.submitted) > 2 + len(others) and not outstanding(provider))
        clock().forward(LATER_AT_MOST)
        tries = len(centre.submitted)
        if others:
            error = (await soon(sending))[0]
            assert isinstance(error, Throttled)
            assert error.about_message
        else:
            await eventually(lambda: len(centre.submitted) > tries + 1)
            assert not sending.done()
            sending.cancel()


async def test_throttling_that_begins_when_the_time_is_over() -> None:
    rules = Rules(latency=2.0, status_of=lambda pdu: Status.ESME_RTHROTTLED)
    timings = replace(slowest(50.0), sending=1.0)
    async with CentreSimulator(rules) as centre, linked(centre, timings=timings) as provider:
        sending = asyncio.ensure_future(provider.send(batch(1), NOW))
        await later(centre, 1, 1.0)
        clock().forward(1.0)
        (result,) = await soon(sending)
        assert isinstance(result, Throttled)
        assert len(centre.submitted) == 1


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_a_part_that_was_too_much_goes_again_though_the_time_is_over(number: int) -> None:
    seen: list[int] = []

    def status_of(pdu: SubmitSm) -> int:
        seen.append(pdu.short_message[5])
        return Status.ESME_RTHROTTLED if seen.count(number) == 1 and seen[-1] == number else 0

    timings = replace(slowest(50.0), sending=1.0)
    rules = Rules(status_of=status_of, latency=2.0)
    async with CentreSimulator(rules) as centre, linked(centre, timings=timings) as provider:
        sending = asyncio.ensure_future(provider.send([message(1, text="x" * 400, data_coding=0)], NOW))
        await later(centre, 3, 1.0)
        clock().forward(1.0)
        await later(centre, 4, 2.0)
        assert isinstance((await soon(sending))[0], Taken)
        assert sorted(seen) == sorted([1, 2, 3, number])


async def test_when_the_time_is_over_and_nothing_of_it_was_taken_it_goes_back() -> None:
    timings = replace(slowest(50.0), sending=1.0)
    rules = Rules(status_of=lambda pdu: Status.ESME_RTHROTTLED, latency=2.0)
    async with CentreSimulator(rules) as centre, linked(centre, timings=timings, window=1) as provider:
        sending = asyncio.ensure_future(provider.send([message(1, text="x" * 400, data_coding=0)], NOW))
        await later(centre, 1, 1.0)
        clock().forward(1.0)
        assert isinstance((await soon(sending))[0], Throttled)
        assert len(centre.submitted) == 1


async def test_what_was_too_much_when_it_stops_goes_back() -> None:
    rules = Rules(latency=5.0, status_of=lambda pdu: Status.ESME_RTHROTTLED)
    async with CentreSimulator(rules) as centre, linked(centre) as provider:
        sending = asyncio.ensure_future(provider.send(batch(1), NOW))
        await eventually(lambda: centre.submitted)
        provider.stop()
        clock().forward(5.0)
        (result,) = await soon(sending)
        assert isinstance(result, Throttled)
        assert len(centre.submitted) == 1


@pytest.mark.parametrize("end", ["stop", "linked"])
async def test_what_was_too_much_has_not_begun(end: str) -> None:
    """The SMSC said that it does not have it: it may go elsewhere, and at once."""
    rules = Rules(status_of=lambda pdu: Status.ESME_RTHROTTLED)
    async with CentreSimulator(rules) as centre, linked(centre, timings=slowest(0.01)) as provider:
        clock().stop_clock()  # it does not go again
        sending = asyncio.ensure_future(provider.send(batch(1), NOW))
        await until(lambda: centre.submitted and waiting(provider) and not outstanding(provider))
        if end == "stop":
            provider.stop()
        else:
            provider.linked("gone")
        (result,) = await soon(sending)
        assert isinstance(result, Unavailable)
        assert len(centre.submitted) == 1


async def test_once_too_much_then_taken() -> None:
    seen: list[bytes] = []

    def status_of(pdu: SubmitSm) -> int:
        seen.append(pdu.short_message)
        return Status.ESME_RMSGQFUL if seen.count(pdu.short_message) == 1 else 0

    async with (
        CentreSimulator(Rules(status_of=status_of)) as centre,
        linked(centre, timings=slowest(50.0)) as provider,
    ):
        results = await provider.send(batch(1, 2, 3), NOW)
        assert kinds(results) == [Taken] * 3
        assert sorted(seen) == sorted([b"text 1", b"text 2", b"text 3"] * 2)
