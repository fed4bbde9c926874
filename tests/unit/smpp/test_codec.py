"""Octets to PDUs and back, by the hand-written samples."""

import time

import pytest

from smppbridge.errors import FramingError, PduError
from smppbridge.smpp.addresses import SmeAddress
from smppbridge.smpp.codec import Decoder, Item, encode
from smppbridge.smpp.pdu import (
    PDUS,
    BindTransceiver,
    DeliverSm,
    EnquireLink,
    Pdu,
    SubmitMulti,
    SubmitSm,
    SubmitSmResp,
)
from smppbridge.smpp.tlv import tlv
from tests.unit.smpp.samples import PLAIN_SUBMIT, REACTIONS, SAMPLES, SUBMIT_BODY, TOLERATED, UNFRAMED, wire


def one(octets: bytes, *, lenient: bool = False, password_max: int = 65) -> Item:
    (item,) = Decoder(lenient=lenient, password_max=password_max).feed(octets)
    return item


def test_every_pdu_type_has_a_sample() -> None:
    assert {type(pdu) for _, pdu in SAMPLES} == set(PDUS.values())


@pytest.mark.parametrize(("octets", "pdu"), SAMPLES)
def test_a_sample_reads_as_its_pdu_and_writes_as_its_octets(octets: bytes, pdu: Pdu) -> None:
    assert one(octets) == pdu
    assert one(octets, lenient=True) == pdu
    assert encode(pdu) == octets


@pytest.mark.parametrize(("octets", "pdu"), [pytest.param(*rest, id=name) for name, *rest in TOLERATED])
def test_what_real_peers_get_wrong_is_read(octets: bytes, pdu: Pdu) -> None:
    assert one(octets) == pdu


@pytest.mark.parametrize(("octets", "status"), [pytest.param(*rest, id=name) for name, *rest in REACTIONS])
def test_a_malformed_pdu_gets_the_reaction_and_the_next_one_is_read(octets: bytes, status: int) -> None:
    error, following = Decoder().feed(octets + wire(0x15, number=2))
    assert isinstance(error, PduError)
    assert error.status == status
    assert error.command_id == int.from_bytes(octets[4:8], "big")
    assert error.sequence_number == 1
    assert following == EnquireLink(sequence_number=2)


@pytest.mark.parametrize("octets", UNFRAMED)
def test_an_impossible_length_is_found_at_its_fourth_octet_and_ends_the_stream(octets: bytes) -> None:
    decoder = Decoder()
    assert decoder.feed(octets[:3]) == []
    (error,) = decoder.feed(octets[3:])
    assert isinstance(error, FramingError)
    assert (error.status, error.command_id, error.sequence_number) == (0x02, 0, 0)
    assert decoder.feed(wire(0x15)) == []


def test_pdus_before_an_impossible_length_are_read() -> None:
    items = Decoder().feed(wire(0x15) + b"\0\0\0\0" + wire(0x15))
    assert [type(item) for item in items] == [EnquireLink, FramingError]


def test_max_octets_is_the_largest_length_that_is_read() -> None:
    decoder = Decoder(max_octets=100)
    assert len(decoder.feed(wire(0x15, bytes(84)))) == 1
    (error,) = decoder.feed(wire(0x15, bytes(85))[:4])
    assert isinstance(error, FramingError)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 16, 17, 100])
def test_pdus_come_out_as_soon_as_their_last_octet_is_there(size: int) -> None:
    stream = b"".join([octets for octets, _ in SAMPLES])
    decoder = Decoder()
    found: list[Item] = []
    for start in range(0, len(stream), size):
        found += decoder.feed(stream[start : start + size])
    assert found == [pdu for _, pdu in SAMPLES]


def test_large_pdus_in_single_octets_cost_linear_time() -> None:
    octets = wire(0x15, bytes(400_000))
    decoder = Decoder(max_octets=len(octets))
    started = time.process_time()
    items = [item for octet in octets for item in decoder.feed(bytes((octet,)))]
    assert items == [EnquireLink(sequence_number=1)]
    assert time.process_time() - started < 2  # about 0.1 s; copying what is there each time takes over 10 s


@pytest.mark.parametrize(
    ("pdu", "together"),
    [
        (EnquireLink(), 8),
        (SubmitSm(short_message=b"x" * 200), 8),
        (SubmitSm(tlvs=((0x0424, b"x" * 700),)), 3),  # 256 octets count as a PDU
        (SubmitMulti(dest_address=(SmeAddress(1, 1, "375291234567"),) * 3), 2),  # and so does a destination
    ],
)
def test_most_ends_a_call_and_the_next_one_goes_on(pdu: Pdu, together: int) -> None:
    decoder = Decoder(most=8)
    items = decoder.feed(encode(pdu) * 9 + b"\0\0")
    assert len(items) == together
    while decoder.behind:
        more = decoder.feed(b"")
        assert len(more) <= together
        items += more
    assert len(items) == 9
    assert decoder.feed(b"\0\x10" + encode(EnquireLink())[4:]) == [EnquireLink()]
    assert not decoder.behind


def test_nothing_is_behind_the_last_pdu() -> None:
    decoder = Decoder(most=2)
    assert len(decoder.feed(encode(EnquireLink()) * 2)) == 2
    assert not decoder.behind


def test_a_lenient_decoder_takes_what_an_smsc_sends_too_long() -> None:
    octets = wire(0x05, b"smscsim" + SUBMIT_BODY[3:] + b"\x00\x1e\x00\x42" + b"7" * 66)
    assert isinstance(one(octets), PduError)
    deliver = one(octets, lenient=True)
    assert isinstance(deliver, DeliverSm)
    assert deliver.service_type == "smscsim"
    assert deliver.tlv(0x001E) == "7" * 66


def test_a_lenient_decoder_still_refuses_what_cannot_be_read() -> None:
    error = one(wire(0x05, PLAIN_SUBMIT + b"\x03hi"), lenient=True)
    assert isinstance(error, PduError)
    assert error.status == 0x01


def test_password_max_counts_the_nul() -> None:
    def bind(length: int) -> bytes:
        return wire(0x09, b"pbx\0" + b"p" * length + b"\0\0\x34\0\0\0")

    assert isinstance(one(bind(8), password_max=9), BindTransceiver)
    error = one(bind(9), password_max=9)
    assert isinstance(error, PduError)
    assert error.status == 0x0E


def test_secrets_do_not_show() -> None:
    assert "secret" not in repr(BindTransceiver("pbx", "secret"))


@pytest.mark.parametrize("number", [0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_any_sequence_number_is_read_and_written(number: int) -> None:
    octets = wire(0x15, number=number)
    pdu = one(octets)
    assert pdu == EnquireLink(sequence_number=number)
    assert isinstance(pdu, EnquireLink)
    assert encode(pdu) == octets


def test_order_and_repetition_of_tlvs_are_kept() -> None:
    tlvs = ((0x0381, b"\1\1\x01123"), (0x3FFF, b""), (0x0381, b"\1\1\x01456"), (0x0005, b"\1"))
    octets = encode(SubmitSm(tlvs=tlvs))
    pdu = one(octets)
    assert isinstance(pdu, SubmitSm)
    assert pdu.tlvs == tlvs
    assert pdu.tlv(0x0381) == b"\1\1\x01123"


@pytest.mark.parametrize(
    ("pdu", "culprit"),
    [
        (SubmitSm(source_addr="1" * 21), "source_addr"),
        (SubmitSm(destination_addr="1\0"), "destination_addr"),
        (SubmitSm(service_type="Привет"[:5]), "service_type"),
        (SubmitSm(esm_class=256), "esm_class"),
        (SubmitSm(data_coding=-1), "data_coding"),
        (SubmitSm(short_message=bytes(255)), "short_message"),
        (SubmitSmResp("7" * 65), "message_id"),
        (SubmitSmResp("№"), "message_id"),
        (SubmitMulti(), "dest_address"),
        (SubmitSm(tlvs=((0x10000, b""),)), "tlvs"),
        (SubmitSm(tlvs=(tlv(0x3FFF, bytes(0x10000)),)), "tlvs"),
        (EnquireLink(sequence_number=1 << 32), "sequence_number"),
        (SubmitSmResp(command_status=-1), "command_status"),
    ],
)
def test_what_does_not_fit_is_named_and_not_written(pdu: Pdu, culprit: str) -> None:
    with pytest.raises(ValueError, match=culprit):
        encode(pdu)
