"""What every store promises about references that a provider writes in several ways (store.base.Store)."""

import asyncio
from collections.abc import Callable

import pytest

from smppbridge.model.message import Message, Stage, State, StatusReport
from smppbridge.store.base import Store
from tests.support.builders.rows import DAY, HOUR, NOW, claim, record_sent, report, segment, sent, stages

PHONE = "375291234567"  # of every message that is not said to have another one
OTHER = "375447654321"


def told(
    *also: str, recipient: str = PHONE, state: int = State.DELIVERED, final: bool = True
) -> StatusReport:
    """A status by a reference that has to be converted."""
    return StatusReport("", int(state), final, 0, "word", also=also, recipient=recipient)


async def claimed(store: Store, *recipients: str) -> list[Message]:
    """Messages 1, 2, ... to these phones, being handed over."""
    await store.add_segments([segment(n, recipient=phone) for n, phone in enumerate(recipients, start=1)])
    return await claim(store, 1000)


async def send(store: Store, *refs: str, recipient: str = PHONE) -> None:
    """Messages 1, 2, ... SENT under these references."""
    messages = await claimed(store, *[recipient for _ in refs])
    await record(store, *zip(messages, refs, strict=True))


async def record(store: Store, *pairs: tuple[Message, str]) -> list[int]:
    """SENT under these references: the states that were known already."""
    items = [sent(message)._replace(provider_ref=ref) for message, ref in pairs]
    return [item.state for item in (await record_sent(store, items, NOW)).settled]


async def final(store: Store) -> list[int]:
    """The ids of the messages that have ended."""
    return [number for number, stage in (await stages(store)).items() if stage == Stage.FINAL]


# --- finding the message -----------------------------------------------------------------------------


async def test_a_reference_is_found_in_another_notation(store: Store) -> None:
    await send(store, "1F", "20")
    settlement = await store.settle("lab", [told("31", "1F")], NOW)
    assert [item.state for item in settlement.settled] == [State.DELIVERED]
    assert await final(store) == [1]


async def test_the_likeliest_notation_comes_first(store: Store) -> None:
    await send(store, "16", "10")
    await store.settle("lab", [told("10", "16")], NOW)
    assert await final(store) == [2]


async def test_a_notation_counts_only_where_the_recipient_agrees(store: Store) -> None:
    messages = await claimed(store, OTHER, PHONE)
    await record(store, (messages[0], "10"), (messages[1], "16"))
    await store.settle("lab", [told("10", "16")], NOW)
    assert await final(store) == [2]
    await store.settle("lab", [told("10")], NOW)
    assert await final(store) == [2]


async def test_the_reference_as_it_is_stored_needs_no_recipient(store: Store) -> None:
    await send(store, "10", "16")
    await store.settle("lab", [told("16", recipient=OTHER)._replace(provider_ref="10")], NOW)
    assert await final(store) == [1]


async def test_the_reference_itself_needs_its_phone_only_before_other_notations(store: Store) -> None:
    """Decimal 10 in a receipt is the answer "a", and not the answer "10"."""
    messages = await claimed(store, PHONE, OTHER)
    await record(store, (messages[0], "10"), (messages[1], "a"))
    await store.settle("lab", [told("a", recipient=OTHER)._replace(provider_ref="10")], NOW)
    assert await final(store) == [2]
    await store.settle("lab", [told("a", recipient=PHONE)._replace(provider_ref="10")], NOW)
    assert await final(store) == [1, 2]


@pytest.mark.parametrize("together", [True, False])
async def test_ids_from_1_in_two_notations_to_different_phones(store: Store, together: bool) -> None:
    """Answers in hexadecimal, receipts in decimal: each receipt is for its own message, in any order."""
    numbers = range(1, 1001)
    messages = await claimed(store, *[f"37529{number:07}" for number in numbers])
    await record(store, *[(message, f"{message.id:x}") for message in messages])
    states = (State.DELIVERED, State.EXPIRED, State.REJECTED, State.UNDELIVERABLE, State.DELETED)
    receipts = []
    for number in sorted(numbers, key=lambda number: number * 7 % 1001):
        others = dict.fromkeys((f"{number:x}", f"{int(str(number), 16)}"))
        also = [other for other in others if other != str(number)]
        status = told(*also, recipient=f"8029{number:07}", state=states[number % 5])
        receipts.append(status._replace(provider_ref=str(number)))
    batches = [receipts] if together else [[receipt] for receipt in receipts]
    done = await asyncio.gather(*(store.settle("lab", batch, NOW) for batch in batches))
    assert {settlement.late for settlement in done} == {0}
    owed = await store.claim_receipts("pbx", 7, NOW, NOW + HOUR, 2000)
    assert {int(one.wire_id): one.state for one in owed} == {number: states[number % 5] for number in numbers}


async def test_the_latest_of_a_reference_that_is_used_again_is_the_latest_to_that_phone(store: Store) -> None:
    messages = await claimed(store, PHONE, PHONE, OTHER)
    await record(store, *[(message, "10") for message in messages])
    await store.settle("lab", [told("a")._replace(provider_ref="10")], NOW)
    assert await final(store) == [2]
    await store.settle("lab", [told("a", recipient="")._replace(provider_ref="10")], NOW)
    assert await final(store) == [2, 3]


async def test_the_reference_itself_counts_last_for_a_phone_that_is_written_in_another_way(
    store: Store,
) -> None:
    messages = await claimed(store, PHONE, PHONE)
    await record(store, (messages[0], "10"), (messages[1], "a"))
    await store.settle("lab", [told("a", "16", recipient=OTHER)._replace(provider_ref="10")], NOW)
    assert await final(store) == [1]


@pytest.mark.parametrize("ref", ["10", ""])
async def test_what_comes_early_is_for_no_message_that_has_ended(store: Store, ref: str) -> None:
    """The SMSC counts from 1 again: its answer is not on record yet."""
    old, new = await claimed(store, PHONE, PHONE)
    await record(store, (old, "10"))
    await store.settle("lab", [report(1)._replace(provider_ref="10")], NOW)
    word = told("10", state=State.EXPIRED)._replace(early=True)
    if ref:
        word = word._replace(provider_ref=ref, also=())
    settlement = await store.settle("lab", [word], NOW)
    assert (settlement.settled, settlement.late) == ([], 0)
    assert await record(store, (new, "10")) == [State.EXPIRED]


async def test_a_notation_stands_in_for_a_reference_that_nobody_has(store: Store) -> None:
    await send(store, "16")
    await store.settle("lab", [told("16")._replace(provider_ref="10")], NOW)
    assert await final(store) == [1]


async def test_a_notation_that_is_used_again_means_the_latest_message_to_that_phone(store: Store) -> None:
    messages = await claimed(store, PHONE, PHONE, OTHER)
    await record(store, (messages[2], "10"), (messages[0], "10"), (messages[1], "10"))
    await store.settle("lab", [told("10")], NOW)
    assert await final(store) == [2]


@pytest.mark.parametrize(
    ("stored", "said", "same"),
    [
        (PHONE, "80291234567", True),
        (PHONE, "291234567", True),
        (PHONE, "391234567", False),
        (PHONE, "1234567", True),
        (PHONE, "1234568", False),
        (PHONE, "34567", False),
        ("34567", "34567", True),
        ("34567", "4567", False),
        (PHONE, "", False),
        ("", "", False),
    ],
)
async def test_phones_agree_in_their_last_digits(store: Store, stored: str, said: str, same: bool) -> None:
    await send(store, "10", recipient=stored)
    settlement = await store.settle("lab", [told("10", recipient=said)], NOW)
    assert bool(settlement.settled) is same


@pytest.mark.parametrize("together", [True, False])
async def test_statuses_in_all_notations_do_what_they_do_in_one(store: Store, together: bool) -> None:
    messages = await claimed(store, PHONE)
    await record(store, (messages[0], "1F"))
    words = [
        told("31", "1F", state=State.ENROUTE, final=False),
        StatusReport("1F", int(State.DELIVERED), True, 0, ""),
        told("31", "1F", state=State.DELIVERED),
        told("31", "1F", state=State.EXPIRED),
    ]
    batches = [words] if together else [[word] for word in words]
    settlements = [await store.settle("lab", batch, NOW) for batch in batches]
    assert [item.state for done in settlements for item in done.settled] == [State.DELIVERED]
    assert sum(done.late for done in settlements) == 1


async def test_notations_of_very_many_in_one_call(store: Store) -> None:
    refs = [f"{number:X}" for number in range(5000, 6000)]
    await send(store, *refs)
    settlement = await store.settle("lab", [told(f"{int(ref, 16)}", ref) for ref in refs], NOW)
    assert len(settlement.settled) == 1000


# --- statuses before their reference -----------------------------------------------------------------


@pytest.mark.parametrize("ref", ["31", "1F", "49"])
async def test_an_early_status_waits_under_each_notation(store: Store, ref: str) -> None:
    [message] = await claimed(store, PHONE)
    await store.settle("lab", [told("1F", "49")._replace(provider_ref="31")], NOW)
    assert await record(store, (message, ref)) == [State.DELIVERED]


async def test_an_early_status_in_another_notation_waits_for_its_phone(store: Store) -> None:
    wrong, right = await claimed(store, OTHER, "80291234567")
    await store.settle("lab", [told("1F")], NOW)
    assert await record(store, (wrong, "1F")) == []
    assert await record(store, (right, "1F")) == [State.DELIVERED]


async def test_an_early_status_by_the_reference_itself_takes_any_phone(store: Store) -> None:
    [message] = await claimed(store, OTHER)
    await store.settle("lab", [StatusReport("1F", int(State.EXPIRED), True, 0, "", recipient=PHONE)], NOW)
    assert await record(store, (message, "1F")) == [State.EXPIRED]


async def test_early_statuses_for_two_phones_do_not_replace_each_other(store: Store) -> None:
    """16 in hexadecimal is 10, and 10 is a reference, too."""
    first, second, third = await claimed(store, PHONE, OTHER, OTHER)
    early = [
        told("10", "16", state=State.EXPIRED),
        told("10", "A", recipient=OTHER, state=State.UNDELIVERABLE),
        report(3, State.REJECTED)._replace(provider_ref="16"),
    ]
    await store.settle("lab", early, NOW)
    assert await record(store, (first, "10")) == [State.EXPIRED]
    assert await record(store, (second, "A")) == [State.UNDELIVERABLE]
    assert await record(store, (third, "16")) == [State.REJECTED]


async def test_early_statuses_for_one_phone_do_not_replace_each_other(store: Store) -> None:
    first, second = await claimed(store, PHONE, PHONE)
    await store.settle("lab", [told("1F", "31"), told("20", "32", state=State.EXPIRED)], NOW)
    assert await record(store, (first, "31")) == [State.DELIVERED]
    assert await record(store, (second, "32")) == [State.EXPIRED]


@pytest.mark.parametrize("second", [State.DELIVERED, State.ENROUTE])
async def test_an_early_final_status_is_not_replaced_in_any_notation(store: Store, second: State) -> None:
    [message] = await claimed(store, PHONE)
    early = (told("1F", "31", state=State.ENROUTE, final=False), told("1F", "31", state=State.EXPIRED))
    for word in (*early, told("1F", "31", state=second, final=second != State.ENROUTE)):
        await store.settle("lab", [word], NOW)
    assert await record(store, (message, "31")) == [State.EXPIRED]


async def test_an_early_status_is_adopted_once_and_then_gone_in_all_notations(store: Store) -> None:
    first, second, third = await claimed(store, PHONE, PHONE, PHONE)
    await store.settle("lab", [told("1F", "49")._replace(provider_ref="31")], NOW)
    assert await record(store, (first, "1F")) == [State.DELIVERED]
    assert await record(store, (second, "49"), (third, "31")) == []
    assert (await store.gauges(NOW + DAY)).unknown == {}
    assert await store.purge(0, NOW + DAY, NOW + DAY, 10) == 0


async def test_what_the_reference_itself_says_comes_before_other_notations(store: Store) -> None:
    [message] = await claimed(store, PHONE)
    await store.settle("lab", [told("1F", state=State.EXPIRED)], NOW)
    await store.settle("lab", [StatusReport("1F", int(State.DELIVERED), True, 0, "")], NOW)
    settlement = await record_sent(store, [sent(message)._replace(provider_ref="1F")], NOW)
    assert ([item.state for item in settlement.settled], settlement.late) == ([State.DELIVERED], 1)


async def test_early_statuses_last_over_a_restart(make_store: Callable[[], Store]) -> None:
    store = make_store()
    await store.open()
    await store.add_segments([segment(1)])
    [message] = await claim(store)
    await store.settle("lab", [told("1F", "31")], NOW)
    await store.close()
    store = make_store()
    await store.open()
    assert await record(store, (message, "31")) == [State.DELIVERED]
    await store.close()


# --- statuses that nobody adopts ---------------------------------------------------------------------


async def test_unknown_references_count_once_each_after_a_minute(store: Store) -> None:
    early = [told("1F", "31", "49")._replace(provider_ref="1E"), told("20", "32"), told("33", recipient="")]
    await store.settle("lab", [*early, *early], NOW)
    await store.settle("lab", [report(1)], NOW + 1)
    await store.settle("spare", [report(1)], NOW)
    assert (await store.gauges(NOW + 60_000)).unknown == {}
    assert (await store.gauges(NOW + 60_001)).unknown == {"lab": 3, "spare": 1}
    assert (await store.gauges(NOW + HOUR)).unknown == {"lab": 4, "spare": 1}


async def test_purge_forgets_every_notation(store: Store) -> None:
    [message] = await claimed(store, PHONE)
    await store.settle("lab", [told("1F", "31")._replace(provider_ref="1E")], NOW)
    assert await store.purge(0, NOW, NOW + DAY, 10) == 0
    assert await store.purge(0, NOW + 1, NOW + DAY, 2) == 2
    assert await store.purge(0, NOW + 1, NOW + DAY, 2) == 1
    assert await record(store, (message, "1F")) == []


async def test_a_status_without_reference_and_phone_is_nobodys(store: Store) -> None:
    [message] = await claimed(store, PHONE)
    await store.settle("lab", [told(), told("1F", recipient="")], NOW)
    assert (await store.gauges(NOW + DAY)).unknown == {"lab": 1}  # the second shows that something is wrong
    assert await record(store, (message, "1F")) == []
