"""Connections after the refusal of their bind: who reads it late must still find it."""

import asyncio

import pytest

from smppbridge.link.server import ServerLimits
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import BindTransceiver, EnquireLink
from tests.support.bridge.running import eventually
from tests.support.esme.esme import Esme
from tests.support.system.clock import clock, turns, until
from tests.unit.link.served import Rig, served

DEFAULTS = ServerLimits()


async def refused(rig: Rig) -> Esme:
    esme = await rig.connect()
    assert (await esme.bind(password="wrong")).command_status == Status.ESME_RINVPASWD
    return esme


async def test_the_connection_outlives_the_refusal_by_a_second() -> None:
    assert DEFAULTS.refusal == 1.0
    async with served() as rig:
        clock().stop_clock()
        async with await refused(rig) as esme:
            (connection,) = rig.server._connections
            clock().forward(0.9)
            await turns()
            assert connection.closing  # for us
            assert not esme.reader.at_eof()
            assert rig.server._connections == {connection}
            clock().forward(0.2)
            await until(lambda: not rig.server._connections)
            await esme.closed()


async def test_it_ends_when_the_peer_closes() -> None:
    async with served() as rig:
        clock().stop_clock()
        esme = await refused(rig)
        esme.writer.close()
        await until(lambda: not rig.server._connections)
        assert not rig.server._refused._kept


async def test_nothing_more_is_taken_on_it() -> None:
    async with served() as rig, await refused(rig) as esme:
        esme.send(BindTransceiver("pbx", "secret"), EnquireLink())
        clock().forward(1.0)
        with pytest.raises((EOFError, ConnectionResetError)):
            await esme.next()
        assert rig.metric("bind_attempts_total", account="pbx", status="ESME_ROK") == 0


async def test_many_refusals_keep_few_connections() -> None:
    """The oldest ones end: each is there for as long as there is room."""
    assert DEFAULTS.refused == 200
    async with served(limits=ServerLimits(refused=2)) as rig:
        clock().stop_clock()
        peers = [await refused(rig) for _ in range(5)]
        await until(lambda: len(rig.server._connections) == 2)
        for esme in peers[:3]:
            await esme.closed()
        assert [esme.reader.at_eof() for esme in peers[3:]] == [False, False]
        async with await rig.bound():  # others are not concerned
            assert len(rig.behind.links) == 1
        for esme in peers:
            await esme.close()


async def test_the_end_does_not_wait_for_them() -> None:
    async with served() as rig, await refused(rig) as esme:
        before = asyncio.get_running_loop().time()
        await rig.server.stop(5.0)
        assert asyncio.get_running_loop().time() - before < 1.0
        await eventually(esme.reader.at_eof)
