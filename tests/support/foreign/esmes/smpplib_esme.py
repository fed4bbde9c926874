"""An ESME on smpplib, as it comes: it fails on a TLV that SMPP 3.4 does not name. Long texts go in parts."""

import asyncio
import logging
from typing import Any

import smpplib.client
import smpplib.exceptions
import smpplib.gsm

from tests.support.foreign.esmes.shape import (
    ALPHANUMERIC,
    HOST,
    INTERNATIONAL,
    ISDN,
    PASSWORD,
    RECEIPT,
    SENDER,
    VISIT_PATIENCE,
    WRONG,
    Diary,
    Order,
    Visit,
    main,
)


async def go(port: int, order: Order) -> Visit:
    """What an account does."""
    return await asyncio.to_thread(_go, port, order)


def _client(port: int) -> Any:
    client = smpplib.client.Client(HOST, port, timeout=VISIT_PATIENCE)
    client.connect()
    return client


def _refused(port: int, account: str) -> int:
    client = _client(port)
    try:
        client.bind_transceiver(system_id=account, password=WRONG)
    except smpplib.exceptions.PDUError as refusal:
        return int(refusal.args[1])
    finally:
        client.disconnect()
    return 0


def _go(port: int, order: Order) -> Visit:
    parts, coding, udhi = smpplib.gsm.make_parts(order.long.text)
    diary = Diary(order, len(parts))
    diary.refused = _refused(port, order.account)
    names: dict[int, str] = {}  # by sequence_number
    client = _client(port)
    client.set_message_sent_handler(
        lambda pdu: diary.answered(names[pdu.sequence], pdu.status, (pdu.message_id or b"").decode())
    )
    client.set_message_received_handler(lambda pdu: _deliver_sm(diary, pdu))

    def submit(name: str, to: str, octets: bytes, **fields: Any) -> None:
        pdu = client.send_message(
            source_addr_ton=ALPHANUMERIC,
            source_addr=SENDER,
            dest_addr_ton=INTERNATIONAL,
            dest_addr_npi=ISDN,
            destination_addr=to,
            short_message=octets,
            registered_delivery=True,
            **fields,
        )
        names[pdu.sequence] = name

    client.set_error_pdu_handler(lambda pdu: None)  # or it raises; the other handler is called all the same
    try:
        client.bind_transceiver(system_id=order.account, password=PASSWORD)
        for name in ("short", "lost"):
            errand = getattr(order, name)
            coded = {"data_coding": errand.data_coding, "user_message_reference": errand.reference}
            submit(name, errand.to, errand.data, **coded)
        for number, part in enumerate(parts):
            submit(f"long{number}", order.long.to, part, data_coding=coding, esm_class=udhi)
        while not diary.complete:
            client.read_once(auto_send_enquire_link=False)
        diary.unbound = client.unbind().command == "unbind_resp"
    finally:
        client.disconnect()
    return diary.visit()


def _deliver_sm(diary: Diary, pdu: Any) -> None:
    if not pdu.esm_class & RECEIPT:
        diary.greeting(pdu.source_addr.decode("ascii"), pdu.short_message, pdu.data_coding)
        return
    diary.receipt(
        pdu.source_addr.decode("ascii"),
        pdu.short_message,
        pdu.receipted_message_id,
        pdu.message_state,
        pdu.user_message_reference,
    )


if __name__ == "__main__":
    logging.disable()
    main(go)
