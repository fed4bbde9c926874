"""What every store promises about status questions (store.base.Store)."""

import pytest

from smppbridge.store.base import Store
from tests.support.builders.rows import DAY, NOW, claim, record_sent, segment, sent


async def test_polls_are_claimed_longest_overdue_first(store: Store) -> None:
    await store.add_segments([segment(number) for number in (1, 2, 3, 4, 5)])
    await record_sent(
        store,
        [
            sent(message, poll_at=NOW + poll_at, deadline=NOW + deadline)
            for message, (poll_at, deadline) in zip(
                await claim(store), [(30, DAY), (10, DAY), (20, DAY), (99, DAY), (5, 30)], strict=True
            )
        ],
        NOW + 1,
    )
    polls = await store.claim_polls("lab", NOW + 30, 2, 30, 30)
    assert [poll.id for poll in polls] == [2, 3]
    assert polls[0] == (2, "ref-2", "packet-2", "375291234567", NOW + 1)
    assert [poll.id for poll in await store.claim_polls("lab", NOW + 30, 9, 30, 30)] == [1]
    assert [poll.id for poll in await store.claim_polls("lab", NOW + 60, 9, 30, 30)] == [1, 2, 3]
    assert await store.claim_polls("spare", NOW + DAY, 9, 30, 30) == []


@pytest.mark.parametrize(
    ("slowest", "asked_at"),
    [(DAY, [10, 20, 40, 80, 160]), (30, [10, 20, 40, 70, 100]), (0, [10, 20, 30, 40, 50])],
    ids=["twice as old each time", "at most", "at least"],
)
async def test_the_older_a_message_the_rarer_its_questions(
    store: Store, slowest: int, asked_at: list[int]
) -> None:
    await store.add_segments([segment(1, registered_delivery=0)])
    await record_sent(store, [sent(message, poll_at=NOW + 10) for message in await claim(store)], NOW)
    found = [now for now in range(5, asked_at[-1] + 1, 5) if await asked(store, NOW + now, slowest)]
    assert found == asked_at


async def asked(store: Store, now: int, slowest: int) -> bool:
    return bool(await store.claim_polls("lab", now, 9, 10, slowest))


@pytest.mark.parametrize(
    ("first", "asked_at"),
    [
        (10, [10, 30, 60, 160, 260]),
        (15, [15, 30, 60, 160, 260]),
        (25, [25, 60, 160, 260]),  # two questions are not closer than the first early one is to the start
        (35, [35, 60, 160, 260]),
        (60, [60, 160, 260]),  # not one of the few that are asked about early
    ],
)
async def test_early_questions(store: Store, first: int, asked_at: list[int]) -> None:
    """At 10, 30 and 60; then every 100."""
    await store.add_segments([segment(1)])
    await record_sent(store, [sent(message, poll_at=NOW + first) for message in await claim(store)], NOW)
    found = [
        now
        for now in range(5, 300, 5)
        if await store.claim_polls("lab", NOW + now, 9, 100, 100, (10, 30, 60))
    ]
    assert found == asked_at
