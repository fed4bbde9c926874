"""How a session ends: timers, unbind, a lost connection. Times are integers."""

import time

import pytest

from smppbridge.errors import InvalidState
from smppbridge.smpp.codec import encode
from smppbridge.smpp.pdu import (
    BindTransceiver,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
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
    Fault,
    FaultKind,
    Received,
    Role,
    Session,
    State,
    Timers,
    Unanswered,
    Unbound,
)
from tests.unit.smpp.joined import QUIET, Pair, bound, hear, said, statuses
from tests.unit.smpp.samples import wire


def test_a_peer_that_never_binds_is_closed() -> None:
    smsc = Session(Role.SMSC, 100, timers=Timers(bind=10))
    hear(smsc, wire(0x15), 109)
    assert smsc.tick(109) == []
    assert smsc.tick(110) == [Closing(CloseReason.BIND_TIMEOUT)]
    assert (smsc.state, smsc.tick(111)) == (State.CLOSED, [])


def test_a_bound_session_has_no_bind_timer() -> None:
    pair = Pair(timers=Timers(bind=10, enquire_link=0, inactivity=0))
    pair.bind()
    assert pair.smsc.tick(1000) == pair.esme.tick(1000) == []


def test_a_bind_without_an_answer_ends_an_esme() -> None:
    esme = Session(Role.ESME, 0, timers=Timers(bind=0, response=5))
    esme.request(BindTransceiver("a"), 0, "bind")
    assert esme.tick(4) == []
    assert esme.tick(5) == [Closing(CloseReason.RESPONSE_TIMEOUT)]
    (event,) = esme.lost()
    assert isinstance(event, Unanswered)
    assert event.context == "bind"


def test_silence_is_broken_by_enquire_link_and_its_answer_starts_again() -> None:
    pair = Pair(timers=Timers(enquire_link=30))
    pair.bind(now=1)
    assert pair.smsc.tick(30) == []
    assert pair.smsc.drain() == b""
    assert pair.smsc.tick(31) == []
    assert pair.smsc.tick(32) == []  # one is enough
    (probe,) = said(pair.smsc)
    assert isinstance(probe, EnquireLink)
    assert hear(pair.smsc, encode(EnquireLinkResp(sequence_number=probe.sequence_number)), 35) == []
    pair.smsc.tick(64)
    assert pair.smsc.drain() == b""
    pair.smsc.tick(65)
    assert [type(pdu) for pdu in said(pair.smsc)] == [EnquireLink]


@pytest.mark.parametrize(("response", "patience"), [(30, 10), (4, 4), (0, 10)])
def test_an_enquire_link_without_an_answer_closes(response: int, patience: int) -> None:
    pair = Pair(timers=Timers(enquire_link=30, response=response))
    pair.bind()
    assert pair.smsc.tick(30) == []
    assert hear(pair.smsc, encode(SubmitSm()), 31)  # says something, but never the answer
    assert pair.smsc.tick(30 + patience - 1) == []
    assert pair.smsc.tick(30 + patience) == [Closing(CloseReason.ENQUIRE_LINK_TIMEOUT)]
    assert pair.smsc.lost() == []  # the probe is nobody's business


def test_generic_nack_proves_life_too() -> None:
    pair = Pair(timers=Timers(enquire_link=30))
    pair.bind()
    pair.smsc.tick(30)
    (probe,) = said(pair.smsc)
    assert isinstance(probe, EnquireLink)
    assert hear(pair.smsc, encode(GenericNack(sequence_number=probe.sequence_number)), 31) == []
    assert pair.smsc.tick(45) == []


def test_inactivity_closes() -> None:
    pair = Pair(timers=Timers(enquire_link=0, inactivity=600))
    pair.bind()
    hear(pair.smsc, wire(0x15), 100)
    hear(pair.smsc, wire(0x15)[:8], 690)  # half a PDU is no PDU
    assert pair.smsc.tick(699) == []
    assert pair.smsc.tick(700) == [Closing(CloseReason.INACTIVITY)]


def test_requests_without_an_answer_run_out_oldest_first() -> None:
    pair = Pair(timers=Timers(enquire_link=0, inactivity=0, response=30))
    pair.bind()
    numbers = [pair.esme.request(SubmitSm(), now, now) for now in (1, 2, 3)]
    hear(pair.esme, encode(SubmitSmResp(sequence_number=numbers[1])), 4)
    assert pair.esme.tick(30) == []
    (event,) = pair.esme.tick(31)
    assert isinstance(event, Unanswered)
    assert event.context == 1
    assert pair.esme.room == 99
    (late,) = hear(pair.esme, encode(SubmitSmResp(sequence_number=numbers[0])), 32)
    assert isinstance(late, Fault)
    assert late.kind is FaultKind.UNMATCHED
    assert [type(event) for event in pair.esme.tick(33)] == [Unanswered]


def test_no_timer_runs_when_it_is_off() -> None:
    pair = bound()
    pair.esme.request(SubmitSm(), 0)
    assert pair.esme.tick(10**6) == pair.smsc.tick(10**6) == []
    assert Session(Role.SMSC, 0, timers=QUIET).tick(10**6) == []


def test_a_tick_costs_the_same_with_many_requests_waiting() -> None:
    pair = bound(window=100_000)
    pair.esme.tick(0)
    for _ in range(100_000):
        pair.esme.request(SubmitSm(), 0)
    started = time.process_time()
    for _ in range(1000):
        pair.esme.tick(1)
    assert time.process_time() - started < 0.5  # about 2 ms; a scan would take seconds


def test_unbind_is_answered_and_comes_last() -> None:
    pair = bound()
    pair.smsc.request(DeliverSm(), 0, "waits")
    submit, *rest = hear(
        pair.smsc,
        encode(SubmitSm(sequence_number=2))
        + encode(Unbind(sequence_number=3))
        + encode(SubmitSm(sequence_number=4))
        + encode(DeliverSmResp(sequence_number=1)),
    )
    assert [type(event) for event in rest] == [Fault, Answered, Unbound]
    assert pair.smsc.state is State.UNBINDING
    assert isinstance(submit, Received)
    pair.smsc.respond(submit.pdu, SubmitSmResp("7"))
    assert statuses(pair.smsc)[1:] == [(0x80000006, 0, 3), (0x80000004, 0x04, 4), (0x80000004, 0, 2)]
    with pytest.raises(InvalidState):
        pair.smsc.request(DeliverSm(), 0)


def test_our_unbind_closes_when_it_is_answered() -> None:
    pair = bound()
    pair.smsc.request(DeliverSm(), 0, "receipt")
    pair.to_esme()
    pair.smsc.unbind(0)
    assert pair.smsc.state == State.UNBINDING
    assert hear(pair.smsc, encode(SubmitSm(sequence_number=9)))
    assert (0x80000004, 0x04, 9) in statuses(pair.smsc)
    assert [type(event) for event in hear(pair.smsc, encode(DeliverSmResp(sequence_number=1)))] == [Answered]
    assert hear(pair.smsc, encode(UnbindResp(sequence_number=2))) == [Closing(CloseReason.UNBOUND)]
    assert {pair.smsc.state} == {State.CLOSED}


def test_a_second_unbind_is_answered_and_is_no_second_event() -> None:
    pair = bound()
    assert hear(pair.smsc, encode(Unbind(sequence_number=3))) == [Unbound()]
    assert hear(pair.smsc, encode(Unbind(sequence_number=4))) == []
    assert statuses(pair.smsc) == [(0x80000006, 0, 3), (0x80000006, 0, 4)]


def test_unbind_back_to_back() -> None:
    pair = bound()
    pair.esme.unbind(0)
    assert pair.to_smsc() == [Unbound()]
    assert pair.to_esme() == [Closing(CloseReason.UNBOUND)]


def test_unbinds_that_cross_are_both_answered() -> None:
    pair = bound()
    pair.esme.unbind(0)
    pair.smsc.unbind(0)
    to_smsc, to_esme = pair.esme.drain(), pair.smsc.drain()
    assert pair.smsc.receive(to_smsc, 0) == pair.esme.receive(to_esme, 0) == [Unbound()]
    assert pair.to_esme() == pair.to_smsc() == [Closing(CloseReason.UNBOUND)]


@pytest.mark.parametrize("asked_by", Role)
def test_an_unbind_that_leads_nowhere_closes_in_time(asked_by: Role) -> None:
    pair = Pair(timers=Timers(enquire_link=0, response=30))
    pair.bind()
    (pair.smsc if asked_by is Role.SMSC else pair.esme).unbind(5)
    if asked_by is Role.ESME:
        pair.to_smsc(5)
    assert pair.smsc.tick(34) == []
    assert pair.smsc.tick(35) == [Closing(CloseReason.UNBOUND)]


@pytest.mark.parametrize("state", [State.OPEN, State.UNBINDING, State.CLOSED])
def test_only_a_bound_session_unbinds(state: State) -> None:
    pair = Pair()
    if state is State.UNBINDING:
        pair.bind()
        pair.esme.unbind(0)
    elif state is State.CLOSED:
        pair.esme.lost()
    assert pair.esme.state is state
    with pytest.raises(InvalidState):
        pair.esme.unbind(0)


def test_when_the_connection_ends_everything_outstanding_is_unanswered() -> None:
    pair = bound()
    for context in "ab":
        pair.esme.request(SubmitSm(), 0, context)
    pair.esme.request(EnquireLink(), 0, "c")
    events = pair.esme.lost()
    assert [event.context for event in events if isinstance(event, Unanswered)] == ["a", "b", "c"]
    assert pair.esme.state is State.CLOSED
    assert pair.esme.lost() == pair.esme.tick(10**6) == hear(pair.esme, wire(0x15)) == []
    with pytest.raises(InvalidState):
        pair.esme.request(SubmitSm(), 0)
