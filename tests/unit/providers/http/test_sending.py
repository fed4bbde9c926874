"""How a batch goes out: in order, halved where it is refused whole, until an error or the time ends it."""

from collections.abc import Callable, Sequence

import pytest

from smppbridge.errors import Disabled, Postponed, ProviderError, Rejected, Throttled, Unavailable, Uncertain
from smppbridge.providers.base import SendResult, Taken
from smppbridge.providers.http.sending import RequestRun, SubBatch, stops_batch
from tests.support.builders.messages import NOW, message

REFUSED = Rejected("a bad message", code="215")


def batches(*sizes: int) -> list[SubBatch]:
    """Sub-batches of these sizes; ids count up from 1."""
    numbers = iter(range(1, 1 + sum(sizes)))
    return [SubBatch([message(next(numbers)) for _ in range(size)]) for size in sizes]


class Hands:
    """Hands over sub-batches; ``judge`` says what becomes of one: results by id, or None = refused whole."""

    def __init__(self, judge: Callable[[list[int]], dict[int, SendResult] | None]) -> None:
        self.run = RequestRun(NOW, units="packets")
        self.seen: list[list[int]] = []
        self._judge = judge

    async def send(self, parts: Sequence[SubBatch]) -> list[SendResult]:
        await self.run.send(parts, self._hand_over)
        return self.run.in_order([one for part in parts for one in part.messages])

    async def _hand_over(self, part: SubBatch) -> bool:
        ids = [one.id for one in part.messages]
        self.seen.append(ids)
        results = self._judge(ids)
        self.run.note(results or {})
        return results is None


def taken(ids: list[int]) -> dict[int, SendResult]:
    return {number: Taken(f"r{number}") for number in ids}


async def test_sub_batches_go_out_in_order() -> None:
    hands = Hands(taken)
    assert await hands.send(batches(2, 1, 3)) == [Taken(f"r{number}") for number in range(1, 7)]
    assert hands.seen == [[1, 2], [3], [4, 5, 6]]


async def test_halving_finds_the_bad_message() -> None:
    """The halves of a refused sub-batch go before the next sub-batch."""

    def judge(ids: list[int]) -> dict[int, SendResult] | None:
        if 2 not in ids:
            return taken(ids)
        return {2: REFUSED} if ids == [2] else None

    hands = Hands(judge)
    results = await hands.send(batches(5, 1))
    assert hands.seen == [[1, 2, 3, 4, 5], [1, 2], [1], [2], [3, 4, 5], [6]]
    assert results == [Taken("r1"), REFUSED, *(Taken(f"r{number}") for number in (3, 4, 5, 6))]


@pytest.mark.parametrize("error", [Disabled("no money"), Throttled("slow down", after=3.0), Unavailable("x")])
async def test_an_error_about_us_ends_the_run(error: ProviderError) -> None:
    hands = Hands(lambda ids: dict.fromkeys(ids, error))
    assert await hands.send(batches(2, 1, 1)) == [error] * 4
    assert hands.seen == [[1, 2]]


async def test_behind_a_doubt_nothing_is_sent() -> None:
    doubt = Uncertain("timeout")
    hands = Hands(lambda ids: dict.fromkeys(ids, doubt))
    first, second, third = await hands.send(batches(1, 2))
    assert first is doubt
    assert second is third
    assert isinstance(second, Unavailable)
    assert "uncertain" in second.reason
    assert hands.seen == [[1]]


async def test_the_first_error_about_us_is_the_one_of_the_rest() -> None:
    first, second = Throttled("slow down", after=3.0), Disabled("no money")
    hands = Hands(lambda ids: {1: REFUSED, 2: first, 3: second})
    assert await hands.send(batches(3, 1)) == [REFUSED, first, second, first]


@pytest.mark.parametrize("error", [REFUSED, Postponed("not now", after=60.0)])
async def test_an_error_about_messages_does_not_end_it(error: ProviderError) -> None:
    hands = Hands(lambda ids: dict.fromkeys(ids, error))
    assert await hands.send(batches(1, 1)) == [error, error]
    assert hands.seen == [[1], [2]]


async def test_no_request_begins_when_the_time_is_over() -> None:
    """What was sent until then keeps its result; halves that are left do not go out any more."""

    def judge(ids: list[int]) -> dict[int, SendResult] | None:
        if len(ids) > 1:
            return None
        hands.run.deadline = 0.0  # it takes until then
        return taken(ids)

    hands = Hands(judge)
    first, *rest = await hands.send(batches(2, 1))
    assert first == Taken("r1")
    assert [type(error) for error in rest] == [Unavailable] * 2
    assert str(rest[0]) == "not sent: the packets before it took too long"
    assert hands.seen == [[1, 2], [1]]


async def test_without_any_time_nothing_begins() -> None:
    run = RequestRun(NOW, seconds=0.0)
    assert run.is_over
    await run.send(batches(1), _never)
    (error,) = run.in_order(batches(1)[0].messages)
    assert str(error) == "not sent: the requests before it took too long"


async def _never(part: SubBatch) -> bool:
    raise AssertionError(part)


async def test_an_error_that_ended_it_outlives_the_time() -> None:
    run = RequestRun(NOW, seconds=0.0)
    run.stop = Disabled("no money")
    await run.send(batches(1), _never)
    assert run.in_order(batches(1)[0].messages) == [run.stop]


async def test_its_clock_goes_on_from_the_time_of_the_call() -> None:
    run = RequestRun(NOW)
    assert NOW <= run.now() < NOW + 60_000
    assert not run.is_over


@pytest.mark.parametrize(
    "error", [Disabled("no money"), Throttled("slow down", after=3.0), Unavailable("connection refused")]
)
def test_what_stops_those_behind_with_the_same_error(error: ProviderError) -> None:
    assert stops_batch(error) is error


def test_a_doubt_stops_those_behind_as_not_sent() -> None:
    assert isinstance(stops_batch(Uncertain("timeout")), Unavailable)


def test_a_refusal_concerns_one_message_only() -> None:
    assert stops_batch(REFUSED) is None
