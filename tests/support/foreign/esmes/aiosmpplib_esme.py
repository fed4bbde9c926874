"""An ESME on aiosmpplib, which encodes by itself and sends long texts as message_payload."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiosmpplib
from aiosmpplib.broker import SimpleBroker

from tests.support.foreign.esmes.shape import (
    HOST,
    MESSAGE_STATE,
    PASSWORD,
    RECEIPTED_MESSAGE_ID,
    SENDER,
    UCS2,
    USER_MESSAGE_REFERENCE,
    WRONG,
    Diary,
    Errand,
    Order,
    Visit,
    main,
    until,
)


@aiosmpplib.AbstractHook.register
class _Hook:
    """Hears everything; raises nothing, as the library would go on without a word."""

    def __init__(self, diary: Diary) -> None:
        self.refused: int | None = None
        self._diary = diary

    async def sending(self, smpp_message: Any, pdu: bytes, client_id: str) -> None:
        """Nothing to learn."""

    async def received(self, smpp_message: Any, pdu: bytes, client_id: str) -> None:
        match smpp_message:
            case aiosmpplib.BindTransceiverResp():
                self.refused = int(smpp_message.command_status)
            case aiosmpplib.SubmitSmResp():
                self._diary.answered(
                    smpp_message.log_id, int(smpp_message.command_status), smpp_message.message_id
                )
            case aiosmpplib.DeliverSm() if not smpp_message.is_receipt():
                self._diary.greeting(
                    smpp_message.source.number, smpp_message.short_message.encode("utf-16-be")
                )
            case aiosmpplib.DeliverSm() if smpp_message.parse_receipt()["id"]:
                tlvs = {param.tag: param.value for param in smpp_message.optional_params}
                self._diary.receipt(
                    smpp_message.source.number,
                    smpp_message.short_message.encode("ascii"),
                    tlvs.get(RECEIPTED_MESSAGE_ID),
                    tlvs.get(MESSAGE_STATE),
                    tlvs.get(USER_MESSAGE_REFERENCE),
                )

    async def send_error(self, smpp_message: Any, error: Exception, client_id: str) -> None:
        self._diary.answered(smpp_message.log_id, -1, repr(error))


@asynccontextmanager
async def _running(port: int, account: str, password: str, hook: _Hook, broker: Any) -> AsyncIterator[None]:
    esme = aiosmpplib.ESME(HOST, port, account, password, hook=hook, broker=broker, log_level="CRITICAL")
    running = asyncio.create_task(esme.start())
    try:
        yield
    finally:
        await esme.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _submit_sm(name: str, errand: Errand) -> Any:
    return aiosmpplib.SubmitSm(
        short_message=errand.text,
        source=aiosmpplib.PhoneNumber(SENDER, aiosmpplib.TON.ALPHANUMERIC),
        destination=aiosmpplib.PhoneNumber(errand.to),
        encoding="ucs2" if errand.data_coding == UCS2 else None,
        log_id=name,
        optional_params=[aiosmpplib.OptionalParam(USER_MESSAGE_REFERENCE, errand.reference)],
    )


async def go(port: int, order: Order) -> Visit:
    """What an account does."""
    diary = Diary(order)
    refusal = _Hook(diary)
    async with _running(port, order.account, WRONG, refusal, SimpleBroker()):
        await until(lambda: refusal.refused is not None)
    diary.refused = refusal.refused
    broker = SimpleBroker()
    for name, errand in (("short", order.short), ("long0", order.long), ("lost", order.lost)):
        await broker.enqueue(_submit_sm(name, errand))
    async with _running(port, order.account, PASSWORD, _Hook(diary), broker):
        await until(lambda: diary.complete)
    diary.unbound = True  # it does not wait for the answer
    return diary.visit()


if __name__ == "__main__":
    main(go)
