"""`smppbridge send`: an ESME that submits one message and may wait for its receipt.

Works with any SMSC: it reads no configuration of the bridge. Prints one JSON object per event.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from smppbridge.errors import ConnectionLost, InvalidState, Refused, SmppBridgeError
from smppbridge.link.client import Client
from smppbridge.link.tls import client_context, configured
from smppbridge.smpp.constants import EsmClass, Npi, RegisteredDelivery, Status, Tag, Ton, status_name
from smppbridge.smpp.pdu import BindTransceiver, DeliverSm, DeliverSmResp, Pdu, SubmitSm, SubmitSmResp
from smppbridge.smpp.receipt import ParsedReceipt, parse_receipt, state_of
from smppbridge.smpp.text import choose_coding, decode_text
from smppbridge.smpp.tlv import tlv
from smppbridge.smpp.ton import AddressKind, kind_of

_SHORT_MESSAGE_MAX = 254
_LONGEST_NATIONAL = 10  # digits
_DIALLED = ("0", "80", "89")  # how numbers begin that are dialled in Belarus and Russia, not abroad

Result = TypeVar("Result")
EmitEvent = Callable[[dict[str, object]], None]


@dataclass(frozen=True, slots=True)
class SendOptions:
    """What to send, and where."""

    host: str
    port: int
    system_id: str
    password: str = field(repr=False)
    source: str
    destination: str
    text: str
    wait: float = 0.0  # seconds for the receipt; 0: it is not waited for
    service_type: str = ""
    tls: bool = False
    ca: Path | None = None  # of the certificate that the SMSC shows; None: those that the system trusts


class SendFailed(SmppBridgeError):
    """The message was not sent, or its receipt did not come."""


def print_event(fields: dict[str, object]) -> None:
    """One JSON object per line."""
    print(json.dumps(fields, ensure_ascii=False), flush=True)


async def send(options: SendOptions, emit: EmitEvent = print_event) -> None:
    """Bind, submit, wait for the final receipt if asked, unbind. Raises SendFailed, LinkError,
    ConfigError."""
    receipts: asyncio.Queue[DeliverSm] = asyncio.Queue()

    def incoming(client: Client, pdus: list[Pdu]) -> None:
        for pdu in pdus:
            if isinstance(pdu, DeliverSm):
                client.respond(pdu, DeliverSmResp())
                receipts.put_nowait(pdu)

    tls = None
    if options.tls:
        tls = configured("--ca", lambda: client_context(options.ca, None, None), str(options.ca))
    client = Client(incoming)
    await client.connect(options.host, options.port, tls)
    try:
        await _bind(client, options, emit)
        message_id = await _submit(client, options, emit)
        if options.wait > 0:
            await _await_receipt(client, message_id, receipts, options.wait, emit)
    finally:
        await client.close()


async def _bind(client: Client, options: SendOptions, emit: EmitEvent) -> None:
    answer = await client.bind(
        BindTransceiver(system_id=options.system_id, password=options.password, interface_version=0x34)
    )
    if answer.command_status != Status.ESME_ROK:
        raise SendFailed(f"bind refused: {status_name(answer.command_status)} ({answer.command_status:#x})")
    emit({"event": "bound", "system_id": getattr(answer, "system_id", "")})


async def _submit(client: Client, options: SendOptions, emit: EmitEvent) -> str:
    request = client.request(_submit_sm(options))
    answer = await _unless_over(client, request, "the answer came; the message may have been taken")
    if not isinstance(answer, SubmitSmResp) or answer.command_status != Status.ESME_ROK:
        status = answer.command_status
        emit({"event": "refused", "command_status": status, "status": status_name(status)})
        raise SendFailed(f"submit_sm refused: {status_name(status)} ({status:#x})")
    emit({"event": "submitted", "message_id": answer.message_id})
    return answer.message_id


def _submit_sm(options: SendOptions) -> SubmitSm:
    data_coding, octets = choose_coding(options.text)
    long = len(octets) > _SHORT_MESSAGE_MAX
    source_ton, source_npi = number_type(options.source)
    dest_ton, dest_npi = number_type(options.destination)
    return SubmitSm(
        service_type=options.service_type,
        source_addr_ton=source_ton,
        source_addr_npi=source_npi,
        source_addr=options.source.removeprefix("+"),
        dest_addr_ton=dest_ton,
        dest_addr_npi=dest_npi,
        destination_addr=options.destination.removeprefix("+"),
        registered_delivery=RegisteredDelivery.SUCCESS_OR_FAILURE,
        data_coding=data_coding,
        short_message=b"" if long else octets,
        tlvs=(tlv(Tag.MESSAGE_PAYLOAD, octets),) if long else (),
    )


def number_type(address: str) -> tuple[int, int]:
    """TON and NPI of an address by its characters.

    1. Nothing, or an address as it is dialled at home: unknown.
    2. Anything else than digits: alphanumeric.
    3. More than 10 digits: international.
    """
    digits = address.removeprefix("+")
    kind = kind_of(digits or address)
    if kind in (AddressKind.EMPTY, AddressKind.NAME):
        return kind.types
    dialled = digits.startswith(_DIALLED) and digits == address
    international = len(digits) > _LONGEST_NATIONAL and not dialled
    return Ton.INTERNATIONAL if international else Ton.UNKNOWN, Npi.ISDN_E164


async def _await_receipt(
    client: Client, message_id: str, receipts: "asyncio.Queue[DeliverSm]", wait: float, emit: EmitEvent
) -> None:
    try:
        async with asyncio.timeout(wait):
            while True:
                pdu = await _unless_over(
                    client, receipts.get(), "the receipt came; it waits for the next bind"
                )
                if _report(pdu, message_id, emit):
                    return
    except TimeoutError:
        raise SendFailed(f"no receipt within {wait:g} s; the message may still be on its way") from None


async def _unless_over(client: Client, wanted: Coroutine[Any, Any, Result], what: str) -> Result:
    """The result of ``wanted``. Raises SendFailed when the SMSC ends the session before ``what``."""
    coming, over = asyncio.ensure_future(wanted), asyncio.ensure_future(client.over())
    try:
        await asyncio.wait((coming, over), return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0)  # what came with the unbind counts
        if coming.done():
            try:
                return await coming
            except InvalidState:  # it was over by then
                what = "the message was sent"
            except ConnectionLost:
                pass
        how = "the SMSC said unbind" if await over else "the connection ended"
        raise SendFailed(f"{how} before {what}")
    finally:
        coming.cancel()
        over.cancel()


def _report(pdu: DeliverSm, message_id: str, emit: EmitEvent) -> bool:
    """Print one deliver_sm. Returns whether it is the final receipt of our message."""
    text = _text(pdu)
    if pdu.esm_class & EsmClass.TYPE_MASK not in (EsmClass.RECEIPT, EsmClass.INTERMEDIATE):
        emit({"event": "message", "from": pdu.source_addr, "to": pdu.destination_addr, "text": text})
        return False
    parsed: ParsedReceipt = parse_receipt(text)
    receipted = pdu.tlv(Tag.RECEIPTED_MESSAGE_ID) or parsed.id
    emit({"event": "receipt", "message_id": receipted, "stat": parsed.stat, "err": parsed.err, "text": text})
    return receipted == message_id and state_of(parsed.stat or "")[1]


def _text(pdu: DeliverSm) -> str:
    """What an SMSC wrote. A coding that it only claims is read as Latin-1: the text is for people."""
    try:
        return decode_text(pdu.short_message, pdu.data_coding, "latin-1")
    except Refused:
        return pdu.short_message.decode("latin-1")
