"""Messages from phones (MO): finds the accounts that they belong to, and stores what is owed to each."""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence

from smppbridge.flow.accounts import Accounts
from smppbridge.flow.deliver.inbound_text import write
from smppbridge.logs import event
from smppbridge.metrics import Metrics
from smppbridge.model.account import Account
from smppbridge.model.inbound import InboundRule, owners
from smppbridge.model.message import Inbound, InboundPart
from smppbridge.smpp.constants import EsmClass
from smppbridge.store.base import Delivering
from smppbridge.store.results import Arrival

log = logging.getLogger(__name__)

ADDRESS_MAX = 20  # SMPP 3.4 §4.6.1: 21 octets with the NUL


class InboundRouter:
    """Stores what phones send, by the rules of the configuration. ``rules`` may be replaced at any time."""

    def __init__(
        self,
        store: Delivering,
        metrics: Metrics,
        clock: Callable[[], int],
        rules: Sequence[InboundRule],
        accounts: Accounts,
        owed: Callable[[str], None],
        logins: Sequence[Sequence[str]] = (),
    ) -> None:
        """``owed(account)`` is called when something new is owed to the account. ``logins``: providers that
        are entries of one account, together: all of them hear of the same messages."""
        self.rules = rules
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._accounts = accounts
        self._owed = owed
        self._logins = {name: names for names in logins for name in names}

    async def arrive(self, provider: str, messages: Sequence[Inbound]) -> None:
        """Take messages that ``provider`` tells of. Returns after COMMIT.

        A message that was taken before, by the provider's id or else by its content, is passed over. A
        message that no rule gives to an account is stored, and owed to nobody. Raises StoreError: then
        nothing was taken."""
        now = self._clock()
        entries = self._logins.get(provider, (provider,))
        arrivals = [self._arrival(entries, message, now) for message in messages]
        for arrival in await self._store.add_inbound(arrivals, now):
            self._announce(arrival)

    def _announce(self, arrival: Arrival) -> None:
        """Count a new message and tell its accounts; where it has none, warn."""
        accounts = list(dict.fromkeys(part.account for part in arrival.parts))
        for name in accounts or [""]:
            self._metrics.inbound_messages.labels(arrival.provider, name).inc()
        for name in accounts:
            self._owed(name)
        if not accounts:
            event(
                log,
                logging.WARNING,
                "message from a phone belongs to nobody: no inbound rule matches; it is kept in the store",
                provider=arrival.provider,
                source=arrival.message.source,
                destination=arrival.message.destination,
            )

    def _arrival(self, entries: Sequence[str], message: Inbound, now: int) -> Arrival:
        """It counts as heard of by the first entry, whichever did."""
        provider = entries[0]
        names = owners(self.rules, entries, message.destination, message.text)
        there = [self._accounts[name] for name in names if name in self._accounts]
        message = _storable(message, now)
        return Arrival(
            provider, message, [part for account in there for part in _parts(provider, account, message)]
        )


def _storable(message: Inbound, now: int) -> Inbound:
    """``message`` with what a store can hold: no half surrogate pair, an id, a time that is not to come.
    ``now`` in ms."""
    ref, source, destination, text = (
        one.encode("utf-8", "replace").decode()
        for one in (message.ref, message.source, message.destination, message.text)
    )
    message = message._replace(ref=ref, source=source, destination=destination, text=text)
    ref = ref or _fingerprint(message)  # of what was told, so that it is the same the next time
    return message._replace(ref=ref, at=message.at if 0 < message.at < now else now)


def _fingerprint(message: Inbound) -> str:
    """Stands for the id, where the provider gives none."""
    words = "\0".join((message.source, message.destination, message.text, str(message.at)))
    return hashlib.sha256(words.encode()).hexdigest()


def _parts(provider: str, account: Account, message: Inbound) -> Iterator[InboundPart]:
    """The deliver_sm that one account gets. Octets (binary content, or a part) go on as they came."""
    if message.octets is not None:
        yield _part(provider, account, message, message.esm_class, message.data_coding, message.octets)
        return
    reference = hashlib.sha256(message.ref.encode()).digest()[0]  # the same each time it is told
    written = write(account, message.text, reference)
    esm_class = EsmClass.UDHI if len(written.parts) > 1 else 0
    for octets in written.parts:
        yield _part(provider, account, message, esm_class, written.data_coding, octets)


def _part(
    provider: str, account: Account, message: Inbound, esm_class: int, data_coding: int, octets: bytes
) -> InboundPart:
    return InboundPart(
        id=0,
        account=account.name,
        provider=provider,
        source=_address(message.source),
        destination=_address(message.destination or account.default_sender or ""),
        esm_class=int(esm_class),
        data_coding=data_coding,
        octets=octets,
        at=message.at,
        tries=0,
    )


def _address(text: str) -> str:
    """As much of ``text`` as an address of SMPP can hold."""
    return "".join(char for char in text if " " < char < "\x7f")[:ADDRESS_MAX]
