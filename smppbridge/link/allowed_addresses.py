"""The addresses from which anybody may bind at all: all others are not let in."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, collapse_addresses

from smppbridge.model.account import Account
from smppbridge.model.hosts import is_within

_KNOWN = 4096  # addresses whose answer is remembered


class AllowedAddresses:
    """The union of ``allow_from`` of all accounts; everything where an account has none."""

    def __init__(self, accounts: Mapping[str, Account]) -> None:
        self._known: dict[str, bool] = {}
        self.use(accounts)

    def use(self, accounts: Mapping[str, Account]) -> None:
        """These are the accounts from now on."""
        self._networks = _union(accounts.values())
        self._known.clear()

    def allow(self, address: str) -> bool:
        """Whether some account may bind from ``address``."""
        if self._networks is None:
            return True
        known = self._known.get(address)
        if known is None:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            known = self._known[address] = is_within(address, self._networks)
        return known


def _union(accounts: Iterable[Account]) -> list[IPv4Network | IPv6Network] | None:
    """None = every address. So it is without accounts, too: there is nobody to protect."""
    found: list[IPv4Network | IPv6Network] = []
    for account in accounts:
        if account.allow_from is None:
            return None
        found += account.allow_from
    old = collapse_addresses(one for one in found if isinstance(one, IPv4Network))
    new = collapse_addresses(one for one in found if isinstance(one, IPv6Network))
    return [*old, *new] or None
