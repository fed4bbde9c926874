"""What one submit_sm asks for: each field that is taken, each refusal."""

from typing import Any

import pytest

from smppbridge.errors import Refused
from smppbridge.flow.submitted import (
    Content,
    check_fields,
    content_of,
    recipient_of,
    reference_of,
    sender_of,
    service_of,
    times_of,
)
from smppbridge.model.account import Account
from smppbridge.smpp.constants import Status, Tag
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.smpp.times import format_relative
from smppbridge.smpp.tlv import tlv
from tests.support.esme import submit

NOW = 1_790_000_000_000
HOUR = 3_600_000
UDH = bytes.fromhex("0500 0301 0201")


def account(**keys: Any) -> Account:
    return Account.model_validate({"name": "pbx", "password": "secret12", **keys})


PLAIN = account()
RICH = account(services=["HLR", "CALL", "FLSHC", "MAIL", "BOT"], country="BY")


def refusal(call: Any, *arguments: Any) -> tuple[int, str]:
    """The status and reason with which ``call`` refuses."""
    with pytest.raises(Refused) as caught:
        call(*arguments)
    return caught.value.status, caught.value.reason


def content(pdu: SubmitSm, service: str = "", owner: Account = PLAIN) -> Content:
    return content_of(owner, pdu, service)


# --- fields ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"esm_class": 0x04}, Status.ESME_RINVESMCLASS),
        ({"esm_class": 0x08}, Status.ESME_RINVESMCLASS),
        ({"priority_flag": 4}, Status.ESME_RINVPRTFLG),
        ({"replace_if_present_flag": 1}, Status.ESME_RINVREPFLAG),
        ({"sm_default_msg_id": 1}, Status.ESME_RINVDFTMSGID),
    ],
)
def test_fields_that_are_not_carried_out(changes: dict[str, Any], status: Status) -> None:
    assert refusal(check_fields, submit(**changes))[0] == status


@pytest.mark.parametrize(
    "changes",
    [
        {"esm_class": 0x01},
        {"esm_class": 0x40},  # a user data header: what follows decides
        {"esm_class": 0x80},
        {"priority_flag": 3},
        {"tlvs": (tlv(Tag.SAR_TOTAL_SEGMENTS, 1),)},
        {"protocol_id": 0x40},
    ],
)
def test_fields_that_are_taken(changes: dict[str, Any]) -> None:
    check_fields(submit(**changes))


# --- services --------------------------------------------------------------------------------------


@pytest.mark.parametrize("service_type", ["", "CMT"])
def test_an_ordinary_message(service_type: str) -> None:
    assert service_of(RICH, service_type) == ""


def test_a_service_that_the_account_may_use() -> None:
    assert service_of(RICH, "HLR") == "HLR"


@pytest.mark.parametrize(
    ("owner", "service_type"), [(PLAIN, "HLR"), (RICH, "VIBER"), (RICH, "hlr"), (RICH, "WAP")]
)
def test_a_service_that_it_may_not_use(owner: Account, service_type: str) -> None:
    assert refusal(service_of, owner, service_type)[0] == Status.ESME_RINVSERTYP


@pytest.mark.parametrize(
    ("service", "to", "recipient"),
    [
        ("", "+375 29 123-45-67", "375291234567"),
        ("CALL", "80291234567", "375291234567"),
        ("MAIL", "door@example.org", "door@example.org"),
        ("BOT", "@castle_bot", "@castle_bot"),
        ("BOT", "80291234567", "375291234567"),
    ],
)
def test_recipients(service: str, to: str, recipient: str) -> None:
    assert recipient_of(RICH, submit(to=to), service) == recipient


def test_a_special_address_may_say_that_it_is_alphanumeric() -> None:
    assert recipient_of(RICH, submit(to="@castle_bot", dest_addr_ton=5), "BOT") == "@castle_bot"


@pytest.mark.parametrize(
    ("service", "to", "ton", "status"),
    [
        ("", "door@example.org", 1, Status.ESME_RINVDSTADR),
        ("", "@castle_bot", 5, Status.ESME_RINVDSTTON),
        ("CALL", "@castle_bot", 1, Status.ESME_RINVDSTADR),
        ("MAIL", "375291234567", 1, Status.ESME_RINVDSTADR),
        ("BOT", "29", 1, Status.ESME_RINVDSTADR),
    ],
)
def test_recipients_that_are_refused(service: str, to: str, ton: int, status: Status) -> None:
    assert refusal(recipient_of, RICH, submit(to=to, dest_addr_ton=ton), service)[0] == status


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
        ("CALL", {"esm_class": 0x40}, Status.ESME_RINVESMCLASS),
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


# --- senders, references, times --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "source", "sender"),
    [
        ({}, "+ALARM", "ALARM"),
        ({}, "", ""),
        ({"default_sender": "CASTLE"}, "", "CASTLE"),
        ({"senders": ["ALARM"], "default_sender": "CASTLE", "replace_sender": True}, "Other", "CASTLE"),
        ({"senders": ["+375291112233"]}, "+375291112233", "375291112233"),
    ],
)
def test_senders(keys: dict[str, Any], source: str, sender: str) -> None:
    assert sender_of(account(**keys), source) == sender


def test_a_sender_that_is_not_the_accounts() -> None:
    assert refusal(sender_of, account(senders=["ALARM"]), "alarm")[0] == Status.ESME_RINVSRCADR


def test_references() -> None:
    assert reference_of(submit(tlvs=(tlv(Tag.USER_MESSAGE_REFERENCE, 0xFFFF),))) == 0xFFFF
    assert reference_of(submit()) is None


def test_times() -> None:
    hour, two = format_relative(3600), format_relative(7200)
    assert times_of(submit(), NOW, 5) == (NOW, NOW + 5)
    assert times_of(submit(schedule_delivery_time=hour), NOW, 5) == (NOW + HOUR, NOW + HOUR + 5)
    assert times_of(submit(validity_period=hour), NOW, 5) == (NOW, NOW + HOUR)
    both = submit(schedule_delivery_time=hour, validity_period=two)
    assert times_of(both, NOW, 5) == (NOW + HOUR, NOW + 2 * HOUR)
    assert times_of(submit(schedule_delivery_time="200101000000000+"), NOW, 5) == (NOW, NOW + 5)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"schedule_delivery_time": "2611"}, Status.ESME_RINVSCHED),
        ({"validity_period": "9913322500000000"}, Status.ESME_RINVEXPIRY),
        ({"validity_period": "200101000000000+"}, Status.ESME_RINVEXPIRY),
        (
            {"schedule_delivery_time": format_relative(3600), "validity_period": format_relative(3600)},
            Status.ESME_RINVEXPIRY,
        ),
    ],
)
def test_times_that_are_refused(changes: dict[str, Any], status: Status) -> None:
    assert refusal(times_of, submit(**changes), NOW, 5)[0] == status
