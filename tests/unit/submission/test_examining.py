"""Examining a submit_sm says the same as appraising it, and more where it is refused."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smppbridge.errors import Refused
from smppbridge.model.account import Account
from smppbridge.model.message import Draft
from smppbridge.smpp.constants import Status, Tag
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.smpp.times import format_relative
from smppbridge.smpp.tlv import tlv
from smppbridge.submission.appraisal import Appraiser
from smppbridge.submission.content import Content
from tests.support.builders.accounts import account
from tests.support.esme.esme import PHONE, submit
from tests.unit.smpp.strategies import pdus_of
from tests.unit.submission.appraised import BELARUS, FAULTS, LATER, PART, STRICT, examine
from tests.unit.submission.checkers import HOUR, NOW, FakeChecker, appraiser, choice
from tests.unit.submission.contents import PLAIN, SAR


def test_what_is_taken_has_every_value() -> None:
    examined = examine(submit())
    assert (examined.refusals, examined.left_out) == ({}, frozenset())
    assert (examined.service, examined.recipient, examined.sender) == ("", PHONE, "ALARM")
    assert examined.content == Content("Door 3 opened", None, False)
    assert examined.draft == Draft(PHONE, "ALARM", "Door 3 opened", data_coding=3, unlisted=True)
    assert examined.result is examined.appraisal


def test_steps_behind_a_refusal_have_their_values() -> None:
    examined = examine(submit(priority_flag=4, destination_addr="G777"))
    assert list(examined.refusals) == ["fields", "recipient"]
    assert examined.left_out == {"draft", "path", "timing"}
    assert isinstance(examined.recipient, Refused)
    assert examined.draft is None
    assert (examined.sender, examined.content) == ("ALARM", Content("Door 3 opened", None, False))
    assert examined.result is examined.refusals["fields"]
    assert (examined.appraisal.not_before, examined.appraisal.deadline) == (NOW, NOW + 24 * HOUR)


@pytest.mark.parametrize("step", ["service", "recipient", "content", "sender"])
def test_the_value_of_a_step_that_refuses_is_its_refusal(step: str) -> None:
    (changes,) = (fault for name, fault, _ in FAULTS if name == step)
    examined = examine(submit(**changes), owner=STRICT, routes=BELARUS)
    for name in ("service", "recipient", "content", "sender"):
        assert (getattr(examined, name) is examined.refusals.get(name)) == (name == step)


def test_a_refused_service_counts_as_none_in_later_steps() -> None:
    examined = examine(submit("", "door@example.org", service_type="MAIL"))
    assert isinstance(examined.service, Refused)
    assert {name: one.status for name, one in examined.refusals.items()} == {
        "service": Status.ESME_RINVSERTYP,
        "recipient": Status.ESME_RINVDSTADR,
        "content": Status.ESME_RINVTEXT,
    }


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"service_type": "HLR"}, {"draft", "path", "timing"}),
        ({"short_message": b""}, {"draft", "path", "timing"}),
        ({"source_addr": "OTHER"}, {"draft", "path", "timing"}),
        ({"destination_addr": "33612345678"}, {"timing"}),
        ({"validity_period": "xx"}, {"timing"}),
        ({"priority_flag": 4}, set()),
    ],
)
def test_steps_that_need_a_refused_value_are_left_out(changes: dict[str, Any], missing: set[str]) -> None:
    examined = examine(submit(**changes), owner=STRICT, routes=BELARUS)
    assert len(examined.refusals) == 1
    assert examined.left_out == missing
    assert (examined.draft is None) == ("draft" in missing)


def test_a_step_needs_only_earlier_ones() -> None:
    seen: set[str] = set()
    for step in appraiser(FakeChecker()).steps:
        assert set(step.needs) <= seen
        seen.add(step.name)


ACCOUNTS = [
    PLAIN,
    account(country="BY", senders=["ALARM"], services=["HLR", "CALL", "BOT"]),
    account(default_encoding="gsm", septets="packed", mode="sync", default_sender="CASTLE"),
    account(default_encoding="cp1251", encodings={4: "koi8-r"}, mode="sync", validity="1m"),
]
APPRAISERS = [
    appraiser(FakeChecker()),
    appraiser(FakeChecker(status=0x0B, takes=lambda draft: bool(draft.text)), by=choice(["lab"])),
    appraiser(FakeChecker(services=frozenset({"HLR", "CALL"}), keeps=True), by=choice(["lab"])),
    appraiser(FakeChecker(takes_parts=True), routes=BELARUS),
]
LIKELY = st.builds(
    submit,
    st.sampled_from([b"Door", b"", PART, b"\6\5\4\1\2\3\4x", b"\4\x14", b"1234"]),
    st.sampled_from([PHONE, "80291234567", "33612345678", "G777"]),
    esm_class=st.sampled_from([0, 0, 0x40, 4]),
    service_type=st.sampled_from(["", "", "HLR", "CALL"]),
    source_addr=st.sampled_from(["ALARM", "", "OTHER"]),
    data_coding=st.sampled_from([0, 3, 4, 8, 0x10, 0xF5]),
    priority_flag=st.sampled_from([0, 0, 0, 9]),
    schedule_delivery_time=st.sampled_from(["", "", LATER, "xx"]),
    validity_period=st.sampled_from(["", "", LATER, format_relative(7200), "xx"]),
    tlvs=st.sampled_from([(), (), SAR, (tlv(Tag.MESSAGE_PAYLOAD, b"Door"),)]),
)


@settings(max_examples=400, deadline=None)
@given(LIKELY | pdus_of(SubmitSm), st.sampled_from(ACCOUNTS), st.sampled_from(APPRAISERS))
def test_examining_says_what_appraising_does(pdu: SubmitSm, owner: Account, made: Appraiser) -> None:
    path_of = made.paths()
    examined = made.examine(owner, pdu, NOW, path_of)
    result = examined.result
    try:
        appraisal = made.appraise(owner, pdu, NOW, path_of)
    except Refused as refusal:
        assert isinstance(result, Refused)
        assert (result.status, result.reason) == (refusal.status, refusal.reason)
    else:
        assert result == appraisal
        assert (examined.refusals, examined.left_out) == ({}, frozenset())
        assert (examined.service, examined.recipient) == (appraisal.service, appraisal.recipient)
        assert (examined.content, examined.sender) == (appraisal.content, appraisal.sender)
        assert examined.draft == appraisal.draft
