"""An ESME on naz, which encodes by itself. Long texts go in two parts, which sar TLVs join.

Its ways: it sends messages before its bind is answered, and leaves reading of receipts to its user, who gets
octets. Here smpp34 reads them.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import naz
import smpp34

from tests.support.foreign.esmes.shape import (
    ALPHANUMERIC,
    HOST,
    PASSWORD,
    SENDER,
    UCS2,
    WRONG,
    Diary,
    Errand,
    Order,
    Visit,
    main,
    until,
)

PARTS = 2


class _Hook(naz.hooks.BaseHook):  # type: ignore[misc]  # naz has no types
    """Hears everything."""

    def __init__(self, diary: Diary) -> None:
        self.bound: int | None = None  # command_status
        self.acknowledged = 0  # deliver_sm; it puts its answers into a queue
        self._diary = diary

    async def to_smsc(self, smpp_command: str, log_id: str, hook_metadata: str, pdu: bytes) -> None:
        self.acknowledged += smpp_command == naz.SmppCommand.DELIVER_SM_RESP

    async def from_smsc(
        self, smpp_command: str, log_id: str, hook_metadata: str, status: Any, pdu: bytes
    ) -> None:
        match smpp_command:
            case naz.SmppCommand.BIND_TRANSCEIVER_RESP:
                self.bound = status.value
            case naz.SmppCommand.SUBMIT_SM_RESP:
                number = (
                    status.value if isinstance(status.value, int) else int.from_bytes(pdu[8:12])
                )  # or reserved
                self._diary.answered(log_id, number, pdu[16:-1].decode("ascii"))
            case naz.SmppCommand.DELIVER_SM:
                self._deliver_sm(pdu)

    def _deliver_sm(self, pdu: bytes) -> None:
        came = smpp34.decode(pdu)
        assert isinstance(came, smpp34.DeliverSm)
        tlvs = {tlv.tag: tlv.value for tlv in came.tlvs}
        self._diary.deliver_sm(came.esm_class, came.source_addr, came.short_message, came.data_coding, tlvs)


@asynccontextmanager
async def _running(port: int, account: str, password: str, hook: _Hook, broker: Any) -> AsyncIterator[Any]:
    client = naz.Client(
        HOST, port, account, password, broker, hook=hook, drain_duration=0.0, logger=logging.getLogger()
    )
    await client.connect()
    await client.tranceiver_bind()
    tasks = [asyncio.create_task(client.receive_data())]
    try:
        await until(lambda: hook.bound is not None)  # it would not wait for that itself
        tasks.append(asyncio.create_task(client.dequeue_messages()))
        yield client
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if client.writer is not None:
            client.writer.close()


def _submit_sm(name: str, errand: Errand, text: str, **tlvs: int) -> Any:
    return naz.protocol.SubmitSM(
        short_message=text,
        source_addr=SENDER,
        source_addr_ton=ALPHANUMERIC,
        source_addr_npi=0,
        destination_addr=errand.to,
        encoding="ucs2" if errand.data_coding == UCS2 else "gsm0338",
        log_id=name,
        **tlvs,
    )


def _parts(errand: Errand) -> list[Any]:
    tlvs = {"sar_msg_ref_num": errand.reference, "sar_total_segments": PARTS}
    return [
        _submit_sm(f"long{number}", errand, text, sar_segment_seqnum=number + 1, **tlvs)
        for number, text in enumerate(errand.halves)
    ]


async def go(port: int, order: Order) -> Visit:
    """What an account does."""
    diary = Diary(order, PARTS)
    refusal = _Hook(diary)
    async with _running(port, order.account, WRONG, refusal, naz.broker.SimpleBroker()):
        pass
    diary.refused = refusal.bound
    broker = naz.broker.SimpleBroker()
    short = _submit_sm("short", order.short, order.short.text, user_message_reference=order.short.reference)
    for message in (short, *_parts(order.long), _submit_sm("lost", order.lost, order.lost.text)):
        await broker.enqueue(message)
    hook = _Hook(diary)
    async with _running(port, order.account, PASSWORD, hook, broker) as client:
        await until(lambda: diary.complete and hook.acknowledged == PARTS + 2)
        await client.shutdown()
        diary.unbound = True  # it does not wait for the answer
    return diary.visit()


if __name__ == "__main__":
    logging.disable()
    main(go)
