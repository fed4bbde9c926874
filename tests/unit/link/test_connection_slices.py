"""Input in slices: how much is handled at once, what waits meanwhile, and what becomes of it in the end."""

import logging

import pytest

from smppbridge.link.connection import LIMITS, SLICE, Connection, ConnectionLimits
from smppbridge.link.scheduler import Scheduler
from smppbridge.smpp.addresses import SmeAddress
from smppbridge.smpp.pdu import SubmitMulti, SubmitSm, SubmitSmResp, Unbind, UnbindResp
from smppbridge.smpp.session import Event, Received, Unbound
from tests.support.system.clock import clock, turns, until
from tests.support.system.hand_clock import HandClock
from tests.unit.link.pairs import TIMERS, Log, bound_pair, kinds, respond
from tests.unit.link.test_connection import reading

FEW = ConnectionLimits(slice=4)


class Slow:
    """Each slice takes so long that the loop has its turn behind it."""

    def __init__(self, log: Log, connection: Connection) -> None:
        self.was_reading: list[bool] = []
        hands = HandClock()
        connection._scheduler = Scheduler(clock=hands)
        connection.belongs_to("slow")

        def react(connection: Connection, events: list[Event]) -> None:
            hands.forward(1.0)
            if not connection.closing:
                self.was_reading.append(reading(connection))

        log.react = react


def texts(log: Log) -> list[bytes]:
    return [pdu.short_message for pdu in log.received if isinstance(pdu, SubmitSm)]


def numbered(count: int) -> list[SubmitSm]:
    return [SubmitSm(short_message=b"%d" % number) for number in range(count)]


def sizes(log: Log) -> list[int]:
    return [sum(isinstance(event, Received) for event in batch) for batch in log.batches if batch]


async def test_a_slice_and_its_order() -> None:
    assert LIMITS.slice == SLICE == 128
    log = Log()
    async with bound_pair(log, limits=FEW) as (connection, peer):
        slow = Slow(log, connection)
        peer.send(*numbered(10))
        await until(lambda: len(log.received) == 10)
        assert sizes(log) == [4, 4, 2]
        assert texts(log) == [b"%d" % number for number in range(10)]
        await until(lambda: reading(connection))
        assert slow.was_reading == [True, False, False]
        peer.send(*numbered(1))
        await until(lambda: len(log.received) == 11)


async def test_each_destination_counts() -> None:
    log = Log()
    async with bound_pair(log, limits=FEW) as (_, peer):
        multi = SubmitMulti(dest_address=(SmeAddress(1, 1, "375291234567"),) * 3)
        peer.send(multi, multi, SubmitSm())
        await until(lambda: len(log.received) == 3)
        assert sizes(log) == [1, 1, 1]


async def test_no_slice_while_too_many_requests_wait_for_their_answer() -> None:
    log = Log()
    async with bound_pair(log, limits=ConnectionLimits(slice=4, unanswered=4)) as (connection, peer):
        log.react = log.hold
        peer.send(*numbered(6))
        await until(lambda: len(log.received) == 4)
        await turns(50)
        assert len(log.received) == 4
        assert not reading(connection)
        clock().forward(3600.0)
        connection.tick()  # its silence is ours
        connection.answered(1)
        await until(lambda: len(log.received) == 6)
        connection.answered(5)
        assert reading(connection)


async def test_a_peer_whose_input_waits_for_its_turn_is_not_silent() -> None:
    log = Log()
    timers = TIMERS._replace(inactivity=5.0)
    async with bound_pair(log, limits=FEW, timers=timers) as (connection, peer):
        Slow(log, connection)
        peer.send(*numbered(6))
        await until(lambda: log.received)
        assert len(log.received) == 4
        clock().forward(6.0)
        connection.tick()
        await until(lambda: len(log.received) == 6)
        assert not connection.closing
        clock().forward(6.0)
        connection.tick()
        assert connection.closing


async def test_unbind_behind_a_slice() -> None:
    log = Log()
    async with bound_pair(log, limits=FEW) as (_, peer):

        def react(connection: Connection, events: list[Event]) -> None:
            log.hold(connection, events)
            for event in events:
                if isinstance(event, Received):
                    respond(connection, event.pdu)
                    connection.answered(1)

        log.react = react
        peer.send(*numbered(6), Unbind())
        assert await kinds(peer, 7) == [SubmitSmResp] * 6 + [UnbindResp]
        assert isinstance(log.events[-1], Unbound)


async def test_what_was_read_before_the_end_is_handled_before_the_end_is_told() -> None:
    log = Log()
    async with bound_pair(log, limits=FEW) as (connection, peer):
        Slow(log, connection)
        peer.send(*numbered(10))
        await until(lambda: log.received)
        connection.abort()
        await until(lambda: log.ended)
        assert texts(log) == [b"%d" % number for number in range(10)]
        assert log.ended == [connection]
        assert log.batches[-1] == []  # what the end means to the session comes last


async def test_the_end_of_a_connection_whose_input_waits_for_answers() -> None:
    log = Log()
    async with bound_pair(log, limits=ConnectionLimits(slice=4, unanswered=4)) as (connection, peer):
        log.react = log.hold
        peer.send(*numbered(10))
        await until(lambda: log.received)
        connection.abort()
        await until(lambda: log.ended)
        assert len(log.received) == 10


async def test_what_is_left_behind_a_refusal_is_not_handled() -> None:
    log = Log()
    async with bound_pair(log, limits=FEW) as (_connection, peer):
        log.react = lambda connection, events: connection.leave_open(5.0)
        peer.send(*numbered(10))
        await until(lambda: log.received)
        log.react = lambda connection, events: None
        await peer.close()
        await until(lambda: log.ended)
        assert len(log.received) == 4


async def test_an_error_ends_this_connection_only(caplog: pytest.LogCaptureFixture) -> None:
    log = Log()
    async with bound_pair(log, limits=FEW) as (connection, peer):

        def react(connection: Connection, events: list[Event]) -> None:
            if events:
                raise RuntimeError("broken")

        log.react = react
        peer.send(*numbered(6))
        await until(lambda: log.ended)
        assert connection.closing
    assert {record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR} == {
        "unexpected error in a session of 127.0.0.1"
    }


async def test_nothing_is_written_to_a_connection_that_is_broken(caplog: pytest.LogCaptureFixture) -> None:
    """asyncio logs each such write, from the fifth on: a line for each answer that nobody waits for."""
    log = Log()
    async with bound_pair(log) as (connection, peer):
        log.react = log.hold
        peer.send(*numbered(20))
        await until(lambda: len(log.received) == 20)
        connection.abort()
        for pdu in log.received:
            respond(connection, pdu)
            connection.answered(1)
        await until(lambda: log.ended)
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
