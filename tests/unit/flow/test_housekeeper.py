"""What time brings about: what is due, what is overdue, what is old."""

import asyncio
import logging
from typing import Any

import pytest

from smppbridge.errors import Disabled, Throttled
from smppbridge.flow.readiness import Readiness
from smppbridge.model.message import (
    Outcome,
    Stage,
    State,
    StatusReport,
)
from tests.support.builders.accounts import account
from tests.support.builders.rows import (
    NOW,
    arrival,
    claim,
    finish,
    inbound_part,
    record_sent,
    report,
    segment,
    send,
    sent,
    stages,
    unsent,
)
from tests.support.system.virtual_time import moment
from tests.unit.flow.house import KEEP, KEEP_DAYS, House, house, waiting

pytestmark = pytest.mark.virtual_time

DAY = 86400.0  # seconds
RARELY: dict[str, Any] = {"tick": DAY, "housekeeping": 3600.0, "counting": DAY / 4}  # for tests of many days


# --- due -------------------------------------------------------------------------------------------


async def test_what_is_due_is_sent_within_a_second() -> None:
    async with house() as now:
        await now.store.add_segments([waiting(now, 1, 2.5), waiting(now, 2, 3.0), waiting(now, 3, 3.1)])
        await now.store.add_segments([waiting(now, 4, 2.5, provider="spare", account="door")])
        now.start()
        await asyncio.sleep(10.0)
        assert now.sent(now.lab) == [(1, 3.0), (2, 3.0), (3, 4.0)]
        assert now.sent(now.spare) == [(4, 3.0)]


async def test_how_often_to_look_may_be_set() -> None:
    async with house(tick=4.0) as now:
        await now.store.add_segments([waiting(now, 1, 2.5)])
        now.start()
        await asyncio.sleep(10.0)
        assert now.sent(now.lab) == [(1, 4.0)]


async def test_what_came_too_fast_is_sent_again_to_the_same_provider_which_is_not_down() -> None:
    async with house() as now:
        now.lab.answers.append(Throttled("slow down", after=5.0))
        await now.store.add_segments([waiting(now, 1, 2.5)])
        now.start()
        await asyncio.sleep(4.0)
        assert now.gauge("attempts_total", provider="lab", result="throttled") == 1
        assert now.gauge("provider_up", provider="lab") == 1
        assert await Readiness(now.store, now.fleet).reasons() == []
        await asyncio.sleep(20.0)
        assert (now.sent(now.lab), now.sent(now.spare)) == ([(1, 3.0), (1, 8.0)], [])


async def test_what_is_due_for_a_provider_no_longer_configured_goes_to_another() -> None:
    async with house() as now:
        await now.store.add_segments([waiting(now, 1, 2.5, provider="gone", route="gone,spare")])
        now.start()
        await asyncio.sleep(10.0)
        assert (now.sent(now.lab), now.sent(now.spare)) == ([], [(1, 3.0)])


async def test_more_than_one_step_takes_is_due() -> None:
    async with house(chunk=2) as now:
        await now.store.add_segments([waiting(now, number, 0.5) for number in range(1, 6)])
        now.start()
        await asyncio.sleep(5.0)
        assert [number for number, _ in now.sent(now.lab)] == [1, 2, 3, 4, 5]
        assert {at for _, at in now.sent(now.lab)} == {1.0}


async def test_nothing_is_asked_again_at_once_when_nothing_is_due() -> None:
    async with house() as now:
        now.start()
        await moment()
        now.rerouting.fail_at(0)
        await asyncio.sleep(10.5)
        assert now.rerouting.called == []
        assert now.failing.called.count("promote") == 11 * 3
        assert now.failing.called.count("overdue") == 11 * 3
        assert now.failing.called.count("record") == 0


# --- overdue ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", [Stage.QUEUED, Stage.WAITING])
async def test_what_was_not_sent_in_time_is_expired(stage: Stage) -> None:
    async with house() as now:
        now.fleet["lab"].health.record_failure(Disabled("wrong key", pause=3600.0))
        deadline = now.at(5.5)
        late = segment(1, stage=int(stage), route="lab", due_at=deadline, deadline=deadline)
        await now.store.add_segments([late])
        now.start()
        await asyncio.sleep(5.4)
        assert await stages(now.store) == {1: stage}
        await asyncio.sleep(1.0)
        assert await stages(now.store) == {1: Stage.FINAL}
        assert (now.ended(State.EXPIRED), now.owed) == (1, [("pbx", 6.0)])


async def being_sent(now: House, *numbers: int, **changes: Any) -> None:
    """A run before this one has claimed these messages, and never said how it went."""
    await now.store.add_segments([segment(number, **changes) for number in numbers])
    name = changes.get("account", "pbx")
    await now.store.claim_messages("lab", name, len(numbers), now.clock(), now.at(5.0))


async def test_a_hand_over_without_a_result_is_held(caplog: pytest.LogCaptureFixture) -> None:
    async with house() as now:
        await being_sent(now, 1, 2)
        now.start()
        await asyncio.sleep(4.9)
        assert set((await stages(now.store)).values()) == {Stage.SENDING}
        await asyncio.sleep(0.2)
        assert set((await stages(now.store)).values()) == {Stage.UNCERTAIN}
        assert now.owed == []
    (told,) = caplog.records
    assert (told.levelno, told.getMessage()) == (logging.WARNING, "hand-overs ended without a result")
    assert getattr(told, "fields", None) == {"provider": "lab", "count": 2, "held": 2}


async def test_a_hand_over_without_a_result_fails_where_the_account_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with house() as now:
        now.accounts.reload({"pbx": account("pbx", uncertain="fail")})
        await being_sent(now, 1)
        now.start()
        await asyncio.sleep(5.1)
        assert await stages(now.store) == {1: Stage.FINAL}
        assert (now.ended(State.UNDELIVERABLE), now.owed) == (1, [("pbx", 5.0)])
    assert caplog.records == []


async def test_a_hand_over_without_a_result_goes_out_again_where_the_account_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with house() as now:
        now.accounts.reload({"pbx": account("pbx", uncertain="resend"), "door": account("door")})
        await being_sent(now, 1)
        await being_sent(now, 2, account="door")
        now.start()
        await asyncio.sleep(20.0)
        assert now.sent(now.lab) == [(1, 10.0)]
        assert (await stages(now.store))[2] == Stage.UNCERTAIN
    told = caplog.records[0]
    assert getattr(told, "fields", None) == {"provider": "lab", "count": 2, "held": 1}


async def test_a_message_of_a_provider_no_longer_configured_is_held_as_well() -> None:
    async with house() as now:
        await now.store.add_segments([segment(1, provider="gone")])
        await now.store.claim_messages("gone", "pbx", 1, now.clock(), now.at(5.0))
        now.start()
        await asyncio.sleep(5.1)
        assert await stages(now.store) == {1: Stage.UNCERTAIN}


async def test_a_doubt_that_is_never_cleared_up_ends_unknown() -> None:
    async with house() as now:
        await now.store.add_segments([segment(1, deadline=now.at(5.5))])
        (message,) = await claim(now.store)
        await now.store.record([], [unsent(message, Stage.UNCERTAIN, now.at(5.5))], [], now.clock())
        now.start()
        await asyncio.sleep(5.4)
        assert now.owed == []
        await asyncio.sleep(1.0)
        assert (now.ended(State.UNKNOWN), now.owed) == (1, [("pbx", 6.0)])


@pytest.mark.parametrize("answered", [True, False])
async def test_a_message_whose_status_never_comes(answered: bool) -> None:
    """EXPIRED, if the provider has said at least once that it is under way; else nobody knows."""
    async with house() as now:
        await now.store.add_segments([segment(1)])
        (message,) = await claim(now.store)
        await record_sent(now.store, [sent(message, deadline=now.at(5.5))], now.clock())
        if answered:
            await now.store.settle("lab", [report(1, State.ENROUTE, final=False)], now.clock())
        now.start()
        await asyncio.sleep(6.1)
        assert (now.ended(State.EXPIRED), now.ended(State.UNKNOWN)) == ((1, 0) if answered else (0, 1))
        assert now.owed == [("pbx", 6.0)]


async def test_more_is_overdue_than_one_step_takes() -> None:
    async with house(chunk=2) as now:
        await being_sent(now, 1, 2, 3, 4, 5)
        now.start()
        await asyncio.sleep(5.001)
        assert set((await stages(now.store)).values()) == {Stage.UNCERTAIN}
        assert now.failing.called.count("record") == 3


# --- old -------------------------------------------------------------------------------------------


async def finals(now: House, *numbers: int) -> None:
    """Messages that ended, and owe nothing."""
    await now.store.add_segments([segment(number, registered_delivery=0) for number in numbers])
    await finish(now.store, [Outcome(number, int(State.DELETED), 0, "", now.clock()) for number in numbers])


async def test_final_messages_are_kept_for_some_days() -> None:
    async with house(**RARELY) as now:
        await finals(now, 1)
        now.start()
        await asyncio.sleep(KEEP_DAYS * DAY - 0.1)
        assert await stages(now.store) == {1: Stage.FINAL}
        await asyncio.sleep(3600.2)
        assert await stages(now.store) == {}


async def test_what_is_old_and_how_much_of_it_is_deleted_in_one_step() -> None:
    async with house() as now:
        now.failing.fail_at(0)
        now.housekeeper.start()
        await moment()
        calls = list(zip(now.failing.called, now.failing.arguments, strict=True))
        day = 86_400_000
        assert ("purge", (NOW - 10 * day, NOW - day, NOW, 500)) in calls
        assert ("expire_receipts", ("pbx", NOW - 7_200_000, 500)) in calls
        assert ("expire_receipts", ("door", NOW - 3 * day, 500)) in calls
        assert ("promote", ("lab", NOW, 500)) in calls
        assert ("overdue", ("lab", NOW, 500)) in calls


async def test_statuses_for_unknown_references_are_kept_for_a_day() -> None:
    async with house(**RARELY) as now:
        await now.store.settle("lab", [report(1)], now.clock())
        now.start()
        await asyncio.sleep(DAY - 0.1)
        assert (await now.store.gauges(now.clock())).unknown == {"lab": 1}
        await asyncio.sleep(3600.2)
        assert (await now.store.gauges(now.clock())).unknown == {}


async def test_much_is_deleted_in_small_steps() -> None:
    """With a little pause between them, which is others' turn."""
    async with house(chunk=2, housekeeping=600.0) as now:
        await finals(now, 1, 2, 3, 4, 5)
        await asyncio.sleep(KEEP_DAYS * DAY + 1.0)
        now.start()
        await moment()
        assert len(await stages(now.store)) == 3
        await asyncio.sleep(0.05)
        assert len(await stages(now.store)) == 1
        await asyncio.sleep(0.05)
        assert await stages(now.store) == {}
        now.failing.fail_at(0)
        await asyncio.sleep(590.0)
        assert now.failing.called.count("purge") == 0


async def test_how_often_to_delete_may_be_set() -> None:
    async with house(housekeeping=7.0) as now:
        now.start()
        await asyncio.sleep(20.0)
        assert now.failing.called.count("purge") == 3


async def owe(now: House, number: int, name: str) -> None:
    await send(now.store, segment(number, account=name, origin=0))
    await now.store.settle(
        "lab", [StatusReport(f"ref-{number}", int(State.DELIVERED), True, 0, "")], now.clock()
    )


async def receipts(now: House) -> set[str]:
    """Who is owed some."""
    return set((await now.store.gauges(now.clock())).owed)


async def test_receipts_are_kept_as_long_as_their_account_says(caplog: pytest.LogCaptureFixture) -> None:
    async with house(tick=DAY, counting=60.0) as now:
        await owe(now, 1, "pbx")
        await owe(now, 2, "door")
        now.start()
        await asyncio.sleep(KEEP - 0.1)
        assert await receipts(now) == {"pbx", "door"}
        assert caplog.records == []
        await asyncio.sleep(60.2)
        assert await receipts(now) == {"door"}
    (told,) = caplog.records
    assert (told.levelno, getattr(told, "fields", None)) == (logging.WARNING, {"account": "pbx", "count": 1})
    assert told.getMessage() == "receipts dropped: nobody bound to take them in time"


async def test_messages_from_phones_are_kept_as_long() -> None:
    async with house(tick=DAY, counting=60.0) as now:
        part = inbound_part(at=now.clock())
        await now.store.add_inbound([arrival("1", part, part, at=now.clock())], now.clock())
        now.start()
        await asyncio.sleep(KEEP - 0.1)
        assert now.gauge("owed_inbound", account="pbx") == 2
        await asyncio.sleep(120.2)
        assert now.gauge("owed_inbound", account="pbx") == 0


async def test_receipts_are_kept_for_three_days_where_nobody_says_how_long() -> None:
    """As for an account that is no longer configured."""
    async with house(**RARELY) as now:
        await owe(now, 1, "door")
        await owe(now, 2, "removed")
        now.start()
        await asyncio.sleep(3 * DAY - 0.1)
        assert await receipts(now) == {"door", "removed"}
        await asyncio.sleep(3600.2)
        assert await receipts(now) == set()


async def test_many_receipts_are_dropped_in_small_steps() -> None:
    async with house(chunk=2, housekeeping=600.0) as now:
        for number in range(1, 6):
            await owe(now, number, "pbx")
        await asyncio.sleep(KEEP + 1.0)
        now.start()
        await moment()
        assert (await now.store.gauges(now.clock())).owed["pbx"][0] == 3
        await asyncio.sleep(0.1)
        assert await receipts(now) == set()


async def test_what_became_due_since_its_provider_went_down_goes_another_way() -> None:
    async with house() as now:
        now.start()
        await moment()
        now.fleet["lab"].health.record_failure(Disabled("wrong key", pause=3600.0))
        await moment()
        await now.store.add_segments([segment(1), waiting(now, 2, 30.0)])  # nobody says so
        await asyncio.sleep(61.0)
        assert (now.sent(now.lab), now.sent(now.spare)) == ([], [(1, 60.0), (2, 60.0)])


async def test_a_provider_that_works_keeps_its_messages() -> None:
    async with house() as now:
        now.start()
        await moment()
        now.fleet["spare"].health.record_failure(Disabled("wrong key", pause=3600.0))
        await now.store.add_segments([segment(1)])
        await asyncio.sleep(200.0)
        assert await stages(now.store) == {1: Stage.QUEUED}
        now.fleet.wake("lab", "pbx")
        await moment()
        assert [number for number, _ in now.sent(now.lab)] == [1]


async def test_a_stop_ends_it_all() -> None:
    async with house() as now:
        now.start()
        await asyncio.sleep(2.0)
        await now.housekeeper.stop()
        now.failing.fail_at(0)
        await asyncio.sleep(200.0)
        assert now.failing.called == []
