"""Which messages are being handed over at this moment."""

import pytest

from smppbridge.flow.send.in_hand import InHand
from tests.support.builders.rows import claim, segment
from tests.support.builders.stores import fast_store

pytestmark = pytest.mark.virtual_time


async def test_messages_are_in_hand_until_they_are_let_go_or_something_has_gone_wrong() -> None:
    in_hand = InHand()
    async with fast_store() as store:
        await store.add_segments([segment(number) for number in (1, 2, 3)])
        messages = await claim(store)
    in_hand.take(messages[:2], until=10.0)
    assert [in_hand.holds(number, now=9.9) for number in (1, 2, 3)] == [True, True, False]
    in_hand.let_go(messages[:1])
    in_hand.let_go(messages)
    assert not in_hand.holds(2, now=5.0)
    in_hand.take(messages, until=10.0)
    assert not in_hand.holds(3, now=10.0)
