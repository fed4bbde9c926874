"""Who may bind: what is told to whom, and what a flood of binds may cost."""

import asyncio

import pytest

from smppbridge.link.authentication import HASHES_AT_ONCE, Authenticator
from smppbridge.link.refused_binds import BindRefusal
from smppbridge.model.account import Account
from smppbridge.model.passwords import hash_password
from tests.unit.link.served import account, weak_hash

HERE, ELSEWHERE = "127.0.0.1", "192.0.2.1"
WRONG, UNKNOWN = BindRefusal.PASSWORD, BindRefusal.NO_ACCOUNT


PLAIN, FAR = account("pbx"), account("far", allow_from=[ELSEWHERE])
HASHED = account("hashed", password_hash=weak_hash(b"hidden"))
ALL = {one.name: one for one in (PLAIN, FAR, HASHED)}


class Peer:
    """Somebody who binds. ``asked``: how often it was looked whether it is still there, before a hash."""

    def __init__(self, gone: bool = False) -> None:
        self.asked = 0
        self._gone = gone

    def gone(self) -> bool:
        self.asked += 1
        return self._gone


@pytest.mark.parametrize(
    ("system_id", "password", "address", "result"),
    [
        ("pbx", "secret", HERE, PLAIN),
        ("pbx", "secret", ELSEWHERE, PLAIN),
        ("pbx", "Secret", HERE, WRONG),
        ("pbx", "", HERE, WRONG),
        ("PBX", "secret", HERE, UNKNOWN),
        ("", "secret", HERE, UNKNOWN),
        ("far", "secret", ELSEWHERE, FAR),
        ("far", "secret", HERE, BindRefusal.ADDRESS),
        ("far", "wrong", HERE, WRONG),  # a stranger does not learn that the address is wrong
        ("hashed", "hidden", HERE, HASHED),
        ("hashed", "secret", HERE, WRONG),
        ("hashed", weak_hash(b"hidden"), HERE, WRONG),
    ],
)
async def test_who_may_bind(
    system_id: str, password: str, address: str, result: Account | BindRefusal
) -> None:
    assert await Authenticator(ALL).check(system_id, password, address, Peer().gone) == result


async def test_the_accounts_of_a_reload_count() -> None:
    authenticator = Authenticator(ALL)
    authenticator.reload({"new": account("new", password="other")})
    assert await authenticator.check("pbx", "secret", HERE, Peer().gone) == UNKNOWN
    assert await authenticator.check("new", "other", HERE, Peer().gone) == account("new", password="other")


async def test_an_unknown_name_takes_as_long_as_a_known_one() -> None:
    """Its password is compared with the hash of another account, even when it is the right one for that."""
    for password in ("hidden", "wrong"):
        stranger = Peer()
        assert await Authenticator(ALL).check("nobody", password, HERE, stranger.gone) == UNKNOWN
        assert stranger.asked == 1
    quick = Peer()
    assert await Authenticator(ALL).check("pbx", "secret", HERE, quick.gone) == PLAIN
    assert quick.asked == 0


async def test_without_any_hash_there_is_none_to_compare_with() -> None:
    stranger = Peer()
    assert await Authenticator({"pbx": PLAIN}).check("nobody", "x", HERE, stranger.gone) == UNKNOWN
    assert await Authenticator({}).check("nobody", "x", HERE, stranger.gone) == UNKNOWN
    assert stranger.asked == 0


async def test_no_hash_is_computed_for_a_peer_that_has_left() -> None:
    gone = Peer(gone=True)
    assert await Authenticator(ALL).check("hashed", "hidden", HERE, gone.gone) == WRONG
    assert gone.asked == 1


async def test_a_flood_of_binds_computes_two_hashes_at_once() -> None:
    assert HASHES_AT_ONCE == 2
    authenticator = Authenticator(ALL)
    at_once: list[int] = []
    checks: list[asyncio.Task[Account | BindRefusal]] = []

    def gone() -> bool:
        """Called when a hash is about to be computed."""
        at_once.append(len(at_once) + 1 - sum(check.done() for check in checks))
        return False

    for _ in range(6):
        checks.append(asyncio.ensure_future(authenticator.check("hashed", "hidden", HERE, gone)))
    assert await asyncio.gather(*checks) == [HASHED] * 6
    assert len(at_once) == 6
    assert max(at_once) == 2


async def test_the_loop_runs_on_while_a_hash_is_computed() -> None:
    accounts = {"slow": account("slow", password_hash=hash_password("hidden"))}
    check = asyncio.ensure_future(Authenticator(accounts).check("slow", "hidden", HERE, Peer().gone))
    turns = 0
    while not check.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 20
