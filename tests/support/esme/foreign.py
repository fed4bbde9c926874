"""ESMEs that were not written here: smpplib (blocking, so it runs in a thread) and aiosmpplib."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import aiosmpplib
import smpplib.client
from aiosmpplib.broker import SimpleBroker

from smppbridge.smpp.receipt import ParsedReceipt, parse_receipt
from smppbridge.smpp.text import decode_text
from tests.support.bridge.running import PATIENCE


class Sms(NamedTuple):
    """What to submit: ``octets`` for smpplib, ``text`` and ``encoding`` (its own word) for aiosmpplib."""

    to: str
    text: str
    data_coding: int
    octets: bytes = b""
    encoding: str | None = None


class Came(NamedTuple):
    """One receipt as the library understood it; TLVs are None where it has none."""

    fields: ParsedReceipt
    source: str
    receipted_message_id: str | None
    message_state: int | None
    network_error_code: bytes | None  # aiosmpplib takes it for a text, and loses some of it


class Run(NamedTuple):
    """What a library has heard: the ids of its messages in order of submission, and the receipts."""

    ids: list[str]
    receipts: list[Came]


async def run_smpplib(port: int, account: str, messages: Sequence[Sms]) -> Run:
    """Bind, submit, wait for as many receipts, unbind."""
    return await asyncio.to_thread(_smpplib, port, account, messages)


def _smpplib(port: int, account: str, messages: Sequence[Sms]) -> Run:
    run = Run([], [])
    client = smpplib.client.Client("127.0.0.1", port, timeout=PATIENCE, allow_unknown_opt_params=True)
    client.set_message_sent_handler(lambda pdu: run.ids.append(pdu.message_id.decode()))
    client.set_message_received_handler(lambda pdu: run.receipts.append(_came(pdu)))
    client.connect()
    try:
        client.bind_transceiver(system_id=account, password="secret")
        for message in messages:
            client.send_message(
                source_addr_ton=5,
                source_addr="ALARM",
                dest_addr_ton=1,
                dest_addr_npi=1,
                destination_addr=message.to,
                data_coding=message.data_coding,
                short_message=message.octets,
                registered_delivery=True,
            )
        while len(run.receipts) < len(messages):
            client.read_once(auto_send_enquire_link=False)
        client.unbind()
    finally:
        client.disconnect()
    return run


def _came(pdu: Any) -> Came:
    message_id = pdu.receipted_message_id
    return Came(
        parse_receipt(decode_text(pdu.short_message, pdu.data_coding, "ascii")),
        pdu.source_addr.decode("ascii"),
        None if message_id is None else message_id.decode("ascii"),
        pdu.message_state,
        pdu.network_error_code,
    )


@aiosmpplib.AbstractHook.register
class _Ears:
    """Hears everything that an aiosmpplib ESME receives."""

    def __init__(self, wanted: int) -> None:
        self.run = Run([], [])
        self.done = asyncio.Event()
        self.errors: list[Exception] = []
        self._wanted = wanted

    async def sending(self, smpp_message: Any, pdu: bytes, client_id: str) -> None:
        """Nothing to learn."""

    async def received(self, smpp_message: Any, pdu: bytes, client_id: str) -> None:
        if type(smpp_message) is aiosmpplib.SubmitSmResp:
            self.run.ids.append(smpp_message.message_id)
        elif type(smpp_message) is aiosmpplib.DeliverSm:
            self.run.receipts.append(_understood(smpp_message))
        if len(self.run.receipts) == self._wanted:
            self.done.set()

    async def send_error(self, smpp_message: Any, error: Exception, client_id: str) -> None:
        self.errors.append(error)
        self.done.set()


def _understood(pdu: Any) -> Came:
    assert pdu.is_receipt()
    own = pdu.parse_receipt()  # the library's own reading must agree with ours
    fields = parse_receipt(pdu.short_message)
    assert (own["id"], own["stat"], own["err"]) == (fields.id, fields.stat, int(fields.err or ""))
    tlvs = {param.tag: param.value for param in pdu.optional_params}
    return Came(fields, pdu.source.number, tlvs.get(0x001E), tlvs.get(0x0427), None)


async def run_aiosmpplib(port: int, account: str, messages: Sequence[Sms]) -> Run:
    """Bind, submit, wait for as many receipts, stop."""
    ears = _Ears(len(messages))
    broker = SimpleBroker()
    esme = aiosmpplib.ESME(
        "127.0.0.1", port, account, "secret", hook=ears, broker=broker, log_level="CRITICAL"
    )
    running = asyncio.create_task(esme.start())
    for message in messages:
        pdu = aiosmpplib.SubmitSm(
            short_message=message.text,
            source=aiosmpplib.PhoneNumber("ALARM", aiosmpplib.TON.ALPHANUMERIC),
            destination=aiosmpplib.PhoneNumber(message.to),
            encoding=message.encoding,
        )
        await broker.enqueue(pdu)
    try:
        await asyncio.wait_for(ears.done.wait(), PATIENCE)
    finally:
        writer = esme._writer  # the library lets it go without closing it
        await esme.stop()
        if writer is not None:
            writer.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert not ears.errors
    return ears.run
