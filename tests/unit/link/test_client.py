"""One session towards an SMSC: connecting, binding, asking, being asked, and the end of it."""

import asyncio
import socket
import ssl
from contextlib import closing

import pytest
import trustme

from smppbridge.errors import ConnectionLost, InvalidState, ResponseTimeout
from smppbridge.link.client import Client, Verdict
from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import (
    BindReceiver,
    BindTransceiver,
    BindTransceiverResp,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    GenericNack,
    Pdu,
    Response,
    SubmitSm,
    SubmitSmResp,
    Unbind,
)
from smppbridge.smpp.session import Answered, Timers, Unanswered
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.running import eventually, free_port
from tests.support.system.clock import clock, soon, turns
from tests.unit.link.peers import TIMERS, Owner, answering, bind_pdu, bound, heard_by_the_smsc, message, new

# --- connecting ------------------------------------------------------------------------------------


async def test_nobody_listens() -> None:
    port = free_port()
    client = new(Owner())
    with pytest.raises(ConnectionLost) as raised:
        await client.connect("127.0.0.1", port)
    assert str(raised.value) == f"cannot connect to 127.0.0.1:{port}: Connection refused"
    assert (client.peer, client.room) == ("", 0)
    await client.close()


@pytest.mark.parametrize("host", ["smsc.invalid", "a..b", "x" * 64 + ".example"])
async def test_a_name_that_is_none(host: str) -> None:
    client = new(Owner())
    with pytest.raises(ConnectionLost, match=f"^cannot connect to {host}:2775: .+"):
        await client.connect(host, 2775)


async def test_a_certificate_of_somebody_else() -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1", "smsc.example").configure_cert(server)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with CentreSimulator(tls=server) as centre:
        for context, name, why in (
            (ssl.create_default_context(), "", "its certificate is not accepted: "),
            (trusting, "other.example", "its certificate is not accepted: "),
        ):
            client = new(Owner())
            with pytest.raises(ConnectionLost, match=f"cannot connect to 127.0.0.1:{centre.port}: {why}.+"):
                await client.connect("127.0.0.1", centre.port, context, name)
        for name in ("", "smsc.example"):
            client = new(Owner())
            await client.connect("127.0.0.1", centre.port, trusting, name)
            assert (await client.bind(bind_pdu())).command_status == 0
            await client.close()


async def test_tls_with_a_listener_that_has_none() -> None:
    async with CentreSimulator() as centre:
        client = new(Owner())
        why = "TLS failed .+; is this its port for TLS?"
        with pytest.raises(ConnectionLost, match=f"cannot connect to 127.0.0.1:{centre.port}: {why}"):
            await client.connect("127.0.0.1", centre.port, ssl.create_default_context())
        await soon(client.close())


# --- binding ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [0x0D, 0x0E, 0x0F, 0x4A4])
async def test_a_refused_bind_is_an_answer(status: int) -> None:
    async with CentreSimulator(Rules(bind_status=lambda bind: status)) as centre:
        client = new(Owner())
        await client.connect("127.0.0.1", centre.port)
        assert (await client.bind(bind_pdu())).command_status == status
        assert client.room == 0
        await client.lost()
        with pytest.raises(InvalidState):
            client.send(message(1))
        await client.close()


async def test_a_bind_answered_by_generic_nack() -> None:
    async with answering(lambda pdu: GenericNack(command_status=3)) as port:
        client = new(Owner())
        await client.connect("127.0.0.1", port)
        answer = await client.bind(bind_pdu())
        assert isinstance(answer, GenericNack)
        assert client.room == 0
        await client.close()


async def test_a_bind_without_an_answer() -> None:
    async with CentreSimulator(Rules(mute_binds=True)) as centre:
        client = new(Owner())
        await client.connect("127.0.0.1", centre.port)
        binding = client.send(bind_pdu())
        await turns()
        assert not binding.done()
        clock().forward(TIMERS.bind)
        with pytest.raises((ResponseTimeout, ConnectionLost)):
            await binding
        await soon(client.lost())
        await client.close()


async def test_a_listener_that_hangs_up() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.setblocking(False)
        client = new(Owner())
        await client.connect("127.0.0.1", listener.getsockname()[1])
        accepted, _ = await asyncio.get_running_loop().sock_accept(listener)
        binding = client.send(bind_pdu())
        accepted.close()
        with pytest.raises(ConnectionLost):
            await binding
        await client.close()


async def test_two_binds_at_once_and_before_the_connection() -> None:
    async with CentreSimulator() as centre:
        client = new(Owner())
        with pytest.raises(InvalidState):
            client.send(bind_pdu())
        await client.connect("127.0.0.1", centre.port)
        first = client.send(bind_pdu())
        with pytest.raises(InvalidState):
            client.send(bind_pdu())
        assert isinstance(await first, BindTransceiverResp)
        assert (client.peer, client.room) == ("127.0.0.1", 10)
        await client.close()


# --- asking ----------------------------------------------------------------------------------------


async def test_answers_in_another_order_find_their_futures() -> None:
    async with CentreSimulator(Rules(latency=0.05, shuffle=True)) as centre, bound(centre.port) as client:
        futures = [client.send(message(number)) for number in range(5)]
        answers = await asyncio.gather(*futures)
        given = {one.pdu.short_message: one.message_id for one in centre.submitted}
        for number, answer in enumerate(answers):
            assert isinstance(answer, SubmitSmResp)
            assert answer.message_id == given[str(number).encode()]


async def test_a_full_window() -> None:
    async with CentreSimulator(Rules(mute=True)) as centre, bound(centre.port, window=2) as client:
        first, second = client.send(message(1)), client.send(message(2))
        assert client.room == 0
        with pytest.raises(InvalidState, match="window"):
            client.send(message(3))
        with pytest.raises(InvalidState, match="window"):
            client.submit(message(3), "context")
        centre.hang_up()
        for future in (first, second):
            with pytest.raises(ConnectionLost):
                await future


async def test_an_answer_that_never_comes() -> None:
    async with CentreSimulator(Rules(mute=True)) as centre, bound(centre.port) as client:
        answer = client.send(message(1))
        await heard_by_the_smsc(client)
        assert (client.room, answer.done()) == (9, False)
        clock().forward(TIMERS.response)
        with pytest.raises(ResponseTimeout):
            await answer
        assert client.room == 10
        assert isinstance(await client.request(EnquireLink()), Response)


async def test_a_request_that_nobody_waits_for_any_more() -> None:
    async with CentreSimulator(Rules(latency=0.05)) as centre, bound(centre.port) as client:
        future = client.send(message(1))
        future.cancel()
        assert isinstance(await client.request(message(2)), SubmitSmResp)
        assert client.room == 10


async def test_verdicts_come_with_their_contexts() -> None:
    owner = Owner()
    rules = Rules(status_of=lambda pdu: Status.ESME_RINVDSTADR if pdu.short_message == b"1" else 0)
    async with CentreSimulator(rules) as centre, bound(centre.port, owner) as client:
        for number in range(3):
            client.submit(message(number), f"context {number}")
        await eventually(lambda: len(owner.heard) == 3)
        said = [
            (one.context, one.response.command_status) for one in owner.heard if isinstance(one, Answered)
        ]
        assert said == [("context 0", 0), ("context 1", Status.ESME_RINVDSTADR), ("context 2", 0)]
        rules.mute = True
        client.submit(message(4), "lost")
        await eventually(lambda: len(centre.submitted) == 4)
        centre.hang_up()
        await eventually(lambda: len(owner.heard) == 4)
        assert isinstance(owner.heard[-1], Unanswered)
        assert owner.heard[-1].context == "lost"
        await client.lost()
        with pytest.raises(InvalidState):
            client.submit(message(5), "gone")


async def test_a_request_that_cannot_be_written_takes_no_room() -> None:
    owner = Owner()
    async with CentreSimulator() as centre, bound(centre.port, owner, window=1) as client:
        for bad in (SubmitSm(destination_addr="1" * 30), SubmitSm(short_message=b"x" * 300)):
            with pytest.raises(ValueError):
                client.submit(bad, "bad")
        assert client.room == 1
        client.submit(message(1), "good")
        await eventually(lambda: owner.heard)
        assert [one.context for one in owner.heard] == ["good"]
        assert len(centre.submitted) == 1


async def test_who_waited_for_room_is_told() -> None:
    """What the SMSC does not read stays with us; an empty list of verdicts says that it reads again."""
    told: list[list[Verdict]] = []
    rules = Rules(mute=True)
    async with CentreSimulator(rules) as centre:
        client = Client(
            lambda client, pdus: None,
            verdicts=lambda client, verdicts: told.append(verdicts),
            timers=Timers(response=0.0),
            window=20_000,
        )
        await client.connect("127.0.0.1", centre.port)
        await client.bind(bind_pdu())
        session = centre.sessions[0].connection
        assert session._transport is not None
        session._transport.pause_reading()
        big = SubmitSm(destination_addr="1", tlvs=((0x0424, b"x" * 60_000),))
        count = 0
        while client.room:
            client.submit(big, count)
            count += 1
            await asyncio.sleep(0)
        assert count < 20_000
        session._transport.resume_reading()
        await eventually(lambda: [] in told)
        assert client.room > 0
        await eventually(lambda: len(centre.submitted) == count)
        await client.close(grace=0.1)


# --- being asked -----------------------------------------------------------------------------------


async def test_requests_are_answered_when_they_are_released() -> None:
    owner = Owner()
    async with CentreSimulator() as centre, bound(centre.port, owner) as client:
        delivering = asyncio.ensure_future(centre.deliver(DeliverSm(short_message=b"1")))
        await eventually(lambda: owner.came)
        client.hold(1)
        await heard_by_the_smsc(client)
        assert centre.answers == []
        (request,) = owner.came
        assert isinstance(request, DeliverSm)
        assert request.response is not None
        client.release([(request, request.response(command_status=Status.ESME_RX_T_APPN))])
        assert (await delivering).command_status == Status.ESME_RX_T_APPN


async def test_a_request_may_be_answered_at_once() -> None:
    def answer(client: Client, pdus: list[Pdu]) -> None:
        for pdu in pdus:
            client.respond(pdu, DeliverSmResp("mine"))

    async with CentreSimulator() as centre:
        client = Client(answer, timers=TIMERS)
        await client.connect("127.0.0.1", centre.port)
        await client.bind(bind_pdu())
        clock().stop_clock()  # its answer waits for nothing
        answers = [await soon(centre.deliver(DeliverSm(short_message=b"%d" % number))) for number in range(2)]
        assert [type(answer) for answer in answers] == [DeliverSmResp] * 2
        await soon(client.close())


async def test_release_when_the_connection_is_gone() -> None:
    owner = Owner()
    async with CentreSimulator() as centre, bound(centre.port, owner) as client:
        delivering = asyncio.ensure_future(centre.deliver(DeliverSm(short_message=b"1")))
        await eventually(lambda: owner.came)
        client.hold(1)
        centre.hang_up()
        await client.lost()
        with pytest.raises(ConnectionLost):
            await delivering
        (request,) = owner.came
        assert isinstance(request, DeliverSm)
        assert request.response is not None
        client.release([(request, request.response())])
        client.hold(1)
        with pytest.raises(InvalidState):
            client.respond(request, request.response())


async def test_answers_go_out_before_the_unbind_of_the_smsc_is_answered() -> None:
    owner = Owner()
    async with CentreSimulator() as centre, bound(centre.port, owner) as client:
        delivering = asyncio.ensure_future(centre.deliver(DeliverSm(short_message=b"1")))
        await eventually(lambda: owner.came)
        client.hold(1)
        centre.unbind()
        await eventually(lambda: not client.bound)
        clock().forward(1)  # it looks again whether everything is answered
        await turns()
        (request,) = owner.came
        assert isinstance(request, DeliverSm)
        assert request.response is not None
        client.release([(request, request.response())])
        assert (await delivering).command_status == 0
        await soon(client.lost())


# --- the end ---------------------------------------------------------------------------------------


async def test_close_says_unbind() -> None:
    async with CentreSimulator() as centre:
        async with bound(centre.port) as client:
            pass
        assert centre.counts["unbinds"] == 1
        await client.lost()
        await client.close()
        client.unbind()
        assert client.room == 0


async def test_close_of_what_was_never_open() -> None:
    client = new(Owner())
    client.unbind()
    client.hold(1)
    client.release([])
    await soon(client.close())


async def test_close_before_the_bind_says_nothing() -> None:
    async with CentreSimulator() as centre:
        client = new(Owner())
        await client.connect("127.0.0.1", centre.port)
        await soon(client.close())
        assert centre.counts["unbinds"] == 0
        await client.lost()


async def test_an_unbind_that_nobody_answers_is_cut_off() -> None:
    came: list[Pdu] = []

    def silent(pdu: Pdu) -> Response | None:
        came.append(pdu)
        return BindTransceiverResp("CENTRE") if isinstance(pdu, BindTransceiver) else None

    async with answering(silent) as port:
        client = new(Owner())
        await client.connect("127.0.0.1", port)
        await client.bind(bind_pdu())
        closing = asyncio.ensure_future(client.close(grace=3.0))
        await eventually(lambda: isinstance(came[-1], Unbind))
        assert not closing.done()
        clock().forward(3.0)
        await soon(closing)
        await soon(client.lost())


async def test_what_the_smsc_does_wrong_is_told() -> None:
    owner = Owner()
    async with CentreSimulator() as centre, bound(centre.port, owner) as client:
        await centre.deliver_raw(bytes.fromhex("00000010 80000004 00000000 00000063"))
        await eventually(lambda: owner.faults)
        assert (await client.request(message(1))).command_status == 0


async def test_a_receiver_may_not_submit() -> None:
    async with CentreSimulator() as centre:
        client = new(Owner())
        await client.connect("127.0.0.1", centre.port)
        assert (await client.bind(bind_pdu(BindReceiver))).command_status == 0
        with pytest.raises(InvalidState):
            client.send(message(1))
        assert isinstance(await client.request(Unbind()), Response)
        await client.close()
