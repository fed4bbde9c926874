"""How much each account may ask: its `rate`, which all its requests share."""

from collections.abc import Callable

from smppbridge.model.account import Account
from smppbridge.model.token_bucket import TokenBucket


class Rates:
    """The token bucket of each account. ``time``: seconds of a clock that never goes back."""

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._buckets: dict[str, tuple[Account, TokenBucket]] = {}

    def take(self, account: Account, count: int) -> int:
        """How many of ``count`` requests may pass now. Each destination of a submit_multi counts as one."""
        known = self._buckets.get(account.name)
        if known is None or known[0] is not account:  # new settings after a reload start a new bucket
            known = (account, TokenBucket(account.rate, account.burst, self._time()))
            self._buckets[account.name] = known
        return known[1].take(count, self._time())
