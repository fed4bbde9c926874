"""We as SMSC: what becomes of a bind, of its requests, and of our own requests."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from smppbridge.link.authentication import Authenticator
from smppbridge.link.connection import ConnectionLimits
from smppbridge.link.refused_binds import BindRefusal
from smppbridge.link.server import ServerLimits
from smppbridge.model.account import Account
from smppbridge.smpp.before_bind import OCTETS_BEHIND_BIND
from smppbridge.smpp.codec import encode
from smppbridge.smpp.constants import Status, Tag
from smppbridge.smpp.pdu import (
    BindTransceiver,
    BindTransceiverResp,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    QuerySm,
    QuerySmResp,
    SubmitSm,
    SubmitSmResp,
)
from smppbridge.smpp.session import Unanswered
from smppbridge.smpp.tlv import tlv
from tests.support.bridge.running import eventually
from tests.support.system.clock import clock, turns, until
from tests.unit.link.served import account, lines, served, weak_hash

# --- binding ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "receives"), [("TX", False), ("RX", True), ("TRX", True)])
async def test_a_bind(kind: str, receives: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with served(account(window=7)) as rig:
        async with await rig.connect() as esme:
            clock().stop_clock()  # its answer waits for nothing
            answer = await esme.bind(kind=kind)
            assert (answer.command_status, answer.system_id) == (0, "centre")
            assert answer.tlvs == (tlv(Tag.SC_INTERFACE_VERSION, 0x34),)
            (link,) = rig.behind.links
            assert (link.id, link.account.name, link.bind_type) == (1, "pbx", kind)
            assert (link.can_receive, link.takes_tlvs, link.room) == (receives, True, 7)
            assert rig.metric("binds", account="pbx", bind_type=kind) == 1
            assert rig.metric("bind_attempts_total", account="pbx", status="ESME_ROK") == 1
        await until(lambda: not rig.behind.links)
        assert rig.metric("binds", account="pbx", bind_type=kind) == 0
        assert link.room == 0
    for what in ("bind accepted", "bind ended"):
        (line,) = lines(caplog, what)
        assert f"account=pbx bind_type={kind} peer=127.0.0.1" in line
    assert "interface_version=0x34" in lines(caplog, "bind accepted")[0]


@pytest.mark.parametrize(("version", "takes"), [(0x33, False), (0x34, True), (0x50, True), (0, False)])
async def test_who_knows_tlvs(version: int, takes: bool) -> None:
    async with served() as rig, await rig.bound(version=version):
        assert rig.behind.links[0].takes_tlvs == takes


async def test_the_window_is_that_of_the_account() -> None:
    async with served(account(window=2)) as rig, await rig.bound() as esme:
        (link,) = rig.behind.links
        for _ in range(2):
            link.connection.request(DeliverSm())
        assert link.room == 0
        await esme.receipt()
        await eventually(lambda: link.room == 1)


@pytest.mark.parametrize(
    ("system_id", "password", "cause"),
    [
        ("pbx", "wrong", BindRefusal.PASSWORD),
        ("pbx", "", BindRefusal.PASSWORD),
        ("far", "wrong", BindRefusal.ADDRESS),
        ("far", "secret", BindRefusal.ADDRESS),
        ("nobody", "secret", BindRefusal.NO_ACCOUNT),
    ],
)
async def test_a_bind_that_is_refused(
    system_id: str, password: str, cause: BindRefusal, caplog: pytest.LogCaptureFixture
) -> None:
    status = Status.ESME_RINVPASWD  # whatever the cause is
    async with served(account(), account("far", allow_from=["192.0.2.1"])) as rig:
        for _ in range(2):
            async with await rig.connect() as esme:
                answer = await esme.bind(system_id, password)
                assert (answer.command_status, answer.system_id, answer.tlvs) == (status, "", ())
                clock().forward(ServerLimits().refusal)
                await esme.closed()
        assert rig.metric("bind_attempts_total", account="", status=status.name) == 2
        assert rig.behind.order == []
        (line,) = lines(caplog, "bind refused")  # once a minute
        said = f'system_id={system_id} cause="{cause.value}" status={status.name} peer=127.0.0.1 held_back=0'
        assert said in line
        assert "secret" not in line
        clock().forward(60.0)
        async with await rig.connect() as esme:
            await esme.bind(system_id, password)
        assert "held_back=1" in lines(caplog, "bind refused")[1]


async def test_a_refusal_waits_for_its_time() -> None:
    """Right passwords do not, also where they do not help."""
    async with served(account(), account("full", binds=1)) as rig, await rig.bound("full"):
        rig.server._authenticator._answer_time = 0.5
        clock().stop_clock()
        async with await rig.connect() as esme, await rig.connect() as gone, await rig.connect() as more:
            for stranger in (esme, gone):
                stranger.send(BindTransceiver("pbx", "wrong"))
            await until(lambda: rig.metric("bind_attempts_total", account="", status="ESME_RINVPASWD") == 2)
            assert (await more.bind("full")).command_status == Status.ESME_RBINDFAIL
            await gone.close()
            await turns(50)
            assert len(rig.server._binding) == 2
            clock().forward(0.5)
            assert (await esme.expect(BindTransceiverResp)).command_status == Status.ESME_RINVPASWD
            await until(lambda: not rig.server._binding)


async def test_too_many_binds_of_an_account(caplog: pytest.LogCaptureFixture) -> None:
    async with (
        served(account(binds=2), account("other")) as rig,
        await rig.bound() as first,
        await rig.bound(kind="RX"),
        await rig.bound("other"),
    ):
        async with await rig.connect() as third:
            assert (await third.bind()).command_status == Status.ESME_RBINDFAIL
        assert 'system_id=pbx cause="too many binds"' in lines(caplog, "bind refused")[0]
        await first.close()
        await eventually(lambda: len(rig.behind.links) == 2)
        async with await rig.connect() as fourth:
            assert (await fourth.bind()).command_status == 0


async def test_a_mistake_while_binding_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    async with served() as rig:
        rig.server._authenticator._accounts = None  # type: ignore[assignment]  # a mistake that cannot happen
        async with await rig.connect() as esme:
            assert (await esme.bind()).command_status == Status.ESME_RSYSERR
        assert rig.metric("bind_attempts_total", account="", status="ESME_RSYSERR") == 1
    assert "unexpected error while binding" in caplog.text


async def test_a_peer_that_leaves_before_its_bind_is_answered() -> None:
    async with served(account(password_hash=weak_hash(b"secret"))) as rig, await rig.connect() as esme:
        slots = rig.server._authenticator.slots
        slots.limit = 0
        esme.send(BindTransceiver(system_id="pbx", password="secret", interface_version=0x34))
        await until(lambda: rig.server._binding)
        await esme.close()
        await eventually(lambda: not rig.server._connections)
        slots.limit = 1
        async with await rig.bound():
            await until(lambda: not rig.server._binding)
        await until(lambda: not rig.server._links)
        assert rig.behind.order.count("bound") == 1


# --- requests --------------------------------------------------------------------------------------


async def test_the_submits_of_one_read_are_passed_on_together() -> None:
    async with served() as rig, await rig.bound() as esme:
        esme.send(*(SubmitSm(short_message=b"%d" % number) for number in range(3)))
        await until(lambda: rig.behind.submits)
        ((link, submits, answer),) = rig.behind.submits
        assert link is rig.behind.links[0]
        assert [pdu.short_message for pdu in submits] == [b"0", b"1", b"2"]
        answer(submits[1:2], [SubmitSmResp("second")])
        assert (await esme.expect(SubmitSmResp)).message_id == "second"
        refused = SubmitSmResp(command_status=Status.ESME_RINVDSTADR)
        answer([submits[0], submits[2]], [SubmitSmResp("first"), refused])
        found = [await esme.expect(SubmitSmResp) for _ in range(2)]
        assert [(pdu.sequence_number, pdu.command_status) for pdu in found] == [(2, 0), (4, 0x0B)]
        assert rig.metric("submit_sm_total", account="pbx", status="ESME_ROK") == 2
        assert rig.metric("submit_sm_total", account="pbx", status="ESME_RINVDSTADR") == 1
        assert rig.behind.order == ["bound", "accept 3"]


async def test_how_long_an_answer_took_is_measured() -> None:
    async with served() as rig, await rig.bound() as esme:
        clock().stop_clock()
        esme.send(SubmitSm(), QuerySm())
        await until(lambda: rig.behind.requests)
        clock().forward(3.0)
        rig.behind.take()
        _, _, reply = rig.behind.requests[0]
        reply(QuerySmResp(), [0, 0, 0x0B])
        assert rig.metric("submit_seconds_count", account="pbx") == 4
        assert rig.metric("submit_seconds_sum", account="pbx") == pytest.approx(12.0)
        assert rig.metric("submit_sm_total", account="pbx", status="ESME_ROK") == 3


async def test_another_request_is_passed_on_after_the_submits_before_it() -> None:
    async with served() as rig, await rig.bound() as esme:
        esme.send(SubmitSm(), SubmitSm(), QuerySm(message_id="1"), SubmitSm())
        await until(lambda: len(rig.behind.order) == 4)
        assert rig.behind.order == ["bound", "accept 2", "serve QuerySm", "accept 1"]
        ((link, request, reply),) = rig.behind.requests
        assert link is rig.behind.links[0]
        assert isinstance(request, QuerySm)
        reply(QuerySmResp(message_id="1", message_state=2), [])
        assert (await esme.expect(QuerySmResp)).message_state == 2
        assert rig.metric("submit_seconds_count", account="pbx") == 0


async def test_what_comes_before_the_bind_is_not_passed_on() -> None:
    async with served() as rig, await rig.connect() as esme:
        assert (await esme.ask(SubmitSm())).command_status == Status.ESME_RINVBNDSTS
        assert (await esme.ask(QuerySm())).command_status == Status.ESME_RINVBNDSTS
        assert rig.behind.order == []
        assert rig.metric("protocol_errors_total", kind="wrong_state") == 2
        assert (await esme.bind()).command_status == 0


async def test_what_comes_behind_the_bind_waits_for_its_answer() -> None:
    """Some ESMEs do not wait for bind_resp. All of it is taken, however much it is, and in its order."""
    async with served(account(password_hash=weak_hash(b"secret"))) as rig, await rig.connect() as esme:
        submits = [SubmitSm(short_message=bytes(100)) for _ in range(3 * OCTETS_BEHIND_BIND // 100)]
        esme.send(BindTransceiver("pbx", "secret", interface_version=0x34), *submits)
        await esme.expect(BindTransceiverResp)
        await eventually(lambda: sum(len(pdus) for _, pdus, _ in rig.behind.submits) == len(submits))
        assert rig.behind.order[0] == "bound"
        rig.behind.take()
        answers = [await esme.expect(SubmitSmResp) for _ in submits]
        assert [answer.sequence_number for answer in answers] == list(range(2, len(submits) + 2))


async def test_while_a_bind_waits_little_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, octets = asyncio.Event(), 4 * 1024 * 1024

    async def slow(*arguments: object, **keys: object) -> Account:
        await go_on.wait()
        return account()

    monkeypatch.setattr(Authenticator, "check", slow)
    async with served() as rig, await rig.connect() as esme:
        esme.send(BindTransceiver("pbx", "secret", interface_version=0x34))
        await until(lambda: rig.metric("connections", state="binding") == 1)
        esme.writer.write(encode(EnquireLink()) * (octets // 16))
        (connection,) = rig.server._connections
        await until(lambda: connection.session.kept > OCTETS_BEHIND_BIND)
        await turns(100)
        assert connection.session.kept < 600 * 1024  # two reads of asyncio
        go_on.set()
        await esme.expect(BindTransceiverResp)
        assert rig.metric("connections", state="bound") == 1


async def test_who_leaves_while_its_bind_waits_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No password is checked for it."""
    left: list[Callable[[], bool]] = []

    async def slow(*arguments: object, gone: Callable[[], bool]) -> Account:
        left.append(gone)
        await eventually(gone)
        return account()

    monkeypatch.setattr(Authenticator, "check", slow)
    async with served() as rig:
        async with await rig.connect() as esme:
            esme.send(BindTransceiver("pbx", "secret", interface_version=0x34), SubmitSm())
            await until(lambda: left)
            assert not left[0]()
        await until(left[0])
        await until(lambda: rig.admission.used == 0)
        assert rig.behind.order == []


async def test_who_sends_much_before_its_bind_is_sent_away(caplog: pytest.LogCaptureFixture) -> None:
    """However many do so, from whatever addresses, there is one line."""
    async with served() as rig:
        for number in range(2, 5):
            async with await rig.connect(f"127.0.0.{number}") as esme:
                esme.send(*(QuerySm() for _ in range(1000)))
                await esme.closed()
        assert rig.metric("protocol_errors_total", kind="before_bind") == 3
        assert rig.metric("protocol_errors_total", kind="wrong_state") == 12
        kinds = [line.partition("kind=")[2].split()[0] for line in lines(caplog, "protocol error")]
        assert sorted(kinds) == ["before_bind", "wrong_state"]
        assert rig.admission.used == 0


async def test_who_submits_faster_than_it_is_answered_is_not_read() -> None:
    limits = ServerLimits(connection=ConnectionLimits(unanswered=4))
    async with served(limits=limits) as rig, await rig.bound() as esme:
        esme.send(SubmitSm(), QuerySm(), SubmitSm())
        await until(lambda: len(rig.behind.order) == 4)
        esme.send(SubmitSm())
        await until(lambda: len(rig.behind.order) == 5)
        esme.send(SubmitSm())
        await turns(50)
        assert len(rig.behind.order) == 5
        _, _, reply = rig.behind.requests[0]
        reply(QuerySmResp(), [])
        await until(lambda: len(rig.behind.order) == 6)
        esme.send(SubmitSm())
        await turns(50)
        assert len(rig.behind.order) == 6
        rig.behind.take()
        await until(lambda: len(rig.behind.order) == 7)


async def test_answers_after_the_end_of_the_connection_are_counted_all_the_same() -> None:
    async with served() as rig:
        esme = await rig.bound()
        esme.send(SubmitSm(), QuerySm())
        await until(lambda: rig.behind.requests)
        await esme.close()
        await eventually(lambda: not rig.behind.links)
        rig.behind.take()
        rig.behind.requests[0][2](QuerySmResp(), [0])
        assert rig.metric("submit_sm_total", account="pbx", status="ESME_ROK") == 2


async def test_answers_of_the_esme_are_told_and_then_that_there_is_room() -> None:
    async with served() as rig, await rig.bound() as esme:
        (link,) = rig.behind.links
        for number in range(2):
            link.connection.request(DeliverSm(), number)
        pdus = [await esme.expect(DeliverSm) for _ in range(2)]
        esme.writer.write(
            b"".join(encode(DeliverSmResp(sequence_number=pdu.sequence_number)) for pdu in pdus)
        )
        await until(lambda: rig.behind.answers)
        assert [one.context for one in rig.behind.answers] == [0, 1]
        assert rig.behind.order == ["bound", "answered 2", "roomy"]


async def test_room_of_the_socket_is_told_too() -> None:
    limits = ServerLimits(connection=ConnectionLimits(unread=10_000))
    async with served(limits=limits) as rig, await rig.bound() as esme:
        (link,) = rig.behind.links
        esme.reader._transport.pause_reading()  # type: ignore[attr-defined]  # the test's own end
        count = 0
        while link.room:
            count += 1
            link.connection.request(DeliverSm(tlvs=((0x0424, b"x" * 60_000),)))
            await asyncio.sleep(0)
        assert not link.connection.writable
        esme.reader._transport.resume_reading()  # type: ignore[attr-defined]  # as above
        for _ in range(count):
            await esme.receipt(None)
        await until(lambda: "roomy" in rig.behind.order)
        assert rig.behind.answers == []


async def test_what_was_not_answered_is_told_before_the_end() -> None:
    async with served() as rig, await rig.bound() as esme:
        rig.behind.links[0].connection.request(DeliverSm(), "lost")
        await esme.expect(DeliverSm)
        await esme.close()
        await eventually(lambda: not rig.behind.links)
        (one,) = rig.behind.answers
        assert isinstance(one, Unanswered)
        assert rig.behind.order[-1] == "unbound"
        assert rig.behind.order.index("answered 1") < rig.behind.order.index("unbound")


async def test_a_receiver_may_send_as_soon_as_it_is_told() -> None:
    """Behind the answer to its bind."""
    async with served() as rig, await rig.connect() as esme:
        rig.behind.at_bound = lambda link: link.connection.request(DeliverSm(short_message=b"1"))
        assert (await esme.bind()).command_status == 0
        assert (await esme.expect(DeliverSm)).short_message == b"1"


async def test_what_peers_do_wrong_is_counted_and_told_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with served() as rig, await rig.bound() as esme:
        for number in range(3):
            esme.writer.write(encode(SubmitSmResp(sequence_number=90 + number)))
            await eventually(lambda: rig.metric("protocol_errors_total", kind="unmatched") >= 1)
        await esme.ask(EnquireLink())
        assert rig.metric("protocol_errors_total", kind="unmatched") == 3
        (line,) = lines(caplog, "protocol error")
        assert "kind=unmatched" in line
        assert "peer=127.0.0.1" in line
        esme.writer.write(bytes.fromhex("00000010 00000999 00000000 00000778"))
        await eventually(lambda: len(lines(caplog, "protocol error")) == 2)  # another kind
