"""What every store promises about statuses, outcomes and receipts (store.base.Store)."""

import asyncio

import pytest

from smppbridge.model.message import Outcome, Receipt, Settled, Stage, State, StatusReport
from smppbridge.store.base import Store
from smppbridge.store.results import Settlement
from tests.support.builders.rows import (
    DAY,
    HOUR,
    NOW,
    claim,
    finish,
    record_sent,
    report,
    segment,
    send,
    sent,
    stages,
)


async def owed(store: Store, origin: int = 99, *, account: str = "pbx", now: int = NOW) -> list[Receipt]:
    """The receipts that a bind may deliver at ``now``, without keeping them."""
    return await store.claim_receipts(account, origin, now, now, 1000)


# --- statuses ----------------------------------------------------------------------------------------


async def test_a_final_status_settles_and_owes_a_receipt(store: Store) -> None:
    await send(store, segment(1, user_message_reference=77))
    word = StatusReport("ref-1", int(State.UNDELIVERABLE), True, 21, "absent", "imsi=257010000000000")
    settlement = await store.settle("lab", [word], NOW + 5)
    assert settlement.settled == [Settled("pbx", "lab", State.UNDELIVERABLE, NOW, True)]
    assert (settlement.notified, settlement.late) == (frozenset(), 0)
    [receipt] = await owed(store, now=NOW + 5)
    assert receipt == Receipt(
        receipt.id, "pbx", 0, State.UNDELIVERABLE, True, 21, "absent", NOW + 5, 0, "imsi=257010000000000",
        "1", 5, 0, "ALARM", 1, 1, "375291234567", "Дверь открыта", 77, "lab", NOW, "",
    )  # fmt: skip
    assert receipt.final is True


async def test_a_final_state_never_changes(store: Store) -> None:
    await send(store, segment(1))
    await store.settle("lab", [report(1, State.DELIVERED)], NOW)
    again = await store.settle("lab", [report(1, State.DELIVERED)], NOW + 1)
    assert again == Settlement([], frozenset(), 0)
    other = await store.settle("lab", [report(1, State.UNDELIVERABLE)], NOW + 2)
    assert other == Settlement([], frozenset(), 1)
    assert await finish(store, [Outcome(1, int(State.EXPIRED), 0, "", NOW + 3)]) == []
    assert [(receipt.state, receipt.at) for receipt in await owed(store, now=NOW + 9)] == [
        (State.DELIVERED, NOW)
    ]


async def test_the_first_final_word_of_a_batch_wins(store: Store) -> None:
    await send(store, segment(1), segment(2))
    words = [
        report(1, State.ENROUTE, final=False),
        report(1, State.DELIVERED),
        report(2, State.EXPIRED),
        report(1, State.UNDELIVERABLE),
        report(2, State.ACCEPTED, final=False),
    ]
    settlement = await store.settle("lab", words, NOW)
    assert sorted(item.state for item in settlement.settled) == [State.DELIVERED, State.EXPIRED]
    assert len(await owed(store)) == 2


async def test_statuses_are_of_one_provider(store: Store) -> None:
    await send(store, segment(1))
    assert (await store.settle("spare", [report(1)], NOW)).settled == []
    assert (await store.settle("lab", [report(1)], NOW)).settled


async def test_a_reference_that_a_provider_uses_again_means_its_latest_message(store: Store) -> None:
    await store.add_segments([segment(1), segment(2), segment(3)])
    again = [sent(message)._replace(provider_ref="again") for message in await claim(store)]
    await record_sent(store, [again[2], again[0]], NOW)
    await record_sent(store, [again[1]], NOW)
    await store.settle("lab", [StatusReport("again", int(State.DELIVERED), True, 0, "")], NOW)
    assert [receipt.wire_id for receipt in await owed(store)] == ["3"]


async def test_a_message_without_a_reference_is_nobodys(store: Store) -> None:
    await store.add_segments([segment(1)])
    await record_sent(store, [sent(message)._replace(provider_ref="") for message in await claim(store)], NOW)
    word = StatusReport("", int(State.DELIVERED), True, 0, "")
    assert (await store.settle("lab", [word], NOW)).settled == []
    polls = await store.claim_polls("lab", NOW + HOUR, 9, HOUR, HOUR)
    assert [(poll.id, poll.provider_ref) for poll in polls] == [(1, "")]


async def test_settle_of_many_in_one_call(store: Store) -> None:
    numbers = range(1, 1001)
    await send(store, *(segment(number) for number in numbers))
    settlement = await store.settle("lab", [report(number) for number in numbers], NOW)
    assert len(settlement.settled) == 1000
    assert [receipt.wire_id for receipt in await owed(store)] == [str(number) for number in numbers]


@pytest.mark.parametrize(
    ("registered_delivery", "state", "expected"),
    [
        (0, State.DELIVERED, False),
        (1, State.DELIVERED, True),
        (2, State.DELIVERED, False),
        (2, State.EXPIRED, True),
        (3, State.DELIVERED, True),
        (3, State.UNDELIVERABLE, False),
        (0x10, State.DELIVERED, False),
    ],
)
async def test_receipts_are_owed_as_registered(
    store: Store, registered_delivery: int, state: State, expected: bool
) -> None:
    await send(store, segment(1, registered_delivery=registered_delivery))
    settlement = await store.settle("lab", [report(1, state)], NOW)
    assert [item.owed for item in settlement.settled] == [expected]
    assert len(await owed(store)) == expected


async def test_an_intermediate_notification_once_per_state(store: Store) -> None:
    await send(store, segment(1, registered_delivery=0x11), segment(2, account="quiet"))
    for state, notified in (
        (State.ACCEPTED, frozenset({"pbx"})),
        (State.ACCEPTED, frozenset()),
        (State.ENROUTE, frozenset({"pbx"})),
        (State.ACCEPTED, frozenset()),
    ):
        words = [report(1, state, final=False), report(2, state, final=False)]
        settlement = await store.settle("lab", words, NOW)
        assert settlement == Settlement([], notified, 0)
    await store.settle("lab", [report(1)], NOW)
    assert [(receipt.state, receipt.final) for receipt in await owed(store)] == [
        (State.ACCEPTED, False),
        (State.ENROUTE, False),
        (State.DELIVERED, True),
    ]


@pytest.mark.parametrize("together", [True, False])
async def test_statuses_of_a_batch_do_what_they_do_one_by_one(store: Store, together: bool) -> None:
    await send(store, *(segment(number, registered_delivery=0x11) for number in (1, 2, 3)))
    await store.settle("lab", [report(3, State.ACCEPTED, final=False)], NOW)
    words = [
        report(1, State.ACCEPTED, final=False),
        report(2, State.ACCEPTED, final=False),
        report(1, State.ENROUTE, final=False),
        report(1, State.ACCEPTED, final=False),
        report(2, State.DELIVERED),
        report(2, State.ENROUTE, final=False),
        report(2, State.DELIVERED),
        report(3, State.ENROUTE, final=False),
        report(3, State.ACCEPTED, final=False),
        report(3, State.EXPIRED),
    ]
    batches = [words] if together else [[word] for word in words]
    settlements = [await store.settle("lab", batch, NOW) for batch in batches]
    assert [item.state for done in settlements for item in done.settled] == [State.DELIVERED, State.EXPIRED]
    assert {account for done in settlements for account in done.notified} == {"pbx"}
    assert sum(done.late for done in settlements) == 1
    receipts: dict[str, list[int]] = {}
    for receipt in await owed(store):
        receipts.setdefault(receipt.wire_id, []).append(receipt.state)
    assert receipts == {
        "1": [State.ACCEPTED, State.ENROUTE],
        "2": [State.ACCEPTED, State.DELIVERED],
        "3": [State.ACCEPTED, State.ENROUTE, State.EXPIRED],
    }
    assert await stages(store) == {1: Stage.SENT, 2: Stage.FINAL, 3: Stage.FINAL}
    assert (await store.settle("lab", [report(2), report(3, State.EXPIRED)], NOW)).late == 0


# --- statuses before their reference -----------------------------------------------------------------


async def test_a_status_before_its_reference_waits_for_it(store: Store) -> None:
    await store.add_segments([segment(1), segment(2), segment(3, registered_delivery=0x10)])
    messages = await claim(store)
    early = [report(1), report(3, State.ACCEPTED, final=False), report(9)]
    assert await store.settle("lab", early, NOW + 1) == Settlement([], frozenset(), 0)
    settlement = await record_sent(store, [sent(message) for message in messages], NOW + 2)
    assert settlement.settled == [Settled("pbx", "lab", State.DELIVERED, NOW, True)]
    assert settlement.notified == {"pbx"}
    receipts = await owed(store, now=NOW + 2)
    assert [(receipt.wire_id, receipt.at) for receipt in receipts] == [("1", NOW + 1), ("3", NOW + 1)]
    rows = await store.list_stage(Stage.SENT, 10)
    assert [(row.id, row.answered) for row in rows] == [(2, False), (3, True)]


async def test_an_early_final_status_is_not_replaced(store: Store) -> None:
    await store.add_segments([segment(1)])
    messages = await claim(store)
    for state, final in ((State.ENROUTE, False), (State.DELIVERED, True), (State.EXPIRED, True)):
        await store.settle("lab", [report(1, state, final)._replace(details=f"state={state}")], NOW)
    settlement = await record_sent(store, [sent(message) for message in messages], NOW)
    assert [item.state for item in settlement.settled] == [State.DELIVERED]
    assert [receipt.details for receipt in await owed(store)] == ["state=2"]


async def test_an_early_status_is_applied_once_and_only_by_the_last_attempt(store: Store) -> None:
    await store.add_segments([segment(1)])
    [message] = await claim(store)
    await store.settle("lab", [report(1)], NOW)
    stale = sent(message)._replace(attempt=2)
    assert (await record_sent(store, [stale], NOW)).settled == []
    assert len((await record_sent(store, [sent(message)], NOW)).settled) == 1
    assert (await record_sent(store, [sent(message)], NOW)).settled == []
    assert len(await owed(store)) == 1


async def test_an_early_status_that_was_applied_is_forgotten(store: Store) -> None:
    await store.add_segments([segment(1)])
    await store.settle("lab", [report(1), report(2)], NOW)
    await record_sent(store, [sent(message) for message in await claim(store)], NOW)
    assert await store.purge(NOW, NOW + 1, NOW + DAY, 10) == 1


# --- outcomes decided here ---------------------------------------------------------------------------


async def test_finish_from_every_stage(store: Store) -> None:
    await send(store, segment(1))
    await store.add_segments([segment(2)])
    await claim(store)
    await store.add_segments([segment(3), segment(4, stage=int(Stage.WAITING), registered_delivery=0)])
    outcomes = [Outcome(number, int(State.EXPIRED), 7, "late", NOW + 4) for number in (1, 2, 3, 4, 3, 99)]
    settled = await finish(store, outcomes)
    assert [item.owed for item in settled] == [True, True, True, False]
    assert {item.state for item in settled} == {State.EXPIRED}
    receipts = await owed(store, now=NOW + 4)
    assert [(receipt.wire_id, receipt.err, receipt.code, receipt.at) for receipt in receipts] == [
        (number, 7, "late", NOW + 4) for number in ("1", "2", "3")
    ]
    assert await claim(store) == []
    assert await store.overdue("lab", NOW + 9 * DAY, 10) == []


async def test_a_silent_end_owes_nothing(store: Store) -> None:
    await store.add_segments([segment(1), segment(2)])
    loud = Outcome(1, int(State.REJECTED), 7, "no", NOW)
    settled = await finish(store, [loud, loud._replace(id=2, silent=True)])
    assert [(item.state, item.owed) for item in settled] == [(State.REJECTED, True), (State.REJECTED, False)]
    assert [receipt.wire_id for receipt in await owed(store)] == ["1"]
    assert await stages(store) == {1: Stage.FINAL, 2: Stage.FINAL}


# --- receipts ----------------------------------------------------------------------------------------


async def settle_for(store: Store, *origins: int, account: str = "pbx") -> None:
    """One delivered message per origin; its number is its place, from 1."""
    numbers = range(1, len(origins) + 1)
    await send(
        store,
        *(
            segment(number, origin=origin, account=account)
            for number, origin in zip(numbers, origins, strict=True)
        ),
    )
    for number in numbers:
        await store.settle("lab", [report(number)], NOW + number)


async def claimed(store: Store, origin: int, limit: int = 100, *, now: int = NOW + HOUR) -> list[str]:
    receipts = await store.claim_receipts("pbx", origin, now, now + HOUR, limit)
    return [receipt.wire_id for receipt in receipts]


async def test_a_bind_gets_its_own_receipts_then_those_of_nobody(store: Store) -> None:
    await claimed(store, 1)
    await claimed(store, 2)
    await settle_for(store, 3, 1, 2, 0, 1)
    assert await claimed(store, 1) == ["2", "5", "1", "4"]
    assert await claimed(store, 2) == ["3"]


async def test_a_lease_ends(store: Store) -> None:
    await settle_for(store, 1, 1)
    assert await claimed(store, 1, 1) == ["1"]
    assert await claimed(store, 1) == ["2"]
    assert await claimed(store, 1) == []
    assert await claimed(store, 1, now=NOW + 2 * HOUR) == ["1", "2"]


async def test_claims_of_one_turn_share_the_receipts(store: Store) -> None:
    await settle_for(store, 0, 0, 0)
    first, second = await asyncio.gather(claimed(store, 1, 2), claimed(store, 2, 2))
    assert (first, second) == (["1", "2"], ["3"])


async def test_a_paid_receipt_is_gone(store: Store) -> None:
    await settle_for(store, 1, 1)
    receipts = await owed(store, 1, now=NOW + HOUR)
    await store.pay_receipts([receipts[0].id])
    await store.pay_receipts([receipts[0].id, 12345])
    assert await claimed(store, 1) == ["2"]


async def test_a_deferred_receipt_stands_behind_the_others(store: Store) -> None:
    await settle_for(store, 1, 1, 1)
    receipts = await owed(store, 1, now=NOW + HOUR)
    await store.defer_receipts([(receipts[0].id, NOW + 2 * HOUR + 1, 1)])
    assert await claimed(store, 1) == ["2", "3"]
    again = await store.claim_receipts("pbx", 1, NOW + 3 * HOUR, NOW + 4 * HOUR, 10)
    assert [(receipt.wire_id, receipt.tries) for receipt in again] == [("2", 0), ("3", 0), ("1", 1)]


async def test_the_receipts_of_a_bind_that_is_gone_are_for_all(store: Store) -> None:
    await claimed(store, 1)
    await settle_for(store, 1, 1)
    assert await claimed(store, 2) == []
    assert await claimed(store, 1) == ["1", "2"]  # leased to the bind that goes
    await store.release_origin("pbx", 1, NOW + HOUR)
    assert await claimed(store, 2) == ["1", "2"]


async def test_a_bind_that_went_owns_no_later_receipt(store: Store) -> None:
    await claimed(store, 1)
    await send(store, segment(1, origin=1))
    await store.release_origin("pbx", 1, NOW)
    await store.settle("lab", [report(1)], NOW)
    assert await claimed(store, 2) == ["1"]


async def test_release_within_the_turn_of_other_calls(store: Store) -> None:
    await claimed(store, 1)
    await send(store, segment(1, origin=1))
    settled = store.settle("lab", [report(1)], NOW)
    released = store.release_origin("pbx", 1, NOW)
    taken = store.claim_receipts("pbx", 2, NOW, NOW + HOUR, 10)
    await settled
    await released
    assert [receipt.wire_id for receipt in await taken] == ["1"]


async def test_release_of_very_many(store: Store) -> None:
    await claimed(store, 1)
    numbers = range(1, 2501)
    await send(store, *(segment(number, origin=1) for number in numbers))
    await store.settle("lab", [report(number) for number in numbers], NOW)
    await store.release_origin("pbx", 1, NOW)
    assert len(await claimed(store, 2, 3000)) == 2500


async def test_an_origin_is_one_of_its_account(store: Store) -> None:
    await store.claim_receipts("alarm", 1, NOW, NOW, 1)
    await settle_for(store, 1)
    assert await claimed(store, 2) == ["1"]
    assert await owed(store, account="alarm") == []


async def test_expire_drops_by_the_time_of_the_state(store: Store) -> None:
    await claimed(store, 1)
    await settle_for(store, 1, 0, 1, 0)  # reached at NOW + 1 .. NOW + 4
    receipts = await owed(store, 1, now=NOW + HOUR)
    oldest = min(receipts, key=lambda receipt: receipt.at)
    await store.defer_receipts([(oldest.id, NOW + DAY, 3)])
    assert await store.expire_receipts("alarm", NOW + DAY, 10) == 0
    assert await store.expire_receipts("pbx", NOW + 1, 10) == 0
    assert await store.expire_receipts("pbx", NOW + 2, 10) == 1
    assert sorted(await claimed(store, 1, now=NOW + 2 * DAY)) == ["2", "3", "4"]


async def test_expire_is_limited(store: Store) -> None:
    await settle_for(store, 0, 0, 0)
    assert await store.expire_receipts("pbx", NOW + DAY, 2) == 2
    assert await store.expire_receipts("pbx", NOW + DAY, 2) == 1
    assert await store.expire_receipts("pbx", NOW + DAY, 2) == 0


async def test_the_id_of_a_paid_receipt_is_never_given_again(store: Store) -> None:
    """Else a late answer to the first would pay for the second."""
    await send(store, segment(1), segment(2))
    ids = []
    for number in (1, 2):
        await store.settle("lab", [report(number)], NOW)
        [receipt] = await store.claim_receipts("pbx", 0, NOW, NOW + HOUR, 10)
        await store.pay_receipts([receipt.id])
        ids.append(receipt.id)
    assert len(set(ids)) == 2
