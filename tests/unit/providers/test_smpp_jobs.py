"""A batch of messages in parts: one result for each, whatever became of its parts and in whatever order."""

import asyncio
from itertools import permutations

import pytest

from smppbridge.errors import ProviderError, Rejected, Throttled, Unavailable, Uncertain
from smppbridge.providers.base import Taken
from smppbridge.providers.smpp_jobs import Batch, Job
from tests.support.messages import message

Fate = str | ProviderError
REFUSED = Rejected("refused", code="0x0B", status=0x0B)
ALSO_REFUSED = Rejected("refused, too", code="0x0A", status=0x0A)
DOUBT = Uncertain("no answer")
AWAY = Unavailable("not bound")
SLOW = Throttled("slowly", after=1.0)


def settle(job: Job, part: int, fate: Fate) -> None:
    if isinstance(fate, str):
        job.taken(part, fate)
    else:
        job.failed(fate)


async def result_of(fates: tuple[Fate, ...], order: tuple[int, ...]) -> object:
    """Of a message whose part ``number`` meets ``fates[number]``, told in ``order``."""
    batch = Batch(1)
    job = Job(batch, 0, message(1), len(fates))
    for told, part in enumerate(order):
        assert (job.left, batch.done.done()) == (len(fates) - told, False)
        settle(job, part, fates[part])
    assert (job.left, batch.left) == (0, 0)
    await asyncio.wait_for(batch.done, 0.1)
    return batch.results[0]


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


async def test_results_stand_in_the_order_of_the_messages() -> None:
    batch = Batch(3)
    jobs = [Job(batch, index, message(index), 2) for index in range(3)]
    for job in reversed(jobs):
        job.taken(1, f"{job.index} second")
    batch_is_done = batch.done.done()
    jobs[2].failed(AWAY)
    jobs[0].taken(0, "0 first")
    assert not batch_is_done
    assert not batch.done.done()
    jobs[1].taken(0, "1 first")
    assert batch.done.done()
    first, second, third = batch.results
    assert first == Taken("0 first", parts=("0 second",))
    assert second == Taken("1 first", parts=("1 second",))
    assert isinstance(third, Uncertain)


async def test_results_without_a_job() -> None:
    """Messages that no submit_sm can carry."""
    batch = Batch(2)
    batch.put(1, REFUSED)
    assert not batch.done.done()
    batch.put(0, ALSO_REFUSED)
    assert batch.results == [ALSO_REFUSED, REFUSED]
    assert batch.done.done()
    assert not batch.closed
