"""What accounts have submitted and no provider has taken yet: counted, so that no submit_sm asks the store.

A message counts from the time when it is being saved until a provider has it or it has ended (COLLECTING to
UNCERTAIN). The parts of a long message count one by one until they are joined.
"""

from collections.abc import Mapping

from smppbridge.model.account import Account
from smppbridge.model.shares import Shares

MAX_UNSAVED = 50_000  # submit_sm that wait for their COMMIT

_OWN = "accounts.{}.max_queued is reached; see why its messages wait, or raise it"
_ALL = "store.max_queued is reached, and {} has its share; see why messages wait, or raise it"
_DISK = "too many submit_sm of {} wait until they are on disk; the disk is slow"


class Waiting:
    """How many messages of each account wait, and how many may.

    1. An account with `max_queued` may have so many, whatever others have.
    2. The others share `store.max_queued` by the rules of `Shares`. What accounts with `max_queued` have
       leaves less to those above their shares.
    3. What is being saved has a limit of its own, which all accounts share by these rules.

    So all together have less than twice `store.max_queued`, and the `max_queued` of those that have one.
    """

    def __init__(self, most: int, accounts: Mapping[str, Account], *, max_unsaved: int = MAX_UNSAVED) -> None:
        """``most``: `store.max_queued`; a reload changes ``messages.most``. ``accounts``: those in force."""
        self.messages = Shares(most, accounts)
        self.unsaved = Shares(max_unsaved, accounts)

    def limit(self, account: Account) -> int:
        """How many messages of the account may wait, whatever others do."""
        return account.max_queued or self.messages.share

    def room(self, account: Account) -> int:
        """How many more submit_sm of the account may be taken now; not above 0 where none may."""
        return min(self._places(account), self.unsaved.room(account.name))

    def why_full(self, account: Account) -> str:
        """Why there is no room, and what helps."""
        name = account.name
        if self.unsaved.room(name) < self._places(account):
            return _DISK.format(name)
        return _OWN.format(name) if account.max_queued else _ALL.format(name)

    def save(self, account: str, count: int) -> None:
        """So many submit_sm are being saved."""
        self.unsaved.add(account, count)
        self.messages.add(account, count)

    def saved(self, account: str, count: int, new: int) -> None:
        """The saving of so many is over. ``new`` of them are messages or parts that were not there before."""
        self.unsaved.add(account, -count)
        self.messages.add(account, new - count)

    def left(self, account: str, count: int) -> None:
        """So many wait no longer: a provider has taken them, they have ended, or a long message has them."""
        self.messages.add(account, -count)

    def stored(self) -> dict[str, int]:
        """What is on disk of each account, by this count."""
        return {name: held - self.unsaved.held[name] for name, held in self.messages.held.items()}

    def correct(self, stored: Mapping[str, int], counted: Mapping[str, int]) -> None:
        """The store had ``counted`` at the moment of which this count says ``stored``. What came and left
        since then stays counted."""
        for name in stored.keys() | counted.keys():
            self.messages.add(name, counted.get(name, 0) - stored.get(name, 0))

    def _places(self, account: Account) -> int:
        if account.max_queued:
            return account.max_queued - self.messages.held[account.name]
        return self.messages.room(account.name)
