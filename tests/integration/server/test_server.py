"""The SMPP side of a running bridge, over sockets: binding, states, timers, requests that are not taken."""

import asyncio
from pathlib import Path

import pytest

from smppbridge.model.passwords import hash_password
from smppbridge.smpp.constants import Status, Tag
from smppbridge.smpp.pdu import (
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    SubmitSmResp,
    Unbind,
    UnbindResp,
)
from smppbridge.smpp.tlv import tlv
from tests.support.bridge.running import bridge, eventually, metric
from tests.support.esme.esme import Esme, submit
from tests.support.system.clock import clock

# --- binding ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["TX", "RX", "TRX"])
async def test_each_kind_of_bind_is_answered_with_our_name_and_version(tmp_path: Path, kind: str) -> None:
    async with (
        bridge(tmp_path, "smpp: {system_id: centre}") as app,
        await Esme.connect(app.smpp_ports[0]) as esme,
    ):
        answer = await esme.bind(kind=kind)
        assert answer.command_status == 0
        assert answer.system_id == "centre"
        assert answer.tlvs == (tlv(Tag.SC_INTERFACE_VERSION, 0x34),)
        await eventually(lambda: metric(app, "binds", account="pbx", bind_type=kind) == 1)
        await esme.close()
        await eventually(lambda: metric(app, "binds", account="pbx", bind_type=kind) == 0)


async def test_an_address_that_is_allowed(tmp_path: Path) -> None:
    accounts = "accounts: {pbx: {password: secret, allow_from: [192.0.2.0/24, 127.0.0.1]}}"
    async with bridge(tmp_path, accounts) as app, await Esme.connect(app.smpp_ports[0]) as esme:
        assert (await esme.bind()).command_status == 0


async def test_binds_that_come_together_do_not_pass_the_limit_together(tmp_path: Path) -> None:
    account = f"accounts: {{pbx: {{password_hash: '{hash_password('secret')}', binds: 1}}}}"
    async with bridge(tmp_path, account) as app:
        esmes = [await Esme.connect(app.smpp_ports[0]) for _ in range(3)]
        answers = await asyncio.gather(*(esme.bind() for esme in esmes))
        assert sorted(answer.command_status for answer in answers) == [0, 0x0D, 0x0D]
        for esme in esmes:
            await esme.close()


async def test_a_second_bind_on_a_connection_changes_nothing(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        assert (await esme.bind(kind="RX")).command_status == Status.ESME_RALYBND
        assert await esme.submit(submit())


# --- states ----------------------------------------------------------------------------------------


async def test_a_submit_on_a_receiver(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0], kind="RX") as esme:
        answer = await esme.ask(submit())
        assert (type(answer), answer.command_status) == (SubmitSmResp, Status.ESME_RINVBNDSTS)


async def test_interface_version_3_3(tmp_path: Path) -> None:
    """No TLVs (SMPP 3.4 §2.4), and ids of at most 8 hexadecimal characters."""
    async with bridge(tmp_path) as app, await Esme.connect(app.smpp_ports[0]) as esme:
        assert (await esme.bind(version=0x33)).tlvs == ()
        ids = [await esme.submit(submit()) for _ in range(3)]
        assert all(len(message_id) <= 8 and int(message_id, 16) for message_id in ids)
        assert len(set(ids)) == 3
        receipts = await esme.receipts(3)
        assert [pdu.tlvs for pdu in receipts] == [(), (), ()]
        assert {pdu.short_message.split()[0].decode() for pdu in receipts} == {f"id:{name}" for name in ids}


# --- the link --------------------------------------------------------------------------------------


async def test_enquire_link_is_answered_before_and_after_the_bind(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app, await Esme.connect(app.smpp_ports[0]) as esme:
        for _ in range(2):
            answer = await esme.ask(EnquireLink())
            assert (type(answer), answer.command_status) == (EnquireLinkResp, 0)
            await esme.bind()


async def test_a_silent_bind_is_asked_and_a_dead_one_is_closed(tmp_path: Path) -> None:
    settings = "smpp: {enquire_link: 200s, response_timeout: 100s}"
    async with bridge(tmp_path, settings) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        clock().forward(200)
        question = await esme.expect(EnquireLink)
        esme.reply(question, EnquireLinkResp())
        await esme.ask(EnquireLink())
        clock().forward(200)
        await esme.expect(EnquireLink)  # a living one is asked again ...
        clock().forward(100)
        await esme.closed()  # ... and this question stays without an answer
        await eventually(lambda: metric(app, "binds", account="pbx", bind_type="TRX") == 0)


async def test_a_connection_that_does_not_bind_is_closed(tmp_path: Path) -> None:
    async with (
        bridge(tmp_path, "smpp: {bind_timeout: 20s}") as app,
        await Esme.connect(app.smpp_ports[0]) as idle,
    ):
        await idle.ask(EnquireLink())
        clock().forward(20)
        await idle.closed()


async def test_a_bind_without_any_message_is_closed(tmp_path: Path) -> None:
    settings = "smpp: {inactivity: 20s}"
    async with bridge(tmp_path, settings) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        clock().forward(20)
        await esme.closed()


async def test_unbind_comes_after_the_answers_to_what_was_submitted(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0], kind="TX") as esme:
        esme.send(*(submit() for _ in range(50)), Unbind())
        await esme.closed()
        assert [type(await esme.next()) for _ in range(51)] == [SubmitSmResp] * 50 + [UnbindResp]


async def test_unbind_comes_after_refusals_too(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0], kind="TX") as esme:
        esme.send(submit(b""), Unbind())
        await esme.closed()
        assert [type(await esme.next()) for _ in range(2)] == [SubmitSmResp, UnbindResp]


async def test_the_bridge_unbinds_when_it_stops(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app:
        esme = await Esme.bound(app.smpp_ports[0])
        unbound = asyncio.create_task(_answer_unbind(esme))
    assert unbound.done()
    await esme.closed()
    await esme.close()


async def _answer_unbind(esme: Esme) -> None:
    esme.reply(await esme.expect(Unbind), UnbindResp())


async def test_garbage_ends_only_its_own_connection(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as good:
        for garbage in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", bytes(64), b"\xff" * 64):
            async with await Esme.connect(app.smpp_ports[0]) as bad:
                bad.writer.write(garbage)
                assert (await bad.expect(GenericNack)).command_status == Status.ESME_RINVCMDLEN
                await bad.closed()
        async with await Esme.bound(app.smpp_ports[0]) as bad:
            bad.writer.write(bytes(64))
            await bad.closed()
        assert metric(app, "protocol_errors_total", kind="framing") == 4
        assert await good.submit(submit())


async def test_a_malformed_request_is_answered_and_the_next_one_taken(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        esme.writer.write(
            bytes.fromhex("00000014 00000004 00000000 00000777 41424344")
        )  # cut in service_type
        answer = await esme.expect(SubmitSmResp)
        assert answer.sequence_number == 0x777
        assert answer.command_status != 0
        esme.writer.write(bytes.fromhex("00000010 00000999 00000000 00000778"))
        nack = await esme.expect(GenericNack)
        assert (nack.command_status, nack.sequence_number) == (Status.ESME_RINVCMDID, 0x778)
        assert await esme.submit(submit())


async def test_a_bind_and_what_follows_it_in_one_write(tmp_path: Path) -> None:
    """Clients that do not wait for bind_resp are told so; nothing is lost silently."""
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        esme.send(submit(), EnquireLink(), submit(), submit(destination_addr="nobody"))
        answers = [await esme.next() for _ in range(4)]
        statuses = {answer.sequence_number: answer.command_status for answer in answers}
        assert statuses == {2: 0, 3: 0, 4: 0, 5: Status.ESME_RINVDSTADR}
