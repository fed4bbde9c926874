"""What an upstream SMSC delivers, and the small readers under it: receipts in any notation, times, TLVs, user
data headers, texts in every encoding.

Nothing leaves a reader but what its docstring says. What is stored of a receipt or of a message from a phone
fits the store. Texts are also repeated, so that a pattern that goes back and forth shows.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

from smppbridge.errors import PduError, Refused
from smppbridge.model.message import Inbound
from smppbridge.providers.upstream.deliver_sm import Reader
from smppbridge.providers.upstream.options import SmppOptions
from smppbridge.smpp.concat import elements, port_element, read_header, read_sar
from smppbridge.smpp.constants import EsmClass, Tag
from smppbridge.smpp.gsm import pack_septets, unpack_septets
from smppbridge.smpp.hints import suspicious
from smppbridge.smpp.pdu import DataSm, DeliverSm
from smppbridge.smpp.receipt import parse_receipt, state_of
from smppbridge.smpp.text import ENCODINGS, choose_coding, decode_text, encode_text, parts
from smppbridge.smpp.times import format_absolute, parse_time
from smppbridge.smpp.tlv import read_tlvs, tlv, tlv_value, write_tlvs
from tests.fuzz.kept import keep
from tests.fuzz.loops import run
from tests.fuzz.pdus import read_pdu, write_pdus
from tests.fuzz.reading import Octets
from tests.support.builders.rows import NOW

LONGEST = 64 * 1024  # octets of a repeated text: message_payload holds no more
MOMENT = datetime(2026, 11, 30, tzinfo=UTC)
RULES = ("auto", "hex", "decimal", "as-is")
RECEIPT = "id:17 sub:001 dlvrd:001 submit date:2611301200 done date:2611301201 stat:DELIVRD err:000 text:Door"


def target(data: bytes) -> None:
    """One input to one reader. Raises whatever the reader should not raise."""
    octets = Octets(data)
    octets.choice(READERS)(octets)


def seeds() -> Iterator[bytes]:
    """Each reader with what it likes."""
    payload = (tlv(Tag.MESSAGE_PAYLOAD, RECEIPT.encode()),)
    delivered: tuple[DeliverSm | DataSm, ...] = (
        DeliverSm(source_addr="375291234567", esm_class=EsmClass.RECEIPT, short_message=RECEIPT.encode()),
        DeliverSm(
            source_addr="375291234567",
            esm_class=EsmClass.INTERMEDIATE,
            tlvs=(
                tlv(Tag.RECEIPTED_MESSAGE_ID, "1a2b"),
                tlv(Tag.MESSAGE_STATE, 5),
                tlv(Tag.NETWORK_ERROR_CODE, b"\3\0\7"),
                tlv(Tag.ADDITIONAL_STATUS_INFO_TEXT, "no such phone"),
            ),
        ),
        DeliverSm(esm_class=EsmClass.UDHI, data_coding=8, short_message=b"\5\0\3\1\2\1\4\x1f"),
        DeliverSm(source_addr="+7", data_coding=8, short_message="Да".encode("utf-16-be")),
        DeliverSm(esm_class=4, data_coding=8, short_message=RECEIPT[:70].encode("utf-16-be")),
        DataSm(source_addr="375291234567", esm_class=EsmClass.RECEIPT, tlvs=payload),
        DataSm(tlvs=(*payload, tlv(0x020C, 7), tlv(0x020E, 2), tlv(0x020F, 1))),
    )
    for rule in range(len(RULES)):
        for pdu in delivered:
            yield bytes((0, rule, isinstance(pdu, DataSm), rule & 1)) + write_pdus([pdu])
    forms = (
        RECEIPT,
        RECEIPT.replace(" ", "  ").upper(),
        "ID: 17 STAT : UNDELIV submit  date :20261130120000 donedate:261130120000000+ err:",
        "text:id:1 id:2 stat:EXPIRED sub:",
    )
    for form in forms:
        yield b"\1\0" + form.encode()
        yield b"\1\xff" + form.encode()
    for time in ("261130120000004+", "000001000000000R", "991231235959948-", "261130", "009912313359000R"):
        yield b"\2" + time.encode()
    yield b"\3" + write_tlvs((*payload, tlv(Tag.MESSAGE_STATE, 2), tlv(Tag.SOURCE_PORT, 80), (0x1400, b"")))
    yield b"\4\5\0\3\1\2\1text"
    yield b"\4\x0b\5\4\x0b\x84\x23\xf0\0\3\7\2\1text"
    for coding in range(len(ENCODINGS)):
        yield bytes((5, 0, coding, 0)) + "Дверь @ {открыта}".encode("utf-16-be")
        yield bytes((5, coding, 0, 200)) + b"\x1b\x3cDoor\x1b"


def _delivered(octets: Octets) -> None:
    rule, data_sm = octets.choice(RULES), octets.number() & 1
    options = SmppOptions.model_validate(
        {
            "kind": "smpp",
            "host": "smsc.example.org",
            "port": 2775,
            "system_id": "us",
            "password": "secret12",
            "message_id": rule,
            "receipts_by_text": bool(octets.number() & 1),
        }
    )
    pdu = read_pdu(DataSm, octets) if data_sm else read_pdu(DeliverSm, octets)
    try:
        news = Reader(options).read(pdu, NOW)
    except ValueError:
        return
    assert not isinstance(news, Inbound) or news.octets is None or len(news.octets) <= 254
    run(keep([news]))


def _receipt(octets: Octets) -> None:
    times = 1 + octets.number() * 8
    text = (octets.rest() * times)[:LONGEST].decode("latin-1")
    receipt = parse_receipt(text)
    if receipt.stat is not None:
        state_of(receipt.stat)
    for date in (receipt.submit_date, receipt.done_date):
        assert date is None or 1 <= date.year <= 9999


def _time(octets: Octets) -> None:
    try:
        moment = parse_time(octets.rest().decode("latin-1"), MOMENT)
    except ValueError as error:
        assert str(error)
        return
    if moment is not None:
        assert moment.utcoffset() is not None
        with suppress(ValueError):
            assert parse_time(format_absolute(moment), MOMENT) == moment.replace(microsecond=0)


def _tlvs(octets: Octets) -> None:
    raw = octets.rest()
    tolerated = read_tlvs(raw, 0, tolerant=True)
    for tag, value in tolerated:
        tlv_value(tag, value)
    assert read_tlvs(write_tlvs(tolerated), 0, tolerant=True) == tolerated
    read_sar(tolerated)
    assert len(port_element(tolerated)) in (0, 6)
    with suppress(PduError):
        assert read_tlvs(raw, 0, tolerant=False) == tolerated


def _header(octets: Octets) -> None:
    raw = octets.rest()
    header = read_header(raw)
    if header is not None:
        assert raw.startswith(header.octets)
        list(elements(header.octets))
        unpack_septets(raw[len(header.octets) :], len(header.octets))
    septets = bytes(octet & 0x7F for octet in raw)
    unpacked = unpack_septets(pack_septets(septets))
    assert unpacked[: len(septets)] == septets


def _text(octets: Octets) -> None:
    default, coding = octets.choice(tuple(ENCODINGS)), octets.number()
    raw = octets.rest()[:4096]
    suspicious(raw, coding)
    try:
        text = decode_text(raw, coding, default)
    except Refused as refused:
        assert refused.status and refused.reason
        return
    if default in ("latin-1", "cp1251", "koi8-r", "cp866", "ascii", "iso-8859-5"):
        with suppress(ValueError):  # no data_coding that is written
            assert encode_text(text, coding, default) == raw or coding not in (0, 3)
    assert 1 <= parts(text) <= max(1, len(raw))
    assert choose_coding(text)[0] in (3, 8)


READERS: tuple[Callable[[Octets], None], ...] = (_delivered, _receipt, _time, _tlvs, _header, _text)
