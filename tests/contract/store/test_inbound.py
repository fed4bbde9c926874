"""What every store promises about messages from phones (store.base.Store)."""

import asyncio
from collections.abc import Callable

import pytest

from smppbridge.errors import StoreError
from smppbridge.model.message import Inbound
from smppbridge.store.base import Store
from smppbridge.store.results import Arrival
from tests.support.builders.rows import DAY, HOUR, NOW, arrival, report, segment, send
from tests.support.builders.rows import inbound_part as part

LATER = NOW + HOUR


async def claimed(store: Store, account: str = "pbx", *, now: int = NOW, limit: int = 100) -> list[bytes]:
    """What a bind gets at ``now``, under a lease of an hour."""
    return [one.octets for one in await store.claim_inbound(account, now, now + HOUR, limit)]


# --- taking ------------------------------------------------------------------------------------------


async def test_a_part_is_what_was_added(store: Store) -> None:
    long = part(esm_class=0x40, data_coding=8, octets=b"\5\0\3\1\2\1\0\xff", destination="", at=NOW - 5)
    assert await store.add_inbound([arrival("1", long)], NOW) == [arrival("1", long)]
    [found] = await store.claim_inbound("pbx", NOW, LATER, 10)
    assert found == long._replace(id=found.id)


async def test_a_message_is_taken_once(store: Store) -> None:
    one, two = arrival("1", part()), arrival("2", part(octets=b"no"))
    assert await store.add_inbound([one, one, two], NOW) == [one, two]
    assert await store.add_inbound([one], NOW + 1) == []
    assert await claimed(store) == [b"yes", b"no"]
    await store.pay_inbound([found.id for found in await store.claim_inbound("pbx", LATER, LATER, 9)])
    assert await store.add_inbound([one], LATER) == []
    assert await claimed(store, now=DAY + LATER) == []


async def test_a_reference_is_one_of_its_provider(store: Store) -> None:
    await store.add_inbound([arrival("1", part())], NOW)
    spare = arrival("1", part(provider="spare", octets=b"other"), provider="spare")
    assert await store.add_inbound([spare], NOW) == [spare]
    assert await claimed(store) == [b"yes", b"other"]


async def test_each_account_gets_its_own_parts_in_order(store: Store) -> None:
    texts = [b"one", b"two", b"three"]
    parts = [part(account, octets) for account in ("pbx", "log") for octets in texts]
    await store.add_inbound([arrival("1", *parts)], NOW)
    assert await claimed(store, "pbx", limit=2) == texts[:2]
    assert await claimed(store, "log") == texts
    assert await claimed(store, "pbx") == texts[2:]
    assert await claimed(store, "nobody") == []


async def test_a_message_that_belongs_to_nobody_is_kept(store: Store) -> None:
    assert await store.add_inbound([arrival("1")], NOW) == [arrival("1")]
    assert await store.add_inbound([arrival("1", part())], NOW) == []  # it was taken


async def test_what_cannot_be_stored_takes_nothing_of_its_batch(store: Store) -> None:
    bad = Arrival("lab", Inbound("2", "1", "2", "\ud800", NOW), [part()])
    with pytest.raises(StoreError):
        await store.add_inbound([arrival("1", part()), bad], NOW)
    assert await claimed(store) == []
    assert await store.add_inbound([arrival("1", part())], NOW) == [arrival("1", part())]


# --- delivering --------------------------------------------------------------------------------------


async def test_a_part_is_leased(store: Store) -> None:
    await store.add_inbound([arrival("1", part())], NOW)
    assert await claimed(store) == [b"yes"]
    assert await claimed(store, now=LATER - 1) == []
    assert await claimed(store, now=LATER) == [b"yes"]


async def test_claims_of_one_turn_share_the_parts(store: Store) -> None:
    await store.add_inbound([arrival(ref, part(octets=ref.encode())) for ref in "abc"], NOW)
    first, second = await asyncio.gather(claimed(store, limit=2), claimed(store, limit=2))
    assert (first, second) == ([b"a", b"b"], [b"c"])


async def test_a_paid_part_is_gone(store: Store) -> None:
    await store.add_inbound([arrival(ref, part(octets=ref.encode())) for ref in "ab"], NOW)
    first, _ = await store.claim_inbound("pbx", NOW, NOW, 10)
    await store.pay_inbound([first.id])
    await store.pay_inbound([first.id, 12345])
    assert await claimed(store) == [b"b"]


async def test_the_id_of_a_paid_part_is_never_given_again(store: Store) -> None:
    """Else a late answer to the first would pay for the second."""
    ids = []
    for ref in "ab":
        await store.add_inbound([arrival(ref, part())], NOW)
        [found] = await store.claim_inbound("pbx", NOW, LATER, 10)
        await store.pay_inbound([found.id])
        ids.append(found.id)
    assert len(set(ids)) == 2


async def test_a_deferred_part_stands_behind_the_others(store: Store) -> None:
    await store.add_inbound([arrival(ref, part(octets=ref.encode())) for ref in "abc"], NOW)
    first, *_ = await store.claim_inbound("pbx", NOW, NOW, 10)
    await store.defer_inbound([(first.id, NOW + 5, 1)])
    assert await claimed(store, limit=1) == [b"b"]
    again = await store.claim_inbound("pbx", LATER, LATER, 10)
    assert [(one.octets, one.tries) for one in again] == [(b"c", 0), (b"a", 1), (b"b", 0)]


# --- restart, retention, what is shown ---------------------------------------------------------------


async def test_a_restart_frees_leases_and_keeps_the_order(make_store: Callable[[], Store]) -> None:
    store = make_store()
    await store.open()
    await store.add_inbound([arrival(ref, part(octets=ref.encode())) for ref in "abc"], NOW)
    await store.add_inbound([arrival("d", part("log"))], NOW)
    assert await claimed(store, limit=2) == [b"a", b"b"]
    await store.close()
    store = make_store()
    assert (await store.open()).inbound == {"pbx", "log"}
    assert await claimed(store) == [b"a", b"b", b"c"]
    assert await store.add_inbound([arrival("a", part())], NOW) == []
    await store.close()


async def test_parts_expire_by_the_time_they_were_taken(store: Store) -> None:
    long_ago = part(octets=b"a", at=NOW - DAY)  # the telephone's clock, or a provider that held it back
    still_to_come = part(octets=b"b", at=NOW + DAY)
    await store.add_inbound([arrival("1", long_ago, part("log"))], NOW)
    await store.add_inbound([arrival("2", still_to_come)], NOW + 1)
    await store.add_inbound([arrival("3", part(octets=b"c"))], NOW + 2)
    assert await store.expire_receipts("pbx", NOW, 10) == 0
    assert await store.expire_receipts("pbx", NOW + 1, 10) == 1
    assert await store.expire_receipts("pbx", NOW + DAY, 1) == 1
    assert await claimed(store, now=NOW + 9) == [b"c"]
    assert await claimed(store, "log", now=NOW + 9) == [b"yes"]


async def test_parts_that_were_leased_or_put_off_expire_as_well(store: Store) -> None:
    await store.add_inbound([arrival("1", part(), part())], NOW)
    first, _ = await store.claim_inbound("pbx", NOW, LATER, 10)
    await store.defer_inbound([(first.id, NOW + DAY, 5)])
    assert await store.expire_receipts("pbx", NOW + 1, 10) == 2


async def test_receipts_and_parts_expire_within_one_limit(store: Store) -> None:
    await send(store, segment(1), segment(2))
    await store.settle("lab", [report(1), report(2)], NOW)
    await store.add_inbound([arrival("1", part())], NOW)
    assert await store.expire_receipts("pbx", NOW + DAY, 2) == 2
    assert await store.expire_receipts("pbx", NOW + DAY, 2) == 1


async def test_purge_forgets_messages_that_were_taken_long_ago(store: Store) -> None:
    await store.add_inbound([arrival("1", part(), at=NOW - DAY), arrival("2")], NOW)
    await store.add_inbound([arrival("3")], NOW + 1)
    assert await store.purge(NOW, 0, NOW + DAY, 10) == 0
    assert await store.purge(NOW + 1, 0, NOW + DAY, 1) == 1
    assert await store.purge(NOW + 1, 0, NOW + DAY, 10) == 1
    assert await claimed(store) == [b"yes"]  # what is owed stays owed
    assert await store.add_inbound([arrival("3", part())], NOW) == []


async def test_gauges(store: Store) -> None:
    await store.add_inbound([arrival("1", part(), part(), part("log"))], NOW)
    await claimed(store)
    gauges = await store.gauges(NOW)
    assert gauges.inbound == {"pbx": 2, "log": 1}
    assert gauges.owed == {}


async def test_marks(make_store: Callable[[], Store]) -> None:
    store = make_store()
    await store.open()
    assert await store.mark("inbound lab") is None
    await store.set_mark("inbound lab", NOW)
    await store.set_mark("inbound spare", 1)
    await store.set_mark("inbound lab", NOW + 1)
    await store.close()
    store = make_store()
    await store.open()
    assert [await store.mark(name) for name in ("inbound lab", "inbound spare")] == [NOW + 1, 1]
    await store.close()
