"""What other requests come to as submit_sm, and what replace_sm changes."""

from typing import Any

import pytest

from smppbridge.errors import Refused
from smppbridge.model.message import Found, Replacement, Stage
from smppbridge.smpp.addresses import DistributionList, SmeAddress, UnsuccessSme
from smppbridge.smpp.constants import Status, Tag
from smppbridge.smpp.pdu import DataSm, ReplaceSm, SubmitMulti, SubmitMultiResp, SubmitSm, SubmitSmResp
from smppbridge.smpp.tlv import tlv, write_tlvs
from smppbridge.submission.appraisal import Appraisal
from smppbridge.submission.content import Content
from smppbridge.submission.paths import Path, Timing, path_maker
from smppbridge.submission.rewritten import (
    from_data_sm,
    from_replace_sm,
    multi_response,
    of_destinations,
    replacement_of,
)
from tests.support.builders.choice import Available
from tests.unit.submission.contents import PLAIN

NOW = 1_760_000_000_000  # ms
HOUR = 3_600_000
DAY = 24 * HOUR
PORT = tlv(Tag.DESTINATION_PORT, 5000)
GIVEN = "000000010000000R"  # any time: what it means is in the appraisal
NO_PATHS = path_maker({}, Available())


def refused(step: Any, *arguments: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        step(*arguments)
    return caught.value


def refusal(step: Any, *arguments: Any) -> int:
    return refused(step, *arguments).status


def words(step: Any, *arguments: Any) -> str:
    return refused(step, *arguments).reason


# --- data_sm -----------------------------------------------------------------------------------------


def test_data_sm_keeps_everything_it_says() -> None:
    tlvs = (tlv(Tag.MESSAGE_PAYLOAD, b"text"), PORT)
    pdu = DataSm("CMT", 5, 0, "A" * 20, 1, 1, "1" * 20, 0x40, 1, 8, tlvs=tlvs, sequence_number=9)
    submit = SubmitSm("CMT", 5, 0, "A" * 20, 1, 1, "1" * 20, 0x40, tlvs=tlvs)
    submit.registered_delivery, submit.data_coding = 1, 8
    assert from_data_sm(pdu) == submit
    pdu.command_status = 8  # of its header, which is not the submit_sm's
    assert from_data_sm(pdu) == submit


@pytest.mark.parametrize(
    ("seconds", "period"),
    [(0, "000000000000000R"), (90061, "000001010101000R"), (2**32 - 1, "000031000000000R")],
)
def test_its_time_to_live_is_a_validity_period(seconds: int, period: str) -> None:
    pdu = DataSm(tlvs=(PORT, tlv(Tag.QOS_TIME_TO_LIVE, seconds)))
    submit = from_data_sm(pdu)
    assert (submit.validity_period, submit.tlvs) == (period, (PORT,))


def test_one_without_octets_is_none() -> None:
    assert from_data_sm(DataSm(tlvs=((int(Tag.QOS_TIME_TO_LIVE), b""),))).validity_period == ""


def test_addresses_that_fit_no_receipt() -> None:
    sender, recipient = DataSm(source_addr="A" * 21), DataSm(destination_addr="1" * 21)
    assert refusal(from_data_sm, sender) == Status.ESME_RINVSRCADR
    assert words(from_data_sm, sender) == "source_addr is longer than 20 characters"
    assert refusal(from_data_sm, recipient) == Status.ESME_RINVDSTADR
    assert words(from_data_sm, recipient) == "destination_addr is longer than 20 characters"


# --- submit_multi ------------------------------------------------------------------------------------

FIRST, LIST, SECOND = SmeAddress(1, 1, "1"), DistributionList("friends"), SmeAddress(2, 8, "2")
MULTI = SubmitMulti(
    "CMT", 5, 0, "A", (FIRST, LIST, SECOND), 3, 1, 2, GIVEN, GIVEN, 1, 0, 8, 7, b"text", tlvs=(PORT,),
    sequence_number=9,
)  # fmt: skip


def test_a_submit_sm_for_each_phone() -> None:
    submits, failed = of_destinations(MULTI)
    fields: tuple[Any, ...] = (3, 1, 2, GIVEN, GIVEN, 1, 0, 8, 7, b"text")
    assert submits == [
        SubmitSm("CMT", 5, 0, "A", 1, 1, "1", *fields, sequence_number=0, tlvs=(PORT,)),
        SubmitSm("CMT", 5, 0, "A", 2, 8, "2", *fields, sequence_number=2, tlvs=(PORT,)),
    ]
    assert failed == {1: Status.ESME_RINVDLNAME}


def test_it_must_not_replace() -> None:
    replacing = SubmitMulti(replace_if_present_flag=1)
    assert refusal(of_destinations, replacing) == Status.ESME_RINVREPFLAG
    assert words(of_destinations, replacing) == "submit_multi: replace_if_present_flag must be 0"


@pytest.mark.parametrize(
    ("failed", "expected"),
    [
        ({}, SubmitMultiResp(message_id="7")),
        ({1: 0x34}, SubmitMultiResp(message_id="7", unsuccess_sme=(UnsuccessSme(0, 0, "friends", 0x34),))),
        ({0: 0x0B, 1: 0x0B, 2: 0x0B}, SubmitMultiResp(command_status=0x0B)),
        (
            {2: 0x58, 0: 0x0B, 1: 0x34},
            SubmitMultiResp(
                command_status=0x45,
                unsuccess_sme=(
                    UnsuccessSme(1, 1, "1", 0x0B),
                    UnsuccessSme(0, 0, "friends", 0x34),
                    UnsuccessSme(2, 8, "2", 0x58),
                ),
            ),
        ),
    ],
)
def test_the_answer_to_a_submit_multi(failed: dict[int, int], expected: SubmitMultiResp) -> None:
    taken = {place: SubmitSmResp(message_id="7") for place in (2, 1, 0) if place not in failed}
    assert multi_response(MULTI, taken, failed) == expected


def test_the_answer_about_a_single_phone() -> None:
    alone = SubmitMulti(dest_address=(FIRST,))
    assert multi_response(alone, {}, {0: 0x0B}) == SubmitMultiResp(command_status=0x0B)


def test_its_message_id_is_that_of_the_first_phone() -> None:
    taken = {2: SubmitSmResp(message_id="9"), 0: SubmitSmResp(message_id="7")}
    assert multi_response(MULTI, taken, {}).message_id == "7"


# --- replace_sm --------------------------------------------------------------------------------------


def found(**changes: Any) -> Found:
    """A QUEUED message that was submitted an hour ago and lives for a day."""
    plain = Found(
        id=1,
        source_addr="A",
        destination_addr="1",
        source_addr_ton=5,
        source_addr_npi=0,
        dest_addr_ton=1,
        dest_addr_npi=1,
        stage=int(Stage.QUEUED),
        state=0,
        err=0,
        done_at=0,
        protocol_id=3,
        tlvs=b"\x02\x0b\0\x02\x13\x88",
        data_coding=8,
        priority=2,
        service_type="HLR",
        send_at=0,
        submitted_at=NOW - HOUR,
        due_at=NOW + DAY - HOUR,
        deadline=NOW + DAY - HOUR,
        attempt=0,
    )
    return plain._replace(**changes)


def scheduled(**changes: Any) -> Found:
    """One that is to be sent in two hours, and lives for a day from then."""
    due_at = NOW + 2 * HOUR
    return found(**{"stage": int(Stage.WAITING), "due_at": due_at, "deadline": due_at + DAY, **changes})


def test_a_replacement_is_appraised_like_the_message() -> None:
    pdu = ReplaceSm("7", 5, 0, "A", GIVEN, GIVEN, 1, 4, b"text", tlvs=(tlv(Tag.MESSAGE_PAYLOAD, b"x"),))
    assert from_replace_sm(pdu, found()) == SubmitSm(
        "HLR", 5, 0, "A", 1, 1, "1", 0, 3, 2, GIVEN, GIVEN, 1, 0, 8, 4, b"text", tlvs=(*pdu.tlvs, PORT)
    )
    assert from_replace_sm(ReplaceSm(), found(tlvs=None)).tlvs == ()
    # An ordinary message stays one, whatever the account's default_service is.
    assert from_replace_sm(ReplaceSm(), found(service_type="")).service_type == "CMT"
    wide = (int(Tag.USER_MESSAGE_REFERENCE), b"\0\0\7")  # of a width that it should not have
    assert from_replace_sm(ReplaceSm(), found(tlvs=write_tlvs((wide,)))).tlvs == (wide,)


def replacing(message: Found, *, to: int = 0, until: int = 0, kept: bool = False) -> Replacement:
    """By a replace_sm with a new time (``to``) and a new end, where they are given; in ms from NOW."""
    pdu = ReplaceSm(
        schedule_delivery_time=GIVEN if to else "",
        validity_period=GIVEN if until else "",
        registered_delivery=0xFF,
    )
    not_before = NOW + max(to, 0)
    deadline = NOW + until if until else not_before + DAY
    stage, due_at = (Stage.QUEUED, deadline) if to <= 0 or kept else (Stage.WAITING, not_before)
    appraisal = Appraisal(PLAIN, SubmitSm(tlvs=(PORT,)), NOW, NO_PATHS)
    appraisal.content = Content("text", None, True)
    appraisal.path = Path("lab,spare", ("lab", "spare"), (), "lab", lambda send_at, now: kept, 0)
    appraisal.not_before, appraisal.deadline = not_before, deadline
    appraisal.timing = Timing(stage, due_at, not_before if kept else 0)
    return replacement_of(pdu, message, appraisal)


def times(change: Replacement) -> tuple[int | None, int, int | None, int]:
    """Stage, and send_at, due_at and deadline in ms from NOW."""
    due_at = None if change.due_at is None else change.due_at - NOW
    return change.stage, change.send_at and change.send_at - NOW, due_at, change.deadline - NOW


def test_what_is_new() -> None:
    change = replacing(found())
    assert (change.text, change.octets, change.flash, change.tlvs) == ("text", None, True, found().tlvs)
    assert (change.registered_delivery, change.route, change.provider) == (0x13, "lab,spare", "lab")


@pytest.mark.parametrize("message", [found(), scheduled()])
def test_times_that_are_not_given_stay(message: Found) -> None:
    assert times(replacing(message)) == (None, 0, None, message.deadline - NOW)


def test_a_new_end() -> None:
    assert times(replacing(found(), until=5)) == (None, 0, None, 5)
    assert times(replacing(scheduled(), until=3 * HOUR)) == (None, 0, None, 3 * HOUR)


def test_a_new_time() -> None:
    waiting, queued = int(Stage.WAITING), int(Stage.QUEUED)
    assert times(replacing(found(deadline=NOW + 9 * HOUR), to=HOUR)) == (waiting, 0, HOUR, 9 * HOUR)
    assert times(replacing(scheduled(deadline=NOW + 9 * HOUR), to=-1)) == (queued, 0, 9 * HOUR, 9 * HOUR)
    assert times(replacing(scheduled(), to=HOUR, until=2 * HOUR)) == (waiting, 0, HOUR, 2 * HOUR)
    assert times(replacing(scheduled(), to=HOUR, until=5 * HOUR, kept=True)) == (
        queued, HOUR, 5 * HOUR, 5 * HOUR,
    )  # fmt: skip


@pytest.mark.parametrize("message", [found(), scheduled()])
def test_an_end_by_default_moves_with_the_time(message: Found) -> None:
    assert times(replacing(message, to=5 * DAY))[2:] == (5 * DAY, 6 * DAY)
    assert times(replacing(message, to=-1))[2:] == (DAY, DAY)


@pytest.mark.parametrize(
    ("message", "given"),
    [
        (found(), {"until": -1}),
        (scheduled(), {"until": 2 * HOUR}),
        (scheduled(), {"to": 3 * HOUR, "until": 3 * HOUR}),
        (scheduled(deadline=NOW + 3 * HOUR), {"to": 3 * HOUR}),
        (found(deadline=NOW), {"to": -1}),
    ],
)
def test_the_end_comes_after_the_beginning(message: Found, given: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        replacing(message, **given)
    assert caught.value.status == Status.ESME_RINVEXPIRY
    assert caught.value.reason == "validity_period ends before the message may be sent"


def test_a_message_whose_time_is_over_is_refused_only_where_its_times_change() -> None:
    assert times(replacing(found(deadline=NOW - 1))) == (None, 0, None, -1)


def test_one_that_only_backs_off_has_no_time_of_its_own() -> None:
    backing_off = scheduled(attempt=2)
    assert times(replacing(backing_off, until=HOUR)) == (None, 0, None, HOUR)
