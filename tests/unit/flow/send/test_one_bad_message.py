"""Whatever a provider says about the messages to one phone, those to all others are handed over."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smppbridge.errors import (
    Disabled,
    Postponed,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
    Uncertain,
)
from smppbridge.model.message import Message, Stage
from smppbridge.providers.base import SendResult, Taken
from smppbridge.smpp.constants import Status
from tests.support.builders.rows import segment
from tests.support.system.virtual_time import VirtualTimeLoop
from tests.unit.flow.send.rig import Lab, Rig, sending

BAD = "375290000000"
GOOD = 30  # messages to other phones

PAUSES = st.sampled_from([1.0, 61.0, 300.0, 1800.0])
ERRORS: st.SearchStrategy[ProviderError] = st.one_of(
    st.builds(lambda pause: Disabled("account", pause=pause, code="-13"), PAUSES),
    st.builds(lambda pause: Disabled("money", pause=pause, code="3", status=Status.ESME_RNOMONEY), PAUSES),
    st.builds(lambda after: Throttled("slow", after=after, code="118"), st.sampled_from([1.0, 5.0, 300.0])),
    st.builds(lambda after: Postponed("later", after=after, code="-14"), PAUSES),
    st.builds(lambda: Unavailable("other error", code="-12")),
    st.builds(lambda: Rejected("no such number", code="-4")),
    st.builds(lambda: Uncertain("no answer")),
)


class Picky(Lab):
    """Meets the messages to one phone with an error, and takes all others."""

    def __init__(self, error: ProviderError, about_message: bool, batch: int, money: float | None) -> None:
        super().__init__(batch=batch, parallel=2)
        self.error = error
        self.error.about_message = about_message
        self.money = money

    async def send(self, messages: Sequence[Message], now: int) -> list[SendResult]:
        await super().send(messages, now)
        return [self.error if one.recipient == BAD else Taken(f"ref-{one.id}") for one in messages]


async def promote(rig: Rig) -> None:
    """What the housekeeper does, only not as often."""
    while True:
        await asyncio.sleep(15.0)
        for account in await rig.disk.promote("lab", rig.clock(), 100):
            rig.fleet.wake("lab", account)


async def hand_over(provider: Picky, bad_at: Sequence[int]) -> list[int]:
    """The good messages that are still here after three hours. At the places ``bad_at`` there are others."""
    async with sending(provider, proven=False) as rig:
        promoting = asyncio.create_task(promote(rig))
        for place in range(GOOD):
            to = BAD if place in bad_at else f"3752911111{place:02d}"
            await rig.queue(segment(place + 1, recipient=to, route="lab"))
            if place % 5 == 4:
                await asyncio.sleep(20.0)
        left = [place + 1 for place in range(GOOD) if place not in bad_at]
        for _ in range(3 * 60):
            await asyncio.sleep(60.0)
            sent = {row.id for row in await rig.disk.list_stage(Stage.SENT, GOOD)}
            left = [number for number in left if number not in sent]
            if not left:
                break
        promoting.cancel()
        return left


@settings(max_examples=30, deadline=None)
@given(
    ERRORS,
    st.booleans(),
    st.sampled_from([1, 10]),
    st.sampled_from([None, -1.0, 100.0]),
    st.lists(st.integers(0, GOOD - 1), min_size=1, max_size=4, unique=True),
)
def test_messages_to_all_others_are_handed_over(
    error: ProviderError, about_message: bool, batch: int, money: float | None, bad_at: list[int]
) -> None:
    if isinstance(error, Disabled) and error.status == Status.ESME_RNOMONEY and money == -1.0:
        money = 0.5  # an account without money takes nobody's message
    provider = Picky(error, about_message, batch, money)
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert runner.run(hand_over(provider, bad_at)) == []


@pytest.mark.virtual_time
@pytest.mark.parametrize("batch", [1, 10])
async def test_the_account_is_not_down_for_long(batch: int) -> None:
    provider = Picky(Disabled("blocked", pause=300.0, code="-13"), False, batch, None)
    async with sending(provider) as rig:
        promoting = asyncio.create_task(promote(rig))
        await rig.queue(*(segment(number, recipient=BAD, route="lab") for number in (1, 2)))
        await asyncio.sleep(1.0)
        for number in range(3, 120):
            await rig.queue(segment(number, recipient=f"37529{number:07d}", route="lab"))
        await asyncio.sleep(300.0)
        assert {number for ids in provider.batches for number in ids} == set(range(1, 120))
        down = 0
        for _ in range(100):
            await asyncio.sleep(17.0)
            down += not rig.fleet["lab"].health.works
        assert down == 0
        promoting.cancel()
