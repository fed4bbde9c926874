"""Lock-outs: how many passwords may be guessed from an address, and who waits meanwhile.

1. A guess is a pair of system_id and password that was refused. The same pair again, as from equipment with
   an old password, is no new guess.
2. An address (IPv4, or the /64 of IPv6) has FREE guesses for each system_id, and FREE_TOGETHER for all. After
   each further one there is a pause that doubles, for that system_id from there, or for all. In a pause binds
   are refused without a look at the password, and it does not grow.
3. A guess is forgotten in FORGET seconds, and no pause is longer. So an address has some 20 guesses at first
   (35 for all system_ids), and then one in FORGET seconds, whatever its rhythm: all passwords of four digits
   take it 4.5 years.
4. Who is at home at an address, because it has bound there before or its ``allow_from`` names the address, is
   not locked out with it: only guesses of its own system_id count. So broken devices do not stop the others
   behind the same NAT. No address can lock out a client that is elsewhere.

The tables are bounded. When one is full, what has no pause makes room, and among what has one, that whose
pause ends first: whoever wants to be forgotten needs ENTRIES others with longer pauses, so with more guesses
each. `now` is in seconds of a clock that does not jump.
"""

from collections import OrderedDict
from collections.abc import Collection, Hashable, Iterator
from typing import Generic, NamedTuple, TypeVar

FREE = 5  # guesses without a pause, for one system_id from one address
FREE_TOGETHER = 20  # the same, for all system_ids: a site may have so many devices with old passwords
FORGET = 4 * 3600.0  # seconds until a guess is forgotten
ENTRIES = 8192  # remembered without a pause, and as many with one, of addresses and of system_ids there
GUESSES = 32  # of one system_id from one address, the newest: these are no new guesses when they come again
HOMES = 256  # addresses at which one account is at home, those of its newest binds


class Origin(NamedTuple):
    """Where a bind comes from, and for whom."""

    network: str  # see `model.hosts.network_of`
    system_id: str
    at_home: bool = False


class _Guesses:
    """What was guessed at one address, or there for one system_id."""

    __slots__ = ("_at", "_count", "known", "until")

    def __init__(self, now: float) -> None:
        self._at = now
        self._count = 0.0
        self.until = now  # the end of the pause
        self.known: dict[bytes, None] = {}  # digests, the oldest first; none for an address as a whole

    def count(self, now: float) -> float:
        """How many are not forgotten."""
        return max(0.0, self._count - (now - self._at) / FORGET)

    def add(self, free: int, now: float) -> None:
        self._count, self._at = self.count(now) + 1, now
        if self._count > free:
            self.until = now + min(2.0 ** (self._count - free - 1), FORGET)

    def take_back(self, count: int, now: float) -> None:
        self._count, self._at = max(0.0, self.count(now) - count), now
        self.until = now

    def learn(self, guess: bytes) -> None:
        self.known[guess] = None
        if len(self.known) > GUESSES:
            del self.known[next(iter(self.known))]


Key = TypeVar("Key", bound=Hashable)


class _Table(Generic[Key]):
    """Guesses by address, or by address and system_id."""

    def __init__(self, free: int, limit: int) -> None:
        self._free_guesses = free
        self._limit = limit
        self._free: OrderedDict[Key, _Guesses] = OrderedDict()  # those without a pause, unused ones first
        self._paused: dict[Key, _Guesses] = {}

    @property
    def paused(self) -> int:
        return len(self._paused)

    def __iter__(self) -> Iterator[Key]:
        return iter((*self._free, *self._paused))

    def get(self, key: Key) -> _Guesses | None:
        return self._paused.get(key) or self._free.get(key)

    def locked(self, key: Key, now: float) -> bool:
        guesses = self._paused.get(key)
        return guesses is not None and now < guesses.until

    def wrong(self, key: Key, now: float) -> _Guesses:
        """Count a guess."""
        guesses = self._paused.get(key) or self._free.pop(key, None) or _Guesses(now)
        guesses.add(self._free_guesses, now)
        if key not in self._paused:
            self._keep(key, guesses, now)
        return guesses

    def drop(self, key: Key) -> _Guesses | None:
        return self._paused.pop(key, None) or self._free.pop(key, None)

    def _keep(self, key: Key, guesses: _Guesses, now: float) -> None:
        if guesses.until <= now:
            self._free[key] = guesses
            if len(self._free) > self._limit:
                self._free.popitem(last=False)
            return
        if len(self._paused) >= self._limit:
            del self._paused[min(self._paused, key=lambda one: self._paused[one].until)]
        self._paused[key] = guesses


class Lockouts:
    """Counts wrong passwords, and says who may not try another one now."""

    def __init__(self, limit: int = ENTRIES) -> None:
        self.limit = limit
        self._by_address: _Table[str] = _Table(FREE_TOGETHER, limit)
        self._by_system_id: _Table[tuple[str, str]] = _Table(FREE, limit)
        self._homes: dict[str, OrderedDict[str, None]] = {}  # by system_id

    @property
    def used(self) -> int:
        """How many are remembered with a pause, of addresses or of system_ids there, whichever are more."""
        return max(self._by_address.paused, self._by_system_id.paused)

    def bound(self, origin: Origin) -> None:
        """This account knew its password: it is at home there from now on."""
        homes = self._homes.setdefault(origin.system_id, OrderedDict())
        homes[origin.network] = None
        homes.move_to_end(origin.network)
        if len(homes) > HOMES:
            homes.popitem(last=False)

    def at_home(self, network: str, system_id: str) -> bool:
        """Whether this account has bound from there before."""
        return network in self._homes.get(system_id, ())

    def is_known(self, origin: Origin, guess: bytes) -> bool:
        """Whether the same was guessed there before, so that it is known to be wrong."""
        guesses = self._by_system_id.get(origin[:2])
        return guesses is not None and guess in guesses.known

    def locked(self, origin: Origin, now: float) -> bool:
        """Whether no password may be tried now."""
        by_address = not origin.at_home and self._by_address.locked(origin.network, now)
        return by_address or self._by_system_id.locked(origin[:2], now)

    def count(self, origin: Origin, now: float) -> float:
        """How many guesses count here that are not forgotten."""
        at_home = origin.at_home
        guesses = self._by_system_id.get(origin[:2]) if at_home else self._by_address.get(origin.network)
        return guesses.count(now) if guesses is not None else 0.0

    def wrong(self, origin: Origin, guess: bytes, now: float) -> None:
        """A password was wrong. ``guess``: a digest of it."""
        self._by_address.wrong(origin.network, now)
        self._by_system_id.wrong(origin[:2], now).learn(guess)

    def forget(self, system_ids: Collection[str], now: float) -> None:
        """The passwords of these accounts are others now: what was guessed about them means nothing."""
        for key in [key for key in self._by_system_id if key[1] in system_ids]:
            void, others = self._by_system_id.drop(key), self._by_address.get(key[0])
            if void is not None and others is not None:
                others.take_back(len(void.known), now)

    def forget_homes(self, accounts: Collection[str]) -> None:
        """There are only these accounts any more."""
        for system_id in self._homes.keys() - set(accounts):
            del self._homes[system_id]
