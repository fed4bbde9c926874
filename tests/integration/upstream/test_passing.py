"""What an upstream SMSC gets of a submit_sm, octet for octet: fields, optional parameters, texts, data."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from smppbridge.smpp.constants import Status, Tag
from smppbridge.smpp.pdu import SubmitSm, SubmitSmResp
from smppbridge.smpp.text import encode_text
from smppbridge.smpp.times import parse_time
from smppbridge.smpp.tlv import Tlv, tlv
from tests.simulators.smpp_centre.simulator import CentreSimulator, Rules
from tests.support.bridge.running import bridge, eventually, metric
from tests.support.bridge.upstream import link, linked, sections
from tests.support.bridge.upstream_steps import read
from tests.support.esme.esme import PHONE, Esme, submit

REFERENCE = tlv(Tag.USER_MESSAGE_REFERENCE, 0x1234)
PORT = tlv(Tag.SOURCE_PORT, 0x0B84)
KNOWN = (
    tlv(Tag.PRIVACY_INDICATOR, 2),
    tlv(Tag.CALLBACK_NUM, b"\1\1\x01375291234567"),
    tlv(Tag.ALERT_ON_MESSAGE_DELIVERY, b""),
    tlv(Tag.LANGUAGE_INDICATOR, 5),
)
VENDOR = ((0x1400, b""), (0x1501, b"\0\xff vendor"), (0x3FFF, b""))
BEYOND = ((0x4001, b"reserved"),)
ALL = (REFERENCE, *KNOWN, *VENDOR, *BEYOND)


async def passed(
    directory: Path,
    pdu: SubmitSm,
    *,
    account: dict[str, Any] | None = None,
    rules: Rules | None = None,
    **keys: Any,
) -> list[SubmitSm]:
    """The submit_sm that the SMSC gets for one of an ESME, which gets its receipt."""
    async with (
        CentreSimulator(rules or Rules()) as centre,
        linked(directory, centre, account=account, **keys) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        message_id = await esme.submit(pdu)
        receipt = read(await esme.receipt())
        assert receipt.id == message_id
        assert receipt.stat == "DELIVRD"
        return [taken.pdu for taken in centre.submitted]


async def passed_one(directory: Path, pdu: SubmitSm, **keys: Any) -> SubmitSm:
    (only,) = await passed(directory, pdu, **keys)
    return only


async def refusal(directory: Path, pdu: SubmitSm, **keys: Any) -> int:
    """The command_status of a submit_sm that never reaches the SMSC."""
    async with (
        CentreSimulator(Rules()) as centre,
        linked(directory, centre, **keys) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        answer = await esme.ask(pdu)
        assert isinstance(answer, SubmitSmResp)
        await esme.silence(SubmitSm, 0.05)
        assert centre.submitted == []
        return answer.command_status


# --- optional parameters ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "tlvs"),
    [
        ({}, (REFERENCE, *KNOWN)),
        ({"tlvs": "known"}, (REFERENCE, *KNOWN)),
        ({"tlvs": "all"}, ALL),
        ({"tlvs": "reference"}, (REFERENCE,)),
        ({"tlvs": "none"}, ()),
        ({"tlvs": "all", "interface_version": 0x33}, ()),
        ({"profile": "sms-assistent"}, (REFERENCE,)),
    ],
)
async def test_optional_parameters(tmp_path: Path, keys: dict[str, Any], tlvs: tuple[Tlv, ...]) -> None:
    pdu = await passed_one(tmp_path, submit(tlvs=ALL), **keys)
    assert pdu.tlvs == tlvs


async def test_ports(tmp_path: Path) -> None:
    """They are passed on, or the message is refused: no reader gets what an application was to get."""
    assert (await passed_one(tmp_path, submit(tlvs=(PORT,)))).tlvs == (PORT,)
    assert await refusal(tmp_path, submit(tlvs=(PORT,)), tlvs="reference") == 0x43


async def test_optional_parameters_of_a_long_text(tmp_path: Path) -> None:
    """Each part has those of the whole."""
    text = b"Long text. " * 40
    pdus = await passed(
        tmp_path, submit(b"", tlvs=(REFERENCE, (Tag.MESSAGE_PAYLOAD, text), *VENDOR)), tlvs="all"
    )
    assert [pdu.tlvs for pdu in pdus] == [(REFERENCE, *VENDOR)] * 3


@pytest.mark.parametrize(("long", "count"), [("sar", 3), ("payload", 1)])
async def test_other_ways_for_a_long_text(tmp_path: Path, long: str, count: int) -> None:
    text = "Long text. " * 40
    pdus = await passed(
        tmp_path, submit(b"", tlvs=(REFERENCE, (Tag.MESSAGE_PAYLOAD, text.encode()))), long=long
    )
    assert [pdu.esm_class for pdu in pdus] == [0] * count
    assert all(pdu.tlv(Tag.USER_MESSAGE_REFERENCE) == 0x1234 for pdu in pdus)
    if long == "payload":
        assert pdus[0].tlv(Tag.MESSAGE_PAYLOAD) == text.encode()
    else:
        assert [pdu.tlv(Tag.SAR_SEGMENT_SEQNUM) for pdu in pdus] == [1, 2, 3]
        assert len({pdu.tlv(Tag.SAR_MSG_REF_NUM) for pdu in pdus}) == 1
        assert b"".join(pdu.short_message for pdu in pdus).decode() == text


# --- fields ----------------------------------------------------------------------------------------


async def test_fields(tmp_path: Path) -> None:
    pdu = await passed_one(tmp_path, submit(protocol_id=0x41, priority_flag=2), service_type="VMA")
    assert (pdu.protocol_id, pdu.priority_flag, pdu.service_type) == (0x41, 2, "VMA")
    assert (pdu.schedule_delivery_time, pdu.replace_if_present_flag, pdu.sm_default_msg_id) == ("", 0, 0)
    assert (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr) == (1, 1, PHONE)
    assert pdu.registered_delivery == 1


@pytest.mark.parametrize("registered_delivery", [0, 2])
async def test_a_receipt_is_always_asked_for(tmp_path: Path, registered_delivery: int) -> None:
    """The bridge wants to know even what the ESME does not."""
    async with (
        CentreSimulator(Rules()) as centre,
        linked(tmp_path, centre) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        await esme.submit(submit(registered_delivery=registered_delivery))
        await eventually(lambda: centre.submitted)
        assert centre.submitted[0].pdu.registered_delivery == 1
        await centre.settled()


@pytest.mark.parametrize("validity", ["relative", "absolute", "none"])
async def test_validity(tmp_path: Path, validity: str) -> None:
    pdu = await passed_one(tmp_path, submit(validity_period="000000001000000R"), validity=validity)
    if validity == "relative":
        assert "000000000930000R" < pdu.validity_period <= "000000001000000R"
    elif validity == "absolute":
        now = datetime.now(UTC)
        end = parse_time(pdu.validity_period, now)
        assert end is not None
        assert 570 < (end - now).total_seconds() < 602
    else:
        assert pdu.validity_period == ""


@pytest.mark.parametrize(
    ("sender", "keys", "expected"),
    [
        ("ALARM", {}, (5, 0)),
        ("375291112233", {}, (1, 1)),
        ("1234", {}, (3, 0)),
        ("ALARM", {"profile": "sms-assistent"}, (5, 0)),
        ("375291112233", {"profile": "sms-assistent"}, (1, 0)),
        ("1234", {"profile": "sms-assistent"}, (1, 0)),
        ("ALARM", {"alpha_ton": 0, "alpha_npi": 9}, (0, 9)),
    ],
)
async def test_senders(tmp_path: Path, sender: str, keys: dict[str, Any], expected: tuple[int, int]) -> None:
    rules = Rules(dialect=keys.get("profile", "standard"))
    pdu = await passed_one(tmp_path, submit(source_addr=sender), rules=rules, **keys)
    assert (pdu.source_addr, (pdu.source_addr_ton, pdu.source_addr_npi)) == (sender, expected)
    assert (pdu.dest_addr_ton, pdu.dest_addr_npi) == (1, 1)


# --- texts with a header of an application ----------------------------------------------------------

PORTS = b"\6\5\4\x0b\x84\x23\xf0"
TO_PORT = PORTS + encode_text("€ {push} @", 0, "gsm")
LATIN = PORTS + "café ÿ".encode("latin-1")
HALF = PORTS + "Часть 1".encode("utf-16-be") + b"\xd8\x3d"  # a pair cut in two
PART_TO_PORT = b"\x0b\5\4\x0b\x84\x23\xf0\0\3\x42\2\1" + b"first"


@pytest.mark.parametrize(
    ("encoding", "octets", "data_coding", "keys", "expected"),
    [
        ("gsm", TO_PORT, 0, {}, 0),
        ("latin-1", LATIN, 3, {"data_codings": [0, 3, 8]}, 3),
        ("latin-1", LATIN, 0, {"data_codings": [0, 3, 8]}, 3),
        ("ascii", PORTS + b"first", 0, {"data_codings": [1, 8]}, 1),
        ("latin-1", HALF, 8, {}, 8),
        ("gsm", HALF, 8, {"profile": "sms-assistent"}, 8),
        ("gsm", PART_TO_PORT, 0, {}, 0),
    ],
)
async def test_a_header_of_an_application_passes_as_it_is(
    tmp_path: Path, encoding: str, octets: bytes, data_coding: int, keys: dict[str, Any], expected: int
) -> None:
    headed = submit(octets, data_coding=data_coding, esm_class=0x40)
    pdu = await passed_one(tmp_path, headed, account={"default_encoding": encoding}, **keys)
    assert (pdu.short_message, pdu.data_coding, pdu.esm_class) == (octets, expected, 0x40)


@pytest.mark.parametrize(
    ("octets", "expected", "sent"),
    [
        (LATIN[:-1], 0, PORTS + encode_text("café ", 0, "gsm")),
        (LATIN, 8, PORTS + "café ÿ".encode("utf-16-be")),
        (PORTS + b"x" * 133, 0, PORTS + b"x" * 133),
    ],
)
async def test_its_text_in_a_coding_that_the_smsc_does_not_read(
    tmp_path: Path, octets: bytes, expected: int, sent: bytes
) -> None:
    pdu = await passed_one(tmp_path, submit(octets, data_coding=3, esm_class=0x40))
    assert (pdu.short_message, pdu.data_coding, pdu.esm_class) == (sent, expected, 0x40)


async def test_a_text_that_fits_no_coding_beside_its_header_is_refused(tmp_path: Path) -> None:
    headed = submit(PORTS + b"\xff" * 133, data_coding=3, esm_class=0x40)
    assert await refusal(tmp_path, headed) == Status.ESME_RINVENCODING


@pytest.mark.parametrize("encoding", ["cp1251", "utf-8"])
async def test_a_header_with_a_text_in_a_coding_without_a_name_is_refused(
    tmp_path: Path, encoding: str
) -> None:
    headed = submit(PORTS + b"first", data_coding=0, esm_class=0x40)
    refused = await refusal(tmp_path, headed, account={"default_encoding": encoding})
    assert refused == Status.ESME_RINVENCODING


async def test_such_a_header_needs_a_provider_that_takes_it(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        answer = await esme.ask(submit(LATIN, esm_class=0x40))
        assert answer.command_status == Status.ESME_RINVESMCLASS
        await esme.submit(submit("whole"))


async def test_of_a_route_it_takes_the_way_that_takes_it(tmp_path: Path) -> None:
    sandbox = {"kind": "sandbox", "delay": 0, "outcomes": {"DELIVRD": 1}}
    async with CentreSimulator(Rules()) as centre:
        text = sections(sandbox, link(centre.port))
        async with bridge(tmp_path, text) as app, await Esme.bound(app.smpp_ports[0]) as esme:
            await eventually(lambda: metric(app, "upstream_binds", provider="link2") == 1)
            await esme.submit(submit("whole"))
            await esme.receipt()
            assert centre.submitted == []
            await esme.submit(submit(HALF, data_coding=8, esm_class=0x40))
            await esme.receipt()
            assert [taken.pdu.short_message for taken in centre.submitted] == [HALF]


# --- data ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data_coding", [2, 4, 0xF4, 0xF5])
@pytest.mark.parametrize(("octets", "esm_class"), [(b"\0\xff\x80 data", 0), (PORTS + b"\0\xff", 0x40)])
async def test_data(tmp_path: Path, data_coding: int, octets: bytes, esm_class: int) -> None:
    pdu = await passed_one(tmp_path, submit(octets, data_coding=data_coding, esm_class=esm_class))
    assert (pdu.short_message, pdu.data_coding, pdu.esm_class) == (octets, data_coding, esm_class)


@pytest.mark.parametrize("keys", [{"binary": False}, {"profile": "sms-assistent"}])
async def test_data_is_refused_where_it_does_not_pass(tmp_path: Path, keys: dict[str, Any]) -> None:
    assert await refusal(tmp_path, submit(b"\0\xff", data_coding=4), **keys) == Status.ESME_RINVENCODING


@pytest.mark.parametrize(
    ("text", "keys", "data_coding", "tlvs"),
    [
        ("now", {}, 0x10, ()),
        ("сейчас", {}, 0x18, ()),
        ("now", {"flash": "subunit"}, 0, (tlv(Tag.DEST_ADDR_SUBUNIT, 1),)),
        ("now", {"flash": "none"}, 0, ()),
        ("now", {"profile": "sms-assistent"}, 3, ()),
    ],
)
async def test_flash(
    tmp_path: Path, text: str, keys: dict[str, Any], data_coding: int, tlvs: tuple[Tlv, ...]
) -> None:
    wide = not text.isascii()
    flash = submit(text.encode("utf-16-be" if wide else "ascii"), data_coding=0x18 if wide else 0x10)
    pdu = await passed_one(tmp_path, flash, **keys)
    assert (pdu.data_coding, pdu.tlvs) == (data_coding, tlvs)


# --- sms-assistent ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "data_coding", "parts"),
    [
        ("Door 3 opened", 3, 1),
        ("naïve", 3, 1),
        ("Дверь открыта", 8, 1),
        ("x" * 160, 3, 1),
        ("x" * 161, 3, 2),
        ("ç" + "x" * 140, 3, 2),  # not in GSM 03.38
        ("Ж" * 71, 8, 2),
        ("x" * 1530, 3, 10),
    ],
)
async def test_sms_assistent_gets_what_its_manual_lists(
    tmp_path: Path, text: str, data_coding: int, parts: int
) -> None:
    coding = "utf-16-be" if data_coding == 8 else "latin-1"
    payload = (Tag.MESSAGE_PAYLOAD, text.encode(coding))
    whole = submit(b"", data_coding=data_coding, tlvs=(REFERENCE, *VENDOR, payload))
    pdus = await passed(tmp_path, whole, rules=Rules(dialect="sms-assistent"), profile="sms-assistent")
    assert len(pdus) == parts
    assert {pdu.data_coding for pdu in pdus} == {data_coding}
    assert {pdu.tlvs for pdu in pdus} == {(REFERENCE,)}
    head = 6 if parts > 1 else 0
    most = 140 if data_coding == 8 or "ç" in text else 160
    assert all(head < len(pdu.short_message) <= most for pdu in pdus)
    sent = b"".join(pdu.short_message[head:] for pdu in pdus)
    assert sent.decode(coding) == text
    for pdu in pdus:
        assert (pdu.source_addr_ton, pdu.source_addr_npi) == (5, 0)
        assert (pdu.dest_addr_ton, pdu.dest_addr_npi) == (1, 1)


@pytest.mark.parametrize(
    ("pdu", "status"),
    [
        (submit(b"\0\xff", data_coding=4), Status.ESME_RINVENCODING),
        (submit(b""), Status.ESME_RINVTEXT),
        (submit(b"", tlvs=((Tag.MESSAGE_PAYLOAD, b"x" * 1531),)), Status.ESME_RINVTEXT),
        (submit(source_addr="TWELVE CHARS"), Status.ESME_RINVSRCADR),
        (submit(source_addr="two words"), Status.ESME_RINVSRCADR),
    ],
    ids=["data", "empty", "too long", "long sender", "blank in the sender"],
)
async def test_sms_assistent_is_not_asked_for_what_it_refuses(
    tmp_path: Path, pdu: SubmitSm, status: Status
) -> None:
    assert await refusal(tmp_path, pdu, profile="sms-assistent") == status
