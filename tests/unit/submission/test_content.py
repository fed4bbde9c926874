"""What is to be sent: texts in every coding, binary content."""

from typing import Any

import pytest

from smppbridge.smpp.concat import header
from smppbridge.smpp.constants import Status, Tag
from smppbridge.smpp.tlv import tlv
from smppbridge.submission.content import Content, as_sent, coding_of, joined_text
from tests.support.builders.accounts import account
from tests.support.builders.messages import message
from tests.support.esme.esme import submit
from tests.unit.submission.contents import RICH, SAR, UDH, content, refusal

# --- services --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("service", "octets"), [("HLR", b""), ("FLSHC", b"1234"), ("CALL", b"door")])
def test_texts_of_services(service: str, octets: bytes) -> None:
    assert content(submit(octets), service, RICH) == Content(octets.decode(), None, False)


@pytest.mark.parametrize(
    ("service", "changes", "status"),
    [
        ("FLSHC", {"short_message": b"12345"}, Status.ESME_RINVTEXT),
        ("CALL", {"short_message": b""}, Status.ESME_RINVTEXT),
        ("CALL", {"data_coding": 4}, Status.ESME_RINVENCODING),
        ("HLR", {"data_coding": 0xF5}, Status.ESME_RINVENCODING),
        ("CALL", {"esm_class": 0x40, "short_message": UDH + b"x"}, Status.ESME_RINVESMCLASS),
        ("CALL", {"tlvs": SAR}, Status.ESME_RINVESMCLASS),
    ],
)
def test_texts_that_a_service_cannot_use(service: str, changes: dict[str, Any], status: Status) -> None:
    assert refusal(content, submit(**changes), service, RICH)[0] == status


# --- texts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data_coding", "octets", "text", "flash"),
    [
        (0, b"caf\xe9", "café", False),
        (8, bytes.fromhex("04140430"), "Да", False),
        (0x10, b"caf\xe9", "café", True),
        (0x11, b"caf\xe9", "café", False),
        (0xF0, b"caf\xe9", "café", True),
        (0x18, bytes.fromhex("04140430"), "Да", True),
        (0x19, bytes.fromhex("04140430"), "Да", False),
    ],
)
def test_texts_with_and_without_a_class(data_coding: int, octets: bytes, text: str, flash: bool) -> None:
    assert content(submit(octets, data_coding=data_coding)) == Content(text, None, flash)


@pytest.mark.parametrize(("subunit", "flash"), [(0, False), (1, True), (2, False), (3, False)])
def test_flash_by_the_part_of_the_phone(subunit: int, flash: bool) -> None:
    pdu = submit("door", tlvs=(tlv(Tag.DEST_ADDR_SUBUNIT, subunit),))
    assert content(pdu) == Content("door", None, flash)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"short_message": b""}, Status.ESME_RINVTEXT),
        ({"short_message": b"", "tlvs": (tlv(Tag.USER_MESSAGE_REFERENCE, 1),)}, Status.ESME_RINVTEXT),
        ({"data_coding": 13}, Status.ESME_RINVENCODING),
        ({"data_coding": 0xF8}, Status.ESME_RINVENCODING),
        ({"data_coding": 1, "short_message": b"\xe9"}, Status.ESME_RINVENCODING),
        ({"data_coding": 0x18, "short_message": b"\x04"}, Status.ESME_RINVTEXT),
        ({"short_message": b"x" * 255}, Status.ESME_RINVMSGLEN),
        ({"tlvs": (tlv(Tag.MESSAGE_PAYLOAD, b"more"),)}, Status.ESME_RINVMSGLEN),
    ],
)
def test_texts_that_are_refused(changes: dict[str, Any], status: Status) -> None:
    found, reason = refusal(content, submit(**changes))
    assert found == status
    assert "Door" not in reason


@pytest.mark.parametrize("tlvs", [(), (tlv(Tag.USER_MESSAGE_REFERENCE, 1),)])
def test_the_longest_short_message(tlvs: Any) -> None:
    assert content(submit(b"x" * 254, tlvs=tlvs)).text == "x" * 254


@pytest.mark.parametrize(
    ("changes", "service", "reason"),
    [
        ({"short_message": b"x" * 255}, "", "sm_length must be 0 to 254"),
        (
            {"tlvs": (tlv(Tag.MESSAGE_PAYLOAD, b"more"),)},
            "",
            "both short_message and message_payload hold a text",
        ),
        ({"short_message": b""}, "", "the text is empty"),
        ({"tlvs": SAR}, "CALL", "a service takes no parts of long messages"),
        (
            {"data_coding": 4, "esm_class": 0x40, "short_message": b"\5\0"},
            "",
            "the user data header is longer than the message",
        ),
        ({"data_coding": 4, "short_message": b""}, "", "binary content and parts must have 1 to 140 octets"),
        (
            {"short_message": UDH, "esm_class": 0x40, "tlvs": (tlv(Tag.MESSAGE_PAYLOAD, b""),)},
            "",
            "both short_message and message_payload hold a text",
        ),
    ],
)
def test_words_of_refusals(changes: dict[str, Any], service: str, reason: str) -> None:
    assert refusal(content, submit(**changes), service, RICH)[1] == reason


@pytest.mark.parametrize(
    ("keys", "data_coding", "named"),
    [
        ({"encodings": {3: "utf-8"}}, 3, "data_coding 3 (utf-8)"),
        ({"default_encoding": "gsm"}, 0, "data_coding 0 (gsm)"),
        ({"default_encoding": "gsm"}, 0xF1, "data_coding 241 (gsm)"),
        ({}, 1, "data_coding 1:"),
    ],
)
def test_a_refusal_names_the_data_coding_that_came(
    keys: dict[str, Any], data_coding: int, named: str
) -> None:
    pdu = submit(b"Do\xffor", data_coding=data_coding)
    _, reason = refusal(content, pdu, "", account(**keys))
    assert f"octet 2 is not text in {named}" in reason


# --- binary ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("data_coding", [2, 4, 0x14, 0xF5])
def test_binary_content_has_an_empty_header_where_it_brings_none(data_coding: int) -> None:
    pdu = submit(b"\xff\x00\x41", data_coding=data_coding)
    assert content(pdu) == Content("", b"\0\xff\x00\x41", False)


def test_binary_content_with_its_own_header() -> None:
    assert content(submit(UDH + b"\xff", data_coding=4, esm_class=0x40)).octets == UDH + b"\xff"
    assert content(submit(UDH, data_coding=4, esm_class=0x40)).octets == UDH  # nothing behind it


def test_binary_content_in_message_payload() -> None:
    payload = (tlv(Tag.MESSAGE_PAYLOAD, b"\xff" * 140),)
    assert content(submit(b"", data_coding=4, tlvs=payload)).octets == b"\0" + b"\xff" * 140


def test_binary_parts_go_on_one_by_one_with_a_header() -> None:
    pdu = submit(b"\xff\x00", data_coding=4, tlvs=SAR)
    assert content(pdu) == Content("", header(7, 2, 1) + b"\xff\x00", False)
    full = submit(b"\xff" * 135, data_coding=4, tlvs=SAR)
    assert refusal(content, full)[0] == Status.ESME_RINVTEXT


@pytest.mark.parametrize(
    ("octets", "esm_class"),
    [
        (b"", 0),
        (b"x" * 141, 0),
        (b"", 0x40),
        (b"\5\0\3\1\2", 0x40),
        (b"\x05", 0x40),
        (UDH + b"x" * 135, 0x40),
    ],
    ids=["none", "too much", "no header", "half a header", "its length only", "too much with its header"],
)
def test_binary_content_that_is_refused(octets: bytes, esm_class: int) -> None:
    pdu = submit(octets, data_coding=4, esm_class=esm_class)
    assert refusal(content, pdu)[0] == Status.ESME_RINVTEXT


def test_a_language_of_the_account_is_that_of_the_extension_table() -> None:
    turkish = account(default_encoding="gsm", gsm_language="turkish")
    assert content(submit(b"\x04\x1bS", data_coding=0), owner=turkish).text == "èŞ"  # 0x04: € in its own
    assert joined_text(turkish, 0, [UDH + b"\x04\x1b", header(1, 2, 2) + b"S"]) == "èŞ"


def test_a_header_with_a_language_stands_for_both_tables() -> None:
    spanish = account(default_encoding="gsm", gsm_language="spanish")
    locking = bytes.fromhex("03 250101")  # the Turkish alphabet, and the default extension table
    assert content(submit(locking + b"\x04\x1be", data_coding=0, esm_class=0x40), owner=spanish).text == "€€"
    pdu = submit(locking + b"\x1bA", data_coding=0, esm_class=0x40)  # Á in the Spanish extension table
    assert refusal(content, pdu, "", spanish)[0] == Status.ESME_RINVENCODING


def test_national_tables_by_the_header_or_the_account() -> None:
    """0x53 of the Turkish extension table is an S with a cedilla."""
    gsm, turkish = account(default_encoding="gsm"), account(default_encoding="gsm", gsm_language="turkish")
    single = bytes.fromhex("03 240101")
    assert content(submit(single + b"\x1bS", data_coding=0, esm_class=0x40), owner=gsm).text == "Ş"
    assert content(submit(b"\x1bS", data_coding=0), owner=turkish).text == "Ş"
    both = [bytes.fromhex("08 0003010201 240101") + b"\x1b", UDH + b"S"]
    assert joined_text(gsm, 0, both) == "Ş"


@pytest.mark.parametrize(
    ("data_coding", "octets"), [(3, b"\xcf\xf0"), (4, b"\xcf\xf0"), (0xF5, b"\xcf\xf0"), (1, b"\xcf\xf0")]
)
def test_equipment_that_lies_about_its_coding(data_coding: int, octets: bytes) -> None:
    liar = account(encodings={data_coding: "cp1251"})
    assert content(submit(octets, data_coding=data_coding), owner=liar) == Content("Пр", None, False)


@pytest.mark.parametrize(
    ("encoding", "data_coding", "expected"),
    [
        ("gsm", 0, 0),
        ("gsm", 0x10, 0x10),
        ("latin-1", 0, 3),
        ("ascii", 0, 1),
        ("latin-1", 8, 8),
        ("cp1251", 3, 3),
    ],
)
def test_the_coding_of_octets_goes_by_its_own_name(encoding: str, data_coding: int, expected: int) -> None:
    assert coding_of(account(default_encoding=encoding), data_coding, b"x") == expected


@pytest.mark.parametrize(
    ("keys", "data_coding", "expected"),
    [
        ({"encodings": {1: "gsm"}}, 1, 0),
        ({"encodings": {0: "gsm"}}, 0, 0),
        ({"encodings": {3: "ascii"}}, 3, 1),
        ({"encodings": {4: "latin-1"}}, 4, 3),
        ({"encodings": {0x10: "gsm"}}, 0x10, 0x10),  # the class stays
        ({"encodings": {0x18: "ucs2"}}, 0x18, 0x18),
        ({"encodings": {0x18: "iso-8859-5"}}, 0x18, 6),
        ({"encodings": {1: "iso-8859-8"}}, 1, 7),
        ({"default_encoding": "ucs2"}, 0xF0, 8),
        ({"default_encoding": "cp1251", "encodings": {0: "latin-1"}}, 0, 3),
        ({"encodings": {4: "cp1251"}}, 0xF5, 0xF5),  # another one
    ],
)
def test_the_coding_of_octets_is_what_the_account_means(
    keys: dict[str, Any], data_coding: int, expected: int
) -> None:
    assert coding_of(account(**keys), data_coding, b"x") == expected


@pytest.mark.parametrize("name", ["cp1251", "utf-8", "ucs2-le", "koi8-r", "cp866"])
def test_a_coding_without_a_name_cannot_go_on(name: str) -> None:
    owner = account(default_encoding=name, encodings={3: name})
    assert refusal(coding_of, owner, 3, b"x")[0] == Status.ESME_RINVENCODING
    assert refusal(coding_of, owner, 0, b"x")[0] == Status.ESME_RINVENCODING
    assert coding_of(owner, 0, None) == 0
    assert refusal(coding_of, owner, 3, b"x")[1] == f"octets cannot go on in {name}"


# --- UCS-2 that need not be -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "goes_as"),
    [
        ({"text": "Door 3 [€] @ Ä", "data_coding": 8}, 0),
        ({"text": "Door", "data_coding": 0x19}, 0),  # with a message class
        ({"text": "Door", "data_coding": 0x18, "flash": True}, 0),
        ({"text": "Дверь", "data_coding": 8}, 8),
        ({"text": "Door 3 is opeñed, façade", "data_coding": 8}, 8),  # GSM 03.38 has no small ç
        ({"text": "Door\u00a03", "data_coding": 8}, 8),
        ({"text": "Door", "data_coding": 3}, 3),
        ({"text": "Door", "data_coding": 0}, 0),
        ({"text": "", "octets": b"\0\0D", "data_coding": 8}, 8),
    ],
)
def test_a_text_goes_as_latin_where_it_fits(changes: dict[str, Any], goes_as: int) -> None:
    given = message(1, **changes)
    assert as_sent(account(use_latin_when_it_fits=True), given) == given._replace(data_coding=goes_as)
    assert as_sent(account(), given) == given
