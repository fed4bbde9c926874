"""Long messages in parts: joined when all are there, ended when they are not, whatever the store does."""

import asyncio
from typing import Any

import pytest

from smppbridge.flow.accept.joiner import PARTS_MISSING
from smppbridge.model.account import Account
from smppbridge.model.message import Stage, State
from tests.support.bridge.failing_store import rows
from tests.support.builders.metrics import value
from tests.unit.flow.accept.scene import Scene, part, scene, turns

pytestmark = pytest.mark.virtual_time


def joined(here: Scene, result: str) -> float:
    return value(here.metrics, "joined_messages_total", account="pbx", result=result)


def texts(here: Scene) -> list[str]:
    return [message.text for message in here.providers["lab"].sent]


async def started(here: Scene) -> None:
    here.fleet.start()
    here.joiner.start()
    await turns()


async def test_the_last_part_wakes_it_whatever_the_order() -> None:
    async with scene() as here:
        await started(here)
        await here.submit(part(3, b"c", 3), part(1, b"a", 3))
        assert texts(here) == []
        await here.submit(part(2, b"b", 3))
        assert (texts(here), here.passed) == (["abc"], 0)
        assert joined(here, "joined") == 1


async def test_what_is_complete_from_before_a_restart_is_joined_at_the_start() -> None:
    async with scene() as here:
        await here.submit(part(1, b"a"), part(2, b"b"))
        await started(here)
        assert texts(here) == ["ab"]


async def test_more_than_one_chunk_needs_no_second_wake() -> None:
    async with scene(max_unsaved=1000, batch=1000) as here:
        for reference in range(230):
            await here.submit(
                *(part(number, b"x", reference=reference, to=f"37529{reference:07d}") for number in (1, 2))
            )
        await started(here)
        await turns(2000)
        assert (len(texts(here)), here.passed) == (230, 0)


async def test_parts_that_never_come_end_the_message(caplog: pytest.LogCaptureFixture) -> None:
    async with scene() as here:
        here.settings(join={"timeout": 60, "incomplete": "fail"})
        await started(here)
        await here.submit(part(1, b"a"))
        await asyncio.sleep(59)
        assert rows(here.directory, "SELECT stage FROM messages") == [(Stage.COLLECTING,)]
        await asyncio.sleep(2.1)  # the joiner looks once a second
        assert rows(here.directory, "SELECT stage FROM messages") == [(Stage.FINAL,)]
        assert here.owed == ["pbx"]
        assert rows(here.directory, "SELECT state, err FROM receipts") == [
            (State.UNDELIVERABLE, PARTS_MISSING)
        ]
        assert joined(here, "incomplete") == 1
        assert "parts of a long message" in caplog.text


async def test_nobody_could_take_parts_while_the_bridge_was_away() -> None:
    async with scene() as here:
        here.settings(join={"timeout": 60, "incomplete": "fail"})
        await here.submit(part(1, b"a"))
        await asyncio.sleep(3600)
        await started(here)
        await asyncio.sleep(58)
        await here.submit(part(2, b"b"))
        assert texts(here) == ["ab"]


async def test_what_there_is_may_be_sent_instead() -> None:
    async with scene() as here:
        here.settings(join={"timeout": 60, "incomplete": "send"})
        await started(here)
        await here.submit(part(1, b"a", 3), part(3, b"c", 3))
        await asyncio.sleep(62)
        assert texts(here) == ["ac"]
        assert joined(here, "sent_incomplete") == 1


async def test_the_time_for_parts_is_the_accounts() -> None:
    async with scene() as here:
        here.settings(join={"timeout": 5, "incomplete": "fail"})
        await started(here)
        await here.submit(part(1, b"a"))
        await asyncio.sleep(4)
        assert rows(here.directory, "SELECT state FROM receipts") == []
        await asyncio.sleep(2.1)
        assert rows(here.directory, "SELECT state FROM receipts") == [(State.UNDELIVERABLE,)]


@pytest.mark.parametrize(
    ("data_coding", "first", "second"),
    [
        (8, b"\x04", b"\x04\x1f"),  # an odd number of octets
        (8, b"\xd8\x3d", b"\x04\x10"),  # half a surrogate pair
        (1, b"a" * 134, b"\xff"),  # no ASCII
        (3, b"", b""),  # nothing at all
    ],
)
async def test_parts_that_make_no_text_are_rejected(
    caplog: pytest.LogCaptureFixture, data_coding: int, first: bytes, second: bytes
) -> None:
    async with scene() as here:
        await started(here)
        parts = [part(number, text, data_coding=data_coding) for number, text in ((1, first), (2, second))]
        await here.submit(*parts)
        assert rows(here.directory, "SELECT state, err FROM receipts") == [(State.REJECTED, 0)] * 2
        assert texts(here) == []
        assert joined(here, "rejected") == 1
        assert "parts of a long message" in caplog.text


async def test_one_that_breaks_us_keeps_no_other_here(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene() as here:
        await here.submit(part(1, b"a"), part(2, b"b"))
        await here.submit(part(1, b"c", to="375297654321"), part(2, b"d", to="375297654321"))
        appraise_joined = here.appraiser.appraise_joined

        def breaking(account: Account, draft: Any, *rest: Any) -> Any:
            if draft.text == "ab":
                raise RuntimeError("a bug")
            return appraise_joined(account, draft, *rest)

        monkeypatch.setattr(here.appraiser, "appraise_joined", breaking)
        await started(here)
        assert texts(here) == ["cd"]
        assert "unexpected error with the parts of message" in caplog.text
        assert joined(here, "rejected") == 1
        assert rows(here.directory, "SELECT state FROM receipts") == [(State.REJECTED,)] * 2


async def test_an_account_that_is_gone_ends_its_messages() -> None:
    async with scene() as here:
        await here.submit(part(1, b"a"), part(2, b"b"))
        here.accounts.reload({})
        await started(here)
        assert texts(here) == []
        assert rows(here.directory, "SELECT DISTINCT stage, state FROM messages") == [
            (Stage.FINAL, State.REJECTED)
        ]


async def test_the_schedule_of_the_first_part_counts() -> None:
    async with scene() as here:
        await started(here)
        later = "000000010000000R"
        await here.submit(part(1, b"a", schedule_delivery_time=later), part(2, b"b"))
        assert texts(here) == []
        assert len(await here.stored(Stage.WAITING)) == 1


@pytest.mark.parametrize(
    ("parts", "receipts"), [("each", 3), ("merged", 1)], ids=["each part", "one for the message"]
)
async def test_how_many_receipts_a_message_owes_that_stays_incomplete(parts: str, receipts: int) -> None:
    async with scene() as here:
        here.settings(join={"timeout": 60, "incomplete": "fail"}, receipt={"parts": parts})
        await started(here)
        answers = await here.submit(*(part(number, b"x", 4) for number in (1, 2, 3)))
        await asyncio.sleep(62)
        owed = rows(
            here.directory,
            "SELECT m.wire_id, r.state FROM receipts r JOIN messages m ON m.id = r.message_id ORDER BY m.id",
        )
        assert owed == [(one.message_id, State.UNDELIVERABLE) for one in answers[:receipts]]


async def test_the_first_part_that_asks_for_the_end_speaks_for_all() -> None:
    async with scene() as here:
        here.settings(join={"timeout": 60, "incomplete": "fail"}, receipt={"parts": "merged"})
        await started(here)
        answers = await here.submit(
            part(1, b"x", 4, registered_delivery=0x10),  # only intermediate notifications
            part(2, b"x", 4, registered_delivery=0),
            part(3, b"x", 4, registered_delivery=1),
        )
        await asyncio.sleep(62)
        owed = rows(
            here.directory,
            "SELECT m.wire_id FROM receipts r JOIN messages m ON m.id = r.message_id",
        )
        assert owed == [(answers[2].message_id,)]


async def test_a_store_that_fails_at_any_call_costs_nothing_but_a_second() -> None:
    for number in range(1, 100):
        async with scene() as here:
            await started(here)
            here.accept(part(1, b"a"), part(2, b"b"))
            here.failing.fail_at(number)
            await asyncio.sleep(5)
            assert texts(here) == ["ab"], number
            assert joined(here, "joined") == 1
            if not here.failing.failed:
                assert number > 3  # taking, joining, and forgetting; and what the dispatcher does
                return
    raise AssertionError("the store failed for ever")


async def test_a_while_with_nothing_to_do_joins_at_once_afterwards() -> None:
    async with scene() as here:
        await started(here)
        await asyncio.sleep(100.5)
        began = here.passed
        await here.submit(part(1, b"a"), part(2, b"b"))
        assert (texts(here), here.passed) == (["ab"], began)


@pytest.mark.parametrize("jump", [-3600.0, 26 * 3600.0])
@pytest.mark.parametrize("running", [500.0, 700.0], ids=["followed at once", "followed later"])
async def test_a_jump_of_the_clock_gives_no_parts_up_and_makes_none_wait_for_long(
    jump: float, running: float
) -> None:
    async with scene() as here:
        here.settings(join={"timeout": 60, "incomplete": "fail"})
        await started(here)
        await asyncio.sleep(running)
        await here.submit(part(1, b"a"))
        here.machine.jump(jump)
        await asyncio.sleep(590.0)
        assert rows(here.directory, "SELECT stage FROM messages") == [(Stage.COLLECTING,)]
        await asyncio.sleep(75.0)
        assert joined(here, "incomplete") == 1


async def test_parts_that_are_all_there_are_joined_while_the_clock_is_suspect() -> None:
    async with scene() as here:
        await started(here)
        here.machine.jump(26 * 3600.0)
        await here.submit(part(1, b"a"), part(2, b"b"))
        assert texts(here) == ["ab"]
        assert here.clock.suspect
