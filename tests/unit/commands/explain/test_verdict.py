"""The sentence that comes first."""

from typing import Any

import pytest

from smppbridge.commands.explain.sources import Fields, from_fields
from smppbridge.smpp.addresses import SmeAddress
from smppbridge.smpp.codec import encode
from smppbridge.smpp.pdu import (
    DataSm,
    EnquireLink,
    SubmitMulti,
    SubmitSm,
)
from tests.support.esme.esme import submit
from tests.unit.commands.explain.told import told, told_of

VERDICTS: list[tuple[dict[str, Any], str]] = [
    ({}, "would be answered ESME_ROK and go to 375291234567 through assist"),
    ({"to": "80291234567"}, "would be answered ESME_ROK and go to 375291234567 through assist"),
    (
        {"to": "+12025550123", "others": {"dest_addr_ton": 1}},
        "would be answered ESME_ROK and go to 12025550123 through lab",
    ),
    ({"to": "777"}, "would be answered ESME_RINVDSTADR: destination_addr is not a telephone number"),
    ({"to": "33612345678", "others": {"dest_addr_ton": 1}}, "would be answered ESME_RNOROUTE: "),
    ({"others": {"schedule_delivery_time": "000000020000000R"}}, "through assist, not before 2"),
]


@pytest.mark.parametrize(("changes", "words"), VERDICTS)
async def test_the_verdict_comes_first(changes: dict[str, Any], words: str) -> None:
    fields = Fields(**{"to": "375291234567", "source": "ALARM", "text": "Door", **changes})
    said = await told_of(lambda: from_fields(fields))
    (one,) = said.pdus
    assert words in one["verdict"]
    assert said.text.splitlines()[1] == f"  verdict: {one['verdict']}"


async def test_verdicts_of_other_pdus() -> None:
    def part(number: int, octets: bytes) -> SubmitSm:
        head = bytes((5, 0, 3, 7, 2, number))
        return submit(head + octets, esm_class=0x40, data_coding=8, sequence_number=number)

    half = part(1, "Да".encode("utf-16-be"))
    multi = SubmitMulti(
        dest_address=(SmeAddress(1, 1, "375291234567"), SmeAddress(1, 1, "G7")), short_message=b"x"
    )
    broken = encode(submit())[:-1]
    cut = len(broken).to_bytes(4, "big") + broken[4:]
    data = DataSm(source_addr="1" * 30, destination_addr="375291234567")
    said = await told(
        half, half, part(2, b"\0a"), part(1, b"\0"), part(2, b"\0\0"), multi, data, EnquireLink(), cut
    )
    assert [one.get("verdict") for one in said.pdus] == [
        "would be answered ESME_ROK; 1 of 2 parts are still missing",
        "would be answered ESME_ROK; this part was here before: it is answered with the message_id that"
        " it got then",
        "would be answered ESME_ROK; joined, it would go to 375291234567 through assist",
        "would be answered ESME_ROK; another part with this number was here before: a new message begins;"
        " 1 of 2 parts are still missing",
        "would be answered ESME_ROK; joined, it would be REJECTD: UCS-2 text has an odd number of octets",
        "would be taken for 1 of 2 destinations",
        "would be answered ESME_RINVSRCADR: source_addr is longer than 20 characters",
        None,
        "malformed; would be answered submit_sm_resp ESME_RINVMSGLEN: sm_length 13, but 12 octets left",
    ]
