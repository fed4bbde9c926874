"""What a session refuses by itself: requests out of turn, and octets that no honest peer sends."""

import pytest

from smppbridge.errors import InvalidState
from smppbridge.smpp.codec import encode
from smppbridge.smpp.constants import RESPONSE_BIT
from smppbridge.smpp.pdu import (
    AlertNotification,
    BindTransmitter,
    CancelSm,
    DataSm,
    DeliverSm,
    EnquireLink,
    Outbind,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    Request,
    SubmitMulti,
    SubmitSm,
    SubmitSmResp,
    Unbind,
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
    Unanswered,
)
from tests.unit.smpp.joined import BINDS, Pair, bound, hear, only_pdu, statuses
from tests.unit.smpp.samples import PLAIN_SUBMIT, REACTIONS, UNFRAMED, wire

REQUESTS: list[type[Request]] = [
    SubmitSm,
    SubmitMulti,
    DataSm,
    QuerySm,
    CancelSm,
    ReplaceSm,
    DeliverSm,
    AlertNotification,
    Outbind,
]
SUBMITTING: set[type[Request]] = {SubmitSm, SubmitMulti, DataSm, QuerySm, CancelSm, ReplaceSm}
DELIVERING: set[type[Request]] = {DeliverSm, DataSm, AlertNotification}
ALLOWED: dict[tuple[Role, State], set[type[Request]]] = {  # what this role may send
    (Role.ESME, State.OPEN): set(),
    (Role.ESME, State.BOUND_TX): SUBMITTING,
    (Role.ESME, State.BOUND_RX): set(),
    (Role.ESME, State.BOUND_TRX): SUBMITTING,
    (Role.SMSC, State.OPEN): {Outbind},
    (Role.SMSC, State.BOUND_TX): set(),
    (Role.SMSC, State.BOUND_RX): DELIVERING,
    (Role.SMSC, State.BOUND_TRX): DELIVERING,
}
TAKEN = ALLOWED | {(Role.SMSC, State.BOUND_TX): DELIVERING}  # of this role, though some of it is not allowed


def in_state(state: State) -> Pair:
    return Pair() if state is State.OPEN else bound({made: cls for cls, made in BINDS}[state])


def sample_of(cls: type[Request]) -> bytes:
    if cls is SubmitMulti:
        return wire(0x21, b"\0\0\0\0\x01\x01\0\0\0" + b"\0" * 10, number=77)
    return encode(cls(sequence_number=77))


@pytest.mark.parametrize(("sender", "state"), ALLOWED)
@pytest.mark.parametrize("cls", REQUESTS)
def test_the_state_table(sender: Role, state: State, cls: type[Request]) -> None:
    pair = in_state(state)
    ours, theirs = (pair.esme, pair.smsc) if sender is Role.ESME else (pair.smsc, pair.esme)
    (event,) = hear(theirs, sample_of(cls))
    if cls in TAKEN[sender, state]:
        assert isinstance(event, Received)
        assert theirs.drain() == b""
    else:
        assert isinstance(event, Fault)
        assert (event.kind, event.command_id) == (FaultKind.WRONG_STATE, cls.command_id)
        answer = [] if cls.response is None else [(cls.command_id | RESPONSE_BIT, 0x04, 77)]
        assert statuses(theirs) == answer
    if cls not in ALLOWED[sender, state]:
        with pytest.raises(InvalidState):
            ours.request(cls(), 0)
    assert theirs.state is state


@pytest.mark.parametrize("cls", [cls for cls in REQUESTS if cls is not SubmitMulti])
def test_what_may_be_sent_is_sent(cls: type[Request]) -> None:
    sender, state = next(key for key in ALLOWED if cls in ALLOWED[key])
    pair = in_state(state)
    ours, theirs = (pair.esme, pair.smsc) if sender is Role.ESME else (pair.smsc, pair.esme)
    ours.request(cls(), 0)
    assert isinstance(only_pdu(theirs.receive(ours.drain(), 0)), cls)


def test_an_esme_refuses_a_bind_and_a_response_is_no_request() -> None:
    pair = bound()
    hear(pair.esme, encode(BindTransmitter(sequence_number=4)))
    assert statuses(pair.esme) == [(0x80000002, 0x04, 4)]
    with pytest.raises(InvalidState):
        pair.esme.request(SubmitSmResp(), 0)


def test_enquire_link_is_answered_everywhere_unbind_only_when_bound() -> None:
    smsc = Session(Role.SMSC, 0)
    events = hear(smsc, encode(EnquireLink(sequence_number=0xFFFFFFFF)) + encode(Unbind(sequence_number=2)))
    assert [type(event) for event in events] == [Fault]
    assert statuses(smsc) == [(0x80000015, 0, 0xFFFFFFFF), (0x80000006, 0x04, 2)]


# Bodies beside an error, in responses to query_sm, deliver_sm, bind_transceiver, submit_multi and data_sm.
BODIES = {0x03: b"\0\0\0\0", 0x05: b"\0", 0x09: b"\0", 0x21: b"\0\0", 0x0103: b"\0"}


@pytest.mark.parametrize(("octets", "status"), [pytest.param(*rest, id=name) for name, *rest in REACTIONS])
def test_a_malformed_request_is_answered_and_the_session_goes_on(octets: bytes, status: int) -> None:
    pair = bound()
    command_id = int.from_bytes(octets[4:8], "big")
    (fault,) = hear(pair.smsc, octets)
    assert isinstance(fault, Fault)
    assert fault.command_id == command_id
    if status != 0x03:
        assert fault.kind is FaultKind.MALFORMED
        body = BODIES.get(command_id, b"")
        assert pair.smsc.drain() == wire(command_id | RESPONSE_BIT, body, status=status)
    else:
        assert fault.kind is FaultKind.UNKNOWN_COMMAND
        nack = b"" if command_id & RESPONSE_BIT else wire(0x80000000, status=3)
        assert pair.smsc.drain() == nack
    assert pair.smsc.state is State.BOUND_TRX
    assert only_pdu(hear(pair.smsc, encode(SubmitSm())))


@pytest.mark.parametrize("octets", UNFRAMED)
def test_an_impossible_length_is_nacked_and_ends_the_session(octets: bytes) -> None:
    pair = bound()
    pair.smsc.request(DeliverSm(), 0, "waits")
    pair.smsc.drain()
    submit, fault, closing = hear(pair.smsc, encode(SubmitSm(sequence_number=3)) + octets)
    assert isinstance(submit, Received)
    assert isinstance(fault, Fault)
    assert fault.kind is FaultKind.FRAMING
    assert closing == Closing(CloseReason.FRAMING)
    pair.smsc.respond(submit.pdu, SubmitSmResp("7"))  # there is still time for this
    assert statuses(pair.smsc) == [(0x80000000, 0x02, 0), (0x80000004, 0, 3)]
    assert hear(pair.smsc, encode(SubmitSm())) == []
    assert [type(event) for event in pair.smsc.lost()] == [Unanswered]


def test_the_limit_of_a_pdu_is_the_sessions() -> None:
    pair = bound(max_pdu_octets=100)
    long = wire(0x04, PLAIN_SUBMIT + b"\x50" + bytes(0x50))
    assert [type(event) for event in hear(pair.smsc, long)] == [Fault, Closing]


def test_malformed_requests_that_have_no_response_are_not_answered() -> None:
    pair = bound()
    assert [type(event) for event in hear(pair.esme, wire(0x0102))] == [Fault]
    assert pair.esme.drain() == b""


def test_an_esme_takes_texts_that_are_too_long() -> None:
    pair = bound()
    deliver = only_pdu(hear(pair.esme, wire(0x05, b"smscsim" + PLAIN_SUBMIT + b"\0")))
    assert isinstance(deliver, DeliverSm)
    assert deliver.service_type == "smscsim"


def test_a_response_with_a_broken_body_still_answers() -> None:
    pair = bound()
    number = pair.esme.request(QuerySm("7"), 0)
    (event,) = hear(pair.esme, wire(0x80000003, b"7\0\0", number=number))
    assert isinstance(event, Answered)
    assert event.response == QuerySmResp("7", sequence_number=number)
