"""What every store promises about what providers tell besides statuses (store.base.Store)."""

import pytest

from smppbridge.model.message import Outcome, Particulars, Stage, State
from smppbridge.store.base import Store
from smppbridge.store.results import Attempt, Story
from tests.support.builders.rows import NOW, claim, record_unsent, report, segment, send, sent, unsent

PAID = Particulars(2_960_000, "RUB", 2, "operator=MTS")
NETWORK = Particulars(operator="operator=A1 country=Belarus")


async def test_what_an_answer_to_a_hand_over_tells(store: Store) -> None:
    await store.add_segments([segment(1), segment(2)])
    first, second = await claim(store)
    recorded = await store.record([sent(first)._replace(told=PAID), sent(second)], [], [], NOW)
    assert await store.story(1) == Story("lab", 0, "", PAID, [])
    assert await store.story(2) == Story("lab", 0, "", Particulars(), [])
    assert recorded.settlement.spent == {}  # its caller knows


async def test_what_a_status_tells_completes_what_is_known(store: Store) -> None:
    await send(store, segment(1))
    on_its_way = report(1, State.ENROUTE, final=False)
    settlement = await store.settle("lab", [on_its_way._replace(told=PAID)], NOW)
    assert settlement.spent == {"RUB": 2_960_000}
    settlement = await store.settle("lab", [report(1)._replace(told=NETWORK)], NOW)
    assert settlement.spent == {}
    assert await store.story(1) == Story(
        "lab", State.DELIVERED, "word", PAID._replace(operator=NETWORK.operator), []
    )


async def test_a_price_is_spent_once(store: Store) -> None:
    await send(store, segment(1), segment(2))
    told = [report(number)._replace(told=PAID) for number in (1, 1, 2)]
    assert (await store.settle("lab", told, NOW)).spent == {"RUB": 5_920_000}
    assert (await store.settle("lab", told, NOW)).spent == {}


async def test_a_sender_that_the_phone_shows_instead(store: Store) -> None:
    await send(store, segment(1, sender="ALARM"))
    told = report(1)._replace(told=Particulars(sender="SMSC.RU"))
    assert (await store.settle("lab", [told], NOW)).replaced == (("ALARM", "SMSC.RU"),)
    assert (await store.settle("lab", [told], NOW)).replaced == ()


async def test_what_is_told_of_a_message_that_ended(store: Store) -> None:
    await send(store, segment(1))
    await store.settle("lab", [report(1)], NOW)
    late = await store.settle("lab", [report(1)._replace(told=PAID)], NOW)
    assert (late.late, late.spent) == (0, {"RUB": 2_960_000})
    assert await store.story(1) == Story("lab", State.DELIVERED, "word", PAID, [])


async def test_what_is_told_before_the_reference_is_known(store: Store) -> None:
    early = report(1, State.REJECTED)._replace(told=PAID, reason="stop list", code="20")
    await store.settle("lab", [early], NOW)
    await store.add_segments([segment(1)])
    [message] = await claim(store)
    recorded = await store.record([sent(message)], [], [], NOW)
    assert recorded.settlement.spent == {"RUB": 2_960_000}
    assert await store.story(1) == Story(
        "lab", State.REJECTED, "20", PAID, [Attempt(1, "lab", "rejected", "20", "stop list", NOW)]
    )


async def test_why_a_provider_refused_a_message(store: Store) -> None:
    await store.add_segments([segment(1)])
    [message] = await claim(store)
    later = unsent(message, Stage.QUEUED, NOW)
    await record_unsent(store, [later])
    [message] = await claim(store)
    refusal = Outcome(1, int(State.REJECTED), 5, "-5", NOW + 1, attempt=2, reason="no such sender")
    await store.record([], [], [refusal], NOW)
    story = await store.story(1)
    assert story is not None
    assert story.attempts == [
        Attempt(1, "lab", later.result, later.code, later.reason, later.at),
        Attempt(2, "lab", "rejected", "-5", "no such sender", NOW + 1),
    ]


@pytest.mark.parametrize("reason", ["", "the phone is off"])
async def test_why_a_message_did_not_arrive(store: Store, reason: str) -> None:
    await send(store, segment(1))
    failed = report(1, State.UNDELIVERABLE)._replace(reason=reason, code="21")
    assert (await store.settle("lab", [failed], NOW)).refused == (("21", reason),)
    assert (await store.settle("lab", [failed], NOW)).refused == ()
    story = await store.story(1)
    assert story is not None
    why = [Attempt(1, "lab", "undeliverable", "21", reason, NOW)]
    assert story.attempts == (why if reason else [])


async def test_nothing_is_known_of_a_stranger(store: Store) -> None:
    assert await store.story(7) is None


async def test_the_operator_goes_into_the_receipt(store: Store) -> None:
    await send(store, segment(1))
    await store.settle("lab", [report(1)._replace(told=NETWORK)], NOW)
    [receipt] = await store.claim_receipts("pbx", 0, NOW, NOW + 1, 10)
    assert (receipt.operator, receipt.details) == (NETWORK.operator, "")
