"""Binds that were refused: why, and the log of them.

A stranger chooses the address (of many), the system_id and how often. So the lines of a minute and what is
remembered are bounded, and one address cannot crowd out the others.
"""

import logging
from enum import Enum

from smppbridge.logs import Seldom, event
from smppbridge.smpp.constants import Status, status_name

log = logging.getLogger(__name__)

INTERVAL = 60.0  # seconds between two lines about the same
ADDRESSES = 100  # that have lines of their own in an interval; the others share theirs
NAMES = 10  # system_ids and causes that have lines of their own for one address
_OTHERS = "(others)"


class BindRefusal(Enum):
    """Why a bind is refused. The log names it; the peer learns no more than `status`."""

    NO_ACCOUNT = "no such account"
    PASSWORD = "wrong password"
    ADDRESS = "address not allowed"
    TOO_MANY = "too many binds"
    NOT_CALLED = "not the bind that our outbind asked for"
    FAILURE = "an error of the bridge"

    @property
    def status(self) -> Status:
        """The command_status of the answer. It tells nobody which system_ids exist."""
        if self in (BindRefusal.NO_ACCOUNT, BindRefusal.PASSWORD):
            return Status.ESME_RINVPASWD
        return Status.ESME_RSYSERR if self is BindRefusal.FAILURE else Status.ESME_RBINDFAIL

    @property
    def authentic(self) -> bool:
        """Whether the password was right, so that the system_id is that of an account."""
        return self.status == Status.ESME_RBINDFAIL


class RefusedBinds:
    """The log: a line a minute for each address, system_id and cause, and how many were held back."""

    def __init__(self) -> None:
        self._by_address: dict[str, tuple[float, Seldom]] = {}  # with the time of use, the oldest first
        self._others = Seldom(INTERVAL, NAMES)

    def refused(self, now: float, address: str, system_id: str, cause: BindRefusal) -> None:
        """Log this, unless the same was logged a moment ago. ``now``: seconds of the loop's clock."""
        seldom = self._of(address, now)
        peer = _OTHERS if seldom is self._others else address
        name = _clean(system_id)
        if not seldom.tells_apart((name, cause), now):
            name = _OTHERS
        times = seldom.allows((name, cause), now)
        if times:
            event(
                log,
                logging.WARNING,
                "bind refused",
                system_id=name,
                cause=cause.value,
                status=status_name(cause.status),
                peer=peer,
                held_back=times - 1,
            )

    def _of(self, address: str, now: float) -> Seldom:
        """What is remembered of an address; what is remembered of all others, when there are too many."""
        known = self._by_address.pop(address, None)
        if known is None:
            self._forget(now)
            if len(self._by_address) >= ADDRESSES:
                return self._others
        seldom = known[1] if known else Seldom(INTERVAL, NAMES)
        self._by_address[address] = now, seldom
        return seldom

    def _forget(self, now: float) -> None:
        """Drop the addresses that were quiet for an interval. They stand first."""
        for address, (used, _) in list(self._by_address.items()):
            if now - used < INTERVAL:
                return
            del self._by_address[address]


def _clean(system_id: str) -> str:
    """What a stranger wrote as system_id (at most 15 characters), fit to be read."""
    return "".join(char if char.isprintable() else "?" for char in system_id)
