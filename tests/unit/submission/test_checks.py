"""What one submit_sm asks for: each field that is taken, each refusal."""

from typing import Any

import pytest

from smppbridge.model.account import Account
from smppbridge.smpp.constants import Status, Tag
from smppbridge.smpp.times import format_relative
from smppbridge.smpp.tlv import Tlv, read_tlvs, tlv
from smppbridge.submission.checks import (
    check_fields,
    recipient_of,
    reference_of,
    sender_of,
    service_of,
    times_of,
    tlvs_of,
)
from tests.support.builders.accounts import account
from tests.support.esme.esme import submit
from tests.unit.submission.contents import PLAIN, RICH, refusal

NOW = 1_790_000_000_000  # 14:13:20 UTC
HOUR = 3_600_000
FIVE = account(validity="5ms")
QUIET = account(validity="5ms", quiet="14-22")
QUIET_ENDS = NOW + 28_000_000


# --- fields ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"esm_class": 0x04}, Status.ESME_RINVESMCLASS, "esm_class: acknowledgements are not taken"),
        ({"esm_class": 0x08}, Status.ESME_RINVESMCLASS, "esm_class: acknowledgements are not taken"),
        ({"priority_flag": 4}, Status.ESME_RINVPRTFLG, "priority_flag must be 0 to 3"),
        (
            {"replace_if_present_flag": 2},
            Status.ESME_RINVREPFLAG,
            "replace_if_present_flag must be 0 or 1",
        ),
        ({"sm_default_msg_id": 1}, Status.ESME_RINVDFTMSGID, "there are no predefined messages"),
    ],
)
def test_fields_that_are_not_carried_out(changes: dict[str, Any], status: Status, reason: str) -> None:
    assert refusal(check_fields, submit(**changes)) == (status, reason)


@pytest.mark.parametrize(
    "changes",
    [
        {"esm_class": 0x01},
        {"esm_class": 0x40},  # a user data header: what follows decides
        {"esm_class": 0x80},
        {"priority_flag": 3},
        {"replace_if_present_flag": 1},
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


@pytest.mark.parametrize(("service_type", "service"), [("", "CALL"), ("CMT", ""), ("HLR", "HLR")])
def test_a_service_for_equipment_that_cannot_ask_for_one(service_type: str, service: str) -> None:
    owner = account(services=["HLR", "CALL"], default_service="CALL")
    assert service_of(owner, service_type) == service


@pytest.mark.parametrize(
    ("source", "service"),
    [
        ("GOLOS", "CALL"),
        ("golosm", "CALL"),
        ("HLR", "HLR"),
        ("HLRVIP", ""),
        ("2WAY", ""),
        ("ALARM", ""),
        ("", ""),
    ],
)
@pytest.mark.parametrize("service_type", ["", "CMT"])
def test_a_service_by_the_name_of_its_sender(service_type: str, source: str, service: str) -> None:
    """Equipment that cannot set service_type may be able to choose a sender."""
    owner = account(services=["HLR", "CALL"])
    assert service_of(owner, service_type, source) == service
    assert service_of(owner, "HLR", source) == "HLR"
    assert service_of(account(), service_type, source) == ""


def test_the_name_of_a_sender_comes_before_the_default_service() -> None:
    owner = account(services=["HLR", "CALL"], default_service="CALL")
    assert service_of(owner, "", "HLR") == "HLR"
    assert service_of(owner, "", "2WAY") == "CALL"


@pytest.mark.parametrize(
    ("owner", "service_type"), [(PLAIN, "HLR"), (RICH, "VIBER"), (RICH, "hlr"), (RICH, "WAP")]
)
def test_a_service_that_it_may_not_use(owner: Account, service_type: str) -> None:
    reason = "service_type is none that the account may use"
    assert refusal(service_of, owner, service_type) == (Status.ESME_RINVSERTYP, reason)


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


# --- senders, references, times --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "source", "sender"),
    [
        ({}, "+ALARM", "ALARM"),
        ({}, "", ""),
        ({"default_sender": "CASTLE"}, "", "CASTLE"),
        ({"senders": ["ALARM"], "default_sender": "CASTLE", "replace_sender": True}, "Other", "CASTLE"),
        ({"senders": ["+375291112233"]}, "+375291112233", "375291112233"),
        ({"senders": ["375291112233"]}, "+375291112233", "375291112233"),
        ({"senders": ["ALARM"], "default_sender": "CASTLE"}, "", "CASTLE"),
        ({"senders": ["ALARM"], "default_sender": "CASTLE", "replace_sender": True}, "ALARM", "ALARM"),
        ({"default_sender": "CASTLE", "replace_sender": True}, "ALARM", "CASTLE"),
        ({"senders": ["ALARM"]}, "", ""),  # the provider's own default
    ],
)
def test_senders(keys: dict[str, Any], source: str, sender: str) -> None:
    assert sender_of(account(**keys), source) == sender


@pytest.mark.parametrize("keys", [{}, {"default_sender": "CASTLE"}])
def test_a_sender_that_is_not_the_accounts(keys: dict[str, Any]) -> None:
    reason = "source_addr is not one of the account's senders"
    owner = account(senders=["ALARM"], **keys)
    assert refusal(sender_of, owner, "alarm") == (Status.ESME_RINVSRCADR, reason)


@pytest.mark.parametrize(
    ("octets", "reference"),
    [(b"\xff\xff", 0xFFFF), (b"\7", 7), (b"\0\xff\xff", 0xFFFF), (b"\1\0\0", None), (b"", None)],
)
def test_references(octets: bytes, reference: int | None) -> None:
    assert reference_of(submit(tlvs=((int(Tag.USER_MESSAGE_REFERENCE), octets),))) == reference


def test_no_reference() -> None:
    assert reference_of(submit()) is None


def test_times() -> None:
    hour, two = format_relative(3600), format_relative(7200)
    assert times_of(FIVE, submit(), NOW) == (NOW, NOW + 5)
    assert times_of(FIVE, submit(schedule_delivery_time=hour), NOW) == (NOW + HOUR, NOW + HOUR + 5)
    assert times_of(FIVE, submit(validity_period=hour), NOW) == (NOW, NOW + HOUR)
    both = submit(schedule_delivery_time=hour, validity_period=two)
    assert times_of(FIVE, both, NOW) == (NOW + HOUR, NOW + 2 * HOUR)
    assert times_of(FIVE, submit(schedule_delivery_time="200101000000000+"), NOW) == (NOW, NOW + 5)


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
    assert refusal(times_of, FIVE, submit(**changes), NOW)[0] == status


MONTH = format_relative(30 * 86_400)
LATER = format_relative(30 * 86_400 + 1)
IN_2125 = "990000000000000R"


def test_times_up_to_the_horizon() -> None:
    horizon = 720 * HOUR
    scheduled = submit(schedule_delivery_time=MONTH)
    assert times_of(FIVE, scheduled, NOW) == (NOW + horizon, NOW + horizon + 5)
    assert times_of(FIVE, submit(validity_period=MONTH), NOW) == (NOW, NOW + horizon)
    both = submit(schedule_delivery_time=format_relative(3600), validity_period=MONTH)
    both.validity_period = format_relative(30 * 86_400 + 3600)  # counts from the time to send
    assert times_of(FIVE, both, NOW) == (NOW + HOUR, NOW + HOUR + horizon)
    held = submit(validity_period=format_relative(30 * 86_400 + 28_000))
    assert times_of(QUIET, held, NOW) == (QUIET_ENDS, QUIET_ENDS + horizon)


@pytest.mark.parametrize("time", [LATER, IN_2125, "370101000000000+"])
def test_times_beyond_the_horizon(time: str) -> None:
    assert refusal(times_of, FIVE, submit(schedule_delivery_time=time), NOW) == (
        Status.ESME_RINVSCHED,
        "schedule_delivery_time lies beyond the account's horizon (30d)",
    )
    assert refusal(times_of, FIVE, submit(validity_period=time), NOW) == (
        Status.ESME_RINVEXPIRY,
        "validity_period ends beyond the account's horizon (30d)",
    )
    urgent = submit(validity_period=time, priority_flag=1)
    assert refusal(times_of, QUIET, urgent, NOW)[0] == Status.ESME_RINVEXPIRY
    both = submit(schedule_delivery_time=MONTH, validity_period=IN_2125)
    assert refusal(times_of, FIVE, both, NOW)[0] == Status.ESME_RINVEXPIRY


def test_a_horizon_of_the_account() -> None:
    soon = account(validity="5ms", horizon="90m")
    ninety, more = format_relative(5400), format_relative(5401)
    assert times_of(soon, submit(schedule_delivery_time=ninety), NOW) == (NOW + 5_400_000, NOW + 5_400_005)
    assert refusal(times_of, soon, submit(schedule_delivery_time=more), NOW) == (
        Status.ESME_RINVSCHED,
        "schedule_delivery_time lies beyond the account's horizon (90m)",
    )


@pytest.mark.parametrize(
    ("changes", "not_before", "deadline"),
    [
        ({}, QUIET_ENDS, QUIET_ENDS + 5),
        ({"priority_flag": 1}, NOW, NOW + 5),
        ({"validity_period": format_relative(28_001)}, QUIET_ENDS, QUIET_ENDS + 1000),
        ({"schedule_delivery_time": format_relative(3600)}, QUIET_ENDS, QUIET_ENDS + 5),
        ({"schedule_delivery_time": format_relative(28_000)}, QUIET_ENDS, QUIET_ENDS + 5),
        ({"schedule_delivery_time": format_relative(28_800)}, NOW + 8 * HOUR, NOW + 8 * HOUR + 5),
        ({"schedule_delivery_time": "200101000000000+"}, QUIET_ENDS, QUIET_ENDS + 5),
        # The next quiet hours begin at 14:00 on the day after.
        (
            {"schedule_delivery_time": format_relative(86_400)},
            QUIET_ENDS + 24 * HOUR,
            QUIET_ENDS + 24 * HOUR + 5,
        ),
        ({"schedule_delivery_time": format_relative(3600), "priority_flag": 3}, NOW + HOUR, NOW + HOUR + 5),
    ],
)
def test_times_in_quiet_hours(changes: dict[str, Any], not_before: int, deadline: int) -> None:
    assert times_of(QUIET, submit(**changes), NOW) == (not_before, deadline)


def test_outside_of_quiet_hours_all_is_as_ever() -> None:
    owner = account(validity="5ms", quiet="15-14")
    assert times_of(owner, submit(), NOW) == (NOW, NOW + 5)
    hour = format_relative(3600)
    assert times_of(owner, submit(validity_period=hour), NOW) == (NOW, NOW + HOUR)


def test_a_validity_period_that_ends_in_quiet_hours() -> None:
    pdu = submit(validity_period=format_relative(28_000))
    reason = "validity_period ends before the account's quiet hours (14:00-22:00) do"
    assert refusal(times_of, QUIET, pdu, NOW) == (Status.ESME_RINVEXPIRY, reason)
    pdu.priority_flag = 1
    assert times_of(QUIET, pdu, NOW) == (NOW, QUIET_ENDS)


def test_words_about_times() -> None:
    over = submit(validity_period="200101000000000+")
    assert refusal(times_of, FIVE, over, NOW)[1] == "validity_period ends before the message may be sent"
    short = submit(schedule_delivery_time="2611")
    assert refusal(times_of, FIVE, short, NOW)[1] == "a time has 0 or 16 characters, not 4"


# --- optional parameters ---------------------------------------------------------------------------


def test_optional_parameters_besides_the_text_are_kept_as_they_came() -> None:
    kept: tuple[Tlv, ...] = (tlv(Tag.USER_MESSAGE_REFERENCE, 9), (0x2153, b"\1\2"), (0x2153, b"\3"))
    pdu = submit(b"", tlvs=(kept[0], tlv(Tag.MESSAGE_PAYLOAD, b"text" * 500), *kept[1:]))
    raw = tlvs_of(pdu)
    assert raw is not None
    assert read_tlvs(raw, 0, tolerant=False) == kept
    sar = (tlv(Tag.SAR_MSG_REF_NUM, 7), tlv(Tag.SAR_TOTAL_SEGMENTS, 2), tlv(Tag.SAR_SEGMENT_SEQNUM, 1))
    assert tlvs_of(submit(b"", tlvs=(tlv(Tag.MESSAGE_PAYLOAD, b"text"), *sar))) is None


@pytest.mark.parametrize(("octets", "count"), [(1014, 2), (1015, 1)])
def test_too_many_octets_of_them_are_left_out(octets: int, count: int) -> None:
    """Each has four octets before its value; 1024 octets are kept, and nothing that comes behind them."""
    given: tuple[Tlv, ...] = (tlv(Tag.USER_MESSAGE_REFERENCE, 9), (0x2153, b"x" * octets), (0x2154, b""))
    raw = tlvs_of(submit("x", tlvs=given))
    assert raw is not None
    assert read_tlvs(raw, 0, tolerant=False) == given[:count]
