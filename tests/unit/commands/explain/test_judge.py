"""`explain`: what it says about messages, their way and their parts."""

import json
from typing import Any

import pytest

from smppbridge.smpp.addresses import DistributionList, SmeAddress
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import (
    DataSm,
    DeliverSm,
    SubmitMulti,
    SubmitSm,
)
from smppbridge.smpp.tlv import tlv
from tests.support.esme.esme import submit
from tests.unit.commands.explain.told import SECTIONS, config, told, told_one


def refusal(outcome: dict[str, Any]) -> str:
    return str(outcome["answer"]["command_status"]["meaning"])


# --- messages ----------------------------------------------------------------------------------------


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


async def test_requests_of_every_kind() -> None:
    one = await told_one(submit(to="79021234567", source_addr="Demo"))
    assert json.loads(one["outcome"]["request"]["body"])["apikey"] == "***"
    assert "https://sms.example.org/callbacks/pilot/***" in one["outcome"]["request"]["body"]
    one = await told_one(submit(b"\x01\xff", to="79021234567", data_coding=4, source_addr="Demo"))
    assert one["outcome"]["route"]["left_out"].keys() == {"pilot"}
    assert "psw=***" in one["outcome"]["request"]["body"]
    one = await told_one(submit("x" * 200, "48501234567"))
    first, second = one["outcome"]["request"]["submit_sm"]
    assert first["esm_class"]["value"] == second["esm_class"]["value"] == "0x40"
    assert bytes.fromhex(first["pdu"])[4:8] == b"\0\0\0\x04"
    one = await told_one(submit(to="12025550123"))
    assert "sandbox" in one["outcome"]["request"]["nothing"]


async def test_codings_flash_and_length() -> None:
    text = "Привет ^{}" * 8
    one = await told_one(submit(text.encode("cp1251"), data_coding=0), default_encoding="cp1251")
    message = one["message"]
    assert message["text"] == text
    assert message["coding"]["meaning"].endswith("read as cp1251, the account's default_encoding")
    assert message["alphabet"]["value"] == "UCS-2"
    assert "not in GSM 03.38: П U+041F" in message["alphabet"]["meaning"]
    assert message["short_messages"] == 2
    one = await told_one(submit(b"Hi", data_coding=0x10), default_encoding="gsm")
    assert one["message"]["flash"].startswith("shown at once")
    one = await told_one(
        submit(b"\xe8\x32\x9b\xfd\x06", data_coding=0), default_encoding="gsm", septets="packed"
    )
    assert one["message"]["text"] == "hello"
    one = await told_one(submit("Привет".encode("koi8-r"), data_coding=3), encodings={3: "koi8-r"})
    assert one["message"]["text"] == "Привет"
    assert one["message"]["coding"]["meaning"] == "koi8-r, as the account's encodings say"


async def test_packed_septets_by_an_encoding_of_the_account() -> None:
    packed = submit(b"\xe8\x32\x9b\xfd\x06", data_coding=1)
    one = await told_one(packed, encodings={1: "gsm"}, septets="packed")
    assert one["message"]["text"] == "hello"
    assert one["message"]["coding"]["meaning"] == "gsm, packed, as the account's encodings say"
    one = await told_one(submit(b"hello", data_coding=0), encodings={1: "gsm"}, septets="packed")
    assert one["message"]["coding"]["meaning"].endswith("read as latin-1, the account's default_encoding")


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


async def test_receipts_and_messages_from_phones() -> None:
    text = (
        b"id:17 sub:001 dlvrd:001 submit date:2611211200 done date:2611211201 stat:DELIVRD err:000 text:Door"
    )
    pdu = DeliverSm(esm_class=4, short_message=text, tlvs=(tlv(Tag.NETWORK_ERROR_CODE, b"\x03\x01\x02"),))
    one = await told_one(pdu)
    assert one["receipt"]["id"] == "17"
    assert one["receipt"]["stat"] == {"value": "DELIVRD", "meaning": "delivered, final"}
    assert one["tlvs"][0]["meaning"] == "GSM 258"
    pdu.esm_class = 0
    assert "esm_class" in (await told_one(pdu))["receipt"]["note"]
    one = await told_one(DeliverSm(short_message="Да".encode("utf-16-be"), data_coding=8))
    assert one["message"] == {"text": "Да"}


# --- long messages -----------------------------------------------------------------------------------


def part(number: int, total: int, octets: bytes, reference: int = 7) -> SubmitSm:
    head = bytes((5, 0, 3, reference, total, number))
    return submit(head + octets, esm_class=0x40, data_coding=8, sequence_number=number)


async def test_parts_are_joined_when_all_are_there() -> None:
    """A surrogate pair is cut in two, and the parts come in another order."""
    octets = ("Длинное сообщение " * 5 + "😀").encode("utf-16-be")
    cut = len(octets) - 2
    found = await told(part(2, 2, octets[cut:]), part(2, 2, octets[cut:]), part(1, 2, octets[:cut]))
    second, again, first = found.pdus
    assert second["part"] == {
        "number": 2,
        "total": 2,
        "reference": 7,
        "told_by": "user data header, 8-bit reference",
    }
    assert second["joined"] == "1 of 2 parts are still missing"
    assert "was here before" in again["joined"]
    assert "60s" in second["outcome"]["answer"]["then"]
    assert "request" not in second["outcome"]
    joined = first["joined"]
    assert joined["text"] == octets.decode("utf-16-be")
    assert json.loads(joined["request"]["body"])["message"]["msg"][0]["sms_text"] == joined["text"]
    assert joined["route"]["providers"] == ["assist", "link"]


async def test_parts_that_never_come_or_make_no_text() -> None:
    found = await told(part(1, 3, b"\0a"), part(3, 3, b"\0c"))
    assert found.remarks == ["long message with reference 7: part 2 of 3 was not found"]
    found = await told(part(1, 2, b"\0a"), part(2, 2, b"\0b\0"))
    assert found.pdus[1]["joined"]["unreadable"]
    sar = [
        submit(b"abc", tlvs=(tlv(0x020C, 9), tlv(0x020E, 2), tlv(0x020F, number)), data_coding=3)
        for number in (1, 2)
    ]
    found = await told(*sar)
    assert found.pdus[0]["part"]["told_by"] == "sar_* TLVs"
    assert found.pdus[1]["joined"]["text"] == "abcabc"


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
