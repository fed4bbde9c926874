"""The end of a session with an SMSC: whoever says unbind, what is open is answered first."""

import asyncio
from typing import Any

import pytest

from smppbridge.errors import InvalidState
from smppbridge.link.connection import ConnectionLimits
from smppbridge.smpp.pdu import DeliverSm, DeliverSmResp, Unbind, UnbindResp
from smppbridge.smpp.session import Answered, State, Timers, Unanswered
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.hand_centre import hand_centre
from tests.support.bridge.running import eventually
from tests.support.system.clock import clock, soon, turns
from tests.unit.link.peers import TIMERS, Owner, bind_pdu, bound, heard_by_the_smsc, message, new


async def test_one_that_retires_hears_its_answers_first() -> None:
    owner = Owner()
    async with CentreSimulator(Rules(latency=5.0)) as centre, bound(centre.port, owner) as client:
        for number in range(3):
            client.submit(message(number), number)
        await eventually(lambda: len(centre.submitted) == 3)
        assert client.bound
        client.retire()
        assert (client.bound, client.room) == (False, 0)
        await heard_by_the_smsc(client)
        assert centre.counts["unbinds"] == 0
        clock().forward(5.0)
        await soon(client.lost())
        assert [type(one) for one in owner.heard] == [Answered] * 3
        assert centre.counts["unbinds"] == 1


async def test_one_that_retires_waits_no_longer_than_answers_may_take() -> None:
    owner = Owner()
    async with CentreSimulator(Rules(mute=True)) as centre, bound(centre.port, owner) as client:
        client.submit(message(1), 1)
        await eventually(lambda: centre.submitted)
        client.retire()
        clock().forward(TIMERS.response)
        await soon(client.lost())
        assert [type(one) for one in owner.heard] == [Unanswered]
        assert centre.counts["unbinds"] == 1


async def test_one_that_retires_with_nothing_open_unbinds_at_once() -> None:
    async with CentreSimulator() as centre, bound(centre.port) as client:
        client.retire()
        await soon(client.lost())
        assert centre.counts["unbinds"] == 1


async def test_an_unbind_with_a_grace_ends_in_any_case() -> None:
    rules = Rules()
    async with CentreSimulator(rules) as centre, bound(centre.port) as client:
        rules.deaf = True
        client.unbind(grace=3.0)
        lost = asyncio.ensure_future(client.lost())
        clock().forward(2.0)
        await turns()
        assert (client.bound, lost.done()) == (False, False)
        clock().forward(1.0)
        await soon(lost)


async def test_the_smsc_unbinds_and_its_answers_are_waited_for() -> None:
    owner = Owner()
    async with CentreSimulator(Rules(latency=5.0)) as centre, bound(centre.port, owner) as client:
        client.submit(message(1), 1)
        await eventually(lambda: centre.submitted)
        centre.unbind()
        await eventually(lambda: not client.bound)
        with pytest.raises(InvalidState):
            client.submit(message(2), 2)
        clock().forward(5.0)
        await soon(client.lost())
        assert [type(one) for one in owner.heard] == [Answered]


async def test_the_smsc_unbinds_and_its_answers_never_come() -> None:
    owner = Owner()
    async with CentreSimulator(Rules(mute=True)) as centre, bound(centre.port, owner) as client:
        client.submit(message(1), 1)
        await eventually(lambda: centre.submitted)
        centre.unbind()
        await eventually(lambda: not client.bound)
        clock().forward(TIMERS.response)
        await soon(client.lost())
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
        await eventually(lambda: client._connection and client._connection.session.state is State.CLOSED)
        clock().forward(1)  # it looks again whether everything is answered
        await turns()
        client.release([(request, request.response())])
        assert (await session.expect(DeliverSmResp)).command_status == 0
        await soon(client.lost())
        assert owner.faults == []


async def test_answers_expire_though_nothing_is_read() -> None:
    """While too many of its deliver_sm wait for us, its answers are not read, either."""
    owner = Owner()
    keys: dict[str, Any] = {
        "timers": Timers(enquire_link=5.0, response=20.0),
        "limits": ConnectionLimits(unanswered=2),
    }
    async with CentreSimulator(Rules(mute=True)) as centre, bound(centre.port, owner, **keys) as client:
        client.hold(2)
        client.submit(message(1), 1)
        await eventually(lambda: centre.submitted)
        clock().forward(20.0)
        await eventually(lambda: owner.heard)
        assert [type(one) for one in owner.heard] == [Unanswered]
        clock().forward(20.0)
        await turns()
        assert client.bound  # the silence is ours
        assert centre.counts["enquire_links"] == 0
        closing = asyncio.ensure_future(client.close(grace=5.0))
        await turns()
        clock().forward(5.0)
        await soon(closing)


async def test_a_session_whose_timers_fail_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    """It would hang for ever."""
    async with CentreSimulator() as centre, bound(centre.port) as client:
        assert client._connection is not None
        client._connection.session._timers = None  # type: ignore[assignment]  # a mistake that cannot happen
        clock().forward(1.0)
        await soon(client.lost())
    assert "unexpected error in a session with 127.0.0.1" in caplog.text


async def test_a_close_that_is_cut_short_leaves_no_connection() -> None:
    rules = Rules()
    async with CentreSimulator(rules) as centre, bound(centre.port) as client:
        rules.deaf = True
        closing = asyncio.ensure_future(client.close(grace=60.0))
        await turns()
        assert not closing.done()
        closing.cancel()
        await soon(client.lost())
