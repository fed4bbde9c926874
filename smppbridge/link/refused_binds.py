"""Binds that were refused: why, and the log of them.

A stranger chooses the address (of many), the system_id and how often. So the lines of a minute and what is
remembered are bounded, and one address cannot crowd out the others.
"""

import logging
from enum import Enum

from smppbridge.logs import Seldom, event
from smppbridge.model.hosts import network_of
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
    LOCKED_OUT = "locked out after wrong passwords"
    BUSY = "too many passwords wait for their check"
    TOO_MANY = "too many binds"
    NOT_CALLED = "not the bind that our outbind asked for"
    FAILURE = "an error of the bridge"

    @property
    def status(self) -> Status:
        """The command_status of the answer. To who does not know the password it tells nothing."""
        if self in (BindRefusal.BUSY, BindRefusal.FAILURE):  # many clients give up for good at ESME_RINVPASWD
            return Status.ESME_RSYSERR
        after_password = self in (BindRefusal.TOO_MANY, BindRefusal.NOT_CALLED)
        return Status.ESME_RBINDFAIL if after_password else Status.ESME_RINVPASWD

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
        crowd = cause is BindRefusal.BUSY  # nobody's fault in particular
        seldom = self._others if crowd else self._of(network_of(address), now)
        peer = _OTHERS if seldom is self._others else address
        # A lock-out is the address's: it has one line, whatever it tries meanwhile.
        key = ("" if crowd or cause is BindRefusal.LOCKED_OUT else system_id, cause)
        name = system_id if seldom.tells_apart(key, now) and not crowd else _OTHERS
        times = seldom.allows(key, now)
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
