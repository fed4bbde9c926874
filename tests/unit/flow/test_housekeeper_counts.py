"""What the housekeeper counts, and a housekeeper over a store that fails."""

import asyncio

import pytest

from smppbridge.model.joining import Part
from smppbridge.model.message import Outcome, Stage, State
from tests.support.builders.accounts import account
from tests.support.builders.rows import (
    arrival,
    claim,
    finish,
    inbound_part,
    report,
    segment,
    send,
    stages,
    unsent,
)
from tests.support.system.virtual_time import moment
from tests.unit.flow.house import KEEP_DAYS, House, house

pytestmark = pytest.mark.virtual_time

DAY = 86400.0  # seconds


async def fill(now: House) -> None:
    """Something of every kind."""
    await send(now.store, segment(5), segment(6), segment(7, account="door"))
    await now.store.add_segments([segment(1), segment(2, submitted_at=now.at(-90.0))])
    (message,) = await claim(now.store, 1)
    await now.store.record([], [unsent(message, Stage.UNCERTAIN, now.at(DAY))], [], now.clock())
    waiting = segment(4, stage=int(Stage.WAITING), due_at=now.at(DAY))
    await now.store.add_segments([segment(3, provider="gone"), waiting])
    await now.store.settle("lab", [report(5)], now.at(-20.0))
    await now.store.settle("lab", [report(6), report(7)], now.at(-10.0))
    await now.store.settle("spare", [report(8), report(9)], now.at(-61.0))  # of nobody's messages
    part = inbound_part(at=now.clock())
    await now.store.add_inbound([arrival("1", part, part, at=now.clock())], now.clock())
    collecting = segment(10, stage=int(Stage.COLLECTING), text="", due_at=None)
    await now.store.add_parts([Part(collecting, 1, 8, 3, 1, b"\5\0\3\1\3\1one", now.at(DAY))])


async def test_the_queues_are_counted() -> None:
    async with house() as now:
        now.fleet["lab"].health.linked("nobody is there")  # nothing is sent
        await fill(now)
        now.housekeeper.start()
        await moment()
        assert now.gauge("queued_messages", provider="lab") == 2
        assert now.gauge("oldest_queued_seconds", provider="lab") == 90.0
        assert now.gauge("uncertain_messages", provider="lab") == 1
        assert now.gauge("unknown_statuses", provider="lab") == 0
        assert now.gauge("queued_messages", provider="spare") == 0
        assert now.gauge("oldest_queued_seconds", provider="spare") == 0
        assert now.gauge("uncertain_messages", provider="spare") == 0
        assert now.gauge("unknown_statuses", provider="spare") == 2
        assert now.gauge("queued_messages", provider="gone") == 1
        assert now.gauge("owed_receipts", account="pbx") == 2
        assert now.gauge("oldest_owed_receipt_seconds", account="pbx") == 20.0
        assert now.gauge("owed_inbound", account="pbx") == 2
        assert now.gauge("collecting_parts", account="pbx") == 1
        assert now.gauge("owed_receipts", account="door") == 1
        assert now.gauge("oldest_owed_receipt_seconds", account="door") == 10.0
        assert now.gauge("owed_inbound", account="door") == 0
        assert now.gauge("collecting_parts", account="door") == 0
        # Of lab, of gone, the one in doubt, and the part; two of "pbx" and one of "door" are sent.
        assert now.waiting.stored() == {"pbx": 2 + 1 + 1 + 1}


async def test_an_age_is_never_negative() -> None:
    async with house() as now:
        now.fleet["lab"].health.linked("nobody is there")
        await now.store.add_segments([segment(1, submitted_at=now.at(60.0))])
        await send(now.store, segment(2))
        await now.store.settle("lab", [report(2)], now.at(60.0))
        now.housekeeper.start()
        await moment()
        assert now.gauge("oldest_queued_seconds", provider="lab") == 0
        assert now.gauge("oldest_owed_receipt_seconds", account="pbx") == 0


async def test_what_waits_and_may_wait_is_told() -> None:
    async with house() as now:
        await now.store.add_segments([segment(1), segment(2)])
        now.fleet["lab"].health.linked("nobody is there")
        now.accounts.reload({"pbx": now.accounts["pbx"], "door": account("door", max_queued=70)})
        now.housekeeper.start()
        await asyncio.sleep(5.1)
        assert (now.gauge("waiting_messages", account="pbx"), now.gauge("waiting_limit", account="pbx")) == (
            2,
            50,
        )
        assert (
            now.gauge("waiting_messages", account="door"),
            now.gauge("waiting_limit", account="door"),
        ) == (0, 70)
        now.waiting.left("pbx", 5)  # more than there is: a count that was wrong
        await asyncio.sleep(5.0)
        assert now.gauge("waiting_messages", account="pbx") == 0


async def test_what_waits_is_recounted() -> None:
    async with house() as now:
        now.fleet["lab"].health.linked("nobody is there")
        await now.store.add_segments([segment(1), segment(2)])
        now.housekeeper.start()
        await moment()
        assert now.waiting.stored() == {"pbx": 2}
        now.waiting.left("pbx", 7)  # which is wrong
        await asyncio.sleep(59.9)
        assert now.waiting.stored() == {"pbx": -5}
        await asyncio.sleep(0.2)
        assert now.waiting.stored() == {"pbx": 2}


async def test_what_the_store_takes_on_its_disk_is_shown() -> None:
    async with house() as now:
        now.housekeeper.start()
        await moment()
        files = (await now.store.gauges(now.clock())).files
        assert now.gauge("store_wal_bytes") == files.log_octets > 0
        assert now.gauge("store_wal_held_seconds") == 0.0
        assert now.gauge("disk_free_bytes") > 1_000_000


async def test_ends_by_time_leave_the_count() -> None:
    async with house() as now:
        now.fleet["lab"].health.linked("nobody is there")
        late = {"deadline": now.at(30.0), "due_at": now.at(30.0)}
        await now.store.add_segments([segment(1, **late), segment(2, **late), segment(3)])
        now.housekeeper.start()
        await moment()
        assert now.waiting.stored() == {"pbx": 3}
        await asyncio.sleep(31.1)
        assert (now.ended(State.EXPIRED), now.waiting.stored()) == (2, {"pbx": 1})


@pytest.mark.parametrize("verb", ["gauges", "waiting"])
@pytest.mark.parametrize("took", [0, 1])
async def test_long_counts_are_seldom(verb: str, took: int) -> None:
    """A hundred times as long as a count takes passes until the next one."""
    every = 101.0 if took else {"gauges": 5.0, "waiting": 60.0}[verb]
    async with house() as now:
        now.failing.takes[verb] = took
        now.housekeeper.start()
        await asyncio.sleep(3 * every - 0.1)
        assert now.failing.called.count(verb) == 3
        await asyncio.sleep(0.2)
        assert now.failing.called.count(verb) == 4


async def test_how_often_to_count_may_be_set() -> None:
    async with house(counting=2.0) as now:
        now.housekeeper.start()
        await asyncio.sleep(7.9)
        assert now.failing.called.count("gauges") == 4


async def test_receipts_and_messages_of_accounts_that_are_gone_are_looked_after() -> None:
    """Whoever is owed something, as of the last count; and whoever is configured."""
    async with house(housekeeping=20.0) as now:
        part = inbound_part("removed", at=now.clock())
        await now.store.add_inbound([arrival("1", part, at=now.clock())], now.clock())
        await send(now.store, segment(1, account="gone away"))
        await now.store.settle("lab", [report(1)], now.clock())
        now.housekeeper.start()
        await asyncio.sleep(19.0)
        now.failing.fail_at(0)
        await asyncio.sleep(2.0)
        calls = zip(now.failing.called, now.failing.arguments, strict=True)
        asked = [arguments[0] for verb, arguments in calls if verb == "expire_receipts"]
        assert sorted(asked) == ["door", "gone away", "pbx", "removed"]


# --- StoreError at each call -----------------------------------------------------------------------

# The first steps of all four workers; "gone", "lab" and "spare" are the providers.
CALLS = [
    "promote",
    "set_mark",
    "gauges",
    "waiting",
    "overdue",
    "purge",
    "promote",
    "expire_receipts",
    "overdue",
    "expire_receipts",
    "record",
    "promote",
    "overdue",
]


async def everything_happens(now: House, nth: int) -> None:
    """One message is due, a hand-over has ended without a result, one message and one receipt are old."""
    now.accounts.reload({"pbx": account("pbx", receipt={"keep": 3600.0}), "door": account("door")})
    await now.store.add_segments([segment(1, registered_delivery=0)])
    await finish(now.store, [Outcome(1, int(State.DELETED), 0, "", now.clock())])
    await asyncio.sleep(KEEP_DAYS * DAY - 7200.0)
    await send(now.store, segment(2, submitted_at=now.clock()))
    await now.store.settle("lab", [report(2)], now.clock())
    await asyncio.sleep(7201.0)
    fresh = {"submitted_at": now.clock(), "deadline": now.at(DAY)}
    await now.store.add_segments([segment(3, **fresh)])
    await now.store.claim_messages("lab", "pbx", 1, now.clock(), now.at(0.0))
    await now.store.add_segments([segment(4, stage=int(Stage.WAITING), due_at=now.at(0.0), **fresh)])
    now.fleet.start()
    now.failing.fail_at(nth)
    began = now.now
    now.housekeeper.start()
    await asyncio.sleep(1.5)
    assert await stages(now.store) == {2: Stage.FINAL, 3: Stage.UNCERTAIN, 4: Stage.SENT}
    ((number, at),) = now.sent(now.lab)
    assert (number, at - began <= 1.01) == (4, True)
    assert (await now.store.gauges(now.clock())).owed == {}
    assert now.gauge("uncertain_messages", provider="lab") in (0, 1)  # counted before it was, or after
    await asyncio.sleep(5.0)
    assert now.gauge("uncertain_messages", provider="lab") == 1


async def test_what_is_asked_of_the_store() -> None:
    async with house() as now:
        await everything_happens(now, 0)
        assert now.failing.called[: len(CALLS)] == CALLS


@pytest.mark.parametrize("nth", range(1, len(CALLS) + 1))
async def test_a_store_that_fails_once(nth: int) -> None:
    """Each worker takes its step again after a second; the others do not wait for it."""
    async with house() as now:
        await everything_happens(now, nth)
        assert now.failing.failed == [CALLS[nth - 1]]
