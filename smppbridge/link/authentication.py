"""Who may bind: system_id, password and address are checked against the accounts.

From outside an unknown system_id and a wrong password get the same answer. They take the same time where all
accounts keep their passwords in the same way.
"""

import asyncio
import logging
from collections.abc import Callable

from smppbridge.link.refused_binds import BindRefusal
from smppbridge.model.account import Account
from smppbridge.model.passwords import same, verify_hash

log = logging.getLogger(__name__)

HASHES_AT_ONCE = 2  # a flood of binds must not take all cores, and 16 MB for each hash


class Authenticator:
    """Checks binds against the accounts by system_id."""

    def __init__(self, accounts: dict[str, Account]) -> None:
        self._accounts = accounts
        self._hashing = asyncio.Semaphore(HASHES_AT_ONCE)

    def reload(self, accounts: dict[str, Account]) -> None:
        """Use these accounts from now on."""
        self._accounts = accounts

    async def check(
        self, system_id: str, password: str, address: str, gone: Callable[[], bool]
    ) -> Account | BindRefusal:
        """The account that may bind, or why not. The address is looked at only when the password is right.

        ``gone()`` says that the peer has left: no hash is computed for it any more.
        """
        try:
            return await self._check(system_id, password, address, gone)
        except Exception:  # an ESME must get its answer all the same
            log.exception("unexpected error while binding")
            return BindRefusal.FAILURE

    async def _check(
        self, system_id: str, password: str, address: str, gone: Callable[[], bool]
    ) -> Account | BindRefusal:
        account = self._accounts.get(system_id)
        fits = await self._password_fits(account or self._decoy(), password, gone)
        if account is None:
            return BindRefusal.NO_ACCOUNT
        if not fits:
            return BindRefusal.PASSWORD
        return account if account.allows(address) else BindRefusal.ADDRESS

    def _decoy(self) -> Account | None:
        """An account with a hash, for an unknown system_id: its check must take as long as that of a known
        one."""
        return next((one for one in self._accounts.values() if one.password_hash is not None), None)

    async def _password_fits(self, account: Account | None, password: str, gone: Callable[[], bool]) -> bool:
        if account is None:
            return False
        if account.password is not None:
            return same(account.password.get_secret_value(), password)
        if account.password_hash is None:
            return False
        async with self._hashing:  # scrypt is slow on purpose: never on the event loop
            if gone():
                return False
            return await asyncio.to_thread(verify_hash, password, account.password_hash.get_secret_value())
