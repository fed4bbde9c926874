"""How long an SMSC may take with a batch: what has begun becomes whole, what has not goes back; and results
that come one by one."""

import asyncio

import pytest

from smppbridge.errors import Throttled, Unavailable, Uncertain
from smppbridge.link import persistent_bind
from smppbridge.model import pace
from smppbridge.providers.base import SendResult, Stream, Taken
from smppbridge.providers.upstream import provider as module
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import SubmitSm
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.running import eventually
from tests.support.builders.messages import NOW, message
from tests.unit.providers.upstream.link import batch, kinds, linked, prove, waiting


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persistent_bind, "_FIRST_PAUSE", 0.02)


async def test_results_come_one_by_one() -> None:
    rules = Rules(lose_answer=lambda number: number == 4)
    async with CentreSimulator(rules) as centre, linked(centre, response_timeout=1) as provider:
        await prove(provider, centre)
        assert isinstance(provider, Stream)
        progress = provider.begin(batch(*range(10)), NOW)
        assert (progress.done, progress.holding) == (False, False)
        told: dict[int, SendResult] = {}
        began = asyncio.get_running_loop().time()
        while len(told) < 9:
            told.update(await progress.more())
        assert asyncio.get_running_loop().time() - began < 0.5
        assert kinds(list(told.values())) == [Taken] * 9
        assert not progress.done
        ((place, result),) = await progress.more()
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
    async with CentreSimulator(Rules(latency=0.1)) as centre, linked(centre, window=2) as provider:
        await prove(provider, centre)
        progress = provider.begin(batch(*range(4)), NOW)
        assert progress.holding
        told = dict(await progress.more())
        assert (len(told), progress.holding) == (2, False)
        told.update(await progress.more())
        assert progress.done
        assert kinds(list(told.values())) == [Taken] * 4


async def test_a_slow_smsc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SENDING_TIME", 0.3)
    async with CentreSimulator(Rules(latency=0.2)) as centre, linked(centre, window=1) as provider:
        results = await asyncio.wait_for(provider.send(batch(*range(10)), NOW), 5)
        assert kinds(results) == [Taken, Taken] + [Throttled] * 8
        assert isinstance(results[-1], Throttled)
        assert results[-1].after >= 1
        assert waiting(provider) == 0
        await asyncio.sleep(0.3)
        assert len(centre.submitted) == 2


async def test_what_has_begun_when_the_time_is_over_becomes_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SENDING_TIME", 0.1)
    async with CentreSimulator(Rules(latency=0.2)) as centre, linked(centre, window=1) as provider:
        texts = [message(number, text="x" * 300, data_coding=0) for number in (1, 2)]
        whole, other = await asyncio.wait_for(provider.send(texts, NOW), 2)
        assert isinstance(whole, Taken)
        assert len(whole.parts) == 1
        assert isinstance(other, Throttled)
        assert len(centre.submitted) == 2
        assert waiting(provider) == 0


async def test_what_cannot_become_whole_is_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SENDING_TIME", 0.05)
    monkeypatch.setattr(module, "FINISHING_TIME", 0.05)
    async with CentreSimulator(Rules(latency=0.2)) as centre, linked(centre, window=1) as provider:
        (result,) = await asyncio.wait_for(provider.send([message(1, text="x" * 300, data_coding=0)], NOW), 2)
        assert isinstance(result, Uncertain)
        assert len(centre.submitted) == 1
        assert waiting(provider) == 0


async def test_throttling_ends_with_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SENDING_TIME", 0.3)
    monkeypatch.setattr(pace, "SLOWEST", 50.0)
    rules = Rules(status_of=lambda pdu: Status.ESME_RTHROTTLED)
    async with CentreSimulator(rules) as centre, linked(centre) as provider:
        results = await asyncio.wait_for(provider.send(batch(1, 2), NOW), 2)
        assert kinds(results) == [Throttled, Throttled]
        tries = len(centre.submitted)
        assert tries > 2
        await eventually(lambda: waiting(provider) == 0)
        await asyncio.sleep(0.1)
        assert len(centre.submitted) == tries


async def test_throttling_that_begins_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SENDING_TIME", 0.05)
    monkeypatch.setattr(pace, "SLOWEST", 50.0)
    rules = Rules(latency=0.1, status_of=lambda pdu: Status.ESME_RTHROTTLED)
    async with CentreSimulator(rules) as centre, linked(centre) as provider:
        (result,) = await asyncio.wait_for(provider.send(batch(1), NOW), 2)
        assert isinstance(result, Throttled)
        assert len(centre.submitted) == 1


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_a_part_that_was_too_much_goes_again_though_the_time_is_over(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SENDING_TIME", 0.02)
    monkeypatch.setattr(pace, "SLOWEST", 50.0)
    seen: list[int] = []

    def status_of(pdu: SubmitSm) -> int:
        seen.append(pdu.short_message[5])
        return Status.ESME_RTHROTTLED if seen.count(number) == 1 and seen[-1] == number else 0

    rules = Rules(status_of=status_of, latency=0.05)
    async with CentreSimulator(rules) as centre, linked(centre) as provider:
        (result,) = await asyncio.wait_for(provider.send([message(1, text="x" * 400, data_coding=0)], NOW), 2)
        if number == 1:  # nothing of it had been taken
            assert isinstance(result, Throttled)
            assert seen == [1]
        else:
            assert isinstance(result, Taken)
            assert sorted(seen) == sorted([1, 2, 3, number])


async def test_what_was_too_much_when_it_stops_goes_back() -> None:
    rules = Rules(latency=0.1, status_of=lambda pdu: Status.ESME_RTHROTTLED)
    async with CentreSimulator(rules) as centre, linked(centre) as provider:
        sending = asyncio.ensure_future(provider.send(batch(1), NOW))
        await eventually(lambda: centre.submitted)
        provider.stop()
        (result,) = await asyncio.wait_for(sending, 1)
        assert isinstance(result, Throttled)
        assert len(centre.submitted) == 1


@pytest.mark.parametrize("end", ["stop", "linked"])
async def test_what_was_too_much_has_not_begun(end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SMSC said that it does not have it: it may go elsewhere, and at once."""
    rules = Rules(status_of=lambda pdu: Status.ESME_RTHROTTLED)
    async with CentreSimulator(rules) as centre, linked(centre) as provider:
        sending = asyncio.ensure_future(provider.send(batch(1), NOW))
        await eventually(lambda: waiting(provider))
        if end == "stop":
            provider.stop()
        else:
            provider.linked("gone")
        (result,) = await asyncio.wait_for(sending, 1)
        assert isinstance(result, Unavailable)
        assert len(centre.submitted) == 1


async def test_once_too_much_then_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "SLOWEST", 50.0)
    seen: list[bytes] = []

    def status_of(pdu: SubmitSm) -> int:
        seen.append(pdu.short_message)
        return Status.ESME_RMSGQFUL if seen.count(pdu.short_message) == 1 else 0

    async with CentreSimulator(Rules(status_of=status_of)) as centre, linked(centre) as provider:
        results = await provider.send(batch(1, 2, 3), NOW)
        assert kinds(results) == [Taken] * 3
        assert sorted(seen) == sorted([b"text 1", b"text 2", b"text 3"] * 2)
