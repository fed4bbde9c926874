"""What is reported of a PDU itself: its parameters, and where a malformed one breaks."""

import pytest

from smppbridge.smpp.codec import encode
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import (
    BindTransceiver,
    Outbind,
    SubmitSm,
)
from smppbridge.smpp.tlv import tlv
from tests.support.esme.esme import submit
from tests.unit.commands.explain.told import SECRETS, told, told_one


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
