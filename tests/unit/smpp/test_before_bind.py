"""Before the bind anybody may be the peer: what an SMSC takes from it."""

import pytest

from smppbridge.smpp.before_bind import MAX_OCTETS, MAX_PDUS
from smppbridge.smpp.codec import encode
from smppbridge.smpp.pdu import (
    BindTransceiver,
    BindTransceiverResp,
    EnquireLink,
    Outbind,
    Pdu,
    QuerySm,
    SubmitSm,
)
from smppbridge.smpp.session import Closing, Event, Fault, FaultKind, Received, Role, Session, State
from tests.unit.smpp.joined import hear, only_pdu, statuses
from tests.unit.smpp.samples import wire

BIND = encode(BindTransceiver("pbx", "secret", interface_version=0x34, sequence_number=9))
UNKNOWN = wire(0x999, number=7)


def sent_away(smsc: Session, events: list[Event]) -> None:
    """The last events say so, and so does a generic_nack."""
    *_, fault, closing = events
    assert isinstance(fault, Fault)
    assert fault.kind is FaultKind.BEFORE_BIND
    assert isinstance(closing, Closing)
    assert statuses(smsc)[-1] == (0x80000000, 0x04, 0)
    assert smsc.state is State.CLOSED


def test_the_limits() -> None:
    assert (MAX_PDUS, MAX_OCTETS) == (4, 1024)


@pytest.mark.parametrize("pdu", [EnquireLink(), QuerySm("1"), None], ids=["asks", "too early", "unknown"])
@pytest.mark.parametrize("at_once", [True, False])
def test_a_few_pdus_before_the_bind(pdu: Pdu | None, at_once: bool) -> None:
    smsc = Session(Role.SMSC, 0)
    octets = UNKNOWN if pdu is None else encode(pdu)
    before = [octets] * MAX_PDUS
    events = [event for part in ([b"".join(before)] if at_once else before) for event in hear(smsc, part)]
    assert len(statuses(smsc)) == MAX_PDUS
    assert all(isinstance(event, Fault) for event in events)
    assert isinstance(only_pdu(hear(smsc, BIND)), BindTransceiver)


@pytest.mark.parametrize("pdu", [EnquireLink(), QuerySm("1"), Outbind(), None])
def test_one_more(pdu: Pdu | None) -> None:
    """However many there are, no more are answered."""
    smsc = Session(Role.SMSC, 0)
    octets = UNKNOWN if pdu is None else encode(pdu)
    sent_away(smsc, hear(smsc, octets * 10_000 + BIND))


def test_one_more_later() -> None:
    smsc = Session(Role.SMSC, 0)
    for _ in range(MAX_PDUS):
        assert hear(smsc, encode(EnquireLink())) == []
    sent_away(smsc, hear(smsc, encode(EnquireLink())))


@pytest.mark.parametrize("step", [1, 100, 2000])
def test_octets_without_an_end(step: int) -> None:
    smsc = Session(Role.SMSC, 0)
    octets = wire(0x09, b"x" * 2000)[:MAX_OCTETS]
    for begin in range(0, MAX_OCTETS, step):
        assert hear(smsc, octets[begin : begin + step]) == []
    sent_away(smsc, hear(smsc, b"x"))


def test_a_bind_that_is_too_long() -> None:
    smsc = Session(Role.SMSC, 0)
    bind = BindTransceiver("pbx", "secret", tlvs=((0x1400, b"x" * MAX_OCTETS),))
    sent_away(smsc, hear(smsc, encode(bind)))


def test_a_bind_as_long_as_it_may_be() -> None:
    smsc = Session(Role.SMSC, 0)
    rest = MAX_OCTETS - len(encode(BindTransceiver("pbx", "secret"))) - 4
    bind = encode(BindTransceiver("pbx", "secret", tlvs=((0x1400, b"x" * rest),)))
    assert len(bind) == MAX_OCTETS
    assert isinstance(only_pdu(hear(smsc, bind + encode(SubmitSm()) * 100)), BindTransceiver)


def test_an_impossible_length() -> None:
    smsc = Session(Role.SMSC, 0)
    fault, _ = hear(smsc, b"GET / HTTP/1.1\r\n" * 1000)
    assert isinstance(fault, Fault)
    assert fault.kind is FaultKind.FRAMING
    assert len(statuses(smsc)) == 1


def test_behind_the_bind_everything_counts_as_ever() -> None:
    smsc = Session(Role.SMSC, 0)
    bind = only_pdu(hear(smsc, BIND + encode(SubmitSm()) * 1000))
    smsc.respond(bind, BindTransceiverResp())
    assert [type(event) for event in hear(smsc, b"")] == [Received] * 1000


def test_an_esme_takes_what_its_smsc_says() -> None:
    esme = Session(Role.ESME, 0)
    hear(esme, encode(EnquireLink()) * 1000)
    assert (len(statuses(esme)), esme.state) == (1000, State.OPEN)
