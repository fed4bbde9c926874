"""PDUs that other programs wrote, where the collection lies beside the project.

A line re-encodes to its own octets unless it holds what we read but never write: stray octets (`trailing`), a
success response without its message_id (`message_id: null`), or an error without the body that some ESMEs
cannot do without (`_BODIES`). Everything the collection taught is in
`samples` too, so that nothing depends on it.
"""

import json
import re
from pathlib import Path
from typing import Any

from smppbridge.errors import FramingError, PduError
from smppbridge.smpp.codec import Decoder, Item, encode
from smppbridge.smpp.constants import RESPONSE_BIT, Command, EsmClass, RegisteredDelivery, Tag
from smppbridge.smpp.fields import read_cstring
from smppbridge.smpp.pdu import PDUS, Pdu
from smppbridge.smpp.session import Role, Session
from smppbridge.smpp.tlv import read_tlvs, tlv_value, write_tlvs

_FILE = Path(__file__).parents[4] / "shared" / "spec" / "vectors.jsonl"

Vector = dict[str, Any]
VECTORS: list[Vector] = (
    [json.loads(line) for line in _FILE.read_text(encoding="utf-8").splitlines()] if _FILE.exists() else []
)

# What the collection notes about a line, beside the parameters of the PDU.
_REMARKS = {"error", "upstream_status", "text", "udh", "concat", "trailing", "command"}


# The bodies of errors that come without one (see `Pdu.bodiless`).
_BODIES = {"bind_transceiver_resp": b"\0", "query_sm_resp": bytes(4)}
_HEADER = 16  # octets


def of_kind(kind: str) -> list[tuple[Vector, bytes]]:
    return [(vector, bytes.fromhex(vector["hex"])) for vector in VECTORS if vector["kind"] == kind]


def decode(raw: bytes, *, lenient: bool = False, password_max: int = 65) -> list[Item]:
    return Decoder(lenient=lenient, password_max=password_max).feed(raw)


def plain(value: object) -> object:
    """A decoded value as the collection writes it."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        flag = {"SmeAddress": {"dest_flag": 1}, "DistributionList": {"dest_flag": 2}}
        return {**flag.get(type(value).__name__, {}), **value._asdict()}
    return [plain(one) for one in value] if isinstance(value, tuple) else value


def seen(pdu: Pdu, name: str) -> object:
    """The parameter `name`, counts and lengths included."""
    if name == "sm_length":
        return len(pdu.short_message)  # type: ignore[attr-defined]  # only asked of PDUs that have one
    if name == "number_of_dests":
        return len(pdu.dest_address)  # type: ignore[attr-defined]  # only asked of submit_multi
    if name == "no_unsuccess":
        return len(pdu.unsuccess_sme)  # type: ignore[attr-defined]  # only asked of its response
    return plain(getattr(pdu, name))


def tag_of(name: str) -> int:
    return int(name, 16) if name.startswith("0x") else Tag[name.upper()]


def differences(pdu: Item, raw: bytes, expect: dict[str, Any]) -> list[str]:
    """Where the decoded PDU is not what the line says."""
    if not isinstance(pdu, Pdu):
        return [f"not read: {pdu}"]
    wrong = []
    for name, value in expect.items():
        if name == "command_length":
            found: object = int.from_bytes(raw[:4], "big")
        elif name == "tlvs":
            found = {each: plain(pdu.tlv(tag_of(each))) for each in value}
        elif name in _REMARKS:
            continue
        else:
            found = seen(pdu, name)
        if found != ("" if value is None else value):
            wrong.append(f"{name}: {found!r}, not {value!r}")
    return wrong


def test_pdus_are_read_as_described() -> None:
    for vector, raw in of_kind("pdu"):
        (pdu,) = decode(raw)
        assert differences(pdu, raw, vector["expect"]) == [], vector["name"]
        assert isinstance(pdu, Pdu)
        assert Command(pdu.command_id).name.lower() == vector["command"]


def test_pdus_are_written_to_the_same_octets() -> None:
    for vector, raw in of_kind("pdu"):
        expect = vector["expect"]
        (pdu,) = decode(raw)
        assert isinstance(pdu, Pdu)
        if "trailing" in expect or expect.get("message_id", "") is None:
            assert encode(pdu) != raw, vector["name"]
        else:
            body = _BODIES.get(vector["command"], b"") if len(raw) == _HEADER else b""
            assert encode(pdu) == (len(raw) + len(body)).to_bytes(4) + raw[4:] + body, vector["name"]


def test_malformed_pdus_get_the_named_reaction() -> None:
    for vector, raw in of_kind("malformed"):
        check_reaction(vector, raw)


def check_reaction(vector: Vector, raw: bytes) -> None:
    name, reaction = vector["name"], vector["reaction"]
    if reaction.startswith("client side"):
        (pdu,) = decode(raw, lenient=True)
        assert differences(pdu, raw, vector["expect"]) == [], name
    elif reaction.startswith(("drop the NUL", "accept as empty")):
        (pdu,) = decode(raw)
        assert differences(pdu, raw, vector["expect"]) == [], name
    elif vector["command"].endswith("_resp"):
        (pdu, *_) = decode(raw)  # what stands behind a PDU that was cut is none of its business
        assert isinstance(pdu, Pdu), name
    else:
        statuses = {int(found, 16) for found in re.findall(r"0x([0-9A-Fa-f]{2,8})", reaction)}
        (error,) = decode(raw, password_max=9)
        assert isinstance(error, PduError | FramingError), name
        assert isinstance(error, FramingError) == ("close" in reaction), name
        assert error.status in statuses, name
        if isinstance(error, PduError) and "sequence_number" in vector["expect"]:
            assert error.sequence_number == vector["expect"]["sequence_number"], name


def test_a_session_writes_the_named_reply() -> None:
    for vector, raw in of_kind("malformed"):
        if "reply_hex" in vector:
            session = Session(Role.SMSC, 0)
            session.receive(raw, 0)
            assert session.drain().hex() == vector["reply_hex"], vector["name"]


def test_streams_are_cut_into_pdus() -> None:
    for vector, raw in of_kind("stream"):
        decoder = Decoder(max_octets=0x7FFFFFFF)
        items: list[Item] = []
        start = 0
        for size in vector.get("feed", [len(raw)]):
            items += decoder.feed(raw[start : start + size])
            start += size
        check_stream(vector, raw, items)


def check_stream(vector: Vector, raw: bytes, items: list[Item]) -> None:
    expect = vector["expect"]
    if expect.get("result") == "incomplete":
        assert items == [], vector["name"]
        return
    expected = expect.get("pdus", [expect])
    assert len(items) == len(expected), vector["name"]
    for item, described in zip(items, expected, strict=True):
        assert isinstance(item, PduError) == ("error" in described), vector["name"]
        if "sequence_number" in described:
            assert not isinstance(item, FramingError)
            assert item.sequence_number == described["sequence_number"], vector["name"]
        if "command" in described:
            assert type(item) is PDUS[Command[described["command"].upper()]]
    if expect.get("left"):  # those octets are the start of the next PDU
        decoder = Decoder()
        decoder.feed(raw)
        assert len(decoder.feed(bytes(4 - expect["left"]))) == 1, vector["name"]


def test_tlvs_are_read_and_written() -> None:
    for vector, raw in of_kind("tlv"):
        expect = vector["expect"]
        if "error" not in expect and len(raw) == 4 + expect.get("length", -1):
            ((tag, octets),) = read_tlvs(raw, 0, tolerant=False)
            assert (tag, len(octets)) == (expect["tag"], expect["length"]), vector["name"]
            assert write_tlvs(((tag, octets),)) == raw
            if "value" in expect:
                assert octets.hex() == expect["value"]
            if "int" in expect:
                assert tlv_value(tag, octets) == expect["int"]
            if "text" in expect:
                assert octets.rstrip(b"\0").decode("latin-1") == expect["text"]


def test_cstrings_are_read() -> None:
    for vector, raw in of_kind("cstring"):
        text, pos = read_cstring(raw, 0, 65, 0)
        assert (text, len(raw) - pos) == (vector["expect"]["text"], vector["expect"]["left"])


def test_flags_are_where_the_masks_say() -> None:
    for vector, raw in of_kind("flags"):
        value, expect = raw[0], vector["expect"]
        if vector["command"] == "esm_class" and "error" not in expect:
            assert bool(value & EsmClass.UDHI) == expect["udhi"]
            assert bool(value & EsmClass.REPLY_PATH) == expect["reply_path"]
        elif vector["command"] == "registered_delivery":
            asked = value & RegisteredDelivery.RECEIPT_MASK
            assert (asked == RegisteredDelivery.SUCCESS_OR_FAILURE) == expect["receipt_success_or_failure"]
            assert (asked == RegisteredDelivery.FAILURE_ONLY) == expect["receipt_failure_only"]
            assert bool(value & RegisteredDelivery.INTERMEDIATE) == expect["intermediate"]


def test_no_response_in_the_collection_is_an_error() -> None:
    for vector in VECTORS:
        raw = bytes.fromhex(vector["hex"])
        if vector["kind"] == "pdu" and int.from_bytes(raw[4:8], "big") & RESPONSE_BIT:
            assert all(isinstance(item, Pdu) for item in decode(raw)), vector["name"]
