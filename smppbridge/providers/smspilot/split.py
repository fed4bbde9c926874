"""How a batch becomes requests to smspilot, and which answer belongs to which message.

A recipient may stand only once in a packet (error 214). The messages of a packet share their sender and their
time, with API-1 also the text and the ttl.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

from smppbridge.model.message import Message
from smppbridge.providers.smspilot.records import MAX_TTL_MINUTES, Item, Packet, PacketLine
from smppbridge.providers.smspilot.sales import SALES, Sale, wire_text

MINUTE = 60_000  # ms; a nearer time of sending would be past when the request arrives (error 250)


class Splitter(NamedTuple):
    """The rules of one API."""

    default_sender: str
    same_text: bool  # all messages of a packet have one text and one ttl
    largest: int  # messages in a packet

    def split(self, messages: Iterable[Message], now: int) -> list[list[Message]]:
        """Packets in order, and their messages in order."""
        packets: dict[Hashable, list[Message]] = {}
        turns: Counter[Hashable] = Counter()
        sizes: Counter[Hashable] = Counter()
        for message in messages:
            kind = self._kind(message, now)
            turn = turns[kind, message.recipient]
            turns[kind, message.recipient] += 1
            largest = 1 if SALES[message.service_type].alone else self.largest
            key = (kind, turn, sizes[kind, turn] // largest)
            sizes[kind, turn] += 1
            packets.setdefault(key, []).append(message)
        return list(packets.values())

    def _kind(self, message: Message, now: int) -> Hashable:
        shared = (message.service_type, self.sender(message), planned(message, now))
        if not self.same_text:
            return shared
        return (*shared, wire_text(message), minutes(message, now))

    def sender(self, message: Message) -> str:
        """The name that is sent along; "" = none."""
        sale = SALES[message.service_type]
        return "" if sale.check else sale.sender or message.sender or self.default_sender

    def packet(self, messages: Sequence[Message], now: int) -> Packet:
        """One of `split`'s lists as a request, without what all requests of an account share."""
        first = messages[0]
        sale = SALES[first.service_type]
        own_text = not self.same_text and not sale.text
        return Packet(
            lines=tuple(_line(message, sale, own_text, now) for message in messages),
            sender=self.sender(first),
            text="" if own_text else wire_text(first),
            send_at=planned(first, now),
        )


def _line(message: Message, sale: Sale, own_text: bool, now: int) -> PacketLine:
    left = 0 if sale.check else minutes(message, now)
    return PacketLine(message.id, message.recipient, message.text if own_text else "", left)


def planned(message: Message, now: int) -> int:
    """When smspilot is to send it, in seconds since 1970; 0 = at once."""
    return math.ceil(message.send_at / 1000) if message.send_at >= now + MINUTE else 0


def minutes(message: Message, now: int) -> int:
    """What is left of its validity when it is sent, rounded up; 0 = the whole day, as without ttl."""
    begins = message.send_at if planned(message, now) else now
    left = max(1, math.ceil((message.deadline - begins) / MINUTE))
    return left if left < MAX_TTL_MINUTES else 0


def pair(packet: Sequence[Message], items: Sequence[Item]) -> Mapping[int, Item]:
    """Our id -> item, by the echoed id; where none of ours is echoed, by position if the numbers agree."""
    ids = [message.id for message in packet]
    times = Counter(item.id for item in items)
    if times.keys().isdisjoint(ids):
        agree = len(items) == len(packet) and all(
            item.phone == message.recipient for item, message in zip(items, packet, strict=True)
        )
        return dict(zip(ids, items, strict=True)) if agree else {}
    ours = set(ids)
    return {item.id: item for item in items if item.id in ours and times[item.id] == 1}


def pair_by_number(packet: Sequence[Message], items: Sequence[Item]) -> Mapping[int, Item]:
    """Our id -> item, for API-1, which echoes the number alone; `v` not even that."""
    if len(packet) == len(items) == 1 and not items[0].phone:
        return {packet[0].id: items[0]}
    times = Counter(item.phone for item in items)
    known = {item.phone: item for item in items if times[item.phone] == 1}
    return {message.id: known[message.recipient] for message in packet if message.recipient in known}
