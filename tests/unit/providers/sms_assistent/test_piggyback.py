"""Status questions that wait for a package."""

import asyncio
import time

from smppbridge.providers.sms_assistent.piggyback import MAX_WAITING, PiggybackedQuestion, Stop
from smppbridge.providers.sms_assistent.records import Status

ROWS = (Status("1", "Sent"),)


async def test_a_package_takes_a_question_along() -> None:
    stop = Stop(patience=10)
    asking = asyncio.create_task(stop.ask(["1"]))
    await asyncio.sleep(0)
    passenger = stop.board()
    assert passenger is not None
    assert passenger.refs == ["1"]
    assert stop.board() is None
    passenger.tell(ROWS)
    passenger.tell(None)
    assert await asking == ROWS


async def test_a_ride_may_last_longer_than_the_wait_for_it() -> None:
    stop = Stop(patience=0.02)
    asking = asyncio.create_task(stop.ask(["1"]))
    await asyncio.sleep(0)
    passenger = stop.board()
    assert passenger is not None
    await asyncio.sleep(0.06)
    assert not asking.done()
    passenger.tell(ROWS)
    assert await asking == ROWS


async def test_a_package_that_comes_just_when_patience_ends_still_has_the_question() -> None:
    stop = Stop(patience=0.01)
    found: list[PiggybackedQuestion | None] = []
    asking = asyncio.create_task(stop.ask(["1"]))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.02, lambda: found.append(stop.board()))
    time.sleep(0.05)  # both timers are due in one turn of the loop
    while not found:
        await asyncio.sleep(0)
    (passenger,) = found
    assert passenger is not None
    await asyncio.sleep(0.01)
    passenger.tell(ROWS)
    assert await asking == ROWS


async def test_where_no_package_comes_the_question_goes_alone() -> None:
    stop = Stop(patience=0.01)
    assert await stop.ask(["1"]) is None
    assert stop.board() is None


async def test_no_patience_no_wait() -> None:
    stop = Stop(patience=0)
    asking = asyncio.create_task(stop.ask(["1"]))
    await asyncio.sleep(0)
    assert asking.done()
    assert asking.result() is None


async def test_who_is_cancelled_does_not_ride() -> None:
    stop = Stop(patience=10)
    asking = [asyncio.create_task(stop.ask([str(number)])) for number in range(2)]
    await asyncio.sleep(0)
    riding = stop.board()
    for one in asking:
        one.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    assert stop.board() is None
    assert riding is not None
    riding.tell(ROWS)  # nobody hears it any more


async def test_only_so_many_wait() -> None:
    stop = Stop(patience=10)
    asking = [asyncio.create_task(stop.ask(["1"])) for _ in range(MAX_WAITING)]
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        assert await stop.ask(["2"]) is None
    while (passenger := stop.board()) is not None:
        passenger.tell(None)
    assert await asyncio.gather(*asking) == [None] * MAX_WAITING
