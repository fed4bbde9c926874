"""What one submit_sm comes to: each step, their order, what is stored."""

from typing import Any

import pytest

from smppbridge.errors import Refused
from smppbridge.model.account import Account
from smppbridge.model.message import Draft, Stage
from smppbridge.model.route import Route
from smppbridge.smpp.concat import Concat
from smppbridge.smpp.constants import Status, Tag
from smppbridge.smpp.times import format_relative
from smppbridge.smpp.tlv import tlv
from smppbridge.submission.content import Content
from smppbridge.submission.paths import Timing
from tests.support.builders.accounts import account
from tests.support.esme.esme import PHONE, submit
from tests.unit.submission.appraised import (
    BELARUS,
    FAULTS,
    LATER,
    PART,
    STRICT,
    appraise,
    examine,
    refused,
    status,
)
from tests.unit.submission.checkers import HOUR, NOW, FakeChecker, appraiser, choice
from tests.unit.submission.contents import PLAIN

QUIET = account(quiet="14-22")  # NOW is 14:13:20 UTC
QUIET_ENDS = NOW + 28_000_000


# --- a message that is taken -------------------------------------------------------------------------


def test_a_text() -> None:
    lab, owner = FakeChecker(), account(country="BY", default_sender="CASTLE", validity="2h")
    pdu = submit("Door", "80291234567", source_addr="", data_coding=3)
    found = appraise(pdu, lab, owner=owner)
    assert (found.account, found.submit, found.now) == (owner, pdu, NOW)
    assert (found.service, found.recipient, found.sender) == ("", PHONE, "CASTLE")
    assert found.content == Content("Door", None, False)
    assert lab.asked == [found.draft] == [Draft(PHONE, "CASTLE", "Door", None, False, "", 3)]
    assert (found.path.route, found.path.provider) == ("lab", "lab")
    assert (found.not_before, found.deadline) == (NOW, NOW + 2 * HOUR)
    assert found.timing == Timing(Stage.QUEUED, NOW + 2 * HOUR, 0)


def test_validity_of_an_account_to_the_millisecond() -> None:
    assert appraise(submit(), owner=account(validity="1.0006s")).deadline == NOW + 1001


def test_octets_go_on_in_the_coding_that_the_account_means() -> None:
    lab, owner = FakeChecker(takes_parts=True), account(default_encoding="ucs2")
    octets = b"\6\5\4\1\2\3\4\4\x14"
    found = appraise(submit(octets, esm_class=0x40, data_coding=0), lab, owner=owner)
    assert found.data_coding == 8
    assert lab.asked == [Draft(PHONE, "ALARM", "", octets, False, "", 8, unlisted=True)]
    owner = account(default_encoding="cp1251")
    assert status(submit(octets, esm_class=0x40, data_coding=0), lab, owner=owner) == Status.ESME_RINVENCODING


@pytest.mark.parametrize("octets", [b"Door", b"\6\5\4\1\2\3\4\4\x14"])
def test_a_port_is_told_to_the_provider(octets: bytes) -> None:
    lab = FakeChecker(takes_parts=True)
    pdu = submit(octets, data_coding=4, tlvs=(tlv(Tag.DESTINATION_PORT, 5555),))
    appraise(pdu, lab)
    assert [draft.ports for draft in lab.asked] == [bytes.fromhex("050415B30000")]
    assert status(pdu, FakeChecker()) == Status.ESME_RINVESMCLASS


@pytest.mark.parametrize(
    ("changes", "services", "ping"),
    [
        ({}, ["PING"], True),
        ({}, ["HLR"], False),
        ({"protocol_id": 0x41}, ["PING"], None),
        ({"data_coding": 4}, ["PING"], None),  # octets: their provider decides
        ({"service_type": "PING"}, ["PING"], None),
    ],
)
def test_a_text_that_no_phone_is_to_show(changes: dict[str, Any], services: list[str], ping: bool) -> None:
    lab = FakeChecker(services=frozenset({"PING"}), takes_protocol_id=True)
    appraise(submit(**{"protocol_id": 0x40, **changes}), lab, owner=account(services=services))
    assert [draft.ping for draft in lab.asked] == [ping]


def test_a_service() -> None:
    lab = FakeChecker(services=frozenset({"BOT"}))
    pdu = submit("Door", "@castle_bot", service_type="BOT", dest_addr_ton=5)
    found = appraise(pdu, lab, owner=account(services=["BOT"]))
    assert (found.service, found.recipient) == ("BOT", "@castle_bot")
    assert lab.asked[0].service_type == "BOT"
    assert status(pdu, lab) == Status.ESME_RINVSERTYP
    assert status(pdu, owner=account(services=["BOT"])) == Status.ESME_RINVSERTYP


@pytest.mark.parametrize(
    ("owner", "source", "unlisted"),
    [
        (account(), "12345", True),
        (account(), "+12345", True),
        (account(default_sender="12345"), "12345", False),
        (account(default_sender="12345"), "", False),
        (account(default_sender="12345"), "54321", True),
        (account(senders=["12345"]), "+12345", False),
        (account(senders=["ALARM"], default_sender="12345", replace_sender=True), "9", False),
    ],
)
def test_whether_somebody_chose_the_sender(owner: Account, source: str, unlisted: bool) -> None:
    pdu = submit(source_addr=source)
    assert appraise(pdu, owner=owner).draft.unlisted == unlisted
    part = submit(source_addr=source, esm_class=0x40, short_message=b"\5\0\3\1\2\1a")
    assert appraise(part, owner=owner).draft.unlisted == unlisted


@pytest.mark.parametrize(
    ("source", "service", "text", "sender"),
    [
        ("GOLOS", "CALL", b"Door", "12345"),
        ("hlr", "HLR", b"", "12345"),
        ("FLASHCALL", "FLSHC", b"1234", "12345"),
        ("ALARM", "", b"Door", "ALARM"),
    ],
)
@pytest.mark.parametrize("listed", [{}, {"senders": ["ALARM", "12345"]}])
def test_a_service_that_a_sender_names_has_no_such_sender(
    source: str, service: str, text: bytes, sender: str, listed: dict[str, Any]
) -> None:
    services = ["CALL", "HLR", "FLSHC"]
    lab = FakeChecker(services=frozenset(services))
    owner = account(services=services, default_sender="12345", **listed)
    found = appraise(submit(source_addr=source, short_message=text), lab, owner=owner)
    assert (found.service, found.sender) == (service, sender)
    assert (found.draft.service_type, found.draft.sender) == (service, sender)


def test_the_text_of_a_service() -> None:
    lab, owner = FakeChecker(services=frozenset({"FLSHC"})), account(services=["FLSHC"])
    assert appraise(submit("1234", service_type="FLSHC"), lab, owner=owner).content.text == "1234"
    assert status(submit("Door", service_type="FLSHC"), lab, owner=owner) == Status.ESME_RINVTEXT


# --- parts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("data_coding", "flash"), [(3, False), (0x10, True)])
def test_a_part_is_asked_about_without_its_text(data_coding: int, flash: bool) -> None:
    lab = FakeChecker()
    found = appraise(submit(PART, esm_class=0x40, data_coding=data_coding), lab)
    assert lab.asked == [Draft(PHONE, "ALARM", None, None, flash, "", 0, unlisted=True)]
    assert found.content.concat == Concat(1, 8, 2, 1)
    assert found.data_coding == data_coding


def test_the_coding_of_a_part_stays_as_it_came() -> None:
    """It is read when the parts are joined, so that no coding has to be found for its octets."""
    owner = account(default_encoding="cp1251")
    found = appraise(submit(PART, esm_class=0x40, data_coding=0), owner=owner)
    assert found.data_coding == 0


def test_a_part_is_refused_where_no_text_could_go() -> None:
    flash = FakeChecker(status=0x0A, takes=lambda draft: not draft.flash)
    appraise(submit(PART, esm_class=0x40, data_coding=3), flash)
    assert status(submit(PART, esm_class=0x40, data_coding=0x10), flash) == 0x0A
    pdu = submit(PART, "33612345678", esm_class=0x40, data_coding=3)
    assert status(pdu, routes=[Route(destination=("375",), to=("lab",))]) == Status.ESME_RNOROUTE


# --- the way -----------------------------------------------------------------------------------------

ROUTES = (
    Route(account=("gate",), to=("c",)),
    Route(destination=("37529",), to=("a", "b")),
    Route(destination=("375",), to=("b",)),
)


def abc() -> tuple[FakeChecker, FakeChecker, FakeChecker]:
    return FakeChecker("a"), FakeChecker("b"), FakeChecker("c")


@pytest.mark.parametrize(
    ("name", "to", "route"),
    [
        ("pbx", PHONE, "a,b"),
        ("pbx", "375331234567", "b"),
        ("gate", PHONE, "c"),
        ("gate", "33612345678", "c"),
    ],
)
def test_the_route_by_account_and_recipient(name: str, to: str, route: str) -> None:
    assert appraise(submit(to=to), *abc(), owner=account(name), routes=ROUTES).path.route == route


def test_no_route() -> None:
    expected = (Status.ESME_RNOROUTE, "no route for this recipient")
    assert refused(submit(to="33612345678"), *abc(), routes=ROUTES) == expected


def test_routes_may_change() -> None:
    made = appraiser(*abc(), routes=ROUTES)
    made.router = appraiser(*abc()).router
    assert made.appraise(PLAIN, submit(), NOW, made.paths()).path.route == "a,b,c"


def test_a_provider_that_cannot_carry_it_is_left_out_and_the_first_refusal_counts() -> None:
    first, second = FakeChecker("first", status=0x0A), FakeChecker("second", status=0x0B)
    assert appraise(submit(), first, FakeChecker("third")).path.route == "third"
    assert refused(submit(), first, second) == (0x0A, "first does not carry it")


def test_paths_are_as_of_now() -> None:
    down: list[str] = []
    made = appraiser(FakeChecker("a"), FakeChecker("b"), by=choice(down))
    before = made.paths()
    assert made.appraise(PLAIN, submit(), NOW, before).path.provider == "a"
    down.append("a")
    assert made.appraise(PLAIN, submit(), NOW, before).path.provider == "a"
    assert made.appraise(PLAIN, submit(), NOW, made.paths()).path.provider == "b"


# --- times -------------------------------------------------------------------------------------------


def test_a_schedule_that_is_kept_here_or_by_the_provider() -> None:
    pdu = submit(schedule_delivery_time=LATER)
    assert appraise(pdu).timing == Timing(Stage.WAITING, NOW + HOUR, 0)
    assert appraise(pdu, FakeChecker(keeps=True)).timing == Timing(Stage.QUEUED, NOW + 25 * HOUR, NOW + HOUR)


SYNC = account(mode="sync")


@pytest.mark.parametrize("keeps", [True, False])
def test_quiet_hours_keep_it_here_whatever_its_provider_can_do(keeps: bool) -> None:
    lab = FakeChecker(keeps=keeps)
    found = appraise(submit(), lab, owner=QUIET)
    assert (found.not_before, found.deadline) == (QUIET_ENDS, QUIET_ENDS + 24 * HOUR)
    assert found.timing == Timing(Stage.WAITING, QUIET_ENDS, 0)
    later = appraise(submit(schedule_delivery_time=format_relative(36_000)), lab, owner=QUIET)
    assert later.timing == Timing(Stage.WAITING, NOW + 10 * HOUR, 0)  # no request is made meanwhile
    assert lab.times == []
    urgent = appraise(submit(priority_flag=1), lab, owner=QUIET)
    assert urgent.timing == Timing(Stage.QUEUED, NOW + 24 * HOUR, 0)


def test_a_provider_may_keep_what_was_submitted_by_day() -> None:
    lab, owner = FakeChecker(keeps=True), account(quiet="15-22")
    found = appraise(submit(schedule_delivery_time=format_relative(36_000)), lab, owner=owner)
    assert found.timing == Timing(Stage.QUEUED, found.deadline, NOW + 10 * HOUR)
    found = appraise(submit(schedule_delivery_time=LATER), lab, owner=owner)
    assert found.timing == Timing(Stage.WAITING, QUIET_ENDS, 0)


def test_who_waits_for_the_provider_is_not_told_that_it_is_down_in_quiet_hours() -> None:
    owner = account(quiet="14-22", mode="sync")
    assert appraise(submit(), owner=owner, by=choice(["lab"])).timing.stage == Stage.WAITING


@pytest.mark.parametrize(
    ("owner", "changes", "keeps", "down", "expected"),
    [
        (SYNC, {}, False, ["a", "b"], 0x58),
        (SYNC, {}, False, ["a"], None),
        (PLAIN, {}, False, ["a", "b"], None),
        (SYNC, {"schedule_delivery_time": LATER}, False, ["a", "b"], None),
        (SYNC, {"schedule_delivery_time": LATER}, True, ["a", "b"], 0x58),
        (SYNC, {"schedule_delivery_time": "xx"}, False, ["a", "b"], Status.ESME_RINVSCHED),
    ],
)
def test_who_waits_for_the_provider_is_told_that_none_works(
    owner: Account, changes: dict[str, Any], keeps: bool, down: list[str], expected: int | None
) -> None:
    both = FakeChecker("a", keeps=keeps), FakeChecker("b")
    how: Any = {"owner": owner, "by": choice(down, status=0x58)}
    if expected is None:
        assert appraise(submit(**changes), *both, **how).path.down == (0x58 if len(down) == 2 else 0)
    else:
        assert status(submit(**changes), *both, **how) == expected


def test_what_it_is_told() -> None:
    assert refused(submit(), owner=SYNC, by=choice(["lab"]))[1] == "no provider of the route works"


# --- the order of the steps --------------------------------------------------------------------------


@pytest.mark.parametrize("place", range(len(FAULTS)))
def test_the_first_fault_is_the_answer(place: int) -> None:
    changes: dict[str, Any] = {}
    for _, fault, _ in reversed(FAULTS[place:]):
        changes |= fault
    step, _, expected = FAULTS[place]
    assert status(submit(**changes), owner=STRICT, routes=BELARUS) == expected
    assert next(iter(examine(submit(**changes), owner=STRICT, routes=BELARUS).refusals)) == step


def test_a_coding_that_octets_cannot_have_comes_before_the_route() -> None:
    pdu = submit(b"\6\5\4\1\2\3\4x", "33612345678", esm_class=0x40, data_coding=0)
    owner = account(default_encoding="cp1251")
    assert status(pdu, owner=owner, routes=BELARUS) == Status.ESME_RINVENCODING
    examined = examine(pdu, owner=owner, routes=BELARUS)
    assert list(examined.refusals) == ["draft"]
    assert isinstance(examined.draft, Refused)
    assert examined.left_out == {"path", "timing"}


# --- long messages whose parts are joined ------------------------------------------------------------


def joined(
    *checkers: FakeChecker, draft: Draft, not_before: int = NOW, owner: Account = PLAIN, **how: Any
) -> tuple[str, Timing]:
    made = appraiser(*checkers, **how)
    path, timing = made.appraise_joined(owner, draft, not_before, NOW + HOUR, NOW, made.paths())
    return path.route, timing


WHOLE = Draft(PHONE, "ALARM", "a long text")


def test_a_joined_message_goes_to_those_that_carry_its_text() -> None:
    short = FakeChecker("short", 0x0A, takes=lambda draft: len(draft.text or "") < 5)
    queued = Timing(Stage.QUEUED, NOW + HOUR, 0)
    assert joined(short, FakeChecker("b"), draft=WHOLE) == ("b", queued)
    assert joined(short, FakeChecker("b"), draft=WHOLE._replace(text="text")) == ("short,b", queued)
    with pytest.raises(Refused) as caught:
        joined(short, draft=WHOLE)
    assert caught.value.status == 0x0A


def test_its_schedule() -> None:
    assert joined(FakeChecker(), draft=WHOLE, not_before=NOW + 1)[1] == Timing(Stage.WAITING, NOW + 1, 0)
    keeping = FakeChecker(keeps=True)
    assert joined(keeping, draft=WHOLE, not_before=NOW + 1)[1] == Timing(Stage.QUEUED, NOW + HOUR, NOW + 1)


def test_its_schedule_in_quiet_hours() -> None:
    keeping, queued = FakeChecker(keeps=True), Timing(Stage.QUEUED, NOW + HOUR, 0)
    assert joined(keeping, draft=WHOLE, owner=QUIET) == ("lab", queued)  # it may be urgent
    waiting = Timing(Stage.WAITING, QUIET_ENDS, 0)
    assert joined(keeping, draft=WHOLE, not_before=QUIET_ENDS, owner=QUIET)[1] == waiting


def test_its_parts_were_answered_already() -> None:
    """Whether a provider works is no reason to refuse what was taken."""
    assert joined(FakeChecker(), draft=WHOLE, by=choice(["lab"]))[0] == "lab"


def test_its_route_is_that_of_its_account() -> None:
    routes = (Route(account=("pbx",), to=("b",)), Route(to=("a",)))
    assert joined(FakeChecker("a"), FakeChecker("b"), draft=WHOLE, routes=routes)[0] == "b"
