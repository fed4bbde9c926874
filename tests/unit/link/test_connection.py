"""One connection: when its socket is read, when it is written, and how it ends."""

import asyncio

import pytest

from smppbridge.errors import InvalidState
from smppbridge.link.connection import LIMITS, Connection, ConnectionLimits
from smppbridge.smpp.codec import encode
from smppbridge.smpp.pdu import (
    BindTransceiver,
    BindTransceiverResp,
    DeliverSm,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Pdu,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    UnbindResp,
)
from smppbridge.smpp.session import (
    Answered,
    CloseReason,
    Closing,
    Event,
    Received,
    Role,
    Unanswered,
    Unbound,
)
from tests.support.esme.esme import Esme
from tests.support.system.clock import clock, turns, until
from tests.unit.link.pairs import TIMERS, Log, bound_pair, pair

GARBAGE = bytes(16)  # a header that says that it has no octets
BIG = DeliverSm(tlvs=((0x0424, b"x" * 60_000),))


def reading(connection: Connection) -> bool:
    assert connection._transport is not None
    return connection._transport.is_reading()


def respond(connection: Connection, pdu: Pdu) -> None:
    """Write the answer to a submit_sm."""
    connection.session.respond(pdu, SubmitSmResp("1"))


async def kinds(peer: Esme, count: int) -> list[type[Pdu]]:
    """The next PDUs that come."""
    return [type(await peer.next()) for _ in range(count)]


# --- reading ---------------------------------------------------------------------------------------


async def test_what_it_tells_and_when() -> None:
    log = Log()
    async with bound_pair(log) as (connection, peer):
        assert log.began == [connection]
        assert (connection.peer, connection.writable, connection.closing) == ("127.0.0.1", True, False)
        peer.send(*(SubmitSm(short_message=b"%d" % number) for number in range(3)))
        await until(lambda: log.batches)
        assert [len(batch) for batch in log.batches] == [3]  # of one read
        await peer.close()
        await until(lambda: log.ended)
        assert (log.ended, connection.closing, connection.writable) == ([connection], True, False)


async def test_what_the_session_answers_by_itself_is_written() -> None:
    async with pair(Log()) as (_, peer):
        assert isinstance(await peer.ask(EnquireLink()), EnquireLinkResp)
        peer.writer.write(encode(SubmitSm(sequence_number=7)))
        assert (await peer.expect(SubmitSmResp)).command_status != 0


async def test_a_socket_is_not_read_while_too_many_requests_wait_for_their_answer() -> None:
    log = Log()
    limits = ConnectionLimits(unanswered=3)
    assert LIMITS.unanswered == 5000
    async with bound_pair(log, limits=limits) as (connection, peer):
        connection.hold(2)
        assert reading(connection)
        connection.hold(1)
        assert not reading(connection)
        peer.send(SubmitSm())
        await turns(50)
        assert log.batches == []
        connection.answered(1)
        assert reading(connection)
        await until(lambda: log.received)
        connection.hold(2)
        assert not reading(connection)
        connection.answered(3)
        assert reading(connection)


async def test_answers_are_written_when_they_are_told() -> None:
    log = Log()
    async with bound_pair(log) as (connection, peer):
        log.react = log.hold
        peer.send(SubmitSm(), SubmitSm())
        await until(lambda: len(log.received) == 2)
        for pdu in log.received:
            respond(connection, pdu)
        connection.answered(2)
        assert await kinds(peer, 2) == [SubmitSmResp] * 2


async def stuffed(connection: Connection, peer: Esme) -> None:
    """Write until the peer, which does not read, has so much that we hold the rest."""
    peer.reader._transport.pause_reading()  # type: ignore[attr-defined]  # the test's own end: asyncio hides it
    while connection.writable:
        respond_to_nothing = SubmitSm(sequence_number=1)
        connection.session.respond(respond_to_nothing, SubmitSmResp(tlvs=BIG.tlvs))
        connection.flush()
        await asyncio.sleep(0)


def read_again(peer: Esme) -> None:
    peer.reader._transport.resume_reading()  # type: ignore[attr-defined]  # as above


async def test_a_peer_that_does_not_read_is_not_read_either() -> None:
    """Each of its requests would add to what lies here."""
    log = Log()
    assert LIMITS.unread == 256 * 1024
    async with bound_pair(log, limits=ConnectionLimits(unread=10_000), receive_buffer=4096) as (
        connection,
        peer,
    ):
        assert reading(connection)
        await stuffed(connection, peer)
        assert not reading(connection)
        peer.send(SubmitSm())
        await turns(50)
        assert log.batches == []
        read_again(peer)
        while not connection.writable:
            await peer.next()
        assert reading(connection)
        assert log.batches[0] == []  # there is room again
        while not log.received:
            await peer.next()


async def test_room_for_writing_does_not_open_a_socket_that_is_shut_for_another_reason() -> None:
    log = Log()
    limits = ConnectionLimits(unanswered=1, unread=10_000)
    async with bound_pair(log, limits=limits, receive_buffer=4096) as (connection, peer):
        connection.hold(1)
        await stuffed(connection, peer)
        read_again(peer)
        while not connection.writable:
            await peer.next()
        assert not reading(connection)
        connection.answered(1)
        assert reading(connection)
        await stuffed(connection, peer)
        connection.hold(0)
        assert not reading(connection)
        read_again(peer)


# --- writing ---------------------------------------------------------------------------------------


async def test_requests_of_one_turn_are_written_together() -> None:
    log = Log()
    async with bound_pair(log) as (connection, peer):
        for _ in range(2):
            connection.request(DeliverSm(short_message=b"1"), "first")
            connection.request(DeliverSm(short_message=b"2"), "second")
            assert len(connection.session._out) == 2
            await turns(1)
            assert connection.session._out == []
            for _ in range(2):
                peer.answer(await peer.expect(DeliverSm))
        await until(lambda: len(log.events) == 4)
        assert [event.context for event in log.events if isinstance(event, Answered)] == [
            "first",
            "second",
        ] * 2


async def test_a_request_that_may_not_be_sent() -> None:
    async with pair(Log()) as (connection, _):
        with pytest.raises(InvalidState):
            connection.request(DeliverSm())


# --- timers ----------------------------------------------------------------------------------------


async def test_timers_run_at_a_tick() -> None:
    log = Log()
    async with bound_pair(log, timers=TIMERS._replace(enquire_link=5.0)) as (connection, peer):
        connection.request(DeliverSm(), "lost")
        await peer.expect(DeliverSm)
        clock().forward(5.0)
        connection.tick()
        question = await peer.expect(EnquireLink)
        peer.writer.write(encode(EnquireLinkResp(sequence_number=question.sequence_number)))
        await until(lambda: not connection.session._control)
        clock().forward(10.0)
        connection.tick()
        assert log.events == []
        clock().forward(5.0)
        connection.tick()
        (event,) = log.events
        assert isinstance(event, Unanswered)
        assert event.context == "lost"


async def test_while_it_is_not_read_the_peer_is_not_blamed_for_its_silence() -> None:
    log = Log()
    timers = TIMERS._replace(enquire_link=5.0, inactivity=8.0)
    async with bound_pair(log, timers=timers, limits=ConnectionLimits(unanswered=2)) as (connection, _):
        connection.hold(2)
        clock().forward(8.0)
        connection.tick()
        assert (log.batches, connection.closing) == ([], False)
        connection.answered(1)
        connection.tick()
        assert log.events == [Closing(CloseReason.INACTIVITY)]
        assert connection.closing


async def test_who_does_not_bind_is_closed() -> None:
    log = Log()
    async with pair(log) as (connection, peer):
        clock().forward(9.0)
        connection.tick()
        assert not connection.closing
        clock().forward(1.0)
        connection.tick()
        await peer.closed()
        assert log.events == [Closing(CloseReason.BIND_TIMEOUT)]


@pytest.mark.parametrize(
    ("timers", "reason"),
    [
        ({"inactivity": 5.0}, CloseReason.INACTIVITY),
        ({"enquire_link": 5.0}, CloseReason.ENQUIRE_LINK_TIMEOUT),
    ],
)
async def test_a_silent_peer_is_closed_though_it_waits_for_answers(
    timers: dict[str, float], reason: CloseReason
) -> None:
    log = Log()
    async with bound_pair(log, timers=TIMERS._replace(**timers)) as (connection, peer):
        connection.hold(1)
        for _ in range(3):
            clock().forward(10.0)
            connection.tick()
        assert log.events == [Closing(reason)]
        assert connection.closing
        await peer.closed()
        await until(lambda: log.ended)


# --- the end ---------------------------------------------------------------------------------------


async def test_close_writes_what_is_there() -> None:
    log = Log()
    async with bound_pair(log) as (connection, peer):
        peer.send(SubmitSm())
        await until(lambda: log.received)
        respond(connection, log.received[0])
        connection.close()
        connection.close()
        assert connection.closing
        await peer.closed()
        assert await kinds(peer, 1) == [SubmitSmResp]
        await until(lambda: log.ended)
        connection.close()
        connection.abort()
        connection.flush()
        connection.tick()


async def test_a_peer_that_does_not_take_the_last_octets_is_cut_off() -> None:
    log = Log()
    limits = ConnectionLimits(unread=10_000, linger=3.0)
    assert LIMITS.linger == 5
    async with bound_pair(log, limits=limits, receive_buffer=4096) as (connection, peer):
        await stuffed(connection, peer)
        connection.close()
        clock().forward(2.0)
        connection.tick()
        await turns(50)
        assert log.ended == []
        clock().forward(1.0)
        connection.tick()
        await until(lambda: log.ended)


async def test_an_end_tells_what_was_not_answered() -> None:
    log = Log()
    async with bound_pair(log) as (connection, peer):
        connection.request(DeliverSm(), "lost")
        await peer.expect(DeliverSm)
        connection.abort()
        await until(lambda: log.ended)
        (event,) = log.events
        assert isinstance(event, Unanswered)
        assert event.context == "lost"
        with pytest.raises(InvalidState):
            connection.request(DeliverSm())


async def test_it_ends_even_when_that_is_not_borne(caplog: pytest.LogCaptureFixture) -> None:
    log = Log()

    def react(connection: Connection, events: list[Event]) -> None:
        raise RuntimeError("a mistake")

    async with bound_pair(log) as (connection, _):
        log.react = react
        connection.abort()
        await until(lambda: log.ended)
    assert "a mistake" in caplog.text


async def test_our_unbind_ends_it_with_its_answer() -> None:
    log = Log()
    async with bound_pair(log) as (connection, peer):
        connection.unbind()
        connection.unbind()  # said once
        unbind = await peer.expect(Unbind)
        assert not connection.closing
        peer.writer.write(encode(UnbindResp(sequence_number=unbind.sequence_number)))
        await peer.closed()
        assert log.events == [Closing(CloseReason.UNBOUND)]
        with pytest.raises(EOFError):
            await peer.next()


async def test_unbind_before_the_bind_closes() -> None:
    log = Log()
    async with pair(log) as (connection, peer):
        connection.unbind()
        await peer.closed()
        with pytest.raises(EOFError):
            await peer.next()


async def test_a_peer_that_unbinds_has_its_answers_first() -> None:
    log = Log()
    async with bound_pair(log) as (connection, peer):
        log.react = log.hold
        peer.send(SubmitSm(), Unbind())
        await until(lambda: log.received)
        assert [type(event) for event in log.events] == [Received, Unbound]
        for _ in range(3):
            clock().forward(0.05)
            await turns()
        assert not connection.closing
        respond(connection, log.received[0])
        connection.answered(1)
        await peer.closed()
        assert await kinds(peer, 2) == [SubmitSmResp, UnbindResp]


async def test_what_is_answered_at_once_stands_before_the_answer_to_unbind() -> None:
    log = Log()

    def react(connection: Connection, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Received):
                respond(connection, event.pdu)

    async with bound_pair(log) as (_, peer):
        log.react = react
        peer.send(SubmitSm(), SubmitSm(), Unbind())
        await peer.closed()
        assert await kinds(peer, 3) == [SubmitSmResp, SubmitSmResp, UnbindResp]


async def test_garbage_is_answered_last_and_ends_the_connection() -> None:
    log = Log()
    async with bound_pair(log) as (connection, peer):
        log.react = log.hold
        peer.writer.write(encode(SubmitSm(sequence_number=5)) + GARBAGE)
        await until(lambda: log.received)
        assert isinstance(log.events[-1], Closing)
        clock().forward(0.05)
        await turns()
        assert not connection.closing
        respond(connection, log.received[0])
        connection.answered(1)
        await peer.closed()
        assert await kinds(peer, 2) == [SubmitSmResp, GenericNack]


async def test_as_smsc_we_do_not_wait_for_answers_of_a_peer_that_unbinds() -> None:
    log = Log()
    async with bound_pair(log) as (connection, peer):
        connection.request(DeliverSm(), "open")
        await peer.expect(DeliverSm)
        peer.send(Unbind())
        await peer.closed()
        assert await kinds(peer, 1) == [UnbindResp]
        await until(lambda: log.ended)
        assert isinstance(log.events[-1], Unanswered)


async def bind_as_esme(connection: Connection, peer: Esme) -> None:
    """Bind as ESME."""
    connection.request(BindTransceiver(system_id="user"), "bind")
    bind = await peer.expect(BindTransceiver)
    peer.writer.write(encode(BindTransceiverResp(sequence_number=bind.sequence_number)))


async def test_as_esme_we_wait_for_answers_of_an_smsc_that_unbinds() -> None:
    log = Log()
    async with pair(log, Role.ESME) as (connection, peer):
        await bind_as_esme(connection, peer)
        await until(lambda: log.events)
        connection.request(SubmitSm(), "open")
        submit = await peer.expect(SubmitSm)
        peer.send(Unbind())
        await until(lambda: len(log.events) == 2)
        clock().forward(0.05)
        await turns()
        assert not connection.closing
        peer.writer.write(encode(SubmitSmResp("1", sequence_number=submit.sequence_number)))
        await until(lambda: len(log.events) == 3)
        clock().forward(0.05)
        await peer.closed()
        assert await kinds(peer, 1) == [UnbindResp]
        assert isinstance(log.events[2], Answered)


async def test_as_esme_we_wait_no_longer_than_answers_may_take() -> None:
    log = Log()
    async with pair(log, Role.ESME) as (connection, peer):
        await bind_as_esme(connection, peer)
        await until(lambda: log.events)
        connection.request(SubmitSm(), "open")
        await peer.expect(SubmitSm)
        peer.send(Unbind())
        await until(lambda: len(log.events) == 2)
        clock().forward(TIMERS.response)
        connection.tick()
        await peer.closed()
        assert [type(event) for event in log.events] == [Answered, Unbound, Unanswered, Closing]


async def test_a_peer_that_hangs_up_while_it_is_waited_for() -> None:
    log = Log()
    async with bound_pair(log) as (connection, peer):
        log.react = log.hold
        peer.send(SubmitSm(), Unbind())
        await until(lambda: log.received)
        await peer.close()
        await until(lambda: log.ended)
        clock().forward(1.0)
        await turns()
        connection.answered(1)  # nothing is written any more
        assert connection.closing
