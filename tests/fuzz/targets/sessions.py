"""Any octets in any pieces, to the decoder and to a session of either role in any state.

1. Nothing is raised. Errors of the peer are events.
2. All that a session writes can be read, and is at most half as long again as what came in.
3. The way in which the octets are cut changes nothing.
4. A session that is closed stays closed, and says nothing more.
"""

from collections import Counter
from collections.abc import Iterator
from random import Random

from smppbridge.errors import FramingError, PduError
from smppbridge.smpp.codec import Decoder, encode
from smppbridge.smpp.pdu import (
    PDUS,
    Bind,
    BindReceiver,
    BindTransceiver,
    BindTransceiverResp,
    BindTransmitter,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Pdu,
    Request,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    UnbindResp,
)
from smppbridge.smpp.session import Event, Received, Role, Session, State, Timers, Unbound
from smppbridge.smpp.states import SENDABLE
from tests.fuzz.reading import Octets
from tests.unit.smpp.samples import SAMPLES

MAX_PDU_OCTETS = 4096  # small, so that a fuzzer finds what lies beyond
BINDS: tuple[type[Bind] | None, ...] = (None, BindTransceiver, BindTransmitter, BindReceiver)
OUTSTANDING = 3  # requests of ours that wait for an answer
SLACK = 64  # octets that the first answers may take beyond those that came in


def target(data: bytes) -> None:
    """One conversation. Raises AssertionError, or whatever the code under test should not raise."""
    octets = Octets(data)
    role, bind = octets.choice(tuple(Role)), octets.choice(BINDS)
    random = Random(octets.number())
    stream = octets.rest()
    pieces = list(_cut(stream, random))
    _decode(stream, pieces, lenient=role is Role.ESME)
    _silent(role, bind, stream, pieces)
    _talk(_session(role, bind), pieces, random)


def seeds() -> Iterator[bytes]:
    """A conversation of each kind, and every PDU."""
    conversation = (
        BindTransceiver("pbx", "secret12", interface_version=0x34, sequence_number=1),
        BindTransceiverResp("smppbridge", sequence_number=1),
        EnquireLink(sequence_number=2),
        EnquireLinkResp(sequence_number=2),
        SubmitSm(destination_addr="375291234567", short_message=b"Door 3", sequence_number=3),
        SubmitSmResp("17", sequence_number=3),
        DeliverSm(source_addr="375291234567", short_message=b"id:17 stat:DELIVRD", sequence_number=1),
        DeliverSmResp(sequence_number=2),
        GenericNack(command_status=3, sequence_number=3),
        Unbind(sequence_number=5),
        UnbindResp(sequence_number=5),
    )
    whole = b"".join(map(encode, conversation))
    for role in range(len(Role)):
        for bind in range(len(BINDS)):
            yield bytes((role, bind, 7)) + whole
    for sample, _ in SAMPLES:
        yield b"\0\1\0" + sample
    yield b"\1\1\1" + b"".join(sample for sample, _ in SAMPLES)
    yield b"\0\0\0\0\0\0\x0f" + whole


def _cut(stream: bytes, random: Random) -> Iterator[bytes]:
    """The stream in pieces, most of them short."""
    position = 0
    while position < len(stream):
        size = random.choice((1, 2, 3, 4, 5, 15, 16, 17, 100, 1000))
        yield stream[position : position + size]
        position += size


def _decode(stream: bytes, pieces: list[bytes], *, lenient: bool) -> None:
    whole = Decoder(max_octets=MAX_PDU_OCTETS, lenient=lenient).feed(stream)
    decoder = Decoder(max_octets=MAX_PDU_OCTETS, lenient=lenient)
    cut = [item for piece in pieces for item in decoder.feed(piece)]
    assert [_described(item) for item in cut] == [_described(item) for item in whole]
    assert not any(isinstance(item, FramingError) for item in whole[:-1])
    for item in whole:
        if isinstance(item, Pdu):
            _read_again(item)


def _described(item: Pdu | PduError | FramingError) -> object:
    return item if isinstance(item, Pdu) else (type(item), item.args, sorted(vars(item).items()))


def _read_again(pdu: Pdu) -> None:
    """What was read can be written, unless it breaks a limit that only the writer keeps, and read again."""
    try:
        octets = encode(pdu)
    except ValueError:
        return
    (again,) = Decoder(lenient=True).feed(octets)
    assert isinstance(again, Pdu)
    if pdu.layout.is_default(pdu) or not pdu.command_status:
        assert encode(again) == octets


def _session(role: Role, bind: type[Bind] | None) -> Session:
    timers = Timers(bind=30, enquire_link=5, inactivity=60, response=8)
    session = Session(role, 0, timers=timers, window=OUTSTANDING + 2, max_pdu_octets=MAX_PDU_OCTETS)
    if bind is None:
        return session
    if role is Role.SMSC:
        (event,) = session.receive(encode(bind("pbx", interface_version=0x34, sequence_number=1)), 0)
        assert isinstance(event, Received)
        session.respond(event.pdu, bind.response())
    else:
        number = session.request(bind("pbx"), 0)
        session.receive(encode(bind.response(sequence_number=number)), 0)
    assert session.state in (State.BOUND_TRX, State.BOUND_TX, State.BOUND_RX)
    kind = DeliverSm if role is Role.SMSC else SubmitSm
    if kind in SENDABLE[role][session.state]:
        for _ in range(OUTSTANDING):
            session.request(kind(), 0)
    session.drain()
    return session


def _silent(role: Role, bind: type[Bind] | None, stream: bytes, pieces: list[bytes]) -> None:
    """The application says nothing, so that only the cutting differs."""
    whole, cut = _session(role, bind), _session(role, bind)
    whole_events = Counter(map(repr, whole.receive(stream, 1)))
    cut_events = Counter(repr(event) for piece in pieces for event in cut.receive(piece, 1))
    assert whole.state is cut.state
    if whole.state is not State.CLOSED:  # what comes in one read with the end is still looked at
        assert whole_events == cut_events
        assert whole.drain() == cut.drain()
    else:
        del cut_events[repr(Unbound())]  # in one read the end of the session takes its place
        assert cut_events <= whole_events
        assert whole.drain().startswith(cut.drain())


def _talk(session: Session, pieces: list[bytes], random: Random) -> None:
    """The application answers, unbinds and lets time pass by chance."""
    now, came, written = 0.0, 0, 0
    for piece in pieces:
        closed = session.state is State.CLOSED
        events = session.receive(piece, now)
        _answer(session, events, random)
        if random.random() < 0.1:
            now += random.choice((1, 6, 10))
            events += session.tick(now)
        output = session.drain()
        came, written = came + len(piece), written + len(output)
        assert not closed or (session.state is State.CLOSED and not output and not events)
        _check(output, session.role)
        assert session.outstanding <= session.window
    assert written <= came * 1.5 + SLACK * (1 + now), (came, written)
    session.lost()
    assert session.state is State.CLOSED
    assert not session.receive(b"".join(pieces), now)
    assert not session.drain()


def _answer(session: Session, events: list[Event], random: Random) -> None:
    for event in events:
        if not isinstance(event, Received):
            continue
        pdu = event.pdu
        if isinstance(pdu, Request) and pdu.response is not None and random.random() < 0.7:
            session.respond(pdu, pdu.response())
        else:
            session.refuse(pdu, 0x08)


def _check(output: bytes, role: Role) -> None:
    """The peer, however strict, can read all of it."""
    items = Decoder(lenient=role is Role.SMSC).feed(output)
    assert all(isinstance(item, Pdu) and item.command_id in PDUS for item in items)
    assert sum(len(encode(item)) for item in items if isinstance(item, Pdu)) == len(output)
