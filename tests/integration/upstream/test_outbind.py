"""The SMSC calls us: it says outbind, we bind as receiver, and what it delivers counts as ever."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from smppbridge.link import persistent_bind
from smppbridge.link.outbind_listener import MAX_CALLERS
from smppbridge.logs import TextFormatter
from smppbridge.smpp.codec import encode
from smppbridge.smpp.pdu import (
    BindReceiver,
    BindReceiverResp,
    BindTransceiver,
    DataSm,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Outbind,
    Pdu,
    SubmitSm,
    Unbind,
)
from smppbridge.smpp.receipt import parse_receipt
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.failing_store import rows
from tests.support.bridge.outbind import WORD, Scene, scene
from tests.support.bridge.running import PATIENCE, eventually, metric
from tests.support.esme.esme import PHONE, Esme, submit
from tests.support.esme.phones import text_of
from tests.support.system.ports import reserved_ports

SENT, FINAL = 5, 6
STAGES = "SELECT stage, count(*) FROM messages GROUP BY stage ORDER BY stage"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(persistent_bind, "_FIRST_PAUSE", 0.05)
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


async def test_a_silent_caller_is_asked_whether_it_lives(tmp_path: Path, outbind_port: int) -> None:
    async with scene(tmp_path, outbind_port, enquire_link=0.2) as now, CentreSimulator() as caller:
        await now.call(caller)
        await eventually(lambda: caller.counts["enquire_links"] >= 1)
        assert now.binds == 2


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


@pytest.mark.parametrize("password", ["", "Word", "words", "secret"])
async def test_a_wrong_password(
    tmp_path: Path, outbind_port: int, password: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        scene(tmp_path, outbind_port) as now,
        await now.caller(Outbind(system_id="centre", password=password)) as caller,
    ):
        await not_bound(now, caller)
        assert "outbind refused" in caplog.text
        assert "peer=127.0.0.1" in caplog.text
        assert WORD not in caplog.text.lower()


@pytest.mark.parametrize(
    "pdu",
    [
        BindTransceiver(system_id="user", password="secret", interface_version=0x34),
        DeliverSm(source_addr=PHONE, destination_addr="1234", short_message=b"Yes"),
        SubmitSm(destination_addr=PHONE, short_message=b"Yes"),
        Unbind(),
        GenericNack(command_status=3),
    ],
    ids=lambda pdu: type(pdu).__name__,
)
async def test_something_else_than_outbind(
    tmp_path: Path, outbind_port: int, monkeypatch: pytest.MonkeyPatch, pdu: Pdu
) -> None:
    monkeypatch.setattr("smppbridge.providers.upstream.provider.BIND_TIMEOUT", 1.0)
    async with scene(tmp_path, outbind_port) as now, await now.caller(pdu) as caller:
        await not_bound(now, caller)
        await now.esme.silence(DeliverSm, 0)
        await now.esme.submit(submit())
        await now.esme.receipt()


async def test_octets_that_are_no_pdu(tmp_path: Path, outbind_port: int) -> None:
    async with scene(tmp_path, outbind_port) as now, await now.caller() as caller:
        caller.writer.write(b"GET / HTTP/1.1\r\nHost: bridge\r\n\r\n")
        await not_bound(now, caller)


async def test_nobody_is_taken_for_the_smsc_before_outbind(
    tmp_path: Path, outbind_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    """What strangers do wrong is nothing that the SMSC did: no alert for its operator."""
    async with scene(tmp_path, outbind_port) as now:
        async with await now.caller() as caller:
            caller.writer.write(b"GET / HTTP/1.1\r\nHost: bridge\r\n\r\n")
            await not_bound(now, caller)
        assert metric(now.app, "unreadable_answers_total", provider="link") == 0
        assert "protocol error of the SMSC" not in caplog.text


@pytest.mark.parametrize("talks", [False, True])
async def test_silence_ends(
    tmp_path: Path, outbind_port: int, monkeypatch: pytest.MonkeyPatch, talks: bool
) -> None:
    """Within the bind timer; enquire_link does not prolong it."""
    monkeypatch.setattr("smppbridge.providers.upstream.provider.BIND_TIMEOUT", 0.8)
    loop = asyncio.get_running_loop()
    async with scene(tmp_path, outbind_port) as now, await now.caller() as caller:
        began = loop.time()
        if talks:
            for _ in range(3):
                await caller.ask(EnquireLink())
                await asyncio.sleep(0.2)
            assert loop.time() - began < 0.8
        await not_bound(now, caller)
        assert 0.7 < loop.time() - began < 3


async def test_an_outbind_whose_bind_is_not_answered(
    tmp_path: Path, outbind_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smppbridge.providers.upstream.provider.BIND_TIMEOUT", 0.5)
    async with (
        scene(tmp_path, outbind_port) as now,
        await now.caller(Outbind(system_id="centre", password=WORD)) as caller,
    ):
        await caller.expect(BindReceiver)
        await caller.closed()
        await eventually(lambda: now.tried("timeout") == 1)
        assert now.binds == 1


async def test_an_outbind_whose_bind_is_refused(tmp_path: Path, outbind_port: int) -> None:
    async with (
        CentreSimulator(Rules(bind_status=lambda pdu: 0x0D)) as caller,
        scene(tmp_path, outbind_port) as now,
    ):
        await now.call(caller)
        await eventually(lambda: now.tried("ESME_RBINDFAIL") == 1)
        assert now.binds == 1
        await now.esme.submit(submit())
        await now.esme.receipt()


async def test_outbind_twice(tmp_path: Path, outbind_port: int) -> None:
    """While our bind is under way, and when it is done: one bind, and no more."""
    outbind = Outbind(system_id="centre", password=WORD)
    async with scene(tmp_path, outbind_port) as now, await now.caller(outbind) as caller:
        bind = await caller.expect(BindReceiver)
        caller.send(Outbind(system_id="centre", password=WORD))
        await caller.ask(EnquireLink())
        caller.writer.write(encode(BindReceiverResp(sequence_number=bind.sequence_number, system_id="c")))
        await eventually(lambda: now.binds == 2)
        caller.send(Outbind(system_id="centre", password=WORD))
        answer = await caller.ask(DeliverSm(source_addr=PHONE, destination_addr="1234", short_message=b"Yes"))
        assert isinstance(answer, DeliverSmResp)
        assert answer.command_status == 0
        await caller.silence(BindReceiver, 0.05)
        assert (now.binds, now.tried(), now.tried("timeout")) == (2, 2, 0)
        assert text_of(await now.esme.receipt()) == "Yes"


async def test_too_many_connections(
    tmp_path: Path, outbind_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with scene(tmp_path, outbind_port) as now, AsyncExitStack() as stack, CentreSimulator() as caller:
        idle = [await stack.enter_async_context(await now.caller()) for _ in range(MAX_CALLERS)]
        for one in idle:
            assert isinstance(await one.ask(EnquireLink()), EnquireLinkResp)
        async with await now.caller() as surplus:
            await surplus.closed()
        assert "too many connections" in caplog.text
        await idle[0].close()

        async with asyncio.timeout(PATIENCE):
            while now.binds != 2:
                await now.call(caller)
                await asyncio.sleep(0.05)


async def test_strangers_do_not_keep_others_out(tmp_path: Path, outbind_port: int) -> None:
    """Who may not come takes no place, however many they are. All of 127.0.0.0/8 is this machine."""
    async with scene(tmp_path, outbind_port) as now, AsyncExitStack() as stack, CentreSimulator() as caller:
        for _ in range(MAX_CALLERS):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", outbind_port, local_addr=("127.0.0.2", 0)
            )
            await stack.enter_async_context(Esme(reader, writer))
        await now.call(caller)
        await eventually(lambda: now.binds == 2, patience=2)


async def test_an_address_that_is_not_allowed(
    tmp_path: Path, outbind_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    outbind = {"allow_from": ["192.0.2.0/24", "127.0.0.2"]}
    async with (
        scene(tmp_path, outbind_port, outbind=outbind) as now,
        await now.caller(Outbind(system_id="centre", password=WORD)) as caller,
    ):
        await not_bound(now, caller)
        assert "outbind refused" in caplog.text


async def test_a_port_that_is_taken(tmp_path: Path) -> None:
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with taken:
        port = taken.sockets[0].getsockname()[1]
        with pytest.raises(OSError, match="address already in use"):
            async with scene(tmp_path, port):
                pass
