"""Turns for hashes: how many at once, who goes first, and who need not wait any more."""

import asyncio
import threading
from dataclasses import dataclass

import pytest

from smppbridge.link.hash_slots import AT_ONCE, IN_LINE, WAITING, HashSlots, Missed
from tests.support.system.clock import turns, until


@dataclass(eq=False)
class Someone:
    """A claim. Its hash takes until ``release()``."""

    lane: str
    since: float = 0.0
    guesses: int = 0
    left: bool = False
    result: bool = True

    def __post_init__(self) -> None:
        self._end = threading.Event()
        self.computing = False

    def rank(self) -> tuple[float, ...]:
        return (self.guesses,)

    def gone(self) -> bool:
        return self.left

    def work(self) -> bool:
        self.computing = True
        self._end.wait(10)
        return self.result

    def release(self) -> None:
        self._end.set()


def come(slots: HashSlots, *claims: Someone) -> list["asyncio.Task[bool | Missed]"]:
    return [asyncio.ensure_future(slots.compute(claim, claim.work)) for claim in claims]


async def computed(*crowd: Someone, first: str) -> list[str]:
    """The lanes in the order in which their hashes are computed, one after the other, behind ``first``."""
    slots = HashSlots()
    slots.limit = 1
    begin = Someone(first)
    tasks = come(slots, begin)
    await turns()
    tasks += come(slots, *crowd)
    await turns()
    order: list[str] = []
    waiting = [begin, *crowd]
    while waiting:
        await until(lambda: any(one.computing for one in waiting))
        (now,) = [one for one in waiting if one.computing]
        order.append(now.lane)
        waiting.remove(now)
        now.release()
    await asyncio.gather(*tasks)
    return order[1:]


async def test_two_at_once_and_one_in_a_lane() -> None:
    assert AT_ONCE == 2
    slots = HashSlots()
    claims = [Someone("a"), Someone("a"), Someone("b", result=False), Someone("c")]
    tasks = come(slots, *claims)
    await until(lambda: claims[0].computing and claims[2].computing)
    await turns()
    assert [one.computing for one in claims] == [True, False, True, False]
    assert slots.used == 2
    claims[2].release()
    await until(lambda: claims[3].computing)
    assert await tasks[2] is False
    claims[3].release()
    await tasks[3]
    assert not claims[1].computing  # though a slot is free
    claims[0].release()
    assert await tasks[0] is True
    assert await tasks[1] is Missed.TOLD  # it may know enough now
    assert (slots.used, slots._waiting, slots._in_line) == (0, {}, {})


async def test_who_has_guessed_least_goes_first_and_then_the_newest() -> None:
    strangers = [Someone(f"stranger{number}", float(number)) for number in range(5)]
    guessers = [Someone(f"guesser{number}", 10.0, guesses=number) for number in (2, 1)]
    order = await computed(*strangers, *guessers, first="x")
    assert order == [f"stranger{number}" for number in (4, 3, 2, 1, 0)] + ["guesser1", "guesser2"]


async def test_nothing_is_computed_for_who_has_left() -> None:
    slots = HashSlots()
    slots.limit = 1
    first, gone, other = Someone("a"), Someone("b", since=9.0), Someone("c")
    tasks = come(slots, first, gone, other)
    await turns()
    gone.left = True
    for one in (first, other):
        one.release()
    assert await asyncio.gather(*tasks) == [True, Missed.GONE, True]
    assert not gone.computing


async def test_a_lane_has_a_limit() -> None:
    slots = HashSlots()
    crowd = [Someone("a") for _ in range(IN_LINE + 2)]
    tasks = come(slots, *crowd)
    await until(lambda: crowd[0].computing)
    await turns()
    assert [task.result() for task in tasks if task.done()] == [Missed.CROWDED]
    crowd[0].release()
    assert [await task for task in tasks[1:-1]] == [Missed.TOLD] * IN_LINE


async def test_where_too_many_wait_the_last_of_the_order_is_sent_away() -> None:
    slots = HashSlots()
    slots.limit = 0
    at_home = Someone("home", guesses=-1)
    guesser = Someone("guesser", 500.0, guesses=1)
    crowd = [Someone(f"{number}", float(number)) for number in range(WAITING - 2)]
    tasks = come(slots, at_home, guesser, *crowd)
    tasks += come(slots, Someone("new", 200.0))
    await turns()
    assert [number for number, task in enumerate(tasks) if task.done()] == [1]  # who has guessed most
    tasks += come(slots, Someone("newer", 201.0))
    await turns()
    assert [number for number, task in enumerate(tasks) if task.done()] == [1, 2]  # of the others the oldest
    for task in tasks:
        task.cancel()


async def test_who_waited_in_vain_is_not_new_again() -> None:
    slots = HashSlots()
    slots.limit = 0
    leaver, honest = Someone("leaver"), Someone("honest", since=1.0)
    (task,) = come(slots, leaver)
    await turns()
    leaver.left = True
    tasks = come(slots, honest)
    assert await task is Missed.GONE
    again = Someone("leaver", since=2.0)
    tasks += come(slots, again)
    await turns()
    slots.limit = 1
    slots._call_next()
    await until(lambda: honest.computing or again.computing)
    assert honest.computing
    honest.release()
    again.release()
    assert await asyncio.gather(*tasks) == [True, True]
    assert not slots._in_vain  # it had its turn


@pytest.mark.parametrize("called", [False, True])
async def test_who_is_cancelled_keeps_no_slot(called: bool) -> None:
    slots = HashSlots()
    slots.limit = 1
    first, other = Someone("a"), Someone("b")
    tasks = come(slots, first, other)
    await until(lambda: first.computing)
    if called:
        slots._done("a")  # it is called, and does not run yet
    tasks[1].cancel()
    first.release()
    await asyncio.wait(tasks)
    assert tasks[1].cancelled()
    assert (slots.used, slots._waiting) == (0, {})
    last = Someone("c")
    last.release()
    assert await slots.compute(last, last.work) is True


async def test_a_hash_that_fails_gives_its_slot_back() -> None:
    slots = HashSlots()

    def fail() -> bool:
        raise ValueError

    with pytest.raises(ValueError):
        await slots.compute(Someone("a"), fail)
    assert slots.used == 0
