"""Connections that the server opens: outbind, and the bind that it brings."""

import asyncio

import pytest

from smppbridge.link.outbind_calls import Endpoint
from smppbridge.link.server import ServerLimits
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import DeliverSm, EnquireLink, EnquireLinkResp, Outbind
from tests.support.bridge.running import eventually, free_port
from tests.support.esme.callee import callee
from tests.support.system.clock import clock, soon, turns
from tests.unit.link.served import TIMERS, Rig, account


def call(rig: Rig, port: int) -> "asyncio.Task[bool]":
    outbind = Outbind(system_id="centre", password="word")
    return asyncio.ensure_future(rig.server.call("pbx", Endpoint("127.0.0.1", port), outbind))


async def test_a_bind_on_a_connection_of_ours_is_one_like_any_other() -> None:
    rig = Rig(account(window=3))
    async with callee() as equipment:
        calling = call(rig, equipment.port)
        esme, outbind = await equipment.outbind()
        assert (outbind.system_id, outbind.password) == ("centre", "word")
        await turns()
        assert not calling.done()
        assert (await esme.bind(kind="RX")).command_status == 0
        assert await soon(calling) is True
        (link,) = rig.behind.links
        assert (link.room, link.bind_type) == (3, "RX")
        link.connection.request(DeliverSm(short_message=b"1"))
        await esme.receipt()
        assert rig.metric("binds", account="pbx", bind_type="RX") == 1
        await esme.close()
        await eventually(lambda: not rig.behind.links)
        await rig.server.stop(0.0)


@pytest.mark.parametrize(
    ("system_id", "password", "kind", "status"),
    [
        ("other", "secret", "RX", Status.ESME_RBINDFAIL),  # it was not called
        ("pbx", "secret", "TX", Status.ESME_RBINDFAIL),  # nothing could be delivered
        ("pbx", "wrong", "RX", Status.ESME_RINVPASWD),
        ("other", "wrong", "RX", Status.ESME_RINVPASWD),
        ("nobody", "secret", "RX", Status.ESME_RINVPASWD),
    ],
)
async def test_who_may_not_bind_there(system_id: str, password: str, kind: str, status: Status) -> None:
    rig = Rig(account(), account("other"))
    async with callee() as equipment:
        calling = call(rig, equipment.port)
        esme, _ = await equipment.outbind()
        assert (await esme.bind(system_id, password, kind=kind)).command_status == status
        clock().forward(ServerLimits().refusal)
        await esme.closed()
        assert await soon(calling) is False
        assert rig.behind.order == []
        await rig.server.stop(0.0)


async def test_its_timers_run_though_nobody_listens_here() -> None:
    rig = Rig()
    async with callee() as equipment:
        calling = call(rig, equipment.port)
        esme, _ = await equipment.outbind()
        assert isinstance(await esme.ask(EnquireLink()), EnquireLinkResp)
        clock().forward(TIMERS.bind)
        assert await soon(calling) is False
        await esme.closed()
        await rig.server.stop(0.0)


async def test_where_nobody_listens() -> None:
    rig = Rig()
    with pytest.raises(OSError):
        await call(rig, free_port())
    assert rig.server._connections == set()
    await rig.server.stop(0.0)


async def test_a_stop_closes_it() -> None:
    rig = Rig()
    async with callee() as equipment:
        calling = call(rig, equipment.port)
        esme, _ = await equipment.outbind()
        await soon(rig.server.stop(5.0))
        assert await soon(calling) is False
        await esme.closed()
