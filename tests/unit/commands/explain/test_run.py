"""`explain` as a whole: nothing makes it fail, and it ends where it was told to."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smppbridge.commands.explain.capture.formats import CaptureError
from smppbridge.commands.explain.found import FoundPdu, Remark
from smppbridge.commands.explain.printing import ExplainOptions
from smppbridge.commands.explain.run import explain
from smppbridge.commands.explain.sources import Sources, from_octets
from smppbridge.smpp.codec import encode
from smppbridge.smpp.pdu import (
    PDUS,
    Pdu,
)
from tests.support.esme.esme import submit
from tests.support.system.vectors import vectors
from tests.unit.commands.explain.told import config, part, told
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


async def test_limit() -> None:
    found = await told(*[submit(sequence_number=number) for number in range(1, 8)], limit=3)
    assert len(found.pdus) == 3
    assert found.lines[-1]["pdus"] == 7
    assert found.lines[-1]["counts"] == [{"command": "submit_sm", "status": "", "count": 7}]
    assert "7 PDUs, 3 of them shown" in found.text


# --- captures that end in the middle -----------------------------------------------------------------


async def test_what_came_before_the_damage_is_printed_first() -> None:
    """With what never came of a long message, and the summary."""

    def source() -> Sources:
        for number in (1, 3):
            pdu = part(number, 3, b"\0a")
            yield FoundPdu(pdu, encode(pdu), "")
        yield Remark("damage ahead")
        raise CaptureError("damaged")

    lines: list[str] = []
    with pytest.raises(CaptureError, match="damaged"):
        await explain(config(), source(), ExplainOptions(json=True), lines.append)
    said = [json.loads(line) for line in lines]
    assert [one["kind"] for one in said] == ["pdu", "pdu", "remark", "remark", "summary"]
    assert [one["remark"] for one in said[2:4]] == [
        "damage ahead",
        "long message with reference 7: part 2 of 3 was not found",
    ]


async def test_warnings_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    await explain(config(), from_octets(encode(submit())), ExplainOptions(account="gate"))
    printed = capsys.readouterr()
    assert printed.err.startswith("warning: account 'gate' is not in the configuration")
    assert printed.out.startswith("1. submit_sm\n")
