"""No octets whatever make the codec or a session raise, and no way of cutting a stream changes its PDUs."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smppbridge.errors import FramingError, PduError
from smppbridge.smpp.codec import Decoder, Item, encode
from smppbridge.smpp.pdu import PDUS, BindTransceiver, BindTransceiverResp, DeliverSm, Pdu, Response
from smppbridge.smpp.session import Event, Received, Role, Session, State, Timers
from tests.unit.smpp.samples import SAMPLES, wire
from tests.unit.smpp.strategies import OCTETS, PDU_STREAMS, pdus_of

STREAM = b"".join([octets for octets, _ in SAMPLES])
ENDS = list(itertools.accumulate(len(octets) for octets, _ in SAMPLES))

fuzz = settings(deadline=None)  # a busy machine is no failure

# A header that can be read, and any body: gets further than octets at random.
FRAMED = st.builds(
    lambda command_id, body, status, number: wire(command_id, body, status=status, number=number),
    st.sampled_from(sorted(PDUS)) | st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=80),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 5) | st.integers(0, 0xFFFFFFFF),
)
NOISE = st.binary(max_size=200) | st.lists(FRAMED, max_size=6).map(b"".join)


def pieces(octets: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(octets) + 1) for cut in cuts), len(octets)]
    return [octets[a:b] for a, b in itertools.pairwise(edges)]


def read(chunks: list[bytes], *, lenient: bool = False) -> list[Item]:
    decoder = Decoder(lenient=lenient)
    return [item for chunk in chunks for item in decoder.feed(chunk)]


def described(items: list[Item]) -> list[object]:
    """Items that can be compared: errors by what they say."""
    return [item if isinstance(item, Pdu) else (type(item), item.args, vars(item)) for item in items]


@pytest.mark.parametrize("cls", PDUS.values())
@fuzz
@given(data=st.data())
def test_what_is_written_is_read_again(cls: type[Pdu], data: st.DataObject) -> None:
    pdu = data.draw(pdus_of(cls))
    octets = encode(pdu)
    assert read([octets]) == [pdu]
    assert read([octets], lenient=True) == [pdu]


@fuzz
@given(PDU_STREAMS, st.lists(st.integers(0, 10000), max_size=10))
def test_the_way_a_stream_is_cut_does_not_matter(pdus: list[Pdu], cuts: list[int]) -> None:
    octets = b"".join([encode(pdu) for pdu in pdus])
    assert read(pieces(octets, cuts)) == pdus


@fuzz
@given(NOISE, st.lists(st.integers(0, 1000), max_size=5), st.booleans())
def test_noise_gives_the_same_items_however_it_is_cut(octets: bytes, cuts: list[int], lenient: bool) -> None:
    whole = read([octets], lenient=lenient)
    assert described(read(pieces(octets, cuts), lenient=lenient)) == described(whole)
    assert all(isinstance(item, Pdu | PduError | FramingError) for item in whole)
    assert not any(isinstance(item, FramingError) for item in whole[:-1])


@fuzz
@given(FRAMED)
def test_responses_are_always_read(octets: bytes) -> None:
    (item,) = read([octets])
    cls = PDUS.get(int.from_bytes(octets[4:8], "big"))
    if cls is not None and issubclass(cls, Response):
        assert type(item) is cls


@pytest.mark.parametrize("sample", [octets for octets, _ in SAMPLES])
@fuzz
@given(position=st.integers(0, 1000), octet=OCTETS)
def test_damage_to_one_octet_of_a_body_spoils_no_other_pdu(sample: bytes, position: int, octet: int) -> None:
    damaged = bytearray(sample)
    damaged[4 + position % (len(sample) - 4)] = octet
    items = read([bytes(damaged) + wire(0x15, number=7)])
    assert len(items) == 2
    assert items[1] == PDUS[0x15](sequence_number=7)


@fuzz
@given(position=st.integers(0, len(STREAM) - 1), octet=OCTETS, lenient=st.booleans())
def test_damage_to_one_octet_of_a_stream_spoils_nothing_before_it(
    position: int, octet: int, lenient: bool
) -> None:
    damaged = STREAM[:position] + bytes((octet,)) + STREAM[position + 1 :]
    whole = [pdu for (_, pdu), end in zip(SAMPLES, ENDS, strict=True) if end <= position]
    assert read([damaged], lenient=lenient)[: len(whole)] == whole


def bound(role: Role) -> Session:
    """A session that has bound as transceiver, with some requests of its own outstanding."""
    session = Session(role, 0, timers=Timers(enquire_link=5, response=8))
    if role is Role.SMSC:
        (event,) = session.receive(encode(BindTransceiver("pbx", interface_version=0x34)), 0)
        assert isinstance(event, Received)
        session.respond(event.pdu, BindTransceiverResp())
        for _ in range(3):
            session.request(DeliverSm(), 0)
    else:
        session.request(BindTransceiver("pbx"), 0)
        session.receive(encode(BindTransceiverResp(sequence_number=1)), 0)
    assert session.state is State.BOUND_TRX
    session.drain()
    return session


@pytest.mark.parametrize("role", Role)
@fuzz
@given(chunks=st.lists(NOISE, max_size=5))
def test_a_session_survives_any_octets_in_any_state(role: Role, chunks: list[bytes]) -> None:
    for session in (Session(role, 0), bound(role)):
        events: list[Event] = []
        for now, chunk in enumerate(chunks):
            events += session.receive(chunk, now)
            events += session.tick(now)
        for event in events:
            if isinstance(event, Received):
                session.refuse(event.pdu, 0x08)
        check_output(session.drain())
        session.lost()
        assert session.state is State.CLOSED


def check_output(octets: bytes) -> None:
    """All that a session writes can be read."""
    assert all(isinstance(item, Pdu) for item in read([octets]))


@pytest.mark.parametrize("role", Role)
@fuzz
@given(pdus=PDU_STREAMS, cuts=st.lists(st.integers(0, 10000), max_size=5))
def test_a_session_survives_valid_pdus_in_any_order(role: Role, pdus: list[Pdu], cuts: list[int]) -> None:
    octets = b"".join([encode(pdu) for pdu in pdus])
    whole, cut = bound(role), bound(role)
    whole_events = whole.receive(octets, 1)
    cut_events = [event for piece in pieces(octets, cuts) for event in cut.receive(piece, 1)]
    key = repr  # Unbound and Closing stand last in each list, hence the sorting
    if whole.state is not State.CLOSED and cut.state is not State.CLOSED:
        assert sorted(map(key, cut_events)) == sorted(map(key, whole_events))
    check_output(whole.drain())
    check_output(cut.drain())
