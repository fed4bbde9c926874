"""What would become of a message: its values, its way, its times, its answer, its request."""

import json
from typing import Any

import pytest

from smppbridge.smpp.pdu import (
    SubmitSm,
)
from tests.support.esme.esme import submit
from tests.unit.commands.explain.told import SECTIONS, account, config, part, refusal, told, told_one


async def test_a_message_and_its_way() -> None:
    one = await told_one(submit("Door 3 opened", "80291234567"))
    assert one["account"] == "pbx"
    assert one["message"] == {
        "coding": {"value": "0x03", "meaning": "Latin-1"},
        "text": "Door 3 opened",
        "characters": 13,
        "alphabet": {"value": "GSM 03.38", "meaning": "13 septets; 160 fit one message, 153 a part"},
        "short_messages": 1,
    }
    outcome = one["outcome"]
    assert outcome["recipient"] == {"value": "375291234567", "meaning": "from '80291234567'"}
    assert outcome["sender"] == "ALARM"
    assert outcome["route"] == {
        "line": {"value": "routes[0]", "meaning": "account pbx; destination 37525, 37529"},
        "providers": ["assist", "link"],
        "order": "assist first; the next one when it fails or is paused",
    }
    assert refusal(outcome) == "ESME_ROK"
    assert outcome["answer"]["receipt"] == "yes"
    request = outcome["request"]
    assert request["provider"] == {"value": "assist", "meaning": "kind sms-assistent"}
    assert request["url"] == "https://userarea.sms-assistent.by/api/v1/json"
    body = json.loads(request["body"])
    assert body["password"] == "***"
    assert body["message"]["msg"][0]["recipient"] == "375291234567"


async def test_providers_that_cannot_carry_it_are_left_out_with_a_reason() -> None:
    one = await told_one(submit("Door", source_addr="3753312"))
    route = one["outcome"]["route"]
    assert route["providers"] == ["link"]
    assert route["left_out"] == {"assist": "sender must not be a number"}
    assert one["outcome"]["request"]["submit_sm"][0]["source_addr"] == "3753312"
    one = await told_one(submit("Door", "79021234567", source_addr="Пример".encode().decode("latin-1")))
    assert set(one["outcome"]["route"]["left_out"]) == {"pilot", "centre"}
    assert refusal(one["outcome"]) == "ESME_RINVSRCADR"


@pytest.mark.parametrize(
    ("changes", "keys", "status", "where"),
    [
        ({"destination_addr": "G777"}, {}, "ESME_RINVDSTADR", "recipient"),
        ({"dest_addr_ton": 5}, {}, "ESME_RINVDSTTON", "recipient"),
        ({"source_addr": "OTHER"}, {"senders": ["ALARM"]}, "ESME_RINVSRCADR", "sender"),
        ({"service_type": "HLR"}, {}, "ESME_RINVSERTYP", "service"),
        ({"destination_addr": "48501234567", "dest_addr_ton": 1}, {"country": "PL"}, "ESME_ROK", ""),
        ({"destination_addr": "33612345678"}, {}, "ESME_RNOROUTE", ""),
        ({"destination_addr": "33612345678"}, {"status_codes": "standard"}, "ESME_RSUBMITFAIL", ""),
        ({"esm_class": 0x04}, {}, "ESME_RINVESMCLASS", ""),
        ({"priority_flag": 4}, {}, "ESME_RINVPRTFLG", ""),
        ({"sm_default_msg_id": 1}, {}, "ESME_RINVDFTMSGID", ""),
        ({"data_coding": 5}, {}, "ESME_RINVENCODING", ""),
        ({"data_coding": 8, "short_message": b"abc"}, {}, "ESME_RINVTEXT", ""),
        ({"validity_period": "tomorrow"}, {}, "ESME_RINVEXPIRY", ""),
        ({"schedule_delivery_time": "261399000000000+"}, {}, "ESME_RINVSCHED", ""),
    ],
)
async def test_answers(changes: dict[str, Any], keys: dict[str, Any], status: str, where: str) -> None:
    one = await told_one(submit(**changes), **keys)
    outcome = one["outcome"]
    assert refusal(outcome) == status
    if where:
        assert outcome[where]["command_status"]["meaning"] == status
        assert "request" not in outcome
    if status == "ESME_RNOROUTE":
        assert outcome["route"] == {"line": "none of the routes matches"}
    if "text" not in one["message"]:
        assert one["message"]["unreadable"]


async def test_times() -> None:
    one = await told_one(
        submit(schedule_delivery_time="000000020000000R", validity_period="000001000000000R"),
    )
    times = one["outcome"]["times"]
    assert times["sent"]["meaning"] == "the bridge keeps it until then"
    assert times["given_up"]["meaning"] == "after 79200s, as EXPIRED"
    one = await told_one(submit())
    assert one["outcome"]["times"]["sent"] == "at once"
    assert one["outcome"]["times"]["given_up"]["meaning"] == "after 86400s, as EXPIRED"


async def test_ucs2_that_need_not_be() -> None:
    pdu = submit("Door".encode("utf-16-be"), "48501234567", data_coding=8)
    for keys, coding in (({}, "0x08"), ({"use_latin_when_it_fits": True}, "0x00")):
        one = await told_one(pdu, **keys)
        assert one["outcome"]["request"]["submit_sm"][0]["data_coding"]["value"] == coding
    parts = [part(number, 2, b"\0a") for number in (1, 2)]
    settings = config(**account(use_latin_when_it_fits=True), routes=[{"to": ["link"]}])
    (sent,) = (await told(*parts, settings=settings)).pdus[-1]["joined"]["request"]["submit_sm"]
    assert (sent["data_coding"]["value"], sent["short_message"]["hex"]) == ("0x00", "6161")


QUIET = {"quiet": "8-16", "quiet_time_zone": "UTC"}
NOON = 1_772_452_800_000  # 2026-03-02 12:00 UTC


async def test_quiet_hours() -> None:
    one = await told_one(submit(), at=NOON, **QUIET)
    assert one["verdict"].endswith("through assist, not before 2026-03-02 16:00:00+00:00")
    sent = one["outcome"]["times"]["sent"]
    assert sent["meaning"] == "quiet hours 08:00-16:00: the bridge keeps it until then"
    assert one["outcome"]["times"]["given_up"]["meaning"] == "after 86400s, as EXPIRED"
    one = await told_one(submit(priority_flag=1), at=NOON, **QUIET)
    assert one["outcome"]["times"]["sent"] == "at once"
    one = await told_one(submit(validity_period="000000000100000R"), at=NOON, **QUIET)
    assert "ends before the account's quiet hours (08:00-16:00) do" in one["verdict"]


async def test_quiet_hours_of_a_long_message() -> None:
    parts = [part(number, 2, b"\0a") for number in (1, 2)]
    found = await told(*parts, settings=config(**account(**QUIET)), at=NOON)
    assert found.pdus[-1]["verdict"].endswith("through assist, not before 2026-03-02 16:00:00+00:00")


async def test_a_service_that_nobody_asked_for() -> None:
    one = await told_one(submit(to="79021234567"), services=["CALL"], default_service="CALL")
    assert one["outcome"]["service"] == {"value": "CALL", "meaning": "the account's default"}
    assert one["outcome"]["route"]["providers"] == ["pilot", "centre"]


async def test_sync_mode_receipts_and_rates() -> None:
    answer = (await told_one(submit(registered_delivery=0), mode="sync"))["outcome"]["answer"]
    assert "after the provider has taken it" in answer["then"]
    assert answer["receipt"] == "none is asked for"
    answer = (await told_one(submit(esm_class=1), rate=5))["outcome"]["answer"]
    assert answer["receipt"] == "no: datagram mode"
    assert "5 messages a second" in answer["unless"]
    assert "replaces" not in answer
    answer = (await told_one(submit(replace_if_present_flag=1)))["outcome"]["answer"]
    assert "still waits" in answer["replaces"]


async def test_a_joined_text_is_kept_where_its_own_provider_would_keep_it() -> None:
    """The provider that would keep each part until its time cannot carry the whole text."""
    keeping = {**SECTIONS["providers"]["assist"], "schedule": "provider"}
    settings = config(
        providers={**SECTIONS["providers"], "assist": keeping},
        routes=[{"to": ["assist", "centre"]}],
    )
    octets = ("\u044b" * 67).encode("utf-16-be")
    parts = [part(number, 12, octets) for number in range(1, 13)]
    for one in parts:
        one.schedule_delivery_time = "000000050000000R"
    found = await told(*parts, settings=settings)
    assert "assist keeps it" in found.pdus[-1]["outcome"]["times"]["sent"]["meaning"]
    joined = found.pdus[-1]["joined"]
    assert joined["request"]["provider"]["value"] == "centre"
    assert "time=" not in joined["request"]["body"]


async def test_a_flash_part_is_refused_where_its_text_would_be() -> None:
    strict = {**SECTIONS["providers"]["assist"], "flash_unsupported": "reject"}
    settings = config(providers={**SECTIONS["providers"], "assist": strict}, routes=[{"to": ["assist"]}])
    flash = part(1, 2, b"\0a")
    flash.data_coding = 0x18
    found = await told(flash, part(1, 2, b"\0a", reference=8), settings=settings)
    assert [refusal(one["outcome"]) for one in found.pdus] == ["ESME_RINVENCODING", "ESME_ROK"]


@pytest.mark.parametrize(
    "pdu",
    [
        part(1, 1, b"\0a"),
        submit(b"\5\0\3\7\2\1ab", "79021234567", esm_class=0x40, data_coding=4, source_addr="Demo"),
    ],
)
async def test_a_part_that_is_not_joined_goes_as_it_is(pdu: SubmitSm) -> None:
    """A message of one part, and binary content."""
    one = await told_one(pdu)
    assert one["part"]["number"] == 1
    assert "joined" not in one
    assert one["verdict"].startswith("would be answered ESME_ROK and go to ")
    assert one["outcome"]["request"]["url"]
