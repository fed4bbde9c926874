"""Senders of accounts that providers would never take: mistakes where none of them does."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from smppbridge.config.sections import Config
from smppbridge.model.account import Account


class BadSender(NamedTuple):
    """A sender that some provider of the account's routes does not take."""

    path: str  # of its key
    provider: str
    problem: str
    everywhere: bool  # no provider of the routes takes it

    def __str__(self) -> str:
        return f"{self.path}: provider {self.provider} does not take it: {self.problem}"


def bad_senders(config: Config) -> Iterator[BadSender]:
    """Each of them, with the first provider that does not take it."""
    for name, account in config.accounts.items():
        providers = config.providers_of(name)
        for key, sender in _senders(account, config.variables):
            plain = sender.removeprefix("+")
            problems = {one: config.providers[one].sender_problem(plain) for one in providers}
            refused = [one for one, problem in problems.items() if problem]
            if refused:
                everywhere = len(refused) == len(problems)
                yield BadSender(f"accounts.{name}.{key}", refused[0], problems[refused[0]], everywhere)


def _senders(account: Account, variables: Collection[str]) -> Iterator[tuple[str, str]]:
    """Each sender, and where it stands. What came from the environment (``variables``) is not quoted."""
    if account.default_sender:
        yield "default_sender", account.default_sender
    for sender in sorted(account.senders or ()):
        yield "senders" if any(one in sender for one in variables) else f'senders "{sender}"', sender
