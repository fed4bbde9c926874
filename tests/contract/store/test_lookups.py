"""What every store promises about finding and cancelling messages (store.base.Store)."""

from collections.abc import Callable

import pytest

from smppbridge.model.joining import Part
from smppbridge.model.message import Found, Outcome, Stage, State
from smppbridge.store.base import Store
from smppbridge.store.sqlite.lookups import CANCEL_CHUNK
from tests.contract.store.lookups import LATER, in_stage, long_message, only, owed, waiting
from tests.support.builders.rows import (
    DAY,
    NOW,
    claim,
    finish,
    record_unsent,
    segment,
    send,
    sent,
    stages,
    unsent,
)

ALL = 1_000_000  # above every id
# --- finding -----------------------------------------------------------------------------------------


async def test_a_message_is_found_as_it_was_submitted(store: Store) -> None:
    one = waiting(
        5, octets=b"\0\xff", protocol_id=3, tlvs=b"\x02\x0a\0\x02\0\xff", data_coding=4, priority=2,
        service_type="HLR", send_at=LATER,
    )  # fmt: skip
    await store.add_segments([one, segment(6)])
    found = await only(store, "5")
    same = {name: getattr(one, name) for name in Found._fields if hasattr(one, name)}
    assert found == Found(**{**same, "state": 0, "err": 0, "done_at": 0, "attempt": 0})


async def test_a_final_message_is_found_with_its_end(store: Store) -> None:
    await send(store, segment(1))
    await finish(store, [Outcome(1, State.UNDELIVERABLE, 601, "x", NOW + 9)])
    found = await only(store)
    assert (found.stage, found.state, found.err, found.done_at, found.attempt) == (
        Stage.FINAL, State.UNDELIVERABLE, 601, NOW + 9, 1,
    )  # fmt: skip


async def test_all_destinations_of_one_id_are_found_in_order(store: Store) -> None:
    to = ["375291234567", "375297654321"]
    await store.add_segments([segment(n, wire_id="a", destination_addr=to[n - 1]) for n in (2, 1)])
    assert [one.destination_addr for one in await store.find_messages("pbx", "a")] == to


async def test_nobody_finds_what_others_sent(store: Store) -> None:
    await store.add_segments([segment(1)])
    assert await store.find_messages("alarm", "1") == []
    assert await store.find_messages("pbx", "2") == []


async def test_a_part_is_found_where_its_message_is(store: Store) -> None:
    await long_message(store)
    part = await only(store, "2")
    assert (part.id, part.stage, part.data_coding) == (1, Stage.QUEUED, 3)
    assert await only(store, "1") == part


# --- cancelling by id --------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", [Stage.WAITING, Stage.QUEUED])
async def test_what_waits_is_cancelled_and_owes_its_receipt(store: Store, stage: Stage) -> None:
    await in_stage(store, stage)
    cancelled = await store.cancel("pbx", "1", "ALARM", "", NOW + 7)
    assert (cancelled.found, cancelled.ids) == (1, [1])
    [settled] = cancelled.settlement.settled
    assert (settled.state, settled.provider, settled.owed) == (State.DELETED, "lab", True)
    found = await only(store)
    assert (found.stage, found.state, found.done_at) == (Stage.FINAL, State.DELETED, NOW + 7)
    assert await owed(store) == [("1", State.DELETED)]
    assert await claim(store) == []


@pytest.mark.parametrize("stage", [Stage.SENDING, Stage.UNCERTAIN, Stage.SENT, Stage.FINAL])
async def test_nothing_else_is(store: Store, stage: Stage) -> None:
    await in_stage(store, stage)
    before = await only(store)
    assert before.stage == stage
    receipts = await owed(store)
    cancelled = await store.cancel("pbx", "1", "ALARM", "", NOW)
    assert (cancelled.found, cancelled.ids, cancelled.settlement.settled) == (1, [], [])
    assert await only(store) == before
    assert await owed(store) == receipts == ([("1", State.DELIVERED)] if stage == Stage.FINAL else [])


async def test_cancelling_again_changes_nothing(store: Store) -> None:
    await store.add_segments([segment(1)])
    await store.cancel("pbx", "1", "ALARM", "", NOW)
    again = await store.cancel("pbx", "1", "ALARM", "", NOW + 1)
    assert (again.found, again.ids) == (1, [])
    assert (await only(store)).done_at == NOW
    assert await owed(store) == [("1", State.DELETED)]


async def test_no_receipt_where_none_was_asked_for(store: Store) -> None:
    await store.add_segments([segment(1, registered_delivery=0)])
    cancelled = await store.cancel("pbx", "1", "ALARM", "", NOW)
    assert not cancelled.settlement.settled[0].owed
    assert await owed(store) == []


@pytest.mark.parametrize(
    ("account", "wire_id", "source", "destination"),
    [
        ("alarm", "1", "ALARM", ""),
        ("pbx", "2", "ALARM", ""),
        ("pbx", "1", "OTHER", ""),
        ("pbx", "1", "", ""),
        ("pbx", "1", "ALARM", "375290000000"),
    ],
)
async def test_everything_given_must_agree(
    store: Store, account: str, wire_id: str, source: str, destination: str
) -> None:
    await store.add_segments([segment(1)])
    cancelled = await store.cancel(account, wire_id, source, destination, NOW)
    assert (cancelled.found, cancelled.ids) == (0, [])
    assert (await only(store)).stage == Stage.QUEUED


async def test_one_destination_of_several(store: Store) -> None:
    to = ["375291234567", "375297654321", "375331112233"]
    await store.add_segments([segment(n, wire_id="a", destination_addr=to[n]) for n in range(3)])
    assert (await store.cancel("pbx", "a", "ALARM", to[1], NOW)).ids == [1]
    cancelled = await store.cancel("pbx", "a", "ALARM", "", NOW)
    assert (cancelled.found, cancelled.ids) == (3, [0, 2])


async def test_any_part_cancels_the_message_and_all_owe_their_receipts(store: Store) -> None:
    await long_message(store)
    cancelled = await store.cancel("pbx", "2", "ALARM", "", NOW)
    assert cancelled.ids == [1]
    assert [one.state for one in cancelled.settlement.settled] == [State.DELETED]
    assert await stages(store) == {1: Stage.FINAL, 2: Stage.FINAL}
    assert sorted(await owed(store)) == [("1", State.DELETED), ("2", State.DELETED)]


async def test_a_part_that_is_still_alone_is_not_cancelled(store: Store) -> None:
    part = segment(1, stage=int(Stage.COLLECTING), due_at=None, text="")
    await store.add_parts([Part(part, 9, 8, 2, 1, b"\0x", LATER)])
    assert (await store.cancel("pbx", "1", "ALARM", "", NOW)).ids == []
    assert (await only(store)).stage == Stage.COLLECTING


async def test_a_claim_and_a_cancellation_do_not_both_get_it(store: Store) -> None:
    """All verbs of one turn share a transaction, in their order."""
    await store.add_segments([segment(1), segment(2)])
    first = store.cancel("pbx", "1", "ALARM", "", NOW)
    claimed = store.claim_messages("lab", "pbx", 10, NOW, LATER)
    second = store.cancel("pbx", "2", "ALARM", "", NOW)
    assert (await first).ids == [1]
    assert [message.id for message in await claimed] == [2]
    assert (await second).ids == []
    assert await stages(store) == {1: Stage.FINAL, 2: Stage.SENDING}


async def test_a_late_result_does_not_bring_it_back(store: Store) -> None:
    """Handed over, back in the queue because nobody knew what came of it, cancelled."""
    await store.add_segments([segment(1)])
    [message] = await claim(store)
    await record_unsent(store, [unsent(message, Stage.QUEUED, NOW + DAY)])
    await store.cancel("pbx", "1", "ALARM", "", NOW)
    await store.record([sent(message)], (), (), NOW)
    found = await only(store)
    assert (found.stage, found.state) == (Stage.FINAL, State.DELETED)


async def test_a_cancellation_outlives_a_restart(make_store: Callable[[], Store]) -> None:
    first = make_store()
    await first.open()
    await first.add_segments([segment(1)])
    await first.cancel("pbx", "1", "ALARM", "", NOW)
    await first.close()
    second = make_store()
    assert (await second.open()).queued == frozenset()
    assert await owed(second) == [("1", State.DELETED)]
    await second.close()


# --- cancelling by address ---------------------------------------------------------------------------


async def test_all_between_two_addresses_in_chunks(store: Store) -> None:
    count = CANCEL_CHUNK + 20
    await store.add_segments([segment(n) if n % 2 else waiting(n) for n in range(1, count + 1)])
    seen: list[int] = []
    sizes: list[int] = []
    while (cancelled := await store.cancel_pending("pbx", "375291234567", "ALARM", None, ALL, NOW)).found:
        assert len(cancelled.settlement.settled) == len(cancelled.ids) == cancelled.found
        seen += cancelled.ids
        sizes.append(cancelled.found)
    assert sizes == [CANCEL_CHUNK, 20]
    assert sorted(seen) == list(range(1, count + 1))
    assert len(await owed(store)) == count


async def test_only_those_between_them(store: Store) -> None:
    others = [
        segment(1, account="alarm"),
        segment(2, recipient="375297654321"),
        segment(3, source_addr="OTHER"),
    ]
    await store.add_segments([*others, segment(4), segment(5, destination_addr="+375 29 1234567")])
    await in_hand(store, 6)
    assert sorted((await store.cancel_pending("pbx", "375291234567", "ALARM", None, ALL, NOW)).ids) == [4, 5]
    assert (await store.cancel_pending("pbx", "375291234567", "ALARM", None, ALL, NOW)).found == 0
    assert {one: stage for one, stage in (await stages(store)).items() if stage == Stage.FINAL}.keys() == {
        4,
        5,
    }


async def test_not_those_that_came_later(store: Store) -> None:
    await store.add_segments([segment(1), segment(2, service_type="HLR"), segment(3), segment(4)])
    assert (await store.cancel_pending("pbx", "375291234567", "ALARM", None, 2, NOW)).ids == [1]
    assert (await store.cancel_pending("pbx", "375291234567", "ALARM", "", 4, NOW)).ids == [3]


async def in_hand(store: Store, message_id: int) -> None:
    """A message that a provider is being given."""
    await store.add_segments([segment(message_id, provider="spare")])
    await claim(store, provider="spare")


async def test_only_those_of_a_service(store: Store) -> None:
    await store.add_segments([segment(1), segment(2, service_type="HLR"), segment(3)])
    assert (await store.cancel_pending("pbx", "375291234567", "ALARM", "HLR", ALL, NOW)).ids == [2]
    assert sorted((await store.cancel_pending("pbx", "375291234567", "ALARM", "", ALL, NOW)).ids) == [1, 3]
