"""Reports on PDUs one after the other: what each is, whose it is, what belongs together."""

import pytest

from smppbridge.commands.explain.found import FoundPdu
from smppbridge.commands.explain.judge import StatusAnswer
from smppbridge.commands.explain.report import BindOutcome, BindReport, SubmitReport
from smppbridge.commands.explain.reporter import MAX_LINKS, Reporter
from smppbridge.commands.explain.values import Instant, Meant, NamedStatus
from smppbridge.smpp.addresses import DistributionList, SmeAddress, UnsuccessSme
from smppbridge.smpp.codec import encode
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import (
    BindTransceiver,
    CancelSm,
    DataSm,
    EnquireLink,
    Pdu,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSmResp,
)
from smppbridge.smpp.tlv import tlv
from tests.support.esme.esme import submit
from tests.unit.commands.explain.told import SECRETS, account, config, refusal, told, told_one


@pytest.mark.parametrize(
    ("system_id", "password", "status", "reason"),
    [
        ("pbx", SECRETS[0], "ESME_ROK", None),
        ("pbx", "wrong", "ESME_RINVPASWD", "wrong password"),
        ("pabx", SECRETS[0], "ESME_RINVPASWD", "no such account"),
    ],
)
async def test_answer_to_a_bind(system_id: str, password: str, status: str, reason: str | None) -> None:
    one = await told_one(BindTransceiver(system_id=system_id, password=password))
    assert one["bind"]["answer"]["command_status"]["meaning"] == status
    assert one["bind"]["answer"].get("reason") == reason


async def test_bind_from_anywhere_else() -> None:
    one = await told_one(BindTransceiver(system_id="pbx", password=SECRETS[0]), allow_from=["10.0.0.0/8"])
    assert "allow_from" in one["bind"]["then"]


async def test_other_pdus() -> None:
    found = await told(
        QuerySm(message_id="17"),
        CancelSm(message_id="17"),
        ReplaceSm(message_id="17", short_message=b"new"),
        QuerySmResp(message_id="17", message_state=2, final_date="261121120000000+"),
        SubmitMultiResp(message_id="9", unsuccess_sme=(UnsuccessSme(1, 1, "375291234567", 0x0B),)),
        SubmitSmResp(command_status=0x4A3),
        EnquireLink(),
    )
    query, cancel, replace, state, multi, response, link = found.pdus
    assert all("'17' is looked up" in one["then"] for one in (query, cancel, replace))
    assert state["parameters"]["message_state"]["meaning"] == "delivered"
    assert state["parameters"]["final_date"]["meaning"] == "2026-11-21 12:00:00+00:00"
    failed = multi["parameters"]["unsuccess_sme"][0]
    assert failed["error_status_code"] == {"value": "0x0000000B", "meaning": "ESME_RINVDSTADR"}
    assert response["header"]["command_status"]["meaning"] == "ESME_RINVENCODING"
    assert "parameters" not in link
    counts = {(row["command"], row["status"]): row["count"] for row in found.lines[-1]["counts"]}
    assert counts["submit_sm_resp", "ESME_RINVENCODING"] == 1
    assert "7 PDUs, 7 of them shown" in found.text


TWO = {
    "accounts": {
        "pbx": {"password": SECRETS[0]},
        "gate": {"password": SECRETS[0], "default_encoding": "cp1251"},
    }
}


async def test_whose_message_it_is() -> None:
    text = submit("Дверь".encode("cp1251"), data_coding=0)
    bind = BindTransceiver(system_id="gate", password=SECRETS[0])
    found = await told(bind, text, settings=config(**TWO))
    assert (found.pdus[1]["account"], found.pdus[1]["message"]["text"]) == ("gate", "Дверь")
    found = await told(text, settings=config(**TWO), name="gate")
    assert found.pdus[0]["account"] == "gate"
    found = await told(bind, text, settings=config(**TWO), name="pbx")
    assert found.pdus[1]["account"] == "pbx"


@pytest.mark.parametrize("name", [None, "unknown\x1b[2J"])
async def test_an_unknown_account_is_a_warning(name: str | None) -> None:
    found = await told(submit(), submit(), settings=config(**TWO), name=name)
    assert len(found.warnings) == 1
    assert "\x1b" not in found.warnings[0]
    assert (
        "--account" in found.warnings[0] if name is None else "not in the configuration" in found.warnings[0]
    )
    assert found.pdus[0]["message"]["text"] == "Door 3 opened"
    assert "outcome" not in found.pdus[0]


async def test_likely_mistakes_are_told() -> None:
    cyrillic = "Привет, дверь открыта, скажите когда".encode("cp1251")
    one = await told_one(submit(cyrillic, data_coding=0))
    assert any("cp1251" in hint for hint in one["hints"])
    assert "hints" not in await told_one(submit(cyrillic, data_coding=0), default_encoding="cp1251")
    assert "hints" not in await told_one(submit(cyrillic, data_coding=3), encodings={3: "cp1251"})
    packed = bytes.fromhex("c8329bfd6681ae6f3939a8")
    assert (await told_one(submit(packed, data_coding=0), default_encoding="gsm")).get("hints")
    one = await told_one(submit(packed, data_coding=0), default_encoding="gsm", septets="packed")
    assert "hints" not in one


async def test_data_sm_is_a_message() -> None:
    payload = tlv(Tag.MESSAGE_PAYLOAD, "Привет".encode("utf-16-be"))
    pdu = DataSm(source_addr="ALARM", destination_addr="375291234567", data_coding=8, tlvs=(payload,))
    one = await told_one(pdu)
    assert one["message"]["text"] == "Привет"
    assert refusal(one["outcome"]) == "ESME_ROK"
    one = await told_one(DataSm(source_addr="1" * 30, destination_addr="375291234567", tlvs=(payload,)))
    assert refusal(one) == "ESME_RINVSRCADR"


async def test_submit_multi_for_each_destination() -> None:
    pdu = SubmitMulti(
        source_addr="ALARM",
        dest_address=(
            SmeAddress(1, 1, "375291234567"),
            SmeAddress(1, 1, "G777"),
            DistributionList("all"),
            SmeAddress(1, 1, "79021234567"),
        ),
        data_coding=3,
        short_message=b"Door",
    )
    one = await told_one(pdu)
    assert one["message"]["text"] == "Door"
    by_name = {outcome["destination"]: outcome for outcome in one["outcomes"]}
    assert {name: refusal(outcome) for name, outcome in by_name.items()} == {
        "375291234567": "ESME_ROK",
        "G777": "ESME_RINVDSTADR",
        "all": "ESME_RINVDLNAME",
        "79021234567": "ESME_ROK",
    }
    assert [name for name, outcome in by_name.items() if "request" in outcome] == ["375291234567"]
    assert by_name["79021234567"]["route"]["providers"] == ["pilot", "centre"]


# --- the source of a PDU -----------------------------------------------------------------------------

BIND = BindTransceiver(system_id="pbx", password=SECRETS[0])


def at(pdu: Pdu, place: str = "", link: str = "", ms: int | None = None) -> FoundPdu:
    return FoundPdu(pdu, encode(pdu), place, link, ms)


@pytest.mark.parametrize(
    ("place", "status", "reason"),
    [
        ("10.1.2.3:40001 > 192.0.2.1:2775", 0, None),
        ("[2001:db8::7]:40001 > [2001:db8::1]:2775", 0, None),
        ("192.0.2.7:40001 > 192.0.2.1:2775", 0x0E, "address not allowed"),
    ],
)
async def test_a_bind_from_an_address(place: str, status: int, reason: str | None) -> None:
    reporter = Reporter(config(**account(allow_from=["10.0.0.0/8", "2001:db8::/32"])), None)
    report = await reporter.report(at(BIND, place), 0)
    assert isinstance(report.about, BindReport)
    assert report.about.bind == BindOutcome("pbx", answer=StatusAnswer(NamedStatus(status), reason))


async def test_a_bind_of_an_unknown_account() -> None:
    bind = BindTransceiver(system_id="pabx", password=SECRETS[0])
    report = await Reporter(config(), None).report(at(bind), 0)
    assert isinstance(report.about, BindReport)
    assert report.about.bind.account == Meant("pabx", "not in the configuration")


async def test_the_source_knows_the_time() -> None:
    reporter = Reporter(config(), None)
    report = await reporter.report(at(submit(), "somewhere", ms=5000), 9000)
    assert (report.place, report.time) == ("somewhere", Instant(5000))
    assert isinstance(report.about, SubmitReport)
    assert report.about.outcome is not None and report.about.outcome.times is not None
    assert report.about.outcome.times.received == Instant(5000)
    report = await reporter.report(at(submit()), 9000)
    assert (report.place, report.time) == (None, None)
    assert isinstance(report.about, SubmitReport)
    assert report.about.outcome is not None and report.about.outcome.times is not None
    assert report.about.outcome.times.received == Instant(9000)


async def test_binds_belong_to_their_connections_and_are_not_remembered_without_end() -> None:
    reporter = Reporter(config(**TWO), None)
    for number in range(MAX_LINKS + 1):
        await reporter.report(at(BIND, link=f"link {number}"), 0)
    await reporter.report(at(BIND, link="link 1"), 0)  # known already: takes no place
    warnings = [(await reporter.report(at(submit(), link=f"link {n}"), 0)).warning for n in (0, 1, MAX_LINKS)]
    assert [bool(one) for one in warnings] == [True, False, False]


async def test_what_is_refused_as_a_whole() -> None:
    pdu = SubmitMulti(dest_address=(SmeAddress(1, 1, "375291234567"),), replace_if_present_flag=1)
    one = await told_one(pdu, status_codes="standard")
    assert one["answer"]["command_status"]["meaning"] == "ESME_RINVREPFLAG"
    assert {"account", "outcomes"}.isdisjoint(one)


async def test_lists_alone_have_no_text() -> None:
    pdu = SubmitMulti(dest_address=(DistributionList("all"),), short_message=b"Door")
    one = await told_one(pdu)
    assert one["account"] == "pbx"
    assert [outcome["destination"] for outcome in one["outcomes"]] == ["all"]
    assert "message" not in one


async def test_destinations_of_an_unknown_account() -> None:
    pdu = SubmitMulti(dest_address=(SmeAddress(1, 1, "375291234567"),), short_message=b"Door")
    (one,) = (await told(pdu, settings=config(**TWO))).pdus
    assert (one["message"]["text"], one["outcomes"]) == ("Door", [])
    assert "verdict" not in one
    assert "--account" in one["warning"]
