"""Pending responses: each is given once, by whatever comes first."""

import asyncio
import time

import pytest

from smppbridge.flow.settle.pending import PendingResponses
from smppbridge.smpp.constants import Status
from tests.support.builders.accounts import account
from tests.support.esme.pending import Read, connected, refused, taken

pytestmark = pytest.mark.virtual_time

PATIENCE = 20.0  # seconds


async def test_what_is_saved_is_answered_once() -> None:
    async with connected() as link:
        pending, read = PendingResponses(("pbx",)), Read(link)
        assert pending.add(1, read.pending(1))
        assert pending.waits(1)
        pending.saved([1])
        assert read.calls == [[taken(1)]]
        assert not pending.waits(1)
        pending.saved([1])
        pending.unsaved([1])
        pending.close()
        assert len(read.calls) == 1


async def test_a_refusal_is_told_when_it_is_saved() -> None:
    async with connected() as link:
        pending, read = PendingResponses(("pbx",)), Read(link)
        pending.add(1, read.pending(1))
        pending.refuse({1: Status.ESME_RNOMONEY, 2: Status.ESME_RSYSERR})
        assert read.calls == []
        pending.saved([1, 2])
        assert read.calls == [[refused(1, 0x4A4)]]


async def test_a_refusal_in_standard_codes() -> None:
    async with connected("standard") as link:
        pending, read = PendingResponses(("pbx",)), Read(link)
        pending.add(1, read.pending(1))
        pending.refuse({1: Status.ESME_RNOMONEY})
        pending.saved([1])
        assert read.calls == [[refused(1, 0x08)]]


async def test_who_is_refused_in_vain_is_taken() -> None:
    async with connected() as link:
        pending, read = PendingResponses(("pbx",)), Read(link)
        pending.add(1, read.pending(1))
        pending.refuse({1: Status.ESME_RSYSERR})
        pending.unsaved([1, 2])
        assert read.calls == [[taken(1)]]
        assert not pending.waits(1)


async def test_one_call_for_what_came_together() -> None:
    async with connected() as link:
        pending, first, second = PendingResponses(("pbx",)), Read(link), Read(link)
        for number in (1, 2, 3):
            pending.add(number, first.pending(number))
        pending.add(4, second.pending(4))
        pending.refuse({2: Status.ESME_RINVDSTADR})
        pending.saved([4, 3, 2])
        assert first.calls == [[taken(3), refused(2, 0x0B)]]
        assert second.calls == [[taken(4)]]
        assert pending.waits(1)


async def test_after_its_patience_each_is_taken() -> None:
    async with connected() as link:
        pending, read = PendingResponses(("pbx",)), Read(link)
        pending.add(1, read.pending(1))
        pending.add(2, read.pending(2))
        await asyncio.sleep(PATIENCE / 2)
        pending.add(3, read.pending(3))
        await asyncio.sleep(PATIENCE / 2 - 0.001)
        assert read.calls == []
        await asyncio.sleep(0.002)
        assert read.calls == [[taken(1), taken(2)]]
        assert [pending.waits(number) for number in (1, 2, 3)] == [False, False, True]
        await asyncio.sleep(PATIENCE / 2 - 0.002)
        assert len(read.calls) == 1
        await asyncio.sleep(0.002)
        assert read.calls[1:] == [[taken(3)]]


async def test_a_refusal_that_comes_after_that_reaches_nobody() -> None:
    async with connected() as link:
        pending, read = PendingResponses(("pbx",)), Read(link)
        pending.add(1, read.pending(1))
        await asyncio.sleep(PATIENCE + 0.001)
        assert not pending.waits(1)
        pending.refuse({1: Status.ESME_RSYSERR})
        pending.saved([1])
        assert read.calls == [[taken(1)]]


async def test_a_refusal_that_is_being_saved_is_not_taken_back() -> None:
    async with connected() as link:
        pending, read = PendingResponses(("pbx",)), Read(link)
        pending.add(1, read.pending(1))
        pending.refuse({1: Status.ESME_RSYSERR})
        await asyncio.sleep(2 * PATIENCE)
        assert read.calls == []
        pending.close()
        assert read.calls == []
        pending.saved([1])
        assert read.calls == [[refused(1, 0x08)]]


async def test_the_alarm_comes_again_after_a_time_without_anybody() -> None:
    async with connected() as link:
        pending, read = PendingResponses(("pbx",)), Read(link)
        pending.add(1, read.pending(1))
        pending.saved([1])
        await asyncio.sleep(2 * PATIENCE)
        pending.add(2, read.pending(2))
        await asyncio.sleep(PATIENCE + 0.001)
        assert read.calls == [[taken(1)], [taken(2)]]


async def test_nobody_waits_on_a_connection_that_is_gone_though_each_answer_is_given() -> None:
    async with connected() as link:
        pending, read = PendingResponses(("pbx",)), Read(link)
        for number in (1, 2, 3):
            pending.add(number, read.pending(number))
        pending.refuse({3: Status.ESME_RSYSERR})
        link.connection.abort()
        assert not pending.waits(1)
        assert not pending.add(4, read.pending(4))
        pending.saved([1, 3, 4])
        assert read.calls == [[taken(1), refused(3, 0x08)]]
        await asyncio.sleep(PATIENCE + 0.001)
        assert read.calls[1:] == [[taken(2)]]


async def test_so_many_of_one_connection_are_held_back_and_no_more() -> None:
    async with connected() as first, connected() as second:
        pending, one, other = PendingResponses(("pbx",), most_of_one=2), Read(first), Read(second)
        assert [pending.add(number, one.pending(number)) for number in (1, 2, 3)] == [True, True, False]
        assert not pending.waits(3)
        assert pending.add(4, other.pending(4))
        pending.refuse({1: Status.ESME_RSYSERR})
        assert not pending.add(3, one.pending(3))  # the first has no answer yet
        pending.saved([1])
        assert pending.add(3, one.pending(3))
        assert not pending.add(5, one.pending(5))
        pending.saved([2, 3, 4])
        assert (one.calls, other.calls) == ([[refused(1, 0x08)], [taken(2), taken(3)]], [[taken(4)]])


async def test_so_many_are_held_back_in_all() -> None:
    async with connected() as first, connected() as second:
        pending, one, other = PendingResponses(("pbx",), most=2), Read(first), Read(second)
        assert pending.add(1, one.pending(1))
        assert pending.add(2, other.pending(2))
        pending.refuse({1: Status.ESME_RSYSERR})
        assert not pending.add(3, other.pending(3))
        await asyncio.sleep(PATIENCE + 0.001)
        assert (one.calls, other.calls) == ([], [[taken(2)]])
        assert pending.add(3, other.pending(3))
        assert not pending.add(4, other.pending(4))
        pending.unsaved([1])
        assert pending.add(4, other.pending(4))


async def test_one_account_does_not_use_up_the_places_of_another() -> None:
    async with connected() as first, connected() as second:
        second.account = account("door")
        pending, one, other = PendingResponses(("pbx", "door"), most=4), Read(first), Read(second)
        assert [pending.add(number, one.pending(number)) for number in range(5)] == [True] * 4 + [False]
        assert [pending.add(number, other.pending(number)) for number in (5, 6, 7)] == [True, True, False]
        pending.saved([0, 1, 2])
        assert pending.add(8, one.pending(8))
        assert not pending.add(9, other.pending(9))


async def test_at_the_end_all_are_taken() -> None:
    async with connected() as link:
        pending, read = PendingResponses(("pbx",)), Read(link)
        pending.add(1, read.pending(1))
        pending.add(2, read.pending(2))
        pending.close()
        assert read.calls == [[taken(1), taken(2)]]
        assert not pending.add(3, read.pending(3))
        assert not pending.waits(3)
        await asyncio.sleep(2 * PATIENCE)
        assert len(read.calls) == 1


async def test_a_thousand_of_one_connection_and_twenty_thousand_in_all() -> None:
    pending = PendingResponses(("pbx",))
    added = []
    for first in range(0, 21_000, 1000):
        async with connected() as link:
            one = Read(link).pending(1)
            added.append(sum(pending.add(number, one) for number in range(first, first + 1001)))
    assert added == [1000] * 20 + [0]


@pytest.mark.slow
async def test_a_result_costs_little_however_many_wait() -> None:
    """CPU time, which does not grow when the machine has other work to do."""
    async with connected() as link:
        read = Read(link)
        one = read.pending(1)

        def cost(waiting: int) -> float:
            pending = PendingResponses(("pbx",), most_of_one=20_000)
            for number in range(waiting):
                pending.add(number, one)
            began = time.process_time()
            for number in range(100):
                assert pending.waits(number)
                pending.saved([number])
            return time.process_time() - began

        few, many = (min(cost(waiting) for _ in range(3)) for waiting in (100, 20_000))
        assert many < 10 * few
