"""The simulated SMSC itself: binds, messages, ids, and what it says by itself."""

import asyncio
import json
import re
import signal
import ssl
import sys
from asyncio.subprocess import PIPE

import pytest
import trustme

from smppbridge.errors import ConnectionLost, InvalidState
from smppbridge.smpp.codec import encode
from smppbridge.smpp.pdu import (
    DataSm,
    DataSmResp,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Outbind,
    Pdu,
    QuerySm,
    SubmitMulti,
    Unbind,
    UnbindResp,
)
from smppbridge.smpp.session import FaultKind, Timers
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.running import eventually
from tests.support.esme.esme import PHONE, Esme, submit
from tests.support.esme.foreign import Sms, run_smpplib

SMS = Sms(to=PHONE, text="Door 3", data_coding=3, octets=b"Door 3")


async def bound(centre: CentreSimulator, kind: str = "TRX", version: int = 0x34) -> Esme:
    return await Esme.bound(centre.port, "user", kind, version)


# --- binds -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["TX", "RX", "TRX"])
async def test_bind(kind: str) -> None:
    async with CentreSimulator() as centre, await bound(centre, kind) as esme:
        (session,) = centre.sessions
        assert (session.bind_type, session.system_id) == (kind, "user")
        assert session.bind.interface_version == 0x34
        assert centre.counts["binds"] == 1
        assert isinstance(await esme.ask(EnquireLink()), EnquireLinkResp)
        assert isinstance(await esme.ask(EnquireLink()), EnquireLinkResp)
        assert centre.counts["enquire_links"] == 2
        assert isinstance(await esme.ask(Unbind()), UnbindResp)
        await esme.closed()
        assert centre.sessions == []
        assert centre.counts["unbinds"] == 1


@pytest.mark.parametrize(
    ("system_id", "password", "status"), [("user", "wrong", 0x0E), ("other", "secret", 0x0F)]
)
async def test_bind_of_a_stranger(system_id: str, password: str, status: int) -> None:
    async with CentreSimulator() as centre, await Esme.connect(centre.port) as esme:
        assert (await esme.bind(system_id, password)).command_status == status
        await esme.closed()
        assert centre.counts["binds"] == 0


async def test_tls() -> None:
    authority = trustme.CA()
    tls, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.configure_trust(trusting)
    async with (
        CentreSimulator(tls=tls) as centre,
        await Esme.connect(centre.port, trusting) as esme,
    ):
        await esme.bind("user")
        assert await esme.submit(submit()) == centre.submitted[0].message_id
        await esme.receipt()


# --- messages --------------------------------------------------------------------------------------


async def test_submitted_messages_are_remembered() -> None:
    async with CentreSimulator() as centre, await bound(centre, "TX") as esme:
        ids = await esme.submit_many([submit("one"), submit("two")])
        assert [one.message_id for one in centre.submitted] == ids == ["2882400001", "2882400002"]
        assert [one.pdu.short_message for one in centre.submitted] == [b"one", b"two"]
        assert [one.number for one in centre.submitted] == [1, 2]
        assert [one.status for one in centre.submitted] == [0, 0]
        assert centre.counts["taken"] == 2


async def test_nothing_is_remembered_without_keep() -> None:
    async with CentreSimulator(Rules(keep=False)) as centre, await bound(centre) as esme:
        await esme.submit(submit())
        await esme.receipt()
        await centre.settled()
        assert (centre.submitted, centre.answers) == ([], [])
        assert (centre.counts["taken"], centre.counts["receipts_answered"]) == (1, 1)


@pytest.mark.parametrize(
    ("word", "ids"),
    [
        ("decimal", ["2882400001", "2882400002"]),
        ("hex", ["abcdef01", "abcdef02"]),
        ("HEX", ["ABCDEF01", "ABCDEF02"]),
        ("padded", ["0000002882400001", "0000002882400002"]),
        ("uuid", [r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"] * 2),
        ("mixed", [r"Sm-[A-Z0-9a-z]{6}"] * 2),
    ],
)
async def test_ids_as_smpplib_hears_them(word: str, ids: list[str]) -> None:
    async with CentreSimulator(Rules(ids=word)) as centre:
        run = await run_smpplib(centre.port, "user", [SMS, SMS])
        assert len(set(run.ids)) == 2
        for given, pattern in zip(run.ids, ids, strict=True):
            assert re.fullmatch(pattern, given)
        assert sorted(came.receipted_message_id or "" for came in run.receipts) == sorted(run.ids)
        assert sorted(came.fields.id or "" for came in run.receipts) == sorted(run.ids)


async def test_mixed_ids_may_differ_in_case_only() -> None:
    async with CentreSimulator(Rules(ids="mixed", receipts="none")) as centre, await bound(centre) as esme:
        ids = await esme.submit_many([submit()] * 62)
        assert len(set(ids)) == 62
        assert len({one.lower() for one in ids}) < 62


@pytest.mark.parametrize("pdu", [QuerySm("1"), DataSm(), SubmitMulti()])
async def test_other_requests_are_refused(pdu: Pdu) -> None:
    async with CentreSimulator() as centre, await bound(centre) as esme:
        if isinstance(pdu, SubmitMulti):
            esme.writer.write(bytes.fromhex("00000010000000210000000000000063"))
            answer = await esme.next()
            assert answer.command_status == 0x02  # its body cannot be read
        else:
            assert (await esme.ask(pdu)).command_status == 0x03
        await esme.submit(submit())


async def test_faults_of_a_peer_are_told() -> None:
    async with CentreSimulator() as centre, await bound(centre) as esme:
        esme.writer.write(encode(DeliverSmResp(sequence_number=77)))
        await eventually(lambda: [one.kind for one in centre.faults] == [FaultKind.UNMATCHED])


# --- what it says by itself ------------------------------------------------------------------------


@pytest.mark.parametrize("pdu", [DeliverSm(short_message=b"hello"), DataSm(destination_addr="GATE")])
async def test_deliver(pdu: DeliverSm | DataSm) -> None:
    async with CentreSimulator() as centre, await bound(centre, "TX"), await bound(centre, "RX") as esme:
        delivery = asyncio.create_task(centre.deliver(pdu))
        came = await esme.expect(type(pdu))
        response = DataSmResp("7") if isinstance(pdu, DataSm) else DeliverSmResp("7")
        response.command_status = 0x64
        esme.reply(came, response)
        answer = await delivery
        assert (type(answer), answer.command_status) == (type(response), 0x64)
        assert centre.answers == [(pdu, answer)]
        assert centre.counts["receipts_sent"] == 0


async def test_deliver_hears_generic_nack() -> None:
    async with CentreSimulator() as centre, await bound(centre) as esme:
        delivery = asyncio.create_task(centre.deliver(DeliverSm()))
        esme.reply(await esme.expect(DeliverSm), GenericNack(command_status=3))
        assert isinstance(await delivery, GenericNack)


async def test_deliver_without_a_receiver() -> None:
    async with CentreSimulator() as centre, await bound(centre, "TX"):
        with pytest.raises(InvalidState):
            await centre.deliver(DeliverSm())
        with pytest.raises(InvalidState):
            await centre.deliver_raw(b"x")
        async with await bound(centre) as esme:
            delivery = asyncio.create_task(centre.deliver(DeliverSm()))
            await esme.expect(DeliverSm)
        with pytest.raises(ConnectionLost):
            await delivery


async def test_deliver_waits_for_room_in_the_window() -> None:
    async with CentreSimulator(Rules(window=1)) as centre, await bound(centre) as esme:
        first = asyncio.create_task(centre.deliver(DeliverSm()))
        held = await esme.expect(DeliverSm)
        second = asyncio.create_task(centre.deliver(DeliverSm(short_message=b"two")))
        await esme.silence(DeliverSm, 0.05)
        esme.answer(held)
        await first
        assert (await esme.receipt()).short_message == b"two"
        await second


async def test_deliver_raw() -> None:
    async with CentreSimulator() as centre, await bound(centre) as esme:
        await centre.deliver_raw(bytes.fromhex("00000013000000050000000000000007") + b"abc")
        assert await esme.reader.readexactly(19) == bytes.fromhex("000000130000000500000000") + (
            b"\0\0\0\7abc"
        )


async def test_outbind() -> None:
    came: asyncio.Queue[Esme] = asyncio.Queue()
    server = await asyncio.start_server(lambda *streams: came.put_nowait(Esme(*streams)), "127.0.0.1", 0)
    async with CentreSimulator() as centre:
        await centre.outbind("127.0.0.1", server.sockets[0].getsockname()[1], "centre", "word")
        async with await came.get() as esme:
            outbind = await esme.expect(Outbind)
            assert (outbind.system_id, outbind.password) == ("centre", "word")
            assert (await esme.bind("user")).command_status == 0
            await esme.submit(submit())
            await esme.receipt()
            assert [session.bind_type for session in centre.sessions] == ["TRX"]
    server.close()
    await server.wait_closed()


async def test_unbind_by_the_centre() -> None:
    async with CentreSimulator() as centre, await bound(centre) as esme:
        centre.unbind()
        esme.reply(await esme.expect(Unbind), UnbindResp())
        await esme.closed()
        assert centre.sessions == []


async def test_the_centre_asks_whether_a_silent_peer_lives() -> None:
    async with CentreSimulator(timers=Timers(enquire_link=0.1)) as centre, await bound(centre) as esme:
        await esme.expect(EnquireLink)


async def test_listening_again_on_the_same_port() -> None:
    async with CentreSimulator() as centre, await bound(centre) as esme:
        for _ in range(3):
            centre.stop_listening()
            with pytest.raises(ConnectionRefusedError):
                await Esme.connect(centre.port)
            await esme.submit(submit())  # a session stays
            centre.listen_again()
            async with await bound(centre):
                assert len(centre.sessions) == 2
            await eventually(lambda: len(centre.sessions) == 1)
            centre.stop_listening()
            centre.listen_again()


# --- by hand ---------------------------------------------------------------------------------------


async def test_by_hand() -> None:
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "tests.simulators.smpp_centre",
            "--port",
            "0",
            "--system-id",
            "lab",
        ),
        *("--password", "word", "--ids", "hex", "--outcome", "UNDELIV", "--err", "7", "--receipt-twice"),
        stdout=PIPE,
    )
    assert process.stdout is not None
    listening = re.fullmatch(rb"listening on 127\.0\.0\.1:(\d+)\n", await process.stdout.readline())
    assert listening is not None
    async with await Esme.connect(int(listening[1])) as esme:
        assert (await esme.bind("lab", "word")).command_status == 0
        assert await esme.submit(submit()) == "abcdef01"
        for receipt in await esme.receipts(2):
            assert b"stat:UNDELIV err:7 " in receipt.short_message
        await esme.ask(EnquireLink())
    process.send_signal(signal.SIGTERM)
    counts = json.loads(await process.stdout.read())
    assert await process.wait() == 0
    assert counts == {
        "binds": 1,
        "taken": 1,
        "receipts_sent": 2,
        "receipts_answered": 2,
        "enquire_links": 1,
    }


def test_words_are_checked() -> None:
    rules = Rules()
    with pytest.raises(ValueError, match="receipts: one of text\\+tlvs"):
        rules.receipts = "smoke signals"
    with pytest.raises(ValueError, match="dialect"):
        Rules(dialect="klingon")
