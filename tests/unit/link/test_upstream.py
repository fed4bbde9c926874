"""All our binds at an SMSC and their one queue: order, window, pace, patience, and an end without remains."""

import asyncio
import logging
import ssl
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from smppbridge.link.outbind_listener import OutbindSettings
from smppbridge.link.upstream import Upstream
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import BindReceiver, BindTransceiver, BindTransmitter, DeliverSm, SubmitSm
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.running import eventually, free_port
from tests.support.system.clock import clock, turns, until
from tests.unit.link.peers import (
    QUICK,
    Order,
    Owner,
    heard_on_all,
    items,
    settings,
    tasks,
    texts,
    unanswered,
    upstream,
)

# --- the queue -------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [1, 3, 100])
async def test_in_their_order(window: int) -> None:
    owner = Owner()
    async with CentreSimulator() as centre, upstream(owner, settings(centre.port, window=window)) as link:
        link.submit(items(*range(10)))
        link.submit(items(*range(10, 30)))
        await eventually(lambda: len(owner.taken) == 30)
        assert texts(centre) == list(range(30))
        assert owner.taken == list(range(30))


async def test_never_more_than_the_window() -> None:
    owner = Owner()
    rules = Rules()
    async with CentreSimulator(rules) as centre, upstream(owner, settings(centre.port, window=3)) as link:
        link.submit(items(0))
        await eventually(lambda: owner.taken == [0])
        rules.mute = True
        link.submit(items(*range(1, 11)))
        await heard_on_all(link)
        assert texts(centre) == [0, 1, 2, 3]


async def test_all_lines_are_used() -> None:
    owner = Owner()
    kinds = (BindTransceiver,) * 3
    rules = Rules()
    async with (
        CentreSimulator(rules) as centre,
        upstream(owner, settings(centre.port, window=2), *kinds, up=3) as link,
    ):
        link.submit(items(1, 2, 3))
        await eventually(lambda: len(owner.taken) == 3)
        rules.mute = True
        link.submit(items(*range(4, 24)))
        await heard_on_all(link)
        assert sorted(session.submits for session in centre.sessions) == [2, 3, 4]


async def test_receivers_get_none() -> None:
    owner = Owner()
    async with (
        CentreSimulator() as centre,
        upstream(owner, settings(centre.port), BindReceiver, BindTransmitter, up=2) as link,
    ):
        link.submit(items(1, 2, 3))
        await eventually(lambda: owner.taken == [1, 2, 3])
        assert {one.bind_type: one.submits for one in centre.sessions} == {"RX": 0, "TX": 3}


async def test_what_is_withdrawn_is_never_sent() -> None:
    owner = Owner()
    async with CentreSimulator() as centre:
        centre.stop_listening()
        async with upstream(owner, settings(centre.port), up=0) as link:
            orders = items(*range(3))
            link.submit(orders)
            assert [order.queued for order in orders] == [True] * 3
            assert link.withdraw() == orders
            assert [order.queued for order in orders] == [False] * 3
            assert link.withdraw() == []
            link.submit(items(7))
            centre.listen_again()
            await eventually(lambda: owner.taken == [7])
            assert texts(centre) == [7]
            assert link.withdraw() == []


async def test_what_was_begun_is_not_withdrawn() -> None:
    owner = Owner()
    async with (
        CentreSimulator(Rules(latency=0.05)) as centre,
        upstream(owner, settings(centre.port, window=1)) as link,
    ):
        begun, other = Order(1, 2, 3), Order(4, 5)
        link.submit([begun, other])
        await eventually(lambda: texts(centre) == [1])
        assert link.withdraw() == [other]
        assert (begun.queued, other.queued) == (True, False)
        await eventually(lambda: owner.taken == [1, 2, 3])
        link.submit(items(6))
        await eventually(lambda: owner.taken == [1, 2, 3, 6])
        assert texts(centre) == [1, 2, 3, 6]
        assert not begun.queued


async def test_what_belongs_together_goes_out_in_one_go() -> None:
    owner = Owner()
    kinds = (BindTransceiver,) * 2
    async with CentreSimulator() as centre, upstream(owner, settings(centre.port), *kinds, up=2) as link:
        link.submit([Order(1, 2), Order(3, 4, 5), Order(6)])
        await eventually(lambda: len(owner.taken) == 6)
        assert texts(centre) == [1, 2, 3, 4, 5, 6]


async def test_a_request_that_cannot_be_written_holds_up_no_other() -> None:
    owner = Owner()
    async with CentreSimulator() as centre, upstream(owner, settings(centre.port)) as link:
        bad = Order(2)
        bad.left = [(0, SubmitSm(destination_addr="1" * 30))]
        link.submit([*items(1), bad, *items(3)])
        await eventually(lambda: owner.taken == [1, 3])
        ((number, why),) = bad.bad
        assert number == 2
        assert why
        assert "1" * 30 not in why
        assert not bad.queued


async def test_the_rate_that_the_operator_allows() -> None:
    owner = Owner()
    async with CentreSimulator() as centre, upstream(owner, settings(centre.port), rate=5.0) as link:
        clock().stop_clock()
        link.submit(items(*range(10)))
        for count in range(1, 8):
            await until(partial(took, owner, count))
            clock().forward(0.19)
            await heard_on_all(link)
            assert texts(centre) == list(range(count))
            assert link.pause == pytest.approx(0.01)
            clock().forward(0.02)


async def test_what_the_rate_allowed_and_nobody_used_is_not_lost() -> None:
    owner = Owner()
    async with CentreSimulator() as centre, upstream(owner, settings(centre.port), rate=100.0) as link:
        clock().stop_clock()
        link.submit(items(0))
        await until(partial(took, owner, 1))
        clock().forward(1.0)  # a tenth of the rate may go at once: 10
        link.submit(items(1))
        link.submit(items(*range(2, 11)))
        await heard_on_all(link)
        assert texts(centre) == list(range(11))


# --- up and down -----------------------------------------------------------------------------------


async def test_what_waits_goes_out_after_the_bind() -> None:
    owner = Owner()
    async with (
        CentreSimulator() as centre,
        upstream(owner, settings(centre.port), up=0) as link,
    ):
        link.submit(items(1, 2))
        assert (link.why, owner.links) == ("", [])
        await eventually(lambda: owner.taken == [1, 2])
        assert owner.links == [""]


async def test_the_owner_hears_when_the_patience_is_over() -> None:
    owner, port = Owner(), free_port()
    async with upstream(owner, settings(port), up=0) as link:
        link.submit(items(1))
        await eventually(lambda: owner.tries)
        clock().forward(QUICK.patience - 10.0)
        await turns()
        assert (link.why, owner.links) == ("", [])
        clock().forward(10.0)
        await eventually(lambda: owner.links)
        assert owner.links == [f"cannot connect to 127.0.0.1:{port}: Connection refused"]
        assert link.why == owner.links[0]
        async with CentreSimulator(port=port) as centre:
            await eventually(lambda: owner.links[-1] == "")
            assert link.why == ""
            await eventually(lambda: texts(centre) == [1])
            centre.stop_listening()
            centre.hang_up()
            await eventually(lambda: owner.counts[-1] == 0)
            clock().forward(QUICK.patience)
            await eventually(lambda: link.why)
        assert owner.links.index("") == 1
        assert owner.links[-1] == link.why


async def test_before_the_first_answer_of_any_host() -> None:
    owner = Owner()
    hasty = replace(QUICK, patience=5.0)
    async with (
        CentreSimulator(Rules(mute_binds=True)) as centre,
        upstream(owner, settings(centre.port, timings=hasty), up=0),
    ):
        clock().forward(5.0)
        await eventually(lambda: owner.links == ["not bound yet"])


def took(owner: Owner, count: int) -> bool:
    return len(owner.taken) == count


async def test_a_short_interruption_is_not_told() -> None:
    owner = Owner()
    async with CentreSimulator() as centre, upstream(owner, settings(centre.port)) as link:
        for number in range(1, 4):
            centre.hang_up()
            await eventually(lambda: owner.counts[-1] == 0)
            link.submit(items(number))
            await eventually(lambda: owner.counts[-1] == 1)
            await eventually(partial(took, owner, number))
        assert set(owner.links) == {""}


@pytest.mark.parametrize("status", [Status.ESME_RINVPASWD, Status.ESME_RBINDFAIL])
async def test_a_refusal_is_told_at_once(status: Status) -> None:
    owner = Owner()
    async with (
        CentreSimulator(Rules(bind_status=lambda bind: status)) as centre,
        upstream(owner, settings(centre.port), up=0),
    ):
        await eventually(lambda: owner.links)
        assert status.name in owner.links[0]
        assert set(owner.counts) == {0}


async def test_one_line_of_two_is_enough() -> None:
    owner = Owner()
    async with (
        CentreSimulator(Rules(max_binds=1)) as centre,
        upstream(owner, settings(centre.port), BindTransceiver, BindTransceiver) as link,
    ):
        await eventually(lambda: "ESME_RBINDFAIL" in owner.tries)
        link.submit(items(1))
        await eventually(lambda: owner.taken == [1])
        clock().forward(QUICK.patience)
        await turns()
        assert set(owner.links) == {""}


async def test_a_receiver_alone_cannot_send() -> None:
    owner = Owner()
    rules = Rules(bind_status=lambda bind: 0 if isinstance(bind, BindReceiver) else Status.ESME_RINVSYSTYP)
    async with (
        CentreSimulator(rules) as centre,
        upstream(owner, settings(centre.port), BindTransmitter, BindReceiver) as link,
    ):
        await eventually(lambda: link.why)
        assert "ESME_RINVSYSTYP" in link.why


async def test_what_was_unanswered_is_told_and_what_waited_goes_on() -> None:
    owner = Owner()
    rules = Rules()
    async with CentreSimulator(rules) as centre, upstream(owner, settings(centre.port, window=2)) as link:
        link.submit(items(0))
        await eventually(lambda: owner.taken == [0])
        rules.mute = True
        link.submit(items(1, 2, 3, 4))
        await eventually(lambda: texts(centre) == [0, 1, 2])
        rules.mute = False
        centre.hang_up()
        await eventually(lambda: len(owner.heard) == 5)
        assert unanswered(owner) == [1, 2]
        assert owner.taken == [0, 3, 4]
        assert texts(centre) == [0, 1, 2, 3, 4]


async def test_what_comes_in_and_what_is_wrong(caplog: pytest.LogCaptureFixture) -> None:
    owner = Owner()
    async with CentreSimulator() as centre, upstream(owner, settings(centre.port)):
        for _ in range(3):
            await centre.deliver_raw(bytes.fromhex("00000010 80000004 00000000 00000063"))
        await eventually(lambda: len(owner.faults) == 3)
        delivering = asyncio.ensure_future(centre.deliver(DeliverSm(short_message=b"1")))
        await eventually(lambda: owner.came)
        delivering.cancel()
    assert caplog.text.count("protocol error of the SMSC") == 1


# --- the end ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [{}, {"tls": ssl.create_default_context()}], ids=["plain", "tls"])
async def test_close_while_connecting_leaves_nothing(keys: dict[str, Any]) -> None:
    owner = Owner()
    async with CentreSimulator(Rules(mute_binds=True)) as centre:
        before = tasks()
        link = Upstream(settings(centre.port, **keys), owner, kinds=(BindTransceiver,) * 3)
        await link.start()
        link.submit(items(1))
        await eventually(lambda: centre._connections)
        clock().stop_clock()  # nothing is waited for
        closing = asyncio.ensure_future(link.close())
        await until(closing.done)
        await until(lambda: not centre._connections)
        assert tasks() == before
        assert owner.links == []


async def test_close_says_unbind_and_sends_no_more(caplog: pytest.LogCaptureFixture) -> None:
    owner = Owner()
    async with CentreSimulator() as centre:
        before = tasks()
        with caplog.at_level(logging.WARNING):
            own = settings(centre.port, window=1)
            async with upstream(owner, own, BindTransceiver, BindTransceiver, up=2, rate=10.0) as link:
                link.submit(items(*range(50)))
                await eventually(lambda: owner.taken)
        assert centre.counts["unbinds"] == 2
        count = len(centre.submitted)
        link.submit(items(100))
        clock().forward(10.0)
        await turns()
        assert len(centre.submitted) == count < 50
        await eventually(lambda: tasks() == before)
        assert not centre.sessions
        assert max(clock().timers(), default=0.0) < 1.0  # nothing of it is to be waited for
    assert caplog.text == ""


async def test_an_smsc_that_calls_is_one_more_bind(caplog: pytest.LogCaptureFixture) -> None:
    owner = Owner()
    outbind = OutbindSettings("127.0.0.1", 0, lambda peer: True, "", "word")
    async with CentreSimulator() as home, CentreSimulator() as caller:
        link = Upstream(settings(home.port), owner, kinds=(BindTransceiver,), outbind=outbind)
        await link.start()
        await eventually(lambda: owner.counts == [1])
        assert link._outbind is not None
        port = link._outbind.port
        await caller.outbind("127.0.0.1", port, "centre", "word")
        await eventually(lambda: owner.counts == [1, 2])
        await caller.deliver_raw(bytes.fromhex("00000010 80000004 00000000 00000063"))
        await eventually(lambda: owner.faults)
        link.submit(items(1))
        await eventually(lambda: owner.taken == [1])
        assert caller.submitted == []
        caller.hang_up()
        await eventually(lambda: owner.counts == [1, 2, 1])
        await caller.outbind("127.0.0.1", port, "centre", "word")
        await eventually(lambda: owner.counts == [1, 2, 1, 2])
        await link.close()
        assert (home.counts["unbinds"], caller.counts["unbinds"]) == (1, 1)
        with pytest.raises(OSError):
            await caller.outbind("127.0.0.1", port, "centre", "word")


async def test_close_of_what_was_never_started() -> None:
    before = tasks()
    await Upstream(settings(free_port()), Owner(), kinds=(BindTransceiver,)).close()
    assert tasks() == before
