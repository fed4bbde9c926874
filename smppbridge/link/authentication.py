"""Who may bind: the address, lock-outs and the password are checked, in this order.

From outside these look the same: an unknown system_id, a wrong password, an address that is not allowed, and
a lock-out. All get one status. The answer leaves ANSWER_TIME after the bind came, or at a multiple of it when
the check takes longer. Where any account has a password_hash, a hash is computed for each new guess, also
where none is there to compare with: so a queue of hashes tells nothing either. Where that is full, all that
would have to wait are told to come later.

A right password is answered at once. It is known again when it comes the next time, and costs no hash then.
"""

import asyncio
import hashlib
import hmac
import logging
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from smppbridge.link.allowed_addresses import AllowedAddresses
from smppbridge.link.hash_slots import HashSlots, Missed
from smppbridge.link.lockouts import Lockouts, Origin
from smppbridge.link.refused_binds import BindRefusal
from smppbridge.model.account import Account
from smppbridge.model.hosts import network_of
from smppbridge.model.passwords import same, verify_hash, work_of

log = logging.getLogger(__name__)

ANSWER_TIME = 0.5  # seconds: more than a check takes where no queue waits


@dataclass(eq=False, slots=True)
class _Attempt:
    """One bind that waits for its answer. It is the `Claim` of a hash, too."""

    system_id: str
    password: str
    address: str
    gone: Callable[[], bool]
    lockouts: Lockouts
    since: float
    origin: Origin = field(init=False)
    known: Account | None = field(init=False)
    account: Account | None = field(init=False)  # the same, if it may bind from this address
    refusal: BindRefusal = field(init=False)  # what it is when the password is not right

    def look_up(self, accounts: Mapping[str, Account]) -> None:
        """Find the account, and whose guesses count."""
        network = network_of(self.address)
        self.known = known = accounts.get(self.system_id)
        self.account = None
        if known is None:
            self.refusal = BindRefusal.NO_ACCOUNT
        elif not known.allows(self.address):
            self.refusal = BindRefusal.ADDRESS
        else:
            self.account, self.refusal = known, BindRefusal.PASSWORD
        named = self.account is not None and self.account.allow_from is not None
        at_home = named or (self.account is not None and self.lockouts.at_home(network, self.system_id))
        self.origin = Origin(network, self.system_id, at_home)

    @property
    def lane(self) -> tuple[str, str]:
        """The address, or an account that is at home there."""
        return self.origin.network, self.system_id if self.origin.at_home else ""

    def rank(self) -> tuple[float, ...]:
        """Who is at home goes first, then who has guessed least."""
        return not self.origin.at_home, self.lockouts.count(self.origin, _now())


class Authenticator:
    """Checks binds against the accounts by system_id."""

    def __init__(self, accounts: Mapping[str, Account], *, answer_time: float = ANSWER_TIME) -> None:
        """``answer_time``: see ANSWER_TIME; 0: refusals need not wait."""
        self._answer_time = answer_time
        self._key = os.urandom(32)  # of digests, which never leave the process
        self._verified: dict[str, bytes] = {}  # by system_id: the digest of a password that its hash took
        self.lockouts = Lockouts()
        self.slots = HashSlots()
        self.addresses = AllowedAddresses(accounts)
        self._use(accounts)

    def reload(self, accounts: Mapping[str, Account]) -> None:
        """Use these accounts from now on. What was guessed about an account that has changed is forgotten."""
        before = self._accounts
        self._use(accounts)
        names = before.keys() | accounts.keys()
        changed = {name for name in names if _access(before.get(name)) != _access(accounts.get(name))}
        for name in changed:
            self._verified.pop(name, None)
        self.lockouts.forget(changed, _now())
        self.lockouts.forget_homes(accounts)

    async def check(
        self, system_id: str, password: str, address: str, gone: Callable[[], bool]
    ) -> Account | BindRefusal:
        """The account that may bind, or why not.

        ``gone()`` says that the peer has left: no hash is computed for it any more.
        """
        attempt = _Attempt(system_id, password, address, gone, self.lockouts, _now())
        try:
            return await self._check(attempt)
        except Exception:  # an ESME must get its answer all the same
            log.exception("unexpected error while binding")
            return BindRefusal.FAILURE

    async def wait(self, refusal: BindRefusal, came: float) -> None:
        """Return when a bind that came at ``came`` may hear that it is refused."""
        if self._answer_time and not refusal.authentic:
            waited = (_now() - came) / self._answer_time
            await asyncio.sleep((max(1, math.ceil(waited)) - waited) * self._answer_time)

    # --- inside --------------------------------------------------------------------------------

    def _use(self, accounts: Mapping[str, Account]) -> None:
        self._accounts = dict(accounts)
        self.addresses.use(accounts)
        hashes = [one.password_hash.get_secret_value() for one in accounts.values() if one.password_hash]
        self._decoy = max(hashes, key=work_of, default=None)  # the dearest stands for what there is not

    async def _check(self, attempt: _Attempt) -> Account | BindRefusal:
        while True:
            attempt.look_up(self._accounts)
            guess = self._digest(attempt)
            if (verdict := self._without_hash(attempt, guess)) is not None:
                return verdict
            account = attempt.account
            own = account.password_hash if account is not None else None
            encoded = own.get_secret_value() if own is not None else self._decoy
            if encoded is None:
                return self._wrong(attempt, guess)
            fits = await self.slots.compute(attempt, partial(verify_hash, attempt.password, encoded))
            if fits in (Missed.GONE, Missed.CROWDED):
                return BindRefusal.BUSY
            newest = self._accounts.get(attempt.system_id)
            if _access(newest) != _access(attempt.known) or fits is Missed.TOLD:
                continue  # more is known by now
            if newest is not None and own is not None and fits is True:
                self._verified[newest.name] = guess
                return self._right(attempt, newest)
            return self._wrong(attempt, guess)

    def _without_hash(self, attempt: _Attempt, guess: bytes) -> Account | BindRefusal | None:
        """What can be told without a hash; None: not enough."""
        if self.lockouts.is_known(attempt.origin, guess):
            return attempt.refusal
        if self.lockouts.locked(attempt.origin, _now()):
            forbidden = attempt.refusal is BindRefusal.ADDRESS
            return BindRefusal.ADDRESS if forbidden else BindRefusal.LOCKED_OUT
        account = attempt.account
        if account is None:
            return None
        if account.password is not None:
            right = same(account.password.get_secret_value(), attempt.password)
        else:
            right = hmac.compare_digest(self._verified.get(account.name, b""), guess)
        return self._right(attempt, account) if right else None

    def _right(self, attempt: _Attempt, account: Account) -> Account:
        self.lockouts.bound(attempt.origin)
        return account

    def _wrong(self, attempt: _Attempt, guess: bytes) -> BindRefusal:
        self.lockouts.wrong(attempt.origin, guess, _now())
        return attempt.refusal

    def _digest(self, attempt: _Attempt) -> bytes:
        """Equal for the same guess. From an address that is not allowed it is another one: addresses that
        count as one may differ in that."""
        guess = repr((attempt.system_id, attempt.password, attempt.refusal is BindRefusal.ADDRESS))
        return hashlib.blake2b(guess.encode(), key=self._key, digest_size=16).digest()


def _access(account: Account | None) -> object:
    """What decides who may bind."""
    return account and (account.password, account.password_hash, account.allow_from)


def _now() -> float:
    return asyncio.get_running_loop().time()
