"""Who may bind: what is told to whom, when, and what a flood of binds may cost."""

import asyncio

import pytest

from smppbridge.link.authentication import ANSWER_TIME
from smppbridge.link.hash_slots import WAITING
from smppbridge.link.lockouts import FORGET, FREE, FREE_TOGETHER
from smppbridge.link.refused_binds import BindRefusal
from smppbridge.model.account import Account
from tests.support.system.clock import clock, turns, until
from tests.unit.link.gate import (
    ALL,
    ELSEWHERE,
    FAR,
    FAR_HASHED,
    FORBIDDEN,
    HASHED,
    HERE,
    LOCKED,
    PLAIN,
    UNKNOWN,
    WRONG,
    Gate,
    Hashing,
)
from tests.unit.link.served import account, weak_hash

# --- who, and what it costs ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system_id", "password", "address", "result", "hashes"),
    [
        ("pbx", "secret", HERE, PLAIN, 0),
        ("pbx", "secret", ELSEWHERE, PLAIN, 0),
        ("pbx", "Secret", HERE, WRONG, 1),
        ("pbx", "", HERE, WRONG, 1),
        ("pbx", "hidden", HERE, WRONG, 1),  # the password of the hash that it is compared with
        ("PBX", "secret", HERE, UNKNOWN, 1),
        ("", "hidden", HERE, UNKNOWN, 1),
        ("far", "secret", ELSEWHERE, FAR, 0),
        ("far", "secret", HERE, FORBIDDEN, 1),
        ("far", "wrong", HERE, FORBIDDEN, 1),
        ("hashed", "hidden", HERE, HASHED, 1),
        ("hashed", "secret", HERE, WRONG, 1),
        ("hashed", weak_hash(b"hidden"), HERE, WRONG, 1),
        ("far-hashed", "hidden", HERE, FORBIDDEN, 1),
        ("far-hashed", "hidden", ELSEWHERE, FAR_HASHED, 1),
    ],
)
async def test_who_may_bind(
    system_id: str,
    password: str,
    address: str,
    result: Account | BindRefusal,
    hashes: int,
    hashing: Hashing,
) -> None:
    """Every refusal costs one hash, so that the time it takes tells nothing."""
    assert await Gate().bind(system_id, password, address) == result
    assert hashing.count == hashes


async def test_without_any_hash_there_is_none_to_compare_with(hashing: Hashing) -> None:
    assert await Gate({"pbx": PLAIN}).bind("nobody") == UNKNOWN
    assert await Gate({"pbx": PLAIN}).bind("pbx", "wrong") == WRONG
    assert await Gate({}).bind() == UNKNOWN
    assert hashing.count == 0


async def test_what_stands_for_a_hash_is_as_dear_as_the_dearest(hashing: Hashing) -> None:
    dear = account("dear", password_hash=weak_hash(b"hidden").replace("$1024$", "$2048$"))
    await Gate(ALL | {"dear": dear}).bind("nobody")
    assert [one.split("$")[1] for one in hashing.used] == ["2048"]


async def test_a_right_password_is_known_again_without_a_hash(hashing: Hashing) -> None:
    gate = Gate()
    for address in (HERE, ELSEWHERE):
        assert await gate.bind("hashed", "hidden", address) == HASHED
    assert hashing.count == 1
    assert await gate.bind("hashed", "hidden2") == WRONG
    assert await gate.bind("pbx", "hidden") == WRONG
    assert hashing.count == 3


async def test_a_hash_runs_beside_the_loop(hashing: Hashing) -> None:
    gate = Gate()
    hashing.open.clear()
    check = asyncio.ensure_future(gate.bind("hashed", "hidden"))
    await until(lambda: hashing.count == 1)
    assert await gate.bind("pbx") == PLAIN
    assert not check.done()
    hashing.open.set()
    assert await check == HASHED


# --- when ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("accounts", [{"pbx": PLAIN, "far": FAR}, ALL])
async def test_all_refusals_leave_at_the_same_time(accounts: dict[str, Account]) -> None:
    """Whatever the check found, and at once when the password is right."""
    gate = Gate(accounts, ANSWER_TIME)
    binds = [("nobody", "x"), ("pbx", "x"), ("far", "secret"), ("far", "x"), ("hashed", "x")]
    clock().stop_clock()
    checks = [asyncio.ensure_future(gate.bind(*bind, f"192.0.2.{i}")) for i, bind in enumerate(binds)]
    checks.append(asyncio.ensure_future(gate.bind("nobody", "x", "192.0.2.0")))  # once more
    await until(lambda: len(clock().timers()) == len(checks))
    assert {round(seconds, 6) for seconds in clock().timers()} == {ANSWER_TIME}
    assert await gate.bind() == PLAIN
    clock().forward(ANSWER_TIME - 0.001)
    await turns()
    assert not any(check.done() for check in checks)
    clock().forward(0.001)
    await turns()
    assert [check.result() for check in checks[:4]] == [UNKNOWN, WRONG, FORBIDDEN, FORBIDDEN]


async def test_a_lock_out_is_answered_at_that_time_too() -> None:
    gate = Gate(answer_time=ANSWER_TIME)
    clock().stop_clock()
    checks = [asyncio.ensure_future(gate.bind("nobody", f"{n}", "192.0.2.9")) for n in range(FREE + 2)]
    await until(lambda: len(clock().timers()) == FREE + 2)
    assert {round(seconds, 6) for seconds in clock().timers()} == {ANSWER_TIME}
    clock().forward(ANSWER_TIME)
    await turns()
    assert [check.result() for check in checks].count(LOCKED) == 1


@pytest.mark.parametrize("system_id", ["nobody", "pbx", "far", "hashed"])
async def test_a_long_check_is_answered_at_the_next_such_time(system_id: str, hashing: Hashing) -> None:
    gate = Gate(answer_time=ANSWER_TIME)
    clock().stop_clock()
    hashing.open.clear()
    check = asyncio.ensure_future(gate.bind(system_id, "x"))
    await until(lambda: hashing.count)
    clock().forward(1.2)
    hashing.open.set()
    await until(lambda: clock().timers())
    assert clock().timers() == [pytest.approx(0.3)]
    check.cancel()


# --- lock-outs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("system_id", ["pbx", "nobody", "far", "hashed"])
async def test_who_guesses_the_password_of_one_system_id_is_locked_out(
    system_id: str, hashing: Hashing
) -> None:
    gate = Gate()
    clock().stop_clock()
    refusal = {"nobody": UNKNOWN, "far": FORBIDDEN}.get(system_id, WRONG)
    assert await gate.guess(FREE + 1, system_id) == [refusal] * (FREE + 1)
    assert await gate.bind(system_id, "no 0") == refusal  # known to be wrong
    for password in ("another", "secret", "hidden"):  # nobody looks whether it is right
        assert await gate.bind(system_id, password) == (FORBIDDEN if system_id == "far" else LOCKED)
    assert hashing.count == FREE + 1
    assert await gate.bind(system_id, "another", address=ELSEWHERE) != LOCKED


async def test_an_address_that_guesses_is_locked_out() -> None:
    gate = Gate()
    clock().stop_clock()
    for number in range(FREE_TOGETHER + 1):
        assert await gate.bind(f"device{number}", "old") == UNKNOWN
    assert await gate.bind() == LOCKED  # though nobody guessed its password
    assert await gate.bind("device1", "old") == UNKNOWN
    assert await gate.bind(address=ELSEWHERE) == PLAIN
    clock().forward(1.0)
    assert await gate.bind() == PLAIN


async def test_the_addresses_of_one_subscriber_count_together() -> None:
    gate = Gate()
    clock().stop_clock()
    for number in range(FREE + 1):
        await gate.bind("pbx", f"no {number}", f"2001:db8:0:1::{number}")
    assert await gate.bind(address="2001:db8:0:1::99") == LOCKED
    assert await gate.bind(address="2001:db8:0:2::99") == PLAIN


async def test_equipment_with_an_old_password_stays_one_guess(hashing: Hashing) -> None:
    gate = Gate()
    for _ in range(100):
        assert await gate.bind("pbx", "old") == WRONG
    assert hashing.count == 1
    assert await gate.bind() == PLAIN


async def test_the_others_behind_the_same_nat_go_on(hashing: Hashing) -> None:
    """Those that have bound before, and those whose allow_from names the address."""
    gate = Gate(ALL | {"near": account("near", allow_from=[HERE])})
    clock().stop_clock()
    assert await gate.bind() == PLAIN
    assert await gate.bind("hashed", "hidden") == HASHED
    for number in range(FREE_TOGETHER + 1):
        await gate.bind(f"broken{number}")
    assert await gate.bind() == PLAIN
    assert await gate.bind("hashed", "hidden") == HASHED
    assert isinstance(await gate.bind("near"), Account)
    assert await gate.bind("far", address=ELSEWHERE) == FAR
    assert await gate.bind("other") == LOCKED


async def test_an_account_at_home_is_guessed_no_faster() -> None:
    gate = Gate()
    clock().stop_clock()
    assert await gate.bind() == PLAIN
    assert await gate.guess(FREE + 2) == [WRONG] * (FREE + 1) + [LOCKED]
    assert await gate.bind() == LOCKED  # though it was right before: else this would tell who guesses right
    assert await gate.bind("hashed", "hidden") == HASHED
    clock().forward(1.0)
    assert await gate.bind() == PLAIN
    assert await gate.guess(FREE + 1) == [WRONG] * (FREE + 1)  # these are known
    assert await gate.bind("pbx", "new guess") == WRONG
    assert await gate.bind() == LOCKED  # a bind that succeeded gives no new guesses


async def test_guesses_that_come_at_once_are_counted_one_by_one(hashing: Hashing) -> None:
    gate = Gate()
    clock().stop_clock()
    found = await asyncio.gather(*(gate.bind("hashed", f"no {number}") for number in range(50)))
    assert found.count(WRONG) == hashing.count == FREE + 1
    assert found.count(LOCKED) == 49 - FREE


# --- the queue of hashes ---------------------------------------------------------------------------


async def test_a_crowd_of_strangers_delays_nobody(hashing: Hashing) -> None:
    """A bind waits for the two hashes that are computed when it comes, and no longer."""
    gate = Gate()
    hashing.open.clear()
    crowd = [
        asyncio.ensure_future(gate.bind("hashed", "no", f"10.0.{number // 200}.{number % 200}"))
        for number in range(400)
    ]
    await until(lambda: hashing.count == 2)
    honest = asyncio.ensure_future(gate.bind("hashed", "hidden", ELSEWHERE))
    await turns()
    hashing.open.set()
    assert await honest == HASHED
    assert hashing.count < 20  # of 400: some begin while the honest bind is told
    assert await gate.bind("hashed", "hidden", ELSEWHERE) == HASHED
    for task in crowd:
        task.cancel()


async def test_who_is_at_home_goes_before_newer_strangers(hashing: Hashing) -> None:
    gate = Gate(ALL | {"near": account("near", password_hash=weak_hash(b"hidden"), allow_from=[HERE])})
    hashing.open.clear()
    order: list[str] = []

    async def bind(name: str, system_id: str, password: str, address: str) -> None:
        await gate.bind(system_id, password, address)
        order.append(name)

    tasks = [asyncio.ensure_future(bind("first", "nobody", "x", f"10.0.0.{n}")) for n in range(2)]
    await until(lambda: hashing.count == 2)
    gate.authenticator.slots.limit = 1
    for name, *how in [("near", "near", "hidden", HERE), ("stranger", "nobody", "x", "10.0.1.1")]:
        tasks.append(asyncio.ensure_future(bind(name, *how)))
        await turns()
    hashing.open.set()
    await asyncio.gather(*tasks)
    assert order == ["first", "first", "near", "stranger"]


async def test_no_hash_is_computed_for_a_peer_that_has_left(hashing: Hashing) -> None:
    assert await Gate().bind("hashed", "hidden", gone=lambda: True) == BindRefusal.BUSY
    assert hashing.count == 0


async def test_where_too_many_wait_strangers_hear_nothing_else_than_accounts(hashing: Hashing) -> None:
    gate = Gate()
    hashing.open.clear()
    names = [("hashed", "nobody", "far", "pbx")[number % 4] for number in range(WAITING + 6)]
    binds = [gate.bind(name, "no", f"10.0.0.{number}") for number, name in enumerate(names)]
    tasks = [asyncio.ensure_future(bind) for bind in binds]
    await until(lambda: hashing.count == 2)
    await turns(10)
    assert [task.result() for task in tasks if task.done()] == [BindRefusal.BUSY] * 4
    for task in tasks:
        task.cancel()
    hashing.open.set()  # the end of the loop waits for its threads


async def test_four_digits_take_one_address_years() -> None:
    """The same, through the front door: a stranger that tries without a pause."""
    gate = Gate({"pbx": account(password="9999")})
    clock().stop_clock()
    tried, hours = 0, 0
    while hours < 10 * 24:
        while await gate.bind("pbx", f"{tried:04}") == WRONG:
            tried += 1
        clock().forward(3600.0)
        hours += 1
    assert tried <= 10 * 24 * 3600 / FORGET + 25
