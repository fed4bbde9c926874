"""Receipts of every habit, and whatever else an SMSC may deliver."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppbridge.model.message import State, StatusReport
from smppbridge.providers.upstream.deliver_sm import Reader
from smppbridge.providers.upstream.message_ids import stored_id
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import DataSm, DeliverSm
from smppbridge.smpp.receipt import parse_receipt, state_of
from smppbridge.smpp.tlv import Tlv, tlv
from tests.support.builders.messages import NOW
from tests.support.system.vectors import vectors
from tests.unit.providers.upstream.samples import PHONE, deliver, inbound_of, options, receipt, report_of
from tests.unit.smpp.strategies import pdus_of

RULES = ["as-is", "hex", "decimal", "auto"]


def test_a_receipt() -> None:
    text = "id:0A1 sub:001 dlvrd:000 submit date:2602282159 done date:2602282200 stat:UNDELIV err:075 text:Hi"
    expected = StatusReport(
        "a1",
        State.UNDELIVERABLE,
        True,
        75,
        "UNDELIV",
        also=("161",),
        recipient=PHONE,
        reason="UNDELIV err:075",
    )
    assert report_of(receipt(text)) == expected
    assert report_of(receipt(text), message_id="as-is") == expected._replace(provider_ref="0A1", also=())


@pytest.mark.parametrize(
    ("word", "state", "final"),
    [
        ("DELIVRD", 2, True),
        ("DELIVERY", 2, True),
        ("delivered", 2, True),
        ("EXPIRED", 3, True),
        ("DELETED", 4, True),
        ("UNDELIV", 5, True),
        ("FAILED", 5, True),
        ("ACCEPTD", 6, False),
        ("ENROUTE", 1, False),
        ("UNKNOWN", 7, True),
        ("REJECTED", 8, True),
        ("REJECTD", 8, True),
        ("BUFFERED", 7, False),
    ],
)
def test_words(word: str, state: int, final: bool) -> None:
    report = report_of(receipt(f"id:1 stat:{word}"))
    assert (report.state, report.final, report.code) == (state, final, word)


@pytest.mark.parametrize(
    ("number", "state", "final"),
    [
        *((1, 1, False), (2, 2, True), (3, 3, True), (4, 4, True), (5, 5, True), (6, 6, False)),
        *((7, 7, True), (8, 8, True), (0, 7, False), (9, 7, False), (255, 7, False)),
    ],
)
def test_message_state_goes_before_the_text(number: int, state: int, final: bool) -> None:
    report = report_of(receipt("id:1 stat:DELIVRD", tlv(Tag.MESSAGE_STATE, number)))
    assert (report.state, report.final, report.code) == (state, final, "DELIVRD")


def test_tlvs_alone_are_enough() -> None:
    tlvs = (tlv(Tag.RECEIPTED_MESSAGE_ID, "0AB"), tlv(Tag.MESSAGE_STATE, 8))
    error = tlv(Tag.NETWORK_ERROR_CODE, b"\x03\x02\x59")
    report = report_of(receipt("", *tlvs, error))
    assert (report.provider_ref, report.also, report.recipient) == ("ab", ("171",), PHONE)
    assert (report.state, report.final, report.err, report.code) == (State.REJECTED, True, 601, "REJECTD")
    # esm_class may say nothing, and the unknown state has no word
    unknown = (tlvs[0], tlv(Tag.MESSAGE_STATE, 9))
    assert report_of(deliver(tlvs=unknown)).code == "message_state 9"


def test_the_id_of_the_tlv_goes_first() -> None:
    pdu = receipt("id:5000 stat:DELIVRD", tlv(Tag.RECEIPTED_MESSAGE_ID, "6000"))
    assert report_of(pdu).provider_ref == "6000"
    unended = receipt("id:5000 stat:DELIVRD", (Tag.RECEIPTED_MESSAGE_ID, b"6000 "))
    assert report_of(unended).provider_ref == "6000"
    blank = receipt("id:5000 stat:DELIVRD", (Tag.RECEIPTED_MESSAGE_ID, b" \0"))
    assert report_of(blank).provider_ref == "5000"


@pytest.mark.parametrize(
    ("esm_class", "final"), [(0x04, True), (0x24, True), (0x20, False), (0x07, True), (0x84, True)]
)
def test_types(esm_class: int, final: bool) -> None:
    report = report_of(receipt("id:1 stat:DELIVRD", esm_class=esm_class))
    assert (report.state, report.final, report.provider_ref) == (2, final, "1")


@pytest.mark.parametrize(
    ("written", "tlvs", "err", "code"),
    [
        ("err:000", (), 0, "X"),
        ("err:7", (), 7, "X"),
        ("err:999", (), 999, "X"),
        ("", (), 0, "X"),
        ("err:", (), 0, "X"),
        ("err:0000", (), 0, "X"),
        ("err:null", (), 0, "X"),
        ("err:1234", (), 0, "X 1234"),
        ("err:00B", (), 0, "X 00B"),
        ("err:00B", (tlv(Tag.NETWORK_ERROR_CODE, b"\x03\x00\x0b"),), 11, "X 00B"),
        ("", (tlv(Tag.NETWORK_ERROR_CODE, b"\x03\xff\xff"),), 999, "X"),
        ("err:075", (tlv(Tag.NETWORK_ERROR_CODE, b"\x03\x00\x0b"),), 75, "X"),
        ("", ((Tag.NETWORK_ERROR_CODE, b""),), 0, "X"),
        ("", ((Tag.NETWORK_ERROR_CODE, b"\x05"),), 5, "X"),
        ("err:\xb2", (), 0, "X"),
        ("err:" + "Z" * 80, (), 0, "X " + "Z" * 30),
    ],
)
def test_err(written: str, tlvs: tuple[Tlv, ...], err: int, code: str) -> None:
    report = report_of(receipt(f"id:1 stat:X {written}", *tlvs))
    assert (report.err, report.code) == (err, code)


GSM_ERROR = tlv(Tag.NETWORK_ERROR_CODE, b"\x03\x00\x1b")
SAID = tlv(Tag.ADDITIONAL_STATUS_INFO_TEXT, "absent\n375291234567")


@pytest.mark.parametrize(
    ("text", "tlvs", "reason"),
    [
        ("stat:UNDELIV err:027", (), "UNDELIV err:027"),
        ("stat:UNDELIV err:000", (), ""),
        ("stat:REJECTED", (), ""),
        ("stat:EXPIRED err:null", (GSM_ERROR,), "EXPIRED network error 27 (GSM)"),
        ("stat:UNDELIV err:00B", (GSM_ERROR, SAID), "UNDELIV err:00B network error 27 (GSM) absent 3752***"),
        (
            "stat:UNDELIV",
            (tlv(Tag.NETWORK_ERROR_CODE, b"\x07\x01\x00"),),
            "UNDELIV network error 256 (type 7)",
        ),
        ("stat:UNDELIV", (tlv(Tag.NETWORK_ERROR_CODE, b"\x03\x00\x00"),), ""),
        ("stat:DELIVRD err:027", (GSM_ERROR,), ""),
        ("stat:ENROUTE err:027", (GSM_ERROR,), ""),
    ],
)
def test_why_it_did_not_arrive(text: str, tlvs: tuple[Tlv, ...], reason: str) -> None:
    assert report_of(receipt(f"id:1 {text}", *tlvs)).reason == reason


def test_code_is_short_printable_ascii() -> None:
    assert report_of(receipt("id:1 stat:D\xc9L\x07VRD")).code == "DLVRD"
    assert report_of(receipt("id:1 stat:" + "W" * 100)).code == "W" * 32


@pytest.mark.parametrize(
    ("address", "digits"), [("+375 29 671", "37529671"), ("ALARM", ""), ("", ""), ("\xb2\xb3", "")]
)
def test_the_phone_that_a_receipt_is_about(address: str, digits: str) -> None:
    assert report_of(receipt("id:1 stat:DELIVRD", source_addr=address)).recipient == digits


def test_where_the_text_may_be() -> None:
    text = b"id:1 stat:DELIVRD"
    payload = (tlv(Tag.MESSAGE_PAYLOAD, text),)
    wide = text.decode().encode("utf-16-be")
    header = b"\x05\x00\x03\x01\x02\x01"
    for pdu in (
        deliver(esm_class=4, tlvs=payload),
        DataSm(esm_class=4, tlvs=payload),
        deliver(wide, esm_class=4, data_coding=8),
        deliver(b"\xfe\xff" + wide, esm_class=4, data_coding=8),
        deliver(text + b"\0", esm_class=4),
        deliver(text, esm_class=4, data_coding=4),
        deliver(text + b" err:000 text:\xff\xfe", esm_class=4, data_coding=1),
        deliver(wide + b" ", esm_class=4, data_coding=0x18),
        deliver(header + text, esm_class=0x44),
        deliver(text, esm_class=0x44),  # a header that is none
    ):
        assert report_of(pdu).provider_ref == "1"


@pytest.mark.parametrize(
    "pdu",
    [
        receipt(""),
        receipt("stat:DELIVRD"),
        receipt("id:1"),
        receipt("id:1 err:000"),
        receipt("hello"),
        receipt("id: stat:DELIVRD"),
        receipt("id:" + "1" * 256 + " stat:DELIVRD"),
        receipt("", tlv(Tag.MESSAGE_STATE, 2)),
        receipt("id:1", (Tag.MESSAGE_STATE, b"")),
        deliver(tlvs=(tlv(Tag.RECEIPTED_MESSAGE_ID, "1"),)),
        receipt("id:1 stat:DELIVRD".encode("utf-16-be").decode("latin-1"), data_coding=0),
    ],
)
def test_receipts_that_say_too_little(pdu: DeliverSm) -> None:
    with pytest.raises(ValueError, match="a receipt without a"):
        Reader(options()).read(pdu, NOW)


def test_receipts_by_text_need_their_phone() -> None:
    """Whoever writes such a text with a phone decides about messages to this phone only."""
    pdu = deliver(b"id:0A1 sub:001 dlvrd:001 stat:DELIVRD err:000 text:")
    report = report_of(pdu)
    assert (report.provider_ref, report.also, report.recipient) == ("", ("a1", "161"), PHONE)
    assert (report.state, report.final) == (2, True)
    assert report_of(pdu, message_id="as-is").also == ("0A1",)
    assert report_of(deliver(b"id:31 stat:DELIVRD"), message_id="hex").also == ("31",)
    assert inbound_of(pdu, receipts_by_text=False).text.startswith("id:0A1")
    wide = "\ufeffID : 7 Stat:delivrd".encode("utf-16-be")
    assert report_of(deliver(wide, data_coding=8)).also == ("7",)


@pytest.mark.parametrize(
    "pdu",
    [
        deliver(b"my id:1 stat:DELIVRD"),
        deliver(b"id:1 state"),
        deliver(b"id:1 text:stat:DELIVRD", esm_class=0x10),  # typed by a person, as its type says
        deliver(b"stat:DELIVRD id:1"),
        deliver(b"id:1 stat:DELIVRD", data_coding=8),
        deliver(bytes.fromhex("050003070201") + b"id:1 stat:DELIVRD", esm_class=0x40),
    ],
)
def test_what_is_no_receipt_by_its_text(pdu: DeliverSm) -> None:
    inbound_of(pdu)


def test_shared_vectors(subtests: pytest.Subtests) -> None:
    for vector in vectors("receipt"):
        with subtests.test(vector["name"]):
            check(vector)


def check(vector: dict[str, Any]) -> None:
    octets = bytes.fromhex(vector["hex"])
    coding = vector.get("data_coding", 0)
    parsed = parse_receipt(octets.decode("utf-16-be" if coding == 8 else "latin-1"))
    pdu = deliver(octets, esm_class=4, data_coding=coding)
    if parsed.id is None or parsed.stat is None:
        with pytest.raises(ValueError, match="a receipt without a"):
            Reader(options()).read(pdu, NOW)
        return
    report = report_of(pdu)
    assert report.provider_ref == stored_id("auto", parsed.id)
    assert (report.state, report.final) == state_of(parsed.stat)
    assert report.code.startswith(parsed.stat)
    numeric = (parsed.err or "").isdigit() and len(parsed.err or "") <= 3
    assert report.err == (int(parsed.err or "0") if numeric else 0)


# --- anything --------------------------------------------------------------------------------------

_TAGS = st.sampled_from([0x001E, 0x0427, 0x0423, 0x0424, 0x020C, 0x020E, 0x020F])
_TLVS = st.lists(st.tuples(_TAGS, st.binary(max_size=8) | st.binary(max_size=300)), max_size=7).map(tuple)
_FRAGMENTS = [b"id:", b"stat:", b"DELIVRD", b" ", b"err:", b"1", b"a", b"text:", b"\0", b"\xff", b"\x1b"]
_OCTETS = st.binary(max_size=254) | st.lists(st.sampled_from(_FRAGMENTS), max_size=20).map(b"".join)


@given(
    pdus_of(DeliverSm) | pdus_of(DataSm),
    st.none() | _OCTETS,
    st.none() | _TLVS,
    st.sampled_from(RULES),
    st.sampled_from(["gsm", "latin-1", "ascii", "cp1251", "utf-8"]),
)
def test_nothing_that_comes_is_a_problem(
    pdu: DeliverSm | DataSm, octets: bytes | None, tlvs: tuple[Tlv, ...] | None, rule: str, default: str
) -> None:
    if isinstance(pdu, DeliverSm) and octets is not None:
        pdu.short_message = octets
    if tlvs is not None:
        pdu.tlvs = tlvs
    try:
        news = Reader(options(message_id=rule, default_encoding=default)).read(pdu, NOW)
    except ValueError:
        return
    if isinstance(news, StatusReport):
        assert news.provider_ref or news.also
        assert 0 <= news.err <= 999
        assert 1 <= news.state <= 8
        assert len(news.code) <= 32
        assert news.code.isascii()
    else:
        assert not (news.text and news.octets)
        assert len(news.octets or b"") <= 254
