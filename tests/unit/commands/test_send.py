"""`smppbridge send`: how an SMSC may end it, and TON and NPI of what people type as an address."""

import asyncio

import pytest

from smppbridge.commands.send import SendFailed, SendOptions, number_type, send
from smppbridge.smpp.constants import EsmClass, Npi, Ton
from smppbridge.smpp.pdu import DeliverSm, SubmitSm, SubmitSmResp, Unbind
from tests.support.bridge.hand_centre import hand_centre

Events = list[dict[str, object]]


def options(port: int) -> SendOptions:
    return SendOptions(
        "127.0.0.1", port, "pbx", "hidden", "ALARM", "375291234567", "Door 3 opened", wait=60.0
    )


@pytest.mark.parametrize(
    ("answered", "unbinds", "problem"),
    [
        (False, True, "the SMSC said unbind before the answer came; the message may have been taken"),
        (False, False, "the connection ended before the answer came; the message may have been taken"),
        (True, True, "the SMSC said unbind before the receipt came; it waits for the next bind"),
        (True, False, "the connection ended before the receipt came; it waits for the next bind"),
    ],
)
async def test_an_smsc_that_leaves_ends_it_at_once(answered: bool, unbinds: bool, problem: str) -> None:
    events: Events = []
    async with hand_centre() as centre:
        sending = asyncio.ensure_future(send(options(centre.port), events.append))
        session = await centre.session()
        request = await session.expect(SubmitSm)
        if answered:
            session.reply(request, SubmitSmResp(message_id="7"))
        if unbinds:
            session.send(Unbind())
        else:
            session.writer.close()
        with pytest.raises(SendFailed) as failed:
            await asyncio.wait_for(sending, 30)
    assert str(failed.value) == problem
    assert [event["event"] for event in events] == ["bound", "submitted"][: 1 + answered]


async def test_an_smsc_that_unbinds_with_its_answer_to_the_bind() -> None:
    async with hand_centre() as centre:
        sending = asyncio.ensure_future(send(options(centre.port), lambda _: None))
        session = await centre.session()
        session.send(Unbind())
        with pytest.raises(SendFailed, match=r"^the SMSC said unbind before the message was sent$"):
            await asyncio.wait_for(sending, 30)


async def test_receipts_that_come_with_the_unbind_count() -> None:
    events: Events = []
    receipts = [
        DeliverSm(esm_class=EsmClass.RECEIPT, short_message=f"id:{number} stat:DELIVRD err:000".encode())
        for number in (6, 7)
    ]
    async with hand_centre() as centre:
        sending = asyncio.ensure_future(send(options(centre.port), events.append))
        session = await centre.session()
        session.reply(await session.expect(SubmitSm), SubmitSmResp(message_id="7"))
        session.send(*receipts, Unbind())
        await asyncio.wait_for(sending, 30)
    assert [event.get("message_id") for event in events[1:]] == ["7", "6", "7"]


def test_the_password_is_in_no_traceback() -> None:
    assert "hidden" not in repr(options(1))


@pytest.mark.parametrize(
    ("address", "ton", "npi"),
    [
        ("", Ton.UNKNOWN, Npi.UNKNOWN),
        ("+", Ton.ALPHANUMERIC, Npi.UNKNOWN),
        ("ALARM", Ton.ALPHANUMERIC, Npi.UNKNOWN),
        ("375 (29) 111-22-33", Ton.ALPHANUMERIC, Npi.UNKNOWN),
        ("1234", Ton.UNKNOWN, Npi.ISDN_E164),
        ("375291234567", Ton.INTERNATIONAL, Npi.ISDN_E164),
        ("+89021234567", Ton.INTERNATIONAL, Npi.ISDN_E164),
        ("84912345678", Ton.INTERNATIONAL, Npi.ISDN_E164),
        ("80291234567", Ton.UNKNOWN, Npi.ISDN_E164),  # as it is dialled in Belarus
        ("89021234567", Ton.UNKNOWN, Npi.ISDN_E164),  # in Russia
        ("00375291234567", Ton.UNKNOWN, Npi.ISDN_E164),
        ("296717259", Ton.UNKNOWN, Npi.ISDN_E164),
    ],
)
def test_by_its_characters(address: str, ton: int, npi: int) -> None:
    assert number_type(address) == (ton, npi)
