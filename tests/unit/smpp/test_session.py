"""Binding, requests and their answers, between two sessions joined back to back.

Times are integers, because a session has no clock.
"""

import pytest

from smppbridge.errors import InvalidState
from smppbridge.smpp.codec import encode
from smppbridge.smpp.constants import MAX_SEQUENCE_NUMBER
from smppbridge.smpp.pdu import (
    Bind,
    BindReceiver,
    BindReceiverResp,
    BindTransceiver,
    BindTransceiverResp,
    BindTransmitter,
    BindTransmitterResp,
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
    SubmitSm,
    SubmitSmResp,
)
from smppbridge.smpp.session import (
    Answered,
    Fault,
    FaultKind,
    Received,
    Role,
    Session,
    State,
)
from tests.unit.smpp.joined import BINDS, BOUND, Pair, bound, hear, only_pdu, said, statuses
from tests.unit.smpp.samples import wire


@pytest.mark.parametrize(("cls", "state"), BINDS)
def test_a_bind_moves_both_sides(cls: type[Bind], state: State) -> None:
    pair = Pair()
    (answered,) = pair.bind(cls)
    assert pair.esme.state is pair.smsc.state is state
    assert isinstance(answered, Answered)
    assert isinstance(answered.request, cls)
    assert answered.response.command_status == 0
    assert pair.esme.peer_version == pair.smsc.peer_version == 0x34


@pytest.mark.parametrize("version", [0x34, 0x50, 0xFF])
def test_a_peer_of_3_4_or_later_is_told_our_version(version: int) -> None:
    smsc = Session(Role.SMSC, 0)
    bind = only_pdu(hear(smsc, encode(BindTransceiver("a", interface_version=version, sequence_number=5))))
    smsc.respond(bind, BindTransceiverResp("centre"))
    assert smsc.drain() == wire(0x80000009, b"centre\0\x02\x10\x00\x01\x34", number=5)
    assert smsc.peer_version == version


@pytest.mark.parametrize("version", [0, 0x33])
def test_an_older_peer_gets_no_tlvs(version: int) -> None:
    smsc = Session(Role.SMSC, 0)
    bind = only_pdu(hear(smsc, encode(BindReceiver("a", interface_version=version))))
    smsc.respond(bind, BindReceiverResp("centre", tlvs=((0x0210, b"\x34"),)))
    assert smsc.drain() == wire(0x80000001, b"centre\0", number=0)


def test_an_smsc_that_names_no_version_has_version_0() -> None:
    esme = Session(Role.ESME, 0)
    esme.request(BindTransmitter("a"), 0)
    hear(esme, encode(BindTransmitterResp("centre", sequence_number=1)))
    assert (esme.state, esme.peer_version) == (State.BOUND_TX, 0)


@pytest.mark.parametrize("by_refuse", [True, False])
@pytest.mark.parametrize(
    ("cls", "body"),
    [(BindTransmitter, b""), (BindReceiver, b""), (BindTransceiver, b"\0")],
)
def test_a_refused_bind_leaves_both_open_for_another(cls: type[Bind], body: bytes, by_refuse: bool) -> None:
    """libsmpp34 and gosmpp read no bind_transceiver_resp without a system_id, gosmpp no other with one."""
    pair = Pair()
    pair.esme.request(cls("pbx", "wrong", interface_version=0x34), 0)
    bind = only_pdu(pair.to_smsc())
    if by_refuse:
        pair.smsc.refuse(bind, 0x0E)
    else:
        pair.smsc.respond(bind, cls.response(command_status=0x0E))
    octets = pair.smsc.drain()
    assert octets == wire(cls.response.command_id, body, status=0x0E)
    (answered,) = pair.esme.receive(octets, 0)
    assert isinstance(answered, Answered)
    assert answered.response.command_status == 0x0E
    assert {pair.esme.state, pair.smsc.state} == {State.OPEN}
    pair.bind()
    assert {pair.esme.state, pair.smsc.state} == {State.BOUND_TRX}


@pytest.mark.parametrize("state", BOUND)
def test_a_second_bind_is_refused_and_changes_nothing(state: State) -> None:
    pair = bound({made: cls for cls, made in BINDS}[state])
    (fault,) = hear(pair.smsc, encode(BindTransmitter("pbx", sequence_number=9)))
    assert isinstance(fault, Fault)
    assert fault.kind is FaultKind.WRONG_STATE
    assert statuses(pair.smsc) == [(0x80000002, 0x05, 9)]
    assert pair.smsc.state is state


def test_while_a_bind_waits_nothing_else_is_taken() -> None:
    """It is taken when the bind is answered, as if it had come then: nothing of it is lost."""
    smsc = Session(Role.SMSC, 0)
    pdus = (SubmitSm(sequence_number=2), EnquireLink(sequence_number=3), BindReceiver("b", sequence_number=4))
    behind = b"".join(encode(pdu) for pdu in pdus)
    first = only_pdu(hear(smsc, encode(BindTransceiver("a", interface_version=0x34)) + behind[:20]))
    assert hear(smsc, behind[20:]) == []
    assert (smsc.drain(), smsc.kept) == (b"", len(behind))
    smsc.respond(first, BindTransceiverResp())
    smsc.drain()
    submit, fault = hear(smsc, b"")
    assert isinstance(submit, Received)
    assert isinstance(submit.pdu, SubmitSm)
    assert isinstance(fault, Fault)
    assert statuses(smsc) == [(0x80000015, 0, 3), (0x80000001, 0x05, 4)]
    assert (smsc.state, smsc.kept) == (State.BOUND_TRX, 0)


def test_an_answer_to_a_bind_that_is_no_longer_waited_for_is_dropped() -> None:
    smsc = Session(Role.SMSC, 0)
    bind = only_pdu(hear(smsc, encode(BindTransceiver("a"))))
    smsc.lost()
    smsc.respond(bind, BindTransceiverResp())
    assert (smsc.state, smsc.drain()) == (State.CLOSED, b"")


def test_only_one_bind_of_ours_may_be_on_its_way() -> None:
    esme = Session(Role.ESME, 0)
    esme.request(BindTransceiver("a"), 0)
    with pytest.raises(InvalidState):
        esme.request(BindTransceiver("a"), 0)


def test_outbind_reaches_the_esme_and_wants_no_answer() -> None:
    pair = Pair()
    pair.smsc.request(Outbind("centre", "pw"), 0)
    outbind = only_pdu(pair.to_esme())
    assert isinstance(outbind, Outbind)
    pair.esme.refuse(outbind, 0x08)
    assert pair.esme.drain() == b""
    assert pair.smsc.lost() == []


def test_answers_find_their_requests_in_any_order() -> None:
    pair = bound()
    for context in "abc":
        pair.esme.request(SubmitSm(destination_addr=context), 0, context)
    submits = [event.pdu for event in pair.to_smsc() if isinstance(event, Received)]
    for submit in reversed(submits):
        pair.smsc.respond(submit, SubmitSmResp(f"id-{submit.sequence_number}"))
    events = pair.to_esme()
    assert [event.context for event in events if isinstance(event, Answered)] == ["c", "b", "a"]
    for event in events:
        assert isinstance(event, Answered)
        assert isinstance(event.response, SubmitSmResp)
        assert isinstance(event.request, SubmitSm)
        assert event.request.destination_addr == event.context
        assert event.response.message_id == f"id-{event.request.sequence_number}"
    assert pair.esme.room == 100


def test_both_directions_may_use_the_same_numbers() -> None:
    pair = bound()
    assert pair.esme.request(SubmitSm(), 0, "submit") == 2  # 1 was the bind
    assert [pair.smsc.request(DeliverSm(), 0, "deliver") for _ in range(2)] == [1, 2]
    for event in pair.to_smsc():
        assert isinstance(event, Received)
        pair.smsc.respond(event.pdu, SubmitSmResp("7"))
    received = pair.to_esme()
    assert [type(event) for event in received] == [Received, Received, Answered]
    for event in received[:2]:
        assert isinstance(event, Received)
        pair.esme.respond(event.pdu, DeliverSmResp())
    assert [event.context for event in pair.to_smsc() if isinstance(event, Answered)] == [
        "deliver",
        "deliver",
    ]


@pytest.mark.parametrize("number", [0, 1, 0x80000000, 0xFFFFFFFF])
def test_the_peers_number_is_echoed_bit_by_bit(number: int) -> None:
    pair = bound()
    octets = encode(SubmitSm(sequence_number=number)) + encode(QuerySm(sequence_number=number))
    submit, query = [event.pdu for event in hear(pair.smsc, octets) if isinstance(event, Received)]
    pair.smsc.respond(submit, SubmitSmResp("7"))
    pair.smsc.refuse(query, 0x67)
    assert statuses(pair.smsc) == [(0x80000004, 0, number), (0x80000003, 0x67, number)]


def test_a_refusal_is_a_header_only() -> None:
    pair = bound()
    submit = only_pdu(hear(pair.smsc, encode(SubmitSm(sequence_number=3))))
    pair.smsc.refuse(submit, 0x58)
    assert pair.smsc.drain() == wire(0x80000004, status=0x58, number=3)


@pytest.mark.parametrize("by_refuse", [True, False])
@pytest.mark.parametrize(("cls", "response"), [(DeliverSm, DeliverSmResp), (DataSm, DataSmResp)])
def test_a_refusal_of_what_an_smsc_delivers_has_its_message_id(
    cls: type[Pdu], response: type[Pdu], by_refuse: bool
) -> None:
    pair = bound()
    request = only_pdu(hear(pair.esme, encode(cls(sequence_number=3))))
    if by_refuse:
        pair.esme.refuse(request, 0x64)
    else:
        pair.esme.respond(request, response(command_status=0x64))
    assert pair.esme.drain() == wire(response.command_id, b"\0", status=0x64, number=3)


def test_what_a_session_refuses_by_itself_has_its_message_id_too() -> None:
    """What is malformed, and what comes on a bind that may not send."""
    smsc = bound(BindReceiver).smsc
    hear(smsc, wire(0x00000103, b"no end", number=3) + encode(DataSm(sequence_number=5)))
    refusals = [(0x15, 3), (0x04, 5)]
    answers = [wire(0x80000103, b"\0", status=status, number=number) for status, number in refusals]
    assert smsc.drain() == b"".join(answers)


def test_generic_nack_answers_a_request() -> None:
    pair = bound()
    number = pair.esme.request(SubmitSm(), 0, "mine")
    (event,) = hear(pair.esme, encode(GenericNack(command_status=0x03, sequence_number=number)))
    assert isinstance(event, Answered)
    assert (event.context, event.response.command_status) == ("mine", 0x03)
    assert pair.esme.room == 100


@pytest.mark.parametrize(
    ("octets", "kind"),
    [
        (wire(0x80000004, b"7\0", number=99), FaultKind.UNMATCHED),  # never asked
        (wire(0x80000003, b"7\0\0\0\0", number=2), FaultKind.UNMATCHED),  # the answer to something else
        (wire(0x80000015, number=2), FaultKind.UNMATCHED),
        (wire(0x80000009, b"c\0", number=1), FaultKind.UNMATCHED),  # a second time
        (wire(0x80000000, number=0, status=2), FaultKind.GENERIC_NACK),
    ],
)
def test_a_response_to_nothing_is_a_fault_without_an_answer(octets: bytes, kind: FaultKind) -> None:
    pair = bound()
    assert pair.esme.request(SubmitSm(), 0) == 2
    pair.to_smsc()
    (fault,) = hear(pair.esme, octets)
    assert isinstance(fault, Fault)
    assert fault.kind is kind
    assert pair.esme.drain() == b""
    assert pair.esme.room == 99  # the request still waits
    assert pair.esme.state is State.BOUND_TRX


def test_a_doubled_response_counts_once() -> None:
    pair = bound()
    number = pair.esme.request(SubmitSm(), 0)
    response = encode(SubmitSmResp("7", sequence_number=number))
    assert [type(event) for event in hear(pair.esme, response + response)] == [Answered, Fault]


def test_the_window_bounds_ordinary_requests_only() -> None:
    pair = bound(window=2)
    numbers = [pair.esme.request(SubmitSm(), 0) for _ in range(2)]
    assert pair.esme.room == 0
    with pytest.raises(InvalidState, match="window"):
        pair.esme.request(SubmitSm(), 0)
    pair.esme.request(EnquireLink(), 0)
    hear(pair.esme, encode(SubmitSmResp(sequence_number=numbers[0])))
    assert pair.esme.room == 1
    pair.esme.request(SubmitSm(), 0)
    pair.esme.window = 1  # made smaller while two are on their way
    assert pair.esme.room == 0
    pair.esme.unbind(0)


def test_numbers_wrap_and_skip_those_still_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smppbridge.smpp.session.MAX_SEQUENCE_NUMBER", 4)
    pair = bound()  # the bind took 1
    assert [pair.esme.request(SubmitSm(), 0) for _ in range(3)] == [2, 3, 4]
    hear(pair.esme, encode(SubmitSmResp(sequence_number=3)))
    assert pair.esme.request(SubmitSm(), 0) == 1
    assert pair.esme.request(SubmitSm(), 0) == 3


def test_the_largest_number_has_31_bits() -> None:
    assert MAX_SEQUENCE_NUMBER == 0x7FFFFFFF


def test_what_cannot_be_encoded_is_not_sent() -> None:
    pair = bound()
    with pytest.raises(ValueError, match="source_addr"):
        pair.esme.request(SubmitSm(source_addr="1" * 30), 0)
    assert (pair.esme.room, pair.esme.drain()) == (100, b"")


def test_our_own_enquire_link_is_answered_to_who_asked_for_it() -> None:
    pair = bound()
    pair.esme.request(EnquireLink(), 0, "alive?")
    assert pair.to_smsc() == []
    (event,) = pair.to_esme()
    assert isinstance(event, Answered)
    assert (event.context, type(event.response)) == ("alive?", EnquireLinkResp)


def test_everything_is_written_in_order_and_once() -> None:
    pair = bound()
    pair.smsc.request(DeliverSm(), 0)
    hear(pair.smsc, wire(0x15, number=5))
    assert [type(pdu) for pdu in said(pair.smsc)] == [DeliverSm, EnquireLinkResp]
    assert pair.smsc.drain() == b""
