"""A limit for all accounts together, of which none can use up what is there for another."""

from collections import Counter
from collections.abc import Sized


class Shares:
    """What each account holds of something that is limited for all of them together.

    1. While there is room, an account may take as much as it likes.
    2. When all is taken, an account may still take up to its share: the limit by the number of accounts. So
       an account below its share always gets more, whatever others hold.

    Together they hold less than twice the limit: at most the limit when all was taken, and their shares those
    that came later. Where there are more accounts than the limit has places, each of them has one.
    """

    def __init__(self, most: int, accounts: Sized) -> None:
        """``most``: the limit; it may be changed at any time. ``accounts``: those that there are, at any
        time."""
        self.most = most
        self.total = 0
        self.held: Counter[str] = Counter()
        self._accounts = accounts

    @property
    def share(self) -> int:
        """What an account may hold whatever the others hold."""
        return max(1, self.most // max(1, len(self._accounts)))

    def room(self, account: str) -> int:
        """How much more the account may take now; not above 0 where it may take nothing."""
        return max(self.most - self.total, self.share - self.held[account])

    def add(self, account: str, count: int) -> None:
        """The account holds so much more, or less where ``count`` is negative."""
        self.held[account] += count
        self.total += count
