"""What every store promises about the order of its verbs and of their futures (the module store.base)."""

import asyncio
from asyncio import Future
from collections.abc import Callable
from typing import Any

import pytest

from smppbridge.errors import StoreError
from smppbridge.model.message import Outcome, Receipt, State
from smppbridge.store.base import Store
from tests.support.builders.rows import DAY, HOUR, NOW, claim, report, segment, send, sent, stages

TOO_BIG = 1 << 63  # has no form in the store: the verb fails


class Order:
    """Names of futures, in the order in which their callbacks ran."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._futures: list[Future[Any]] = []

    def watch(self, name: str, future: "Future[Any]") -> None:
        future.add_done_callback(lambda done: self.names.append(name))
        self._futures.append(future)

    async def all(self) -> list[object]:
        """What the futures have, once all are done and have told it."""
        results = await asyncio.gather(*self._futures, return_exceptions=True)
        return list(results)


@pytest.mark.parametrize("failing", [[], [0], [3], [0, 1], [2, 5], list(range(6))])
async def test_futures_are_done_in_the_order_of_the_calls(store: Store, failing: list[int]) -> None:
    """Those that fail, too."""
    order = Order()
    for number in range(6):
        added = segment(number + 1, due_at=TOO_BIG if number in failing else NOW + DAY)
        order.watch(f"add {number}", store.add_segments([added]))
        order.watch(f"probe {number}", store.probe())
        order.watch(f"claim {number}", store.claim_messages("lab", "pbx", 1, NOW, NOW + HOUR))
    results = await order.all()
    assert order.names == [f"{verb} {number}" for number in range(6) for verb in ("add", "probe", "claim")]
    failed = [number for number in range(6) if isinstance(results[3 * number], StoreError)]
    claimed = [number for number in range(6) if results[3 * number + 2]]
    assert failed == failing
    assert claimed == [number for number in range(6) if number not in failing]


async def test_a_verb_sees_what_those_before_it_have_done(store: Store) -> None:
    """In one turn of the loop: nothing of it has been awaited."""
    before = claim_all(store)
    store.add_segments([segment(1, origin=0)])
    claiming = claim_all(store)
    ending = store.record((), (), [Outcome(1, int(State.EXPIRED), 0, "", NOW)], NOW)
    receipts = store.claim_receipts("pbx", 9, NOW, NOW + HOUR, 10)
    assert await before == []
    assert [message.id for message in await claiming] == [1]
    assert [item.state for item in (await ending).settled] == [State.EXPIRED]
    assert [receipt.wire_id for receipt in await receipts] == ["1"]


def claim_all(store: Store) -> "Future[list[Any]]":
    return store.claim_messages("lab", "pbx", 100, NOW, NOW + HOUR)


async def test_a_callback_runs_before_whoever_waits_for_a_later_call_goes_on(store: Store) -> None:
    """Whoever saves an outcome answers the equipment before the courier has its receipt."""
    await store.add_segments([segment(1), segment(2)])
    first, second = await claim(store)
    await store.settle("lab", [report(1)], NOW)  # its message is not on record yet
    told: list[str] = []

    async def recorder() -> None:
        end = Outcome(2, int(State.REJECTED), 1, "no", NOW, attempt=second.attempt)
        saving = store.record([sent(first)], (), [end], NOW)
        saving.add_done_callback(lambda done: told.append("answer"))
        await asyncio.shield(saving)

    async def courier() -> list[Receipt]:
        receipts = await store.claim_receipts("pbx", 9, NOW, NOW + HOUR, 10)
        told.append("receipts")
        return receipts

    _, receipts = await asyncio.gather(recorder(), courier())
    assert [receipt.wire_id for receipt in receipts] == ["1", "2"]
    assert told == ["answer", "receipts"]


async def test_those_who_wait_go_on_in_the_order_of_their_calls(store: Store) -> None:
    await send(store, segment(1))
    told: list[str] = []

    async def calls(name: str, call: "Callable[[], Future[Any]]") -> None:
        await call()
        told.append(name)

    await asyncio.gather(
        calls("settle", lambda: store.settle("lab", [report(1)], NOW)),
        calls("claim", lambda: store.claim_receipts("pbx", 9, NOW, NOW + HOUR, 10)),
        calls("probe", store.probe),
        calls("pay", lambda: store.pay_receipts([1])),
    )
    assert told == ["settle", "claim", "probe", "pay"]


async def test_a_step_cancelled_before_its_turn_does_not_happen(store: Store) -> None:
    first, second = store.add_segments([segment(1)]), store.add_segments([segment(2)])
    first.cancel()
    await second
    assert list(await stages(store)) == [2]


async def test_what_fails_has_not_happened_and_takes_nothing_with_it(store: Store) -> None:
    calls = [
        store.add_segments([segment(1)]),
        store.add_segments([segment(2), segment(3, due_at=TOO_BIG)]),
        store.add_segments([segment(4)]),
    ]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [isinstance(result, StoreError) for result in results] == [False, True, False]
    assert list(await stages(store)) == [1, 4]
