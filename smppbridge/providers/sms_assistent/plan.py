"""How a batch for sms-assistent.by becomes requests: which format, and which messages share a package.

Traffic rules (§2, §3, §4): PLAIN is for single urgent messages, everything else goes in packages. A package
has one date_send. PLAIN and JSON count validity in hours, so a message that has less than one goes in XML,
which counts seconds, whatever the operator chose: a one-time password must not arrive when it is of no use
any more.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from smppbridge.model.message import Message
from smppbridge.providers.http.sending import SubBatch
from smppbridge.providers.sms_assistent.records import date_send, seconds_left

Format = Literal["json", "xml"]

SOONEST = 11 * 60_000  # ms ahead that a date_send is used: 10 minutes (§2.1), and one on the way there
SHORT = 3600  # seconds; PLAIN and JSON cannot say less


@dataclass(frozen=True, slots=True)
class Package(SubBatch):
    """Messages that go in one request."""

    format: Format
    date: str  # date_send, "" = at once


class Plan(NamedTuple):
    """Everything that a batch becomes; ``plain`` goes first."""

    plain: Sequence[Message]
    packed: Sequence[Message]  # for packages()
    early: Sequence[Message]  # too near to be scheduled there, too far to be sent now


def plan(
    messages: Iterable[Message], *, api: str, default_sender: str, plain_allowed: bool, now: int
) -> Plan:
    """Split a batch. ``api``: the operator's choice; ``plain_allowed``: they have not blocked PLAIN."""
    plain: list[Message] = []
    packed: list[Message] = []
    early: list[Message] = []
    for message in messages:
        if too_near(message, now):
            early.append(message)
        elif plain_allowed and _in_plain(message, api, default_sender, now):
            plain.append(message)
        else:
            packed.append(message)
    return Plan(plain, packed, early)


def _in_plain(message: Message, api: str, default_sender: str, now: int) -> bool:
    if not (message.sender or default_sender):
        return False  # only packages may leave the sender to the account (§3.1)
    return (api == "plain" or message.priority > 0) and not _is_short(message, now)


def packages(messages: Iterable[Message], *, api: str, now: int) -> list[Package]:
    """Packages in the order in which they go: messages with little time left first. The messages of a package
    share their format and their date_send, and keep their order."""
    grouped: dict[tuple[Format, str], list[Message]] = {}
    for message in messages:
        date = date_of(message, now)
        chosen: Format = "xml" if api == "xml" or _is_short(message, now) else "json"
        grouped.setdefault((chosen, date), []).append(message)
    found = [Package(group, *key) for key, group in grouped.items()]
    return sorted(found, key=lambda package: package.format == "json")


def date_of(message: Message, now: int) -> str:
    """The date_send of a message; "" when its time has come. Not for a message that is `too_near`."""
    return date_send(message.send_at) if message.send_at > now else ""


def too_near(message: Message, now: int) -> bool:
    """Whether it is too late to schedule a message there, and too early to send it."""
    return now < message.send_at < now + SOONEST


def _is_short(message: Message, now: int) -> bool:
    return seconds_left(message, now) < SHORT


class Allowance:
    """How many PLAIN messages may go in any ``window`` seconds."""

    def __init__(self, limit: int, window: float = 60.0) -> None:
        self._limit = limit
        self._window = window
        self._used: deque[float] = deque()

    def tighten(self, limit: int) -> None:
        """Another entry uses this account, too: the narrower limit holds."""
        self._limit = min(self._limit, limit)

    def take(self, wanted: int, now: float) -> int:
        """Up to ``wanted`` of what is left now (seconds of a clock that does not jump)."""
        while self._used and now - self._used[0] >= self._window:
            self._used.popleft()
        granted = min(wanted, self._limit - len(self._used))
        self._used.extend([now] * granted)
        return granted
