"""The smsc.ru simulator itself: repeated, simultaneous and too frequent requests, and the bans they earn."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import pytest

from tests.simulators.smsc_ru.asking import OTHER, PHONE, Api, running
from tests.support.bridge.running import eventually
from tests.support.system.hand_clock import HandClock

WRONG = {"psw": "wrong"}


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


# --- the same again --------------------------------------------------------------------------------


async def test_the_same_request_within_a_minute(clock: HandClock) -> None:
    async with running(clock=clock) as api:
        assert await api.code(id="1") == 0
        again = await api.send_json(id="2", valid="5", cost="3")
        assert (again["error_code"], "duplicate request" in again["error"]) == (9, True)
        assert "id" not in again
        clock.forward(59)
        assert await api.code() == 9
        clock.forward(1)
        assert await api.code() == 0
        assert len(api.simulator.accepted) == 2
        assert api.simulator.violations == []


@pytest.mark.parametrize(
    "other",
    [{"text": "y"}, {"phones": OTHER}, {"phones": f"{PHONE},{OTHER}"}, {"sender": "Ozon"}, {"hlr": "1"}],
)
async def test_what_makes_another_request(other: dict[str, str]) -> None:
    async with running() as api:
        assert await api.code() == 0
        assert await api.code(**other) == 0


@pytest.mark.parametrize(
    "other", [{"phones": f"8{PHONE[1:]}"}, {"text": "x\n~~~\nother"}, {"phones": f"+{PHONE}"}]
)
async def test_what_does_not(other: dict[str, str]) -> None:
    async with running() as api:
        assert await api.code() == 0
        assert await api.code(**other) == 9


async def test_order_of_recipients_is_no_difference() -> None:
    async with running() as api:
        assert await api.code(phones=f"{PHONE},{OTHER},12") == 0
        assert await api.code(phones=f"12,{OTHER},{PHONE}") == 9


async def test_a_refused_request_may_be_repeated() -> None:
    async with running(balance=0) as api:
        assert await api.code() == 3
        api.simulator.rules.balance = 10
        assert await api.code() == 0


async def test_asking_a_price_is_no_sending_but_limited_too(clock: HandClock) -> None:
    async with running(clock=clock) as api:
        assert [await api.code(cost="1") for _ in range(6)] == [0] * 5 + [9]
        assert await api.code(text="y", cost="1") == 0
        assert await api.code() == 0
        clock.forward(60)
        assert await api.code(cost="1") == 0
        assert len(api.simulator.accepted) == 1


# --- simultaneous ----------------------------------------------------------------------------------


async def at_once(api: Api, requests: list[Coroutine[Any, Any, Any]]) -> list[Any]:
    """The answers to requests that are all there before the first of them is carried out."""
    api.simulator.quick.clear()
    asking = asyncio.gather(*requests)
    await eventually(lambda: api.simulator.under_way + len(api.simulator.violations) == len(requests))
    api.simulator.quick.set()
    return await asking


@pytest.mark.parametrize("count", [14, 15, 20])
async def test_fifteen_requests_at_once_are_too_many(count: int) -> None:
    async with running() as api:
        answers = await at_once(api, [api.send_json(str(n)) for n in range(count)])
        refused = [answer for answer in answers if "error" in answer]
        assert len(api.simulator.accepted) == 14
        assert len(refused) == len(api.simulator.violations) == count - 14
        for answer in refused:
            assert (answer["error_code"], answer["error"]) == (9, "too many concurrent requests")
        assert await api.code("later") == 0


async def test_status_requests_at_once() -> None:
    async with running() as api:
        answers = await at_once(api, [api.status("1,", f"{PHONE},") for _ in range(6)])
        kinds = Counter(isinstance(answer, dict) and answer["error_code"] for answer in answers)
        assert kinds == {False: 4, 9: 2}
        assert len(api.simulator.violations) == 2


# --- bans ------------------------------------------------------------------------------------------


async def test_five_wrong_passwords_block_the_address(clock: HandClock) -> None:
    async with running(clock=clock) as api:
        assert [await api.code(**WRONG) for _ in range(4)] == [2] * 4
        assert await api.code("right") == 0
        assert api.simulator.violations == []
        assert await api.code(**WRONG) == 2
        assert api.simulator.violations == ["too many authentication errors"]
        assert [await api.code(), await api.code(**WRONG)] == [4, 4]
        assert await api.ask("balance", fmt="1") == "0,-4"
        clock.forward(api.simulator.rules.auth_ban)
        assert await api.code() == 0


async def test_wrong_passwords_are_forgotten(clock: HandClock) -> None:
    async with running(clock=clock, auth_errors=2) as api:
        assert await api.code(**WRONG) == 2
        clock.forward(api.simulator.rules.auth_window)
        assert await api.code(**WRONG) == 2
        assert await api.code() == 0


async def test_every_script_counts_wrong_passwords() -> None:
    async with running(auth_errors=3) as api:
        for script in ("status", "balance", "get"):
            assert (await api.ask(script, **WRONG)).startswith("ERROR = 2 (")
        assert await api.code() == 4


async def test_an_address_that_is_not_listed_counts_as_wrong() -> None:
    async with running(blocked=2) as api:
        assert [await api.code() for _ in range(6)] == [2] * 5 + [4]


async def test_refused_sends_in_a_row_block_the_address(clock: HandClock) -> None:
    async with running(clock=clock, bad_sends=4) as api:
        assert [await api.code(phones="12") for _ in range(3)] == [7] * 3
        assert await api.code() == 0
        assert [await api.code(phones="12") for _ in range(4)] == [7] * 4
        assert api.simulator.violations == ["too many refused sends in a row"]
        assert await api.code("good") == 4
        clock.forward(api.simulator.rules.bad_ban)
        assert await api.code("good") == 0


async def test_a_hundred_refused_sends_by_default() -> None:
    async with running(errors={OTHER: 6}) as api:
        codes = [await api.code(phones=OTHER) for _ in range(101)]
        assert codes == [6] * 100 + [4]


@pytest.mark.parametrize("code", [1, 2, 3, 4, 9])
async def test_blocked_account(code: int) -> None:
    async with running(blocked=code) as api:
        assert await api.code() == code
        assert await api.ask("balance", fmt="1") == f"0,-{code}"


# --- one subscriber --------------------------------------------------------------------------------


async def test_flood_to_one_subscriber() -> None:
    async with running(flood_count=3) as api:
        for number in range(5):
            assert await api.code(str(number), id=str(number + 1)) == 0
        await api.accepted("other", OTHER)
        for number in range(5):
            await api.reaches(str(number + 1), 1 if number < 3 else 23)
        assert api.simulator.violations == ["flood to one subscriber"] * 2


async def test_a_pause_ends_the_flood(clock: HandClock) -> None:
    async with running(clock=clock, flood_count=1) as api:
        await api.accepted("a")
        clock.forward(api.simulator.rules.flood_gap)
        await api.accepted("b")
        assert api.simulator.violations == []


# --- questions -------------------------------------------------------------------------------------


async def status_code(api: Api, ident: str, phone: str = PHONE) -> int:
    answer = await api.status(ident, phone)
    return int(answer["error_code"]) if isinstance(answer, dict) and "error_code" in answer else 0


async def test_asking_about_one_message_too_often(clock: HandClock) -> None:
    async with running(clock=clock, status_limit=5) as api:
        await api.accepted(id="1")
        await api.accepted("y", id="2")
        assert [await status_code(api, "1") for _ in range(6)] == [0] * 5 + [9]
        assert await status_code(api, "2") == 0
        assert await status_code(api, "1,2", f"{PHONE},{PHONE}") == 9
        clock.forward(60)
        assert await status_code(api, "1") == 0


async def test_one_mass_question_a_minute(clock: HandClock) -> None:
    async with running(clock=clock) as api:
        pairs = ("1,2", f"{PHONE},{PHONE}")
        assert [await status_code(api, *pairs) for _ in range(2)] == [0, 9]
        assert api.simulator.violations == ["more than one mass status request in a minute"]
        assert await status_code(api, "1,", f"{PHONE},") == 0
        clock.forward(60)
        assert await status_code(api, *pairs) == 0


async def test_asking_for_the_balance_too_often(clock: HandClock) -> None:
    async with running(clock=clock) as api:
        answers = [await api.ask("balance", fmt="1") for _ in range(11)]
        assert answers == ["1000000.00"] * 10 + ["0,-9"]
        assert api.simulator.violations == ["too many balance requests"]
        clock.forward(60)
        assert await api.ask("balance") == "1000000.00"
