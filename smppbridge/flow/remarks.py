"""What providers tell of messages besides what became of them: why they refused some, what they cost, what
they changed. It is counted, and what a person should know is logged.
"""

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from smppbridge.errors import ProviderError
from smppbridge.logs import Seldom, event
from smppbridge.metrics import Metrics
from smppbridge.model.message import UNTOLD, Message, Particulars
from smppbridge.providers.base import SendResult, Taken
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

    def results(self, provider: str, messages: Sequence[Message], results: Sequence[SendResult]) -> None:
        """These are the results of a hand-over, one for each message. Refusals are counted and logged, and
        what the provider told of those that it took."""
        errors = [result for result in results if isinstance(result, ProviderError) and result.code]
        self.refused(provider, ((error.code, error.reason) for error in errors))
        self._taken(
            provider,
            (
                (message, result.told)
                for message, result in zip(messages, results, strict=True)
                if isinstance(result, Taken) and result.told is not UNTOLD
            ),
        )

    def refused(self, provider: str, refusals: Iterable[tuple[str, str]]) -> None:
        """The provider refused messages, or did not deliver them: the code and the reason of each."""
        known = self._codes.get(provider, ())
        for (code, reason), count in Counter(refusals).items():
            self._metrics.refusals.labels(provider, _label(code, known)).inc(count)
            self._say(provider, "the provider refused a message", code, count, code=code, reason=reason)

    def replaced(self, provider: str, senders: Iterable[tuple[str, str]]) -> None:
        """Phones show other senders than were asked for: of each, the one asked for and the one shown."""
        for (asked, used), count in Counter(senders).items():
            self._metrics.replaced_senders.labels(provider).inc(count)
            self._say(provider, "the provider replaced a sender", "", count, sender=asked, shown=used)

    def spent(self, provider: str, sums: Mapping[str, int]) -> None:
        """So much was paid, by currency, in millionths."""
        for currency, millionths in sums.items():
            self._metrics.spent.labels(provider, currency).inc(millionths / _MILLION)

    def _taken(self, provider: str, told: Iterable[tuple[Message, Particulars]]) -> None:
        """Count the money; log senders that were replaced, and texts of which the provider counts more parts
        than we do."""
        spent: dict[str, int] = {}
        replaced: list[tuple[str, str]] = []
        for message, particulars in told:
            price, currency, parts_there, _, sender = particulars
            if price:
                spent[currency] = spent.get(currency, 0) + price
            if sender and message.sender and sender != message.sender:
                replaced.append((message.sender, sender))
            if parts_there > 1 and message.octets is None and parts_there > (ours := _parts(message)):
                what = "the provider counts more parts than we do"
                self._say(provider, what, "", 1, parts=parts_there, ours=ours)
        self.spent(provider, spent)
        self.replaced(provider, replaced)

    def _say(self, provider: str, what: str, key: str, count: int, /, **fields: object) -> None:
        """Log it once a minute for each ``key``, with how often it happened since the last time: ``count``
        times now."""
        now = asyncio.get_running_loop().time()
        times = self._seldom.allows((provider, what, key), now, count)
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
