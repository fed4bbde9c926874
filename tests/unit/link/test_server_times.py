"""We as SMSC: timers, a reload, how many may come, and the end."""

import asyncio
import ssl
from contextlib import AsyncExitStack

import pytest
import trustme

from smppbridge.link.listeners import StrangerLimits
from smppbridge.link.server import ServerLimits
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import (
    EnquireLink,
    EnquireLinkResp,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    UnbindResp,
)
from tests.support.bridge.running import eventually
from tests.support.esme.esme import Esme
from tests.support.system.clock import clock, soon, turns, until
from tests.unit.link.served import TIMERS, Rig, account, lines, served

DEFAULTS = ServerLimits()


# --- timers ----------------------------------------------------------------------------------------


async def test_timers_run_by_themselves() -> None:
    timers = TIMERS._replace(enquire_link=5.0)
    async with served(timers=timers) as rig, await rig.bound() as esme, await rig.connect() as idle:
        await idle.ask(EnquireLink())
        clock().forward(5.0)
        question = await esme.expect(EnquireLink)
        esme.reply(question, EnquireLinkResp())
        await esme.ask(EnquireLink())
        clock().forward(5.0)
        await idle.closed()
        await esme.expect(EnquireLink)
        clock().forward(10.0)
        await esme.closed()


async def test_timers_are_looked_at_twice_a_second() -> None:
    assert DEFAULTS.tick == 0.5
    async with served(limits=ServerLimits(tick=3.0)) as rig, await rig.connect() as idle:
        await idle.ask(EnquireLink())
        clock().stop_clock()
        clock().forward(2.9)
        await turns()
        (connection,) = rig.server._connections
        connection.session._opened_at -= TIMERS.bind
        await turns()
        assert not connection.closing
        clock().forward(0.2)
        await until(lambda: connection.closing)


async def test_a_session_whose_timers_fail_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async with served() as rig, await rig.bound() as esme, await rig.bound() as other:
        broken = rig.behind.links[0].connection
        broken.session._timers = None  # type: ignore[assignment]  # a mistake that cannot happen
        for _ in range(2):
            clock().forward(1.0)
            await turns()
        await esme.closed()
        assert isinstance(await other.ask(EnquireLink()), EnquireLinkResp)
        clock().forward(1.0)
        await turns()
        assert [link.connection for link in rig.behind.links] != [broken]
    assert caplog.text.count("unexpected error in a session of 127.0.0.1") == 1


# --- a reload --------------------------------------------------------------------------------------


async def test_a_reload_counts_for_binds_that_are_there() -> None:
    async with served(account(window=2)) as rig, await rig.bound():
        (link,) = rig.behind.links
        changed = account(window=9, rate=5.0)
        rig.server.reload({"pbx": changed, "new": account("new")})
        assert link.account is changed
        assert (link.room, link.connection.session.window) == (9, 9)
        async with await rig.bound("new"):
            pass


async def test_binds_of_an_account_that_was_removed_are_ended(caplog: pytest.LogCaptureFixture) -> None:
    async with served(account(), account("other")) as rig:
        async with await rig.bound() as esme, await rig.bound("other") as other:
            rig.server.reload({"other": account("other")})
            esme.reply(await esme.expect(Unbind), UnbindResp())
            await esme.closed()
            assert isinstance(await other.ask(EnquireLink()), EnquireLinkResp)
            assert 'account=pbx cause="the account was removed"' in lines(caplog, "unbinding")[0]
        async with await rig.connect() as esme:
            assert (await esme.bind()).command_status == Status.ESME_RINVPASWD


# --- connections -----------------------------------------------------------------------------------


async def test_no_connection_beside_those_that_are_bound(caplog: pytest.LogCaptureFixture) -> None:
    async with served(connections=2) as rig, await rig.bound() as first, await rig.bound() as second:
        async with await rig.connect() as third:
            await third.closed()
        assert "limit=2" in lines(caplog, "connection refused: too many connections")[0]
        assert rig.metric("refused_connections_total", cause="full") == 1
        assert isinstance(await second.ask(EnquireLink()), EnquireLinkResp)
        await first.close()
        await eventually(lambda: rig.admission.used == 1)
        async with await rig.bound():
            assert rig.metric("connections", state="bound") == 2


async def test_binds_leave_room_for_others() -> None:
    """For who comes, and for the web."""
    async with served(account(binds=20), connections=20) as rig, AsyncExitStack() as stack:
        for _ in range(19):
            await stack.enter_async_context(await rig.bound())
        for _ in range(2):
            async with await rig.connect() as esme:
                assert (await esme.bind()).command_status == Status.ESME_RBINDFAIL


async def test_who_binds_gets_in_beside_those_who_do_not() -> None:
    """Also where each of them has an address of its own. All of 127.0.0.0/8 is this machine."""
    async with (
        served(limits=ServerLimits(strangers=StrangerLimits(unbound=3))) as rig,
        AsyncExitStack() as stack,
    ):
        idle = [
            await stack.enter_async_context(await rig.connect(f"127.0.0.{number}")) for number in (2, 3, 4, 5)
        ]
        await idle[0].closed()
        async with await rig.bound() as esme:
            await idle[1].closed()
            for one in idle[2:]:
                assert isinstance(await one.ask(EnquireLink()), EnquireLinkResp)
            assert isinstance(await esme.ask(EnquireLink()), EnquireLinkResp)
            assert rig.metric("connections", state="unbound") == 2
            assert rig.metric("connections", state="bound") == 1
            assert rig.metric("refused_connections_total", cause="displaced") == 2
    assert rig.admission.used == 0


async def test_an_address_that_no_account_allows_is_not_let_in() -> None:
    """A reload counts for the next connection."""
    async with served(account(allow_from=["127.0.0.1/32"])) as rig:
        async with await rig.connect("127.0.0.2") as stranger:
            await stranger.closed()
        async with await rig.bound():
            assert rig.metric("refused_connections_total", cause="address") == 1
            rig.server.reload({"pbx": account(allow_from=["127.0.0.1/32", "127.0.0.2/32"])})
            async with await rig.connect("127.0.0.2") as esme:
                assert (await esme.bind()).command_status == 0


async def test_several_listeners_share_one_ticker() -> None:
    async with served() as rig:
        ticker = rig.server._ticker
        port = await rig.server.listen("127.0.0.1", 0)
        assert port != rig.port
        assert rig.server._ticker is ticker
        async with await Esme.bound(port), await rig.bound():
            assert len(rig.behind.links) == 2
        with pytest.raises(OSError, match="address already in use"):
            await rig.server.listen("127.0.0.1", port)


def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What the listener shows, and who trusts it."""
    shown, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority = trustme.CA()
    authority.issue_cert("localhost").configure_cert(shown)
    authority.configure_trust(trusting)
    return shown, trusting


async def test_a_handshake_of_tls_may_take_as_long_as_a_bind() -> None:
    shown, trusting = contexts()
    async with served() as rig:
        port = await rig.server.listen("127.0.0.1", 0, shown)
        async with await Esme.connect(port, trusting, "localhost") as esme:
            assert (await esme.bind()).command_status == 0
            async with await Esme.connect(port) as silent:
                await eventually(lambda: any(9 < left <= TIMERS.bind for left in clock().timers()))
                clock().forward(TIMERS.bind)
                await silent.closed()
            assert isinstance(await esme.ask(EnquireLink()), EnquireLinkResp)


async def test_a_handshake_takes_its_time_from_that_of_the_bind() -> None:
    shown, trusting = contexts()
    async with served() as rig:
        port = await rig.server.listen("127.0.0.1", 0, shown)
        async with await Esme.connect(port) as slow:
            await until(lambda: rig.metric("connections", state="handshake") == 1)
            clock().forward(TIMERS.bind - 1)
            await soon(slow.writer.start_tls(trusting, server_hostname="localhost"))
            await until(lambda: rig.metric("connections", state="unbound") == 1)
            clock().forward(1)
            await slow.closed()


# --- the end ---------------------------------------------------------------------------------------


async def test_a_stop_unbinds_and_closes() -> None:
    async with served() as rig:
        async with await rig.bound() as esme, await rig.connect() as idle:
            await idle.ask(EnquireLink())
            esme.send(SubmitSm())
            await until(lambda: rig.behind.submits)
            stopping = asyncio.ensure_future(rig.server.stop(5.0))
            unbind = await esme.expect(Unbind)
            await idle.closed()
            assert not stopping.done()
            rig.behind.take()
            esme.reply(unbind, UnbindResp())
            await soon(stopping)
            assert await esme.expect(SubmitSmResp)
            await esme.closed()
        with pytest.raises(OSError):
            await rig.connect()
        assert rig.server._ticker is not None
        await until(rig.server._ticker.done)


async def test_a_stop_waits_no_longer_than_it_may() -> None:
    async with served() as rig, await rig.bound() as esme:
        stopping = asyncio.ensure_future(rig.server.stop(5.0))
        await esme.expect(Unbind)
        clock().forward(4.0)
        await turns()
        assert not stopping.done()
        clock().forward(1.0)
        await soon(stopping)
        await esme.closed()


async def test_a_handshake_under_way_at_a_stop_becomes_no_session() -> None:
    async with served() as rig, await rig.bound() as esme:
        port = await rig.server.listen("127.0.0.1", 0, contexts()[0])
        late = await Esme.connect(port)
        await until(lambda: rig.admission.used == 2)
        stopping = asyncio.ensure_future(rig.server.stop(5.0))
        unbind = await esme.expect(Unbind)
        await late.closed()
        await late.close()
        assert not stopping.done()
        esme.reply(unbind, UnbindResp())
        await soon(stopping)


async def test_listeners_may_be_closed_before() -> None:
    async with served() as rig, await rig.bound() as esme:
        rig.server.close_listeners()
        with pytest.raises(OSError):
            await rig.connect()
        assert isinstance(await esme.ask(EnquireLink()), EnquireLinkResp)


async def test_a_stop_of_what_never_listened() -> None:
    rig = Rig()
    await rig.server.stop(0.0)
    assert rig.server._connections == set()
