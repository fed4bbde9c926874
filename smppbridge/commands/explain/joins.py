"""The parts of long messages, until they are whole."""

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from smppbridge.commands.explain.found import Remark
from smppbridge.model.account import Account
from smppbridge.model.joining import PartPlace, place_of
from smppbridge.smpp.concat import Concat
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.submission.content import Content

MAX_JOINS = 1000  # long messages that are remembered at once

_Key = tuple[str, str, str, Concat]


class Whole(NamedTuple):
    """A long message of which all parts are there."""

    first: SubmitSm  # part 1
    octets: list[bytes]  # of the parts in order, each with its header


@dataclass(slots=True)
class _Message:
    """A long message, whole or not."""

    total: int
    until: int  # ms: parts that come later belong to another message
    parts: dict[int, tuple[SubmitSm, bytes]] = field(default_factory=dict)

    @property
    def missing(self) -> list[int]:
        return [number for number in range(1, self.total + 1) if number not in self.parts]


class Joins:
    """Collects parts as the bridge does: by account, addresses, reference and total."""

    def __init__(self) -> None:
        self._open: OrderedDict[_Key, _Message] = OrderedDict()
        self._given_up: deque[tuple[Concat, _Message]] = deque(maxlen=MAX_JOINS)

    def add(self, account: Account, submit: SubmitSm, content: Content, now: int) -> Whole | str | None:
        """The whole message, when this is its last part; else a sentence; None for what is not joined.

        ``now``: ms, when it came."""
        concat, octets = content.concat, content.octets
        if concat is None or octets is None:
            return None
        key = (account.name, submit.source_addr, submit.destination_addr, concat._replace(number=0))
        message, before = self._open.get(key), ""
        if message is not None and message.until <= now:
            self._close(key)
            message = None
        if message is not None:
            place = place_of(octets, message.parts.get(concat.number, (None, None))[1])
            if place is PartPlace.AGAIN:
                return "this part was here before: it is answered with the message_id that it got then"
            if place is PartPlace.OTHER:
                before = "another part with this number was here before: a new message begins; "
                self._close(key)
                message = None
        if message is None:
            message = self._begin(key, concat.total, now + round(account.join.timeout * 1000))
        message.parts[concat.number] = (submit, octets)
        if message.missing:
            return f"{before}{len(message.missing)} of {concat.total} parts are still missing"
        return Whole(message.parts[1][0], [message.parts[number][1] for number in sorted(message.parts)])

    def _begin(self, key: _Key, total: int, until: int) -> _Message:
        message = self._open[key] = _Message(total, until)
        if len(self._open) > MAX_JOINS:
            self._open.popitem(last=False)
        return message

    def _close(self, key: _Key) -> None:
        message = self._open.pop(key)
        if message.missing:
            self._given_up.append((key[3], message))

    def end(self) -> Iterator[Remark]:
        """What never came."""
        for concat, message in (*self._given_up, *((key[3], one) for key, one in self._open.items())):
            if message.missing:
                missing = ", ".join(map(str, message.missing))
                name = f"long message with reference {concat.reference}"
                yield Remark(f"{name}: part {missing} of {concat.total} was not found")
