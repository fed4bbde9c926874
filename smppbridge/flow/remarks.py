"""What providers tell of messages besides what became of them: why they refused some, what they cost, what
they changed. It is counted, and what a person should know is logged.
"""

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from smppbridge.errors import ProviderError
from smppbridge.logs import Seldom, event
from smppbridge.metrics import Metrics
from smppbridge.model.message import Message, Sent
from smppbridge.providers.base import SendResult
from smppbridge.smpp.text import parts

log = logging.getLogger(__name__)

_INTERVAL = 60.0  # seconds between two lines about the same
_OTHER = "other"  # label of codes that no table holds
_MILLION = 1_000_000
_DETAIL = re.compile(r"[ /]")  # what follows in a code: "20/253", "UNDELIV 003"


class Remarks:
    """For all providers. ``codes``: by provider, the codes that become labels of refusals_total."""

    def __init__(self, metrics: Metrics, codes: Mapping[str, Collection[str]]) -> None:
        self._metrics = metrics
        self._codes = codes
        self._seldom = Seldom(_INTERVAL)

    def results(self, provider: str, results: Iterable[SendResult]) -> None:
        """These are the results of a hand-over: count and log the refusals."""
        refused = [result for result in results if isinstance(result, ProviderError) and result.code]
        self.refused(provider, ((error.code, error.reason) for error in refused))

    def refused(self, provider: str, refusals: Iterable[tuple[str, str]]) -> None:
        """The provider refused messages, or did not deliver them: the code and the reason of each."""
        known = self._codes.get(provider, ())
        for (code, reason), count in Counter(refusals).items():
            self._metrics.refusals.labels(provider, _label(code, known)).inc(count)
            self._say(provider, "the provider refused a message", code, code=code, reason=reason)

    def sent(self, provider: str, messages: Mapping[int, Message], sent: Iterable[Sent]) -> None:
        """The provider took these; ``messages`` by id. Count the money; log senders that it replaced, and
        texts of which it counts more parts than we do. Messages that are not in ``messages`` are counted
        only."""
        for taken in sent:
            told = taken.told
            if told.price:
                self.spent(provider, {told.currency: told.price})
            message = messages.get(taken.id)
            if message is None:
                continue
            if told.sender and message.sender and told.sender != message.sender:
                self.replaced(provider, [(message.sender, told.sender)])
            if told.parts > 1 and message.octets is None and told.parts > (ours := _parts(message)):
                self._say(provider, "the provider counts more parts than we do", parts=told.parts, ours=ours)

    def replaced(self, provider: str, senders: Iterable[tuple[str, str]]) -> None:
        """Phones show other senders than were asked for: of each, the one asked for and the one shown."""
        for asked, used in senders:
            self._metrics.replaced_senders.labels(provider).inc()
            self._say(provider, "the provider replaced a sender", sender=asked, shown=used)

    def spent(self, provider: str, sums: Mapping[str, int]) -> None:
        """So much was paid, by currency, in millionths."""
        for currency, millionths in sums.items():
            self._metrics.spent.labels(provider, currency).inc(millionths / _MILLION)

    def _say(self, provider: str, what: str, key: str = "", /, **fields: object) -> None:
        """Log it once a minute for each ``key``, with how often it happened since the last time."""
        times = self._seldom.allows((provider, what, key), asyncio.get_running_loop().time())
        if times:
            event(log, logging.WARNING, what, provider=provider, **fields, times=times)


def _label(code: str, known: Collection[str]) -> str:
    """The code, or the word that it begins with, where that is known."""
    word = _DETAIL.split(code, maxsplit=1)[0]
    return code if code in known else word if word in known else _OTHER


def _parts(message: Message) -> int:
    try:
        return parts(message.text)
    except ValueError:  # a lone surrogate
        return 1
