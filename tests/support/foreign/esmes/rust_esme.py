"""An ESME on smpp34, which is written in Rust. Texts are octets to it; long ones go as message_payload."""

import asyncio
import os
import sys
from contextlib import suppress

import smpp34

from tests.support.foreign.esmes.shape import (
    ALPHANUMERIC,
    HOST,
    INTERNATIONAL,
    ISDN,
    MAX_TEXT,
    MESSAGE_PAYLOAD,
    PASSWORD,
    SENDER,
    USER_MESSAGE_REFERENCE,
    WRONG,
    Diary,
    Errand,
    Order,
    Task,
    Visit,
    visits,
)

REFUSAL = 300  # milliseconds
VENDOR = 0x1400  # a TLV that means nothing to anybody else (SMPP 3.4 §5.3.2)


async def _refused(port: int, account: str) -> None:
    """smpp34 waits for a refused bind until its time is over, and does not tell the command_status."""
    client = smpp34.Client(HOST, port, account, WRONG, bind_type="TRX", connect_timeout_ms=REFUSAL)
    with suppress(smpp34.SmppError):
        await client.connect()
        raise AssertionError("bound with a wrong password")


async def _submit(smsc: smpp34.Smsc, errand: Errand) -> smpp34.SubmitSmResp:
    fits = len(errand.data) <= MAX_TEXT
    payload = [] if fits else [smpp34.Tlv(MESSAGE_PAYLOAD, errand.data)]
    reference = smpp34.Tlv(USER_MESSAGE_REFERENCE, errand.reference.to_bytes(2))
    return await smsc.submit_sm(
        errand.to,
        errand.data if fits else b"",
        source_addr=SENDER,
        source_addr_ton=ALPHANUMERIC,
        dest_addr_ton=INTERNATIONAL,
        dest_addr_npi=ISDN,
        data_coding=errand.data_coding,
        registered_delivery=1,
        tlvs=[reference, *payload, smpp34.Tlv(VENDOR, b"")],
    )


async def go(port: int, order: Order) -> Visit:
    """What an account does."""
    diary = Diary(order)
    await _refused(port, order.account)
    client = smpp34.Client(HOST, port, order.account, PASSWORD, bind_type="TRX")
    smsc = await client.connect()
    for name, errand in (("short", order.short), ("long0", order.long), ("lost", order.lost)):
        answer = await _submit(smsc, errand)
        diary.answered(name, answer.command_status, answer.message_id or "")
    while not diary.complete:
        event = await smsc.next()
        if isinstance(event, smpp34.Disconnected):
            raise ConnectionError("disconnected")
        tlvs = {tlv.tag: tlv.value for tlv in event.tlvs}
        diary.deliver_sm(event.esm_class, event.source_addr, event.short_message, event.data_coding, tlvs)
    await smsc.unbind()
    diary.unbound = True
    return diary.visit()


async def _main() -> None:
    await visits(Task.read(sys.argv[1]), go)
    sys.stdout.flush()
    os._exit(0)  # threads of smpp34 that still run abort an orderly end of Python


if __name__ == "__main__":
    asyncio.run(_main())
