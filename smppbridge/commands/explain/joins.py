"""The parts of long messages, until they are whole."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

from smppbridge.commands.explain.found import Remark
from smppbridge.model.account import Account
from smppbridge.smpp.concat import Concat
from smppbridge.smpp.pdu import SubmitSm
from smppbridge.submission.content import Content

MAX_JOINS = 1000  # long messages that are collected at once

_Key = tuple[str, str, str, Concat]


class Whole(NamedTuple):
    """A long message of which all parts are there."""

    first: SubmitSm  # part 1
    octets: list[bytes]  # of the parts in order, each with its header


class Joins:
    """Collects parts as the bridge does: by account, addresses, reference and total."""

    def __init__(self) -> None:
        self._parts: OrderedDict[_Key, dict[int, tuple[SubmitSm, bytes]]] = OrderedDict()

    def add(self, account: Account, submit: SubmitSm, content: Content) -> Whole | str | None:
        """The whole message, when this is its last part; else a sentence; None for what is not joined."""
        concat = content.concat
        if concat is None or content.octets is None:
            return None
        key = (account.name, submit.source_addr, submit.destination_addr, concat._replace(number=0))
        parts = self._parts.setdefault(key, {})
        if concat.number in parts:
            return "this part was here before: it is answered with the message_id that it got then"
        parts[concat.number] = (submit, content.octets)
        if len(parts) < concat.total:
            if len(self._parts) > MAX_JOINS:
                self._parts.popitem(last=False)
            return f"{concat.total - len(parts)} of {concat.total} parts are still missing"
        del self._parts[key]
        return Whole(parts[1][0], [parts[number][1] for number in sorted(parts)])

    def end(self) -> Iterator[Remark]:
        """What never came."""
        for (_, _, _, concat), parts in self._parts.items():
            missing = ", ".join(str(number) for number in range(1, concat.total + 1) if number not in parts)
            name = f"long message with reference {concat.reference}"
            yield Remark(f"{name}: part {missing} of {concat.total} was not found")
