"""Providers whose answers come one by one: each is saved as it comes, and the slot is free before the end."""

import asyncio

import pytest

from smppbridge.errors import Disabled, ProviderError, Unavailable
from smppbridge.model.message import Stage
from smppbridge.providers.base import SendResult
from tests.support.builders.rows import segment
from tests.support.system.virtual_time import moment
from tests.unit.flow.send.rig import Rig, sending, times
from tests.unit.flow.send.streams import Step, Streamed, ok

pytestmark = pytest.mark.virtual_time

BEGAN = 1000.0  # the loop's clock at the beginning


def bad(place: int, error: ProviderError) -> tuple[int, SendResult]:
    return (place, error)


async def stages_of(rig: Rig, *ids: int) -> list[int]:
    return [(await rig.row(number)).stage for number in ids]


async def test_each_answer_is_saved_as_it_comes() -> None:
    lab = Streamed([Step(1.0, (ok(2),)), Step(1.0, (ok(0),)), Step(1.0, (ok(1),))])
    async with sending(lab) as rig:
        await rig.queue(*(segment(number) for number in (1, 2, 3)))
        await asyncio.sleep(1.5)
        assert await stages_of(rig, 1, 2, 3) == [Stage.SENDING, Stage.SENDING, Stage.SENT]
        assert await rig.disk.known_refs("lab", ["ref-2"]) == {"ref-2"}
        await asyncio.sleep(1)
        assert await stages_of(rig, 1, 2, 3) == [Stage.SENT, Stage.SENDING, Stage.SENT]
        await asyncio.sleep(1)
        assert await stages_of(rig, 1, 2, 3) == [Stage.SENT] * 3
        assert rig.value("provider_seconds_sum", provider="lab") == pytest.approx(3.0)


async def test_the_slot_is_free_when_all_messages_are_on_their_way() -> None:
    lab = Streamed(
        [Step(1.0, holding=True), Step(2.0, (ok(0),)), Step(7.0, (ok(1),))],
        [Step(1.0, (ok(0), ok(1)))],
        batch=2,
    )
    async with sending(lab) as rig:
        await rig.queue(*(segment(number) for number in (1, 2, 3, 4)))
        await asyncio.sleep(60)
        assert (lab.batches, times(lab)) == ([[1, 2], [3, 4]], [0.0, 0.0, 3.0, 3.0])


async def test_a_new_provider_is_on_trial_until_its_first_answer() -> None:
    lab = Streamed([Step(1.0), Step(8.0, (ok(0),))], [Step(1.0), Step(5.0, (ok(0),))], batch=2, parallel=5)
    async with sending(lab, proven=False) as rig:
        await rig.queue(segment(1), segment(2))
        await asyncio.sleep(60)
        assert (lab.batches, times(lab)) == ([[1], [2]], [0.0, 9.0])


async def test_a_new_provider_with_many_slots_of_trial_gets_so_many_single_messages() -> None:
    first, later = [Step(0.0), Step(8.0, (ok(0),))], [Step(0.0), Step(5.0, (ok(0),))]
    lab = Streamed(first, later, first, later, batch=2, parallel=5, unproven=3)
    async with sending(lab, proven=False) as rig:
        await rig.queue(*map(segment, range(1, 5)))
        await asyncio.sleep(60)
        assert (lab.batches, times(lab)) == ([[1], [2], [3], [4]], [0.0, 0.0, 0.0, 5.0])


async def test_one_that_failed_is_tried_with_one_message_at_a_time() -> None:
    wrong = bad(0, Disabled("wrong key", pause=10.0))
    lab = Streamed([Step(0.0, (wrong,))], [Step(0.0), Step(5.0, (wrong,))], batch=1, parallel=5, unproven=3)
    async with sending(lab, proven=False) as rig:
        await rig.queue(segment(1, route="lab"))
        await asyncio.sleep(1)
        await rig.queue(*(segment(number, route="lab") for number in (2, 3)))
        await asyncio.sleep(10)
        assert times(lab) == [0.0, 10.0]


@pytest.mark.parametrize("rich_first", [False, True])
async def test_a_message_that_began_after_the_refused_one_and_was_taken_disproves_it(
    rich_first: bool,
) -> None:
    """Whichever answer is known first."""
    poor = bad(0, Disabled("no money", pause=600.0))
    lab = Streamed(
        [Step(2.0 if rich_first else 1.0, (poor,), began=BEGAN + 0.1)],
        [Step(1.0 if rich_first else 2.0, (ok(0),), began=BEGAN + 0.2)],
        **{"batch": 1, "parallel": 2},
    )
    async with sending(lab) as rig:
        await rig.queue(segment(1, route="lab"), segment(2, route="lab"))
        await asyncio.sleep(5)
        assert rig.fleet.working("lab")
        assert rig.value("provider_up", provider="lab") == 1
        assert rig.changes == ([] if rich_first else ["lab", "lab"])


async def test_answers_that_are_waited_for_keep_no_proven_provider_busy() -> None:
    lab = Streamed(*([Step(0.0), Step(9.0, (ok(0),))] for _ in range(4)), batch=1)
    async with sending(lab) as rig:
        await rig.queue(*(segment(number) for number in (1, 2, 3, 4)))
        await moment()
        assert lab.batches == [[1], [2], [3], [4]]


async def test_a_failure_after_a_success_of_the_same_hand_over_is_none_of_the_provider() -> None:
    fails = [Step(1.0, (ok(0),)), Step(1.0, (bad(1, Unavailable("no answer")),))]
    lab = Streamed(*([*fails] for _ in range(3)), batch=2)
    async with sending(lab) as rig:
        await rig.queue(*(segment(number, route="lab") for number in range(1, 7)))
        await asyncio.sleep(60)
        assert len(lab.batches) == 3
        assert rig.fleet.working("lab")
        assert rig.attempts("lab", "unavailable") == 3


async def test_a_failure_before_any_success_is_one() -> None:
    lab = Streamed(*([Step(1.0, (bad(0, Unavailable("no answer")),))] for _ in range(3)), batch=1)
    async with sending(lab) as rig:
        await rig.queue(*(segment(number, route="lab") for number in (1, 2, 3)))
        await asyncio.sleep(3.5)
        assert not rig.fleet.working("lab")


async def test_what_a_trouble_between_two_answers_says_stays() -> None:
    wrong_key = Disabled("wrong key", pause=600.0)
    refused = Step(1.0, (bad(0, wrong_key),), began=BEGAN + 0.5)
    lab = Streamed([refused, Step(1.0, (ok(1),), began=BEGAN + 0.2)])
    async with sending(lab) as rig:
        await rig.queue(segment(1, route="lab"), segment(2, route="lab"))
        await asyncio.sleep(10)
        assert not rig.fleet.working("lab")  # the second answer is to what began before
        assert await stages_of(rig, 1, 2) == [Stage.WAITING, Stage.SENT]


async def test_a_hand_over_that_breaks_is_told_and_frees_its_slot(caplog: pytest.LogCaptureFixture) -> None:
    lab = Streamed(
        [Step(1.0, (ok(0),), True), RuntimeError("a mistake of ours")], [Step(0.0, (ok(0),))], batch=2
    )
    async with sending(lab) as rig:
        await rig.queue(*(segment(number) for number in (1, 2, 3)))
        await asyncio.sleep(5)
        assert (lab.batches, times(lab)) == ([[1, 2], [3]], [0.0, 0.0, 1.0])
        assert await stages_of(rig, 1, 2, 3) == [Stage.SENT, Stage.SENDING, Stage.SENT]  # 2 has its lease
        [line] = [record for record in caplog.records if record.message == "hand-over not recorded"]
        assert line.__dict__["fields"] == {"provider": "lab", "error": "a mistake of ours"}
