"""All dispatchers of this process: which providers there are, and which of them may be used now."""

import random
from collections.abc import Iterator, Mapping, Sequence

from smppbridge.flow.accounts import Accounts
from smppbridge.flow.send.decide import Situation
from smppbridge.flow.send.dispatcher import Dispatcher
from smppbridge.model.message import Overdue
from smppbridge.smpp.constants import Status


class Fleet(Mapping[str, Dispatcher]):
    """The dispatchers by the names of their providers. Implements `model.route.Choice`.

    Messages may be queued for a provider that is no longer configured. Such a provider has no dispatcher, and
    may not be used.
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._dispatchers: dict[str, Dispatcher] = {}

    def __getitem__(self, provider: str) -> Dispatcher:
        return self._dispatchers[provider]

    def __iter__(self) -> Iterator[str]:
        return iter(self._dispatchers)

    def __len__(self) -> int:
        return len(self._dispatchers)

    def add(self, dispatcher: Dispatcher) -> None:
        """Let this dispatcher work with the others."""
        self._dispatchers[dispatcher.name] = dispatcher

    def share(self, names: Sequence[str]) -> None:
        """These providers are entries of one account: see `ProviderHealth.join`."""
        first, *others = (self._dispatchers[name] for name in names)
        for other in others:
            other.health.join(first.health)

    def start(self) -> None:
        """Begin to send."""
        for dispatcher in self._dispatchers.values():
            dispatcher.start()

    def wake(self, provider: str, account: str, count: int = 1) -> None:
        """``count`` messages of the account were queued for this provider. Raises KeyError for a provider
        that is not configured."""
        self._dispatchers[provider].wake(account, count)

    def retry(self) -> None:
        """Try providers that are down now instead of after their pauses."""
        for dispatcher in self._dispatchers.values():
            dispatcher.retry()

    # --- which providers may be used -----------------------------------------------------------

    def usable(self, provider: str) -> bool:
        """Whether messages may be queued for the provider: it works, and its balance need not be spared."""
        dispatcher = self._dispatchers.get(provider)
        return dispatcher is not None and dispatcher.health.usable

    def working(self, provider: str) -> bool:
        """Whether the provider works, even if its balance is to be spared."""
        dispatcher = self._dispatchers.get(provider)
        return dispatcher is not None and dispatcher.health.working

    def status(self, provider: str) -> int:
        """The command_status that tells an ESME why the provider does not work."""
        dispatcher = self._dispatchers.get(provider)
        return dispatcher.health.status if dispatcher is not None else Status.ESME_RSYSERR

    def in_hand(self, provider: str, message_id: int) -> bool:
        """Whether the message is being handed over to the provider, whatever the clock says of its lease."""
        dispatcher = self._dispatchers.get(provider)
        return dispatcher is not None and dispatcher.in_hand(message_id)

    def situation(self, provider: str, message: Overdue, now: int) -> Situation:
        """What a decision about a message of this provider depends on. ``now`` in ms."""
        dispatcher = self._dispatchers.get(provider)
        if dispatcher is not None:
            return dispatcher.situation(message, now)
        return Situation(now, self, self._accounts.uncertain(message.account), random.random())
