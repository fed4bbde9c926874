"""How many messages of each account no provider has taken yet, and which of them leave."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from smppbridge.model.joining import GivenUp, Joined, Part
from smppbridge.model.message import Outcome, Stage, State
from smppbridge.store.base import Store
from tests.support.builders.rows import DAY, HOUR, NOW, claim, finish, report, segment, send, sent, unsent


def part(number: int, message_id: int, account: str = "pbx") -> Part:
    one = segment(message_id, account=account, stage=int(Stage.COLLECTING), text="", due_at=None)
    return Part(one, 7, 8, 2, number, b"\5\0\3\7\2%ctext" % number, NOW + HOUR)


async def test_every_stage_before_sent_counts(store: Store) -> None:
    assert await store.waiting() == {}
    await store.add_segments([segment(number) for number in range(1, 6)])
    first, second, third, _, _ = await claim(store)
    await store.record([], [unsent(first, Stage.UNCERTAIN, NOW + HOUR)], [], NOW)
    await store.record([sent(second)], [unsent(third, Stage.WAITING, NOW + HOUR)], [], NOW)
    await store.add_segments(
        [
            segment(6),
            segment(7, provider="spare"),
            segment(8, account="door"),
            segment(9, account="door", stage=int(Stage.WAITING), due_at=NOW + DAY),
        ]
    )
    await store.add_parts([part(1, 10, "alarm")])
    # UNCERTAIN, WAITING, twice SENDING, twice QUEUED; both of "door"; the part.
    assert await store.waiting() == {"pbx": 6, "door": 2, "alarm": 1}
    await finish(store, [Outcome(number, int(State.EXPIRED), 0, "", NOW) for number in (1, 3, 8)])
    assert await store.waiting() == {"pbx": 4, "door": 1, "alarm": 1}


@pytest.mark.parametrize("sends", [True, False])
async def test_parts_count_until_their_message_goes_on_or_ends(store: Store, sends: bool) -> None:
    await store.add_parts([part(1, 1), part(2, 2)])
    await store.add_parts([part(2, 3)])  # comes again
    assert await store.waiting() == {"pbx": 2}
    [join] = await store.take_joins(NOW, 10)
    end = Outcome(1, int(State.REJECTED), 0, "", NOW)
    whole = Joined(1, 0, 2, (), "text", False, 0, "lab", "lab", int(Stage.QUEUED), 0, NOW + DAY)
    given_up = GivenUp(1, join.missing, 2, (), end)
    made = await store.join([whole] if sends else [], [] if sends else [given_up], NOW)
    assert await store.waiting() == ({"pbx": 1} if sends else {})
    assert [one.unsent for one in made.settlement.settled] == ([] if sends else [True])


async def test_it_is_the_count_of_the_moment_of_the_call(store: Store) -> None:
    await store.add_segments([segment(1), segment(2)])
    loop, free = asyncio.get_running_loop(), threading.Event()
    loop.set_default_executor(ThreadPoolExecutor(1))
    busy = loop.run_in_executor(None, free.wait)  # no thread has time for it before all has changed
    counting = asyncio.ensure_future(store.waiting())
    await asyncio.sleep(0)  # now it is called
    await store.add_segments([segment(3), segment(4)])
    await finish(store, [Outcome(1, int(State.EXPIRED), 0, "", NOW)])
    free.set()
    await busy
    assert await counting == {"pbx": 2}
    assert await store.waiting() == {"pbx": 3}


async def test_who_became_sent_is_told_once(store: Store) -> None:
    await store.add_segments([segment(1), segment(2), segment(3, account="door"), segment(4)])
    first, second, _ = await claim(store)
    (door,) = await claim(store, account="door")
    assert (await store.record([sent(first), sent(door)], [], [], NOW)).sent == {"pbx": 1, "door": 1}
    again = await store.record([sent(first), sent(second)], [], [], NOW)
    assert again.sent == {"pbx": 1}
    older = sent(second)._replace(attempt=0)
    assert (await store.record([older], [], [], NOW)).sent == {"pbx": 0}


async def test_messages_in_parts_become_sent_like_others(store: Store) -> None:
    await store.add_segments([segment(1), segment(2)])
    first, second = await claim(store)
    parts = sent(first)._replace(parts=("b", "c"))
    assert (await store.record([parts, sent(second)], [], [], NOW)).sent == {"pbx": 2}
    assert (await store.record([parts], [], [], NOW)).sent == {"pbx": 0}


async def test_which_ends_were_unsent(store: Store) -> None:
    await send(store, segment(1), segment(2))
    await store.add_segments([segment(3), segment(4)])
    (third,) = await claim(store, 1)
    settlement = await store.settle("lab", [report(1)], NOW)
    assert [one.unsent for one in settlement.settled] == [False]
    ends = [Outcome(number, int(State.EXPIRED), 0, "", NOW) for number in (2, 4)]
    ends.append(Outcome(3, int(State.REJECTED), 0, "", NOW, attempt=third.attempt, silent=True))
    recorded = await store.record([], [], ends, NOW)
    assert sorted(one.unsent for one in recorded.settled) == [False, True, True]
    await store.add_segments([segment(5)])
    cancelled = await store.cancel("pbx", "5", segment(5).source_addr, "", NOW)
    assert [one.unsent for one in cancelled.settlement.settled] == [True]
