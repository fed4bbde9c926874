"""What a bind is told about each submit_sm: every refusal with its code, and what is taken."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from smppbridge.smpp.codec import encode
from smppbridge.smpp.constants import Status, Tag
from smppbridge.smpp.pdu import SubmitSm, SubmitSmResp
from smppbridge.smpp.receipt import parse_receipt
from smppbridge.smpp.text import choose_coding
from smppbridge.smpp.times import format_absolute, format_relative
from smppbridge.smpp.tlv import tlv
from tests.simulators.smspilot.simulator import Rules, SmspilotSimulator
from tests.support.bridge.running import Clock, bridge, eventually, metric, pilot, unreachable
from tests.support.esme.esme import Esme, submit


async def status_of(esme: Esme, pdu: SubmitSm) -> int:
    """The command_status; with an error there is no message_id."""
    answer = await esme.ask(pdu)
    assert isinstance(answer, SubmitSmResp)
    assert bool(answer.message_id) == (answer.command_status == 0)
    return answer.command_status


REFUSALS: dict[str, tuple[int, SubmitSm]] = {
    "no digits": (0x0B, submit(to="G777")),
    "too short": (0x0B, submit(to="29781977")),
    "several numbers": (0x0B, submit(to="79991234567,7999")),
    "no recipient": (0x0B, submit(to="")),
    "an alphanumeric recipient": (0x50, submit(dest_addr_ton=5)),
    "no route": (0x22, submit(to="491711234567")),
    "an unknown data_coding": (0x4A3, submit(data_coding=13)),
    "too much binary": (0x4A5, submit(b"x" * 141, data_coding=4)),
    "binary with half a header": (0x4A5, submit(b"\5\0\3", data_coding=4, esm_class=0x40)),
    "not ASCII": (0x4A3, submit(b"\xe9", data_coding=1)),
    "no text": (0x4A5, submit(b"")),
    "odd UCS-2": (0x4A5, submit(b"\x04\x1f\x04", data_coding=8)),
    "half of a surrogate pair": (0x4A3, submit(b"\xd8\x3d", data_coding=8)),
    "a text for an application": (0x43, submit(b"\6\5\4\x0b\x84\x23\xf0push", esm_class=0x40)),
    "a receipt": (0x43, submit(esm_class=0x04)),
    "an acknowledgement": (0x43, submit(esm_class=0x08)),
    "an impossible schedule": (0x61, submit(schedule_delivery_time="261332250000000+")),
    "a schedule in 2125": (0x61, submit(schedule_delivery_time="990000000000000R")),
    "a short schedule": (0x61, submit(schedule_delivery_time="2611")),
    "an impossible validity": (0x62, submit(validity_period="9913322500000000")),
    "a validity until 2125": (0x62, submit(validity_period="990000000000000R")),
    "a validity that is over": (0x62, submit(validity_period="200101000000000+")),
    "a validity that ends before the schedule": (
        0x62,
        submit(schedule_delivery_time=format_relative(3600), validity_period=format_relative(60)),
    ),
    "a predefined message": (0x63, submit(sm_default_msg_id=1)),
    "an unknown way to replace": (0x54, submit(replace_if_present_flag=2)),
    "a priority that is none": (0x06, submit(priority_flag=4)),
    "an unknown service": (0x15, submit(service_type="XYZ")),
    "a service that the account may not use": (0x15, submit(service_type="HLR")),
    "two texts": (0x01, submit(tlvs=(tlv(Tag.MESSAGE_PAYLOAD, b"more"),))),
}
ROUTED = (
    "routes: [{destination: ['375', '7'], to: [lab]}]\n"
    "accounts: {pbx: {password: secret, country: BY, status_codes: sms-assistent}}\n"
)


async def test_refusals(tmp_path: Path) -> None:
    async with bridge(tmp_path, ROUTED) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        found = {}
        for why, (_, pdu) in REFUSALS.items():
            found[why] = hex(await status_of(esme, pdu))
            assert await status_of(esme, submit()) == 0  # the one behind it is taken
        assert found == {why: hex(status) for why, (status, _) in REFUSALS.items()}


async def test_255_octets_of_short_message(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        octets = bytearray(encode(esme.number(submit(b"x" * 254))) + b"x")
        octets[0:4] = len(octets).to_bytes(4)
        octets[-256] = 255  # sm_length
        esme.writer.write(octets)
        assert (await esme.expect(SubmitSmResp)).command_status == Status.ESME_RINVMSGLEN
        assert await status_of(esme, submit(b"x" * 254)) == 0


async def test_refusals_have_no_vendor_codes_unless_they_are_asked_for(tmp_path: Path) -> None:
    settings = ROUTED.replace(", status_codes: sms-assistent", "")
    standard = {
        "no route": 0x45,
        "an unknown data_coding": 0x45,
        "no text": 0x01,
        "odd UCS-2": 0x01,
        "no digits": 0x0B,
    }
    async with bridge(tmp_path, settings) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        found = {why: await status_of(esme, REFUSALS[why][1]) for why in standard}
        assert found == standard


# --- senders ---------------------------------------------------------------------------------------


async def test_senders_that_are_not_allowed(tmp_path: Path) -> None:
    accounts = "accounts: {pbx: {password: secret, senders: [ALARM, '375291112233']}}"
    async with bridge(tmp_path, accounts) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        assert await status_of(esme, submit(source_addr="Stranger")) == Status.ESME_RINVSRCADR
        assert await status_of(esme, submit(source_addr="alarm")) == Status.ESME_RINVSRCADR
        assert await status_of(esme, submit(source_addr="ALARM")) == 0
        assert await status_of(esme, submit(source_addr="+375291112233", source_addr_ton=1)) == 0


SENDERS = (  # settings of the account, the sender that is asked for, and the one that is used
    ("default_sender: CASTLE", "", "CASTLE"),
    ("senders: [ALARM], default_sender: CASTLE", "", "CASTLE"),
    ("senders: [ALARM], default_sender: CASTLE, replace_sender: true", "Stranger", "CASTLE"),
    ("senders: [ALARM], default_sender: CASTLE, replace_sender: true", "ALARM", "ALARM"),
    ("default_sender: CASTLE, replace_sender: true", "Stranger", "CASTLE"),
    ("senders: [ALARM]", "", "PILOT"),  # the provider's own default
)


async def test_the_sender_that_the_provider_gets(tmp_path: Path) -> None:
    accounts = [f"a{number}: {{password: secret, {keys}}}" for number, (keys, _, _) in enumerate(SENDERS)]
    async with SmspilotSimulator(Rules(default_sender="PILOT")) as simulator:
        settings = f"accounts: {{{', '.join(accounts)}}}\n" + pilot(simulator.url)
        async with bridge(tmp_path, settings) as app:
            for number, (_, asked, _) in enumerate(SENDERS):
                async with await Esme.bound(app.smpp_ports[0], f"a{number}") as esme:
                    await esme.submit(submit(str(number), source_addr=asked))
            await eventually(lambda: len(simulator.accepted) == len(SENDERS))
            assert {(row["text"], row["from"]) for row in simulator.accepted} == {
                (str(number), used) for number, (_, _, used) in enumerate(SENDERS)
            }


async def test_a_sender_that_the_provider_never_takes(tmp_path: Path) -> None:
    async with bridge(tmp_path, unreachable()) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        assert await status_of(esme, submit(source_addr="no spaces")) == Status.ESME_RINVSRCADR
        assert await status_of(esme, submit(b"HLR")) == Status.ESME_RINVTEXT


# --- limits ----------------------------------------------------------------------------------------


async def test_a_full_queue(tmp_path: Path) -> None:
    settings = unreachable() + "store: {url: 'sqlite:///bridge.db', max_queued: 3}"
    async with bridge(tmp_path, settings) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit_many([submit() for _ in range(3)])
    async with bridge(tmp_path, settings) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        assert app.waiting.messages.total == 3  # from the first submit_sm on
        assert await status_of(esme, submit()) == Status.ESME_RMSGQFUL
        assert await status_of(esme, submit(to="G777")) == Status.ESME_RMSGQFUL


# --- what is taken ---------------------------------------------------------------------------------


async def test_a_text_in_message_payload(tmp_path: Path) -> None:
    text = "A text of more than 254 octets, ends in Cyrillic: " + "длинный " * 40
    coding, octets = choose_coding(text)
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        payload = (tlv(Tag.MESSAGE_PAYLOAD, octets),)
        message_id = await esme.submit(submit(b"", data_coding=coding, tlvs=payload))
        assert (await esme.receipt()).tlv(Tag.RECEIPTED_MESSAGE_ID) == message_id


async def test_user_message_reference_comes_back(tmp_path: Path) -> None:
    async with bridge(tmp_path) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        await esme.submit(submit(tlvs=(tlv(Tag.USER_MESSAGE_REFERENCE, 0x1234),)))
        assert (await esme.receipt()).tlv(Tag.USER_MESSAGE_REFERENCE) == 0x1234


@pytest.mark.parametrize(
    ("shape", "pattern"),
    [("decimal", r"[1-9][0-9]{10,18}"), ("hex", r"[1-9A-F][0-9A-F]{8,15}"), ("uuid", r"[0-9a-f-]{36}")],
)
async def test_message_ids(tmp_path: Path, shape: str, pattern: str) -> None:
    accounts = f"accounts: {{pbx: {{password: secret, message_id: {shape}}}}}"
    async with bridge(tmp_path, accounts) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        ids = await esme.submit_many([submit() for _ in range(20)])
        assert len(set(ids)) == 20
        assert all(re.fullmatch(pattern, message_id) for message_id in ids)
        if shape == "uuid":
            assert {UUID(message_id).version for message_id in ids} == {4}
        receipts = await esme.receipts(20)
        assert {parse_receipt(pdu.short_message.decode()).id for pdu in receipts} == set(ids)


# --- times -----------------------------------------------------------------------------------------


async def test_a_message_waits_for_its_schedule(tmp_path: Path) -> None:
    clock = Clock()
    async with bridge(tmp_path, clock=clock) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        absolute = format_absolute(datetime.now(UTC) + timedelta(hours=1))
        later = [
            await esme.submit(submit(schedule_delivery_time=moment))
            for moment in (absolute, format_relative(3600))
        ]
        at_once = [
            await esme.submit(submit(schedule_delivery_time="200101000000000+")),  # past: at once
            await esme.submit(submit()),
        ]
        assert {pdu.tlv(Tag.RECEIPTED_MESSAGE_ID) for pdu in await esme.receipts(2)} == set(at_once)
        assert metric(app, "attempts_total", provider="lab", result="sent") == 2
        clock.forward(3601)
        assert {pdu.tlv(Tag.RECEIPTED_MESSAGE_ID) for pdu in await esme.receipts(2)} == set(later)


@pytest.mark.parametrize(
    "asked", [{"validity_period": format_relative(60)}, {}], ids=["by the ESME", "by the account"]
)
async def test_a_message_that_cannot_be_sent_in_time_expires(tmp_path: Path, asked: dict[str, str]) -> None:
    clock = Clock()
    settings = unreachable() + "accounts: {pbx: {password: secret, validity: 1h}}"
    async with bridge(tmp_path, settings, clock) as app, await Esme.bound(app.smpp_ports[0]) as esme:
        message_id = await esme.submit(submit(**asked))
        await eventually(lambda: metric(app, "attempts_total", provider="pilot", result="unavailable") >= 1)
        clock.forward(61 if asked else 3601)
        pdu = await esme.receipt()
        receipt = parse_receipt(pdu.short_message.decode())
        assert (receipt.id, receipt.stat, receipt.dlvrd, receipt.err) == (message_id, "EXPIRED", "000", "000")
        assert pdu.tlv(Tag.MESSAGE_STATE) == 3
