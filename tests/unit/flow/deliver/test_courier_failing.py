"""The courier over a store that fails: nothing is lost, and nothing that was answered is delivered again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from smppbridge.smpp.constants import Status
from smppbridge.smpp.pdu import DeliverSm
from tests.support.system.virtual_time import moment
from tests.unit.flow.deliver.scene import LEASE, Scene, ids, scene

pytestmark = pytest.mark.virtual_time

IDLE = 30.0  # seconds between two looks
AGAIN = 1.0  # seconds from a StoreError to the next attempt


# --- answers that cannot be saved ------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["pay_receipts", "pay_inbound"])
async def test_what_was_answered_is_not_sent_again_while_that_cannot_be_saved(
    verb: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with scene() as now:
        first = await now.bind()
        now.failing.failing.add(verb)
        if verb == "pay_receipts":
            await now.receipts(1, origin=first.link.id)
        else:
            await now.phone("yes")
        await moment()
        second = await now.bind()
        first.hang_up()  # now everything of its own is free for the other
        await asyncio.sleep(LEASE + IDLE + 5.0)
        assert (len(first.came), second.came, sum(await now.owed())) == (1, [], 1)
        assert "cannot save" in caplog.text
        assert verb != "pay_receipts" or "release_origin" in now.failing.called
        now.failing.failing.clear()
        await asyncio.sleep(10.0)  # the longest pause between two attempts
        assert sum(await now.owed()) == 0
        assert now.answers("ESME_ROK") == 1
        third = await now.bind()
        await asyncio.sleep(LEASE + IDLE + 5.0)
        assert (second.came, third.came) == ([], [])


@pytest.mark.parametrize("what", ["receipt", "inbound"])
async def test_another_of_the_same_number_is_not_held_up(what: str) -> None:
    """A receipt and a message from a phone may have the same id."""
    async with scene() as now:
        bound = await now.bind()
        now.failing.failing.add("pay_receipts" if what == "receipt" else "pay_inbound")
        await (now.receipts(1) if what == "receipt" else now.phone("yes"))
        await moment()
        await (now.phone("yes") if what == "receipt" else now.receipts(1))
        await moment()
        assert len(bound.came) == 2


@pytest.mark.parametrize("what", ["receipt", "inbound"])
async def test_a_deferral_that_is_saved_late_is_one_all_the_same(what: str) -> None:
    """Whoever has room gets it as soon as it is saved, if it is due by then."""
    async with scene() as now:
        answers = iter([Status.ESME_RX_T_APPN])
        bound = await now.bind(status=lambda pdu: next(answers, 0))
        now.failing.failing.add("defer_receipts" if what == "receipt" else "defer_inbound")
        await (now.receipts(1) if what == "receipt" else now.phone("yes"))
        await asyncio.sleep(14.0)  # attempts come after 1, 3, 7, 15 seconds
        assert len(bound.came) == 1
        now.failing.failing.clear()
        await asyncio.sleep(1.1)
        assert (len(bound.came), sum(await now.owed())) == (2, 0)


async def test_what_was_lost_comes_to_another_bind_as_soon_as_that_is_saved() -> None:
    async with scene() as now:
        first = await now.bind(status=lambda pdu: None)
        await now.receipts(1)
        await moment()
        second = await now.bind()
        now.failing.failing.add("defer_receipts")
        first.hang_up()
        await asyncio.sleep(2.0)
        assert (len(first.came), second.came) == (1, [])
        now.failing.failing.clear()
        await asyncio.sleep(1.1)
        assert now.at(second) == [pytest.approx(3.0, abs=0.01)]


async def test_what_was_claimed_before_the_store_failed_comes_when_its_lease_is_over() -> None:
    async with scene() as now:
        (message_id,) = await now.receipts(1)
        await now.phone("yes")
        now.failing.failing.add("claim_receipts")
        bound = await now.bind()
        now.failing.failing.clear()
        await asyncio.sleep(AGAIN)
        assert (ids(bound), len(bound.came)) == ([message_id], 1)
        await asyncio.sleep(LEASE - 2 * AGAIN)
        assert len(bound.came) == 1
        await asyncio.sleep(IDLE + AGAIN)
        assert bound.texts[1:] == ["yes"]


async def test_a_release_that_cannot_be_saved_comes_later() -> None:
    async with scene() as now:
        gone = await now.bind(status=lambda pdu: None)
        gone.link.connection.session.window = 0
        message_ids = await now.receipts(2, origin=gone.link.id)
        other = await now.bind()
        now.failing.failing.add("release_origin")
        gone.hang_up()
        await asyncio.sleep(2.5)
        assert other.came == []
        now.failing.failing.clear()
        await asyncio.sleep(0.6)
        assert ids(other) == message_ids
        assert now.at(other) == [pytest.approx(3.0, abs=0.01)] * 2


async def test_alerts_are_paid_in_the_end() -> None:
    async with scene() as now:
        bound = await now.bind()
        now.failing.failing.add("pay_alerts")
        await now.alert()
        await asyncio.sleep(5.0)
        assert len(bound.alerts) == 1
        now.failing.failing.clear()
        await asyncio.sleep(10.0)
        assert not await now.store.owes("pbx", now.clock() + round(LEASE * 1000))


async def test_an_unexpected_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with scene() as now:
        await now.bind()
        now.failing.error = ZeroDivisionError()
        now.failing.failing.add("pay_receipts")
        await now.receipts(1)
        await moment()
        (told,) = [one for one in caplog.records if one.levelno == logging.ERROR]
        assert told.getMessage() == "unexpected error while saving the fate of receipts"
        assert told.exc_info
        now.failing.failing.clear()
        assert await now.owed() == (1, 0)  # not lost


# --- the end ---------------------------------------------------------------------------------------


async def test_the_end_waits_for_the_last_answers() -> None:
    async with scene() as now:
        bound = await now.bind()
        now.failing.takes["pay_receipts"] = 9
        await now.receipts(1)
        await moment()
        await now.courier.stop()
        bound.hang_up()
        await now.courier.settle_down()
        assert now.now == pytest.approx(9.0, abs=0.01)
        assert await now.owed() == (0, 0)


async def test_the_end_does_not_wait_for_ever() -> None:
    """What is not saved then is delivered again by the next run."""
    async with scene() as now:
        bound = await now.bind()
        now.failing.failing.add("pay_receipts")
        message_ids = await now.receipts(1)
        await moment()
        await now.courier.stop()
        bound.hang_up()
        began = now.now
        await now.courier.settle_down()
        assert now.now - began == pytest.approx(10.0, abs=0.01)
        now.failing.failing.clear()
        await asyncio.sleep(20.0)
        assert await now.owed() == (1, 0)
        now.courier = now.new_courier()
        other = await now.bind()
        await asyncio.sleep(LEASE + IDLE)
        assert ids(other) == message_ids


async def test_the_grace_may_be_another() -> None:
    async with scene(saving_grace=3.0) as now:
        await now.bind()
        now.failing.takes["pay_receipts"] = 5
        await now.receipts(1)
        await moment()
        began = now.now
        await now.courier.settle_down()
        assert now.now - began == pytest.approx(3.0, abs=0.01)


async def test_the_end_when_nothing_is_to_be_saved() -> None:
    async with scene() as now:
        await now.bind(status=lambda pdu: Status.ESME_RX_T_APPN)
        await now.receipts(1)
        await moment()
        began = now.now
        await now.courier.settle_down()
        assert now.now == began
        now.failing.fail_at(0)
        await asyncio.sleep(7.0)
        assert now.failing.called == []  # no timer is left


# --- StoreError at each call -----------------------------------------------------------------------


class Answers:
    """Refuses the first receipt once, and takes everything else."""

    def __init__(self) -> None:
        self.good: list[str] = []  # what was taken
        self.refused = False

    def __call__(self, pdu: DeliverSm) -> int:
        text = pdu.short_message.decode("latin-1").partition(" ")[0]
        if text == "id:1" and not self.refused:
            self.refused = True
            return Status.ESME_RX_T_APPN
        self.good.append(text)
        return Status.ESME_ROK


async def everything_is_delivered(now: Scene, nth: int) -> None:
    """An alert, a message from a phone and three receipts wait; then a bind comes."""
    await now.receipts(3)
    await now.phone("yes")
    await now.alert()
    answers = Answers()
    now.failing.fail_at(nth)
    bound = await now.bind(status=answers)
    await asyncio.sleep(LEASE + IDLE + 10.0)
    assert sorted(answers.good) == ["id:1", "id:2", "id:3", "yes"]
    assert len(bound.came) == 5
    assert len(bound.alerts) == 1
    assert await now.owed() == (0, 0)
    assert not await now.store.owes("pbx", now.clock() + round(LEASE * 1000))


async def another_bind_gets_all_of_it(now: Scene, nth: int) -> None:
    """One bind leaves, and has answered nothing; the other one has room."""
    silent = await now.bind(status=lambda pdu: None)
    await now.receipts(2, origin=silent.link.id)
    await now.receipts(1)
    await now.phone("yes")
    await moment()
    assert len(silent.came) == 4
    answers = Answers()
    answers.refused = True
    other = await now.bind(status=answers)
    now.failing.fail_at(nth)
    silent.hang_up()
    await asyncio.sleep(LEASE + IDLE + 10.0)
    assert sorted(answers.good) == ["id:1", "id:2", "id:3", "yes"]
    assert len(other.came) == 4
    assert await now.owed() == (0, 0)


Play = Callable[[Scene, int], Awaitable[None]]
PLAYS: dict[Play, list[str]] = {
    everything_is_delivered: [
        "claim_alerts",
        "claim_inbound",
        "pay_alerts",
        "claim_receipts",
        "claim_receipts",
        "pay_receipts",
        "defer_receipts",
        "pay_inbound",
    ],
    another_bind_gets_all_of_it: [
        "defer_receipts",
        "defer_inbound",
        "release_origin",
        "claim_alerts",
        "claim_inbound",
        "claim_receipts",
        "claim_receipts",
        "pay_receipts",
        "pay_inbound",
    ],
}
EACH_CALL = [(play, nth) for play, calls in PLAYS.items() for nth in range(1, len(calls) + 1)]


@pytest.mark.parametrize("play", PLAYS)
async def test_what_is_asked_of_the_store(play: Play) -> None:
    async with scene() as now:
        await play(now, 0)
        assert now.failing.called[: len(PLAYS[play])] == PLAYS[play]


@pytest.mark.parametrize(("play", "nth"), EACH_CALL)
async def test_a_store_that_fails_once(play: Play, nth: int) -> None:
    async with scene() as now:
        await play(now, nth)
        assert now.failing.failed == [PLAYS[play][nth - 1]]
