"""PendingResponse answers: each is given once, by whoever takes it first."""

import asyncio

from smppbridge.flow.settle.pending import PendingResponses
from smppbridge.smpp.constants import Status
from tests.support.bridge.running import eventually
from tests.support.esme.withheld import Read, connected, refused, taken

SOON = 0.05  # seconds


async def test_what_is_saved_is_answered_once() -> None:
    async with connected() as link:
        pending, read = PendingResponses(), Read(link)
        assert pending.add(1, read.withheld(1))
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
        pending, read = PendingResponses(), Read(link)
        pending.add(1, read.withheld(1))
        pending.refuse({1: Status.ESME_RNOMONEY, 2: Status.ESME_RSYSERR})
        assert read.calls == []
        pending.saved([1, 2])
        assert read.calls == [[refused(1, 0x4A4)]]


async def test_a_refusal_in_standard_codes() -> None:
    async with connected("standard") as link:
        pending, read = PendingResponses(), Read(link)
        pending.add(1, read.withheld(1))
        pending.refuse({1: Status.ESME_RNOMONEY})
        pending.saved([1])
        assert read.calls == [[refused(1, 0x08)]]


async def test_who_is_refused_in_vain_is_taken() -> None:
    async with connected() as link:
        pending, read = PendingResponses(), Read(link)
        pending.add(1, read.withheld(1))
        pending.refuse({1: Status.ESME_RSYSERR})
        pending.unsaved([1, 2])
        assert read.calls == [[taken(1)]]
        assert not pending.waits(1)


async def test_one_call_for_what_came_together() -> None:
    async with connected() as link:
        pending, first, second = PendingResponses(), Read(link), Read(link)
        for number in (1, 2, 3):
            pending.add(number, first.withheld(number))
        pending.add(4, second.withheld(4))
        pending.refuse({2: Status.ESME_RINVDSTADR})
        pending.saved([4, 3, 2])
        assert first.calls == [[taken(3), refused(2, 0x0B)]]
        assert second.calls == [[taken(4)]]
        assert pending.waits(1)


async def test_after_its_patience_each_is_taken() -> None:
    async with connected() as link:
        loop = asyncio.get_running_loop()
        pending, read = PendingResponses(patience=4 * SOON), Read(link)
        began = loop.time()
        pending.add(1, read.withheld(1))
        pending.add(2, read.withheld(2))
        await asyncio.sleep(2 * SOON)
        pending.add(3, read.withheld(3))
        await eventually(lambda: read.calls)
        assert loop.time() - began >= 4 * SOON
        assert read.calls == [[taken(1), taken(2)]]
        assert pending.waits(3)
        await eventually(lambda: len(read.calls) == 2)
        assert loop.time() - began >= 6 * SOON
        assert read.calls[1] == [taken(3)]


async def test_a_refusal_that_comes_after_that_reaches_nobody() -> None:
    async with connected() as link:
        pending, read = PendingResponses(patience=SOON), Read(link)
        pending.add(1, read.withheld(1))
        await eventually(lambda: read.calls)
        assert not pending.waits(1)
        pending.refuse({1: Status.ESME_RSYSERR})
        pending.saved([1])
        assert read.calls == [[taken(1)]]


async def test_a_refusal_that_is_being_saved_is_not_taken_back() -> None:
    async with connected() as link:
        pending, read = PendingResponses(patience=SOON), Read(link)
        pending.add(1, read.withheld(1))
        pending.refuse({1: Status.ESME_RSYSERR})
        await asyncio.sleep(3 * SOON)
        assert read.calls == []
        pending.close()
        assert read.calls == []
        pending.saved([1])
        assert read.calls == [[refused(1, 0x08)]]


async def test_the_alarm_comes_again_after_a_time_without_anybody() -> None:
    async with connected() as link:
        pending, read = PendingResponses(patience=SOON), Read(link)
        pending.add(1, read.withheld(1))
        pending.saved([1])
        await asyncio.sleep(2 * SOON)
        pending.add(2, read.withheld(2))
        await eventually(lambda: read.calls == [[taken(1)], [taken(2)]])


async def test_nobody_waits_on_a_connection_that_is_gone_though_each_answer_is_given() -> None:
    async with connected() as link:
        pending, read = PendingResponses(patience=SOON), Read(link)
        for number in (1, 2, 3):
            pending.add(number, read.withheld(number))
        pending.refuse({3: Status.ESME_RSYSERR})
        link.connection.abort()
        assert not pending.waits(1)
        assert not pending.add(4, read.withheld(4))
        pending.saved([1, 3, 4])
        assert read.calls == [[taken(1), refused(3, 0x08)]]
        await eventually(lambda: read.calls[1:] == [[taken(2)]])


async def test_so_many_of_one_connection_are_withheld_and_no_more() -> None:
    async with connected() as first, connected() as second:
        pending, one, other = PendingResponses(most_of_one=2), Read(first), Read(second)
        assert [pending.add(number, one.withheld(number)) for number in (1, 2, 3)] == [True, True, False]
        assert not pending.waits(3)
        assert pending.add(4, other.withheld(4))
        pending.refuse({1: Status.ESME_RSYSERR})
        assert not pending.add(3, one.withheld(3))  # the first has no answer yet
        pending.saved([1])
        assert pending.add(3, one.withheld(3))
        pending.saved([2, 3, 4])
        assert (one.calls, other.calls) == ([[refused(1, 0x08)], [taken(2), taken(3)]], [[taken(4)]])


async def test_so_many_are_withheld_in_all() -> None:
    async with connected() as first, connected() as second:
        pending, one, other = PendingResponses(patience=SOON, most=2), Read(first), Read(second)
        assert pending.add(1, one.withheld(1))
        assert pending.add(2, other.withheld(2))
        pending.refuse({1: Status.ESME_RSYSERR})
        assert not pending.add(3, other.withheld(3))
        await eventually(lambda: other.calls == [[taken(2)]])
        assert pending.add(3, other.withheld(3))
        assert not pending.add(4, other.withheld(4))
        pending.unsaved([1])
        assert pending.add(4, other.withheld(4))


async def test_at_the_end_all_are_taken() -> None:
    async with connected() as link:
        pending, read = PendingResponses(patience=SOON), Read(link)
        pending.add(1, read.withheld(1))
        pending.add(2, read.withheld(2))
        pending.close()
        assert read.calls == [[taken(1), taken(2)]]
        assert not pending.add(3, read.withheld(3))
        assert not pending.waits(3)
        await asyncio.sleep(2 * SOON)
        assert len(read.calls) == 1


async def test_a_result_costs_little_however_many_wait() -> None:
    async with connected() as link:
        pending, read = PendingResponses(most_of_one=100_000, most=100_000), Read(link)
        withheld = read.withheld(1)
        for number in range(100_000):
            pending.add(number, withheld)
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(100):
            assert pending.waits(number)
            pending.saved([number])
        assert loop.time() - began < 0.1
        assert len(read.calls) == 100
