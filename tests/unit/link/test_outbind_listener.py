"""An SMSC that calls: it must say outbind with the right password, and only then hears our bind."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from smppbridge.link.outbind_listener import CONNECTIONS, MAX_CALLERS, OutbindListener, OutbindSettings
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import (
    Bind,
    BindReceiver,
    BindReceiverResp,
    BindTransceiver,
    DeliverSm,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Outbind,
    Pdu,
    Response,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    UnbindResp,
)
from tests.support.bridge.running import eventually
from tests.support.esme.esme import Esme
from tests.support.system.clock import clock, soon, turns
from tests.unit.link.peers import TIMERS, Owner, settings, tasks

WORD = "word"
NONSENSE = SubmitSmResp(sequence_number=99)  # an answer to nothing


def outbind(system_id: str = "centre", password: str = WORD) -> Outbind:
    return Outbind(system_id=system_id, password=password)


@asynccontextmanager
async def opened(owner: Owner, *, system_id: str = "", **keys: Any) -> AsyncIterator[OutbindListener]:
    own = OutbindSettings("127.0.0.1", 0, lambda peer: peer == "127.0.0.1", system_id, WORD)
    listener = OutbindListener(settings(**keys), own, owner)
    assert listener.port == 0
    await listener.start()
    try:
        yield listener
    finally:
        await listener.close()


async def call(listener: OutbindListener, *pdus: Pdu, source: str = "127.0.0.1") -> Esme:
    """Somebody who connects, and says this."""
    streams = await asyncio.open_connection("127.0.0.1", listener.port, local_addr=(source, 0))
    caller = Esme(*streams)
    caller.send(*pdus)
    return caller


@asynccontextmanager
async def bound(listener: OutbindListener, owner: Owner) -> AsyncIterator[Esme]:
    """A caller that has taken our bind."""
    async with await call(listener, outbind()) as caller:
        caller.reply(await caller.expect(BindReceiver), BindReceiverResp("centre"))
        before = listener.bound
        await eventually(lambda: listener.bound == before + 1)
        yield caller


async def sent_away(caller: Esme) -> None:
    """The connection is closed, and our credentials were not shown on it."""
    await caller.closed()
    with pytest.raises(EOFError):
        while True:
            assert not isinstance(await caller.next(), Bind)


# --- the SMSC --------------------------------------------------------------------------------------


async def test_who_says_outbind_gets_a_receiver(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    owner = Owner()
    async with opened(owner) as listener, await call(listener, outbind()) as caller:
        bind = await caller.expect(BindReceiver)
        assert (bind.system_id, bind.password) == ("user", "secret")
        await turns()
        assert (listener.bound, owner.changes, owner.tries) == (0, [], [])
        caller.reply(bind, BindReceiverResp("centre"))
        await eventually(lambda: listener.bound == 1)
        assert (owner.changes, owner.tries) == ([("", False)], ["ESME_ROK"])
    assert "upstream bound by outbind" in caplog.text
    assert (WORD in caplog.text, "secret" in caplog.text) == (False, False)


async def test_what_it_sends_is_told_and_what_it_does_wrong() -> None:
    owner = Owner()
    async with opened(owner) as listener, bound(listener, owner) as caller:
        caller.send(DeliverSm(short_message=b"1"), NONSENSE)
        await eventually(lambda: owner.faults)
        assert [type(pdu) for pdu in owner.came] == [DeliverSm]
        caller.send(DeliverSm(short_message=b"2"))
        await eventually(lambda: len(owner.came) == 2)
        assert listener.bound == 1


async def test_its_end_is_told() -> None:
    owner = Owner()
    async with opened(owner) as listener:
        async with bound(listener, owner):
            pass
        await eventually(lambda: listener.bound == 0)
        assert owner.changes == [("", False)] * 2
        await eventually(lambda: not listener._tasks)
        assert not listener._known
        async with bound(listener, owner):
            assert owner.tries == ["ESME_ROK"] * 2


def control(listener: OutbindListener) -> int:
    """Questions of ours, whether the SMSC lives, that have no answer."""
    (client,) = listener._bound
    assert client._connection is not None
    return len(client._connection.session._control)


async def test_when_it_is_silent_it_is_asked_whether_it_lives() -> None:
    owner = Owner()
    timers = TIMERS._replace(enquire_link=5.0)
    async with opened(owner, timers=timers) as listener, bound(listener, owner) as caller:
        for _ in range(2):
            clock().forward(5.0)
            caller.reply(await caller.expect(EnquireLink), EnquireLinkResp())
            await eventually(lambda: not control(listener))
        clock().forward(5.0)
        await caller.expect(EnquireLink)
        assert listener.bound == 1
        clock().forward(10.0)
        await caller.closed()
        await eventually(lambda: listener.bound == 0)


@pytest.mark.parametrize(("name", "welcome"), [("centre", True), ("Centre", False), ("", False)])
async def test_its_name_counts_where_one_is_set(name: str, welcome: bool) -> None:
    owner = Owner()
    async with opened(owner, system_id="centre") as listener, await call(listener, outbind(name)) as caller:
        if welcome:
            await caller.expect(BindReceiver)
        else:
            await sent_away(caller)


async def test_outbind_twice() -> None:
    """While our bind is under way, and when it is done: one bind, and no more."""
    owner = Owner()
    async with opened(owner) as listener, await call(listener, outbind()) as caller:
        bind = await caller.expect(BindReceiver)
        caller.send(outbind())
        await caller.ask(EnquireLink())
        caller.reply(bind, BindReceiverResp("centre"))
        await eventually(lambda: listener.bound == 1)
        caller.send(outbind())
        assert isinstance(await caller.ask(EnquireLink()), EnquireLinkResp)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await caller.expect(BindReceiver)
        assert (listener.bound, owner.tries) == (1, ["ESME_ROK"])


# --- strangers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pdu",
    [
        *(outbind(password=password) for password in ("", "Word", "words", "secret", "w\xf6rd")),
        BindTransceiver(system_id="user", password="secret", interface_version=0x34),
        DeliverSm(short_message=b"Yes"),
        SubmitSm(destination_addr="1", short_message=b"Yes"),
        Unbind(),
        GenericNack(command_status=3),
        NONSENSE,
    ],
    ids=lambda pdu: f"{type(pdu).__name__} {getattr(pdu, 'password', '').replace('ö', 'oe')}",
)
async def test_who_does_not_say_the_right_outbind_is_sent_away(
    pdu: Pdu, caplog: pytest.LogCaptureFixture
) -> None:
    owner = Owner()
    async with opened(owner) as listener, await call(listener, pdu) as caller:
        clock().stop_clock()  # it is not for its silence
        await sent_away(caller)
        assert (owner.tries, owner.came, owner.faults, owner.changes) == ([], [], [], [])
        (told,) = [record for record in caplog.records if record.getMessage() == "outbind refused"]
        assert getattr(told, "fields", {})["peer"] == "127.0.0.1"
        assert WORD not in caplog.text.lower()


async def test_octets_that_are_no_pdu() -> None:
    """What a stranger does wrong is nothing that the SMSC did."""
    owner = Owner()
    async with opened(owner) as listener, await call(listener) as caller:
        caller.writer.write(b"GET / HTTP/1.1\r\nHost: bridge\r\n\r\n")
        await sent_away(caller)
        assert (owner.tries, owner.faults) == ([], [])


@pytest.mark.parametrize("talks", [False, True])
async def test_silence_ends(talks: bool) -> None:
    """Within the bind timer. enquire_link does not prolong it."""
    owner = Owner()
    async with opened(owner) as listener, await call(listener) as caller:
        await eventually(lambda: listener._callers)
        clock().stop_clock()
        for _ in range(3):
            clock().forward(TIMERS.bind / 4)
            if talks:
                await caller.ask(EnquireLink())
        await turns()
        assert listener._callers
        clock().forward(TIMERS.bind / 4)
        await sent_away(caller)


async def test_an_outbind_whose_bind_is_not_answered() -> None:
    owner = Owner()
    async with opened(owner) as listener, await call(listener, outbind()) as caller:
        await caller.expect(BindReceiver)
        clock().forward(TIMERS.bind)
        await caller.closed()
        await eventually(lambda: owner.tries == ["timeout"])
        assert (listener.bound, owner.changes) == (0, [])


@pytest.mark.parametrize(
    ("answer", "tried"),
    [
        (BindReceiverResp(command_status=Status.ESME_RBINDFAIL), "ESME_RBINDFAIL"),
        (GenericNack(command_status=Status.ESME_RINVCMDID), "ESME_RINVCMDID"),
        (GenericNack(), "ESME_ROK"),
    ],
    ids=["refused", "nacked", "an answer that makes no sense"],
)
async def test_an_outbind_whose_bind_is_refused(
    answer: Response, tried: str, caplog: pytest.LogCaptureFixture
) -> None:
    owner = Owner()
    async with opened(owner) as listener, await call(listener, outbind()) as caller:
        caller.reply(await caller.expect(BindReceiver), answer)
        clock().stop_clock()
        await caller.closed()
        assert (owner.tries, listener.bound, owner.changes) == ([tried], 0, [])
        assert "bind after outbind refused" in caplog.text


async def test_idle_connections_do_not_keep_the_smsc_out() -> None:
    owner = Owner()
    async with opened(owner) as listener, AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(await call(listener)) for _ in range(MAX_CALLERS)]
        for one in idle:
            assert isinstance(await one.ask(EnquireLink()), EnquireLinkResp)
        async with bound(listener, owner):
            await idle[0].closed()
            assert isinstance(await idle[1].ask(EnquireLink()), EnquireLinkResp)
            assert len(listener._callers) == MAX_CALLERS


async def test_no_caller_ends_a_bind() -> None:
    owner = Owner()
    async with opened(owner) as listener, AsyncExitStack() as stack:
        for count in range(CONNECTIONS):
            await stack.enter_async_context(bound(listener, owner))
            assert listener.bound == count + 1
        async with await call(listener, outbind()) as surplus:
            await surplus.closed()
        assert listener.bound == CONNECTIONS


async def test_strangers_do_not_keep_others_out(caplog: pytest.LogCaptureFixture) -> None:
    """Who may not come takes no place, however many they are. All of 127.0.0.0/8 is this machine."""
    owner = Owner()
    async with opened(owner) as listener, AsyncExitStack() as stack:
        for _ in range(MAX_CALLERS + 1):
            stranger = await stack.enter_async_context(await call(listener, outbind(), source="127.0.0.2"))
            await sent_away(stranger)
        assert caplog.text.count("connection refused: address not allowed") == 1  # a minute
        async with bound(listener, owner):
            pass


# --- the end ---------------------------------------------------------------------------------------


async def test_close_says_unbind_and_leaves_nothing() -> None:
    owner = Owner()
    before = tasks()
    async with opened(owner) as listener, bound(listener, owner) as caller, await call(listener) as idle:
        await eventually(lambda: len(listener._callers) == 2)
        port = listener.port
        closing = asyncio.ensure_future(listener.close())
        caller.reply(await caller.expect(Unbind), UnbindResp())
        await soon(closing)
        await caller.closed()
        await idle.closed()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
    await eventually(lambda: tasks() == before)


async def test_close_while_our_bind_is_under_way() -> None:
    owner = Owner()
    before = tasks()
    async with opened(owner) as listener, await call(listener, outbind()) as caller:
        await caller.expect(BindReceiver)
        await soon(listener.close())
        await caller.closed()
        assert owner.tries in ([], ["timeout"])
    await eventually(lambda: tasks() == before)


async def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        own = OutbindSettings("127.0.0.1", taken.getsockname()[1], lambda peer: True, "", WORD)
        listener = OutbindListener(settings(), own, Owner())
        with pytest.raises(OSError, match="address already in use"):
            await listener.start()
        await listener.close()
