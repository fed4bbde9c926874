"""What every store promises about alerts, and about what is owed to an account at all (store.base.Store)."""

from collections.abc import Callable

import pytest

from smppbridge.model.message import Alert, Outcome, State
from smppbridge.smpp.constants import Tag
from smppbridge.smpp.tlv import tlv, write_tlvs
from smppbridge.store.base import Store
from smppbridge.store.results import Settlement
from tests.support.builders.rows import (
    DAY,
    HOUR,
    NOW,
    arrival,
    claim,
    finish,
    inbound_part,
    record_sent,
    report,
    segment,
    send,
    sent,
)

ASKS = write_tlvs((tlv(Tag.USER_MESSAGE_REFERENCE, 0x0421), tlv(Tag.SET_DPF, 1)))
NOBODY: frozenset[str] = frozenset()
PBX = frozenset({"pbx"})


def alert(message_id: int) -> Alert:
    """For a message of `segment`."""
    return Alert(message_id, 5, 0, "ALARM", 1, 1, "375291234567")


async def settle(store: Store, *states: tuple[int, State], at: int = NOW) -> frozenset[str]:
    """Messages end like this, in this order; who is owed an alert then."""
    reports = [report(message_id, state) for message_id, state in states]
    return (await store.settle("lab", reports, at)).alerted


async def claimed(store: Store, account: str = "pbx", now: int = NOW) -> list[int]:
    return [one.id for one in await store.claim_alerts(account, now, now + HOUR, 100)]


# --- what leads to an alert --------------------------------------------------------------------------


@pytest.mark.parametrize("end", [State.UNDELIVERABLE, State.EXPIRED])
async def test_the_next_message_that_gets_there(store: Store, end: State) -> None:
    await send(store, segment(1, tlvs=ASKS), segment(2), segment(3))
    assert await settle(store, (1, end)) == NOBODY
    assert await store.claim_alerts("pbx", NOW + DAY, NOW + DAY, 9) == []
    assert await settle(store, (2, State.DELIVERED)) == PBX
    assert await store.claim_alerts("pbx", NOW, NOW + HOUR, 9) == [alert(1)]
    assert await settle(store, (3, State.DELIVERED)) == NOBODY  # once
    assert await claimed(store) == []


async def test_the_order_within_a_batch_counts(store: Store) -> None:
    await send(store, segment(1, tlvs=ASKS), segment(2), segment(3, tlvs=ASKS), segment(4))
    assert await settle(store, (1, State.UNDELIVERABLE), (2, State.DELIVERED)) == PBX
    assert await claimed(store) == [1]
    assert await settle(store, (4, State.DELIVERED), (3, State.UNDELIVERABLE)) == NOBODY


@pytest.mark.parametrize(("tried", "owed"), [(True, PBX), (False, NOBODY)])
async def test_the_end_that_the_bridge_decides(store: Store, tried: bool, owed: frozenset[str]) -> None:
    """Of a phone that nobody tried it says nothing."""
    await store.add_segments([segment(1, tlvs=ASKS), segment(2, provider="spare", route="spare")])
    if tried:
        await claim(store)
    await finish(store, [Outcome(1, int(State.EXPIRED), 0, "", NOW)])
    [message] = await store.claim_messages("spare", "pbx", 9, NOW, NOW + HOUR)
    await record_sent(store, [sent(message)])
    assert (await store.settle("spare", [report(2)], NOW)).alerted == owed


async def test_a_status_that_waited_for_its_reference(store: Store) -> None:
    await send(store, segment(1, tlvs=ASKS))
    await settle(store, (1, State.UNDELIVERABLE), (2, State.DELIVERED))
    assert await claimed(store) == []
    await store.add_segments([segment(2)])
    [message] = await store.claim_messages("lab", "pbx", 9, NOW, NOW + HOUR)
    assert (await record_sent(store, [sent(message)])).alerted == PBX


@pytest.mark.parametrize(
    "tlvs",
    [
        None,
        write_tlvs((tlv(Tag.SET_DPF, 0),)),
        write_tlvs((tlv(Tag.USER_MESSAGE_REFERENCE, 0x0421),)),
        write_tlvs((tlv(Tag.SET_DPF, 0), tlv(Tag.SET_DPF, 1))),
        write_tlvs(((Tag.SET_DPF, b""),)),
        b"\x04\x21\x00\x09\x01",
    ],
)
async def test_who_did_not_ask(store: Store, tlvs: bytes | None) -> None:
    await send(store, segment(1, tlvs=tlvs), segment(2))
    assert await settle(store, (1, State.UNDELIVERABLE), (2, State.DELIVERED)) == NOBODY


@pytest.mark.parametrize("end", [State.DELIVERED, State.REJECTED, State.DELETED, State.UNKNOWN])
async def test_other_ends(store: Store, end: State) -> None:
    await send(store, segment(1, tlvs=ASKS), segment(2))
    assert await settle(store, (1, end), (2, State.DELIVERED)) == NOBODY


async def test_other_phones_and_other_accounts(store: Store) -> None:
    await send(
        store,
        segment(1, tlvs=ASKS),
        segment(2, recipient="375290000000"),
        segment(3, account="log"),
        segment(4),
    )
    await settle(store, (1, State.UNDELIVERABLE))
    assert await settle(store, (2, State.DELIVERED), (3, State.DELIVERED)) == NOBODY
    assert await settle(store, (4, State.UNDELIVERABLE)) == NOBODY
    assert await claimed(store) == []


async def test_several_that_asked(store: Store) -> None:
    """One alert for each source: the latest message stands for all."""
    await send(
        store,
        segment(1, tlvs=ASKS),
        segment(2, tlvs=ASKS),
        segment(3, tlvs=ASKS, source_addr="OTHER"),
        segment(4),
    )
    await settle(store, *((number, State.UNDELIVERABLE) for number in (1, 2, 3)))
    assert await settle(store, (4, State.DELIVERED)) == PBX
    assert sorted(await claimed(store)) == [2, 3]


# --- what becomes of one -----------------------------------------------------------------------------


async def owe(store: Store) -> None:
    await send(store, segment(1, tlvs=ASKS), segment(2, registered_delivery=0))
    await settle(store, (1, State.UNDELIVERABLE), (2, State.DELIVERED))
    for one in await store.claim_receipts("pbx", 0, NOW, NOW, 9):
        await store.pay_receipts([one.id])


async def test_a_lease_ends(store: Store) -> None:
    await owe(store)
    assert await claimed(store, "log") == []
    assert await claimed(store) == [1]
    assert await claimed(store) == []
    assert await claimed(store, now=NOW + HOUR) == [1]
    await store.pay_alerts([1])
    assert await claimed(store, now=NOW + DAY) == []


async def test_watches_and_alerts_are_there_after_a_restart(make_store: Callable[[], Store]) -> None:
    store = make_store()
    await store.open()
    await send(store, segment(1, tlvs=ASKS), segment(2), segment(3, tlvs=ASKS, recipient="79021234567"))
    await settle(store, (1, State.UNDELIVERABLE), (2, State.DELIVERED), (3, State.EXPIRED))
    await store.close()
    store = make_store()
    await store.open()
    assert await claimed(store) == [1]
    await send(store, segment(4, recipient="79021234567"))
    assert await settle(store, (4, State.DELIVERED)) == PBX
    await store.close()


@pytest.mark.parametrize("reached", [False, True])
async def test_they_are_kept_for_a_time(store: Store, reached: bool) -> None:
    await send(store, segment(1, tlvs=ASKS, registered_delivery=0), segment(2, registered_delivery=0))
    await settle(store, (1, State.UNDELIVERABLE))
    if reached:
        await settle(store, (2, State.DELIVERED))
    assert await store.expire_receipts("log", NOW + DAY, 9) == 0
    assert await store.expire_receipts("pbx", NOW, 9) == 0
    assert await claimed(store) == ([1] if reached else [])
    assert await store.expire_receipts("pbx", NOW + 1, 9) == 0  # nothing that anybody waited for
    assert await settle(store, (2, State.DELIVERED)) == NOBODY
    assert await claimed(store, now=NOW + DAY) == []


async def test_they_go_with_their_message(store: Store) -> None:
    await send(store, segment(1, tlvs=ASKS, registered_delivery=0), segment(2))
    await settle(store, (1, State.UNDELIVERABLE))
    assert await store.purge(NOW + 1, NOW, NOW + DAY, 9) == 1
    assert await settle(store, (2, State.DELIVERED)) == NOBODY


async def test_a_settlement_without_alerts(store: Store) -> None:
    await send(store, segment(1))
    assert (await store.settle("lab", [], NOW)) == Settlement([], NOBODY, 0, NOBODY)


# --- what is owed at all -----------------------------------------------------------------------------


async def test_nothing_is_owed(store: Store) -> None:
    await send(store, segment(1), segment(2, account="log"))
    await store.settle("lab", [report(2)], NOW)
    assert not await store.owes("pbx", NOW + DAY)


async def test_a_receipt_is_owed_when_it_is_due(store: Store) -> None:
    await send(store, segment(1))
    await store.settle("lab", [report(1)], NOW)
    assert not await store.owes("pbx", NOW - 1)
    assert await store.owes("pbx", NOW)
    [receipt] = await store.claim_receipts("pbx", 0, NOW, NOW + HOUR, 9)
    assert not await store.owes("pbx", NOW)  # it is under way, or put off
    assert await store.owes("pbx", NOW + HOUR)
    await store.pay_receipts([receipt.id])
    assert not await store.owes("pbx", NOW + DAY)


async def test_what_a_bind_has_left_behind_is_owed(store: Store) -> None:
    await store.claim_receipts("pbx", 7, NOW, NOW, 9)  # the bind of `segment` is there
    await send(store, segment(1))
    await store.settle("lab", [report(1)], NOW)
    await store.claim_receipts("pbx", 7, NOW, NOW + HOUR, 9)
    assert await store.owes("pbx", NOW)


async def test_a_message_from_a_phone_is_owed(store: Store) -> None:
    await store.add_inbound([arrival("1", inbound_part())], NOW)
    assert await store.owes("pbx", NOW)
    assert not await store.owes("pbx", NOW - 1)
    assert not await store.owes("log", NOW)


async def test_an_alert_is_owed(store: Store) -> None:
    await owe(store)
    assert await store.owes("pbx", NOW)
    await claimed(store)
    assert not await store.owes("pbx", NOW)
