"""What a provider would be asked."""

import json

from smppbridge.smpp.constants import Tag
from smppbridge.smpp.tlv import tlv
from tests.support.esme.esme import submit
from tests.unit.commands.explain.told import SECTIONS, config, told, told_one


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


async def test_a_message_of_many_parts_is_not_shown_whole() -> None:
    link = {**SECTIONS["providers"]["link"], "max_parts": 30}
    settings = config(providers={**SECTIONS["providers"], "link": link})
    payload = (tlv(Tag.MESSAGE_PAYLOAD, b"x" * 153 * 22),)
    (one,) = (await told(submit(b"", "48501234567", tlvs=payload), settings=settings)).pdus
    request = one["outcome"]["request"]
    assert len(request["submit_sm"]) == 20
    assert request["more"] == "2 further submit_sm"


async def test_a_submit_sm_is_shown_without_what_is_empty() -> None:
    one = await told_one(
        submit("Door", "48501234567", data_coding=3, tlvs=(tlv(Tag.USER_MESSAGE_REFERENCE, 5),))
    )
    (shown,) = one["outcome"]["request"]["submit_sm"]
    assert list(shown)[-2:] == ["tlvs", "pdu"]
    assert shown["destination_addr"] == "48501234567"
    assert shown["data_coding"]["value"] == "0x00"
    assert {"schedule_delivery_time", "replace_if_present_flag"}.isdisjoint(shown)
    (bare,) = (await told_one(submit("Door", "48501234567")))["outcome"]["request"]["submit_sm"]
    assert "tlvs" not in bare


async def test_no_callback_where_nobody_could_call() -> None:
    (one,) = (await told(submit(to="79021234567", source_addr="Demo"), settings=config(web={}))).pdus
    assert "callback" not in one["outcome"]["request"]["body"]
