"""An ESME on smpp.twisted, with its codec smpp.pdu. Long texts go in two parts, which sar TLVs join."""

import logging
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from smpp.pdu import operations, pdu_types
from smpp.pdu.error import SMPPTransactionError
from smpp.pdu.pdu_encoding import CommandStatusEncoder, DataCodingEncoder, MessageStateEncoder
from smpp.twisted.client import SMPPClientTransceiver
from smpp.twisted.config import SMPPClientConfig
from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.task import deferLater, react

from tests.support.foreign.esmes.shape import (
    HOST,
    PASSWORD,
    SENDER,
    UCS2,
    VISIT_PATIENCE,
    WRONG,
    Diary,
    Errand,
    Order,
    Task,
    Visit,
    tell,
    tell_error,
)

CLOCK: Any = reactor
PARTS = 2
_RECEIPT = pdu_types.EsmClassType.SMSC_DELIVERY_RECEIPT
_ASKED = pdu_types.RegisteredDelivery(pdu_types.RegisteredDeliveryReceipt.SMSC_DELIVERY_RECEIPT_REQUESTED)


async def _bound(port: int, account: str, password: str, diary: Diary) -> Any:
    config = SMPPClientConfig(host=HOST, port=port, username=account, password=password)
    client = SMPPClientTransceiver(config, partial(_deliver_sm, diary))
    return await client.connectAndBind()


def _deliver_sm(diary: Diary, smpp: Any, pdu: Any) -> None:
    fields = pdu.params
    if fields["esm_class"].type is not _RECEIPT:
        data_coding = DataCodingEncoder().encode(fields["data_coding"])[0]
        diary.greeting(fields["source_addr"].decode("ascii"), fields["short_message"], data_coding)
        return
    state = fields.get("message_state")
    diary.receipt(
        fields["source_addr"].decode("ascii"),
        fields["short_message"],
        fields.get("receipted_message_id"),
        state and MessageStateEncoder().encode(state)[0],
        fields.get("user_message_reference"),
    )


def _submit_sm(errand: Errand, octets: bytes, **tlvs: int) -> Any:
    scheme = pdu_types.DataCodingDefault.UCS2
    return operations.SubmitSM(
        source_addr_ton=pdu_types.AddrTon.ALPHANUMERIC,
        source_addr_npi=pdu_types.AddrNpi.UNKNOWN,
        source_addr=SENDER,
        dest_addr_ton=pdu_types.AddrTon.INTERNATIONAL,
        dest_addr_npi=pdu_types.AddrNpi.ISDN,
        destination_addr=errand.to,
        data_coding=pdu_types.DataCoding(schemeData=scheme) if errand.data_coding == UCS2 else None,
        registered_delivery=_ASKED,
        short_message=octets,
        **tlvs,
    )


def _messages(order: Order) -> dict[str, Any]:
    """By their names."""
    messages = {
        name: _submit_sm(errand, errand.data, user_message_reference=errand.reference)
        for name, errand in (("short", order.short), ("lost", order.lost))
    }
    tlvs = {"sar_msg_ref_num": order.long.reference, "sar_total_segments": PARTS}
    for number, half in enumerate(order.long.halves):
        octets = half.encode("utf-16-be")
        messages[f"long{number}"] = _submit_sm(order.long, octets, sar_segment_seqnum=number + 1, **tlvs)
    return messages


def _number(status: Any) -> int:
    return int.from_bytes(CommandStatusEncoder().encode(status))


async def _until(condition: Callable[[], object]) -> None:
    while not condition():
        await deferLater(CLOCK, 0.01)


async def go(port: int, order: Order) -> Visit:
    """What an account does."""
    diary = Diary(order, PARTS)
    try:
        await _bound(port, order.account, WRONG, diary)
    except SMPPTransactionError as refusal:
        diary.refused = _number(refusal.response.status)
    smpp = await _bound(port, order.account, PASSWORD, diary)
    for name, message in _messages(order).items():
        try:
            answer = (await smpp.sendDataRequest(message)).response
            diary.answered(name, _number(answer.status), answer.params["message_id"].decode("ascii"))
        except SMPPTransactionError as refusal:
            diary.answered(name, _number(refusal.response.status))
    await _until(lambda: diary.complete)
    await smpp.unbind()
    diary.unbound = True
    smpp.disconnect()
    return diary.visit()


async def _visit(port: int, order: Order) -> None:
    try:
        tell(await Deferred.fromCoroutine(go(port, order)).addTimeout(VISIT_PATIENCE, CLOCK))
    except Exception as error:
        tell_error(order.account, error)


def _main(reactor: Any, argument: str) -> Any:
    task = Task.read(argument)
    return DeferredList([Deferred.fromCoroutine(_visit(task.port, order)) for order in task.orders])


if __name__ == "__main__":
    logging.disable()
    react(_main, sys.argv[1:])
