"""To whom the courier delivers what is owed, in which order, and how soon."""

import asyncio

import pytest

from smppbridge.flow.deliver.courier import AFTER_BIND
from smppbridge.smpp.constants import Status
from tests.support.system.virtual_time import moment
from tests.unit.flow.deliver.scene import ids, scene

pytestmark = pytest.mark.virtual_time

LONG = 200.0  # longer than leases and looks
IDLE = 30.0  # seconds between two looks without being woken


# --- to whom ---------------------------------------------------------------------------------------


async def test_a_receipt_comes_as_soon_as_it_is_owed() -> None:
    async with scene() as now:
        bound = await now.bind()
        await asyncio.sleep(1.0)
        owed_at = now.now
        message_ids = await now.receipts(2)
        await moment()
        assert ids(bound) == message_ids
        assert now.at(bound) == [owed_at, owed_at]
        assert (now.answers("ESME_ROK"), await now.owed()) == (2, (0, 0))
        await asyncio.sleep(LONG)
        assert len(bound.came) == 2
        assert now.absent == []


async def test_a_new_bind_has_a_moment_to_get_ready() -> None:
    """OpenSMPP listens a little late, and loses what comes with bind_resp. Other binds are not held up."""
    assert AFTER_BIND == 0.05
    async with scene(after_bind=AFTER_BIND) as now:
        await now.receipts(2)
        await now.phone("yes")
        bound_at = now.now
        first = await now.bind()
        await asyncio.sleep(0.03)
        await now.receipts(1)  # wakes it too early
        await moment()
        assert first.came == []
        second = await now.bind()
        second_at = now.now
        await asyncio.sleep(0.04)
        assert now.at(first) == [bound_at + AFTER_BIND] * 4
        await now.receipts(1, origin=first.link.id)
        await moment()
        assert now.at(first)[4:] == [now.now]
        await now.receipts(1, origin=second.link.id)
        await asyncio.sleep(1.0)
        assert now.at(second) == [round(second_at + AFTER_BIND, 3)]


async def test_what_waits_comes_to_the_next_bind_that_may_receive() -> None:
    async with scene() as now:
        message_ids = await now.receipts(2)
        await now.phone("yes")
        transmitter = await now.bind("TX")
        await now.receipts(1, "door")
        assert (await now.owed(), transmitter.came) == ((2, 1), [])
        bound_at = now.now
        receiver = await now.bind("RX")
        assert ids(receiver) == message_ids
        assert "yes" in receiver.texts
        assert now.at(receiver) == [bound_at] * 3
        await asyncio.sleep(LONG)
        assert (transmitter.came, len(receiver.came), await now.owed()) == ([], 3, (0, 0))
        assert now.answers("ESME_ROK", "door") == 0


async def test_each_account_gets_its_own() -> None:
    async with scene() as now:
        pbx, door = await now.bind(), await now.bind(name="door")
        (for_pbx,), (for_door,) = await now.receipts(1), await now.receipts(1, "door")
        await moment()
        assert (ids(pbx), ids(door)) == ([for_pbx], [for_door])
        assert (now.answers("ESME_ROK"), now.answers("ESME_ROK", "door")) == (1, 1)


async def test_a_receipt_goes_to_the_bind_that_submitted() -> None:
    async with scene() as now:
        first, second = await now.bind(), await now.bind()
        of_first = await now.receipts(2, origin=first.link.id)
        of_second = await now.receipts(2, origin=second.link.id)
        await moment()
        assert (ids(first), ids(second)) == (of_first, of_second)


async def test_a_receipt_waits_for_the_bind_that_submitted_while_it_is_there() -> None:
    async with scene() as now:
        first = await now.bind()
        second = await now.bind(status=lambda pdu: None)
        second.link.connection.session.window = 1
        mine = await now.receipts(3, origin=second.link.id)
        await asyncio.sleep(2.0)
        assert (ids(first), ids(second)) == ([], mine[:1])
        second.answer(second.came[0])
        await moment()
        assert (ids(first), ids(second)) == ([], mine[:2])


@pytest.mark.parametrize("politely", [True, False])
async def test_another_bind_gets_the_rest_as_soon_as_that_one_is_gone(politely: bool) -> None:
    async with scene() as now:
        second = await now.bind(status=lambda pdu: None)
        second.link.connection.session.window = 2
        mine = await now.receipts(5, origin=second.link.id)
        await moment()
        assert ids(second) == mine[:2]
        first = await now.bind()
        assert first.came == []
        gone_at = now.now
        if politely:
            second.unbind()
        else:
            second.hang_up()
        await moment()
        assert sorted(ids(first)) == mine
        assert now.at(first) == [gone_at] * 5
        assert (await now.owed(), now.answers("timeout"), now.answers("ESME_ROK")) == ((0, 0), 2, 5)


async def test_what_comes_later_for_a_bind_that_is_gone_goes_to_another() -> None:
    async with scene() as now:
        first, second = await now.bind(), await now.bind()
        second.hang_up()
        await moment()
        lost = await now.receipts(1, origin=second.link.id)
        await moment()
        assert ids(first) == lost


async def test_what_a_bind_has_claimed_when_it_goes_away_goes_to_another() -> None:
    """Only when its worker has ended its step are its receipts free."""
    async with scene() as now:
        second = await now.bind()
        await now.receipts(1, origin=second.link.id)
        await moment()
        now.failing.takes["claim_receipts"] = 3
        mine = await now.receipts(2, origin=second.link.id)
        await asyncio.sleep(1.0)
        second.hang_up()
        now.failing.takes.clear()
        first = await now.bind()
        await asyncio.sleep(1.0)
        assert first.came == []
        await asyncio.sleep(1.1)
        assert ids(first) == mine
        assert await now.owed() == (0, 0)
        await now.receipts(1, origin=second.link.id)
        await moment()
        assert len(first.came) == 3


@pytest.mark.parametrize("what", ["its own", "anybody's", "inbound"])
async def test_what_cannot_be_sent_any_more_is_due_again_at_once(what: str) -> None:
    """The session ends between claim and deliver_sm: nothing was tried, so no try is counted."""
    async with scene() as now:
        bound = await now.bind()
        other = await now.bind()
        other.link.connection.session.window = 0
        now.failing.takes.update({"claim_receipts": 2, "claim_inbound": 2})
        if what == "inbound":
            await now.phone("yes")
        else:
            await now.receipts(1, origin=bound.link.id if what == "its own" else 0)
        await asyncio.sleep(1.0)
        bound.unbind()
        other.link.connection.session.window = 1
        now.failing.takes.clear()
        await asyncio.sleep(3.1)
        assert (len(other.came), bound.came) == (1, [])
        assert now.at(other)[0] <= 4.1  # as soon as the step of the other one has ended
        assert now.answers("ESME_ROK") == 1


async def test_who_is_told_of_what_nobody_gets() -> None:
    async with scene() as now:
        await now.receipts(1)
        await now.phone("yes")
        assert now.absent == ["pbx", "pbx"]
        assert not now.courier.reaches("pbx")
        await now.bind("TX")
        assert not now.courier.reaches("pbx")
        await now.receipts(1)
        assert now.absent == ["pbx"] * 3
        bound = await now.bind("RX")
        assert now.courier.reaches("pbx")
        assert not now.courier.reaches("door")
        await now.receipts(1)
        assert now.absent == ["pbx"] * 3
        bound.hang_up()
        await moment()
        assert not now.courier.reaches("pbx")
        assert now.absent == ["pbx"] * 4  # it may have left something


# --- how many, and in which order ------------------------------------------------------------------


async def test_the_window() -> None:
    async with scene() as now:
        now.put(window=2)
        message_ids = await now.receipts(5)
        bound = await now.bind(status=lambda pdu: None)
        for place in range(5):
            await moment()
            assert ids(bound) == message_ids[: place + 2]
            answered_at = now.now
            bound.answer(bound.came[place])
        await moment()
        assert now.at(bound)[-1] < answered_at
        assert await now.owed() == (0, 0)


async def test_many_come_at_once_but_not_all_in_one_step() -> None:
    async with scene() as now:
        now.put(window=1000)
        message_ids = await now.receipts(450)
        now.failing.fail_at(0)
        bound = await now.bind()
        assert ids(bound) == message_ids
        assert set(now.at(bound)) == {0.0}
        limits = [call[-1] for call in now.called("claim_receipts")]
        assert limits[:3] == [200, 200, 200]
        assert max(limits) == 200
        assert await now.owed() == (0, 0)


async def test_what_is_claimed_is_leased_until_half_a_minute_after_the_last_answer_may_come() -> None:
    async with scene() as now:
        await now.alert()
        now.failing.fail_at(0)
        await now.bind()
        verbs = ("claim_alerts", "claim_inbound", "claim_receipts")
        leases = [lease - at for verb in verbs for *_, at, lease, _ in now.called(verb)]
        assert leases == [60_000] * 3


async def test_what_is_not_answered_yet_is_not_sent_again_when_the_clock_jumps() -> None:
    """A jump ends its lease."""
    async with scene() as now:
        message_ids = await now.receipts(1)
        await now.phone("yes")
        bound = await now.bind(status=lambda pdu: None)
        now.machine.jump(26 * 3600.0)
        message_ids += await now.receipts(1)
        now.courier.owed_inbound("pbx")
        await moment()
        assert (ids(bound), len(bound.came)) == (message_ids, 3)
        await asyncio.sleep(LONG)
        assert len(bound.came) > 3


async def test_a_smaller_step() -> None:
    async with scene(claim_at_most=2) as now:
        message_ids = await now.receipts(5)
        now.failing.fail_at(0)
        bound = await now.bind()
        assert ids(bound) == message_ids
        assert {call[-1] for call in now.called("claim_receipts")} == {2}


async def test_the_next_step_comes_at_once_although_nobody_answers() -> None:
    async with scene(claim_at_most=2) as now:
        message_ids = await now.receipts(5)
        bound = await now.bind(status=lambda pdu: None)
        assert (ids(bound), set(now.at(bound))) == (message_ids, {0.0})


async def test_a_peer_that_does_not_read_gets_nothing_until_it_does() -> None:
    async with scene() as now:
        bound = await now.bind()
        bound.link.connection.pause_writing()
        await now.receipts(1)
        await asyncio.sleep(5.0)
        assert bound.came == []
        bound.link.connection.resume_writing()
        await moment()
        assert now.at(bound) == [5.0]


async def test_messages_from_phones_come_before_receipts() -> None:
    async with scene() as now:
        now.put(window=2)
        message_ids = await now.receipts(3)
        await now.phone("one", "two", "three")
        bound = await now.bind()
        assert bound.texts[:3] == ["one", "two", "three"]
        assert ids(bound) == message_ids
        assert set(now.at(bound)) == {0.0}
        assert await now.owed() == (0, 0)


async def test_messages_from_phones_fill_the_window_before_receipts_are_claimed() -> None:
    async with scene() as now:
        now.put(window=3)
        await now.receipts(3)
        await now.phone("one", "two")
        now.failing.fail_at(0)
        bound = await now.bind(status=lambda pdu: None)
        assert bound.texts[:2] == ["one", "two"]
        assert (len(bound.came), len(ids(bound))) == (3, 1)
        assert [call[-1] for call in now.called("claim_inbound")] == [3]
        assert [call[-1] for call in now.called("claim_receipts")] == [1]


async def test_a_message_from_a_phone_comes_as_soon_as_it_is_there() -> None:
    async with scene() as now:
        bound = await now.bind()
        await asyncio.sleep(1.0)
        came_at = now.now
        await now.phone("yes")
        await moment()
        assert (bound.texts, now.at(bound)) == (["yes"], [came_at])


async def test_a_bind_without_room_leaves_messages_from_phones_to_the_others() -> None:
    async with scene() as now:
        full = await now.bind(status=lambda pdu: None)
        full.link.connection.session.window = 1
        other = await now.bind()
        await now.phone("one", "two", "three")
        await moment()
        assert (full.texts, other.texts) == (["one"], ["two", "three"])


# --- how it looks ---------------------------------------------------------------------------------


async def test_an_old_bind_gets_everything_else_without_tlvs() -> None:
    async with scene() as now:
        await now.receipts(1)
        await now.phone("yes")
        old = await now.bind(version=0x33)
        assert sorted(len(pdu.tlvs) for pdu in old.came) == [0, 0]


async def test_receipts_have_tlvs_where_the_account_wants_them() -> None:
    async with scene() as now:
        await now.receipts(1)
        assert len((await now.bind()).came[0].tlvs) == 3
        now.put(receipt={"tlvs": False})
        await now.receipts(1)
        bound = await now.bind()
        assert [pdu.tlvs for pdu in bound.came] == []  # the first bind took it
        await now.receipts(1, origin=bound.link.id)
        await moment()
        assert [pdu.tlvs for pdu in bound.came] == [()]


# --- the end ---------------------------------------------------------------------------------------


async def test_after_a_stop_nothing_is_delivered_but_answers_still_count() -> None:
    async with scene() as now:
        bound = await now.bind(status=lambda pdu: None)
        await now.receipts(1)
        await moment()
        await now.courier.stop()
        await now.receipts(1)
        bound.answer(bound.came[0], Status.ESME_ROK)
        await asyncio.sleep(2 * IDLE)
        await now.courier.settle_down()
        assert len(bound.came) == 1
        assert await now.owed() == (1, 0)
