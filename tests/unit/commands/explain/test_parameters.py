"""`explain`: what it says about PDUs, and that nothing makes it fail or tell a secret."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smppbridge.commands.explain.found import read_hex
from smppbridge.commands.explain.printing import as_json, as_text
from smppbridge.commands.explain.sources import Fields, from_fields
from smppbridge.smpp.addresses import UnsuccessSme
from smppbridge.smpp.codec import encode
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import (
    PDUS,
    BindTransceiver,
    CancelSm,
    EnquireLink,
    Outbind,
    Pdu,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    SubmitMultiResp,
    SubmitSm,
    SubmitSmResp,
)
from smppbridge.smpp.tlv import tlv
from tests.support.esme.esme import submit
from tests.support.system.vectors import vectors
from tests.unit.commands.explain.told import SECRETS, account, config, told, told_of, told_one
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
