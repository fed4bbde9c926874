"""The accounts in force. A reload replaces them here, and every worker sees the new ones at once."""

from collections.abc import Iterator, Mapping

from smppbridge.model.account import Account
from smppbridge.model.receipt_profile import ReceiptProfile


class Accounts(Mapping[str, Account]):
    """The accounts by system_id.

    A message may belong to an account that is no longer configured. `uncertain`, `quiet_over` and `receipt`
    then return the defaults."""

    def __init__(self, accounts: Mapping[str, Account]) -> None:
        self._accounts = dict(accounts)

    def reload(self, accounts: Mapping[str, Account]) -> None:
        """Use these accounts from now on."""
        self._accounts = dict(accounts)

    def __getitem__(self, name: str) -> Account:
        return self._accounts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._accounts)

    def __len__(self) -> int:
        return len(self._accounts)

    def uncertain(self, name: str) -> str:
        """What to do with an uncertain message of this account: "hold", "resend" or "fail"."""
        account = self._accounts.get(name)
        return account.uncertain if account is not None else "hold"

    def quiet_over(self, name: str, at: int) -> int:
        """When a message without priority of this account that may go at ``at`` may go after all, in ms: see
        `Account.quiet_over`."""
        account = self._accounts.get(name)
        return account.quiet_over(at) if account is not None else at

    def receipt(self, name: str) -> ReceiptProfile:
        """How receipts of this account look, and how long they are kept."""
        account = self._accounts.get(name)
        return account.receipt if account is not None else ReceiptProfile()
