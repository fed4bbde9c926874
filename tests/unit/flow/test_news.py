"""What a provider tells goes where it belongs, and is told again when it cannot be saved."""

from collections.abc import AsyncIterator

import pytest

from smppbridge.errors import StoreError
from smppbridge.flow.accounts import Accounts
from smppbridge.flow.deliver.inbound import InboundRouter
from smppbridge.flow.news import ProviderNews
from smppbridge.flow.remarks import Remarks
from smppbridge.flow.settle.outcomes import Outcomes
from smppbridge.flow.waiting import Waiting
from smppbridge.metrics import Metrics
from smppbridge.model.inbound import InboundRule
from smppbridge.model.message import Stage, State
from smppbridge.providers.base import News
from tests.support.builders.accounts import account
from tests.support.builders.failing import FailingStore
from tests.support.builders.metrics import value
from tests.support.builders.rows import NOW, report, segment, send, stages
from tests.support.builders.stores import fast_store
from tests.support.esme.phones import from_phone

pytestmark = pytest.mark.virtual_time

ALL: list[News] = [from_phone("yes", "1"), report(1), from_phone("no", "2"), report(2, State.UNDELIVERABLE)]


class Rig:
    """Two messages are under way at provider "lab"."""

    def __init__(self, failing: FailingStore) -> None:
        self.failing = failing
        self.store = failing.store
        self.metrics = Metrics()
        self.owed: list[str] = []  # words, in order
        accounts = Accounts({"pbx": account()})
        rules = [InboundRule.model_validate({"to": "pbx"})]
        self.outcomes = Outcomes(
            self.store,
            self.metrics,
            lambda: NOW,
            Remarks(self.metrics, {}),
            Waiting(1000, {}),
            lambda account: self.owed.append("receipts"),
        )
        self.inbound = InboundRouter(
            self.store,
            self.metrics,
            lambda: NOW,
            rules,
            accounts,
            lambda account: self.owed.append("inbound"),
        )
        self.news = ProviderNews(self.store, self.outcomes, self.inbound)

    async def texts(self) -> list[bytes]:
        return [part.octets for part in await self.store.claim_inbound("pbx", NOW, NOW, 10)]

    def ended(self) -> float:
        return sum(
            value(self.metrics, "outcomes_total", provider="lab", state=state.name)
            for state in (State.DELIVERED, State.UNDELIVERABLE)
        )


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with fast_store() as store:
        await send(store, segment(1), segment(2))
        yield Rig(FailingStore(store))


async def test_statuses_and_messages_from_phones(rig: Rig) -> None:
    await rig.news.take("lab", ALL)
    assert await stages(rig.store) == {1: Stage.FINAL, 2: Stage.FINAL}
    assert await rig.texts() == [b"yes", b"no"]
    assert (rig.owed, rig.ended()) == (["receipts", "inbound", "inbound"], 2)


async def test_statuses_alone(rig: Rig) -> None:
    await rig.news.take("lab", [report(1)])
    assert (rig.failing.called, rig.owed) == (["settle"], ["receipts"])


async def test_messages_from_phones_alone(rig: Rig) -> None:
    await rig.news.take("lab", [from_phone()])
    assert (rig.failing.called, rig.owed) == (["add_inbound"], ["inbound"])


async def test_nothing(rig: Rig) -> None:
    await rig.news.take("lab", [])
    assert rig.failing.called == []


async def test_it_is_this_providers(rig: Rig) -> None:
    await rig.news.take("spare", ALL)
    assert await stages(rig.store) == {1: Stage.SENT, 2: Stage.SENT}
    assert value(rig.metrics, "inbound_messages_total", provider="spare", account="pbx") == 2


@pytest.mark.parametrize("nth", [1, 2])
async def test_what_cannot_be_saved_is_told_again_and_nothing_counts_twice(rig: Rig, nth: int) -> None:
    rig.failing.fail_at(nth)
    with pytest.raises(StoreError):
        await rig.news.take("lab", ALL)
    assert rig.failing.failed == [["settle", "add_inbound"][nth - 1]]
    assert rig.owed == ["receipts"][: nth - 1]
    await rig.news.take("lab", ALL)
    assert (sorted(rig.owed), rig.ended()) == (["inbound", "inbound", "receipts"], 2)
    assert await rig.texts() == [b"yes", b"no"]


async def test_an_account_has_one_callback_address_for_all_its_entries(rig: Rig) -> None:
    """Each status goes to the entry that sent its message, whichever entry was called."""
    both = ProviderNews(rig.store, rig.outcomes, rig.inbound, [("lab", "twin")])
    await both.take("twin", [report(1), report(7)])
    assert await stages(rig.store) == {1: Stage.FINAL, 2: Stage.SENT}
    await send(rig.store, segment(7, provider="twin"))
    assert (await stages(rig.store))[7] == Stage.FINAL
    await both.take("spare", [report(2)])
    assert (await stages(rig.store))[2] == Stage.SENT
