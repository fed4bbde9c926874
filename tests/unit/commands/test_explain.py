"""`explain`: what it says about PDUs, and that nothing makes it fail or tell a secret."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smppbridge.commands.explain import Fields, from_fields
from smppbridge.commands.explaining.found import read_hex
from smppbridge.commands.explaining.report import as_json, as_text
from smppbridge.smpp.addresses import DistributionList, SmeAddress, UnsuccessSme
from smppbridge.smpp.codec import encode
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import (
    PDUS,
    BindTransceiver,
    CancelSm,
    DataSm,
    DeliverSm,
    EnquireLink,
    Outbind,
    Pdu,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
    SubmitSmResp,
)
from smppbridge.smpp.tlv import tlv
from tests.support.esme import submit
from tests.support.vectors import vectors
from tests.unit.commands.told import SECRETS, account, config, told, told_of, told_one
from tests.unit.smpp.strategies import pdus_of

KINDS = ("pdu", "malformed", "stream", "receipt")
OWN = [
    "0000001c8000000500000000000000116ac73934323538343331353900",
    "00000010000000150000000000000000",
    "000000080000000401",
    "0000000f0000000400000000",
    "ffffffff000000040000000000000001",
    "00000010000001100000000000000007",
    "0000001180000110000000000000000700",
    "00000010000000040000000000000001",
    "0000002900000009000000000000000141414141414141414141414141414141007077000034000000",
    "0000003a0000000400000000000000090001013436373031313133333131000101343637303937373133333700"
    "00000000000000000368656a",
    "0000003a0000000400000000000000090001013436373031313133333131000101343637303937373133333700"
    "000000000000000009686568",
    "000000480000000400000000000000090001013436373031313133333131000101343637303937373133333700"
    "000000000000000003686568020400010100ff00",
    "0000001800000021000000000000000100000000ff010101",
]


def refusal(outcome: dict[str, Any]) -> str:
    return str(outcome["answer"]["command_status"]["meaning"])


# --- nothing makes it fail ---------------------------------------------------------------------------


@pytest.mark.parametrize("hexadecimal", OWN)
async def test_odd_octets(hexadecimal: str) -> None:
    found = await told(bytes.fromhex(hexadecimal))
    assert found.lines


async def test_vectors_of_other_implementations() -> None:
    for vector in vectors(*KINDS):
        octets = bytes.fromhex(vector["hex"])
        found = await told(octets)
        assert found.lines, vector["name"]
        if vector["kind"] == "pdu":
            assert found.pdus[0]["command"] == vector["command"], vector["name"]
        if vector["kind"] == "malformed" and "reaction" in vector and len(octets) >= 16:
            assert found.pdus, vector["name"]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(list(PDUS.values())).flatmap(pdus_of))
async def test_every_pdu(pdu: Pdu) -> None:
    (one,) = (await told(pdu)).pdus
    assert one["header"]["sequence_number"] == pdu.sequence_number


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([0x04, 0x21, 0x103, 0x05, 0x09, 0x80000004, 0x80000021]))
async def test_any_body(body: bytes, command_id: int) -> None:
    head = b"".join(number.to_bytes(4) for number in (16 + len(body), command_id, 0, 1))
    assert (await told(head + body, b"\x01")).lines


# --- PDUs --------------------------------------------------------------------------------------------


async def test_parameters_have_their_names_and_meanings() -> None:
    pdu = submit(
        esm_class=0x43, registered_delivery=0x11, priority_flag=2, data_coding=0xF0, sequence_number=7
    )
    pdu.tlvs = (tlv(Tag.USER_MESSAGE_REFERENCE, 5), (0x1500, b"\x01\xff"), tlv(Tag.DEST_ADDR_SUBUNIT, 1))
    one = await told_one(pdu)
    said = one["parameters"]
    assert list(said) == [name for name in vars(SubmitSm)["__match_args__"] if name in said]
    assert said["source_addr_ton"] == {"value": 5, "meaning": "alphanumeric"}
    assert said["dest_addr_npi"] == {"value": 1, "meaning": "isdn_e164"}
    assert said["esm_class"]["meaning"] == "store and forward, user data header (UDHI)"
    assert said["registered_delivery"]["meaning"] == "receipt, intermediate notification"
    assert said["priority_flag"]["meaning"] == "urgent"
    assert said["data_coding"] == {"value": "0xF0", "meaning": "GSM 03.38, class 0 (flash)"}
    assert said["short_message"] == {"octets": 13, "hex": b"Door 3 opened".hex()}
    assert one["header"] == {
        "command_length": len(encode(pdu)),
        "command_id": {"value": "0x00000004", "meaning": "submit_sm"},
        "sequence_number": 7,
    }
    assert one["tlvs"] == [
        {"tag": "0x0204", "name": "user_message_reference", "value": 5},
        {"tag": "0x1500", "name": "unknown", "value": {"octets": 2, "hex": "01ff"}},
        {"tag": "0x0005", "name": "dest_addr_subunit", "value": 1, "meaning": "shown at once (flash)"},
    ]


async def test_passwords_are_never_told() -> None:
    found = await told(
        BindTransceiver(system_id="pbx", password=SECRETS[0], interface_version=0x34),
        Outbind(system_id="pbx", password=SECRETS[0]),
        b"\0\0\0\x22\0\0\0\x09\0\0\0\0\0\0\0\x01pbx\0" + SECRETS[0].encode() + b"\0AB",  # broken behind it
    )
    assert [one["parameters"]["password"] for one in found.pdus[:2]] == ["***", "***"]
    assert found.pdus[2]["malformed"]["before"] == {"system_id": "pbx", "password": "***"}


@pytest.mark.parametrize(
    ("system_id", "password", "status"),
    [
        ("pbx", SECRETS[0], "ESME_ROK"),
        ("pbx", "wrong", "ESME_RINVPASWD"),
        ("pabx", SECRETS[0], "ESME_RINVPASWD"),
    ],
)
async def test_answer_to_a_bind(system_id: str, password: str, status: str) -> None:
    one = await told_one(BindTransceiver(system_id=system_id, password=password))
    assert one["bind"]["answer"]["command_status"]["meaning"] == status


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


@pytest.mark.parametrize(
    ("cut", "parameter", "offset"),
    [
        (16, "service_type", 16),
        (19, "source_addr", 19),
        (30, "destination_addr", 27),
        (47, "data_coding", 47),
    ],
)
async def test_where_a_pdu_breaks(cut: int, parameter: str, offset: int) -> None:
    """source_addr begins at 19, destination_addr at 27, and what follows it has one octet each."""
    whole = encode(submit(sequence_number=5))
    assert whole[27:40] == b"375291234567\0"
    octets = cut.to_bytes(4) + whole[4:cut]
    one = await told_one(octets)
    broken = one["malformed"]
    assert (broken["parameter"], broken["at_octet"]) == (parameter, offset)
    assert broken["answer"] == {
        "pdu": "submit_sm_resp",
        "command_status": {"value": "0x00000002", "meaning": "ESME_RINVCMDLEN"},
        "sequence_number": 5,
    }


async def test_where_tlvs_break() -> None:
    whole = encode(submit())
    good, cut = b"\x02\x04\0\x02\0\x05", b"\x04\x24\0\xff\x01"
    octets = (len(whole) + 11).to_bytes(4) + whole[4:] + good + cut
    broken = (await told_one(octets))["malformed"]
    assert broken["at_octet"] == len(whole) + len(good)
    assert broken["answer"]["command_status"]["meaning"] == "ESME_RINVOPTPARSTREAM"
    wrong = b"\x00\x1e\0\0"  # a text without its NUL: shorter than that parameter may be
    octets = (len(whole) + 10).to_bytes(4) + whole[4:] + good + wrong
    broken = (await told_one(octets))["malformed"]
    assert broken["at_octet"] == len(whole) + len(good)
    assert broken["answer"]["command_status"]["meaning"] == "ESME_RINVPARLEN"


async def test_lost_limits_and_incomplete_ends() -> None:
    found = await told(EnquireLink(sequence_number=1), b"\0\0\0\x05abcdefghijklmnop")
    assert found.pdus[1]["malformed"]["answer"]["pdu"] == "generic_nack"
    assert found.pdus[1]["place"] == "octet 16"
    found = await told(EnquireLink(), encode(submit())[:-3])
    assert "3 are missing" in found.remarks[0]
    assert found.pdus[1]["malformed"]["reason"].startswith("sm_length 13")
    found = await told(EnquireLink(), b"\0\0\0\x10\0")
    assert found.remarks == ["5 octets are left, too few for a header: 0000001000"]


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


# --- accounts ----------------------------------------------------------------------------------------


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


# --- limits and forms --------------------------------------------------------------------------------


async def test_limit() -> None:
    found = await told(*[submit(sequence_number=number) for number in range(1, 8)], limit=3)
    assert len(found.pdus) == 3
    assert found.lines[-1]["pdus"] == 7
    assert found.lines[-1]["counts"] == [{"command": "submit_sm", "status": "", "count": 7}]
    assert "7 PDUs, 3 of them shown" in found.text


async def test_nothing_speaks_to_the_terminal() -> None:
    evil = "\x1b]0;title\x07\x9b2J\u202egnp.exe\ud800\x7f"
    one = {"text": evil, evil: [evil, {"tag": evil, "name": evil, "value": evil}], "x": [{"y": evil}]}
    text = as_text(evil, one)
    assert all(char.isprintable() or char == "\n" for char in text)
    line = as_json(one)
    assert json.loads(line) == one
    assert not {"\x1b", "\x07", "\x9b", "\u202e", "\x7f", "\ud800"} & set(line)
    found = await told(submit("Door\x1b[2J\x9bm"))
    assert "\\x1b[2J\\x9bm" in found.text


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("00010203", b"\0\1\2\3"),
        (" 00 01\n02\t03\r\n", b"\0\1\2\3"),
        ("0x00, 0x01, 0X02,0x03", b"\0\1\2\3"),
        ("00:01:02:FF", b"\0\1\2\xff"),
        (r"\x00\x01\xfe", b"\0\1\xfe"),
    ],
)
def test_hexadecimal_text(text: str, octets: bytes) -> None:
    assert read_hex(text) == octets


@pytest.mark.parametrize("text", ["", "  ", "0", "00 0g", "Привет", "0x"])
def test_no_hexadecimal_text(text: str) -> None:
    with pytest.raises(ValueError, match=r"hexadecimal|octets|digits"):
        read_hex(text)


async def test_fields() -> None:
    def one(**fields: Any) -> Any:
        return lambda: from_fields(Fields(**{"to": "375291234567", "source": "ALARM", **fields}))

    (said,) = (await told_of(one(text="Привет"))).pdus
    assert said["message"]["text"] == "Привет"
    assert said["parameters"]["data_coding"]["value"] == "0x08"
    (said,) = (await told_of(one(text="x" * 500))).pdus
    assert said["message"]["short_messages"] == 4
    assert said["tlvs"][0]["name"] == "message_payload"
    (said,) = (await told_of(one(octets=b"\x05\x00", data_coding=4, others={"esm_class": 3}))).pdus
    assert said["message"]["data"]["hex"] == "0500"
    with pytest.raises(ValueError, match="destination_addr"):
        from_fields(Fields("1" * 30, text="x"))


def test_own_section_of_an_account() -> None:
    assert config(**account(septets="packed", default_encoding="gsm")).accounts["pbx"].septets == "packed"
