"""The end of a session with an SMSC: whoever says unbind, what is open is answered first."""

import asyncio

import pytest

from smppbridge.errors import InvalidState
from smppbridge.link import client as module
from smppbridge.link.connection import MAX_UNANSWERED
from smppbridge.smpp.pdu import DeliverSm, DeliverSmResp, Unbind, UnbindResp
from smppbridge.smpp.session import Answered, Timers, Unanswered
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.hand_centre import hand_centre
from tests.support.bridge.running import eventually
from tests.unit.link.peers import Owner, bind_pdu, bound, message, new


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TICK", 0.02)


async def test_one_that_retires_hears_its_answers_first() -> None:
    owner = Owner()
    async with CentreSimulator(Rules(latency=0.2)) as centre, bound(centre.port, owner) as client:
        for number in range(3):
            client.submit(message(number), number)
        await eventually(lambda: len(centre.submitted) == 3)
        assert client.bound
        client.retire()
        assert (client.bound, client.room) == (False, 0)
        await asyncio.sleep(0.05)
        assert centre.counts["unbinds"] == 0
        await asyncio.wait_for(client.lost(), 2)
        assert [type(one) for one in owner.heard] == [Answered] * 3
        assert centre.counts["unbinds"] == 1


async def test_one_that_retires_waits_no_longer_than_answers_may_take() -> None:
    owner = Owner()
    timers = Timers(response=0.1)
    rules = Rules(mute=True)
    async with CentreSimulator(rules) as centre, bound(centre.port, owner, timers=timers) as client:
        client.submit(message(1), 1)
        await eventually(lambda: centre.submitted)
        client.retire()
        await asyncio.wait_for(client.lost(), 1)
        assert [type(one) for one in owner.heard] == [Unanswered]
        assert centre.counts["unbinds"] == 1


async def test_one_that_retires_with_nothing_open_unbinds_at_once() -> None:
    async with CentreSimulator() as centre, bound(centre.port) as client:
        client.retire()
        await asyncio.wait_for(client.lost(), 1)
        assert centre.counts["unbinds"] == 1


async def test_an_unbind_with_a_grace_ends_in_any_case() -> None:
    rules = Rules()
    async with CentreSimulator(rules) as centre, bound(centre.port, timers=Timers(response=30.0)) as client:
        rules.deaf = True
        began = asyncio.get_running_loop().time()
        client.unbind(grace=0.1)
        assert not client.bound
        await asyncio.wait_for(client.lost(), 1)
        assert asyncio.get_running_loop().time() - began >= 0.1


async def test_the_smsc_unbinds_and_its_answers_are_waited_for() -> None:
    owner = Owner()
    async with CentreSimulator(Rules(latency=0.2)) as centre, bound(centre.port, owner) as client:
        client.submit(message(1), 1)
        await eventually(lambda: centre.submitted)
        centre.unbind()
        await eventually(lambda: not client.bound)
        with pytest.raises(InvalidState):
            client.submit(message(2), 2)
        await asyncio.wait_for(client.lost(), 1)
        assert [type(one) for one in owner.heard] == [Answered]


async def test_the_smsc_unbinds_and_its_answers_never_come() -> None:
    owner = Owner()
    timers = Timers(response=0.2)
    rules = Rules(mute=True)
    async with CentreSimulator(rules) as centre, bound(centre.port, owner, timers=timers) as client:
        client.submit(message(1), 1)
        await eventually(lambda: centre.submitted)
        centre.unbind()
        await asyncio.wait_for(client.lost(), 1)
        assert [type(one) for one in owner.heard] == [Unanswered]


async def test_what_comes_after_our_unbind_is_taken() -> None:
    owner = Owner()
    async with hand_centre() as centre:
        client = new(owner)
        await client.connect("127.0.0.1", centre.port)
        binding = client.send(bind_pdu())
        session = await centre.session()
        await binding
        client.unbind()
        unbind = await session.expect(Unbind)
        session.send(DeliverSm(short_message=b"1"))
        client.hold(1)
        await eventually(lambda: owner.came)
        session.reply(unbind, UnbindResp())
        (request,) = owner.came
        assert isinstance(request, DeliverSm)
        assert request.response is not None
        await asyncio.sleep(0.1)
        client.release([(request, request.response())])
        assert (await session.expect(DeliverSmResp)).command_status == 0
        await asyncio.wait_for(client.lost(), 1)
        assert owner.faults == []


async def test_answers_expire_though_nothing_is_read() -> None:
    """While too many of its deliver_sm wait for us, its answers are not read, either."""
    owner = Owner()
    timers = Timers(enquire_link=0.05, response=0.2)
    rules = Rules(mute=True)
    async with CentreSimulator(rules) as centre, bound(centre.port, owner, timers=timers) as client:
        client.hold(MAX_UNANSWERED)
        client.submit(message(1), 1)
        await eventually(lambda: owner.heard, patience=1)
        assert [type(one) for one in owner.heard] == [Unanswered]
        await asyncio.sleep(0.3)
        assert client.bound  # the silence is ours
        assert centre.counts["enquire_links"] == 0
        client.release([])
