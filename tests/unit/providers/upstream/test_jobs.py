"""A batch of messages in parts: one result for each as it comes, whatever became of its parts and in whatever
order; and what is still to be sent of it."""

import asyncio
import logging
from collections.abc import Sequence
from itertools import permutations

import pytest

from smppbridge.errors import UNFIT, ProviderError, Refused, Rejected, Throttled, Unavailable, Uncertain
from smppbridge.model.message import Message
from smppbridge.providers.base import SendResult, Taken
from smppbridge.providers.upstream.jobs import BatchProgress, Build, Job
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import SubmitSm
from tests.support.builders.messages import message
from tests.support.system.clock import clock, soon, turns

Fate = str | ProviderError
REFUSED = Rejected("refused", code="0x0B", status=0x0B)
ALSO_REFUSED = Rejected("refused, too", code="0x0A", status=0x0A)
DOUBT = Uncertain("no answer")
AWAY = Unavailable("not bound")
SLOW = Throttled("slowly", after=1.0)


def parts(count: int) -> Build:
    """Each message becomes so many submit_sm."""
    return lambda message: [SubmitSm(short_message=b"%d" % part) for part in range(count)]


def job_of(batch: BatchProgress, place: int, build: Build) -> Job:
    job = Job(batch, place, message(place + 1), build)
    batch.jobs.append(job)
    return job


def sent(job: Job) -> Job:
    """All of it is on its way."""
    while job.next() is not None:
        pass
    return job


def settle(job: Job, part: int, fate: Fate) -> None:
    if isinstance(fate, str):
        job.taken(part, fate)
    else:
        job.failed(fate)


async def results(batch: BatchProgress) -> dict[int, SendResult]:
    """All that it tells now."""
    return dict(await asyncio.wait_for(batch.more(), 30))


async def result_of(fates: tuple[Fate, ...], order: tuple[int, ...]) -> object:
    """Of a message whose part ``number`` meets ``fates[number]``, told in ``order``."""
    batch = BatchProgress(1)
    job = sent(job_of(batch, 0, parts(len(fates))))
    for part in order:
        assert (batch.left, batch.done) == (1, False)
        settle(job, part, fates[part])
    assert (batch.left, batch.done) == (0, False)
    told_now = await results(batch)
    assert batch.done
    return told_now[0]


# --- one message -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fates", "result"),
    [
        (("a",), Taken("a")),
        (("",), Taken("")),
        (("a", "b"), Taken("a", parts=("b",))),
        (("a", "b", "c"), Taken("a", parts=("b", "c"))),
        (("a", "", "c"), Taken("")),
        (("", ""), Taken("")),
        ((REFUSED,), REFUSED),
        ((DOUBT,), DOUBT),
        ((AWAY,), AWAY),
        ((SLOW,), SLOW),
        (("a", REFUSED), REFUSED),
        ((REFUSED, "b"), REFUSED),
        ((REFUSED, DOUBT), REFUSED),
        ((REFUSED, AWAY, SLOW), REFUSED),
        (("a", DOUBT, REFUSED), REFUSED),
        (("a", DOUBT), DOUBT),
        ((DOUBT, AWAY), DOUBT),
        ((DOUBT, SLOW, "c"), DOUBT),
    ],
)
async def test_fates_of_parts(fates: tuple[Fate, ...], result: object) -> None:
    for order in permutations(range(len(fates))):
        assert await result_of(fates, order) == result


@pytest.mark.parametrize("fates", [("a", AWAY), (AWAY, "b", "c"), ("a", SLOW), ("", AWAY), ("a", AWAY, SLOW)])
async def test_half_a_message_is_in_doubt(fates: tuple[Fate, ...]) -> None:
    for order in permutations(range(len(fates))):
        result = await result_of(fates, order)
        assert isinstance(result, Uncertain)
        assert "only a part" in result.reason


@pytest.mark.parametrize("fates", [(AWAY, SLOW), (REFUSED, ALSO_REFUSED), (SLOW, AWAY, SLOW)])
async def test_of_several_the_first_that_was_told(fates: tuple[Fate, ...]) -> None:
    for order in permutations(range(len(fates))):
        assert await result_of(fates, order) is fates[order[0]]


async def test_parts_go_out_in_order_and_one_that_was_too_much_goes_again() -> None:
    batch = BatchProgress(1)
    job = job_of(batch, 0, parts(3))
    assert (job.begun, batch.holding) == (False, True)
    first, second = job.next(), job.next()
    assert first is not None
    assert second is not None
    assert ([first[0], second[0]], job.begun, batch.holding) == ([0, 1], True, True)
    third = job.next()
    assert third is not None
    assert (third[0], job.next(), batch.holding) == (2, None, False)
    job.back(*second)
    assert batch.holding
    assert job.next() == second
    assert (job.next(), batch.holding) == (None, False)
    for part in (2, 0, 1):
        job.taken(part, str(part))
    assert await results(batch) == {0: Taken("0", parts=("1", "2"))}


async def test_a_refused_part_ends_what_was_not_sent() -> None:
    batch = BatchProgress(1)
    job = job_of(batch, 0, parts(4))
    first, second = job.next(), job.next()
    assert second is not None
    job.back(*second)
    job.failed(REFUSED)
    assert (job.next(), batch.holding) == (None, False)
    assert first is not None
    assert await results(batch) == {0: REFUSED}


async def test_the_answer_to_what_was_sent_is_waited_for() -> None:
    batch = BatchProgress(1)
    job = job_of(batch, 0, parts(3))
    job.next()
    job.next()
    job.failed(REFUSED)
    assert batch.left == 1
    job.taken(0, "a")
    assert await results(batch) == {0: REFUSED}


@pytest.mark.parametrize("error", [AWAY, SLOW])
async def test_abandoned_before_it_began(error: ProviderError) -> None:
    made: list[Message] = []

    def build(message: Message) -> Sequence[SubmitSm]:
        made.append(message)
        return [SubmitSm()]

    batch = BatchProgress(1)
    job = job_of(batch, 0, build)
    job.abandon(error)
    job.abandon(error)
    assert (job.next(), job.begun, batch.holding, made) == (None, False, False, [])
    assert await results(batch) == {0: error}


async def test_abandoned_between_its_parts() -> None:
    batch = BatchProgress(2)
    waiting, answered = (job_of(batch, place, parts(3)) for place in range(2))
    for job in (waiting, answered):
        job.next()
    answered.taken(0, "a")
    for job in (waiting, answered, waiting):
        job.abandon(SLOW)
        assert job.next() is None
    assert not batch.holding
    waiting.taken(0, "b")
    for result in (await results(batch)).values():
        assert isinstance(result, Uncertain)
        assert "only a part" in result.reason
    assert batch.done


async def test_abandoned_when_all_of_it_is_on_its_way() -> None:
    batch = BatchProgress(1)
    job = sent(job_of(batch, 0, parts(2)))
    job.abandon(SLOW)
    job.taken(0, "a")
    job.taken(1, "b")
    assert await results(batch) == {0: Taken("a", parts=("b",))}
    job.abandon(SLOW)
    assert batch.done


async def test_abandoned_after_the_smsc_wanted_it_later() -> None:
    """None of it is there: it is as if it had never been sent."""
    batch = BatchProgress(1)
    job = job_of(batch, 0, parts(1))
    item = job.next()
    assert item is not None
    job.back(*item)
    job.abandon(SLOW)
    assert (job.next(), await results(batch)) == (None, {0: SLOW})


async def test_a_message_that_cannot_be_written() -> None:
    batch = BatchProgress(1)
    job = job_of(batch, 0, parts(3))
    assert job.next() is not None
    job.unsendable(0, "too long")
    assert (job.next(), batch.holding) == (None, False)
    (result,) = (await results(batch)).values()
    assert isinstance(result, Rejected)
    assert (result.code, result.reason, result.status) == (UNFIT, "too long", Status.ESME_RSYSERR)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Refused(Status.ESME_RINVMSGLEN, "a secret text"), Status.ESME_RINVMSGLEN),
        (RuntimeError("a secret text"), Status.ESME_RSYSERR),
    ],
)
async def test_a_message_that_no_submit_sm_carries(
    error: Exception, status: Status, caplog: pytest.LogCaptureFixture
) -> None:
    def build(message: Message) -> Sequence[SubmitSm]:
        raise error

    batch = BatchProgress(2)
    bad, good = job_of(batch, 0, build), job_of(batch, 1, parts(1))
    with caplog.at_level(logging.ERROR):
        assert bad.next() is None
        assert bad.next() is None
    assert good.next() is not None
    assert not batch.holding
    good.taken(0, "a")
    told = await results(batch)
    result = told.pop(0)
    assert isinstance(result, Rejected)
    assert (result.code, result.status) == (UNFIT, status)
    assert told == {1: Taken("a")}
    assert ("unexpected error" in caplog.text) == isinstance(error, RuntimeError)


# --- the batch -------------------------------------------------------------------------------------


async def test_results_have_the_places_of_their_messages() -> None:
    batch = BatchProgress(3)
    jobs = [sent(job_of(batch, place, parts(2))) for place in range(3)]
    for job in reversed(jobs):
        job.taken(1, f"{job.place} second")
    jobs[2].failed(AWAY)
    jobs[0].taken(0, "0 first")
    assert batch.left == 1
    jobs[1].taken(0, "1 first")
    told = await results(batch)
    assert list(told) == [2, 0, 1]
    assert told[0] == Taken("0 first", parts=("0 second",))
    assert told[1] == Taken("1 first", parts=("1 second",))
    assert isinstance(told[2], Uncertain)


async def test_a_late_result_holds_up_no_other() -> None:
    batch = BatchProgress(4, group=5.0)
    jobs = [sent(job_of(batch, place, parts(1))) for place in range(4)]
    assert (await batch.more(), batch.holding) == ([], False)  # nothing holds up the next batch
    telling = asyncio.ensure_future(batch.more())
    await asyncio.sleep(0)
    jobs[3].taken(0, "d")
    await turns()
    jobs[1].taken(0, "b")
    await turns()
    assert not telling.done()
    clock().forward(5.0)
    assert dict(await soon(telling)) == {3: Taken("d"), 1: Taken("b")}
    assert not batch.done
    jobs[0].failed(DOUBT)
    telling = asyncio.ensure_future(batch.more())
    await turns()
    clock().forward(5.0)
    assert await soon(telling) == [(0, DOUBT)]
    jobs[2].taken(0, "c")
    assert await results(batch) == {2: Taken("c")}
    assert batch.done


async def test_the_last_results_wait_for_nobody() -> None:
    batch = BatchProgress(2, group=60.0)
    jobs = [sent(job_of(batch, place, parts(1))) for place in range(2)]
    telling = asyncio.ensure_future(batch.more())
    jobs[0].taken(0, "a")
    await turns()
    assert not telling.done()
    jobs[1].taken(0, "b")
    assert dict(await soon(telling)) == {0: Taken("a"), 1: Taken("b")}


async def test_that_everything_is_on_its_way_is_told() -> None:
    batch = BatchProgress(2)
    one, other = (job_of(batch, place, parts(2)) for place in range(2))
    telling = asyncio.ensure_future(batch.more())
    sent(one)
    await turns()
    assert not telling.done()
    sent(other)
    assert await soon(telling) == []
    assert (batch.holding, batch.done) == (False, False)


async def test_a_batch_ends_once() -> None:
    ended: list[BatchProgress] = []
    batch = BatchProgress(2, ended.append)
    sent(job_of(batch, 0, parts(1))).taken(0, "a")
    assert ended == []
    job_of(batch, 1, parts(1)).abandon(AWAY)
    assert ended == [batch]
    await results(batch)
    assert (ended, batch.done, batch.closed) == ([batch], True, False)


async def test_a_batch_of_nothing() -> None:
    batch = BatchProgress(0)
    assert (batch.done, batch.holding) == (True, False)
