"""Calls of equipment: how each one ends, and who may bind on its connection."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme

from smppbridge.link.connection import Connection
from smppbridge.link.outbind_calls import CONNECT_TIMEOUT, Endpoint, OutbindCalls
from smppbridge.smpp.pdu import BindReceiver, BindTransceiver, BindTransmitter, Outbind
from smppbridge.smpp.session import Role, Timers
from tests.support.bridge.running import eventually, free_port
from tests.support.esme.callee import Callee, callee
from tests.support.system.clock import clock, soon, turns


class Caller:
    """Calls, and keeps the connections that were made for it."""

    def __init__(self, connect_timeout: float = CONNECT_TIMEOUT) -> None:
        self.calls = OutbindCalls(connect_timeout)
        self.made: list[Connection] = []
        self.ended: list[Connection] = []

    def connection(self) -> Connection:
        def ended(connection: Connection) -> None:
            self.ended.append(connection)
            self.calls.ended(connection)

        made = Connection(
            Role.SMSC,
            lambda connection, events: None,
            ended,
            timers=Timers(),
            window=1,
            max_pdu_octets=65536,
            began=lambda connection: connection.request(Outbind(system_id="bridge", password="word")),
        )
        self.made.append(made)
        return made

    def call(self, port: int, host: str = "127.0.0.1", **tls: Any) -> "asyncio.Task[bool]":
        return asyncio.ensure_future(self.calls.call("pbx", Endpoint(host, port, **tls), self.connection))


@asynccontextmanager
async def called() -> AsyncIterator[tuple[Caller, Callee, "asyncio.Task[bool]"]]:
    """A call whose connection is open."""
    caller = Caller()
    async with callee() as equipment:
        call = caller.call(equipment.port)
        _, outbind = await equipment.outbind()
        assert (outbind.system_id, outbind.password) == ("bridge", "word")
        yield caller, equipment, call
        for connection in caller.made:
            connection.abort()
        call.cancel()


async def test_a_call_ends_with_the_bind() -> None:
    async with called() as (caller, _, call):
        (connection,) = caller.made
        await turns()
        assert not call.done()
        caller.calls.bound(connection)
        caller.calls.bound(connection)  # told once
        assert await soon(call) is True
        connection.abort()
        await eventually(lambda: caller.ended)
        assert not caller.calls._calls


async def test_a_call_ends_without_a_bind_when_its_connection_ends() -> None:
    async with called() as (caller, equipment, call):
        await equipment.close()
        assert await soon(call) is False
        assert not caller.calls._calls


async def test_who_may_bind_on_a_connection_of_ours() -> None:
    async with called() as (caller, _, _):
        (ours,) = caller.made
        theirs = caller.connection()
        may_bind = caller.calls.may_bind
        assert may_bind(ours, "pbx", BindReceiver())
        assert may_bind(ours, "pbx", BindTransceiver())
        assert not may_bind(ours, "pbx", BindTransmitter())  # nothing could be delivered
        assert not may_bind(ours, "other", BindReceiver())  # it was not called
        assert not may_bind(ours, "other", BindTransmitter())
        for kind in (BindReceiver, BindTransceiver, BindTransmitter):
            assert may_bind(theirs, "other", kind())
        caller.calls.bound(theirs)
        caller.calls.ended(theirs)
        assert not may_bind(ours, "other", BindReceiver())


async def test_two_calls_at_once_do_not_end_each_other() -> None:
    caller = Caller()
    async with callee() as equipment:
        first = caller.call(equipment.port)
        await equipment.outbind()
        second = caller.call(equipment.port)
        await equipment.outbind()
        caller.calls.bound(caller.made[1])
        assert await soon(second) is True
        await turns()
        assert not first.done()
        caller.made[0].abort()
        assert await soon(first) is False
        caller.made[1].abort()


async def test_nobody_listens() -> None:
    caller = Caller()
    with pytest.raises(OSError, match="Connect call failed"):
        await caller.call(free_port())
    assert not caller.calls._calls


@pytest.mark.parametrize("host", ["nobody.invalid", "a..b"])
async def test_a_host_that_nobody_knows(host: str) -> None:
    caller = Caller()
    with pytest.raises((OSError, UnicodeError)):
        await caller.call(2775, host)
    assert not caller.calls._calls


async def test_a_call_that_is_not_wanted_any_more_is_cut_off() -> None:
    async with callee() as equipment:
        caller = Caller()
        call = caller.call(equipment.port)
        esme, _ = await equipment.outbind()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await turns()
        assert not caller.made[0].closing  # it may bind all the same
        assert caller.calls.may_bind(caller.made[0], "pbx", BindReceiver())
        caller.made[0].abort()
        await esme.closed()


# --- TLS -------------------------------------------------------------------------------------------


def certified(name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What equipment shows, and what we trust."""
    authority = trustme.CA()
    shown, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert(name).configure_cert(shown)
    authority.configure_trust(trusting)
    return shown, trusting


@pytest.mark.parametrize(("shown", "name"), [("127.0.0.1", ""), ("pbx.example", "pbx.example")])
async def test_over_tls(shown: str, name: str) -> None:
    context, trusting = certified(shown)
    async with callee(tls=context) as equipment:
        caller = Caller()
        call = caller.call(equipment.port, tls=trusting, tls_name=name)
        await equipment.outbind()
        caller.calls.bound(caller.made[0])
        assert await soon(call) is True
        caller.made[0].abort()


@pytest.mark.parametrize(
    ("shown", "name", "known"),
    [("pbx.example", "", True), ("127.0.0.1", "pbx.example", True), ("127.0.0.1", "", False)],
    ids=["not the host", "not the name", "an authority that we do not know"],
)
async def test_a_stranger_hears_no_password(shown: str, name: str, known: bool) -> None:
    context, trusting = certified(shown)
    if not known:
        trusting = ssl.create_default_context()
    async with callee(tls=context) as equipment:
        caller = Caller()
        with pytest.raises(ssl.SSLCertVerificationError):
            await caller.call(equipment.port, tls=trusting, tls_name=name)
        assert (equipment.count, len(caller.calls._calls)) == (0, 0)


async def test_equipment_that_does_not_speak_tls() -> None:
    assert CONNECT_TIMEOUT == 10
    async with callee() as equipment:
        caller = Caller(connect_timeout=5.0)
        call = caller.call(equipment.port, tls=ssl.create_default_context())
        esme = await equipment.call()
        await turns()
        assert not call.done()
        clock().forward(5.0)
        with pytest.raises(TimeoutError):
            await soon(call)
        assert not caller.calls._calls
        await soon(esme.reader.read())  # to the end: it was cut off
