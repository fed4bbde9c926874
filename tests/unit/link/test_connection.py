"""One connection: when its socket is read, when it is written, and its timers."""

import pytest

from smppbridge.errors import InvalidState
from smppbridge.link.connection import LIMITS, Connection, ConnectionLimits
from smppbridge.smpp.codec import encode
from smppbridge.smpp.pdu import (
    DeliverSm,
    EnquireLink,
    EnquireLinkResp,
    SubmitSm,
    SubmitSmResp,
)
from smppbridge.smpp.session import (
    Answered,
    CloseReason,
    Closing,
    Unanswered,
)
from tests.support.system.clock import clock, turns, until
from tests.unit.link.pairs import TIMERS, Log, bound_pair, kinds, pair, read_again, respond, stuffed


def reading(connection: Connection) -> bool:
    assert connection._transport is not None
    return connection._transport.is_reading()


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


async def test_one_flush_is_enough_for_one_turn() -> None:
    flushes: list[Connection] = []

    class Counted(Connection):
        def flush(self) -> None:
            flushes.append(self)
            super().flush()

    async with bound_pair(Log(), make=Counted) as (connection, _):
        flushes.clear()
        for _ in range(2):
            for _ in range(3):
                connection.request(DeliverSm())
            await turns(2)
        assert flushes == [connection] * 2


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
        peer.reply(question, EnquireLinkResp())
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
