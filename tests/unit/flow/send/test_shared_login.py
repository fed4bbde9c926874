"""Entries that use the same account at a provider keep its limits together."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from smppbridge.errors import Disabled
from smppbridge.model.message import Message
from smppbridge.providers.base import SendResult, Taken
from smppbridge.smpp.constants import Status
from tests.support.builders.rows import segment
from tests.unit.flow.send.rig import Lab, Rig, prove, rigged, times

pytestmark = pytest.mark.virtual_time


class Counting(Lab):
    """Notes how many of its and the others' requests were under way at once."""

    def __init__(self, name: str, under_way: list[int], delay: float, **limits: float) -> None:
        super().__init__(name, delay=delay, batch=1, **limits)
        self.under_way = under_way

    async def send(self, messages: Sequence[Message], now: int) -> list[SendResult]:
        self.under_way.append(self.under_way[-1] + 1)
        try:
            return await super().send(messages, now)
        finally:
            self.under_way.append(self.under_way[-1] - 1)


@asynccontextmanager
async def sharing(*labs: Lab, proven: bool = True) -> AsyncIterator[Rig]:
    async with rigged(*labs) as rig:
        rig.fleet.share([lab.name for lab in labs])
        if proven:
            prove(rig)
        rig.fleet.start()
        yield rig


async def queue(rig: Rig, first: range, second: range) -> None:
    await rig.queue(*(segment(number, provider="one", route="one") for number in first))
    await rig.queue(*(segment(number, provider="two", route="two") for number in second))


async def test_requests_at_once() -> None:
    under_way = [0]
    labs = Counting("one", under_way, 1.0, parallel=4), Counting("two", under_way, 1.0, parallel=3)
    async with sharing(*labs) as rig:
        await queue(rig, range(1, 7), range(7, 13))
        await asyncio.sleep(30.0)
        assert max(under_way) == 3
        assert len(labs[0].sent) + len(labs[1].sent) == 12


async def test_each_entry_gets_its_turn() -> None:
    """Also when one of them has more than the account takes."""
    names = "one", "two", "three", "four", "five"
    labs = [Counting(name, [0], 1.0, parallel=2) for name in names]
    async with sharing(*labs) as rig:
        for place, name in enumerate(names):
            first = 100 * place
            await rig.queue(*(segment(first + n, provider=name, route=name) for n in range(1, 31)))
        await asyncio.sleep(40.0)
        sent = [len(lab.sent) for lab in labs]
        assert max(sent) - min(sent) <= 2
        assert min(sent) >= 7


async def test_only_one_until_the_login_is_known_to_be_right() -> None:
    under_way = [0]
    wrong = Disabled("wrong password", pause=600.0)
    labs = Counting("one", under_way, 1.0, parallel=4), Counting("two", under_way, 1.0, parallel=4)
    for lab in labs:
        lab.answers += [wrong] * 9
    async with sharing(*labs, proven=False) as rig:
        await queue(rig, range(1, 4), range(4, 7))
        await asyncio.sleep(599.0)
        assert len(labs[0].sent) + len(labs[1].sent) == 1
        assert [rig.fleet[name].health.works for name in ("one", "two")] == [False, False]
        assert [rig.value("provider_up", provider=name) for name in ("one", "two")] == [0, 0]
        assert sorted(rig.changes) == ["one", "two"]


async def test_what_one_entry_learns_the_other_knows() -> None:
    labs = Lab("one", low_balance=10.0, leave_when_low=True), Lab("two")
    async with sharing(*labs) as rig:
        one, two = (rig.fleet[lab.name].health for lab in labs)
        two.record_failure(Disabled("blocked", pause=60.0))
        assert (one.works, one.reason, one.pause()) == (False, "blocked", 60.0)
        one.record_results([Taken("ref")])
        assert (two.works, two.pause()) == (True, 0.0)
        assert [rig.value("provider_up", provider=name) for name in ("one", "two")] == [1, 1]
        two.record_balance(7.0)
        assert one.send_policy.is_low
        assert [rig.value("provider_balance", provider=name) for name in ("one", "two")] == [7.0, 7.0]


async def test_what_one_entry_began_before_the_trouble_of_another_proves_nothing() -> None:
    async with sharing(Lab("one"), Lab("two")) as rig:
        one, two = (rig.fleet[name].health for name in ("one", "two"))
        await asyncio.sleep(10.0)
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(1.0)
        one.record_failure(Disabled("blocked", pause=60.0))
        two.record_results([Taken("ref")], began=began)
        assert not one.works
        two.record_results([Taken("ref")], began=began + 1.0)
        assert one.works


async def test_money_that_was_paid_in_lets_any_entry_try_again() -> None:
    """Of an account that lives below zero."""
    labs = Lab("one"), Lab("two")
    async with sharing(*labs) as rig:
        one, two = (rig.fleet[lab.name].health for lab in labs)
        one.record_balance(-50.0)
        one.record_failure(Disabled("no money", pause=60.0, status=Status.ESME_RNOMONEY))
        labs[1].money = -20.0
        assert await two.probe()


async def test_any_entry_may_say_when_the_balance_is_low() -> None:
    labs = Lab("one", low_balance=5.0, leave_when_low=True), Lab("two", low_balance=10.0), Lab("three")
    async with sharing(*labs) as rig:
        policy = rig.fleet["three"].health.send_policy
        told = []
        for balance in (11.0, 7.0, 3.0):
            policy.balance = balance
            told.append((policy.is_low, policy.diverts))
        assert told == [(False, False), (True, False), (True, True)]


async def test_what_belongs_to_the_account_is_asked_for_by_the_first_entry_that_asks() -> None:
    labs = [
        Lab(name, balance_interval=5.0, inbound_interval=interval)
        for name, interval in (("one", 0.0), ("two", 5.0), ("three", 5.0))
    ]
    async with sharing(*labs) as rig:
        entries = [rig.fleet[lab.name].health for lab in labs]
        assert [entry.asks_for_all(lambda limits: limits.balance_interval) for entry in entries] == [
            True,
            False,
            False,
        ]
        assert [entry.asks_for_all(lambda limits: limits.inbound_interval) for entry in entries] == [
            False,
            True,
            False,
        ]


async def test_messages_per_second() -> None:
    labs = Lab("one", batch=1, rate=10.0), Lab("two", batch=1, rate=2.0)
    async with sharing(*labs) as rig:
        await queue(rig, range(1, 6), range(6, 11))
        await asyncio.sleep(60.0)
        sent = sorted(times(labs[0]) + times(labs[1]))
        assert len(sent) == 10
        assert sent[-1] == pytest.approx(4.0, abs=0.1)  # two at once, then two a second


async def test_questions_follow_each_other() -> None:
    labs = Lab("one", poll_gap=60.0), Lab("two", poll_gap=120.0)
    async with sharing(*labs) as rig:
        one, two = (rig.fleet[lab.name].health.send_policy.questions for lab in labs)
        assert one is two
        assert one.gap == 120.0
