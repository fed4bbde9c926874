"""Messages as submit_sm: every field, every coding, long texts four ways."""

from datetime import UTC, datetime

import pytest

from smppbridge.errors import Refused
from smppbridge.providers.upstream.options import SmppOptions
from smppbridge.providers.upstream.wire import Wire
from smppbridge.smpp.codec import encode
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.gsm import encode_gsm
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.smpp.times import parse_time
from smppbridge.smpp.tlv import Tlv, tlv, write_tlvs
from tests.support.builders.messages import NOW, draft
from tests.unit.providers.upstream.samples import (
    REFERENCE,
    assistent,
    options,
    refusal,
    sar_tlvs,
    submit,
    submits,
    text_of,
)

PORTS = bytes.fromhex("06050415811581")  # a header for an application


# --- fields ----------------------------------------------------------------------------------------


def test_the_fields_of_a_submit_sm() -> None:
    pdu = submit(options(service_type="CMT"), text="Hi", data_coding=0, priority=2, protocol_id=0x41)
    assert pdu == SubmitSm(
        service_type="CMT",
        source_addr_ton=5,
        source_addr="Demo",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr="79000000001",
        protocol_id=0x41,
        priority_flag=2,
        validity_period="000001000000000R",
        registered_delivery=1,
        short_message=b"Hi",
    )
    encode(pdu)


def test_intermediate_notifications_are_asked_for_in_every_part() -> None:
    long = submits(options(intermediate=True), text="x" * 200, data_coding=0)
    assert [pdu.registered_delivery for pdu in long] == [0x11, 0x11]
    assert [pdu.registered_delivery for pdu in submits(options(), text="x" * 200, data_coding=0)] == [1, 1]


@pytest.mark.parametrize(
    ("sender", "standard", "dialect"),
    [
        ("Demo", (5, 0), (5, 0)),
        ("24-7", (5, 0), (5, 0)),
        ("1", (3, 0), (1, 0)),
        ("123456", (3, 0), (1, 0)),
        ("1234567", (1, 1), (1, 0)),
        ("375291234567", (1, 1), (1, 0)),
        ("", (0, 0), (0, 0)),
    ],
)
def test_type_and_plan_of_the_sender(
    sender: str, standard: tuple[int, int], dialect: tuple[int, int]
) -> None:
    for own, expected in ((options(), standard), (assistent(), dialect)):
        pdu = submit(own, sender=sender, text="Hi")
        assert (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr) == (*expected, sender)
        assert (pdu.dest_addr_ton, pdu.dest_addr_npi) == (1, 1)


def test_types_and_plans_can_be_set() -> None:
    keys = ("alpha_ton", "alpha_npi", "numeric_ton", "numeric_npi", "short_ton", "short_npi", "dest_ton")
    own = options(**{key: value for value, key in enumerate(keys, 11)}, dest_npi=18)
    for sender, ton in (("Demo", 11), ("375291234567", 13), ("112", 15)):
        pdu = submit(own, sender=sender, text="Hi")
        assert (pdu.source_addr_ton, pdu.source_addr_npi) == (ton, ton + 1)
        assert (pdu.dest_addr_ton, pdu.dest_addr_npi) == (17, 18)


def test_the_default_sender() -> None:
    own = options(default_sender="112")
    pdu = submit(own, sender="", text="Hi")
    assert (pdu.source_addr, pdu.source_addr_ton) == ("112", 3)
    assert submit(own, sender="Demo", text="Hi").source_addr == "Demo"


@pytest.mark.parametrize(
    ("left", "relative"),
    [
        (86_400_000, "000001000000000R"),
        (90_061_001, "000001010102000R"),
        (1, "000000000001000R"),
        (0, "000000000001000R"),
        (-5000, "000000000001000R"),
        (8 * 86_400_000, "000007000000000R"),
        (10**15, "000007000000000R"),
    ],
)
def test_validity_in_its_three_forms(left: int, relative: str) -> None:
    fields = {"text": "Hi", "deadline": NOW + left}
    assert submit(options(), **fields).validity_period == relative
    assert submit(options(validity="none"), **fields).validity_period == ""
    absolute = parse_time(submit(options(validity="absolute"), **fields).validity_period, datetime.now(UTC))
    assert absolute is not None
    seconds = min(max(left / 1000, 1), 7 * 86400)
    assert 0 <= absolute.timestamp() - NOW / 1000 - seconds < 2


# --- texts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "own", "codings", "default", "coding", "octets"),
    [
        ("a@€", 0, [0, 8], "gsm", 0, b"a\x00\x1be"),
        ("a@", 8, [0, 8], "gsm", 8, b"\0a\0@"),  # what the ESME chose
        ("a@", 8, [0], "gsm", 0, b"a\x00"),
        ("a@", 0x18, [0, 8], "gsm", 8, b"\0a\0@"),
        ("a@", 3, [0, 8], "gsm", 0, b"a\x00"),
        ("a@", 3, [0, 8, 3], "gsm", 3, b"a@"),
        ("й", 0, [0, 8], "gsm", 8, b"\x04\x39"),
        ("й", 8, [0, 8], "cp1251", 8, b"\x04\x39"),
        ("й", 0, [0, 8], "cp1251", 0, b"\xe9"),
        ("й", 8, [0], "utf-8", 0, b"\xd0\xb9"),
        ("é", 0, [1, 3, 8], "gsm", 3, b"\xe9"),
        ("e", 0, [1, 3, 8], "gsm", 1, b"e"),
        ("€", 3, [3, 8], "gsm", 8, b"\x20\xac"),
        ("😀", 0, [0, 8], "gsm", 8, b"\xd8\x3d\xde\x00"),
    ],
)
def test_the_coding_of_a_text(
    text: str, own: int, codings: list[int], default: str, coding: int, octets: bytes
) -> None:
    smsc = options(data_codings=codings, default_encoding=default)
    pdu = submit(smsc, text=text, data_coding=own)
    assert (pdu.data_coding, pdu.short_message, pdu.esm_class) == (coding, octets, 0)


@pytest.mark.parametrize(
    ("text", "codings", "default"),
    [
        ("й", [0], "gsm"),
        ("€", [3], "gsm"),
        ("é", [1], "gsm"),
        ("€", [0, 1, 3], "latin-1"),
        ("й", [0], "ascii"),
    ],
)
def test_a_text_that_no_coding_has_is_refused(text: str, codings: list[int], default: str) -> None:
    assert refusal(options(data_codings=codings, default_encoding=default), text=text) == 0x4A3


@pytest.mark.parametrize(
    ("flash", "coding", "default", "data_coding", "tlvs"),
    [
        ("data_coding", 0, "gsm", 0x10, ()),
        ("data_coding", 8, "gsm", 0x18, ()),
        ("data_coding", 3, "gsm", 3, (tlv(Tag.DEST_ADDR_SUBUNIT, 1),)),
        ("data_coding", 0, "latin-1", 0, (tlv(Tag.DEST_ADDR_SUBUNIT, 1),)),
        ("subunit", 0, "gsm", 0, (tlv(Tag.DEST_ADDR_SUBUNIT, 1),)),
        ("subunit", 8, "gsm", 8, (tlv(Tag.DEST_ADDR_SUBUNIT, 1),)),
        ("none", 0, "gsm", 0, ()),
        ("none", 8, "gsm", 8, ()),
    ],
)
def test_flash(flash: str, coding: int, default: str, data_coding: int, tlvs: tuple[Tlv, ...]) -> None:
    own = options(flash=flash, data_codings=[coding], default_encoding=default)
    for octets in (None, PORTS + b"\0H\0i" if coding == 8 else PORTS + b"Hi"):
        fields = {"data_coding": coding, "octets": octets, "text": "Hi" if octets is None else ""}
        if octets and not coding and default != "gsm":
            continue  # GSM 03.38 cannot be meant there
        pdu = submit(own, flash=True, **fields)
        assert (pdu.data_coding, pdu.tlvs) == (data_coding, tlvs)
        assert (submit(own, **fields).data_coding, submit(own, **fields).tlvs) == (coding, ())


def test_flash_is_said_once() -> None:
    raw = write_tlvs((tlv(Tag.DEST_ADDR_SUBUNIT, 1), tlv(Tag.USER_MESSAGE_REFERENCE, 7)))
    pdu = submit(options(flash="subunit"), text="Hi", flash=True, tlvs=raw)
    assert [tag for tag, _ in pdu.tlvs] == [Tag.USER_MESSAGE_REFERENCE, Tag.DEST_ADDR_SUBUNIT]


def test_the_shorter_coding_where_the_own_one_is_too_long() -> None:
    pdus = submits(options(), text="x" * 1000, data_coding=8)
    assert [pdu.data_coding for pdu in pdus] == [0] * 7
    Wire(options()).check(draft(text="x" * 1530))


def test_an_empty_text_is_refused() -> None:
    with pytest.raises(Refused) as raised:
        Wire(options()).check(draft(text=""))
    assert raised.value.status == 0x4A5


@pytest.mark.parametrize(("sender", "own"), [("Магазин", options()), ("my shop", assistent())])
def test_a_sender_is_refused(sender: str, own: SmppOptions) -> None:
    with pytest.raises(Refused) as raised:
        Wire(own).check(draft(sender))
    assert raised.value.status == 0x0A


@pytest.mark.parametrize("sender", ["", "CMC", "1234", "375291234567"])
def test_sms_assistent_takes_numbers_as_senders(sender: str) -> None:
    Wire(assistent()).check(draft(sender))


# --- optional parameters ---------------------------------------------------------------------------

REFERENCED = (tlv(Tag.USER_MESSAGE_REFERENCE, 7),)
LISTED = (
    tlv(Tag.SOURCE_PORT, 16000),
    tlv(Tag.CALLBACK_NUM, b"\1\1\1" + b"1" * 9),
    tlv(Tag.CALLBACK_NUM, b"2" * 9),
)
OTHERS = ((0x1500, b"\0\xff"), (0x2153, b""), tlv(Tag.QOS_TIME_TO_LIVE, 5))
NEVER = (tlv(Tag.MESSAGE_PAYLOAD, b"other"), *sar_tlvs(1, 2, 1))


@pytest.mark.parametrize(
    ("keys", "passed"),
    [
        ({"tlvs": "none"}, ()),
        ({"tlvs": "reference"}, REFERENCED),
        ({"tlvs": "known"}, (*LISTED, *REFERENCED)),
        ({"tlvs": "all"}, (*LISTED, *REFERENCED, *OTHERS)),
        ({"tlvs": "all", "interface_version": 0x33}, ()),
        ({"profile": "sms-assistent"}, REFERENCED),
    ],
)
def test_which_optional_parameters_are_passed_on(keys: dict[str, object], passed: tuple[Tlv, ...]) -> None:
    raw = write_tlvs((*LISTED, *NEVER, *REFERENCED, *OTHERS))
    assert submit(options(**keys), text="Hi", tlvs=raw).tlvs == passed
    for pdu in submits(options(**keys), text="x" * 300, tlvs=raw):
        assert pdu.tlvs == passed


def test_the_parameters_of_a_long_text_are_ours() -> None:
    raw = write_tlvs((*NEVER, *REFERENCED))
    first, second = submits(options(long="sar", tlvs="all"), text="x" * 200, data_coding=0, tlvs=raw)
    assert first.tlvs == (*REFERENCED, *sar_tlvs(REFERENCE, 2, 1))
    assert second.tlvs == (*REFERENCED, *sar_tlvs(REFERENCE, 2, 2))
    whole = submit(options(long="payload", tlvs="all"), text="x" * 200, data_coding=0, tlvs=raw)
    assert whole.tlvs == (*REFERENCED, (Tag.MESSAGE_PAYLOAD, b"x" * 200))


def test_every_character_of_gsm_goes_out_alike() -> None:
    text = "".join(chr(code) for code in range(0x3000) if encode_gsm(chr(code)) is not None)
    assert text_of(submits(options(), text=text, data_coding=0), "gsm") == text
