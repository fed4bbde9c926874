"""Whose input is handled next: turns of the loop, shares, and what the store has to do already."""

import asyncio
import gc
import weakref

import pytest

from smppbridge.link.scheduler import MOST_ASKED, TURN, Scheduler, Share, scheduler_of
from tests.support.system.clock import turns
from tests.support.system.hand_clock import HandClock


class Peer:
    """A taker whose slices take a time of their own."""

    def __init__(self, scene: "Scene", name: str, slices: int, seconds: float) -> None:
        self.share: Share = scene.scheduler.share(name)
        self._scene = scene
        self._name = name
        self.left = slices
        self._seconds = seconds

    def take_slice(self) -> bool:
        self.left -= 1
        self._scene.order.append(self._name)
        self._scene.clock.forward(self._seconds)
        return self.left > 0


class Scene:
    def __init__(self) -> None:
        self.clock = HandClock()
        self.scheduler = Scheduler(clock=self.clock)
        self.order: list[str] = []

    def peer(self, name: str = "pbx", slices: int = 1, seconds: float = 0.0) -> Peer:
        return Peer(self, name, slices, seconds)

    async def turn(self) -> str:
        """Whose slices the next turn of the loop handles."""
        self.order.clear()
        await turns(1)
        return " ".join(self.order)


async def test_input_is_handled_as_it_comes_while_there_is_time() -> None:
    scene = Scene()
    assert not any(scene.scheduler.offer(scene.peer(seconds=TURN / 4)) for _ in range(4))
    assert len(scene.order) == 4
    late = scene.peer("late")
    assert scene.scheduler.offer(late)
    assert len(scene.order) == 4
    assert await scene.turn() == "late"
    assert await scene.turn() == ""
    assert not scene.scheduler.offer(scene.peer("next"))


async def test_the_loop_has_its_turn_between_slices() -> None:
    scene = Scene()
    peer = scene.peer(slices=7, seconds=TURN / 2)
    assert scene.scheduler.offer(peer)
    assert await scene.turn() == "pbx pbx"
    assert await scene.turn() == "pbx pbx"
    scene.scheduler.wait(scene.peer("other"))  # it came meanwhile
    assert await scene.turn() == "pbx other pbx"
    assert peer.left == 0


async def test_a_slice_may_take_longer_than_a_turn() -> None:
    scene = Scene()
    scene.scheduler.offer(scene.peer(slices=3, seconds=5 * TURN))
    assert await scene.turn() == "pbx"
    assert await scene.turn() == "pbx"


async def test_many_connections_of_a_share_have_one_turn() -> None:
    """One customer with 50 binds does not hold up another who has one."""
    scene = Scene()
    for _ in range(50):
        scene.scheduler.offer(scene.peer("many", slices=2, seconds=TURN))
    scene.scheduler.offer(scene.peer("one"))
    assert await scene.turn() == "many"
    assert await scene.turn() == "one many"
    assert scene.scheduler.share("many") is not scene.scheduler.share("one")


async def test_a_share_for_which_the_store_has_enough_to_do_waits() -> None:
    scene = Scene()
    peer = scene.peer(slices=2)
    peer.share.ask(MOST_ASKED)
    assert scene.scheduler.offer(peer)
    assert await scene.turn() == ""
    assert not scene.scheduler.offer(scene.peer("other"))
    peer.share.told(1)
    assert await scene.turn() == "pbx pbx"
    peer.share.told(1)
    assert await scene.turn() == ""


async def test_a_share_that_becomes_busy_in_its_turn() -> None:
    scene = Scene()
    peer = scene.peer(slices=3, seconds=TURN)
    scene.scheduler.offer(peer)
    peer.share.ask(MOST_ASKED)
    assert await scene.turn() == ""
    peer.share.told(1)
    assert await scene.turn() == "pbx"


async def test_a_mistake_costs_the_others_no_turn() -> None:
    """asyncio logs it."""
    scene = Scene()
    broken, other = scene.peer("broken"), scene.peer("other")

    def take_slice() -> bool:
        raise ZeroDivisionError

    broken.take_slice = take_slice  # type: ignore[method-assign]  # this one is broken
    told: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    for peer in (broken, other):
        scene.scheduler.wait(peer)
    await turns(1)
    assert await scene.turn() == "other"
    assert [type(context["exception"]) for context in told] == [ZeroDivisionError]


async def test_the_one_of_the_loop() -> None:
    loop = asyncio.get_running_loop()
    assert scheduler_of(loop) is scheduler_of(loop)


def test_it_does_not_keep_its_loop() -> None:
    loop = asyncio.new_event_loop()
    scheduler_of(loop)
    loop.close()
    gone = weakref.ref(loop)
    del loop
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("name", ["", "pbx"])
async def test_a_share_is_forgotten_with_its_last_connection(name: str) -> None:
    scene = Scene()
    peer = scene.peer(name)
    assert list(scene.scheduler._shares) == [name]
    del peer
    assert list(scene.scheduler._shares) == []
