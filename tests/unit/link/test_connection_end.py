"""The end of a connection: whoever asks for it, what is owed is said first."""

import pytest

from smppbridge.errors import InvalidState
from smppbridge.link.connection import LIMITS, Connection, ConnectionLimits
from smppbridge.smpp.codec import encode
from smppbridge.smpp.pdu import (
    BindTransceiver,
    BindTransceiverResp,
    DeliverSm,
    GenericNack,
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
from tests.unit.link.pairs import TIMERS, Log, bound_pair, kinds, pair, respond, stuffed

GARBAGE = bytes(16)  # a header that says that it has no octets


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


async def test_what_was_never_open_has_nothing_to_close() -> None:
    log = Log()
    connection = Connection(
        Role.SMSC, log.handle, log.ended.append, timers=TIMERS, window=1, max_pdu_octets=1024
    )
    connection.close()
    connection.unbind()
    connection.abort()
    assert (connection.closing, log.ended, log.batches) == (True, [], [])


async def test_a_peer_that_does_not_take_the_last_octets_is_cut_off() -> None:
    log = Log()
    limits = ConnectionLimits(unread=10_000, linger=3.0)
    assert LIMITS.linger == 5
    async with bound_pair(log, limits=limits, receive_buffer=4096) as (connection, peer):
        await stuffed(connection, peer)
        connection.close()
        clock().forward(2.0)
        connection.close()  # which does not begin anew
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
        peer.reply(unbind, UnbindResp())
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


async def test_whether_everything_is_answered_is_looked_at_twenty_times_a_second() -> None:
    log = Log()
    async with bound_pair(log) as (connection, peer):
        log.react = log.hold
        clock().stop_clock()
        peer.send(SubmitSm(), Unbind())
        await until(lambda: log.received)
        respond(connection, log.received[0])
        connection.answered(1)
        clock().forward(0.04)
        await turns()
        assert not connection.closing
        clock().forward(0.01)
        await until(lambda: connection.closing)


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
    peer.reply(await peer.expect(BindTransceiver), BindTransceiverResp())


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
        peer.reply(submit, SubmitSmResp("1"))
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
