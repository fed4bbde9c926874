"""Short ways to make the rows that a store is given, and to bring messages to a stage."""

from collections.abc import Sequence
from typing import Any

from smppbridge.model.message import (
    Inbound,
    InboundPart,
    Message,
    Outcome,
    Segment,
    Sent,
    Settled,
    Stage,
    State,
    StatusReport,
    Unsent,
)
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.tlv import tlv, write_tlvs
from smppbridge.store.base import Store
from smppbridge.store.results import Arrival, Settlement

NOW = 1_760_000_000_000
HOUR = 3_600_000
DAY = 24 * HOUR
ASKS_FOR_AN_ALERT = write_tlvs((tlv(Tag.SET_DPF, 1),))

_PLAIN = Segment(
    id=0,
    account="pbx",
    wire_id="",
    origin=7,
    source_addr_ton=5,
    source_addr_npi=0,
    source_addr="ALARM",
    dest_addr_ton=1,
    dest_addr_npi=1,
    destination_addr="375291234567",
    recipient="375291234567",
    sender="ALARM",
    text="Дверь открыта",
    octets=None,
    flash=False,
    protocol_id=0,
    tlvs=None,
    data_coding=8,
    registered_delivery=1,
    priority=0,
    service_type="",
    user_message_reference=None,
    route="lab,spare",
    provider="lab",
    stage=int(Stage.QUEUED),
    send_at=0,
    submitted_at=NOW,
    due_at=NOW + DAY,
    deadline=NOW + DAY,
)


def segment(message_id: int, **changes: Any) -> Segment:
    """A QUEUED message of account "pbx" for provider "lab"; its wire_id is its id in decimal."""
    return _PLAIN._replace(**{"id": message_id, "wire_id": str(message_id), **changes})


def inbound_part(account: str = "pbx", octets: bytes = b"yes", **changes: Any) -> InboundPart:
    """A part of a message from a phone that is owed to ``account``."""
    plain = InboundPart(0, account, "lab", "375291234567", "1234", 0, 0, octets, NOW, 0)
    return plain._replace(**changes)


def arrival(ref: str, *parts: InboundPart, provider: str = "lab", at: int = NOW) -> Arrival:
    """A message from a phone, with what is owed of it."""
    return Arrival(provider, Inbound(ref, "375291234567", "1234", "yes", at), parts)


def report(message_id: int, state: int = State.DELIVERED, final: bool = True) -> StatusReport:
    """What the provider says about a message that `send` handed over."""
    return StatusReport(f"ref-{message_id}", int(state), final, 0, "word")


def sent(message: Message, *, poll_at: int = NOW + HOUR, deadline: int = NOW + DAY) -> Sent:
    """The good end of an attempt, with the reference ref-<id>."""
    ref, packet = f"ref-{message.id}", f"packet-{message.id}"
    return Sent(message.id, message.account, message.attempt, ref, packet, poll_at, deadline)


def unsent(message: Message, stage: Stage, due_at: int, **changes: Any) -> Unsent:
    """The bad end of an attempt."""
    plain = Unsent(
        message.id,
        message.attempt,
        int(stage),
        message.provider,
        due_at,
        1,
        message.provider,
        "unavailable",
        "",
        "",
        NOW,
    )
    return plain._replace(**changes)


async def claim(
    store: Store, limit: int = 100, *, provider: str = "lab", account: str = "pbx"
) -> list[Message]:
    """Claim at NOW, under a lease of an hour."""
    return await store.claim_messages(provider, account, limit, NOW, NOW + HOUR)


async def record_sent(store: Store, items: Sequence[Sent], now: int = NOW) -> Settlement:
    """Record that only."""
    return (await store.record(items, (), (), now)).settlement


async def record_unsent(store: Store, items: Sequence[Unsent]) -> None:
    """Record that only."""
    await store.record((), items, (), NOW)


async def finish(store: Store, outcomes: Sequence[Outcome]) -> list[Settled]:
    """Record that only; what became final."""
    return (await store.record((), (), outcomes, NOW)).settled


async def send(store: Store, *segments: Segment) -> list[Message]:
    """Add, claim and record as SENT: references ref-<id>."""
    await store.add_segments(segments)
    messages: list[Message] = []
    for provider, account in dict.fromkeys((item.provider, item.account) for item in segments):
        messages += await claim(store, len(segments), provider=provider, account=account)
    await record_sent(store, [sent(message) for message in messages])
    return messages


async def stages(store: Store) -> dict[int, Stage]:
    """Where every message is."""
    return {row.id: stage for stage in Stage for row in await store.list_stage(stage, 1000)}
