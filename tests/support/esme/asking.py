"""What an ESME asks about its messages, and what it is told: short ways to say it in tests."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from smppbridge.app import App
from smppbridge.smpp.addresses import Destination, SmeAddress
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.pdu import (
    CancelSm,
    DataSm,
    Pdu,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
)
from smppbridge.smpp.times import format_relative
from smppbridge.smpp.tlv import Tlv, tlv
from tests.support.bridge.running import Clock, eventually
from tests.support.bridge.scripted_provider import ScriptedProvider, scripted
from tests.support.bridge.sync import Slow
from tests.support.esme.esme import PHONE, Esme, submit

HOUR = format_relative(3600)
OTHER = "375297654321"


def query(message_id: str, source: str = "ALARM") -> QuerySm:
    return QuerySm(message_id=message_id, source_addr_ton=5, source_addr=source)


def cancel(message_id: str = "", source: str = "ALARM", to: str = "", service_type: str = "") -> CancelSm:
    """For one message, or with ``to`` alone for all to it."""
    return CancelSm(
        service_type=service_type,
        message_id=message_id,
        source_addr_ton=5,
        source_addr=source,
        dest_addr_ton=1 if to else 0,
        dest_addr_npi=1 if to else 0,
        destination_addr=to,
    )


def replace(message_id: str, text: str | bytes = "Door 3 closed", **changes: object) -> ReplaceSm:
    """In Latin-1; for another data_coding ``text`` is octets. It asks for a receipt."""
    pdu = ReplaceSm(
        message_id=message_id,
        source_addr_ton=5,
        source_addr="ALARM",
        registered_delivery=1,
        short_message=text if isinstance(text, bytes) else text.encode("latin-1"),
    )
    for name, value in changes.items():
        assert hasattr(pdu, name), name
        setattr(pdu, name, value)
    return pdu


def multi(to: Sequence[str | Destination], text: str = "Door 3 opened", **changes: object) -> SubmitMulti:
    """To phones, or to whatever; it asks for receipts, in Latin-1."""
    pdu = SubmitMulti(
        source_addr_ton=5,
        source_addr="ALARM",
        dest_address=tuple(SmeAddress(1, 1, one) if isinstance(one, str) else one for one in to),
        registered_delivery=1,
        data_coding=3,
        short_message=text.encode("latin-1"),
    )
    for name, value in changes.items():
        assert hasattr(pdu, name), name
        setattr(pdu, name, value)
    return pdu


def data(text: str = "Door 3 opened", to: str = PHONE, *tlvs: Tlv, **changes: object) -> DataSm:
    """A data_sm that asks for a receipt, in Latin-1."""
    pdu = DataSm(
        source_addr_ton=5,
        source_addr="ALARM",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=to,
        registered_delivery=1,
        data_coding=3,
        tlvs=(tlv(Tag.MESSAGE_PAYLOAD, text.encode("latin-1")), *tlvs),
    )
    for name, value in changes.items():
        assert hasattr(pdu, name), name
        setattr(pdu, name, value)
    return pdu


def later(text: str | bytes = "Door 3 opened", to: str = PHONE, **changes: object) -> SubmitSm:
    """To be sent in an hour."""
    return submit(text, to, **{"schedule_delivery_time": HOUR, **changes})


@asynccontextmanager
async def bound(
    directory: Path, lab: ScriptedProvider | None = None, sections: str = "", clock: Clock | None = None
) -> AsyncIterator[tuple[App, Esme]]:
    """A bridge with this provider, and a bound ESME."""
    providers = [lab or ScriptedProvider("lab")]
    async with (
        scripted(directory, *providers, sections=sections, clock=clock or Clock()) as app,
        await Esme.bound(app.smpp_ports[0]) as esme,
    ):
        yield app, esme


async def in_hand(lab: Slow, esme: Esme) -> str:
    """A message that the provider is being given, and does not answer: the next ones stay QUEUED."""
    message_id = await esme.submit(submit(to=OTHER))
    await eventually(lambda: lab.sent)
    return message_id


def slow() -> Slow:
    return Slow("lab", batch=1)


def texts(lab: ScriptedProvider) -> list[str]:
    return [message.text for message in lab.sent]


async def status(esme: Esme, pdu: Pdu) -> int:
    """command_status of the answer, which is one to this request."""
    answer = await esme.ask(pdu)
    assert type(answer).__name__ == type(pdu).__name__ + "Resp"
    return answer.command_status


async def told(esme: Esme, message_id: str, source: str = "ALARM") -> QuerySmResp:
    """The answer to a query_sm that must succeed."""
    answer = await esme.ask(query(message_id, source))
    assert isinstance(answer, QuerySmResp)
    assert (answer.command_status, answer.message_id) == (0, message_id)
    return answer


async def state(esme: Esme, message_id: str) -> int:
    """message_state of a query_sm that must succeed."""
    return (await told(esme, message_id)).message_state


async def to_many(esme: Esme, pdu: SubmitMulti) -> SubmitMultiResp:
    answer = await esme.ask(pdu)
    assert isinstance(answer, SubmitMultiResp)
    return answer
