"""The SMSC calls us: it says outbind, we bind as receiver, and what it delivers counts as ever."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from smppbridge.logs import TextFormatter
from smppbridge.smpp.pdu import (
    BindReceiver,
    DataSm,
    DeliverSm,
    Outbind,
)
from smppbridge.smpp.receipt import parse_receipt
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.failing_store import rows
from tests.support.bridge.outbind import WORD, Scene, scene
from tests.support.bridge.running import eventually, metric
from tests.support.esme.esme import PHONE, Esme, submit
from tests.support.esme.phones import text_of
from tests.support.system.ports import reserved_ports

SENT, FINAL = 5, 6
STAGES = "SELECT stage, count(*) FROM messages GROUP BY stage ORDER BY stage"


@pytest.fixture(autouse=True)
def _plain(caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.setFormatter(TextFormatter(mask=False))


@pytest.fixture
def outbind_port() -> Iterator[int]:
    """A port for outbind."""
    with reserved_ports(1) as (port,):
        yield port


# --- welcome ---------------------------------------------------------------------------------------


async def test_an_smsc_that_calls_gets_a_receiver(
    tmp_path: Path, outbind_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with CentreSimulator() as caller:
        async with scene(tmp_path, outbind_port) as now:
            await now.call(caller)
            await eventually(lambda: now.binds == 2)
            (session,) = caller.sessions
            assert (session.bind_type, session.system_id, session.bind.password) == ("RX", "user", "secret")
            assert now.tried() == 2
            assert "upstream bound by outbind" in caplog.text
            assert (WORD in caplog.text, "secret" in caplog.text) == (False, False)
        assert (caller.counts["unbinds"], caller.faults) == (1, [])


async def test_messages_from_phones_come_over_it(tmp_path: Path, outbind_port: int) -> None:
    async with CentreSimulator() as caller, scene(tmp_path, outbind_port) as now:
        await now.call(caller)
        await eventually(lambda: now.binds == 2)
        for pdu in (
            DeliverSm(source_addr=PHONE, destination_addr="1234", short_message=b"Yes"),
            DataSm(source_addr=PHONE, destination_addr="1234", tlvs=((0x0424, b"Yes"),)),
        ):
            answer = asyncio.create_task(caller.deliver(pdu))
            assert text_of(await now.esme.receipt()) == "Yes"
            assert (await answer).command_status == 0
        assert metric(now.app, "inbound_messages_total", provider="link", account="pbx") == 2


async def test_receipts_over_it_settle_what_went_over_the_other_bind(
    tmp_path: Path, outbind_port: int
) -> None:
    rules = Rules(outcomes=lambda pdu: "")  # home never says what became of it
    async with CentreSimulator() as caller, scene(tmp_path, outbind_port, rules) as now:
        ids = await now.esme.submit_many([submit(str(number)) for number in range(20)])
        await eventually(lambda: rows(tmp_path, STAGES) == [(SENT, 20)])
        await now.call(caller)
        await eventually(lambda: now.binds == 2)
        for taken in now.home.submitted:
            answer = await caller.send_receipt(taken.message_id, "DELIVRD", source_addr=PHONE)
            assert answer.command_status == 0
        receipts = [parse_receipt((await now.esme.receipt()).short_message.decode()) for _ in ids]
        assert {(receipt.id, receipt.stat) for receipt in receipts} == {(one, "DELIVRD") for one in ids}
        assert rows(tmp_path, STAGES) == [(FINAL, 20)]
        assert caller.submitted == []


async def test_the_smsc_of_our_bind_may_call_too(tmp_path: Path, outbind_port: int) -> None:
    async with scene(tmp_path, outbind_port) as now:
        await now.call(now.home)
        await eventually(lambda: now.binds == 2)
        assert sorted(session.bind_type for session in now.home.sessions) == ["RX", "TRX"]
        ids = await now.esme.submit_many([submit(str(number)) for number in range(50)])
        receipts = [parse_receipt((await now.esme.receipt()).short_message.decode()) for _ in ids]
        assert {receipt.id for receipt in receipts} == set(ids)
        assert len(now.home.submitted) == 50


async def test_it_may_come_and_go(tmp_path: Path, outbind_port: int) -> None:
    async with scene(tmp_path, outbind_port) as now:
        for visit in range(1, 4):
            async with CentreSimulator() as caller:
                await now.call(caller)
                await eventually(lambda: now.binds == 2)
                if visit == 2:
                    caller.unbind()
                    await eventually(lambda: now.binds == 1)
            await eventually(lambda: now.binds == 1)
            assert now.tried() == 1 + visit  # nobody calls back
        await now.esme.submit(submit())
        await now.esme.receipt()


async def test_the_name_counts_where_one_is_set(tmp_path: Path, outbind_port: int) -> None:
    async with (
        scene(tmp_path, outbind_port, outbind={"system_id": "operator"}) as now,
        CentreSimulator() as caller,
    ):
        async with await now.caller(Outbind(system_id="somebody", password=WORD)) as stranger:
            await not_bound(now, stranger)
        await now.call(caller, "operator")
        await eventually(lambda: now.binds == 2)


# --- not welcome -----------------------------------------------------------------------------------


async def not_bound(now: Scene, caller: Esme) -> None:
    """The connection is closed, and our credentials were not shown to it."""
    await caller.closed()
    with pytest.raises(EOFError):
        while True:
            assert not isinstance(await caller.next(), BindReceiver)
    assert (now.binds, now.tried()) == (1, 1)


async def test_an_address_that_is_not_allowed(
    tmp_path: Path, outbind_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    outbind = {"allow_from": ["192.0.2.0/24", "127.0.0.2"]}
    async with (
        scene(tmp_path, outbind_port, outbind=outbind) as now,
        await now.caller(Outbind(system_id="centre", password=WORD)) as caller,
    ):
        await not_bound(now, caller)
        assert "connection refused: address not allowed" in caplog.text


async def test_a_port_that_is_taken(tmp_path: Path) -> None:
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with taken:
        port = taken.sockets[0].getsockname()[1]
        with pytest.raises(OSError, match="address already in use"):
            async with scene(tmp_path, port):
                pass
