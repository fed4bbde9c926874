"""What statuses do, and who hears of it."""

import logging
from collections.abc import AsyncIterator

import pytest

from smppbridge.errors import StoreError
from smppbridge.flow.remarks import Remarks
from smppbridge.flow.settle.outcomes import Outcomes
from smppbridge.flow.waiting import Waiting
from smppbridge.metrics import Metrics
from smppbridge.model.message import Stage, State
from tests.support.builders.failing import FailingStore
from tests.support.builders.metrics import value
from tests.support.builders.rows import ASKS_FOR_AN_ALERT, HOUR, NOW, report, segment, send, stages
from tests.support.builders.stores import fast_store

pytestmark = pytest.mark.virtual_time


class Rig:
    """Outcomes over a store, with a clock that stands still."""

    def __init__(self, failing: FailingStore) -> None:
        self.failing = failing
        self.store = failing.store
        self.metrics = Metrics()
        self.owed: list[str] = []
        self.alerted: list[str] = []
        self.waiting = Waiting(1000, {})
        self.outcomes = Outcomes(
            self.store,
            self.metrics,
            lambda: NOW + 2000,
            Remarks(self.metrics, {"lab": {"9"}}),
            self.waiting,
            self.owed.append,
            self.alerted.append,
        )

    def ended(self, state: State, provider: str = "lab") -> float:
        return value(self.metrics, "outcomes_total", provider=provider, state=state.name)

    def late(self) -> float:
        return value(self.metrics, "late_statuses_total", provider="lab")


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with fast_store() as store:
        yield Rig(FailingStore(store))


async def test_statuses_are_stored_counted_and_told(rig: Rig) -> None:
    await send(rig.store, *(segment(number) for number in (1, 2, 3)), segment(4, account="door"))
    reports = [report(number) for number in (1, 2, 4)] + [report(3, State.UNDELIVERABLE)]
    await rig.outcomes.settle("lab", reports)
    assert set((await stages(rig.store)).values()) == {Stage.FINAL}
    assert (rig.ended(State.DELIVERED), rig.ended(State.UNDELIVERABLE)) == (3, 1)
    assert value(rig.metrics, "delivery_seconds_count", provider="lab") == 4
    assert value(rig.metrics, "delivery_seconds_sum", provider="lab") == 4 * 2.0
    assert sorted(rig.owed) == ["door", "pbx"]  # each once, however many there are
    assert (rig.alerted, rig.late()) == ([], 0)
    assert len(await rig.store.claim_receipts("pbx", 0, NOW + 2000, NOW + HOUR, 10)) == 3


async def test_nobody_is_told_of_what_is_owed_to_nobody(rig: Rig) -> None:
    await send(rig.store, segment(1, registered_delivery=0), segment(2, account="door"))
    await rig.outcomes.settle("lab", [report(1), report(2)])
    assert rig.owed == ["door"]
    assert rig.ended(State.DELIVERED) == 2


async def test_a_notification_is_owed_although_nothing_is_final(rig: Rig) -> None:
    await send(rig.store, segment(1, registered_delivery=0x11))
    await rig.outcomes.settle("lab", [report(1, State.ENROUTE, final=False)])
    assert rig.owed == ["pbx"]
    assert value(rig.metrics, "delivery_seconds_count", provider="lab") == 0


async def test_an_alert_is_told_as_such(rig: Rig) -> None:
    await send(
        rig.store,
        segment(1, tlvs=ASKS_FOR_AN_ALERT, registered_delivery=0),
        segment(2, registered_delivery=0),
    )
    await rig.outcomes.settle("lab", [report(1, State.UNDELIVERABLE)])
    assert rig.alerted == []
    await rig.outcomes.settle("lab", [report(2)])
    assert (rig.alerted, rig.owed) == (["pbx"], [])


async def test_alerts_without_anybody_to_hear_of_them(rig: Rig) -> None:
    outcomes = Outcomes(
        rig.store, rig.metrics, lambda: NOW, Remarks(rig.metrics, {}), rig.waiting, rig.owed.append
    )
    await send(
        rig.store,
        segment(1, tlvs=ASKS_FOR_AN_ALERT, registered_delivery=0),
        segment(2, registered_delivery=0),
    )
    await outcomes.settle("lab", [report(1, State.UNDELIVERABLE), report(2)])
    assert rig.owed == []


async def test_a_status_for_a_final_message_is_counted_and_ignored(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await send(rig.store, segment(1), segment(2))
    await rig.outcomes.settle("lab", [report(1), report(2)])
    rig.owed.clear()
    assert caplog.records == []
    await rig.outcomes.settle("lab", [report(1, State.REJECTED), report(2, State.EXPIRED)])
    assert (rig.late(), rig.owed, rig.ended(State.DELIVERED)) == (2, [], 2)
    (told,) = caplog.records
    assert (told.levelno, told.getMessage()) == (logging.INFO, "status for a final message ignored")
    assert getattr(told, "fields", None) == {"provider": "lab", "count": 2}


async def test_what_is_not_saved_is_not_told(rig: Rig) -> None:
    await send(rig.store, segment(1))
    rig.failing.failing.add("settle")
    with pytest.raises(StoreError):
        await rig.outcomes.settle("lab", [report(1)])
    assert (rig.owed, rig.ended(State.DELIVERED)) == ([], 0)
    assert await stages(rig.store) == {1: Stage.SENT}
    rig.failing.failing.clear()
    await rig.outcomes.settle("lab", [report(1)])
    assert (rig.owed, rig.ended(State.DELIVERED)) == (["pbx"], 1)
