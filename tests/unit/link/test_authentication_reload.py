"""Who may bind after a reload: what was guessed, and what was known, about accounts that have changed."""

import asyncio

from smppbridge.link.lockouts import FREE
from tests.support.system.clock import clock, until
from tests.unit.link.gate import (
    ALL,
    FORBIDDEN,
    HASHED,
    HERE,
    LOCKED,
    UNKNOWN,
    WRONG,
    Gate,
    Hashing,
)
from tests.unit.link.served import account, weak_hash


async def test_the_accounts_of_a_reload_count() -> None:
    gate = Gate()
    new = account("new", password="other")
    gate.authenticator.reload({"new": new})
    assert await gate.bind() == UNKNOWN
    assert await gate.bind("new", "other") == new


async def test_a_new_password_counts_at_once_for_who_tried_it_before() -> None:
    gate = Gate()
    clock().stop_clock()
    await gate.guess(FREE, "pbx")
    assert await gate.bind("pbx", "new") == WRONG
    assert await gate.bind("pbx", "secret") == LOCKED
    changed = account("pbx", password="new")
    gate.authenticator.reload(ALL | {"pbx": changed})
    assert await gate.bind("pbx", "new") == changed
    assert await gate.bind("pbx", "secret") == WRONG


async def test_a_new_hash_or_address_counts_at_once(hashing: Hashing) -> None:
    gate = Gate()
    assert await gate.bind("hashed", "hidden") == HASHED
    assert await gate.bind("far") == FORBIDDEN
    changed = account("hashed", password_hash=weak_hash(b"new"))
    here = account("far", allow_from=[HERE])
    gate.authenticator.reload(ALL | {"hashed": changed, "far": here})
    assert await gate.bind("hashed", "hidden") == WRONG
    assert await gate.bind("hashed", "new") == changed
    assert await gate.bind("far") == here


async def test_a_reload_that_changes_something_else_forgets_nothing(hashing: Hashing) -> None:
    gate = Gate()
    clock().stop_clock()
    assert await gate.bind("hashed", "hidden") == HASHED
    await gate.guess(FREE + 1, "pbx")
    count = hashing.count
    same_password = account("hashed", password_hash=HASHED.password_hash, window=7)
    gate.authenticator.reload(ALL | {"hashed": same_password})
    assert await gate.bind("hashed", "hidden") == same_password
    assert await gate.bind() == LOCKED
    assert hashing.count == count


async def test_a_reload_while_a_hash_is_computed_counts(hashing: Hashing) -> None:
    gate = Gate()
    hashing.open.clear()
    check = asyncio.ensure_future(gate.bind("hashed", "hidden"))
    await until(lambda: hashing.count == 1)
    gate.authenticator.reload({"hashed": account("hashed", password_hash=weak_hash(b"new"))})
    hashing.open.set()
    assert await check == WRONG


async def test_other_settings_of_a_reload_count_for_who_waits_for_its_hash(hashing: Hashing) -> None:
    gate = Gate()
    hashing.open.clear()
    check = asyncio.ensure_future(gate.bind("hashed", "hidden"))
    await until(lambda: hashing.count == 1)
    changed = account("hashed", password_hash=HASHED.password_hash, window=7)
    gate.authenticator.reload({"hashed": changed})
    hashing.open.set()
    assert await check is changed
