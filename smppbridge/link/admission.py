"""One budget of connections for SMPP, TLS and web together, counted when a socket is accepted.

1. `Admission` is the budget of the process. It follows the limit of open files.
2. A `Budget` counts the connections in one state: inside a handshake, not yet bound, bound, web.
3. A `Place` is what one connection takes of both, from its accept to the close of its socket.

Where a budget is full the newcomer is let in, and the oldest connection of the address that has the most of
them ends: so who binds at once always gets in, however many strangers sit there. Nothing here takes longer
when there are more connections.
"""

import asyncio
import logging
import resource
from collections.abc import Callable
from enum import StrEnum

from smppbridge.logs import Complaints, event
from smppbridge.metrics import Metrics
from smppbridge.model.hosts import network_of

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 4000  # at once, of all kinds, where the system has descriptors for them
CLOSING = 16  # sockets that are displaced and still open; descriptors beyond the limit
FEWEST_CONNECTIONS = 8  # where the limit of open files is too low


def connections_for(reserve: int) -> int:
    """How many connections the limit of open files allows, when ``reserve`` descriptors are kept free for all
    else: what is open at the start, the store, providers."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft - reserve < FEWEST_CONNECTIONS:
        event(
            log,
            logging.WARNING,
            "the limit of open files (ulimit -n) is too low",
            limit=soft,
            reserve=reserve,
        )
    return most_connections(soft, reserve)


def most_connections(files: int, reserve: int) -> int:
    """The same for a limit of so many ``files``, RLIM_INFINITY among them."""
    allowed = MOST_CONNECTIONS if files == resource.RLIM_INFINITY else min(MOST_CONNECTIONS, files - reserve)
    return max(FEWEST_CONNECTIONS, allowed)


class RefusalCause(StrEnum):
    """Why a connection is closed before anybody knows whose it is. The words are labels of a metric."""

    ADDRESS = "address"  # nobody may come from there
    FULL = "full"  # all connections are those of accounts
    DISPLACED = "displaced"  # it was the oldest where a newcomer needed room
    HANDSHAKE = "handshake"  # of TLS: failed, or not done in time
    DESCRIPTORS = "descriptors"  # the process or the system has none left


class Budget:
    """The connections in one state, and how many there may be."""

    def __init__(
        self, name: str, limit: int, per_address: int | None = None, *, lasting: bool = False
    ) -> None:
        """``limit``: in all; ``per_address``: of one address (IPv6: of one /64), None = as many as in all.
        ``lasting``: they never end for the sake of newcomers."""
        self.name = name
        self.limit = limit
        self.per_address = limit if per_address is None else per_address
        self.lasting = lasting
        self.used = 0
        self._by_network: dict[str, dict[Place, None]] = {}  # each with its oldest first
        self._by_count: dict[int, dict[str, None]] = {}  # the networks that have so many
        self._most = 0  # how many the network has that has the most

    def enter(self, place: "Place") -> None:
        """Count it."""
        own = self._by_network.setdefault(place.network, {})
        own[place] = None
        self.used += 1
        self._counts(place.network, len(own) - 1, len(own))
        self._most = max(self._most, len(own))

    def leave(self, place: "Place") -> None:
        """Count it no more."""
        own = self._by_network[place.network]
        del own[place]
        self.used -= 1
        self._counts(place.network, len(own) + 1, len(own))
        if not own:
            del self._by_network[place.network]
        if self._most not in self._by_count:
            self._most -= 1  # that network has one less, and no other has as many

    def in_the_way(self, network: str) -> "Place | None":
        """Who must go so that ``network`` may have one more; None when nobody must, or nobody may."""
        if self.lasting:
            return None
        own = self._by_network.get(network, {})
        if len(own) >= self.per_address:
            return next(iter(own))
        return self.oldest() if self.used >= self.limit else None

    def oldest(self) -> "Place":
        """The oldest of the network that has the most. There must be one."""
        network = next(iter(self._by_count[self._most]))
        return next(iter(self._by_network[network]))

    def _counts(self, network: str, before: int, now: int) -> None:
        if before:
            del self._by_count[before][network]
            if not self._by_count[before]:
                del self._by_count[before]
        if now:
            self._by_count.setdefault(now, {})[network] = None


class Place:
    """What one connection takes of the budgets. ``end`` closes the connection; the acceptor sets it."""

    __slots__ = ("_admission", "address", "budget", "closing", "end", "network")

    def __init__(self, admission: "Admission", address: str) -> None:
        self._admission = admission
        self.address = address
        self.network = network_of(address)
        self.budget: Budget | None = None  # None: it is given back
        self.closing = False  # it was displaced, and its socket is open
        self.end: Callable[[], None] = _nothing

    def move(self, budget: Budget) -> None:
        """The connection is in another state now. It may be that another connection ends for it."""
        self._admission.move(self, budget)

    def give_back(self) -> None:
        """The connection is closed. It may be told twice."""
        self._admission.give_back(self)


class Admission:
    """The connections of the whole process."""

    def __init__(self, limit: int, metrics: Metrics | None = None) -> None:
        """``limit``: connections at once. ``metrics``: of the process; None where a few are apart from its
        budget."""
        self.limit = limit
        self.used = 0
        self._closing = 0  # displaced ones whose sockets are open: the loop closes them in its next turns
        self._metrics = metrics or Metrics()
        self.budgets: list[Budget] = []
        self._complaints = Complaints(log)

    def budget(
        self, name: str, limit: int, per_address: int | None = None, *, lasting: bool = False
    ) -> Budget:
        """A new budget, see there. It holds no more than all connections together."""
        budget = Budget(name, min(limit, self.limit), per_address, lasting=lasting)
        self.budgets.append(budget)
        self._metrics.connections.labels(name).set(0)
        return budget

    @property
    def crowded(self) -> bool:
        """Whether so many sockets are still to be closed that no more must be accepted in this turn."""
        return self._closing >= CLOSING

    def admit(self, address: str, budget: Budget) -> Place | None:
        """A place for a connection of ``address`` that begins in ``budget``; None when there is no room."""
        if self.used >= self.limit and not self._make_room():
            self.refused(RefusalCause.FULL, "connection refused: too many connections", limit=self.limit)
            return None
        place = Place(self, address)
        self.used += 1
        self._enter(place, budget)
        return place

    def refused(self, cause: RefusalCause, what: str, **fields: object) -> None:
        """Count a connection that ended before anybody knew whose it is, and log it once a minute."""
        self._metrics.refused_connections.labels(cause).inc()
        self._complaints(asyncio.get_running_loop().time(), what, cause, **fields)

    def move(self, place: Place, budget: Budget) -> None:
        """See `Place.move`."""
        if place.budget is not None and place.budget is not budget:
            self._leave(place, place.budget)
            self._enter(place, budget)

    def give_back(self, place: Place) -> None:
        """See `Place.give_back`."""
        if place.budget is not None:
            self._leave(place, place.budget)
            self.used -= 1
        elif place.closing:
            self._closing -= 1
        place.closing = False
        place.end = _nothing

    # --- inside --------------------------------------------------------------------------------

    def _make_room(self) -> bool:
        """End the oldest connection of the state that has the most of those that are nobody's yet."""
        passing = (one for one in self.budgets if not one.lasting)
        fullest = max(passing, key=lambda one: one.used, default=None)
        if fullest is not None and fullest.used:
            self._displace(fullest.oldest())
        return self.used < self.limit

    def _enter(self, place: Place, budget: Budget) -> None:
        other = budget.in_the_way(place.network)
        if other is not None:
            self._displace(other)
        budget.enter(place)
        place.budget = budget
        self._metrics.connections.labels(budget.name).inc()

    def _leave(self, place: Place, budget: Budget) -> None:
        budget.leave(place)
        place.budget = None
        self._metrics.connections.labels(budget.name).dec()

    def _displace(self, place: Place) -> None:
        """End it for a newcomer. Its socket is closed in the next turn of the loop."""
        state, end = place.budget.name if place.budget else "", place.end
        self.give_back(place)
        place.closing = True
        self._closing += 1
        self.refused(
            RefusalCause.DISPLACED, "connection ended for a newer one", state=state, peer=place.address
        )
        end()


def _nothing() -> None:
    pass
