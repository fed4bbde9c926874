"""Binds as the server checks them, and the hashes that are computed for them."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from smppbridge.link import authentication
from smppbridge.link.authentication import Authenticator
from smppbridge.link.refused_binds import BindRefusal
from smppbridge.model.account import Account
from smppbridge.model.passwords import verify_hash
from tests.unit.link.served import account, weak_hash

HERE, ELSEWHERE = "127.0.0.1", "192.0.2.1"
WRONG, UNKNOWN, FORBIDDEN = BindRefusal.PASSWORD, BindRefusal.NO_ACCOUNT, BindRefusal.ADDRESS
LOCKED = BindRefusal.LOCKED_OUT

PLAIN, FAR = account("pbx"), account("far", allow_from=[ELSEWHERE])
HASHED = account("hashed", password_hash=weak_hash(b"hidden"))
FAR_HASHED = account("far-hashed", password_hash=weak_hash(b"hidden"), allow_from=[ELSEWHERE])
ALL = {one.name: one for one in (PLAIN, FAR, HASHED, FAR_HASHED)}


class Gate:
    """Who binds, and the hashes that are computed for it."""

    def __init__(self, accounts: dict[str, Account] = ALL, answer_time: float = 0.0) -> None:
        self.authenticator = Authenticator(accounts, answer_time=answer_time)

    async def bind(
        self,
        system_id: str = "pbx",
        password: str = "secret",
        address: str = HERE,
        gone: Callable[[], bool] = lambda: False,
    ) -> Account | BindRefusal:
        """As the server does it."""
        came = asyncio.get_running_loop().time()
        verdict = await self.authenticator.check(system_id, password, address, gone)
        if isinstance(verdict, BindRefusal):
            await self.authenticator.wait(verdict, came)
        return verdict

    async def guess(self, count: int, system_id: str = "pbx", address: str = HERE) -> list[object]:
        """The answers to so many wrong passwords."""
        return [await self.bind(system_id, f"no {number}", address) for number in range(count)]


class Hashing:
    """Which hashes were computed. They wait while it is not ``open``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.used: list[str] = []
        self.open = threading.Event()
        self.open.set()
        monkeypatch.setattr(authentication, "verify_hash", self._counted)

    @property
    def count(self) -> int:
        return len(self.used)

    def _counted(self, password: str, encoded: str) -> bool:
        self.used.append(encoded)
        self.open.wait(10)
        return verify_hash(password, encoded)
