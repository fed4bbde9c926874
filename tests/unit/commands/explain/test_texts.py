"""What a message says, in which alphabet; receipts and messages from phones."""

from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import (
    DeliverSm,
)
from smppbridge.smpp.tlv import tlv
from tests.support.esme.esme import submit
from tests.unit.commands.explain.told import told_one


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
