"""What a dispatcher claims, and when. See test_dispatcher_results for what becomes of it."""

import asyncio

import pytest

from smppbridge.errors import Disabled, Throttled, Unavailable
from smppbridge.flow.health.health import PROBES_BEFORE_TRIAL
from smppbridge.model.message import Stage
from tests.support.builders.rows import NOW, segment
from tests.support.system.virtual_time import moment
from tests.unit.flow.send.rig import Lab, rigged, sending, times

pytestmark = pytest.mark.virtual_time

WRONG_KEY = Disabled("wrong key", pause=30.0)


# --- wakes -----------------------------------------------------------------------------------------


async def test_a_queued_message_goes_out_at_once() -> None:
    lab = Lab()
    async with sending(lab) as rig:
        await asyncio.sleep(10)
        await rig.queue(segment(1))
        await moment()
        assert (lab.batches, times(lab)) == ([[1]], [10.0])
        await asyncio.sleep(10)
        await rig.queue(segment(2))
        await moment()
        assert (lab.batches, times(lab)) == ([[1], [2]], [10.0, 20.0])


async def test_what_was_queued_before_the_start_goes_out_at_the_start() -> None:
    lab = Lab()
    async with rigged(lab) as rig:
        await rig.queue(segment(1))
        await asyncio.sleep(5)
        assert lab.batches == []
        rig.fleet.start()
        await moment()
        assert times(lab) == [5.0]


async def test_messages_of_another_provider_are_left_alone() -> None:
    lab, spare = Lab("lab"), Lab("spare")
    async with sending(lab, spare) as rig:
        await rig.queue(segment(1, provider="spare"))
        rig.fleet.wake("lab", "pbx")
        await moment()
        assert (lab.batches, spare.batches) == ([], [[1]])


async def test_a_claim_is_a_lease_that_is_longer_than_any_request() -> None:
    lab = Lab(delay=5.0, lease=120.0)
    async with sending(lab) as rig:
        await asyncio.sleep(1)
        await rig.queue(segment(1))
        await moment()
        claimed = await rig.found(1)
        assert (claimed.stage, claimed.attempt, claimed.due_at) == (Stage.SENDING, 1, NOW + 121_000)


# --- slots -----------------------------------------------------------------------------------------


async def test_requests_take_slots_and_the_next_one_begins_when_a_slot_is_free() -> None:
    lab = Lab(delay=5.0, batch=2, parallel=2)
    async with sending(lab) as rig:
        await rig.queue(*(segment(number) for number in range(1, 8)))
        await asyncio.sleep(60)
        assert lab.batches == [[1, 2], [3, 4], [5, 6], [7]]
        assert times(lab) == [0.0] * 4 + [5.0] * 3


async def test_one_message_alone_finds_out_whether_a_new_provider_works() -> None:
    lab = Lab(delay=5.0, batch=2, parallel=2)
    async with sending(lab, proven=False) as rig:
        await rig.queue(*(segment(number) for number in range(1, 5)))
        await asyncio.sleep(60)
        assert lab.batches == [[1], [2, 3], [4]]
        assert times(lab) == [0.0, 5.0, 5.0, 5.0]


async def test_a_batch_that_does_not_fill_is_waited_for_no_longer_than_that() -> None:
    lab = Lab(batch=3, batch_wait=2.0)
    async with sending(lab) as rig:
        await asyncio.sleep(10)
        await rig.queue(segment(1))
        await asyncio.sleep(1)
        await rig.queue(segment(2, account="crm"))  # it does not wait for two seconds of its own
        await asyncio.sleep(10)
        assert (lab.batches, times(lab)) == ([[1, 2]], [12.0, 12.0])
        await rig.queue(segment(3))
        await asyncio.sleep(10)
        assert times(lab)[2:] == [23.0]  # the next one begins anew


async def test_each_full_batch_is_sent_at_once() -> None:
    lab = Lab(batch=3, batch_wait=2.0)
    async with sending(lab) as rig:
        for first in (1, 4, 7):
            await asyncio.sleep(10)
            await rig.queue(segment(first), segment(first + 1))
            await asyncio.sleep(1)
            await rig.queue(segment(first + 2))
        await moment()
        assert lab.batches == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
        assert times(lab) == [11.0] * 3 + [22.0] * 3 + [33.0] * 3


@pytest.mark.parametrize("counts", [(3,), (4,), (1, 2), (1, 1, 1), (2, 2)])
async def test_a_full_batch_is_not_waited_for(counts: tuple[int, ...]) -> None:
    lab = Lab(batch=3, batch_wait=2.0)
    async with sending(lab) as rig:
        await asyncio.sleep(10)
        numbers = iter(range(1, 10))
        for count in counts:
            assert lab.batches == []
            await rig.queue(*(segment(next(numbers)) for _ in range(count)))
            await moment()
        assert (lab.batches, times(lab)) == ([[1, 2, 3]], [10.0] * 3)
        await asyncio.sleep(2)
        assert [len(batch) for batch in lab.batches[1:]] == ([1] if sum(counts) > 3 else [])


# --- turns -----------------------------------------------------------------------------------------


async def test_accounts_share_a_batch_and_who_is_not_through_goes_to_the_end() -> None:
    lab = Lab(batch=6)
    async with rigged(lab) as rig:
        rig.fleet["lab"].health.breaker.record_success()
        await rig.queue(
            *(segment(number) for number in range(1, 11)),
            segment(11, account="crm"),
            segment(12, account="crm"),
            *(segment(number, account="shop") for number in range(13, 16)),
        )
        rig.fleet.start()
        await moment()
        assert lab.batches == [
            [1, 2, 11, 12, 13, 14],  # two each
            [3, 4, 15],  # crm used up its share, so it may have had more
            [5, 6, 7, 8, 9, 10],
        ]


async def test_more_accounts_than_a_batch_takes_come_in_turns() -> None:
    lab = Lab(batch=2)
    async with rigged(lab) as rig:
        rig.fleet["lab"].health.breaker.record_success()
        await rig.queue(*(segment(number, account=name) for number, name in enumerate("abcde", 1)))
        rig.fleet.start()
        await moment()
        assert lab.batches == [[1, 2], [3, 4], [5]]


async def test_a_bulk_does_not_hold_up_another_account() -> None:
    lab = Lab(batch=4, rate=4.0)
    async with sending(lab) as rig:
        await rig.queue(*(segment(number) for number in range(1, 101)))
        await asyncio.sleep(5)
        await rig.queue(segment(101, account="login"))
        await asyncio.sleep(1)
        assert 101 in [message.id for message in lab.sent]
        assert len(lab.sent) < 30


async def test_a_claim_that_fails_is_made_again_and_takes_nothing_from_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lab = Lab(batch=4)
    async with rigged(lab) as rig:
        rig.fleet["lab"].health.breaker.record_success()
        rig.store.fail_at(1)
        await rig.queue(segment(1), segment(2, account="crm"))
        rig.fleet.start()
        await asyncio.sleep(10)
        assert (lab.batches, times(lab)) == ([[2], [1]], [0.0, 1.0])
        assert caplog.messages.count("claim failed") == 1


# --- rate ------------------------------------------------------------------------------------------


async def test_the_rate_is_kept() -> None:
    lab = Lab(batch=10, rate=2.0)
    async with sending(lab) as rig:
        await rig.queue(*(segment(number) for number in range(1, 6)))
        await asyncio.sleep(60)
        assert times(lab) == [0.0, 0.0, 0.5, 1.0, 1.5]


async def test_what_is_not_sent_does_not_use_up_the_rate() -> None:
    lab = Lab(batch=10, rate=4.0, same_text_gap=600.0)
    async with sending(lab) as rig:
        await rig.queue(*(segment(number, text="door") for number in range(1, 5)))
        await moment()
        assert lab.batches == [[1]]
        await rig.queue(*(segment(number, text=f"gate {number}") for number in range(5, 8)))
        await moment()
        assert lab.batches == [[1], [5, 6, 7]]
        await rig.queue(segment(8, text="gate 8"))
        await asyncio.sleep(1)
        assert times(lab)[4:] == [0.25]


# --- how it goes out -------------------------------------------------------------------------------


@pytest.mark.parametrize(("latin", "coding"), [(True, 0), (False, 8)])
async def test_ucs2_that_need_not_be(latin: bool, coding: int) -> None:
    """What is stored stays as it came: a replace_sm comes in the same coding."""
    lab = Lab(batch=9)
    async with sending(lab, use_latin_when_it_fits=latin) as rig:
        await rig.queue(segment(1, text="Door"), segment(2), segment(3, text="Door", account="gone"))
        await moment()
        assert {one.id: one.data_coding for one in lab.sent} == {1: coding, 2: 8, 3: 8}
        assert (await rig.found(1)).data_coding == 8


# --- what has to wait ------------------------------------------------------------------------------


async def test_what_a_limit_holds_back_waits_and_its_attempt_does_not_count() -> None:
    lab = Lab(same_text_gap=60.0)
    async with sending(lab) as rig:
        await rig.queue(segment(1))
        await asyncio.sleep(15)
        await rig.queue(segment(2), segment(3, text="gate"))
        await moment()
        assert lab.batches == [[1], [3]]
        held = await rig.found(2)
        assert (held.stage, held.attempt, held.due_at) == (Stage.WAITING, 0, NOW + 60_000)


async def test_equal_texts_to_one_number_keep_their_distance() -> None:
    lab = Lab(same_text_gap=60.0)
    async with sending(lab) as rig:
        await rig.queue(
            segment(1, text="door"),
            segment(2, text="door"),
            segment(3, text="door", recipient="375297654321"),
            segment(4, text="gate"),
            segment(5, text="door"),
        )
        for _ in range(200):
            await asyncio.sleep(1)
            await rig.disk.promote("lab", rig.clock(), 10)
            rig.fleet.wake("lab", "pbx")
        assert (lab.batches, times(lab)) == ([[1, 3, 4], [2], [5]], [0.0] * 3 + [60.0, 120.0])


async def test_a_batch_all_of_which_has_to_wait_is_not_sent() -> None:
    lab = Lab(same_text_gap=60.0)
    async with sending(lab) as rig:
        await rig.queue(segment(1))
        await moment()
        await rig.queue(segment(2))
        await moment()
        assert lab.batches == [[1]]
        await rig.queue(segment(3, text="gate"))  # and it takes no slot
        await moment()
        assert lab.batches == [[1], [3]]


@pytest.mark.parametrize("keeps", [True, False])
async def test_a_schedule_that_the_provider_does_not_keep_is_kept_here(keeps: bool) -> None:
    lab = Lab()
    lab.schedules_itself = keeps
    async with sending(lab) as rig:
        await rig.queue(
            segment(1, send_at=NOW + 3_600_000), segment(2, send_at=NOW), segment(3, send_at=NOW + 1)
        )
        await moment()
        assert lab.batches == ([[1, 2, 3]] if keeps else [[2]])
        if not keeps:
            assert [(await rig.found(number)).due_at for number in (1, 3)] == [NOW + 3_600_000, NOW + 1]


async def test_what_has_to_wait_delays_nothing_while_that_cannot_be_saved() -> None:
    lab = Lab(same_text_gap=600.0)
    async with sending(lab) as rig:
        rig.store.failing = {"hand_back"}
        await rig.queue(segment(1), segment(2), segment(3, text="gate"))
        await moment()
        assert lab.batches == [[1, 3]]
        await rig.queue(segment(4, text="lamp"))
        await moment()
        assert (lab.batches, times(lab)) == ([[1, 3], [4]], [0.0] * 3)
        rig.store.failing = set()
        await asyncio.sleep(10)
        held = await rig.found(2)
        assert (held.stage, held.attempt) == (Stage.WAITING, 0)
        assert lab.batches == [[1, 3], [4]]


# --- a provider that does not work ------------------------------------------------------------------


async def test_after_a_pause_the_balance_is_asked_for_and_one_message_tried() -> None:
    lab = Lab(delay=1.0, batch=2, parallel=2)
    lab.money = 5.0
    lab.answers.append(WRONG_KEY)
    async with sending(lab, proven=False) as rig:
        await rig.queue(*(segment(number, route="lab") for number in range(1, 6)))
        await asyncio.sleep(60)
        assert lab.batches == [[1], [2], [3, 4], [5]]
        assert times(lab) == [0.0, 31.0, 32.0, 32.0, 32.0]  # the pause begins with the answer
        assert lab.balances_asked == 1
        assert (rig.value("provider_up", provider="lab"), rig.changes) == (1, ["lab", "lab"])


async def test_while_the_provider_refuses_us_no_message_is_tried() -> None:
    lab = Lab()
    lab.money = WRONG_KEY
    lab.answers += [WRONG_KEY] * 2
    async with sending(lab) as rig:
        await rig.queue(segment(1, route="lab"), segment(2, route="lab"))
        await asyncio.sleep(1)
        await rig.queue(segment(3, route="lab"))
        await asyncio.sleep(99)
        assert (lab.batches, lab.balances_asked) == ([[1, 2]], 3)  # at 30, 60 and 90 s
        lab.money = None
        await asyncio.sleep(21)
        assert (lab.batches, times(lab)[2:]) == ([[1, 2], [3]], [120.0])


async def test_a_longer_pause_than_between_two_looks_is_kept() -> None:
    lab = Lab()
    lab.answers.append(Disabled("wrong key", pause=100.0))
    async with sending(lab) as rig:
        await rig.queue(segment(1, route="lab"))
        await asyncio.sleep(1)
        await rig.queue(segment(2, route="lab"))
        await asyncio.sleep(200)
        assert times(lab) == [0.0, 100.0]


async def test_a_trial_for_which_there_was_no_message_is_not_used_up() -> None:
    lab = Lab()
    lab.answers.append(WRONG_KEY)
    lab.money = Unavailable("the balance cannot be had")
    async with sending(lab) as rig:
        await rig.queue(segment(1, route="lab"), segment(2, route="lab"))
        await rig.disk.cancel("pbx", "2", "ALARM", "", NOW)
        rig.fleet.wake("lab", "pbx")  # there may be some
        await asyncio.sleep(300)
        assert (lab.batches, lab.balances_asked) == ([[1]], PROBES_BEFORE_TRIAL)
        await rig.queue(segment(3, route="lab"))
        await moment()
        assert (lab.batches, lab.balances_asked) == ([[1], [3]], PROBES_BEFORE_TRIAL + 1)


async def test_a_provider_that_is_too_busy_is_left_alone_but_is_not_down() -> None:
    lab = Lab(batch=1)
    lab.answers.append(Throttled("slow down", after=7.0))
    async with sending(lab) as rig:
        await rig.queue(segment(1), segment(2))
        await asyncio.sleep(60)
        assert (lab.batches, times(lab)) == ([[1], [2]], [0.0, 7.0])
        assert (lab.balances_asked, rig.changes) == (0, [])
        assert rig.value("provider_up", provider="lab") == 1


async def test_a_retry_ends_the_pause_of_a_provider_that_is_down() -> None:
    lab = Lab()
    lab.answers.append(WRONG_KEY)
    async with sending(lab) as rig:
        await rig.queue(segment(1, route="lab"))
        await asyncio.sleep(5)
        await rig.queue(segment(2, route="lab"))
        rig.fleet["lab"].retry()
        await moment()
        assert times(lab) == [0.0, 5.0]


async def test_a_retry_does_not_end_the_pause_that_a_busy_provider_asked_for() -> None:
    lab = Lab(batch=1)
    lab.answers.append(Throttled("slow down", after=7.0))
    async with sending(lab) as rig:
        await rig.queue(segment(1), segment(2))
        await asyncio.sleep(1)
        rig.fleet["lab"].retry()
        await asyncio.sleep(30)
        assert times(lab) == [0.0, 7.0]


async def test_a_provider_that_can_be_reached_again_gets_its_messages_at_once() -> None:
    lab = Lab()
    async with sending(lab) as rig:
        rig.fleet["lab"].linked("nobody there")
        await rig.queue(segment(1), segment(2))
        await asyncio.sleep(130)
        assert (lab.batches, lab.balances_asked) == ([], 0)
        rig.fleet["lab"].linked("")
        await moment()
        assert (lab.batches, times(lab)) == ([[1], [2]], [130.0, 130.0])  # the first one alone
