"""Messages in every stage, for what the store promises about finding, cancelling and replacing them."""

from typing import Any

from smppbridge.model.joining import Joined, Part
from smppbridge.model.message import Found, Replacement, Segment, Stage
from smppbridge.store.base import Store
from tests.support.builders.rows import (
    DAY,
    HOUR,
    NOW,
    claim,
    record_unsent,
    report,
    segment,
    send,
    unsent,
)

LATER = NOW + HOUR
NEW = Replacement(
    text="Дверь закрыта",
    octets=None,
    flash=True,
    tlvs=b"\x02\x0a\0\x02\0\xff",
    registered_delivery=2,
    route="spare,lab",
    provider="spare",
    deadline=NOW + 2 * DAY,
    stage=None,
    send_at=0,
    due_at=None,
)


def waiting(message_id: int, **changes: Any) -> Segment:
    """A message that is scheduled for an hour later."""
    return segment(message_id, **{"stage": int(Stage.WAITING), "due_at": LATER, **changes})


async def in_stage(store: Store, stage: Stage) -> None:
    """Message 1 in a stage, by the way that messages come there."""
    if stage == Stage.WAITING:
        await store.add_segments([waiting(1)])
    elif stage in (Stage.SENT, Stage.FINAL):
        await send(store, segment(1))
        if stage == Stage.FINAL:
            await store.settle("lab", [report(1)], NOW + 5)
    else:
        await store.add_segments([segment(1)])
        if stage != Stage.QUEUED:
            [message] = await claim(store)
            if stage == Stage.UNCERTAIN:
                await record_unsent(store, [unsent(message, stage, LATER)])


async def only(store: Store, wire_id: str = "1") -> Found:
    [found] = await store.find_messages("pbx", wire_id)
    return found


async def owed(store: Store, account: str = "pbx") -> list[tuple[str, int]]:
    """wire_id and state of all receipts that any bind may have."""
    receipts = await store.claim_receipts(account, 0, NOW + DAY, NOW + DAY, 5000)
    return [(one.wire_id, one.state) for one in receipts]


async def long_message(store: Store) -> None:
    """Messages 1 and 2 are the parts of one, which is joined and QUEUED in the first."""
    parts = [
        Part(
            segment(number, stage=int(Stage.COLLECTING), due_at=None, text=""), 9, 8, 2, number, b"\0x", LATER
        )
        for number in (1, 2)
    ]
    await store.add_parts(parts)
    joined = Joined(1, 0, 2, (), "xx", False, 3, "lab", "lab", int(Stage.QUEUED), 0, NOW + DAY)
    await store.join([joined], [], NOW)
